// getaddrinfo_a: waited for in the call and with gai_suspend, told by a thread, by several threads at a time; what is done cannot be
// cancelled any more.
#include "oracle.h"

#include <netdb.h>

enum { NAMES = 3 };

static sem_t told;
static int right;

static void tell(union sigval value)
{
    MUST(sem_post(value.sival_ptr) == 0);
}

static void ask(struct gaicb *asked, struct gaicb **list, int how, struct sigevent *event)
{
    static const char *const names[NAMES] = {"localhost", "127.0.0.2", "no.such.number"};
    static const struct addrinfo numeric = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    static const struct addrinfo any = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    for (int i = 0; i < NAMES; i++) {
        asked[i] = (struct gaicb){.ar_name = names[i], .ar_service = "80", .ar_request = i == 0 ? &any : &numeric};
        list[i] = &asked[i];
    }
    MUST(getaddrinfo_a(how, list, NAMES, event) == 0);
}

static int check(struct gaicb *asked)
{
    static const int errors[NAMES] = {0, 0, EAI_NONAME};
    int good = 0;
    for (int i = 0; i < NAMES; i++) {
        good += gai_error(&asked[i]) == errors[i] && (asked[i].ar_result == NULL) == (errors[i] != 0);
        if (asked[i].ar_result)
            freeaddrinfo(asked[i].ar_result);
    }
    return good;
}

static void *asks(void *unused)
{
    struct gaicb asked[NAMES], *list[NAMES];
    struct timespec long_time = span_ms(5000);
    ask(asked, list, GAI_WAIT, NULL);
    int good = check(asked);
    ask(asked, list, GAI_NOWAIT, NULL);
    for (int i = 0; i < NAMES; i++)
        while (gai_error(&asked[i]) == EAI_INPROGRESS)
            (void)gai_suspend((const struct gaicb *const *)&list[i], 1, &long_time);
    good += check(asked);
    __atomic_add_fetch(&right, good, __ATOMIC_SEQ_CST);
    return unused;
}

int main(void)
{
    begin();
    struct gaicb asked[NAMES], *list[NAMES];
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell, .sigev_value.sival_ptr = &told};
    pthread_t threads[8];
    MUST(sem_init(&told, 0, 0) == 0);
    for (int i = 0; i < 8; i++)
        threads[i] = start(asks, NULL);
    for (int i = 0; i < 8; i++)
        finish(threads[i]);
    say("right: %d", right);
    ask(asked, list, GAI_NOWAIT, &event);
    MUST(sem_wait(&told) == 0);
    say("told: %d", check(asked));
    say("cancel: %d", gai_cancel(&asked[0]));
    return 0;
}
