"""What is measured: each scene is a name, the modes that take part, the figures it yields, and how one run of one mode goes.

A server's CPU time is read by the load generator at both ends of its window, from the kernel's clock for that process.
'pinned' scenes give the server CPU 0 and the load CPU 1, so that one does not take from the other; the load never sleeps there, because on
one machine it would be the server that pays for waking it, more often the faster the load is. 'unpinned' ones leave both to the
kernel, and with the library more than one worker.
"""

import threading

from programs import BARE, EPOLL, PRELOADED, CannotMeasure, kernel_threads

SERVER_CPU, LOAD_CPU = 0, 1
CONNECTIONS = (100, 1000, 8000)
PARKED_THREADS = 4000  # kernel threads at 31 KB each: 120 MB, and well inside every default limit
STARTS = 200


class Figure:
    """A measured quantity: its key in the output, its name and unit in the table, and its precision there."""

    def __init__(self, key, name, digits=1):
        self.key, self.name, self.digits = key, name, digits


ECHO_FIGURES = (
    Figure("server_cpu_us_per_request", "server CPU a request, us", 2),
    Figure("requests_per_second", "requests a second", 0),
    Figure("p50_us", "latency p50, us", 0),
    Figure("p99_us", "latency p99, us", 0),
    Figure("server_kernel_threads", "server's kernel threads", 0),
)


class Echo:
    modes = (BARE, PRELOADED, EPOLL)
    figures = ECHO_FIGURES

    def __init__(self, connections, pinned, seconds):
        self.name = f"echo-{connections}-{'pinned' if pinned else 'unpinned'}"
        self.connections, self.pinned, self.seconds = connections, pinned, seconds

    def run(self, kit, mode):
        program = "echo_epoll" if mode == EPOLL else "echo_threads"
        with kit.server(mode, program, cpu=SERVER_CPU if self.pinned else None) as (pid, port):
            with PeakThreads(pid) as peak:
                busy = ["busy"] if self.pinned else []
                figures = kit.figures(BARE, "echo_load", port, self.connections, self.seconds, pid, *busy, seconds=self.seconds,
                                      cpu=LOAD_CPU if self.pinned else None)
        figures["server_kernel_threads"] = peak.threads
        return figures


class PeakThreads:
    """The most kernel threads a process was seen to have, looked at once a second: often enough, and too seldom to show in the CPU time."""

    def __init__(self, pid):
        self.pid, self.threads, self._stop = pid, 0, threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._stop.wait(1.0):
            self._look()

    def _look(self):
        try:
            self.threads = max(self.threads, kernel_threads(self.pid))
        except CannotMeasure:
            pass  # the server has gone, which the load generator reports

    def __enter__(self):
        self._watcher.start()
        return self

    def __exit__(self, *_):
        self._look()
        self._stop.set()
        self._watcher.join()


class Program:
    """A program that measures itself, run bare and preloaded."""

    modes = (BARE, PRELOADED)

    def __init__(self, name, program, arguments, figures, cpu=None, seconds=0.0):
        self.name, self.program, self.arguments, self.figures = name, program, arguments, figures
        self.cpu, self.seconds = cpu, seconds

    def run(self, kit, mode):
        return kit.figures(mode, self.program, *self.arguments, seconds=self.seconds, cpu=self.cpu)


class Startup:
    """/bin/true with and without the library. The starter itself is always bare."""

    name = "startup"
    modes = (BARE, PRELOADED)
    figures = (Figure("us_per_start", "/bin/true, median, us", 0), Figure("us_best", "/bin/true, best, us", 0))

    def run(self, kit, mode):
        library = [kit.library] if mode == PRELOADED else []
        return kit.figures(BARE, "startup", STARTS, *library)


def all_scenes(seconds):
    handover = (Figure("ns_per_handover", "a hand-over, ns", 0),)
    creation = (Figure("ns_per_thread", "create + join, ns", 0),)
    memory = (
        Figure("machine_bytes_per_thread", "bytes a thread, machine", 0),
        Figure("rss_bytes_per_thread", "bytes a thread, resident", 0),
    )
    scenes = [Echo(n, pinned, seconds) for n in CONNECTIONS for pinned in (True, False)]
    for suffix, cpu in (("pinned", SERVER_CPU), ("unpinned", None)):
        scenes.append(Program(f"pingpong-{suffix}", "pingpong", [seconds / 5], handover, cpu, seconds))
        scenes.append(Program(f"create-{suffix}", "create_join", [seconds / 5], creation, cpu, seconds))
    scenes.append(Program("memory-cond", "parked", ["cond", PARKED_THREADS], memory))
    scenes.append(Program("memory-recv", "parked", ["recv", PARKED_THREADS], memory))
    scenes.append(Startup())
    return scenes
