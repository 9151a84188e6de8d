"""The tests that gevent disables under its own patching, as a measure: how many of them pass on green threads.

gevent turns threads into green ones from inside Python and cannot give everything that its patches replace; what it must
disable of CPython's own tests is therefore a list of what is hard. gevent_disabled.txt has the names, and says how they
were got; what a name stands for is decided as gevent does it. They belong to 3.11, so an interpreter of that version runs
them; where there is none the case is SKIPPED.

The remark is 'N of M': M tests passed in every bare run, N of them under the library. The case fails unless N is M and no
other outcome differs. A test that bare skips or fails counts in neither: among them are those that want other hosts.
"""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import cpython
import harness
from harness import Failed, fail_if

VERSION = (3, 11)
LIST = harness.HERE / "gevent_disabled.txt"
AT_ONCE = 2  # modules at a time: most of the time they sleep

# As in the full set: without a vsock peer its tests hang bare.
FLAGS = {"test_socket": ["-i", "*ThreadedVSOCKSocketStreamTest*"]}


def cases(name, options):
    disabled = Disabled(entries())
    return harness.cases(name, options, disabled.check)


def entries():
    lines = (line.strip() for line in LIST.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def pattern(entry):
    """What -m takes: all of a class, or in any class each method whose name begins so."""
    _, scope, *method = entry.split(".")
    return f"*.*.{method[0]}*" if method else f"*.{scope}.*"


class Disabled:
    """The listed modules, each with its bare runs; made by the first case, shared by the others."""

    def __init__(self, listed):
        self.listed = listed
        self.natives = None

    def check(self, workers):
        if self.natives is None:
            self.natives = self.modules_here()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            reasons = [reason for reason in pool.map(lambda native: self.compare(native, workers), self.natives) if reason]
        wanted = {test for native in self.natives for test in native.passing()}
        passed = {test for native in self.natives for test in native.passing() if passes(native.here, test)}
        words = f"{len(passed)} of {len(wanted)}"
        fail_if(reasons, f"{words}: {'; '.join(reasons)}")
        return words + f" pass ({len(self.listed)} names, {self.counted_out()}), {self.natives[0].python}"

    def modules_here(self):
        pythons = cpython.Pythons()
        python = pythons.of_version(VERSION)
        patterns = defaultdict(list)
        for entry in self.listed:
            patterns[entry.partition(".")[0]] += ["-m", pattern(entry)]
        return [Listed(python, cpython.Module(module, cpython.SLOW, *chosen, *FLAGS.get(module, []), label=f"gevent-{module}"))
                for module, chosen in patterns.items() if any(pythons.with_module(module, [python]))]

    def compare(self, native, workers):
        """The reason why the module does not pass, or None."""
        try:
            native.compare(workers)
        except Failed as reason:
            return f"{native.module.name}: {reason}"
        return None

    def counted_out(self):
        """Tests that bare does not pass, so that a machine on which much is skipped is seen to be one."""
        others = sum(len(native.runs[0].table) - len(native.passing()) for native in self.natives)
        return f"{others} tests skipped or failed as bare"


class Listed(cpython.Native):
    """The listed tests of one module. It may have none here: names that are newer, or want a resource."""

    def __init__(self, python, module):
        super().__init__(lambda _: python, module)
        self.here = None

    def compare(self, workers):
        self.here = None
        if not self.runs:
            self.run_bare()
        self.here = self.run_here(workers)
        if (self.differences(self.here) or self.other_status(self.here)) and self.judge(self.here, workers):
            self.here = self.runs[0]  # it differed once and then twice not: unsteady, and given the bare outcome

    def passing(self):
        return [test for test in self.runs[0].table if all(passes(run, test) for run in self.runs)] if self.runs else []


def passes(outcomes, test):
    return outcomes is not None and set(outcomes.table.get(test, "absent").split(" | ")) == {"ok"}
