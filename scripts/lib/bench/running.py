"""How a program is started for a peer, bounded, and how its figures are read.

A run that was meant to be preloaded and was not would be a bare run under a wrong name: ld.so says on stderr when it ignores a
library, and a server's memory map is looked at. Every run is bounded in time, and only processes started here are ended.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

GRACE = 100  # seconds a run may take beyond its measured window: 8,000 kernel threads start and end slowly
SERVER_CPU, LOAD_CPU = 0, 1


class CannotMeasure(Exception):
    """One line that says what went wrong: the bench has failed."""


class CannotRun(Exception):
    """One line that says what this machine lacks: the run is left out, and said so."""


def environment(kit, preloaded):
    """Bare means bare: no preload, whatever this process was started with."""
    clean = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD" and not k.startswith("GREENLET_")}
    if preloaded:
        clean["LD_PRELOAD"] = str(kit.library)
        if kit.workers:
            clean["GREENLET_WORKERS"] = str(kit.workers)
    return clean


def preloading(kit):
    """For a command that must itself run bare: env and its arguments, to stand before what is to be preloaded."""
    return ["env", f"LD_PRELOAD={kit.library}"] + ([f"GREENLET_WORKERS={kit.workers}"] if kit.workers else [])


def pinned(cpu, command):
    return ([] if cpu is None else ["taskset", "-c", str(cpu)]) + [str(word) for word in command]


def start(kit, command, preloaded=False, cpu=None, **how):
    """A process in a session of its own, so that its end takes its children along: nginx's workers, what strace traces."""
    return subprocess.Popen(pinned(cpu, command), **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
                            text=True, start_new_session=True, env=environment(kit, preloaded))


def output(kit, command, preloaded=False, cpu=None, seconds=0.0, watch=False):
    """Runs a command to its end; what it printed, and the most kernel threads it had if they are watched."""
    process = start(kit, command, preloaded, cpu)
    with PeakThreads(process.pid, 0.1) if watch else contextlib.nullcontext() as peak, ended_at_last(process):
        try:
            out, err = process.communicate(timeout=seconds + GRACE)
        except subprocess.TimeoutExpired:
            raise CannotMeasure(f"{name_of(command)} was not done after {seconds + GRACE:.0f} s") from None
    refuse_ignored_preload(err)
    if process.returncode != 0:
        reason = f"{name_of(command)} {how_it_ended(process.returncode)}: {last_line(err)}"
        raise (CannotRun if process.returncode == 77 else CannotMeasure)(reason)
    return out, peak


def figures(kit, command, preloaded=False, cpu=None, seconds=0.0, watch=False):
    """Runs a program to its end and returns the figures it printed."""
    out, peak = output(kit, command, preloaded, cpu, seconds, watch)
    found = parse(out)
    if watch:
        found["kernel_threads"] = peak.threads
    return found


@contextlib.contextmanager
def server(kit, command, preloaded=False, cpu=None):
    """A server that says its port, as (process, port); it is ended on the way out."""
    process = start(kit, command, preloaded, cpu)
    with ended_at_last(process):
        port = port_said(process)
        if preloaded:
            require_preloaded(kit, process.pid)
        yield process, port
        require_running(process)


def port_said(process):
    """The first line of every server of ours, once it listens."""
    first = process.stdout.readline().split()
    if len(first) != 2 or first[0] != "port":
        process.kill()
        raise CannotMeasure(f"{name_of(process.args)} did not start: {last_line(process.stderr.read())}")
    return int(first[1])


def require_running(process):
    if process.poll() is not None:
        raise CannotMeasure(f"{name_of(process.args)} {how_it_ended(process.returncode)}: {last_line(process.stderr.read())}")


def require_preloaded(kit, pid):
    if str(kit.library.resolve()) not in read(pid, "maps"):
        raise CannotMeasure(f"process {pid} runs without {kit.library}")


@contextlib.contextmanager
def ended_at_last(process):
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # all have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


class PeakThreads:
    """The most kernel threads a process was seen to have. Looked at too seldom to show in the CPU time."""

    def __init__(self, pid, every=1.0):
        self.pid, self.every, self.threads, self._stop = pid, every, 1, threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._stop.wait(self.every):
            self.look()

    def look(self):
        with contextlib.suppress(CannotMeasure):  # a process that has gone is reported by who waits for it
            self.threads = max(self.threads, kernel_threads(self.pid))

    def __enter__(self):
        self._watcher.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._watcher.join()


def cpu_ns(pid):
    """The kernel's own clock for the CPU time of a process, in nanoseconds (clock_getcpuclockid)."""
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        raise CannotMeasure(f"process {pid} has ended") from None


def children(pid):
    return [int(child) for child in read(pid, f"task/{pid}/children").split()]


def kernel_threads(pid):
    return int(status_line(read(pid, "status"), "Threads:"))


def kilobytes(text, key):
    return int(status_line(text, key).split()[0])


def status_line(text, key):
    for line in text.splitlines():
        if line.startswith(key):
            return line.split(":", 1)[1].strip()
    raise CannotMeasure(f"the kernel does not say {key}")


def read(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError as error:
        raise CannotMeasure(f"process {pid}: {error.strerror}") from None


def refuse_ignored_preload(stderr):
    for line in stderr.splitlines():
        if "cannot be preloaded" in line:
            raise CannotMeasure(line.strip())


def parse(text):
    """'key value' lines as a dict of numbers."""
    try:
        return {key: float(value) for key, value in (line.split() for line in text.splitlines())}
    except ValueError:
        raise CannotMeasure(f"not a list of figures: {text!r}") from None


def name_of(command):
    words = [Path(str(word)).name for word in command]
    return " ".join(word for word in words if word)[:100]


def how_it_ended(returncode):
    return f"was killed by signal {-returncode}" if returncode < 0 else f"exited with {returncode}"


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
