"""The table of scenes: a row for each, with its numbers and who takes part. How a run goes is in kinds.py and outside.py."""

import machine
from kinds import Figure, Lookups, Parked, Program, Script, Server, Startup
from outside import KINDS, Nginx, Redis, Secure, SystemCalls
from peers import BARE, GREEN, PEERS

ECHO_CONNECTIONS = (1, 100, 1000, 8000)
IDLE_CONNECTIONS, IDLE_ACTIVE = 15000, 150
POOL = (100, 16)  # clients, workers
FRESH = 10000
MILLION, MILLION_SECONDS, MILLION_MEMORY = 1000000, 400, 12 << 30
SLEEPERS = (10000, 100000)
RESTING = 1000
RING = 10000  # or as many as the limit on open files allows: a pipe is two
PARKED = 4000  # kernel threads at 31 KB each: 120 MB, and well inside every default limit
LOOKUPS = (1000, 10)  # threads, names for each
STARTS = 200
SCRIPT_ROUNDS_A_SECOND = 30

EVERYBODY = tuple(key for key, peer in PEERS.items() if peer.programs != set())
IN_PYTHON = (BARE, GREEN, "gevent", "eventlet", "asyncio")
# Python takes part among threads where it has something of its own to show, and not where the interpreter would be all that is measured.
COMPILED = tuple(key for key in PEERS if key not in IN_PYTHON[2:])
PTH_SELECTS = "it waits with select, which ends at 1,024 descriptors"
PTH_IS_SLOW = "it looks through all its threads at each switch"

ECHO_FIGURES = (
    Figure("server_cpu_us_per_request", "CPU µs a request", 2),
    Figure("requests_per_second", "requests/s", 0, more=True, shown=True),
    Figure("p50_us", "p50 µs", 0),
    Figure("p99_us", "p99 µs", 0),
    Figure("server_kernel_threads", "kernel threads", 0),
)
LATENCY_FIGURES = (Figure("p50_us", "p50 µs", 1), Figure("p99_us", "p99 µs", 1), *ECHO_FIGURES[:2])
THREADS = Figure("kernel_threads", "kernel threads", 0)
HANDOVER = (Figure("ns_per_handover", "ns a hand-over", 0), THREADS)
POOL_FIGURES = (Figure("ns_per_request", "ns a request", 0), THREADS)
SECTION = (Figure("ns_per_section", "ns a section", 1), Figure("sections_per_second", "sections/s", 0, more=True), THREADS)
CREATION = (Figure("ns_per_thread", "ns to create + join", 0), THREADS)
FRESHNESS = (Figure("ns_per_thread", "ns to create", 0), Figure("ns_per_join", "ns to join", 0), THREADS)
SLEEP = (Figure("cpu_us_per_sleeper", "CPU µs a sleeper", 1), Figure("late_p50_us", "late p50 µs", 0), Figure("late_p99_us", "late p99 µs", 0),
         Figure("late_max_us", "latest µs", 0), THREADS)
LATE = (*SLEEP[1:4], Figure("least_share", "least share", 2, more=True), THREADS)
REST = (Figure("cpu_us_per_second", "CPU µs a second", 1), THREADS)
HOP = (Figure("ns_per_hop", "ns a hop", 0), THREADS)
LOOKUP = (Figure("lookups_per_second", "look-ups/s", 0, more=True), Figure("cpu_us_per_lookup", "CPU µs a look-up", 1), THREADS)
MEMORY = (Figure("machine_bytes_per_thread", "bytes, machine", 0), Figure("rss_bytes_per_thread", "bytes, resident", 0))
STARTUP = (Figure("us_per_start", "µs, median", 0), Figure("us_best", "µs, best", 0))
SERVED = (Figure("cpu_us_per_request", "CPU µs a request", 2), Figure("requests_per_second", "requests/s", 0, more=True, shown=True))
SECURE = (Figure("cpu_us_per_handshake", "CPU µs a handshake", 0), Figure("handshakes_per_second", "handshakes/s", 0, more=True, shown=True),
          Figure("cpu_us_per_megabyte", "CPU µs a MB", 0), Figure("megabytes_per_second", "MB/s", 0, more=True, shown=True),
          Figure("cpu_us_per_request", "CPU µs a request", 1), Figure("requests_per_second", "requests/s", 0, more=True))
STORED = (SERVED[0], Figure("set_per_second", "SET/s", 0, more=True, shown=True), Figure("get_per_second", "GET/s", 0, more=True))
SCRIPT = (Figure("cpu_ms", "CPU ms", 1), Figure("wall_ms", "ms", 1))
CALLS = (Figure("calls_per_request", "calls a request", 2), *(Figure(f"{kind}_per_request", kind, 2) for kind in (*KINDS, "other")))
READY_CALLS = ("mutex", "cond_signal", "sem", "recv", "pipe_write", "pipe_read", "poll")
READY = tuple(Figure(f"{call}{when}_ns", f"{call.replace('_', ' ')}, {words}, ns", 1)
              for when, words in (("_first", "one thread"), ("", "threads")) for call in READY_CALLS)


def echo(connections, pinned, seconds):
    figures = LATENCY_FIGURES if connections == 1 else ECHO_FIGURES
    return Server(f"echo-{connections}-{placed(pinned)}", f"echo, {plural(connections, 'connection')}, {placed(pinned)}", figures, EVERYBODY,
                  "echo_threads", connections, seconds, pinned, without={"pth": PTH_SELECTS} if connections > 1000 else None)


def idle(pinned, seconds):
    return Server(f"idle-{IDLE_CONNECTIONS}-{placed(pinned)}", f"{IDLE_CONNECTIONS:,} connections, 1 % active, {placed(pinned)}", ECHO_FIGURES,
                  EVERYBODY, "echo_threads", IDLE_CONNECTIONS, seconds, pinned, options=(f"active={IDLE_ACTIVE}",),
                  without={"pth": PTH_SELECTS})


def among_threads(pinned, seconds):
    """What threads do with one another; each program runs until its figure is good, for at least a fifth of the window."""
    at, least = placed(pinned), seconds / 5
    yield Program(f"pingpong-{at}", f"condition ping-pong, {at}", HANDOVER, EVERYBODY, "pingpong", [least], pinned, seconds)
    yield Program(f"pool-{at}", f"worker pool, {POOL[0]} clients, {POOL[1]} workers, {at}", POOL_FIGURES, COMPILED, "pool", [least, *POOL], pinned,
                  seconds, threads=sum(POOL))
    yield Program(f"create-{at}", f"create + join, {at}", CREATION, EVERYBODY, "create_join", [least], pinned, seconds)
    yield Program(f"fresh-{FRESH}-{at}", f"{FRESH:,} threads alive at once, {at}", FRESHNESS, EVERYBODY, "fresh", [FRESH], pinned, seconds,
                  threads=FRESH, without={"pth": PTH_IS_SLOW})
    ring = min(RING, machine.most_descriptors() // 2)
    yield Program(f"ring-{at}", f"ring of {ring:,} pipes, {at}", HOP, COMPILED, "ring", [least, ring], pinned, seconds, threads=ring,
                  descriptors=2 * ring)


def million():
    return Program("million", "1,000,000 threads alive at once", FRESHNESS, (BARE, GREEN, "go", "tokio"), "fresh", [MILLION],
                   seconds=MILLION_SECONDS, threads=MILLION, memory=MILLION_MEMORY)


def mutex(threads, seconds):
    return Program(f"mutex-{threads}", f"one mutex, {threads:,} threads", SECTION, COMPILED, "mutex", [seconds / 5, threads], False, seconds,
                   threads=threads, without={"pth": PTH_IS_SLOW} if threads > 100 else None)


def held_mutex(threads, seconds):
    return Program(f"mutex-held-{threads}", f"one mutex, {threads:,} threads, the holder lets others run", SECTION, COMPILED, "mutex",
                   [seconds / 5, threads, "held"], False, seconds, threads=threads, without={"st": "it has no yield"})


def fair(threads, calls, seconds):
    """Left to the kernel's and the library's schedulers; others are cooperative, and say nothing about threads that compute."""
    name, words = (f"fair-calls-{threads}", "that lock and unlock") if calls else (f"fair-{threads}", "that compute")
    return Program(name, f"a sleeper beside {threads} threads {words}", LATE, (BARE, GREEN), "fair",
                   [seconds, threads, *(["locks"] if calls else [])], False, seconds, threads=threads)


def sleepers(count):
    without = {"pth": PTH_IS_SLOW}
    if count > 30000:
        without["may"] = "each of its stacks is two mappings, and vm.max_map_count is 65,530 by default"
        without["eventlet"] = "its timers are not done within the bench's patience"
    return Program(f"timers-{count}", f"{count:,} sleepers", SLEEP, EVERYBODY, "timers", [count], threads=count, without=without)


def python_server(name, title, program, seconds):
    return Server(name, title, ECHO_FIGURES, IN_PYTHON, program, 1000, seconds, False, python=True,
                  options=("http",) if program == "http" else ())


def ready_path(seconds):
    scene = Program("ready-path", "calls that need not wait", READY, (BARE, GREEN), "ready_path", [seconds], True, seconds)
    scene.difference = True
    return scene


def script(seconds):
    rounds = max(1, int(seconds * SCRIPT_ROUNDS_A_SECOND))
    return Script("script", "a Python script without threads", SCRIPT, (BARE, GREEN), "single.py", [rounds], True, 5 * seconds)


def placed(pinned):
    return "pinned" if pinned else "unpinned"


def plural(count, word):
    return f"{count:,} {word}" + ("s" if count != 1 else "")


def all_scenes(seconds):
    scenes = [echo(count, pinned, seconds) for count in ECHO_CONNECTIONS for pinned in (True, False)]
    scenes += [idle(pinned, seconds) for pinned in (True, False)]
    scenes += [scene for pinned in (True, False) for scene in among_threads(pinned, seconds)]
    scenes.append(million())
    scenes += [mutex(threads, seconds) for threads in (2, 16, 1000)]
    scenes.append(held_mutex(16, seconds))
    scenes += [sleepers(count) for count in SLEEPERS]
    scenes += [fair(threads, calls, seconds) for threads, calls in ((4, False), (16, False), (256, False), (16, True))]
    scenes.append(Program("rest", f"{RESTING:,} threads that wait", REST, (BARE, GREEN), "idle", [seconds, RESTING], False, seconds,
                          threads=RESTING))
    scenes.append(Lookups(f"lookups-{LOOKUPS[0]}", f"getaddrinfo in {LOOKUPS[0]:,} threads", LOOKUP, EVERYBODY, "lookups", LOOKUPS,
                          threads=LOOKUPS[0], descriptors=2 * LOOKUPS[0]))
    scenes += [Parked(f"memory-{how}", f"a thread parked in {words}", MEMORY, COMPILED, how, PARKED, parked_without(how))
               for how, words in (("cond", "a condition"), ("recv", "recv"))]
    scenes.append(python_server("python-echo-1000", "Python echo server, 1,000 connections", "echo_threads", seconds))
    scenes.append(python_server("python-http-1000", "ThreadingHTTPServer, HTTP/1.1, 1,000 connections", "http", seconds))
    scenes.append(Redis("redis", "redis-benchmark on redis", STORED, seconds))
    scenes.append(Nginx("nginx", "wrk on nginx", SERVED, seconds))
    scenes.append(Secure("tls", "nginx in TLS: its own, the library's, or in front of it", SECURE, seconds))
    scenes.append(script(seconds))
    scenes.append(Startup("startup", "start of /bin/true", STARTUP, STARTS))
    scenes.append(ready_path(seconds))
    scenes += [SystemCalls(f"syscalls-{count}", f"system calls of an echo server, {count:,} connections", CALLS, COMPILED,
                           "echo_threads", count, seconds, False, without={"pth": PTH_IS_SLOW} if count > 100 else None)
               for count in (100, 1000)]
    return scenes


def parked_without(how):
    return {"pth": PTH_SELECTS if how == "recv" else PTH_IS_SLOW}
