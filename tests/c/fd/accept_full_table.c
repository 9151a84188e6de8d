// accept where no number is left fails at once, whether or not somebody comes.
#include "oracle.h"

#include <sys/resource.h>

static void *body(void *unused)
{
    int listener = tcp_listener(5), client = tcp_connect(port_of(listener)), spare[64], count = 0;
    int first = accept(listener, NULL, NULL);
    MUST(client >= 0 && first >= 0);
    struct rlimit old, new;
    MUST(getrlimit(RLIMIT_NOFILE, &old) == 0);
    new = (struct rlimit){32, old.rlim_max};
    MUST(setrlimit(RLIMIT_NOFILE, &new) == 0);
    while ((spare[count] = dup(listener)) >= 0)
        count++;
    say_call("accept", accept(listener, NULL, NULL));
    say_call("accept4", accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    say_call("accept of a connection", accept(first, NULL, NULL));
    MUST(close(spare[0]) == 0);
    set_timeout(listener, SO_RCVTIMEO, 30);
    say_call("accept", accept(listener, NULL, NULL));
    MUST(setrlimit(RLIMIT_NOFILE, &old) == 0);
    return unused;
}

int main(void)
{
    begin();
    finish(start(body, NULL));
    return 0;
}
