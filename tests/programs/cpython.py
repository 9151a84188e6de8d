"""CPython's own tests as the oracle: each module with `-m test`, bare and under the library, outcome by outcome.

A module passes when the set of (test, outcome) and the exit status are those of a bare run on the same machine. What fails
bare may fail here too. A test whose outcome differs gets the benefit of the doubt only as far as it was earned: bare is run
twice more and may show the same outcome, else the library is run twice more and must give the bare outcome both times, and
then the test is named in the remark as unsteady. A crash or a hang is a failure at once.

The quick set is for every change; --full runs all modules; `cpython:test_queue` runs one. A module's flags are what it needs
to run on this machine alone: no test here may reach for another host.

The interpreter is the first on the path that has its own tests, or the one that CPYTHON names. Some ways of packing Python
leave a module out. A module that may be missing is run by the newest interpreter here that has it, and is SKIPPED, with
the reason in its line, where none has.
"""

import os
import re
import shutil
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import harness
from harness import Case, Failed, Skipped, fail_if

NETWORK = ["-u", "network"]
EXPLAIN = 6  # differing tests named in a line
NO_TESTS_RAN = 4  # what -m test says when none was chosen, or a resource was denied


class Module:
    """A test module, whether it belongs to the quick set, and the flags it needs. `label` names its files."""

    def __init__(self, name, quick, *flags, anywhere=False, label=None):
        self.name, self.quick, self.flags = name, quick, list(flags)
        self.anywhere, self.label = anywhere, label or name


QUICK, SLOW = True, False

MODULES = [
    Module("test_thread", QUICK),
    Module("test_threading", QUICK),
    Module("test_threading_local", QUICK),
    Module("test_queue", QUICK),
    Module("test_select", QUICK),
    Module("test_poll", QUICK),
    Module("test_epoll", QUICK),
    Module("test_selectors", QUICK),
    Module("test_timeout", QUICK, *NETWORK, "-i", "*TCPTimeoutTestCase*"),  # these want www.python.org
    Module("test_socketserver", QUICK, *NETWORK),  # its servers are on this host
    Module("test_socket", QUICK, "-i", "*ThreadedVSOCKSocketStreamTest*"),  # hangs bare where vsock has no peer
    Module("test_httplib", QUICK),
    Module("test_httpservers", QUICK),
    Module("test_urllib2_localnet", QUICK),
    Module("test_xmlrpc", QUICK),
    Module("test_smtplib", QUICK),
    Module("test_time", QUICK),
    Module("test_sched", QUICK),
    Module("test_ftplib", QUICK),
    Module("test_poplib", QUICK),
    Module("test_imaplib", SLOW),
    Module("test_logging", QUICK),
    Module("test_asyncio", QUICK),
    Module("test_ssl", SLOW),
    Module("test_io", SLOW),
    Module("test_os", SLOW),
    Module("test_posix", SLOW),
    Module("test_pty", SLOW),
    Module("test_subprocess", SLOW),
    Module("test_fork1", SLOW),
    Module("test_wait3", SLOW),
    Module("test_wait4", SLOW),
    Module("test_signal", SLOW),
    Module("test_threadsignals", SLOW),
    Module("test_eintr", SLOW, "-u", "walltime"),
    Module("test_faulthandler", SLOW),
    Module("test_sqlite3", SLOW),
    Module("test_concurrent_futures", SLOW, anywhere=True),
    Module("test_multiprocessing_fork", SLOW, anywhere=True),
    Module("test_multiprocessing_spawn", SLOW, anywhere=True),
    Module("test_multiprocessing_forkserver", SLOW, anywhere=True),
]


def cases(name, options):
    pythons = Pythons()
    made = [Case(f"{name}:{probe.__name__} {harness.setting(w)}", lambda p=probe, w=w: p(pythons.default(), w))
            for probe in (interpreter,) for w in options.workers]
    for module in MODULES:
        native = Native(pythons.having if module.anywhere else pythons.default_for, module)
        label = f"{name}:{module.name}"
        made += [Case(f"{label} {harness.setting(w)}", lambda n=native, w=w: n.check(w), options.full or module.quick)
                 for w in options.workers]
    return made


# ---- the interpreter ------------------------------------------------------------------------------------------


class Pythons:
    """The interpreters of this machine that have their own tests, each asked when it is first needed."""

    NAMES = ["python3", *(f"python3.{minor}" for minor in range(11, 15)), "/usr/bin/python3", "/usr/local/bin/python3"]
    OLDEST = (3, 10)  # before that, -m test has other options
    QUESTION = ("import sys, importlib.util as u\n"
                "print(*sys.version_info[:2], sys.executable) if u.find_spec('test.' + sys.argv[1]) else None")

    def __init__(self):
        self._default = None

    def default(self):
        if self._default is None:
            names = [os.environ["CPYTHON"]] if os.environ.get("CPYTHON") else self.NAMES
            self._default = next((path for _, path in self.with_module("test_threading", names)), None)
        fail_if(self._default is None, "no python3 with a test package: apt-get install python3-full libpython3-testsuite")
        return self._default

    def default_for(self, _module):
        return self.default()

    def having(self, module):
        """The default interpreter if it has the module, else the newest that has it."""
        found = next((path for _, path in self.with_module(module, [self.default()])), None) or self.newest(module)
        if found is None:
            raise Skipped(f"no python3 here has test.{module}, neither on the path nor below {self.managed()}")
        return found

    def of_version(self, version, module="test_threading"):
        for seen, path in self.with_module(module, [self.default(), *self.everywhere()]):
            if seen == version:
                return path
        raise Skipped(f"no python{version[0]}.{version[1]} here has its own tests, neither on the path nor below {self.managed()}")

    def newest(self, module):
        return max(self.with_module(module, self.everywhere()), default=(None, None))[1]

    def everywhere(self):
        """Names on the path, then what a version manager keeps beside it."""
        return [*self.NAMES, *sorted(str(path) for path in self.managed().glob("*/bin/python3"))]

    def managed(self):
        return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"

    def with_module(self, module, names):
        """(version, path) of those among `names` that are there and have the test module, in that order."""
        for name in names:
            words = self.ask(name, module).split(maxsplit=2)
            if len(words) == 3 and (version := (int(words[0]), int(words[1]))) >= self.OLDEST:
                yield version, words[2]

    def ask(self, name, module):
        """The answer names the program itself, not a version manager's shim."""
        if shutil.which(name) is None:
            return ""
        asked = subprocess.run([name, "-c", self.QUESTION, module], env=harness.plain_environment(), capture_output=True, check=False)
        return harness.text(asked.stdout).strip()


PROBE = """
import os, threading, time
threads = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(100)]
for t in threads: t.start()
time.sleep(0.3)
print(len(os.listdir('/proc/self/task')))
for t in threads: t.join()
"""


def interpreter(python, workers):
    """A hundred sleeping threads: shows that the modules below do run on green threads."""
    label = f"cpython-probe-{harness.setting(workers)}"
    finished = harness.run([python, "-c", PROBE], workers, 60, label=label, env=harness.reporting(workers, label))
    harness.expect_success(finished, "the interpreter")
    harness.check_threads(int(finished.out), workers)
    harness.check_report(workers, label, at_least=100)
    return f"{python}, 100 threads on {finished.out.strip()} kernel threads"


# ---- one run of one module ------------------------------------------------------------------------------------


class Outcomes:
    """What a run said: a table of test name to outcome, the exit status, the seconds it took."""

    def __init__(self, table, status, seconds):
        self.table, self.status, self.seconds = table, status, seconds


def run_module(python, module, workers, timeout):
    label = f"{module.label}-{harness.setting(workers)}"
    with harness.temporary_folder() as folder:
        results = Path(folder) / "results.xml"
        command = [python, "-m", "test", "-v", *module.flags, "--junit-xml", results, "--tempdir", folder, module.name]
        log = harness.BUILD / f"{label}.log"
        began = time.monotonic()
        with open(log, "wb") as out:
            process = harness.start(command, workers, cwd=folder, stdout=out, stderr=out)
        status = wait(process, timeout, label, log)
        if status == NO_TESTS_RAN and not results.is_file():
            return Outcomes({}, status, time.monotonic() - began)
        fail_if(not results.is_file(), f"no results, {harness.status_words(status)}, during {last_started(log)}; {log}")
        return Outcomes(read_results(results), status, time.monotonic() - began)


def wait(process, timeout, label, log):
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        ask_for_traceback(process)
        raise Failed(f"in {last_started(log)}: {harness.hang_report(process, timeout, label)}, its output: {log}") from None
    finally:
        harness.end(process)


def ask_for_traceback(process):
    """CPython's test runner prints every thread's Python frames on SIGUSR1."""
    process.send_signal(signal.SIGUSR1)
    time.sleep(2)


def last_started(log):
    """`test_x (test.test_module.Class.test_x) ... ` is printed before a test runs."""
    names = re.findall(r"^(\w+ \([\w.]+\))(?: \.\.\.|$)", harness.text(log.read_bytes()), re.M)
    return names[-1] if names else "the start"


def read_results(path):
    table = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        marks = sorted(child.tag for child in case if child.tag not in ("system-out", "system-err"))
        table.setdefault(case.get("name"), []).append(" ".join(marks) or "ok")
    return {name: " | ".join(sorted(seen)) for name, seen in table.items()}


# ---- the comparison -------------------------------------------------------------------------------------------


class Native:
    """A module's bare runs: one to begin with, more when a difference asks whether bare is steady."""

    def __init__(self, find_python, module):
        """`find_python` takes the module's name; it is called when the module first runs."""
        self.find_python, self.module = find_python, module
        self.python = None
        self.runs = []

    def run_bare(self):
        if self.python is None:
            self.python = self.find_python(self.module.name)
        self.runs.append(run_module(self.python, self.module, harness.BARE, 600))

    def run_here(self, workers):
        return run_module(self.python, self.module, workers, max(120, 5 * self.runs[0].seconds))

    def check(self, workers):
        if not self.runs:
            self.run_bare()
        fail_if(not self.runs[0].table, f"bare, {self.module.name} runs no test")
        here = self.run_here(workers)
        unsteady = self.judge(here, workers) if self.differences(here) or self.other_status(here) else []
        return self.remark(here, unsteady)

    def differences(self, here):
        """Tests whose outcome no bare run has shown, with both outcomes."""
        names = set(here.table).union(*(run.table for run in self.runs))
        found = {}
        for name in names:
            bare = {run.table.get(name, "absent") for run in self.runs}
            seen = here.table.get(name, "absent")
            if seen not in bare:
                found[name] = f"{'/'.join(sorted(bare))} became {seen}"
        return found

    def other_status(self, here):
        return here.status not in {run.status for run in self.runs}

    def judge(self, here, workers):
        """Raises Failed, or returns the tests that differed once and then never again."""
        while len(self.runs) < 3:
            self.run_bare()
        first = self.differences(here)
        if not first and not self.other_status(here):
            return []
        again = [self.run_here(workers) for _ in range(2)]
        lasting = {name: words for run in again for name, words in self.differences(run).items()}
        fail_if(lasting, f"{len(lasting)} tests differ: {self.named({**first, **lasting})}; {self.log(workers)}")
        statuses = {run.status for run in again if self.other_status(run)}
        fail_if(statuses, f"exit status {statuses} with the same outcomes, bare {self.runs[0].status}; {self.log(workers)}")
        return sorted(first) or ["exit status"]

    def named(self, differences):
        shown = [f"{short(name)} ({words})" for name, words in sorted(differences.items())[:EXPLAIN]]
        more = len(differences) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more > 0 else "")

    def log(self, workers):
        return harness.BUILD / f"{self.module.label}-{harness.setting(workers)}.log"

    def remark(self, here, unsteady):
        marks = list(here.table.values())
        failed = sum("failure" in m or "error" in m for m in marks)
        words = f"{len(marks)} tests, {marks.count('skipped')} skipped"
        words += f", {failed} failed as bare" if failed else ""
        words += f", unsteady: {', '.join(map(short, unsteady))}" if unsteady else ""
        words += f", {self.python}" if self.module.anywhere else ""
        return f"{words}, {here.seconds:.0f} s (bare {self.runs[0].seconds:.0f} s)"


def short(name):
    return ".".join(name.split(".")[-2:])
