"""Seeded stress: stress.c with STRESS_RUNS seeds (20) from STRESS_SEED on (1), bare and under the library.

Every second seed runs with GREENLET_FORCE=no-verify: there a wake-up that is lost on a descriptor is a hang, where the
second look at registrations would make it a second's delay.

A run may take ten times as long as the bare one and ten seconds more: far beyond that, somebody was woken by accident.
A failure names its seed; `STRESS_RUNS=1 STRESS_SEED=N tests/programs/run stress` repeats it. --full runs ten times as many.
"""

import harness
from harness import Failed

TIMEOUT = 60


def cases(name, options):
    runs = harness.number("STRESS_RUNS", 200 if options.full else 20)
    first = harness.number("STRESS_SEED", 1)
    seeds = range(first, first + runs)
    native = {}
    return harness.cases(name, options, lambda workers: check(workers, seeds, native))


def check(workers, seeds, native):
    program = harness.build_c("stress.c")
    failures = [reason for reason in (one(program, workers, seed, native) for seed in seeds) if reason]
    if failures:
        raise Failed(f"{len(failures)} of {len(seeds)} seeds: {failures[0]}")
    return f"{len(seeds)} seeds from {seeds[0]}"


def one(program, workers, seed, native):
    """None, or what was wrong with this seed: the others still run, so that a rare failure is seen to be rare."""
    try:
        seen = harness.seeded_run(program, seed, workers, native, TIMEOUT, "stress")
        harness.fail_if(seen.seconds > 10 * native[seed].seconds + 10, f"took {seen.seconds:.0f} s, bare {native[seed].seconds:.1f} s")
    except Failed as reason:
        return f"seed {seed}: {reason}"
    return None
