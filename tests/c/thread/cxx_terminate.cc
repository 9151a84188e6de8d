// An exception that leaves a thread's function ends the process by SIGABRT, with libstdc++'s message.
// ends: signal 6
#include "oracle.h"

#include <stdexcept>
#include <thread>

int main()
{
    begin();
    std::thread thread([] {
        say("throwing");
        throw std::runtime_error("nobody catches this");
    });
    thread.join();
    say("never");
    return 0;
}
