// POSIX message queues and System V messages and semaphores: waits in the kernel on things that are no descriptors to poll.
// cflags: -lrt
#include "oracle.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

static mqd_t queue;
static int messages, semaphores;

static void *receive(void *unused)
{
    char data[16] = "";
    MUST(mq_receive(queue, data, sizeof data, NULL) == 5);
    say("received %s", data);
    return unused;
}

static void *receive_system_v(void *unused)
{
    struct { long type; char text[8]; } message = {0};
    MUST(msgrcv(messages, &message, sizeof message.text, 7, 0) == 6);
    say("received %s", message.text);
    return unused;
}

static void *decrement(void *unused)
{
    struct sembuf down = {.sem_op = -1};
    MUST(semop(semaphores, &down, 1) == 0);
    say("decremented");
    return unused;
}

int main(void)
{
    begin();
    char name[64];
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
    snprintf(name, sizeof name, "/greenlet-oracle-%d", getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    MUST(queue != (mqd_t)-1 && mq_unlink(name) == 0);
    pthread_t thread = start(receive, NULL);
    settle();
    MUST(mq_send(queue, "hello", 5, 0) == 0);
    finish(thread);
    struct timespec soon = in_ms(CLOCK_REALTIME, 30);
    char data[16];
    say_call("mq_timedreceive", mq_timedreceive(queue, data, sizeof data, NULL, &soon));

    messages = msgget(IPC_PRIVATE, 0600);
    MUST(messages != -1);
    thread = start(receive_system_v, NULL);
    settle();
    struct { long type; char text[8]; } message = {7, "posted"};
    MUST(msgsnd(messages, &message, 6, 0) == 0);
    finish(thread);
    say_call("remove", msgctl(messages, IPC_RMID, NULL));

    semaphores = semget(IPC_PRIVATE, 1, 0600);
    MUST(semaphores != -1);
    thread = start(decrement, NULL);
    settle();
    struct sembuf up = {.sem_op = 1};
    MUST(semop(semaphores, &up, 1) == 0);
    finish(thread);
    say_call("remove", semctl(semaphores, 0, IPC_RMID));
    return 0;
}
