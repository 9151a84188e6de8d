// Steps with a process of their own: the child of a fork runs a small random program, another runs this program's leaf.
//
// A forked child inherits every descriptor of the moment, so an end of file elsewhere may wait for it: it waits for nothing of
// its parent's.

#include "program.h"
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

enum { CODES = 64 };

static int leaf_code(uint64_t value) { return (int)(mixed(value) % CODES); }

// `leaf VALUE`: says what follows from the value, in words and as its exit status.
int be_leaf(char **arguments) {
    uint64_t value = strtoull(arguments[2], NULL, 16);
    printf("%016llx\n", (unsigned long long)fold(value, 2));
    return leaf_code(value);
}

// ---- waiting --------------------------------------------------------------------------------------------------

static int wait_child(pid_t child, struct chance *c) {
    int status;
    siginfo_t info;
    struct rusage usage;
    long ended;
    switch (below(c, 4)) {
    case 0:
        while ((ended = SYS(waitpid(child, &status, WNOHANG))) == 0) sleep_us(200);
        break;
    case 1:
        AGAIN(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
        CHECK(info.si_pid == child && info.si_code == CLD_EXITED);
        ended = AGAIN(waitpid(child, &status, 0));
        CHECK(info.si_status == WEXITSTATUS(status));
        break;
    case 2: ended = AGAIN(wait4(child, &status, 0, &usage)); break;
    default: ended = AGAIN(waitpid(child, &status, 0)); break;
    }
    CHECK(ended == child);
    if (!WIFEXITED(status)) FAIL("a child was ended by a signal", WTERMSIG(status));
    return WEXITSTATUS(status);
}

// ---- fork -----------------------------------------------------------------------------------------------------

static void be_child(uint64_t value, int end) {
    block_signals();
    uint64_t result = run_program(value, 1);
    CHECK(write(end, &result, sizeof result) == sizeof result);
    fflush(stderr);
    _exit(leaf_code(result));
}

uint64_t with_fork(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    int ends[2];
    uint64_t result;
    SYS(pipe(ends));
    pid_t child = (pid_t)SYS(fork());
    if (child == 0) be_child(fold(me->hash, 3), ends[1]);
    SYS(close(ends[1]));
    long told = AGAIN(read(ends[0], &result, sizeof result));
    int code = wait_child(child, c); // first: how it ended says more than that it told nothing
    CHECK(told == sizeof result && code == leaf_code(result));
    SYS(close(ends[0]));
    return result;
}

// ---- programs -------------------------------------------------------------------------------------------------

static pid_t spawn_leaf(char **arguments, const int *ends) {
    pid_t child;
    posix_spawn_file_actions_t actions;
    CODE(posix_spawn_file_actions_init(&actions));
    CODE(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO));
    CODE(posix_spawn_file_actions_addclose(&actions, ends[0]));
    CODE(posix_spawn(&child, own_path, &actions, NULL, arguments, environ));
    CODE(posix_spawn_file_actions_destroy(&actions));
    return child;
}

static pid_t exec_leaf(char **arguments, const int *ends, bool borrow) {
    pid_t child = (pid_t)SYS(borrow ? vfork() : fork());
    if (child != 0) return child;
    dup2(ends[1], STDOUT_FILENO);
    execv(own_path, arguments);
    _exit(127);
}

static uint64_t run_leaf(uint64_t value, char **arguments, struct chance *c) {
    int ends[2];
    char line[17];
    SYS(pipe(ends));
    pid_t child;
    switch (below(c, 3)) {
    case 0: child = spawn_leaf(arguments, ends); break;
    case 1: child = exec_leaf(arguments, ends, true); break;
    default: child = exec_leaf(arguments, ends, false); break;
    }
    SYS(close(ends[1]));
    read_all(ends[0], line, sizeof line, c);
    CHECK(at_end(ends[0], c));
    SYS(close(ends[0]));
    CHECK(wait_child(child, c) == leaf_code(value));
    return strtoull(line, NULL, 16);
}

static uint64_t by_shell(uint64_t value, struct chance *c) {
    char command[4200], line[64];
    snprintf(command, sizeof command, "'%s' leaf %llx", own_path, (unsigned long long)value);
    if (below(c, 2)) {
        strcat(command, " >/dev/null");
        CHECK(WEXITSTATUS(SYS(system(command))) == leaf_code(value));
        return fold(value, 2);
    }
    FILE *stream = popen(command, "r");
    CHECK(stream != NULL);
    while (fgets(line, sizeof line, stream) == NULL) {
        CHECK(errno == EINTR);
        clearerr(stream);
    }
    CHECK(WEXITSTATUS(SYS(pclose(stream))) == leaf_code(value));
    return strtoull(line, NULL, 16);
}

uint64_t with_program(struct thread *me, uint64_t object, struct chance *c) {
    (void)object;
    char word[20];
    snprintf(word, sizeof word, "%llx", (unsigned long long)me->hash);
    char *arguments[] = {own_path, "leaf", word, NULL};
    uint64_t said = below(c, 4) ? run_leaf(me->hash, arguments, c) : by_shell(me->hash, c);
    CHECK(said == fold(me->hash, 2));
    return said;
}
