"""A process for which the kernel makes no more threads than it has: everything goes on, on those.

RLIMIT_NPROC says so to everybody but root: started by root, the program runs as a user that nobody is.
"""

import os
import shutil

import harness

TIMEOUT = 60
NOBODY = 54_321


def cases(name, options):
    return harness.cases(name, options, check)


def check(workers):
    program = harness.build_c("few_threads.c")
    with harness.temporary_folder() as folder:
        os.chmod(folder, 0o755)
        env, command = harness.environment(workers), []
        if os.geteuid() == 0:
            command += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        command.append(shutil.copy(program, folder))
        if workers is not harness.BARE:
            env["LD_PRELOAD"] = shutil.copy(harness.LIBRARY, folder)
            command.append("no-more")
        finished = harness.run(command, workers, TIMEOUT, env=env, label=f"few-{harness.setting(workers)}")
    harness.expect_success(finished, "the program")
    said = finished.out.splitlines()
    harness.fail_if(said[-1:] != ["all of it again"], f"it said: {said}")
    return f"{len(said)} scenes"
