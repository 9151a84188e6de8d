// A library with a variable in static TLS, which dlopen fills in for every thread that exists: see tls_dlopen.c.
static __thread int fixed __attribute__((tls_model("initial-exec"))) = 7;

int plugin_fixed(void)
{
    return fixed++;
}
