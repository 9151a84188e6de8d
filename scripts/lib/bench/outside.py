"""Scenes with programs of others: redis, nginx, TLS in front of nginx, and system calls counted by strace."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import tempfile
import time
import urllib.request
from pathlib import Path

import running
from kinds import Scene, Server, load
from peers import BARE, GREEN, NGINX, STUNNEL
from running import LOAD_CPU, SERVER_CPU, CannotMeasure

START_SECONDS = 20
KINDS = {"receive": ("recvfrom", "recvmsg", "read", "readv"), "send": ("sendto", "sendmsg", "write", "writev"),
         "wait": ("epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "select", "pselect6"), "arm": ("epoll_ctl",), "futex": ("futex",)}


def free_port():
    """A port that was free a moment ago: these servers cannot be asked to choose one and say it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def started(kit, peer, command, port):
    """A foreign server on CPU 0, once it accepts connections."""
    process = running.start(kit, command, peer.preloaded, SERVER_CPU, stdout=running.subprocess.DEVNULL)
    with running.ended_at_last(process):
        end = time.monotonic() + START_SECONDS
        while not accepts(port):
            running.require_running(process)
            if time.monotonic() > end:
                raise CannotMeasure(f"{running.name_of(command)} does not listen after {START_SECONDS} s")
            time.sleep(0.05)
        if peer.preloaded:
            running.require_preloaded(kit, process.pid)
        yield process
        running.require_running(process)
        process.send_signal(signal.SIGTERM)  # in order, so that nginx ends its workers
        with contextlib.suppress(running.subprocess.TimeoutExpired):
            process.wait(START_SECONDS)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def cpu_of_all(pid):
    return sum(running.cpu_ns(each) for each in (pid, *running.children(pid)))


class Redis(Scene):
    needs = (("redis-server", "redis-server"), ("redis-benchmark", "redis-tools"))
    CLIENTS, A_SECOND = 50, 40000

    def __init__(self, name, title, figures, seconds):
        self.requests = max(1000, int(seconds * self.A_SECOND))
        super().__init__(name, title, figures, (BARE, GREEN))

    def measure(self, kit, peer):
        port = free_port()
        with tempfile.TemporaryDirectory(dir=kit.build) as folder:
            command = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
            with started(kit, peer, command, port) as process:
                before = cpu_of_all(process.pid)
                out, _ = running.output(kit, ["redis-benchmark", "-h", "127.0.0.1", "-p", port, "-t", "set,get", "-n", self.requests,
                                              "-c", self.CLIENTS, "-e", "--csv"], cpu=LOAD_CPU, seconds=60)
                cpu = cpu_of_all(process.pid) - before
                self.check(port)
        rates = dict(re.findall(r'^"(SET|GET)","([0-9.]+)"', out, re.MULTILINE))
        if len(rates) != 2:
            raise CannotMeasure(f"redis-benchmark said: {running.last_line(out)}")
        return {"cpu_us_per_request": cpu / 1e3 / (2 * self.requests), "set_per_second": float(rates["SET"]),
                "get_per_second": float(rates["GET"])}

    @staticmethod
    def check(port):
        """The benchmark does not look at values: what it has set must be there."""
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"DBSIZE\r\nGET key:__rand_int__\r\n")
            answer = b""
            while answer.count(b"\r\n") < 3:
                part = client.recv(100)
                if not part:
                    break
                answer += part
        if not re.fullmatch(rb":1\r\n\$3\r\n...\r\n", answer):
            raise CannotMeasure(f"redis: wrong contents after the benchmark: {answer!r}")


class Nginx(Scene):
    needs = (("nginx", "nginx-light"), ("wrk", "wrk"))
    CONNECTIONS, PAGE = 100, "".join(f"{number:07}\n" for number in range(128))
    CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}; }} }}
"""

    def __init__(self, name, title, figures, seconds):
        self.seconds = max(1, round(seconds))
        super().__init__(name, title, figures, (BARE, GREEN))

    def measure(self, kit, peer):
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)  # nginx's worker is another user
            Path(folder, "page.txt").write_text(self.PAGE)
            with started(kit, peer, nginx(folder, self.CONFIGURATION.format(folder=folder, port=port)), port) as process:
                self.check(port)
                before = cpu_of_all(process.pid)
                out, _ = running.output(kit, ["wrk", "-t1", f"-c{self.CONNECTIONS}", f"-d{self.seconds}", f"http://127.0.0.1:{port}/page.txt"],
                                        cpu=LOAD_CPU, seconds=self.seconds)
                cpu = cpu_of_all(process.pid) - before
                self.check(port)
        return self.figures_of(out, cpu)

    def check(self, port):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/page.txt", timeout=10) as page:
            if page.read().decode() != self.PAGE:
                raise CannotMeasure("nginx: a wrong page")

    @staticmethod
    def figures_of(out, cpu):
        rate, total = re.search(r"Requests/sec:\s+([0-9.]+)", out), re.search(r"(\d+) requests in", out)
        if rate is None or total is None or "Non-2xx" in out or "Socket errors" in out or int(total[1]) == 0:
            raise CannotMeasure(f"wrk said: {' | '.join(out.split(chr(10)))}")
        return {"cpu_us_per_request": cpu / 1e3 / int(total[1]), "requests_per_second": float(rate[1])}


def nginx(folder, configuration):
    """The command that runs nginx in a folder."""
    path = Path(folder, "nginx.conf")
    path.write_text(configuration)
    return [shutil.which("nginx"), "-p", folder, "-c", path, "-e", f"{folder}/error.log"]


class Secure(Scene):
    """TLS for nginx, by its own means (bare), by the library's in a process that knows nothing of it, and by programs in front of it.

    All of them have CPU 0 together, with the same RSA certificate. The load asks for a large file, for a small one on the same connection, and
    for a small one on a connection of its own, which is a handshake.
    """

    needs = (("nginx", "nginx-light"), ("wrk", "wrk"), ("openssl", "openssl"))
    CONNECTIONS, SMALL, LARGE = 50, 128, 4 << 20
    SERVER = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; sendfile on;
  {tls}
  {server} }}
"""
    TLS = "ssl_certificate {keys}/server.pem; ssl_certificate_key {keys}/server.key; ssl_session_tickets off;"
    FRONT = """upstream server {{ server 127.0.0.1:{behind}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port} ssl backlog=1024;
    location / {{ proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_max_temp_file_size 0; }} }}"""
    STUNNEL = """
foreground = yes
pid =
debug = 2
[tls]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{behind}
cert = {keys}/server.pem
key = {keys}/server.key
"""

    def __init__(self, name, title, figures, seconds):
        self.seconds = max(1, round(seconds / 3))
        super().__init__(name, title, figures, (BARE, GREEN, NGINX, STUNNEL))

    def measure(self, kit, peer):
        with tempfile.TemporaryDirectory() as keys, contextlib.ExitStack() as stack:
            Path(keys).chmod(0o755)
            running.output(kit, ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", "/CN=localhost",
                                 "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{keys}/server.key", "-out", f"{keys}/server.pem"])
            for name, size in (("small", self.SMALL), ("large", self.LARGE)):
                Path(keys, name).write_bytes(b"0123456789abcde\n" * (size // 16))
            port, behind = free_port(), free_port()
            if peer.key in (BARE, GREEN):
                behind = port
            where = {"keys": keys, "port": port, "behind": behind}
            secure = "ssl" if peer.key == BARE else ""
            server = f"server {{ listen 127.0.0.1:{behind} {secure} backlog=1024; root {keys}; }}"
            tls = self.TLS.format(**where)
            command = self.server(stack, tls if peer.key == BARE else "", server)
            if peer.key == GREEN:
                command = ["env", f"GREENLET_TLS_LISTEN={port}={keys}/server.pem:{keys}/server.key", *command]
            pids = [stack.enter_context(started(kit, peer, command, behind)).pid]
            if peer.key == NGINX:
                command = self.server(stack, tls, self.FRONT.format(**where))
                pids.append(stack.enter_context(started(kit, peer, command, port)).pid)
            elif peer.key == STUNNEL:
                path = Path(keys, "stunnel.conf")
                path.write_text(self.STUNNEL.format(**where))
                pids.append(stack.enter_context(started(kit, peer, ["stunnel4", path], port)).pid)
            return self.load(kit, keys, port, pids)

    def server(self, stack, tls, server):
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        Path(folder).chmod(0o755)
        return nginx(folder, self.SERVER.format(folder=folder, tls=tls, server=server))

    def load(self, kit, keys, port, pids):
        context = ssl.create_default_context(cafile=f"{keys}/server.pem")
        figures = {}
        for name, file, close in (("handshakes", "small", True), ("requests", "small", False), ("megabytes", "large", False)):
            url = f"https://localhost:{port}/{file}"
            with urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)).open(url, timeout=10) as page:
                if page.read() != Path(keys, file).read_bytes():
                    raise CannotMeasure(f"{file}: wrong bytes")
            before = sum(map(cpu_of_all, pids))
            out, _ = running.output(kit, ["wrk", "-t1", f"-c{self.CONNECTIONS}", f"-d{self.seconds}", *(["-H", "Connection: close"] if close else []),
                                          url], cpu=LOAD_CPU, seconds=self.seconds)
            found = Nginx.figures_of(out, sum(map(cpu_of_all, pids)) - before)
            scale = self.LARGE / 1e6 if file == "large" else 1
            figures[f"{name}_per_second"] = found["requests_per_second"] * scale
            figures[f"cpu_us_per_{name[:-1]}"] = found["cpu_us_per_request"] / scale
        return figures


class SystemCalls(Server):
    """System calls per request. Two runs of different length, and their difference: start, connecting and end cancel out.

    A traced server is many times slower, so more connections are ready at each wait than without strace.
    """

    needs = (("strace", "strace"),)

    LEAST_SECONDS, TRIES = 1.0, 3

    def measure(self, kit, peer):
        short, long, requests = self.two_runs(kit, peer)
        each = {name: (long[name] - short.get(name, 0)) / requests for name in long}
        figures = {f"{kind}_per_request": sum(each.pop(name, 0) for name in names) for kind, names in KINDS.items()}
        figures["other_per_request"] = sum(each.values())
        return {"calls_per_request": sum(figures.values()), **figures}

    def two_runs(self, kit, peer):
        """A machine that is busy elsewhere can do less in the longer run: then both are made longer."""
        seconds = max(self.seconds, self.LEAST_SECONDS)
        for _ in range(self.TRIES):
            short, long = (self.counted(kit, peer, window) for window in (seconds / 5, seconds))
            requests = long.pop("answers") - short.pop("answers")
            if requests > 2 * self.connections:
                return short, long, requests
            seconds *= 2
        raise CannotMeasure(f"{self.name}: the longer run did not do more")

    def counted(self, kit, peer, seconds):
        preload = running.preloading(kit) if peer.preloaded else []
        with tempfile.NamedTemporaryFile("r", dir=kit.build) as table:
            tracer = running.start(kit, ["strace", "-f", "-c", "-U", "calls,name", "-o", table.name, *preload, *self.command(kit, peer)])
            with running.ended_at_last(tracer):
                port = running.port_said(tracer)
                server = running.children(tracer.pid)[0]
                if peer.preloaded:
                    running.require_preloaded(kit, server)
                answers = load(kit, port, server, self.connections, seconds, False)["answers"]
                os.kill(server, signal.SIGKILL)
                tracer.wait(START_SECONDS)  # it writes its table now
            return {"answers": answers, **self.calls(table.read())}

    @staticmethod
    def calls(table):
        """'calls name' lines between a head and a sum."""
        lines = [line.split() for line in table.splitlines()]
        found = {words[1]: int(words[0]) for words in lines if len(words) == 2 and words[0].isdigit() and words[1] != "total"}
        if not found:
            raise CannotMeasure(f"strace counted nothing: {running.last_line(table)}")
        return found
