"""A stock `python3 -m http.server`, a thread per connection, under a thousand connections of wrk and of a client of ours.

Two cases for each worker count. `plain` is the command as anybody types it: HTTP/1.0, a connection per request, and a
listener whose backlog of 5 drops most of a thousand connections at once (bare as well: the kernel's doing). `keepalive`
is the same module with room for them in the backlog and HTTP/1.1, so that a thousand threads are alive at the same time.

Every response must be complete and right, no socket error may appear that the same load does not show bare, and a server
under the library may not use more kernel threads than workers + 3. The server must end in order when it is interrupted.
"""

import os
import re
import select
import signal
import subprocess
from pathlib import Path

import harness
from harness import Case, Failed, fail_if

SMALL, BIG = 1024, 10 << 20
CONNECTIONS = 1000
START, FINISH = 30, 30
ERRORS = ("connect", "read", "write", "status", "timeout")

PLAIN = ["-m", "http.server"]
ROOMY = ["-c", (
    "import runpy, socketserver, sys; socketserver.TCPServer.request_queue_size = 4096;"
    "sys.argv[0] = 'http.server'; runpy.run_module('http.server', run_name='__main__', alter_sys=True)")]


def cases(name, options):
    plain = Scene("plain", PLAIN, [], pending=5)
    roomy = Scene("keepalive", ROOMY, ["--protocol", "HTTP/1.1"], pending=CONNECTIONS)
    return [Case(f"{name}:{scene.name} {harness.setting(w)}", lambda s=scene, w=w: s.check(w))
            for scene in (plain, roomy) for w in options.workers]


def interpreter():
    """The program behind a version manager's shim; --protocol came with Python 3.11."""
    python = harness.require("python3", "python3")
    asked = subprocess.run([python, "-c", "import sys; print(sys.executable, *sys.version_info[:2])"],
                           env=harness.plain_environment(), capture_output=True, timeout=START, check=False)
    words = harness.text(asked.stdout).split()
    fail_if(len(words) != 3, f"python3 does not start: {harness.last_line(harness.text(asked.stderr))}")
    fail_if((int(words[1]), int(words[2])) < (3, 11), f"python3 is {words[1]}.{words[2]}, 3.11 or later is needed")
    return words[0]


class Scene:
    """One way to start the server, and the loads it gets."""

    def __init__(self, name, module, flags, pending):
        self.name, self.module, self.flags, self.pending = name, module, flags, pending
        self.native = None  # socket errors of the bare run, by load

    def check(self, workers):
        if self.native is None:
            self.native, _ = self.loads(harness.BARE)
        errors, remark = self.loads(workers)
        for load, counts in errors.items():
            fresh = {kind: n for kind, n in counts.items() if n and not self.native[load][kind]}
            fail_if(fresh, f"wrk on {load}: socket errors that a bare server does not have: {fresh}")
        return remark

    def loads(self, workers):
        """Starts the server, gives it every load, ends it. Returns wrk's error counts and a remark."""
        with harness.temporary_folder() as folder:
            small, big = random_file(folder, "small", SMALL), random_file(folder, "big", BIG)
            with Server(self, workers, folder) as server:
                wrk(server.port, small, 2, whole=True)  # warm: the threads of a thousand connections have been made once
                with harness.ThreadSampler(server.process.pid) as threads:
                    seen = {"1 KiB": wrk(server.port, small, 5, whole=True), "10 MiB": wrk(server.port, big, 10, whole=False)}
                    fetched = self.client(server, small, 3000) + self.client(server, big, 300)
                server.finish()
        threads.check(workers)
        requests = "+".join(str(counts.pop("requests")) for counts in seen.values())
        return seen, f"wrk {requests} responses, client {fetched}, {threads.most} kernel threads"

    def client(self, server, file, requests):
        """Every byte compared; `wrk` looks at sizes only where the bodies are large."""
        program = harness.build_c("http_client.c")
        seconds = 120
        command = [program, server.port, f"/{file.name}", file, CONNECTIONS, self.pending, requests, seconds]
        finished = harness.run(command, harness.BARE, seconds + 20, label=f"http_client-{server.label}")
        fail_if(finished.status != 0, f"client, {file.name} file: {harness.last_line(finished.out + finished.err)}{server.alive()}")
        return requests


def random_file(folder, name, size):
    path = Path(folder) / name
    path.write_bytes(os.urandom(size))
    return path


class Server:
    """The server process, from its first line of output to its exit status."""

    def __init__(self, scene, workers, folder):
        self.label = f"http-{scene.name}-{harness.setting(workers)}"
        command = [interpreter(), "-u", *scene.module, "0", "--bind", "127.0.0.1", *scene.flags]
        self.workers = workers
        self.log = harness.BUILD / f"{self.label}.log"
        if workers is not harness.BARE:
            command = [harness.LAUNCHER, "--workers", workers, "--report", "--", *command]
        env = harness.plain_environment()
        env["GREENLET_LIB"] = str(harness.LIBRARY)
        with open(self.log, "wb") as log:
            self.process = harness.start(command, workers, cwd=folder, stderr=log, env=env)
        self.port = 0

    def __enter__(self):
        try:
            self.port = self.read_port()
        except BaseException:
            harness.end(self.process)
            raise
        return self

    def __exit__(self, *_):
        self.process.stdout.close()
        harness.end(self.process)

    def read_port(self):
        readable, _, _ = select.select([self.process.stdout], [], [], START)
        line = harness.text(self.process.stdout.readline()) if readable else ""
        port = re.search(r" port (\d+)", line)
        fail_if(not port, f"the server did not start within {START} s: {line or harness.last_line(self.said())}")
        return int(port.group(1))

    def said(self):
        return harness.text(self.log.read_bytes())

    def alive(self):
        status = self.process.poll()
        return "" if status is None else f"; the server is gone: {harness.status_words(status)}, {harness.last_line(self.said())}"

    def finish(self):
        """Ctrl-C: the server says goodbye and exits with 0, and the library reports."""
        fail_if(self.process.poll() is not None, f"the server ended by itself{self.alive()}")
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(FINISH)
        except subprocess.TimeoutExpired:
            raise Failed("after SIGINT: " + harness.hang_report(self.process, FINISH, self.label)) from None
        fail_if(status != 0, f"after SIGINT: {harness.status_words(status)}; {harness.last_line(self.said())}")
        if self.workers is not harness.BARE:
            harness.expect_green_threads(self.said(), at_least=CONNECTIONS)


def wrk(port, file, seconds, whole):
    """Runs wrk once. `whole`: each body is compared in Lua. Returns its error counts with the number of requests."""
    command = [harness.require("wrk", "wrk"), "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s",
               "-s", harness.HERE / "http_check.lua", f"http://127.0.0.1:{port}/{file.name}"]
    finished = harness.run(command + (["--", file] if whole else []), harness.BARE, seconds + 60)
    line = re.search(r"^CHECK (.*)$", finished.out, re.M)
    fail_if(not line, f"wrk: {harness.status_words(finished.status)}; {harness.last_line(finished.err + finished.out)}")
    counts = {key: int(value) for key, value in (pair.split("=") for pair in line.group(1).split())}
    fail_if(counts["wrong"], f"wrk: {counts['wrong']} wrong responses to {file.name}")
    fail_if(whole and not counts["right"], f"wrk: no response to {file.name} in {seconds} s")
    return {kind: counts[kind] for kind in (*ERRORS, "requests")}
