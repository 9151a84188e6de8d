// What the programs of greenlets.py share: checks that are told of and counted.
#ifndef GREENLETS_H
#define GREENLETS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int wrong;

// ASan's locks may be held in the child of a fork, which is no promise of its, and its vfork knows only threads that it has made.
#ifdef __SANITIZE_ADDRESS__
static const bool may_fork = false;
#else
static const bool may_fork = true;
#endif

#define CHECK(what) check(what, #what, __FILE__, __LINE__)

static void check(bool right, const char *what, const char *file, int line)
{
    if (right)
        return;
    const char *base = strrchr(file, '/');
    printf("%s:%d: not so: %s (errno %d)\n", base ? base + 1 : file, line, what, errno);
    wrong++;
}

#endif
