// std::call_once with an initialiser that throws twice: the third call is the one that counts. And a function's static
// object, which many threads ask for while its constructor waits.
#include "oracle.h"

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

static std::once_flag flag;
static std::atomic<int> calls{0}, caught{0}, constructed{0};

static void initialise()
{
    if (++calls < 3)
        throw std::runtime_error("not yet");
}

struct Slow {
    int value;
    Slow()
    {
        constructed++;
        usleep(20000);
        value = 6;
    }
};

static int slow_value()
{
    static Slow slow;
    return slow.value;
}

int main()
{
    begin();
    std::vector<std::thread> threads;
    std::atomic<int> sum{0};
    for (int i = 0; i < 10; i++)
        threads.emplace_back([&] {
            try {
                std::call_once(flag, initialise);
            } catch (const std::runtime_error &) {
                caught++;
            }
            sum += slow_value();
        });
    for (auto &thread : threads)
        thread.join();
    say("calls %d, caught %d", calls.load(), caught.load());
    say("constructed %d, sum %d", constructed.load(), sum.load());
    return 0;
}
