"""What every program test needs: a program started bare or under the library, bounded and looked at.

A test may assume that whatever it starts is ended when the driver ends, and that a bare run never
sees the library, also when the driver itself was started under it. It may not assume a particular
number of processors, an idle machine, or that a program which hangs tells why: a hung program is
photographed (one line per kernel thread) before it is ended, and the photograph is kept in a file.
"""

import hashlib
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
BUILD = TARGET / "programs"
LIBRARY = Path(os.environ.get("GREENLET_LIB") or TARGET / "release" / "libgreenlet.so")
LAUNCHER = ROOT / "scripts" / "greenlet-run"

# Beside the workers themselves: the monitor, the recruiter, the scout, the worker in reserve, and what a rescue may need for a moment.
SPARE_THREADS = 6

BARE = None


class Failed(Exception):
    """A test's verdict, in words that fit one line."""


class Skipped(Exception):
    """The machine lacks what a case needs and no step installs. Neither passed nor failed, and said so."""


def free_port():
    """One that nobody has, on any address. Not of those that the kernel gives to connections: with thousands of them at once, by
    tests that run beside this one, it would give one of those away before it is used."""
    first_of_kernel = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        port = random.randrange(first_of_kernel // 2, first_of_kernel)
        try:
            with socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET) as probe:
                if probe.family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                probe.bind(("", port))
                return port
        except OSError:
            continue
    raise Failed("no port is free")


class Case:
    """One line of the driver's output: a name, and a function that returns a remark or raises Failed.

    One that is not `by_default` runs only when it was asked for by name.
    """

    def __init__(self, name, run, by_default=True):
        self.name = name
        self.run = run
        self.by_default = by_default


class Options:
    """What the command line asked for: worker counts (BARE among them in place of all for --bare), --full."""

    def __init__(self, workers, full):
        self.workers = workers
        self.full = full


def setting(workers):
    return "bare" if workers is BARE else f"workers={workers}"


def cases(name, options, run):
    """The usual shape of a test: the same function once for each worker count."""
    return [Case(f"{name} {setting(w)}", lambda w=w: run(w)) for w in options.workers]


# ---- environment ----------------------------------------------------------------------------------------------


def plain_environment():
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GREENLET_") and k != "LD_PRELOAD"}
    kept.update(LC_ALL="C.UTF-8", TZ="UTC")
    return kept


def environment(workers):
    env = plain_environment()
    if workers is not BARE:
        env["LD_PRELOAD"] = str(LIBRARY)
        env["GREENLET_WORKERS"] = str(workers)
    return env


def number(name, default):
    """A number that the environment may set."""
    words = os.environ.get(name, "")
    return int(words) if words else default


def require_library():
    if not LIBRARY.is_file():
        raise Failed(f"{LIBRARY} is missing: cargo build --release -p greenlet-preload")


def require(tool, package):
    path = shutil.which(tool)
    if path is None:
        raise Failed(f"{tool} is missing: apt-get install {package}")
    return path


# ---- processes ------------------------------------------------------------------------------------------------


class Run:
    """A finished program."""

    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds


_running = set()


def start(command, workers, cwd=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=None):
    """Starts a program in a process group of its own, so that `end` reaches its children too.

    Unbuffered: what a line was read from must still be whole for `communicate`.
    """
    process = subprocess.Popen(
        [str(c) for c in command], env=env or environment(workers), cwd=cwd,
        stdin=stdin, stdout=stdout, stderr=stderr, bufsize=0, start_new_session=True)
    _running.add(process)
    return process


def end(process):
    """Ends the whole group: a child that outlives its parent would keep ports and memory."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    _running.discard(process)


def end_all():
    for process in list(_running):
        end(process)


def run(command, workers, timeout, cwd=None, label=None, env=None):
    """Runs a program to its end. A hang is a failure that names the file with the photograph."""
    began = time.monotonic()
    process = start(command, workers, cwd=cwd, env=env)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as hung:
        said = text(hung.output or b"") + text(hung.stderr or b"")
        raise Failed(hang_report(process, timeout, label or Path(str(command[0])).name, said)) from None
    finally:
        end(process)
    return Run(process.returncode, text(out), text(err), time.monotonic() - began)


def text(data):
    return data.decode("utf-8", "backslashreplace")


def status_words(status):
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal between the first and the last has no name
        return f"ended by signal {-status}"


def expect_success(finished, who):
    if finished.status != 0:
        raise Failed(f"{who}: {status_words(finished.status)}; {last_line(finished.err) or last_line(finished.out)}")


def last_line(words):
    lines = [line for line in words.splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else ""


# ---- looking at a process -------------------------------------------------------------------------------------


def kernel_threads(pid):
    try:
        return set(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return set()


class ThreadSampler:
    """How many kernel threads a process was seen with, looked at every few milliseconds inside a `with`.

    Counted are those that two looks in a row find. A green thread that is made anew, not recycled, is taken over from a
    kernel thread that ends at once: it is there for a moment, and no process with new threads is ever without some.
    """

    def __init__(self, pid, every=0.02):
        self.pid, self.every = pid, every
        self.seen = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        before = kernel_threads(self.pid)
        while not self._stop.wait(self.every):
            now = kernel_threads(self.pid)
            self.seen.append(len(now & before))
            before = now

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    @property
    def most(self):
        fail_if(not self.seen, "the process was not watched: the load ended at once")
        return max(self.seen)

    def check(self, workers):
        check_threads(self.most, workers, f" (mostly {statistics.median_low(self.seen)})")


def check_threads(most, workers, detail=""):
    """A bare program may have as many as it likes: that is what the library is for."""
    if workers is not BARE and most > workers + SPARE_THREADS:
        raise Failed(f"{most} kernel threads{detail}, at most {workers + SPARE_THREADS} expected")


def seeded_run(program, seed, workers, native, timeout, name, report=None):
    """One program that makes its work from a seed, compared with its bare run, which `native` keeps. Every second seed runs with
    no-verify: there a wake-up that is lost on a descriptor is a hang. Returns the run."""
    label = f"{name}-{setting(workers)}-seed-{seed}"
    if seed not in native:
        native[seed] = run([program, seed], BARE, timeout, label=f"{name}-bare-seed-{seed}")
        expect_success(native[seed], "the bare run")
    env = reporting(workers, report or label)
    if seed % 2 and workers is not BARE:
        env["GREENLET_FORCE"] = "no-verify"
    seen = run([program, seed], workers, timeout, label=label, env=env)
    compare(native[seed], seen, label)
    check_report(workers, report or label)
    return seen


def reporting(workers, label):
    """An environment in which the library leaves its report where check_report looks for it."""
    env = environment(workers)
    if workers is not BARE:
        BUILD.mkdir(parents=True, exist_ok=True)
        path = report_path(label)
        path.unlink(missing_ok=True)
        env["GREENLET_REPORT"] = str(path)
    return env


def report_path(label):
    return BUILD / f"report-{label}.txt"


def check_report(workers, label, at_least=1):
    """A library that was not loaded, or made no green thread, would let every comparison pass."""
    if workers is BARE:
        return
    path = report_path(label)
    fail_if(not path.is_file(), "the library wrote no report: was it loaded?")
    expect_green_threads(path.read_text(), at_least)


def expect_green_threads(report, at_least):
    made = [int(n) for n in re.findall(r"green threads +(\d+) made", report)]
    fail_if(not made, "no report of the library: was it loaded?")
    fail_if(max(made) < at_least, f"{max(made)} green threads made, at least {at_least} expected")


def proc_text(path):
    try:
        return Path(path).read_text().strip().replace("\n", " < ")
    except OSError:
        return "-"


def photograph(pid):
    """One line per kernel thread of every process in the group: name, state, where it waits, its system call."""
    lines = []
    for process in group_members(pid):
        for task in sorted(Path(f"/proc/{process}/task").glob("*")):
            facts = [proc_text(task / name) for name in ("comm", "wchan", "syscall", "stack")]
            lines.append(f"{process}/{task.name} {task_state(task)} " + " | ".join(facts))
    return "\n".join(lines) + "\n"


def task_state(task):
    fields = proc_text(task / "stat").rpartition(")")[2].split()
    return fields[0] if fields else "-"


def group_members(leader):
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == leader:
                members.append(entry.name)
        except (OSError, ValueError):
            continue
    return members


def hang_report(process, timeout, label, said=""):
    picture = photograph(process.pid) + backtraces(process.pid)
    path = keep(f"hang-{label}", f"{picture}\nsaid so far:\n{said}")
    return f"hung, ended after {timeout} s; its threads: {path}"


def backtraces(pid):
    """gdb says more than /proc where it is installed; a hang is reported without it otherwise."""
    gdb = shutil.which("gdb")
    if gdb is None:
        return ""
    command = [gdb, "-p", str(pid), "-batch", "-ex", "set pagination off", "-ex", "thread apply all bt 25"]
    try:
        shown = subprocess.run(command, env=plain_environment(), stdin=subprocess.DEVNULL, timeout=60,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return text(shown.stdout)


def keep(name, words):
    """Leaves evidence beside the built programs; the newest of each name is enough."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / (name.replace("/", "_").replace(" ", "-") + ".txt")
    path.write_text(words)
    return path


# ---- building -------------------------------------------------------------------------------------------------


def build(source, command, tool, package):
    """Compiles a source of this folder, or all C files of a folder in it, unless that was already done by the same command."""
    require(tool, package)
    path = HERE / source
    sources = sorted(path.glob("*.c")) if path.is_dir() else [path]
    read = [*sources, *sorted(HERE.glob("*.h")), *sorted(path.glob("*.h"))]
    mark = hashlib.sha256(b"".join(file.read_bytes() for file in read) + repr(command).encode()).hexdigest()[:16]
    program = BUILD / f"{path.stem}-{mark}"
    if program.exists():
        return program
    BUILD.mkdir(parents=True, exist_ok=True)
    unfinished = f"{program}.{os.getpid()}"
    done = subprocess.run([*command, *map(str, sources), "-o", unfinished], env=plain_environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Failed(f"{source} does not compile: {last_line(text(done.stdout))}; all of it: {keep(path.stem + '-build', text(done.stdout))}")
    os.replace(unfinished, program)
    return program


def build_c(source):
    return build(source, ["cc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"], "cc", "gcc")


def build_cxx(source):
    return build(source, ["c++", "-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"], "c++", "g++")


def build_rust(source):
    return build(source, ["rustc", "--edition", "2021", "-C", "opt-level=1", "-D", "warnings"], "rustc", "rustc")


# ---- comparing ------------------------------------------------------------------------------------------------


def compare(native, seen, label):
    """Linux is the oracle: the same status, the same standard output, the same standard error."""
    if native.status != seen.status:
        said = last_line(seen.err) or last_line(seen.out)
        raise Failed(f"{status_words(seen.status)}, bare {status_words(native.status)}; last words: {said}")
    for stream in ("out", "err"):
        expected, got = getattr(native, stream), getattr(seen, stream)
        if expected != got:
            raise Failed(f"std{stream} differs: {first_difference(expected, got)}; {keep_both(label, stream, expected, got)}")


def first_difference(expected, got):
    a, b = expected.splitlines(), got.splitlines()
    for i in range(max(len(a), len(b))):
        left = a[i] if i < len(a) else "(end)"
        right = b[i] if i < len(b) else "(end)"
        if left != right:
            return f"line {i + 1}: bare '{left[:90]}', here '{right[:90]}'"
    return "line ends only"


def keep_both(label, stream, expected, got):
    keep(f"{label}-{stream}-bare", expected)
    return f"see {keep(f'{label}-{stream}-here', got)}"


def temporary_folder():
    BUILD.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="run-", dir=BUILD)


def fail_if(condition, reason):
    if condition:
        raise Failed(reason)
