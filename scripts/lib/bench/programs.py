"""Where the programs and the library are, how a program is started bare or preloaded, and how its figures are read.

A run that was meant to be preloaded and was not would be a bare run under a wrong name: ld.so says on stderr when it ignores a
library, and a server's memory map is looked at. Every run is bounded in time, and only processes started here are ended.
"""

import contextlib
import os
import subprocess
from pathlib import Path

BARE, PRELOADED, EPOLL = "bare", "preloaded", "epoll"
GRACE = 100  # seconds a run may take beyond its measured window: 8,000 kernel threads start and end slowly


class CannotMeasure(Exception):
    """One line that says what is missing or what went wrong."""


class Kit:
    """The built programs, the library, and the environment of each mode."""

    def __init__(self, root, workers=None):
        self.target = Path(os.environ.get("CARGO_TARGET_DIR") or root / "target").absolute()
        self.build = self.target / "bench"
        self.library = self._find_library()
        self.workers = workers
        self._compile(root / "tests" / "bench")

    def _find_library(self):
        given = os.environ.get("GREENLET_LIB")
        library = Path(given).absolute() if given else self.target / "release" / "libgreenlet.so"
        if not library.is_file():
            raise CannotMeasure(f"{library} is missing; build it with: cargo build --release -p greenlet-preload")
        return library

    def _compile(self, sources):
        self.build.mkdir(parents=True, exist_ok=True)
        newest_header = max(header.stat().st_mtime for header in sources.glob("*.h"))
        for source in sorted(sources.glob("*.c")):
            program = self.build / source.stem
            if program.exists() and program.stat().st_mtime > max(newest_header, source.stat().st_mtime):
                continue
            command = ["cc", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-pthread", "-o", str(program), str(source)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                raise CannotMeasure(f"{source.name} does not compile:\n{done.stderr.strip()}")

    def environment(self, mode):
        """Bare means bare: no preload, whatever this process was started with."""
        clean = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD" and not k.startswith("GREENLET_")}
        if mode == PRELOADED:
            clean["LD_PRELOAD"] = str(self.library)
            if self.workers:
                clean["GREENLET_WORKERS"] = str(self.workers)
        return clean

    def command(self, program, *arguments, cpu=None):
        pin = [] if cpu is None else ["taskset", "-c", str(cpu)]
        return pin + [str(self.build / program)] + [str(a) for a in arguments]

    def figures(self, mode, program, *arguments, seconds=0.0, cpu=None):
        """Runs a program to its end and returns the figures it printed."""
        command = self.command(program, *arguments, cpu=cpu)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  env=self.environment(mode), timeout=seconds + GRACE)
        except subprocess.TimeoutExpired:
            raise CannotMeasure(f"{program} was not done after {seconds + GRACE:.0f} s") from None
        refuse_ignored_preload(done.stderr)
        if done.returncode != 0:
            raise CannotMeasure(f"{program} {how_it_ended(done.returncode)}: {last_line(done.stderr)}")
        return parse(done.stdout)

    @contextlib.contextmanager
    def server(self, mode, program, cpu=None):
        """A running server as (pid, port); it is ended on the way out."""
        process = subprocess.Popen(self.command(program, cpu=cpu), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment(mode))
        try:
            first = process.stdout.readline().split()
            if len(first) != 2 or first[0] != "port":
                process.kill()
                raise CannotMeasure(f"{program} did not start: {last_line(process.stderr.read())}")
            if mode == PRELOADED and str(self.library.resolve()) not in read(process.pid, "maps"):
                raise CannotMeasure(f"{program} runs without {self.library}")
            yield process.pid, int(first[1])
            if process.poll() is not None:
                raise CannotMeasure(f"{program} {how_it_ended(process.returncode)}: {last_line(process.stderr.read())}")
        finally:
            process.kill()
            process.communicate()


def refuse_ignored_preload(stderr):
    for line in stderr.splitlines():
        if "cannot be preloaded" in line:
            raise CannotMeasure(line.strip())


def parse(output):
    """'key value' lines as a dict of numbers."""
    try:
        return {key: float(value) for key, value in (line.split() for line in output.splitlines())}
    except ValueError:
        raise CannotMeasure(f"not a list of figures: {output!r}") from None


def kernel_threads(pid):
    for line in read(pid, "status").splitlines():
        if line.startswith("Threads:"):
            return int(line.split()[1])
    raise CannotMeasure(f"process {pid} has ended")


def read(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError as error:
        raise CannotMeasure(f"process {pid}: {error.strerror}") from None


def how_it_ended(returncode):
    return f"was killed by signal {-returncode}" if returncode < 0 else f"exited with {returncode}"


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
