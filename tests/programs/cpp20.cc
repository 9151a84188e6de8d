// C++20's threads library, and what of the language depends on threads (exceptions, thread_local, statics), as an
// ordinary program uses it. libstdc++ waits in two ways: through pthread mutexes and conditions, and for atomics,
// semaphores, latches and barriers through the futex system call. Prints only what every correct run prints.

#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <latch>
#include <list>
#include <mutex>
#include <numeric>
#include <semaphore>
#include <shared_mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

static void say(const char* section, const std::string& words) { std::printf("%s: %s\n", section, words.c_str()); }

static std::string number(auto value) { return std::to_string(value); }

// Runs `body(index)` in `count` threads and joins them.
static void in_threads(int count, auto body) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; i++) threads.emplace_back([&body, i] { body(i); });
}

// ---- joining and stopping -----------------------------------------------------------------------------------

static void jthreads() {
    std::atomic<int> sum{0};
    in_threads(300, [&](int i) { sum += i; });
    std::thread plain([&] { sum += 1; });
    const bool joinable = plain.joinable();
    plain.join();
    say("jthread", "sum " + number(sum.load()) + ", joinable " + number(joinable) + number(plain.joinable()));
}

static void stop_tokens() {
    std::atomic<int> stopped{0}, callbacks{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 20; i++) {
        threads.emplace_back([&](std::stop_token token) {
            std::mutex lock;
            std::condition_variable_any waiting;
            std::unique_lock guard(lock);
            const bool met = waiting.wait(guard, token, [] { return false; });
            stopped += !met && token.stop_requested();
        });
    }
    // Not in the threads: one that its own wait's callback has woken could take its note back before it is called.
    auto count = [&] { callbacks++; };
    std::list<std::stop_callback<decltype(count)>> notes;
    for (auto& thread : threads) notes.emplace_back(thread.get_stop_token(), count);
    std::this_thread::sleep_for(5ms);
    for (auto& thread : threads) thread.request_stop();
    threads.clear();
    say("stop_token", "stopped " + number(stopped.load()) + ", callbacks " + number(callbacks.load()));
}

// ---- waiting on atomics -------------------------------------------------------------------------------------

static void semaphores() {
    constexpr int places = 3;
    std::counting_semaphore<places> room(places);
    std::atomic<int> inside{0}, done{0};
    std::atomic<bool> crowded{false};
    in_threads(30, [&](int i) {
        for (int n = 0; n < 20; n++) {
            room.acquire();
            if (++inside > places) crowded = true;
            if ((i + n) % 7 == 0) std::this_thread::sleep_for(100us);
            --inside;
            done++;
            room.release();
        }
    });
    std::binary_semaphore none(0);
    const auto began = Clock::now();
    const bool got = none.try_acquire_for(20ms);
    const bool waited = Clock::now() - began >= 20ms;
    say("semaphore", "done " + number(done.load()) + ", crowded " + number(crowded.load()) + ", got " + number(got) +
                         ", waited " + number(waited) + ", left " + number(none.try_acquire()));
}

static void token_ring() {
    constexpr int players = 8, rounds = 400;
    std::vector<std::binary_semaphore*> turn;
    for (int i = 0; i < players; i++) turn.push_back(new std::binary_semaphore(i == 0));
    long order = 0;
    bool right = true;
    in_threads(players, [&](int i) {
        for (int n = 0; n < rounds; n++) {
            turn[i]->acquire();
            right = right && order == static_cast<long>(n) * players + i;
            order++;
            turn[(i + 1) % players]->release();
        }
    });
    for (auto* semaphore : turn) delete semaphore;
    say("ring", "passed " + number(order) + ", in order " + number(right));
}

template <typename Integer>
static long atomic_ping_pong(int rounds) {
    std::atomic<Integer> ball{0};
    std::jthread other([&] {
        for (Integer n = 0; n < rounds; n++) {
            ball.wait(2 * n);
            ball = 2 * n + 2;
            ball.notify_one();
        }
    });
    for (Integer n = 0; n < rounds; n++) {
        ball = 2 * n + 1;
        ball.notify_one();
        ball.wait(2 * n + 1);
    }
    other.join();
    return static_cast<long>(ball.load());
}

static void atomic_waits() {
    std::atomic_flag gate;
    std::atomic<int> through{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 40; i++) threads.emplace_back([&] { gate.wait(false); through++; });
    std::this_thread::sleep_for(5ms);
    gate.test_and_set();
    gate.notify_all();
    threads.clear();
    say("atomic wait", "int " + number(atomic_ping_pong<int>(2000)) + ", long " + number(atomic_ping_pong<long>(2000)) +
                           ", through the gate " + number(through.load()));
}

static void latches_and_barriers() {
    constexpr int parties = 16, phases = 25;
    std::latch start(parties);
    std::atomic<int> early{0}, arrived{0}, completions{0};
    auto completed = [&]() noexcept { completions++; };
    std::barrier phase(parties, completed);
    in_threads(parties, [&](int i) {
        arrived++;
        start.arrive_and_wait();
        early += arrived < parties;
        for (int n = 0; n < phases; n++) {
            if ((i + n) % 5 == 0) std::this_thread::yield();
            early += completions < n;
            phase.arrive_and_wait();
        }
    });
    std::latch down(3);
    std::jthread helper([&] { for (int n = 0; n < 3; n++) down.count_down(); });
    down.wait();
    say("latch and barrier", "completions " + number(completions.load()) + ", early " + number(early.load()) + ", latch " +
                                 number(down.try_wait()));
}

// ---- locks --------------------------------------------------------------------------------------------------

static void locks() {
    std::mutex first, second;
    std::recursive_mutex again;
    std::timed_mutex timed;
    long a = 0, b = 0, c = 0, d = 0;
    in_threads(16, [&](int i) {
        for (int n = 0; n < 200; n++) {
            if (i % 2) { std::scoped_lock both(first, second); a++, b++; }
            else { std::scoped_lock both(second, first); a++, b++; }
            std::lock_guard outer(again);
            std::lock_guard inner(again);
            c++;
            if (n % 50 == 0) std::this_thread::yield();
            std::unique_lock limited(timed, 30s);
            d += limited.owns_lock();
        }
    });
    std::unique_lock held(timed);
    std::atomic<int> refused{0};
    in_threads(4, [&](int) { refused += !timed.try_lock_for(10ms); });
    say("locks", number(a) + " " + number(b) + " " + number(c) + " " + number(d) + ", refused " + number(refused.load()));
}

static void shared_locks() {
    std::shared_mutex lock;
    std::shared_timed_mutex timed;
    long left = 0, right = 0;
    std::atomic<int> torn{0}, late{0};
    in_threads(16, [&](int i) {
        for (int n = 0; n < 200; n++) {
            if (i % 4 == 0) {
                std::unique_lock guard(lock);
                left++;
                if (n % 40 == 0) std::this_thread::sleep_for(50us);
                right++;
            } else {
                std::shared_lock guard(lock);
                if (n % 40 == 0) std::this_thread::yield();
                torn += left != right;
            }
        }
    });
    std::unique_lock held(timed);
    in_threads(4, [&](int) { late += !timed.try_lock_shared_for(10ms); });
    say("shared_mutex", number(left) + " " + number(right) + ", torn " + number(torn.load()) + ", late " + number(late.load()));
}

static void conditions() {
    std::shared_mutex lock; // condition_variable_any takes any lock
    std::condition_variable_any changed;
    std::vector<int> items;
    std::atomic<long> sum{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; i++) {
        threads.emplace_back([&, i] {
            for (int n = 0; n < 200; n++) {
                std::unique_lock guard(lock);
                items.push_back(i * 1000 + n);
                changed.notify_one();
            }
        });
        threads.emplace_back([&] {
            for (int n = 0; n < 200; n++) {
                std::unique_lock guard(lock);
                changed.wait(guard, [&] { return !items.empty(); });
                sum += items.back();
                items.pop_back();
            }
        });
    }
    threads.clear();
    std::mutex plain;
    std::condition_variable never;
    std::unique_lock guard(plain);
    const auto began = Clock::now();
    const bool met = never.wait_for(guard, 20ms, [] { return false; });
    say("conditions", "sum " + number(sum.load()) + ", left " + number(items.size()) + ", met " + number(met) + ", waited " +
                          number(Clock::now() - began >= 20ms));
}

// ---- futures and once ---------------------------------------------------------------------------------------

static void futures() {
    std::vector<std::future<int>> answers;
    for (int i = 0; i < 50; i++) {
        answers.push_back(std::async(std::launch::async, [i] {
            std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
            return i * i;
        }));
    }
    int sum = 0;
    for (auto& answer : answers) sum += answer.get();
    std::promise<std::string> promise;
    auto shared = promise.get_future().share();
    const bool early = shared.wait_for(5ms) == std::future_status::timeout;
    std::atomic<int> heard{0};
    std::vector<std::jthread> listeners;
    for (int i = 0; i < 10; i++) listeners.emplace_back([&, shared] { heard += shared.get() == "word"; });
    promise.set_value("word");
    listeners.clear();
    std::packaged_task<int(int)> task([](int x) { return x + 1; });
    auto result = task.get_future();
    std::jthread runner(std::move(task), 41);
    say("futures", "sum " + number(sum) + ", early " + number(early) + ", heard " + number(heard.load()) + ", task " + number(result.get()));
}

static void exceptions() {
    auto answer = std::async(std::launch::async, []() -> int { throw std::out_of_range("thrown in a thread"); });
    std::string caught = "nothing";
    try { answer.get(); } catch (const std::out_of_range& error) { caught = error.what(); }
    std::atomic<int> own{0};
    in_threads(50, [&](int i) {
        try {
            try { throw std::runtime_error(number(i)); }
            catch (...) {
                std::this_thread::sleep_for(500us); // in flight across a switch: __cxa_get_globals is per thread
                throw;
            }
        } catch (const std::runtime_error& error) { own += error.what() == number(i) && std::uncaught_exceptions() == 0; }
    });
    std::string broken;
    std::future<void> orphan = std::promise<void>().get_future();
    try { orphan.get(); } catch (const std::future_error& error) { broken = error.code().message(); }
    say("exceptions", caught + ", own " + number(own.load()) + ", " + broken);
}

static std::once_flag once;
static std::atomic<int> attempts{0}, initialised{0};

static int& a_static() {
    static int value = [] { std::this_thread::sleep_for(5ms); return ++initialised; }();
    return value;
}

static void once_only() {
    std::atomic<int> failures{0}, seen{0};
    in_threads(20, [&](int) {
        try {
            std::call_once(once, [] {
                std::this_thread::sleep_for(1ms);
                if (++attempts < 3) throw std::runtime_error("not yet"); // the next caller tries again
            });
        } catch (const std::runtime_error&) { failures++; }
        seen += a_static();
    });
    say("once", "attempts " + number(attempts.load()) + ", failures " + number(failures.load()) + ", static " +
                    number(initialised.load()) + ", seen " + number(seen.load()));
}

// ---- thread_local -------------------------------------------------------------------------------------------

static std::atomic<int> born{0}, died{0}, wrong{0};

struct Tracked {
    int value = 5;
    Tracked() { born++; }
    ~Tracked() { died++, wrong += value != -1; }
};

static thread_local Tracked tracked;
static thread_local int plain = 17;
static thread_local std::vector<int> list{1, 2, 3};

static void thread_locals() {
    std::atomic<int> fresh{0}, kept{0};
    for (int round = 0; round < 3; round++) {
        in_threads(100, [&](int i) {
            fresh += plain == 17 && list.size() == 3 && tracked.value == 5;
            plain = i, tracked.value = i;
            list.assign(i, i);
            std::this_thread::sleep_for(300us);
            kept += plain == i && tracked.value == i && std::accumulate(list.begin(), list.end(), 0) == i * i;
            tracked.value = -1;
        });
    }
    say("thread_local", "fresh " + number(fresh.load()) + ", kept " + number(kept.load()) + ", born " + number(born.load()) + ", died " +
                            number(died.load()) + ", wrong " + number(wrong.load()));
}

static void sleeping() {
    const auto began = Clock::now();
    in_threads(100, [&](int) { std::this_thread::sleep_until(began + 50ms); });
    const auto took = Clock::now() - began;
    say("sleep", "long enough " + number(took >= 50ms) + ", together " + number(took < 3s));
}

int main() {
    jthreads();
    stop_tokens();
    semaphores();
    token_ring();
    atomic_waits();
    latches_and_barriers();
    locks();
    shared_locks();
    conditions();
    futures();
    exceptions();
    once_only();
    thread_locals();
    sleeping();
}
