// The first thread of a process is started by a library's constructor, which waits for it: the loader's lock is held.
// module: constructor_creates.c
#include "oracle.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
    MUST(argc > 0);
    begin();
    char path[PATH_MAX];
    MUST(strlen(argv[0]) + sizeof "constructor_creates.so" < sizeof path);
    strcpy(path, argv[0]);
    strcpy(strrchr(path, '/') + 1, "constructor_creates.so");
    void *library = dlopen(path, RTLD_NOW);
    MUST(library);
    int (*ran)(void) = (int (*)(void))dlsym(library, "constructor_ran");
    MUST(ran);
    say("ran: %d", ran());
    say("another: %d", finish(start(return_it, &path)) == &path);
    return 0;
}
