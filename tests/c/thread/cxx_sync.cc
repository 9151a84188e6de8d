// C++20's own waiting: atomics, latch, barrier, counting_semaphore, condition variables, shared_mutex, timed mutexes.
#include "oracle.h"

#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

template <typename Body> static void together(int count, Body body)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < count; i++)
        threads.emplace_back(body, i);
    for (auto &thread : threads)
        thread.join();
}

static void atomic_wait()
{
    std::atomic<int> step{0};
    std::thread other([&] {
        for (int i = 0; i < 500; i++) {
            step.wait(2 * i);
            step.store(2 * i + 2);
            step.notify_all();
        }
    });
    for (int i = 0; i < 500; i++) {
        step.store(2 * i + 1);
        step.notify_all();
        step.wait(2 * i + 1);
    }
    other.join();
    say("atomic wait: %d", step.load());
}

static void latch_and_barrier()
{
    std::latch latch(8);
    std::atomic<int> completions{0}, sum{0};
    std::barrier barrier(8, [&]() noexcept { completions++; });
    together(8, [&](int i) {
        latch.arrive_and_wait();
        for (int round = 0; round < 50; round++) {
            sum += i;
            barrier.arrive_and_wait();
        }
    });
    say("barrier: %d completions, sum %d", completions.load(), sum.load());
}

static void semaphores()
{
    std::counting_semaphore<10> slots(3);
    std::atomic<int> inside{0}, most{0}, done{0};
    together(12, [&](int) {
        slots.acquire();
        int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::sleep_for(1ms);
        inside--;
        slots.release();
        done++;
    });
    std::binary_semaphore never(0);
    say("semaphore: done %d, at most three %d", done.load(), most <= 3);
    say("try_acquire_for: %d", never.try_acquire_for(20ms));
}

static void locks()
{
    std::shared_mutex shared;
    std::timed_mutex timed;
    std::recursive_timed_mutex recursive;
    int value = 0;
    together(10, [&](int i) {
        for (int round = 0; round < 100; round++) {
            if (i % 2) {
                std::unique_lock lock(shared);
                value++;
            } else {
                std::shared_lock lock(shared);
                MUST(value >= 0);
            }
        }
    });
    say("shared_mutex: %d", value);
    timed.lock();
    recursive.lock();
    recursive.lock();
    std::thread([&] {
        say("try_lock_for: %d", timed.try_lock_for(20ms));
        say("try_lock_until: %d", recursive.try_lock_until(std::chrono::steady_clock::now() + 20ms));
    }).join();
}

static void conditions()
{
    std::mutex mutex;
    std::condition_variable condition;
    std::condition_variable_any any;
    int turn = 0;
    std::thread other([&] {
        for (int i = 0; i < 500; i++) {
            std::unique_lock lock(mutex);
            condition.wait(lock, [&] { return turn == 1; });
            turn = 0;
            any.notify_one();
        }
    });
    for (int i = 0; i < 500; i++) {
        std::unique_lock lock(mutex);
        turn = 1;
        condition.notify_one();
        any.wait(lock, [&] { return turn == 0; });
    }
    other.join();
    std::unique_lock lock(mutex);
    say("conditions: turn %d", turn);
    say("wait_for times out: %d", condition.wait_for(lock, 20ms) == std::cv_status::timeout);
}

int main()
{
    begin();
    atomic_wait();
    latch_and_barrier();
    semaphores();
    locks();
    conditions();
    return 0;
}
