// system and popen, from main and from threads that run at the same time: statuses, output, input.
#include "oracle.h"

static int wrong;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *run(void *number)
{
    char command[100], line[100] = "";
    int n = (int)(intptr_t)number;
    snprintf(command, sizeof command, "exit %d", n);
    int status = system(command);
    bool right = WIFEXITED(status) && WEXITSTATUS(status) == n;
    snprintf(command, sizeof command, "sleep 0.0%d; echo number %d; exit %d", n % 5, n, n + 1);
    FILE *stream = popen(command, "re");
    MUST(stream);
    right = right && fgets(line, sizeof line, stream) && atoi(line + 7) == n;
    status = pclose(stream);
    right = right && WIFEXITED(status) && WEXITSTATUS(status) == n + 1;
    MUST(pthread_mutex_lock(&mutex) == 0);
    wrong += !right;
    MUST(pthread_mutex_unlock(&mutex) == 0);
    return NULL;
}

int main(void)
{
    begin();
    pthread_t threads[8];
    say("a shell: %d", system(NULL) != 0);
    int status = system("kill -15 $$");
    say("signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    status = system("/nonexistent/program 2>/dev/null");
    say("not found: %d", WEXITSTATUS(status));
    for (intptr_t i = 0; i < 8; i++)
        threads[i] = start(run, (void *)i);
    for (int i = 0; i < 8; i++)
        finish(threads[i]);
    say("wrong: %d", wrong);
    FILE *stream = popen("read a b; echo \"$b $a\"; cat >/dev/null", "w");
    MUST(stream && fputs("one two\nthree\n", stream) >= 0);
    say("pclose: %d", pclose(stream));
    return 0;
}
