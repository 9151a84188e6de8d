// A library with thread-local variables, loaded by tls_dlopen.c while threads already exist.
static __thread int counter = 40;
static __thread char big[5000];

int plugin_next(void)
{
    big[4999]++;
    return ++counter;
}

int plugin_big(void)
{
    return big[4999];
}
