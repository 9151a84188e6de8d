"""Who takes part: a row for each peer. What it needs, how it is brought here, and the command that runs a program of tests/bench for it.

The programs have the names of the C ones everywhere (echo_threads, pingpong, ...), and take the same arguments.
"""

import shutil
from pathlib import Path

BARE, GREEN, EPOLL = "bare", "green", "epoll"
NGINX, STUNNEL = "nginx", "stunnel"

AMONG_THREADS = {"pingpong", "pool", "mutex", "create_join", "fresh", "timers", "parked"}
PYTHON = {"echo_threads", "pingpong", "create_join", "fresh", "timers", "lookups"}
LOOPS = {"echo_threads": "echo_epoll", "ring": "ring_epoll"}


class Peer:
    """One row. `programs` is None where every program exists."""

    preloaded = False
    packages, pip = (), ()

    def __init__(self, key, title, programs=None):
        self.key, self.title, self.programs = key, title, programs

    def has(self, program):
        return self.programs is None or program in self.programs

    def missing(self, kit):
        """What has to be installed, as the command that does it; None if nothing."""
        return None

    def command(self, kit, program, *arguments):
        raise NotImplementedError


class Threads(Peer):
    """The C programs as they are, and the Python ones for scenes that are about Python."""

    def __init__(self, key, title, preloaded):
        super().__init__(key, title)
        self.preloaded = preloaded

    def command(self, kit, program, *arguments):
        return [kit.build / program, *arguments]

    def python_command(self, kit, program, *arguments):
        return [kit.python(None), "-B", kit.peers / "python" / "threads.py", "threads", program, *arguments]


class Loop(Peer):
    def command(self, kit, program, *arguments):
        return [kit.build / LOOPS[program], *arguments]


class Library(Peer):
    """A thread library that C programs are compiled against instead of pthreads."""

    def __init__(self, key, title, package, header, programs):
        super().__init__(key, title, programs)
        self.packages, self.header = (package,), header

    def missing(self, kit):
        return None if Path("/usr/include", self.header).exists() else f"apt-get install {self.packages[0]}"

    def command(self, kit, program, *arguments):
        return [kit.compile(program, self.key), *arguments]


class Go(Peer):
    packages = ("golang-go",)

    def missing(self, kit):
        return None if shutil.which("go") else "apt-get install golang-go"

    def command(self, kit, program, *arguments):
        return [kit.build_go(), program, *arguments]


class Crate(Peer):
    def missing(self, kit):
        return None if kit.has_rust else f"scripts/bench --setup {self.key}"

    def command(self, kit, program, *arguments):
        return [kit.rust / "release" / self.key, program, *arguments]


class Package(Peer):
    """A Python package, in the virtual environment below target/."""

    def __init__(self, key, title, pip, words, programs):
        super().__init__(key, title, programs)
        self.pip, self.words = pip, words

    def missing(self, kit):
        installed = all(list(kit.venv_python.parent.parent.glob(f"lib/python*/site-packages/{name}")) for name in self.pip)
        return None if installed else f"scripts/bench --setup {self.key}"

    def command(self, kit, program, *arguments):
        python = kit.python(self.key if self.pip else None)
        return [python, "-B", "-W", "ignore", kit.peers / "python" / self.words[0], *self.words[1:], program, *arguments]

    python_command = command


class Front(Peer):
    """A program that speaks TLS in front of a server that does not. It has none of our programs: its scene starts it."""

    def __init__(self, key, title, package, program):
        super().__init__(key, title, set())
        self.packages, self.program = (package,), program

    def missing(self, kit):
        return None if shutil.which(self.program) else f"apt-get install {self.packages[0]}"


PEERS = {peer.key: peer for peer in (
    Threads(BARE, "kernel threads", preloaded=False),
    Threads(GREEN, "libgreenlet", preloaded=True),
    Loop(EPOLL, "epoll loop", set(LOOPS)),
    Library("st", "State Threads", "libst-dev", "st.h", AMONG_THREADS | {"echo_threads", "ring"}),
    Library("pth", "GNU Pth", "libpth-dev", "pth.h", AMONG_THREADS | {"echo_threads"}),
    Go("go", "Go", AMONG_THREADS | {"echo_threads", "ring", "lookups"}),
    Crate("tokio", "tokio", AMONG_THREADS | {"echo_threads", "ring", "lookups"}),
    Crate("may", "may", AMONG_THREADS | {"echo_threads"}),
    Package("gevent", "gevent", ("gevent",), ("threads.py", "gevent"), PYTHON | {"http"}),
    Package("eventlet", "eventlet", ("eventlet",), ("threads.py", "eventlet"), PYTHON | {"http"}),
    Package("asyncio", "asyncio", (), ("aio.py",), PYTHON),
    Front(NGINX, "nginx in front", "nginx-light", "nginx"),
    Front(STUNNEL, "stunnel in front", "stunnel4", "stunnel4"),
)}

