// kill(2) with the id of a thread means its process.
#include "oracle.h"

static sem_t known, over;
static pid_t id;

static volatile sig_atomic_t ran;

static void on_signal(int signo)
{
    (void)signo;
    ran++;
}

static void *be_known(void *unused)
{
    id = gettid();
    MUST(sem_post(&known) == 0);
    while (sem_wait(&over) != 0)
        MUST(errno == EINTR);
    return unused;
}

int main(void)
{
    begin();
    struct sigaction action = {.sa_handler = on_signal};
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    MUST(sem_init(&known, 0, 0) == 0 && sem_init(&over, 0, 0) == 0);
    pthread_t thread = start(be_known, NULL);
    MUST(sem_wait(&known) == 0);
    say_call("is it there", kill(id, 0));
    say_call("kill", kill(id, SIGUSR1));
    settle();
    say_call("sigqueue", sigqueue(id, SIGUSR1, (union sigval){.sival_int = 1}));
    settle();
    say("ran: %d", ran);
    MUST(sem_post(&over) == 0);
    finish(thread);
    settle();
    say("of one that has ended: %s", kill(id, 0) == 0 ? "there" : strerrorname_np(errno));
}
