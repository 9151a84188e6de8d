"""The programs of examples/, linked with the library as it is installed: what they print, and how their servers answer."""

import contextlib
import http.server
import socket
import sys
import threading

import greenlets
import harness

TIMEOUT = 60
EXAMPLES = harness.ROOT / "examples"
PAGES = 500
FEW_PAGES = 20
CLIENTS = 100


def cases(name, options):
    return harness.cases(name, options, check)


def check(workers):
    if workers is harness.BARE:
        raise harness.Skipped("greenlets are the library's")
    flags = greenlets.install()
    tests = [producers, under_valgrind, echoes, crawls, chats, secures, without_greenlets]
    for test in tests:
        test(flags, {**harness.plain_environment(), "GREENLET_WORKERS": str(workers)})
    return f"{len(list(EXAMPLES.iterdir()))} programs"


def compiled(name, flags):
    compiler = {"c": ["cc", "-std=gnu11"], "cc": ["c++", "-std=c++17"]}[name.rsplit(".", 1)[1]]
    return harness.build(f"../../examples/{name}", [*compiler, "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wl,--no-as-needed",
                                                    f"-Wl,-rpath,{greenlets.PREFIX}/lib", *flags], compiler[0], "g++")


def producers(flags, env):
    library = greenlets.PREFIX / "lib"
    rust = harness.build("../../examples/produce.rs", ["rustc", "--edition", "2024", "-D", "warnings", "-L", f"native={library}",
                                                       "-C", f"link-arg=-Wl,-rpath,{library}"], "rustc", "rustc")
    preload = {**env, "LD_PRELOAD": str(library / "libgreenlet.so.0")}
    for command, setting, numbers in (([compiled("produce.c", flags)], env, 10000), ([compiled("produce.cc", flags)], env, 10000),
                                      ([rust], env, 10000),
                                      ([sys.executable, EXAMPLES / "produce.py", library / "libgreenlet.so.0"], preload, 1000)):
        finished = harness.run(command, harness.BARE, TIMEOUT, env=setting)
        harness.expect_success(finished, str(command[-1]))
        expected = f"the numbers to {numbers} are {numbers * (numbers + 1) // 2} together"
        harness.fail_if(finished.out.strip() != expected, f"{command}: {finished.out.strip()}")


def under_valgrind(flags, env):
    workers = env["GREENLET_WORKERS"]
    with Server(("127.0.0.1", 0), Pages) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        for command, leaks in (([compiled("produce.c", flags)], "definite"), ([compiled("produce.cc", flags)], "definite"),
                               ([compiled("crawl.c", flags), "localhost", pages.server_address[1], FEW_PAGES], "none")):
            finished = greenlets.watched(command, workers, leaks)
            harness.fail_if(finished.status != 0, f"{command[0]} under valgrind: {finished.err.strip()}")
        pages.shutdown()


def secures(flags, env):
    program, folder, port = compiled("tls.c", flags), greenlets.certificates(), harness.free_port()
    with server(env, program, "serve", port, folder / "server.pem", folder / "server.key"):
        for options, status in ((f"ca={folder}/authority.pem", 0), (f"ca={folder}/stranger.pem", 1)):
            finished = harness.run([program, "say", "localhost", port, options, "hello"], harness.BARE, TIMEOUT, env=env)
            expected = (status, "" if status else "hello\n", "greenlet_connect_ssl: Protocol error\n" if status else "")
            harness.fail_if((finished.status, finished.out, finished.err) != expected, f"tls say, {options}: {finished.err or finished.out}")


def without_greenlets(flags, env):
    """The stub has the real library's calls, and says that it has no greenlets, as the library does that is switched off."""
    stub = greenlets.PREFIX / "lib/greenlet-stub"
    exported = [sorted(words.split()[-1] for words in greenlets.succeed(["nm", "-D", "--defined-only", library]).splitlines()
                       if " greenlet_" in words) for library in (stub / "libgreenlet.so.0", harness.LIBRARY)]
    harness.fail_if(exported[0] != exported[1], f"the stub's calls are not the library's: {set(exported[0]) ^ set(exported[1])}")
    for extra, reason in (({"LD_LIBRARY_PATH": str(stub)}, "Function not implemented"), ({"GREENLET_DISABLE": "1"}, "Operation not supported")):
        finished = harness.run([compiled("produce.c", flags)], harness.BARE, TIMEOUT, env={**env, **extra})
        harness.fail_if((finished.status, finished.err) != (1, f"produce: {reason}\n"), f"{extra}: {finished.err}")


@contextlib.contextmanager
def server(env, program, *args):
    process = harness.start([program, *args], harness.BARE, env=env)
    try:
        harness.fail_if(process.stdout.readline() != b"ready\n", f"{program} does not begin")
        yield
        harness.fail_if(process.poll() is not None, f"{program} has ended")
    finally:
        harness.end(process)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def read_exactly(client, n):
    got = b""
    while len(got) < n:
        more = client.recv(n - len(got))
        if not more:
            break
        got += more
    return got


def echoes(flags, env):
    """Through the forwarder, so that both are seen."""
    echo, forwarder = harness.free_port(), harness.free_port()
    with server(env, compiled("echo.c", flags), echo), server(env, compiled("forward.c", flags), forwarder, "localhost", echo):
        clients = [connect(forwarder) for _ in range(CLIENTS)]
        for i, client in enumerate(clients):
            client.sendall(b"%06d" % i * 1000)
        for i, client in enumerate(clients):
            harness.fail_if(read_exactly(client, 6000) != b"%06d" % i * 1000, f"client {i} got something else")
            client.shutdown(socket.SHUT_WR)
            harness.fail_if(client.recv(1) != b"", "no end comes back")
            client.close()


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = self.path.encode() * 1000
        self.send_response(200)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = PAGES


def crawls(flags, env):
    with Server(("127.0.0.1", 0), Pages) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        finished = harness.run([compiled("crawl.c", flags), "localhost", pages.server_address[1], PAGES], harness.BARE, TIMEOUT, env=env)
        pages.shutdown()
    harness.expect_success(finished, "crawl")
    harness.fail_if(not finished.out.startswith(f"{PAGES} of {PAGES} pages, "), finished.out.strip())


def chats(flags, env):
    port = harness.free_port()
    with server(env, compiled("chat.c", flags), port, "1.5"):
        clients = [connect(port) for _ in range(5)]
        # All are there once each has heard the last, who speaks until that is so.
        for speaker in clients:
            speaker.sendall(b"hello\n")
        for client in clients[:-1]:
            harness.fail_if(b"hello\n" not in client.recv(1000), "not told")
        left = [client.makefile("rb").read() for client in clients]
        harness.fail_if(not any(words.endswith(b"you are asleep\n") for words in left), f"nobody was sent away: {left}")
        for client in clients:
            client.close()
