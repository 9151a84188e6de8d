"""What the Python peers share: counts, checks and output, as bench.h has them for the C programs."""

import sys
import time

BACKLOG = 4096
LEAST_US, SPREAD_US = 1_000_000, 2_000_000
WORD = (1 << 64) - 1
EARLY = -0.001  # an event loop's clock may be a millisecond coarse


def require(condition, otherwise):
    if not condition:
        sys.exit(f"{sys.argv[0]}: {otherwise}")


def nanoseconds_each(run, seconds, count):
    """Doubles the count until one run lasts long enough."""
    while (elapsed := run(count)) < float(seconds) * 1e9:
        count *= 2
    return elapsed / count


def scramble(word):
    return (word * 6364136223846793005 + 1442695040888963407) & WORD


def sleep_seconds(index):
    return (LEAST_US + (scramble(scramble(index)) >> 32) % SPREAD_US) / 1e6


def say_lateness(late, cpu_before):
    count = len(late)
    late.sort()
    require(late[0] > EARLY, "a sleeper that woke early")
    say(cpu_us_per_sleeper=(time.process_time_ns() - cpu_before) / 1e3 / count, late_p50_us=late[count // 2] * 1e6,
        late_p99_us=late[count * 99 // 100] * 1e6, late_max_us=late[-1] * 1e6)


def name_of(index):
    return f"h{index}.bench.test"


def check_found(index, found):
    """What getaddrinfo gives for a name of dns_box's server."""
    addresses = {entry[4][0] for entry in found}
    require(addresses == {f"127.{index >> 16}.{index >> 8 & 255}.{index & 255}"}, f"{name_of(index)}: {addresses}")


def say_lookups(count, start_ns):
    elapsed = (time.perf_counter_ns() - start_ns) / 1e9
    say(us_per_lookup=elapsed * 1e6 / count, lookups_per_second=count / elapsed, cpu_us_per_lookup=time.process_time_ns() / 1e3 / count)


def say(**figures):
    for name, value in figures.items():
        print(name, f"{value:.3f}")
