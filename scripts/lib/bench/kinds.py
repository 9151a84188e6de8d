"""The kinds of scenes: how one run of one peer goes. The table of scenes (scenes.py) says with which numbers.

A server's CPU time is read by the load generator at both ends of its window, from the kernel's clock for that process.
'pinned' scenes give the server CPU 0 and the load CPU 1, so that one does not take from the other; the load never sleeps there, because on
one machine it would be the server that pays for waking it, more often the faster the load is. 'unpinned' ones leave both to the
kernel, and with the library more than one worker.
"""

import time

import machine
import running
from peers import BARE, GREEN, PEERS
from running import LOAD_CPU, SERVER_CPU, CannotMeasure


class Figure:
    """A measured quantity: its key in the output, its name and unit in the table, its precision there, whether more is better, and whether
    the README shows it beside the scene's first figure."""

    def __init__(self, key, name, digits=1, more=False, shown=False):
        self.key, self.name, self.digits, self.more, self.shown = key, name, digits, more, shown


class Scene:
    """What all kinds have. The first figure is the one that ratios are made of.

    `python` is set for scenes whose bare and preloaded programs are Python's. `without` leaves peers out, with the reason.
    """

    program = None
    python = False
    difference = False  # the table shows preloaded minus bare in place of ratios
    needs = ()  # (command, package) pairs beside the peers' own
    threads = descriptors = memory = 0

    def __init__(self, name, title, figures, peers, without=None):
        self.name, self.title, self.figures, self.without = name, title, figures, without or {}
        self.peers = [key for key in peers if key not in self.without and (self.program is None or PEERS[key].has(self.program))]

    def run(self, kit, peer):
        """One run: a dict of figures."""
        self.require_room(peer)
        return self.measure(kit, peer)

    def require_room(self, peer):
        if peer.key == BARE and self.threads:
            machine.require_kernel_threads(self.threads)
        if self.descriptors:
            machine.allow_descriptors(self.descriptors)
        if self.memory:
            machine.require_memory(self.memory)

    def command(self, kit, peer, *arguments):
        return (peer.python_command if self.python else peer.command)(kit, self.program, *arguments)

    def measure(self, kit, peer):
        raise NotImplementedError


class Server(Scene):
    """A server of the peer's, and our load, which checks every byte."""

    def __init__(self, name, title, figures, peers, program, connections, seconds, pinned, python=False, options=(), without=None):
        self.program, self.python, self.options = program, python, options
        self.connections, self.seconds, self.pinned = connections, seconds, pinned
        self.threads = self.descriptors = connections
        super().__init__(name, title, figures, peers, without)

    def measure(self, kit, peer):
        cpu = SERVER_CPU if self.pinned else None
        with running.server(kit, self.command(kit, peer), peer.preloaded, cpu) as (process, port), running.PeakThreads(process.pid) as peak:
            figures = load(kit, port, process.pid, self.connections, self.seconds, self.pinned, *self.options)
            peak.look()
        figures["server_kernel_threads"] = peak.threads
        return figures


def load(kit, port, server_pid, connections, seconds, pinned, *options):
    command = [kit.build / "echo_load", port, connections, seconds, f"server={server_pid}", *(["busy"] if pinned else []), *options]
    return running.figures(kit, command, cpu=LOAD_CPU if pinned else None, seconds=seconds)


class Program(Scene):
    """A program that measures itself."""

    def __init__(self, name, title, figures, peers, program, arguments, pinned=False, seconds=0.0, threads=0, descriptors=0, memory=0,
                 without=None):
        self.program, self.arguments, self.pinned, self.seconds = program, arguments, pinned, seconds
        self.threads, self.descriptors, self.memory = threads, descriptors, memory
        super().__init__(name, title, figures, peers, without)

    def measure(self, kit, peer):
        return running.figures(kit, self.command(kit, peer, *self.arguments), peer.preloaded, SERVER_CPU if self.pinned else None,
                               self.seconds, watch=True)


class Script(Program):
    """A Python file of its own, bare and preloaded."""

    def command(self, kit, peer, *arguments):
        return [kit.python(None), "-B", kit.peers / "python" / self.program, *arguments]


class Startup(Scene):
    """/bin/true with and without the library. The starter itself is always bare."""

    def __init__(self, name, title, figures, starts):
        self.starts = starts
        super().__init__(name, title, figures, (BARE, GREEN))

    def measure(self, kit, peer):
        return running.figures(kit, [kit.build / "startup", self.starts, *([kit.library] if peer.preloaded else [])])


class Lookups(Program):
    """Inside dns_box, which has our name server and no other. The box itself is always bare."""

    def measure(self, kit, peer):
        folder = kit.build / "dns"
        folder.mkdir(exist_ok=True)
        preload = running.preloading(kit) if peer.preloaded else []
        command = [kit.build / "dns_box", folder, *preload, *self.command(kit, peer, *self.arguments)]
        return running.figures(kit, command, seconds=self.seconds, watch=True)


class Parked(Scene):
    """What a waiting thread costs, in the process and in the whole machine.

    The resident set leaves out a kernel thread's other half (its kernel stack, its task, its page tables), so what the machine has
    available is compared as well. Anything else that runs is in that figure; the median of several rounds, and their spread, show it.
    """

    # The kernel folds its per-CPU counters into MemAvailable once a second, and gives back the memory of the program that ran before
    # bit by bit. What still moves after MOST_READINGS is measured anyway.
    BETWEEN_READINGS, STEADY_KB, MOST_READINGS = 1.2, 512, 8
    program = "parked"

    def __init__(self, name, title, figures, peers, how, threads, without=None):
        self.how, self.threads = how, threads
        self.descriptors = 2 * threads if how == "recv" else 0
        super().__init__(name, title, figures, peers, without)

    def measure(self, kit, peer):
        process = running.start(kit, self.command(kit, peer, self.how, self.threads), peer.preloaded, stdin=running.subprocess.PIPE)
        with running.ended_at_last(process):
            resident, available = self.settled(process, "ready")
            process.stdin.write("\n")
            process.stdin.flush()
            resident_after, available_after = self.settled(process, "parked")
            process.communicate("\n", timeout=running.GRACE)
        if process.returncode != 0:
            raise CannotMeasure(f"{self.name}: parked {running.how_it_ended(process.returncode)}")
        return {"machine_bytes_per_thread": (available - available_after) * 1024 / self.threads,
                "rss_bytes_per_thread": (resident_after - resident) * 1024 / self.threads}

    def settled(self, process, word):
        said = process.stdout.readline().strip()
        if said != word:
            raise CannotMeasure(f"{self.name}: parked said '{said}': {running.last_line(process.stderr.read())}")
        before, now = None, self.available()
        for _ in range(self.MOST_READINGS):
            if before is not None and abs(now - before) <= self.STEADY_KB:
                break
            time.sleep(self.BETWEEN_READINGS)
            before, now = now, self.available()
        # smaps_rollup counts pages; VmRSS is summed from per-CPU counters that lag.
        return running.kilobytes(running.read(process.pid, "smaps_rollup"), "Rss:"), now

    @staticmethod
    def available():
        return machine.available_kilobytes()
