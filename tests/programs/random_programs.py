"""Random programs: random/ with RANDOM_RUNS seeds (300) from RANDOM_SEED on (1), bare and under the library; --full: 10,000.

A program's outcome follows from its seed alone (random/program.h says why), so both runs must print the same. The seeds in
random_seeds.txt, each of which once failed, always run, RANDOM_REPEAT times (5), since what they found depended on the moment.
Every second seed runs with GREENLET_FORCE=no-verify, as in stress.py. Two programs run at a time.

A failure names its seed and the command that repeats it. Nothing may be assumed about the time that a program takes but that
it is far below TIMEOUT.
"""

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import harness
from harness import Failed

TIMEOUT = 20
TOGETHER = 2
SHOWN = 5
SEEDS = harness.HERE / "random_seeds.txt"


def cases(name, options):
    runs = harness.number("RANDOM_RUNS", 10000 if options.full else 300)
    first = harness.number("RANDOM_SEED", 1)
    repeat = harness.number("RANDOM_REPEAT", 5)
    seeds = [*(seed for seed in kept_seeds() for _ in range(repeat)), *range(first, first + runs)]
    native = {}
    return harness.cases(name, options, lambda workers: check(workers, seeds, native))


def kept_seeds():
    """The first word of each line that is not a comment; the rest of the line says what the seed found."""
    lines = SEEDS.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


def check(workers, seeds, native):
    program = harness.build_c("random")
    slots = Slots()
    with ThreadPoolExecutor(TOGETHER) as pool:
        outcomes = pool.map(lambda seed: one(program, workers, seed, native, slots), seeds)
        failures = [reason for reason in outcomes if reason]
    if failures:
        raise Failed(f"{len(failures)} of {len(seeds)} programs: " + "; ".join(failures[:SHOWN]))
    return f"{len(seeds)} programs, {len(set(seeds))} seeds"


class Slots:
    """A number for each thread of the pool: names a report file that no two programs use at the same time."""

    def __init__(self):
        self._own, self._count = threading.local(), itertools.count()

    def mine(self):
        if not hasattr(self._own, "number"):
            self._own.number = next(self._count)
        return self._own.number


def one(program, workers, seed, native, slots):
    """None, or what was wrong with this seed: the others still run, so that a rare failure is seen to be rare."""
    report = f"random-{harness.setting(workers)}-{slots.mine()}"
    try:
        harness.seeded_run(program, seed, workers, native, TIMEOUT, "random", report)
    except Failed as reason:
        again = f"RANDOM_RUNS=1 RANDOM_SEED={seed} tests/programs/run {'--bare' if workers is harness.BARE else f'--workers {workers}'} random"
        return f"seed {seed}: {reason} (again: {again})"
    return None
