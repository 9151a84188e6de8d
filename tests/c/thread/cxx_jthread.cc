// std::jthread, stop tokens, futures, packaged tasks, async, and exceptions carried from one thread to another.
#include "oracle.h"

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;

static void stop_by_token()
{
    std::mutex mutex;
    std::condition_variable_any condition;
    bool stopped = false;
    {
        std::jthread thread([&](std::stop_token token) {
            std::stop_callback callback(token, [] { say("stop callback"); });
            std::unique_lock lock(mutex);
            condition.wait(lock, token, [] { return false; });
            stopped = token.stop_requested();
        });
        std::this_thread::sleep_for(10ms);
    }
    say("jthread stopped: %d", stopped);
}

static void futures()
{
    std::promise<int> promise;
    std::thread([&] {
        std::this_thread::sleep_for(10ms);
        promise.set_value_at_thread_exit(4);
    }).join();
    say("promise: %d", promise.get_future().get());

    auto thrown = std::async(std::launch::async, []() -> int { throw std::runtime_error("from another thread"); });
    try {
        thrown.get();
    } catch (const std::runtime_error &error) {
        say("async threw: %s", error.what());
    }
    auto slow = std::async(std::launch::async, [] { std::this_thread::sleep_for(100ms); return 9; });
    say("not ready: %d", slow.wait_for(1ms) == std::future_status::timeout);
    say("then: %d", slow.get());
    auto deferred = std::async(std::launch::deferred, [] { return 10; });
    say("deferred: %d", deferred.get());

    std::packaged_task<int(int)> task([](int n) { return n * n; });
    auto result = task.get_future();
    std::thread(std::move(task), 12).join();
    say("packaged: %d", result.get());
    std::future<int> broken;
    {
        std::promise<int> abandoned;
        broken = abandoned.get_future();
    }
    try {
        broken.get();
    } catch (const std::future_error &error) {
        say("broken promise: %d", error.code() == std::future_errc::broken_promise);
    }
}

static void thread_errors()
{
    std::thread none;
    try {
        none.join();
    } catch (const std::system_error &error) {
        say("join nothing: %d", error.code() == std::errc::invalid_argument);
    }
    std::thread self;
    std::promise<void> assigned;
    self = std::thread([&] {
        assigned.get_future().wait();
        try {
            self.join();
        } catch (const std::system_error &error) {
            say("join myself: %d", error.code() == std::errc::resource_deadlock_would_occur);
        }
    });
    assigned.set_value();
    std::this_thread::sleep_for(30ms);
    self.join();
}

int main()
{
    begin();
    stop_by_token();
    futures();
    thread_errors();
    return 0;
}
