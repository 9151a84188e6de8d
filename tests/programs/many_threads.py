"""40,000 threads parked at once in one process, all woken and joined: more than kernel threads or mappings would allow.

A process may have 65,530 mappings, and a stack of libc's takes two; where the kernel has guard markers (Linux 6.13) many
stacks share one. On an older kernel the case is run with as many as fit there. Bare, as many threads are made as every default
limit allows.
"""

import os
import re

import harness

THREADS, FEWER, BARE_THREADS = 40_000, 20_000, 2_000
TIMEOUT = 120


def has_guard_markers():
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) >= (6, 13)


def cases(name, options):
    return harness.cases(name, options, check)


def check(workers):
    count = BARE_THREADS if workers is harness.BARE else THREADS if has_guard_markers() else FEWER
    label = f"many-{harness.setting(workers)}"
    env = harness.reporting(workers, label)
    finished = harness.run([harness.build_c("many_threads.c"), count], workers, TIMEOUT, label=label, env=env)
    harness.expect_success(finished, "the program")
    said = finished.out.strip()
    harness.fail_if(said != f"{count} threads, sum {count * (count - 1) // 2}", f"it said: {said}")
    harness.check_report(workers, label, at_least=count)
    return said
