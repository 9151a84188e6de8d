// C++ thread_local objects: constructed at first use in each thread, destroyed at its end in reverse order, before the join
// returns, on recycled threads too; main's at exit.
#include "oracle.h"

#include <string>
#include <thread>

struct Noisy {
    std::string name;
    explicit Noisy(const char *what) : name(what) { say("construct %s", what); }
    ~Noisy() { say("destroy %s", name.c_str()); }
};

static thread_local Noisy first("first");
static thread_local Noisy second("second");
static thread_local int plain = 5;

static pthread_key_t key;

static void on_key(void *)
{
    say("key destructor, after the objects");
}

static void use(bool both)
{
    say("use %s", first.name.c_str());
    std::this_thread::yield();
    if (both)
        say("use %s", second.name.c_str());
    first.name += "!";
    say("plain %d", plain);
    plain = 6;
    pthread_setspecific(key, &key);
}

int main()
{
    begin();
    MUST(pthread_key_create(&key, on_key) == 0);
    for (bool both : {true, false, true}) {
        std::thread thread(use, both);
        thread.join();
        say("joined");
    }
    std::thread([] {
        thread_local Noisy local("local");
        say("leaving by pthread_exit with %s", local.name.c_str());
        pthread_exit(nullptr);
    }).join();
    use(false);
    return 0;
}
