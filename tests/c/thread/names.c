// Thread names: inherited from the maker, set, read back by others, refused when too long.
#include "oracle.h"

#include <sys/prctl.h>

static sem_t named, leave;

static void say_name(const char *what, pthread_t thread)
{
    char name[16] = "";
    int error = pthread_getname_np(thread, name, sizeof name);
    say("%s: %s %s", what, error_name(error), name);
}

static void *body(void *unused)
{
    char name[17] = "";
    say_name("inherited", pthread_self());
    say_error("set", pthread_setname_np(pthread_self(), "fifteen letters"));
    MUST(prctl(PR_GET_NAME, name) == 0);
    say("by prctl: %s", name);
    MUST(sem_post(&named) == 0);
    MUST(sem_wait(&leave) == 0);
    say_name("set by another", pthread_self());
    return unused;
}

int main(void)
{
    begin();
    char small[15];
    MUST(sem_init(&named, 0, 0) == 0 && sem_init(&leave, 0, 0) == 0);
    say_name("main at first", pthread_self());
    MUST(pthread_setname_np(pthread_self(), "the main one") == 0);
    for (int i = 0; i < 2; i++) {
        pthread_t thread = start(body, NULL);
        MUST(sem_wait(&named) == 0);
        say_name("seen from main", thread);
        say_error("too long", pthread_setname_np(thread, "sixteen letters!"));
        say_error("too small a buffer", pthread_getname_np(thread, small, sizeof small));
        say_error("set another's", pthread_setname_np(thread, "renamed"));
        MUST(sem_post(&leave) == 0);
        finish(thread);
    }
    say_name("main at last", pthread_self());
    return 0;
}
