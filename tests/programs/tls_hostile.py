"""TLS among peers that mean no good, and in processes that have little.

`early` a peer that says something in the clear and resets the connection before it is accepted: the program must not see it;
`tickets` a client that has been let in at one port and comes back at another, which wants a certificate; `signals` a process that may
queue no signals: it lets nobody in, and goes on.
"""

import resource
import socket
import struct
import subprocess

import harness
import tls
from harness import Case, fail_if


def cases(name, options):
    tests = [("early", early), ("tickets", tickets), ("signals", signals)]
    return [Case(f"{name}:{part} {harness.setting(w)}", lambda f=f, w=w: f(w))
            for part, f in tests for w in options.workers if w is not harness.BARE]


class Ports:
    """tls_ports.py, in a process with its own limits."""

    def __init__(self, workers, specs, limits=(), settings=None):
        self.ports = [tls.free_port() for _ in specs]
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
