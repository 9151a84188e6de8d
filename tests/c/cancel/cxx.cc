// Cancellation unwinds C++: destructors run, catch (...) sees it and has to rethrow, ordinary handlers do not see it.
#include "oracle.h"

#include <cxxabi.h>
#include <exception>

static sem_t arrived;

struct Told {
    const char *name;
    explicit Told(const char *what) : name(what) {}
    ~Told() { say("destroy %s", name); }
};

static void wait_here()
{
    Told told("innermost");
    MUST(sem_post(&arrived) == 0);
    sleep(100);
    say("never");
}

static void catch_all()
{
    Told told("middle");
    try {
        wait_here();
    } catch (const std::exception &) {
        say("never: an ordinary handler");
    } catch (...) {
        say("caught and rethrown");
        throw;
    }
}

static void catch_forced()
{
    try {
        catch_all();
    } catch (abi::__forced_unwind &) {
        say("caught by its type and rethrown");
        throw;
    }
}

static void *body(void *unused)
{
    Told told("outermost");
    catch_forced();
    return unused;
}

static void *leave(void *)
{
    Told told("of a thread that exits");
    try {
        pthread_exit(reinterpret_cast<void *>(3));
    } catch (...) {
        say("pthread_exit seen by catch (...)");
        throw;
    }
}

static void *exception_then_cancel(void *unused)
{
    try {
        throw 5;
    } catch (int n) {
        Told told("in a handler of another exception");
        say("handling %d", n);
        MUST(sem_post(&arrived) == 0);
        sleep(100);
    }
    return unused;
}

int main()
{
    begin();
    MUST(sem_init(&arrived, 0, 0) == 0);
    void *(*bodies[])(void *) = {body, exception_then_cancel, body};
    for (auto each : bodies) {
        pthread_t thread = start(each, nullptr);
        MUST(sem_wait(&arrived) == 0);
        MUST(pthread_cancel(thread) == 0);
        say("cancelled: %d", finish(thread) == PTHREAD_CANCELED);
    }
    say("exited: %ld", reinterpret_cast<long>(finish(start(leave, nullptr))));
    return 0;
}
