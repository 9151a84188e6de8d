// The same as produce.c in C++: objects of this file own the queue and the greenlets, and a killed greenlet's destructors run.
//
//     c++ produce.cc $(pkg-config --cflags --libs greenlet) -o produce && ./produce
#include <greenlet.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <system_error>
#include <utility>

class Greenlet {
public:
    explicit Greenlet(std::function<long()> run) : run(std::make_unique<std::function<long()>>(std::move(run)))
    {
        handle = greenlet_spawn(begin, this->run.get());
        if (handle == 0)
            throw std::system_error(errno, std::generic_category(), "greenlet_spawn");
    }
    Greenlet(Greenlet &&other) noexcept : run(std::move(other.run)), handle(std::exchange(other.handle, 0)) {}
    ~Greenlet()
    {
        if (handle != 0) {
            greenlet_kill(handle);
            greenlet_join(handle, nullptr);
        }
    }

    long join()
    {
        void *value = nullptr;
        greenlet_join(std::exchange(handle, 0), &value);
        return static_cast<long>(reinterpret_cast<std::intptr_t>(value));
    }

private:
    static void *begin(void *run)
    {
        return reinterpret_cast<void *>(static_cast<std::intptr_t>((*static_cast<std::function<long()> *>(run))()));
    }

    std::unique_ptr<std::function<long()>> run;
    greenlet_t handle = 0;
};

int main()
{
    constexpr long numbers = 10000;
    if (greenlet_init(0) != 0)
        throw std::system_error(errno, std::generic_category(), "greenlet_init");
    std::unique_ptr<greenlet_queue_t, decltype(&greenlet_queue_free)> queue(greenlet_queue_new(8), greenlet_queue_free);
    auto produce = [&queue](long first) {
        for (long number = first; number <= numbers; number += 2)
            greenlet_queue_put(queue.get(), reinterpret_cast<void *>(number), GREENLET_FOREVER);
        return 0L;
    };
    auto consume = [&queue] {
        long sum = 0;
        for (void *number; greenlet_queue_get(queue.get(), GREENLET_FOREVER, &number) == 0 && number != nullptr;)
            sum += static_cast<long>(reinterpret_cast<std::intptr_t>(number));
        return sum;
    };
    Greenlet idle([] { return greenlet_sleep(1e9), 0L; }); // killed at the end
    Greenlet odd([&] { return produce(1); }), even([&] { return produce(2); }), one(consume), two(consume);
    odd.join();
    even.join();
    for (int i = 0; i < 2; i++)
        greenlet_queue_put(queue.get(), nullptr, GREENLET_FOREVER);
    std::cout << "the numbers to " << numbers << " are " << one.join() + two.join() << " together" << std::endl;
}
