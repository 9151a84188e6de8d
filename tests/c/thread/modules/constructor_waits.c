// A library whose constructor tells that it runs, and waits for an answer: see constructor_waits.c.
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void begin(void)
{
    char answer = '?';
    if (write(atoi(getenv("CONSTRUCTOR_TELLS")), "c", 1) == 1 && read(atoi(getenv("CONSTRUCTOR_WAITS")), &answer, 1) != 1)
        abort();
}
