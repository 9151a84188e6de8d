"""The calls of greenlet.h: greenlets*.c and .cc, linked with the library and preloaded with it too; the header in C++; a use through ctypes.

There is no bare run: without the library there are no greenlets. The program checks itself, and names what is not so.
"""

import subprocess
import sys
from pathlib import Path

import harness
import tls
from harness import Skipped

TIMEOUT = 100
PROGRAMS = ["greenlets.c", "greenlets_net.c", "greenlets_sync.c", "greenlets_late.c", "greenlets_edges.c", "greenlets_patch.c", "greenlets_cxx.cc",
            "greenlets_tls.c"]
LINKED_ONLY = ["greenlets_late"]
# What the preloaded library makes of a program that only makes threads, which sleep.
PATCHES = {
    "": "green threads, few",
    "all": "green threads, few",
    "time,thread": "green threads, few",
    "thread": "green threads, one for each",
    "socket,select,time": "kernel threads, one for each",
}
PREFIX = harness.BUILD / "prefix"
FLAGS = ["pkg-config", "--cflags", "--libs", "greenlet"]
PATH = {"PKG_CONFIG_PATH": str(PREFIX / "lib/pkgconfig")}

HEADER = """
#include <greenlet.h>
int main(void) { greenlet_t g = 0; return greenlet_active() + (int)g; }
"""

CTYPES = """
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1])
START = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
lib.greenlet_spawn.restype = ctypes.c_uint64
lib.greenlet_spawn.argtypes = [START, ctypes.c_void_p]
lib.greenlet_join.argtypes = [ctypes.c_uint64, ctypes.POINTER(ctypes.c_void_p)]
lib.greenlet_sleep.argtypes = [ctypes.c_double]
said = []
def turn(n):
    for step in range(3):
        said.append((n or 0, step))
        lib.greenlet_sleep(0.001 * ((n or 0) + 1))
    return 7
begin = START(turn)
assert lib.greenlet_init(0) == 0
all = [lib.greenlet_spawn(begin, n) for n in range(5)]
value = ctypes.c_void_p()
assert all and not any(lib.greenlet_join(g, ctypes.byref(value)) or value.value != 7 for g in all)
assert [n for n, step in said if step == 0] == list(range(5)) and len(said) == 15
print("all is right")
"""


def cases(name, options):
    return [*harness.cases(name, options, check), harness.Case(f"{name}:memory", memory)]


def succeed(command, **settings):
    env = {**harness.plain_environment(), "GREENLET_LIB": str(harness.LIBRARY), **settings}
    return subprocess.run([*map(str, command)], env=env, check=True, capture_output=True, text=True).stdout.strip()


def install():
    """The library as a user has it: what it takes to link, from pkg-config."""
    harness.require("pkg-config", "pkgconf")
    harness.require_library()
    succeed([harness.ROOT / "scripts/install", "--prefix", PREFIX])
    finished = harness.run([PREFIX / "bin/greenlet-run", "sh", "-c", "echo $LD_PRELOAD"], harness.BARE, TIMEOUT)
    harness.fail_if(finished.out.strip() != f"{PREFIX}/lib/libgreenlet.so.{succeed(FLAGS[:1] + ['--modversion', 'greenlet'], **PATH)}",
                    f"the installed launcher: {finished.out.strip()} {finished.err.strip()}")
    return succeed(FLAGS, **PATH).split()


def linked(source, compiler, flags, after=()):
    command = [compiler, "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wl,--no-as-needed", f"-Wl,-rpath,{PREFIX}/lib", *flags, *after, "-lm"]
    return harness.build(source, command, compiler, "gcc" if compiler == "cc" else "g++")


def certificates():
    """A folder with what greenlets_tls.c wants."""
    folder = harness.BUILD / "certificates"
    folder.mkdir(parents=True, exist_ok=True)
    authority = tls.Authority(folder)
    for name in ("server", "other"):
        authority.sign(name, "localhost")
    authority.own("stranger", "localhost", [])
    return folder


def watched(command, workers=1, leaks="definite"):
    """A run under valgrind, to which the library tells of its blocks. It does not know the instruction that sets the thread pointer. What
    libc keeps for a thread that is parked, or for the next one on its descriptor, counts as lost there."""
    valgrind = [harness.require("valgrind", "valgrind"), "-q", "--error-exitcode=9", "--leak-check=full", f"--show-leak-kinds={leaks}",
                f"--errors-for-leak-kinds={leaks}"]
    env = {**harness.plain_environment(), "GREENLET_WORKERS": str(workers), "GREENLET_FORCE": "arch_prctl"}
    return harness.run([*valgrind, *command], harness.BARE, TIMEOUT, env=env)


def memory():
    program = linked("greenlets_memory.c", "cc", ["-std=gnu11", *install()])
    for workers in (1, 4):
        finished = watched([program], workers)
        harness.fail_if((finished.status, finished.out.strip()) != (0, "all is right"), f"{finished.out.strip()} {finished.err.strip()}")
    for error, found in {"freed": "Invalid read", "twice": "Invalid free()", "lost": "definitely lost"}.items():
        finished = watched([program, error])
        harness.fail_if(finished.status != 9 or found not in finished.err, f"valgrind does not find what is {error}: {finished.err.strip()}")
    return "nothing lost, nothing used after it was freed; what is made to err is found"


def check(workers):
    if workers is harness.BARE:
        raise Skipped("greenlets are the library's")
    flags = install()
    names = harness.build("names.c", ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror"], "cc", "gcc")
    compilers = {".c": ("cc", "-std=gnu11"), ".cc": ("c++", "-std=c++17")}
    programs = {}
    for source in map(Path, PROGRAMS):
        compiler, standard = compilers[source.suffix]
        programs[source.stem] = linked(source.name, compiler, [standard, *flags], after=[names])
    script = harness.keep("greenlets-ctypes", CTYPES)
    header = harness.keep("greenlets-header", HEADER)
    harness.expect_success(harness.run(["c++", "-std=c++17", "-pedantic", "-Wall", "-Werror", "-fsyntax-only", "-x", "c++",
                                        f"-I{harness.ROOT / 'preload/include'}", header], harness.BARE, TIMEOUT), "C++")
    env = {"GREENLET_WORKERS": str(workers), "GREENLET_FORCE": "no-verify"}  # a wake-up that is lost is a hang
    ways = {"by ctypes": ([sys.executable, script, harness.LIBRARY], workers)}
    for name, program in programs.items():
        command = [program, certificates()] if name == "greenlets_tls" else [program]
        ways[f"{name} linked"] = (command, harness.BARE)
        if name not in LINKED_ONLY:
            ways[f"{name} preloaded"] = (command, workers)
    for way, (command, setting) in ways.items():
        label = f"greenlets-{way.replace(' ', '-')}-{workers}"
        finished = harness.run(command, setting, TIMEOUT, label=label, env={**harness.environment(setting), **env})
        harness.expect_success(finished, way)
        harness.fail_if(finished.out.strip() != "all is right", f"{way}: {finished.out.strip()}")
    for patches, expected in PATCHES.items():
        finished = harness.run([programs["greenlets_patch"], "tell"], workers, TIMEOUT, env={**harness.environment(workers), "GREENLET_PATCH": patches})
        harness.fail_if(finished.out.strip() != expected, f"GREENLET_PATCH={patches}: {finished.out.strip()} {finished.err.strip()}")
    refused = harness.run([programs["greenlets_patch"], "tell"], workers, TIMEOUT, env={**env, "GREENLET_PATCH": "time,sockets"})
    harness.fail_if((refused.status, refused.out, refused.err.count("\n")) != (2, "", 1) or "GREENLET_PATCH=time,sockets" not in refused.err,
                    f"a word that is none: {refused.status} {refused.out} {refused.err}")
    return f"{len(ways)} ways, {len(PATCHES) + 1} settings"
