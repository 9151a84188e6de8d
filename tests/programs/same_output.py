"""Programs whose output is the same in every correct run: each bare once, then under the library, and compared.

A program may print only what its language promises (results, counts, orders that are guaranteed), never an
address, a thread number or a duration.
"""

import shutil

import harness

TIMEOUT = 60


def rust_std():
    return [harness.build_rust("rust_std.rs")]


def cpp20():
    return [harness.build_cxx("cpp20.cc")]


def perl_threads():
    return [harness.require("perl", "perl"), harness.HERE / "perl_threads.pl"]


def ruby_threads():
    """Debian's ruby, not a version manager's shim, which is another program."""
    ruby = shutil.which("ruby", path="/usr/bin:/bin") or harness.require("ruby", "ruby")
    return [ruby, harness.HERE / "ruby_threads.rb"]


COMMANDS = {"rust_std": rust_std, "cpp20": cpp20, "perl_threads": perl_threads, "ruby_threads": ruby_threads}


def cases(name, options):
    oracle = Oracle(name)
    return harness.cases(name, options, oracle.check)


class Oracle:
    """The bare run, made once, when the first case needs it."""

    def __init__(self, name):
        self.name = name
        self.native = None

    def command(self):
        return COMMANDS[self.name]()

    def bare(self):
        if self.native is None:
            finished = harness.run(self.command(), harness.BARE, TIMEOUT, label=f"{self.name}-bare")
            harness.expect_success(finished, "the bare run")
            harness.fail_if(not finished.out, "the bare run printed nothing")
            self.native = finished
        return self.native

    def check(self, workers):
        native = self.bare()
        label = f"{self.name}-{harness.setting(workers)}"
        seen = harness.run(self.command(), workers, TIMEOUT, label=label, env=harness.reporting(workers, label))
        harness.compare(native, seen, label)
        harness.check_report(workers, label)
        return f"{len(seen.out.splitlines())} lines as bare, {seen.seconds:.1f} s (bare {native.seconds:.1f} s)"
