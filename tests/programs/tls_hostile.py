"""TLS among peers that mean no good, and in processes that have little.

`early` a peer that says something in the clear and resets the connection before it is accepted: the program must not see it;
`tickets` a client that has been let in at one port and comes back at another, which wants a certificate; `signals` a process that may
queue no signals: it lets nobody in, and goes on; `ways` each way to connect and send, of a client in C; `look_ups`
names that change, or cannot be looked up; `greedy` a peer that takes nothing; `half_closed` one that is cut off when the program has
said all; `accepts` ways to accept, of a server in C; `unheard` a port on which nobody listens.
"""

import os
import resource
import socket
import struct
import subprocess
import time
from pathlib import Path

import harness
import tls
from harness import Case, fail_if


def cases(name, options):
    tests = [("early", early), ("tickets", tickets), ("signals", signals), ("ways", ways), ("look_ups", look_ups), ("greedy", greedy), ("half_closed", half_closed), ("accepts", accepts)]
    return [Case(f"{name}:{part} {harness.setting(w)}", lambda f=f, w=w: f(w))
            for part, f in tests for w in options.workers if w is not harness.BARE] + [Case(f"{name}:unheard", unheard)]


class Ports:
    """tls_ports.py, in a process with its own limits."""

    def __init__(self, workers, specs, limits=(), settings=None):
        self.ports = [harness.free_port() for _ in specs]
        env = {**harness.environment(workers), **(settings or {})}
        env["GREENLET_TLS_LISTEN"] = ",".join(f"{port}={spec}" for port, spec in zip(self.ports, specs, strict=True))
        command = [harness.require("python3", "python3"), "-u", harness.HERE / "tls_ports.py", *self.ports]
        self.process = subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        start_new_session=True, preexec_fn=lambda: [resource.setrlimit(*limit) for limit in limits])
        fail_if(self.process.stdout.readline() != b"listening\n", "the server does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        harness.end(self.process)


def early(workers):
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        with tls.Server(workers, [authority.sign("server", "localhost")]) as server:
            first = tls.Secure(server.port, tls.context_for(authority))
            first.say(b"echo\nx")
            first.hear(1)
            with socket.create_connection(("127.0.0.1", server.port), tls.SECONDS) as plain:
                plain.sendall(b"echo\nin the clear")
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            first.close()
            said = [server.line(), server.line()]
            fail_if(said != ["echo echoed to the end", "(no scene) ECONNRESET"], f"the server says {said}")
    return "nothing of it is seen"


def say(port, context, session=None, word=b"hello"):
    """What comes back, and the session to come back with."""
    with socket.create_connection(("127.0.0.1", port), tls.SECONDS) as raw:
        with context.wrap_socket(raw, server_hostname="localhost", session=session) as s:
            s.sendall(word)
            return s.recv(100), s.session


def tickets(workers):
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        spec = authority.sign("server", "localhost")
        with Ports(workers, [spec, f"{spec}:client-ca={authority.certificate}"]) as server:
            for version in (tls.ssl.TLSVersion.TLSv1_3, tls.ssl.TLSVersion.TLSv1_2):
                context = tls.context_for(authority, maximum_version=version)
                _, session = say(server.ports[0], context)
                try:
                    heard, _ = say(server.ports[1], context, session)
                except OSError:
                    heard = b""
                fail_if(heard, f"{version.name}: without a certificate the port that wants one says {heard}")
    return "let in at one port is not let in at the other"


def signals(workers):
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        most = resource.getrlimit(resource.RLIMIT_SIGPENDING)[1]
        with Ports(workers, [authority.sign("server", "localhost")], [(resource.RLIMIT_SIGPENDING, (0, most))]) as server:
            for _ in range(5):
                try:
                    heard, _ = say(server.ports[0], tls.context_for(authority))
                except OSError:
                    heard = b""
                fail_if(heard not in (b"", b"HELLO"), f"it says {heard}")
            resource.prlimit(server.process.pid, resource.RLIMIT_SIGPENDING, (most, most))
            for _ in range(5):
                heard, _ = say(server.ports[0], tls.context_for(authority))
                fail_if(heard != b"HELLO", f"it says {heard}")
    return "nobody is let in, then everybody"


def ways(workers):
    """Each way to connect and to send; nothing may go out in the clear, whatever the server makes of it."""
    program = harness.build_c("tls_ways.c")
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        authority.sign("server", "localhost")
        with tls.Echo() as clear, tls.Echo(tls.echo_context(authority, "server")) as secure:
            def run(server, workers, spec=None):
                env = {**harness.environment(workers), **({"GREENLET_TLS_CONNECT": spec} if spec else {})}
                done = harness.run([program, "localhost", server.port], workers, tls.SECONDS, env=env)
                harness.expect_success(done, spec or "bare")
                return done.out.splitlines()

            # In the clear a signal may interrupt it, where the machine is slow enough.
            native = ["interrupted: done, done" if line.startswith("interrupted") else line for line in run(clear, harness.BARE)]
            refused = "sendto opens: EOPNOTSUPP, sendmsg: EOPNOTSUPP, sendmmsg: EOPNOTSUPP"
            expected = [refused if line.startswith("sendto opens") else line for line in native]
            for spec in (f"localhost:{secure.port}={authority.certificate}", f"127.0.0.1:{secure.port}={authority.certificate}:name=localhost"):
                seen = run(secure, workers, spec)
                fail_if(seen != expected, f"{spec}: {seen}, in the clear {native}")
            clear.heard.clear()
            seen = run(clear, workers, f"localhost:{clear.port}={authority.certificate}")
            fail_if(not clear.heard, f"a server without TLS is not asked: {seen}")
            fail_if(any(word in clear.heard for word in (b"mptcp", b"put off", b"no address", b"other", b"in the clear", b"by number")),
                    f"a server without TLS hears {bytes(clear.heard)}")
            seen = run(clear, workers, f"192.0.2.1:1={authority.certificate}")
            fail_if([line for line in seen if not line.startswith("interrupted")] != [line for line in native if not line.startswith("interrupted")],
                    f"a server that is not named is not talked to as ever: {seen}")
    return f"{len(native)} ways"


def look_ups(workers):
    """A server is the one that the program was told of, whatever the system says of the name since; and where it cannot say, nobody is
    talked to at that port."""
    program = harness.build_c("tls_ways.c")
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        authority.sign("server", "server.test")
        hosts, resolver = Path(folder, "hosts"), Path(folder, "resolv.conf")
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        with tls.Echo(tls.echo_context(authority, "server")) as server:
            def run(name):
                hosts.write_text("127.0.0.1 server.test\n")
                env = {**harness.environment(workers), "GREENLET_TLS_CONNECT": f"{name}:{server.port}={authority.certificate}", "PROGRAM": str(program)}
                script = f"mount --bind {hosts} /etc/hosts && mount --bind {resolver} /etc/resolv.conf && " \
                         f"exec $PROGRAM server.test {server.port} 'echo 127.0.0.9 server.test > {hosts}'"
                done = harness.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script], workers, tls.SECONDS, env=env)
                if "unshare" in done.err:
                    raise harness.Skipped(harness.last_line(done.err))
                harness.expect_success(done, name)
                return done.out.splitlines()[0]

            for name, words in {"server.test": "tcp: done, done", "SERVER.test.": "tcp: done, done", "other.test": "tcp: EACCES"}.items():
                seen = run(name)
                fail_if(seen != words, f"{name}: {seen}")
    return "told, and not to be told"


def accepts(workers):
    """Ways to accept, of a server in C: it says the same as in the clear, and its clients hear the same."""
    program = harness.build_c("tls_accepts.c")
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        spec, context = authority.sign("server", "localhost"), tls.context_for(authority)

        def start(way, workers):
            """With a port that is free on every address, of both families."""
            for _ in range(10):
                port = harness.free_port()
                env = {**harness.environment(workers), **({"GREENLET_TLS_LISTEN": f"{port}={spec}"} if workers is not harness.BARE else {})}
                process = harness.start([program, way, port], workers, env=env, stderr=subprocess.STDOUT)
                if process.stdout.readline() == b"listening\n":
                    return process, port
                harness.end(process)
            raise harness.Failed("it does not listen")

        def play(way, workers, client):
            process, port = start(way, workers)
            heard = []
            for _ in range({"leaves": 1, "children": 30, "flags": 2, "forks": 1}[way]):
                c = client(port, context)
                c.say(b"hello\n")
                heard.append(c.hear(6))
                c.end()
                heard.append(c.hear())
                c.close()
                if way == "flags" and len(heard) == 2:
                    heard.append(process.stdout.readline() + process.stdout.readline())
            out, _ = process.communicate(timeout=tls.SECONDS)
            harness.end(process)
            return heard, out, process.returncode

        for way in ("leaves", "children", "flags", "forks"):
            native, seen = play(way, harness.BARE, tls.Clear), play(way, workers, tls.Secure)
            fail_if(native != seen, f"{way}: in the clear {native}, in TLS {seen}")
    return "what stdio left, children, flags and listeners anew, beside a fork"


def half_closed(workers):
    """A program that has said all reads to the end: a connection that was cut must not look like one that ended."""
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        with tls.Server(workers, [authority.sign("server", "localhost")]) as server:
            for scene, expected in (("bulk", "bulk then (b'', 'ECONNRESET')"), ("forks_and_listens", "forks_and_listens child 8")):
                c = tls.Secure(server.port, tls.context_for(authority))
                c.say(f"{scene}\n".encode())
                c.hear()
                c.cut()
                said = server.line()
                fail_if(said != expected, said)
    return "ends in a reset, also in a child"


def sockets(pid):
    """All that its threads have, in whatever table."""
    found = set()
    for link in Path(f"/proc/{pid}/task").glob("*/fd/*"):
        try:
            found.add(os.readlink(link))
        except OSError:
            pass
    return {link for link in found if link.startswith("socket:")}


def greedy(workers):
    """A peer that takes nothing of what it has asked for, when the program has said it and gone."""
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        context = tls.context_for(authority)
        with Ports(workers, [authority.sign("server", "localhost")], settings={"GREENLET_TLS_TIMEOUT": "1"}) as server:
            say(server.ports[0], context)
            with socket.socket() as raw:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
                raw.connect(("127.0.0.1", server.ports[0]))
                with context.wrap_socket(raw, server_hostname="localhost") as s:
                    s.sendall(b"FILL")
                    time.sleep(3)
                    held = sockets(server.process.pid)
                    until = time.monotonic() + tls.SECONDS
                    while len(held) > 1 and time.monotonic() < until:
                        time.sleep(0.2)
                        held = sockets(server.process.pid)
                    fail_if(len(held) > 1, f"the server still has {len(held)} sockets, its listener included")
    return "is given up"


def unheard():
    """A port on which nobody listens is said at exit; by nobody who cannot know."""
    with harness.temporary_folder() as folder:
        authority = tls.Authority(folder)
        spec = authority.sign("server", "localhost")
        port = harness.free_port()
        env = {**harness.environment(1), "GREENLET_TLS_LISTEN": f"{port}={spec},1={spec}"}
        python = harness.require("python3", "python3")
        listens = f"import os, socket; s = socket.create_server(('127.0.0.1', {port})); "
        said = f"GREENLET_TLS_LISTEN: {port}, 1: the program has never listened there"
        scenes = {
            "nobody": (["/bin/true"], said),
            "one port": ([python, "-c", listens], "GREENLET_TLS_LISTEN: 1: the program"),
            "a forked child": ([python, "-c", "import os; os.fork() and os.wait()"], ""),
            "a child that is waited for": (["sh", "-c", "/bin/true; /bin/true"], ""),
            "a child that is not": (["sh", "-c", "/bin/sleep 0.2 & exit 0"], ""),
            "exec": (["sh", "-c", "exec /bin/true"], said),
            "exec of what listens": (["sh", "-c", f'exec {python} -c "$0"', listens], "GREENLET_TLS_LISTEN: 1: the program"),
            "another standard error": ([python, "-c", f"import os; os.close(2); os.open('{folder}/file', os.O_CREAT | os.O_WRONLY)"], ""),
        }
        for what, (command, words) in scenes.items():
            done = harness.run(command, 1, tls.SECONDS, env=env)
            lines = done.err.splitlines()
            fail_if(done.status or len(lines) != bool(words) or words not in done.err, f"{what}: {done.status} '{done.err.strip()}'")
        fail_if(Path(folder, "file").read_bytes(), "it is written into a file of the program's")
    return f"{len(scenes)} processes"
