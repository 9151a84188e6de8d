"""The thread-per-connection echo server with 8,000 simultaneous connections, three runs for each worker count.

Passes when the client saw every byte right in every round on every connection, the server saw each connection end in order
and joined each thread, both counted the same bytes, and no more kernel threads than workers + 3 were seen while all
connections were open. Needs two descriptors for each connection in all (8,000 in each process), and says so if it cannot.
"""

import re
import resource
import select
import subprocess

import harness
from harness import Failed, fail_if

CONNECTIONS = 8000
ROUNDS = 6
RUNS = 3
SECONDS = 120


def cases(name, options):
    return harness.cases(name, options, check)


def check(workers):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fail_if(hard != resource.RLIM_INFINITY and hard < CONNECTIONS + 100, f"the descriptor limit is {hard}: ulimit -Hn {CONNECTIONS + 100}")
    runs = 1 if workers is harness.BARE else RUNS
    seen = [one_run(workers, seed) for seed in range(1, runs + 1)]
    return f"{len(seen)} of {runs} runs, {seen[0][0]} bytes each about, kernel threads {', '.join(str(t) for _, t in seen)}"


def one_run(workers, seed):
    server_program, client_program = harness.build_c("echo_server.c"), harness.build_c("echo_client.c")
    label = f"echo-{harness.setting(workers)}-seed-{seed}"
    server = harness.start([server_program, CONNECTIONS], workers, env=harness.reporting(workers, label))
    client = None
    try:
        port = first_line(server, r"port (\d+)", "the server", label).group(1)
        client = harness.start([client_program, port, CONNECTIONS, ROUNDS, seed, SECONDS], harness.BARE)
        first_line(client, r"warm", "the client", label, hung=server)
        with harness.ThreadSampler(server.pid) as threads:
            said = finish(client, "the client", label, hung=server)
        served = finish(server, "the server", label, hung=server)
        return verdict(said, served, workers, threads, label), threads.most
    finally:
        for process in (client, server):
            if process is not None:
                harness.end(process)


def first_line(process, pattern, who, label, hung=None):
    """The line that says a process is ready. What else a process prints comes after it."""
    readable, _, _ = select.select([process.stdout], [], [], SECONDS)
    line = harness.text(process.stdout.readline()) if readable else ""
    found = re.match(pattern, line)
    if not found:
        looked_at = hung or process
        why = line.strip() or harness.hang_report(looked_at, SECONDS, label)
        raise Failed(f"{who} is not ready (seed in {label}): {why}")
    return found


def finish(process, who, label, hung):
    try:
        out, err = process.communicate(timeout=SECONDS + 20)
    except subprocess.TimeoutExpired:
        raise Failed(f"{who}, {label}: " + harness.hang_report(hung, SECONDS + 20, label)) from None
    said = harness.text(out) + harness.text(err)
    if process.returncode == -14:
        raise Failed(f"{who}, {label}: " + harness.hang_report(hung, SECONDS, label))
    fail_if(process.returncode != 0, f"{who}, {label}: {harness.status_words(process.returncode)}; {harness.last_line(said)}")
    return said


def verdict(said, served, workers, threads, label):
    """Returns the number of bytes, which both sides must have counted alike."""
    sent = re.search(r"(\d+) bytes right", said)
    returned = re.search(r"served (\d+) connections, (\d+) bytes", served)
    fail_if(not sent or not returned, f"{label}: the last lines are missing: {harness.last_line(said)} / {harness.last_line(served)}")
    fail_if(int(returned.group(1)) != CONNECTIONS or returned.group(2) != sent.group(1), f"{label}: the server counted otherwise: {returned.group(0)}")
    harness.check_report(workers, label, at_least=CONNECTIONS)
    threads.check(workers)
    return sent.group(1)
