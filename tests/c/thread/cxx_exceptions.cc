// Exceptions in flight belong to their thread: twenty threads throw, catch, and switch inside the catch block and
// inside destructors that run while unwinding.
#include "oracle.h"

#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static int wrong;

static void check(bool right)
{
    if (!right)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

struct SwitchesWhileUnwinding {
    ~SwitchesWhileUnwinding()
    {
        check(std::uncaught_exceptions() == 1);
        usleep(20);
        check(std::uncaught_exceptions() == 1);
    }
};

static void thrower(int number, int depth)
{
    SwitchesWhileUnwinding guard;
    if (depth > 0)
        thrower(number, depth - 1);
    throw std::runtime_error(std::to_string(number));
}

static void body(int number)
{
    for (int round = 0; round < 10; round++) {
        try {
            thrower(number, round % 4);
            check(false);
        } catch (const std::runtime_error &error) {
            std::this_thread::yield();
            check(error.what() == std::to_string(number));
            try {
                usleep(20);
                throw;
            } catch (const std::exception &again) {
                std::this_thread::yield();
                check(&again == static_cast<const std::exception *>(&error));
            }
            check(std::current_exception() != nullptr);
        }
        check(std::current_exception() == nullptr && std::uncaught_exceptions() == 0);
    }
}

int main()
{
    begin();
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; i++)
        threads.emplace_back(body, i);
    for (auto &thread : threads)
        thread.join();
    say("wrong: %d", wrong);
    return 0;
}
