"""jemalloc and tcmalloc preloaded beside the library, before it and after it, compared with the allocator alone.

An allocator is the first of all to call us: its first block is asked for before any constructor has run, and there it makes
locks, keys and fork handlers, jemalloc a thread too when it is told to. Every program here therefore runs with each order of the
two, which is the order in which symbols are found and the reverse of that in which constructors run.

The allocator is known by its file name, as the dynamic loader finds it. That it is in effect is part of the output.
"""

import subprocess
import sys

import harness
from harness import fail_if

TIMEOUT = 60
RUNS = 3  # of each order: what waits for whom is another each time

# name: (file, package, environment)
ALLOCATORS = {
    "jemalloc": ("libjemalloc.so.2", "libjemalloc2", {}),
    "jemalloc_thread": ("libjemalloc.so.2", "libjemalloc2", {"MALLOC_CONF": "background_thread:true,dirty_decay_ms:10"}),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4", {}),
}


def c_program():
    return [harness.build_c("malloc_storm.c")], {}, "malloc of {file}\n"


def python_program():
    return [sys.executable, harness.HERE / "malloc_threads.py"], {"PYTHONMALLOC": "malloc"}, ""


PROGRAMS = {"c": c_program, "python": python_program}


def cases(name, options):
    made = []
    for allocator in ALLOCATORS:
        for program in PROGRAMS:
            pair = Pair(allocator, program)
            made += harness.cases(f"{name}:{allocator}:{program}", options, pair.check)
    return made


class Pair:
    """A program with an allocator. The run without the library is made once, when the first case needs it."""

    def __init__(self, allocator, program):
        self.label = f"{allocator}-{program}"
        self.file, self.package, self.settings = ALLOCATORS[allocator]
        self.program = program
        self.native = None

    def check(self, workers):
        self.require()
        command, settings, beginning = PROGRAMS[self.program]()
        if self.native is None:
            self.native = self.run(command, settings, harness.BARE, [self.file], "bare")
            harness.expect_success(self.native, "the run with the allocator alone")
            fail_if(not self.native.out.startswith(beginning.format(file=self.file)), "the allocator is not in effect")
        ours = [] if workers is harness.BARE else [str(harness.LIBRARY)]
        orders = {"library first": [*ours, self.file], "allocator first": [self.file, *ours]}
        slowest = 0.0
        for order, preloaded in orders.items():
            for _ in range(RUNS):
                slowest = max(slowest, self.compare(command, settings, workers, preloaded, order))
        return f"{len(orders)} orders, {RUNS} runs each as bare, at most {slowest:.1f} s (bare {self.native.seconds:.1f} s)"

    def compare(self, command, settings, workers, preloaded, order):
        label = f"{self.label}-{order.replace(' ', '-')}-{harness.setting(workers)}"
        seen = self.run(command, settings, workers, preloaded, label)
        harness.compare(self.native, seen, label)
        harness.check_report(workers, label, at_least=10)
        return seen.seconds

    def run(self, command, settings, workers, preloaded, label):
        env = harness.reporting(workers, label)
        env.update(self.settings, **settings, LD_PRELOAD=":".join(preloaded))
        return harness.run(command, workers, TIMEOUT, label=label, env=env)

    def require(self):
        """The loader only warns about a file that it does not find."""
        tried = subprocess.run(["/bin/true"], env={**harness.plain_environment(), "LD_PRELOAD": self.file}, capture_output=True, check=False)
        fail_if(tried.stderr or tried.returncode, f"{self.file} is missing: apt-get install {self.package}")
