"""Where the library, the programs of tests/bench and the peers' programs are, and how they are built.

C and Go programs are built when they are older than their sources, for that needs nothing from outside. The Rust peers' crates and the Python
packages are brought by `scripts/bench --setup` only; without them those peers are missing.
"""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from running import CannotMeasure

CFLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"]


class Kit:
    """The built programs, the library, and what a preloaded run is given."""

    def __init__(self, root, workers=None):
        self.root, self.workers = root, workers
        self.target = Path(os.environ.get("CARGO_TARGET_DIR") or root / "target").absolute()
        self.build = self.target / "bench"
        self.sources = root / "tests" / "bench"
        self.peers = self.sources / "peers"
        self.venv_python = self.build / "venv" / "bin" / "python"
        self.rust = self.build / "rust"
        self.build.mkdir(parents=True, exist_ok=True)

    @property
    def library(self):
        given = os.environ.get("GREENLET_LIB")
        return Path(given).absolute() if given else self.target / "release" / "libgreenlet.so"

    def require_library(self):
        if not self.library.is_file():
            raise CannotMeasure(f"{self.library} is missing; build it with: cargo build --release -p greenlet-preload")

    def build_c(self):
        """Every C program as it stands: against pthreads."""
        for source in sorted(self.sources.glob("*.c")):
            self.compile(source.stem)

    def compile(self, name, library=None):
        """A program, or its variant against another thread library (`st`, `pth`)."""
        source = self.sources / f"{name}.c"
        program = self.build / (name if library is None else f"{name}_{library}")
        headers = list(self.sources.glob("*.h")) + list(self.peers.glob("*.h"))
        if not newer(program, [source, *headers]):
            front = [] if library is None else ["-include", self.peers / f"{library}.h"]
            back = [] if library is None else [f"-l{library}"]
            self.must(["cc", *CFLAGS, *front, "-o", program, source, *back], f"{source.name} does not compile")
        return program

    def build_go(self):
        program = self.build / "peers_go"
        if not newer(program, (self.peers / "go").iterdir()):
            self.must(["go", "build", "-o", program, "."], "the Go peer does not compile", cwd=self.peers / "go")
        return program

    @functools.cached_property
    def has_rust(self):
        """Asked once: cargo takes its time to say no."""
        return self.build_rust(offline=True)

    def build_rust(self, offline):
        """Whether the Rust peers' programs are there and new; without the network only where their crates have been fetched."""
        sources = [path for path in (self.peers / "rust").rglob("*") if path.is_file()]
        if newer(self.rust / "release" / "tokio", sources) and newer(self.rust / "release" / "may", sources):
            return True
        if shutil.which("cargo") is None:
            return False
        command = ["cargo", "build", "--release", "--locked", "--target-dir", self.rust, *(["--offline"] if offline else [])]
        done = run(command, cwd=self.peers / "rust")
        if done.returncode != 0 and not offline:
            raise CannotMeasure(f"the Rust peers do not build:\n{done.stderr.strip()}")
        for name in ("tokio", "may") if done.returncode == 0 else ():
            (self.rust / "release" / name).touch()  # cargo leaves a program that is up to date as old as it is
        return done.returncode == 0

    def python(self, peer):
        """The interpreter: this one, and for a package its virtual environment, which is made from this one."""
        return sys.executable if peer is None else self.venv_python

    def must(self, command, otherwise, **how):
        done = run(command, **how)
        if done.returncode != 0:
            raise CannotMeasure(f"{otherwise}:\n{done.stderr.strip()}")


def run(command, **how):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **how)


def newer(program, sources):
    return program.exists() and program.stat().st_mtime >= max(source.stat().st_mtime for source in sources)
