// Greenlets in C++: exceptions in them and through a time-out, destructors of those that are killed, thread-local objects. Prints what it
// finds wrong, or that all is right.
#include "greenlets.h"
#include <greenlet.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

int alive, destroyed_locals;

struct Counted {
    Counted() { alive++; }
    Counted(const Counted &) = delete;
    ~Counted() { alive--; }
};

struct Local {
    bool is_used = false;
    ~Local() { destroyed_locals += is_used; }
};

thread_local Local local;

// ---- exceptions -----------------------------------------------------------------------------------------------

void waits_and_throws(int depth)
{
    Counted counted;
    CHECK(greenlet_yield() == 0);
    if (depth == 0)
        throw std::runtime_error("from below");
    waits_and_throws(depth - 1);
}

void *catches(void *)
{
    for (int i = 0; i < 5; i++) {
        try {
            waits_and_throws(i);
            CHECK(false);
        } catch (const std::runtime_error &error) {
            // Others throw meanwhile: each greenlet has exceptions of its own.
            CHECK(greenlet_sleep(0.001) == 0);
            CHECK(std::string("from below") == error.what());
        }
    }
    return nullptr;
}

void exceptions()
{
    std::vector<greenlet_t> all;
    for (int i = 0; i < 50; i++)
        all.push_back(greenlet_spawn(catches, nullptr));
    for (greenlet_t one : all)
        CHECK(one != 0 && greenlet_join(one, nullptr) == 0);
    CHECK(alive == 0);
}

// ---- through a time-out ---------------------------------------------------------------------------------------

void *throws(void *)
{
    Counted counted;
    CHECK(greenlet_sleep(0.001) == 0);
    throw 7;
}

void *throws_when_late(void *)
{
    CHECK(greenlet_sleep(20) == -1 && errno == ETIMEDOUT);
    throw 8;
}

void through_a_timeout()
{
    int caught = 0;
    try {
        (void)greenlet_with_timeout(0.02, throws, nullptr, nullptr, nullptr);
    } catch (int thrown) {
        caught = thrown;
    }
    CHECK(caught == 7 && alive == 0);
    // Nothing is left of the time-out.
    CHECK(greenlet_sleep(0.05) == 0);
    try {
        (void)greenlet_with_timeout(0.005, throws_when_late, nullptr, nullptr, nullptr);
    } catch (int thrown) {
        caught = thrown;
    }
    CHECK(caught == 8 && greenlet_sleep(0.001) == 0);
}

// ---- kills ----------------------------------------------------------------------------------------------------

std::mutex mutex;
std::condition_variable never;

void *sleeps_inside(void *) { return (void)greenlet_sleep(100), nullptr; }

void *is_killed(void *how)
{
    local.is_used = true;
    auto counted = std::make_unique<Counted>();
    Counted other;
    switch (reinterpret_cast<intptr_t>(how)) {
    case 0: (void)greenlet_sleep(100); break;
    case 1: (void)greenlet_with_timeout(100, sleeps_inside, nullptr, nullptr, nullptr); break;
    case 2: {
        std::unique_lock<std::mutex> lock(mutex);
        never.wait(lock, [] { return false; });
        break;
    }
    default:
        try {
            (void)greenlet_sleep(100);
        } catch (...) {
            CHECK(greenlet_current() != 0);
            throw;
        }
    }
    CHECK(false);
    return nullptr;
}

void kills()
{
    for (intptr_t how = 0; how < 4; how++) {
        void *value = nullptr;
        destroyed_locals = 0;
        greenlet_t one = greenlet_spawn(is_killed, reinterpret_cast<void *>(how));
        CHECK(greenlet_sleep(0.002) == 0 && alive == 2);
        CHECK(greenlet_kill(one) == 0 && greenlet_join(one, &value) == 0 && value == GREENLET_KILLED);
        CHECK(alive == 0 && destroyed_locals == 1);
    }
    CHECK(mutex.try_lock());
    mutex.unlock();
}

} // namespace

int main()
{
    alarm(60);
    setvbuf(stdout, nullptr, _IOLBF, 0);
    CHECK(greenlet_init(0) == 0);
    exceptions();
    through_a_timeout();
    kills();
    if (wrong == 0)
        puts("all is right");
    return wrong != 0;
}
