"""TLS for servers and clients that know nothing of it: GREENLET_TLS_LISTEN and GREENLET_TLS_CONNECT.

`scenes` is tls_server.py twice: bare, spoken to in the clear, and under the library, spoken to in TLS. The same client does the same
things, in the words of TLS where there are any (its end is close_notify, and a reset a connection that is cut), and the server must say the same
of each connection and the client receive the same. `http` is a stock http.server with many connections at once, every body
compared; `terms` what is agreed upon: versions, ALPN, names, certificates of clients, resumption, changed files; `refused`
every wrong setting: one line that names it, and no program; `stalled` a peer that says nothing; `secrets`
what of the key is in memory.
"""

import os
import re
import select
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import harness
from harness import Case, fail_if

SECONDS = 30
CONNECTIONS = 200
BIG = 10 << 20


def cases(name, options):
    scenes = Scenes()
    tests = [("scenes", scenes.check), ("http", http), ("terms", terms), ("stalled", stalled), ("connect", connect), ("secrets", secrets)]
    some = [Case(f"{name}:{part} {harness.setting(w)}", lambda f=f, w=w: f(w))
            for part, f in tests for w in options.workers if w is not harness.BARE]
    return [*some, Case(f"{name}:refused", lambda: refused())]


# ---- certificates ---------------------------------------------------------------------------------------------


class Authority:
    """An authority of our own and what it has signed, in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.own("authority", "an authority", [])
        self.certificate = self.path("authority.pem")

    def path(self, name):
        return self.folder / name

    def openssl(self, *words):
        command = [harness.require("openssl", "openssl"), *map(str, words)]
        done = subprocess.run(command, env=harness.plain_environment(), capture_output=True, timeout=SECONDS, check=False)
        fail_if(done.returncode != 0, f"openssl {words[0]}: {harness.last_line(harness.text(done.stderr))}")

    def own(self, name, subject, more):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 3, "-subj", f"/CN={subject}",
                     "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"), *more)

    def sign(self, name, host, *more):
        """NAME.pem and NAME.key, for that host."""
        self.own(name, host, ["-CA", self.certificate, "-CAkey", self.path("authority.key"), "-addext", "basicConstraints=critical,CA:FALSE",
                              "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1", *more])
        return f"{self.path(name + '.pem')}:{self.path(name + '.key')}"


# ---- the server -----------------------------------------------------------------------------------------------


class Server:
    """tls_server.py. Without a spec it is bare."""

    def __init__(self, workers, spec=None, threads=False, settings=None):
        self.port = harness.free_port()
        env = harness.environment(workers if spec else harness.BARE)
        if spec:
            env["GREENLET_TLS_LISTEN"] = ",".join(f"{self.port}={part}" for part in spec)
        env["TLS_SERVER_THREADS"] = "1" if threads else ""
        env.update(settings or {})
        command = [harness.require("python3", "python3"), "-u", harness.HERE / "tls_server.py", self.port]
        self.process = harness.start(command, workers, env=env, stderr=subprocess.STDOUT)
        said = self.line()
        fail_if(said != str(self.port), f"the server does not start: {said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        harness.end(self.process)

    def line(self):
        """The next line, of which no byte is read too much."""
        got = b""
        while not got.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
            fail_if(not ready, f"the server says nothing any more, after {got}")
            part = os.read(self.process.stdout.fileno(), 1)
            if not part:
                break
            got += part
        return harness.text(got).strip()


# ---- the client -----------------------------------------------------------------------------------------------


class Clear:
    """The client's end of a connection, in the clear."""

    def __init__(self, port, _):
        self.s = socket.create_connection(("127.0.0.1", port), SECONDS)

    def say(self, data):
        self.s.sendall(data)

    def hear(self, n=1 << 30):
        """Up to so many bytes, to the end at most."""
        data = b""
        while len(data) < n and (part := self.s.recv(min(n - len(data), 65536))):
            data += part
        return data

    def end(self):
        """Nothing more will be said; the other direction stays."""
        self.s.shutdown(socket.SHUT_WR)

    def cut(self):
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.s.close()

    def close(self):
        self.s.close()

    def local_port(self):
        return self.s.getsockname()[1]


class Secure(Clear):
    """The same in TLS. The library's buffers are ours, so that its end can be said without waiting for the other's."""

    def __init__(self, port, context):
        super().__init__(port, None)
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward, server_hostname="localhost")
        self.until_done(self.tls.do_handshake)

    def flush(self):
        if self.outward.pending:
            self.s.sendall(self.outward.read())

    def until_done(self, call, *arguments):
        while True:
            try:
                done = call(*arguments)
                self.flush()
                return done
            except ssl.SSLWantReadError:
                self.flush()
                self.feed()

    def feed(self):
        data = self.s.recv(65536)
        self.inward.write(data) if data else self.inward.write_eof()

    def say(self, data):
        sent = 0
        while sent < len(data):
            sent += self.until_done(self.tls.write, data[sent:sent + 65536])

    def hear(self, n=1 << 30):
        data = b""
        while len(data) < n:
            try:
                part = self.until_done(self.tls.read, min(n - len(data), 65536))
            except ssl.SSLZeroReturnError:
                break
            if not part:
                break
            data += part
        return data

    def end(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def cut(self):
        """The end of the socket, and none of TLS."""
        self.s.close()

    def close(self):
        self.end()
        self.s.close()


# ---- scenes ---------------------------------------------------------------------------------------------------


def talk(connect):
    """Plays every scene; gives what the client got for each. `connect` opens a connection and names the scene."""
    def scene(name, play):
        c = connect(name)
        heard = play(c)
        c.close()
        return name, heard

    def ends(c, data=b""):
        c.say(data)
        c.end()
        return c.hear()

    def echoes(c):
        heard = []
        for size in (1, 100, 16384, 16385, 200000):
            data = os.urandom(size)
            c.say(data)
            heard.append(c.hear(size) == data)
        return heard, ends(c)

    def cuts(c, data=b""):
        c.say(data)
        time.sleep(0.1)  # what has not been acknowledged goes with a reset
        c.cut()
        c.close = lambda: None

    def both_ways(c):
        sender = threading.Thread(target=c.say, args=(b"a" * (4 << 20),))
        if isinstance(c, Secure):
            # One TLS connection of Python's is for one thread: the server is given its share first.
            sender.run()
            return len(c.hear(4 << 20))
        sender.start()
        heard = len(c.hear(4 << 20))
        sender.join()
        return heard

    def slowly(c, *parts):
        for part in parts:
            c.say(part)
            time.sleep(0.05)
        return c.hear()

    yield scene("echo", echoes)
    yield scene("until_end", lambda c: ends(c, b"q" * 100000))
    yield scene("until_end", lambda c: cuts(c))
    yield scene("answers_after_end", lambda c: ends(c, b"palindrome"))
    yield scene("bulk", lambda c: (len(c.hear()), c.end()))
    yield scene("sends_file", lambda c: len(c.hear()))
    yield scene("vectors", lambda c: slowly(c, b"abcdefg"))
    yield scene("peeks", lambda c: slowly(c, b"01234", b"56789"))
    yield scene("counts", lambda c: slowly(c, b"sixsix"))
    yield scene("times_out", lambda c: c.hear())
    yield scene("not_waiting", lambda c: (time.sleep(1.5), c.hear()[-1:])[1])
    yield scene("edges", lambda c: ends(c, b"0123456789"))
    yield scene("duplicates", lambda c: slowly(c, b"xyz"))
    yield scene("streams", lambda c: slowly(c, b"first\n", b"second\n"))
    yield scene("forks", lambda c: slowly(c, b"xyz"))
    yield scene("forks_and_listens", lambda c: ends(c, b"xyz"))
    yield scene("spawns", lambda c: slowly(c, b"hello shell\n"))
    yield scene("two_ways", both_ways)
    yield scene("names", lambda c: (c.hear(len(str(c.local_port()))) == str(c.local_port()).encode(), c.say(b"addr"), c.hear())[::2])
    yield scene("peer_gone", lambda c: cuts(c, b"xyz"))
    yield scene("poll_at_end", lambda c: ends(c, b"xyz"))
    yield scene("closes_unread", lambda c: c.hear())
    yield scene("exits", lambda c: len(c.hear()))


class Scenes:
    def __init__(self):
        self.native = {}

    def check(self, workers):
        rounds = harness.number("TLS_RUNS", 1)
        for threads in [False, True] * rounds:
            if threads not in self.native:
                self.native[threads] = self.play(Server(harness.BARE, threads=threads), Clear, None)
            with harness.temporary_folder() as folder:
                authority = Authority(folder)
                spec = [authority.sign("server", "localhost")]
                for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
                    context = context_for(authority, maximum_version=version)
                    self.compare(self.native[threads], self.play(Server(workers, spec, threads), Secure, context), version.name)
        return f"{len(self.native[False])} scenes, main and a thread, TLS 1.2 and 1.3"

    @staticmethod
    def play(server, client, context):
        def connect(scene):
            try:
                c = client(server.port, context)
            except ConnectionRefusedError:
                raise harness.Failed(f"before {scene} the server has ended: {server.line()}") from None
            c.say(f"{scene}\n".encode())
            return c

        with server:
            seen = []
            for scene, heard in talk(connect):
                seen.append((scene, heard, server.line()))
            return seen

    @staticmethod
    def compare(native, seen, how):
        for expected, got in zip(native, seen, strict=True):
            fail_if(expected != got, f"{how}: in the clear {str(expected)[:300]}, in TLS {str(got)[:300]}")


# ---- http -----------------------------------------------------------------------------------------------------


def http(workers):
    with harness.temporary_folder() as folder:
        authority = Authority(folder)
        Path(folder, "big").write_bytes(os.urandom(BIG))
        Path(folder, "small").write_bytes(os.urandom(1000))
        port = harness.free_port()
        env = harness.plain_environment()
        env["GREENLET_LIB"] = str(harness.LIBRARY)
        # Room for the connections and for the files that are there; not for a pump that has all of them, and two descriptors for each.
        command = ["sh", "-c", f"ulimit -n {2 * CONNECTIONS - 40}; exec \"$0\" \"$@\"", harness.LAUNCHER, "--workers", workers, "--tls", f"{port}={authority.sign('server', 'localhost')}", "--",
                   harness.require("python3", "python3"), "-c", ROOMY, port, "--bind", "127.0.0.1"]
        server = harness.start(command, workers, cwd=folder, env=env, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            wrong = fetch_many(port, ssl.create_default_context(cafile=authority.certificate), folder)
        finally:
            harness.end(server)
    fail_if(wrong, f"{len(wrong)} of {CONNECTIONS} wrong, the first: {wrong[0]}" if wrong else "")
    return f"{CONNECTIONS} connections at once"


ROOMY = ("import runpy, socketserver, sys; socketserver.TCPServer.request_queue_size = 4096;"
         "sys.argv[0] = 'http.server'; runpy.run_module('http.server', run_name='__main__', alter_sys=True)")


def wait_for(port):
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            return socket.create_connection(("127.0.0.1", port), SECONDS).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise harness.Failed(f"nobody listens on port {port}")


def fetch_many(port, context, folder):
    """All of them are connected before the first asks. What was wrong."""
    wrong, ready = [], threading.Barrier(CONNECTIONS)

    def fetch(i):
        file = "big" if i % 50 == 0 else "small" if i % 5 == 0 else "none"
        try:
            with socket.create_connection(("127.0.0.1", port), SECONDS) as raw, context.wrap_socket(raw, server_hostname="localhost") as s:
                ready.wait(SECONDS)
                s.sendall(f"GET /{file} HTTP/1.0\r\n\r\n".encode())
                got = b""
                while part := s.recv(65536):
                    got += part
            head, _, body = got.partition(b"\r\n\r\n")
            if b" 404 " not in head if file == "none" else body != Path(folder, file).read_bytes():
                wrong.append(f"{file}: {len(got)} bytes that are not the file")
        except (OSError, threading.BrokenBarrierError) as error:
            wrong.append(f"{file}: {error!r}")

    threads = [threading.Thread(target=fetch, args=(i,)) for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


# ---- terms ----------------------------------------------------------------------------------------------------


def context_for(authority, **settings):
    context = ssl.create_default_context(cafile=authority.certificate)
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def greet(port, context, host="localhost", session=None):
    """A connection that was used, as the client sees it; or the error that there is instead."""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as raw:
            with context.wrap_socket(raw, server_hostname=host, session=session) as s:
                s.sendall(b"echo\nhello")
                fail_if(s.recv(5) != b"hello", "no echo")
                names = [v for k, v in s.getpeercert().get("subjectAltName", ()) if k == "DNS"] if context.verify_mode else []
                return {"version": s.version(), "alpn": s.selected_alpn_protocol(), "names": names, "session": s.session,
                        "reused": s.session_reused}
    except (ssl.SSLError, ConnectionError) as error:
        return {"error": getattr(error, "reason", None) or type(error).__name__}


def expect(got, **wanted):
    for key, value in wanted.items():
        fail_if(got.get(key) != value, f"{key} is {got.get(key)!r} and not {value!r}: {got}")


def terms(workers):
    with harness.temporary_folder() as folder:
        authority = Authority(folder)
        one, other = authority.sign("one", "one.test"), authority.sign("other", "other.test")
        strangers = Path(folder, "strangers")
        strangers.mkdir()
        stranger = Authority(strangers)
        stranger.sign("client", "stranger.test")
        authority.sign("client", "client.test")
        with Server(workers, [f"{one}:alpn=h2+http/1.1", other]) as server:
            newest, older = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
            expect(greet(server.port, context_for(authority), "one.test"), names=["one.test"], version="TLSv1.3", alpn=None)
            expect(greet(server.port, context_for(authority), "other.test"), names=["other.test"])
            expect(greet(server.port, context_for(authority), "third.test"), error="CERTIFICATE_VERIFY_FAILED")
            expect(greet(server.port, context_for(stranger), "one.test"), error="CERTIFICATE_VERIFY_FAILED")
            with_names = context_for(authority)
            with_names.set_alpn_protocols(["http/1.1"])
            expect(greet(server.port, with_names, "one.test"), alpn="http/1.1")
            for version in (newest, older):
                context = context_for(authority, maximum_version=version)
                first = greet(server.port, context, "one.test")
                expect(first, version={newest: "TLSv1.3", older: "TLSv1.2"}[version], reused=False)
                expect(greet(server.port, context, "one.test", session=first["session"]), reused=True)
            replace(authority, "one", "changed.test")
            time.sleep(1.2)  # the files are looked at once a second
            expect(greet(server.port, context_for(authority), "changed.test"), names=["changed.test"])
            authority.path("one.pem").write_text("nothing\n")
            time.sleep(1.2)
            expect(greet(server.port, context_for(authority), "changed.test"), names=["changed.test"])
        with Server(workers, [f"{other}:client-ca={authority.certificate}:min=1.3"]) as server:
            with_certificate, with_strange = context_for(authority), context_for(authority)
            with_certificate.load_cert_chain(authority.path("client.pem"), authority.path("client.key"))
            with_strange.load_cert_chain(stranger.path("client.pem"), stranger.path("client.key"))
            expect(greet(server.port, with_certificate, "other.test"), version="TLSv1.3")
            fail_if("error" not in greet(server.port, context_for(authority), "other.test"), "a client without a certificate is served")
            fail_if("error" not in greet(server.port, with_strange, "other.test"), "a client with a strange certificate is served")
            with_certificate.maximum_version = older
            fail_if("error" not in greet(server.port, with_certificate, "other.test"), "min=1.3 has no effect")
        with Server(workers, [f"{other}:client-may={authority.certificate}"]) as server:
            expect(greet(server.port, context_for(authority), "other.test"), version="TLSv1.3")
            fail_if("error" not in greet(server.port, with_strange, "other.test"), "a client with a strange certificate is served")
    return "names, ALPN, versions, resumption, changed files, certificates of clients"


def replace(authority, name, host):
    """As tools that renew certificates do it: written beside, then renamed."""
    authority.sign("new", host)
    for kind in ("key", "pem"):
        os.replace(authority.path(f"new.{kind}"), authority.path(f"{name}.{kind}"))


# ---- stalled --------------------------------------------------------------------------------------------------


def stalled(workers):
    with harness.temporary_folder() as folder:
        authority = Authority(folder)
        with Server(workers, [authority.sign("server", "localhost")], settings={"GREENLET_TLS_TIMEOUT": "1"}) as server:
            with socket.create_connection(("127.0.0.1", server.port), SECONDS) as silent:
                began = time.monotonic()
                said = server.line()
                took = time.monotonic() - began
                fail_if(said != "(no scene) ECONNRESET", f"after a peer that says nothing: {said}")
                fail_if(not 0.8 < took < 10, f"a time-out of 1 s took {took:.1f} s")
                fail_if(silent.recv(1) != b"", "the silent peer is kept")
            with socket.create_connection(("127.0.0.1", server.port), SECONDS) as plain:
                plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
                said = server.line()
                fail_if(said != "(no scene) ECONNRESET", f"after one that speaks no TLS: {said}")
            expect(greet(server.port, context_for(authority)), version="TLSv1.3")
    return f"given up after {took:.1f} s"


# ---- connect --------------------------------------------------------------------------------------------------


class Echo:
    """A server that echoes, in TLS where it has a context."""

    def __init__(self, context=None):
        self.context = context
        self.heard = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.echo, args=(raw,), daemon=True).start()

    def echo(self, raw):
        try:
            with raw, (self.context.wrap_socket(raw, server_side=True) if self.context else raw) as c:
                while part := c.recv(65536):
                    self.heard += part
                    c.sendall(part)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def echo_context(authority, name, verifies=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.path(f"{name}.pem"), authority.path(f"{name}.key"))
    if verifies:
        context.load_verify_locations(authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client(workers, port, spec=None, threads=0):
    """What tls_client.py says of a server on that port."""
    env = harness.environment(workers if spec else harness.BARE)
    if spec:
        env["GREENLET_TLS_CONNECT"] = spec
    command = [harness.require("python3", "python3"), harness.HERE / "tls_client.py", "localhost", port, *([threads] if threads else [])]
    finished = harness.run(command, workers, SECONDS * 2, env=env)
    harness.expect_success(finished, spec or "bare")
    return finished.out.splitlines()


def connect(workers):
    with harness.temporary_folder() as folder:
        authority = Authority(folder)
        authority.sign("server", "localhost")
        authority.sign("client", "client.test")
        ca = authority.certificate
        own = f"certificates={authority.path('client.pem')}:key={authority.path('client.key')}"
        with Echo() as clear, Echo(echo_context(authority, "server")) as secure, \
                Echo(echo_context(authority, "server", verifies=True)) as strict:
            native = client(workers, clear.port, threads=20)
            fail_if("waits echoed, from True" not in native, f"the bare client: {native}")
            for server, spec in ((secure, f"localhost:{secure.port}={ca}"), (secure, f"127.0.0.1:{secure.port}={ca}:name=localhost"),
                                 (secure, f"*:{secure.port}={ca}:name=localhost"), (strict, f"localhost:{strict.port}={ca}:{own}")):
                seen = client(workers, server.port, spec, threads=20)
                fail_if(seen != native, f"{spec}: {seen}, in the clear {native}")
            other = f"elsewhere.invalid:{clear.port}={ca},localhost:1={ca}"
            fail_if(client(workers, clear.port, other, threads=20) != native, "a server that is not named is spoken to in TLS")
            wrong = {"another one's certificate": f"localhost:{secure.port}={ca}:name=elsewhere.test",
                     "a strange authority": f"localhost:{secure.port}={authority.path('client.pem')}",
                     "no certificate of ours": f"localhost:{strict.port}={ca}:min=1.2"}
            for what, spec in wrong.items():
                port = strict.port if str(strict.port) in spec else secure.port
                seen = client(workers, port, spec)
                fail_if(any("echoed" in line for line in seen), f"{what}: {seen}")
                fail_if(what != "no certificate of ours" and seen[0] != "waits EPROTO", f"{what}: {seen}")
            seen = client(workers, clear.port, f"localhost:{clear.port}={ca}")
            fail_if(any("echoed" in line for line in seen), f"a server without TLS is spoken to in the clear: {seen}")
    return "by name, address and port; threads; what is no such server; wrong certificates"


# ---- secrets --------------------------------------------------------------------------------------------------


def secrets(workers):
    """The server's memory, searched for its key: nothing of it may be where a core dump would have it, nor the file anywhere."""
    with harness.temporary_folder() as folder:
        authority = Authority(folder)
        authority.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 3, "-subj", "/CN=localhost", "-addext",
                          "subjectAltName=DNS:localhost", "-keyout", authority.path("rsa.key"), "-out", authority.path("rsa.pem"))
        needles = parts_of(authority.path("rsa.key"))
        context = context_for(authority)
        context.load_verify_locations(authority.path("rsa.pem"))
        with Server(workers, [f"{authority.path('rsa.pem')}:{authority.path('rsa.key')}"], threads=True) as server:
            for _ in range(10):
                expect(greet(server.port, context), names=["localhost"])
            found = list(search(server.process.pid, needles))
    seen = sorted({needle for needle, _, _ in found})
    fail_if("prime" not in seen, f"the key that the server signs with is not found, only {seen}: the search is wrong")
    wrong = [f"{needle} in {where}" for needle, where, hidden in found if not hidden or needle == "file"]
    fail_if(wrong, f"left in memory: {wrong}")
    return f"{len(found)} places, all of them hidden"


def parts_of(key):
    """Of a key in PEM: the numbers that are secret, as rustls's provider and as files have them, and a line of the file."""
    shown = subprocess.run([harness.require("openssl", "openssl"), "pkey", "-in", str(key), "-noout", "-text"],
                           capture_output=True, text=True, timeout=SECONDS, check=True).stdout
    lines = [line for line in key.read_text().splitlines() if not line.startswith("-")]
    needles = [("file", lines[len(lines) // 2].encode())]
    for name, digits in re.findall(r"^(\w+):\n((?: +[0-9a-f:]+\n)+)", shown, re.MULTILINE):
        if name in ("privateExponent", "prime1", "prime2"):
            number = bytes.fromhex(re.sub(r"[:\s]", "", digits)).lstrip(b"\0")
            needles += [(name.rstrip("12"), number), (name.rstrip("12"), number[::-1])]
    return needles


def search(pid, needles):
    """(needle, mapping, whether core dumps are without it), for each mapping of the process that can be read."""
    with open(f"/proc/{pid}/smaps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        readable = False
        for line in maps:
            if mapping := re.match(r"([0-9a-f]+)-([0-9a-f]+) (.)", line):
                begin, end = int(mapping[1], 16), int(mapping[2], 16)
                readable, where = mapping[3] == "r", line.split()[-1]
            elif line.startswith("VmFlags:") and readable:
                try:
                    memory.seek(begin)
                    data = memory.read(end - begin)
                except (OSError, ValueError, OverflowError):
                    continue
                yield from ((name, where, " dd" in line) for name, needle in needles if needle in data)


# ---- refused --------------------------------------------------------------------------------------------------


def refused():
    with harness.temporary_folder() as folder:
        authority = Authority(folder)
        good, other = authority.sign("good", "localhost"), authority.sign("other", "localhost")
        past = authority.sign("past", "localhost", "-not_before", "20200101000000Z", "-not_after", "20200102000000Z") \
            if knows_dates(authority) else None
        pem, key = good.split(":")
        Path(folder, "junk").write_text("junk\n")
        os.mkfifo(Path(folder, "pipe"))
        Path(folder, "list").write_text(f"# ours\n8443={good}  # the first\n\n8444={other}:alpn=h2\n")
        wrong = {
            "8443": "has no =", "=a:b": "a port from 1", "70000=a:b": "a port from 1", "8443=a": "two files",
            f"8443={good}:colour=blue": "colour=blue: not an option", f"8443={good}:alpn=": "not an option",
            f"8443={folder}/none:{key}": f"{folder}/none: No such file", f"8443={pem}:{folder}/none": f"{folder}/none: No such file",
            f"8443={folder}:{key}": f"{folder}: Is a directory", f"8443={folder}/junk:{key}": f"{folder}/junk: no certificate",
            f"8443={pem}:{folder}/junk": f"{folder}/junk", f"8443={pem}:{other.split(':')[1]}": "not the key of",
            f"8443={good}:client-ca={folder}/junk": f"{folder}/junk", f"8443={folder}/pipe:{key}": f"{folder}/pipe: no certificate", f"@{folder}/none": f"{folder}/none: No such file",
            ",": "names nothing", "84\n43": "84?43: has no =", "a" * 3000: "it takes PORT",
        }
        if past:
            wrong[f"8443={past}"] = "past.pem"
        env = harness.environment(1)
        for value, words in wrong.items():
            env["GREENLET_TLS_LISTEN"] = value
            done = harness.run(["/bin/echo", "started"], 1, SECONDS, env=env)
            lines = done.err.splitlines()
            fail_if(done.status != 2 or done.out, f"{value}: {harness.status_words(done.status)}, '{done.out.strip()}'")
            fail_if(len(lines) != 1 or words not in lines[0], f"{value}: it says '{done.err.strip()}', not '{words}'")
        env["GREENLET_TLS_LISTEN"] = f"@{folder}/list"
        harness.expect_success(harness.run(["/bin/echo", "started"], 1, SECONDS, env=env), "a good list")
        env["GREENLET_TLS_LISTEN"] = ""
        for value, words in {"localhost": "has no =", f"localhost={pem}": "names no port", f"localhost:0={pem}": "no port from 1", f":1={pem}": "no host",
                             f"*:1={pem}": "lacks name=", f"a:1={folder}/none": f"{folder}/none: No such file",
                             f"a:1={pem}:key={key}": "without", f"a:1={pem}:colour=blue": "colour=blue: not an option"}.items():
            done = harness.run(["/bin/echo", "started"], 1, SECONDS, env={**env, "GREENLET_TLS_CONNECT": value})
            fail_if(done.status != 2 or done.out or words not in done.err or len(done.err.splitlines()) != 1, f"{value}: '{done.err.strip()}', not '{words}'")
        env.update(GREENLET_TLS_LISTEN=f"8443={good}", GREENLET_DISABLE="1")
        fail_if(harness.run(["/bin/echo"], 1, SECONDS, env=env).status != 2, "a library that is to do nothing lets a port speak in the clear")
        env.update(GREENLET_TLS_LISTEN=f"8443={folder}/none:{key}", GREENLET_DISABLE="", GREENLET_TLS_CHECKED="1")
        harness.expect_success(harness.run(["/bin/echo"], 1, SECONDS, env=env), "a program that another one has started, and that cannot read the key")
        env.update(GREENLET_TLS_LISTEN=f"8443={good}", GREENLET_TLS_TIMEOUT="0")
        fail_if(harness.run(["/bin/echo"], 1, SECONDS, env=env).status != 2, "a time-out of 0 is taken")
    return f"{len(wrong)} settings"


def knows_dates(authority):
    """openssl req takes dates since 3.4."""
    try:
        authority.sign("dated", "localhost", "-not_before", "20200101000000Z", "-not_after", "20400101000000Z")
        return True
    except harness.Failed:
        return False
