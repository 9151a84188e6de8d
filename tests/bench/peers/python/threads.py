"""The benchmark's scenes for Python's threads, and for what takes their place.

    threads.py threads|gevent|eventlet SCENE [ARGUMENT...]     the same arguments, checks and lines of output as the C program of that name

`threads` is plain CPython: kernel threads bare, green threads under the library. gevent and eventlet patch the standard library first, as
programs that use them do; the program below is then the same. `http` is the standard library's ThreadingHTTPServer.
"""

import sys

if sys.argv[1] == "gevent":
    from gevent import monkey

    monkey.patch_all()
elif sys.argv[1] == "eventlet":
    import eventlet

    eventlet.monkey_patch()

import http.server  # noqa: E402  (patching comes before every other import)
import socket  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import common  # noqa: E402


def spawned(body, *arguments):
    """A connection's thread: started, and never joined. gevent and eventlet have a cheaper way than a patched Thread."""
    if sys.argv[1] == "gevent":
        import gevent

        gevent.spawn(body, *arguments)
    elif sys.argv[1] == "eventlet":
        eventlet.spawn_n(body, *arguments)
    else:
        threading.Thread(target=body, args=arguments, daemon=True).start()


def joined(bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def echo_threads(port=0):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(port)))
    listener.listen(common.BACKLOG)
    print("port", listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        spawned(serve, connection)


def serve(connection):
    with connection:
        try:
            while data := connection.recv(1024):
                connection.sendall(data)
        except ConnectionError:
            pass


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body leave in two writes, and the second would wait for an acknowledgement

    def do_GET(self):
        body = self.path[1:].zfill(64).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # the load ends its connections with a reset


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = common.BACKLOG


def http_server(port=0):
    server = Server(("127.0.0.1", int(port)), Page)
    print("port", server.server_address[1], flush=True)
    server.serve_forever()


def pingpong(seconds=1):
    def run(count):
        changed, state = threading.Condition(), [count, 0]

        def play(me):
            with changed:
                while state[0] > 0:
                    if state[1] != me:
                        changed.wait()
                        continue
                    state[0] -= 1
                    state[1] = 1 - me
                    changed.notify()
                changed.notify()

        start = time.perf_counter_ns()
        joined([lambda: play(0), lambda: play(1)])
        return time.perf_counter_ns() - start

    common.say(ns_per_handover=common.nanoseconds_each(run, seconds, 200))


def create_join(seconds=1):
    def run(count):
        ran = []
        start = time.perf_counter_ns()
        for _ in range(count):
            joined([lambda: ran.append(1)])
        elapsed = time.perf_counter_ns() - start
        common.require(len(ran) == count, "threads that never ran")
        return elapsed

    common.say(ns_per_thread=common.nanoseconds_each(run, seconds, 100))


def fresh(count=1000):
    count, here = int(count), []
    all_here, opened = threading.Event(), threading.Event()

    def arrive():
        here.append(1)
        if len(here) == count:
            all_here.set()
        opened.wait()

    threads = [threading.Thread(target=arrive) for _ in range(count)]
    start = time.perf_counter_ns()
    for thread in threads:
        thread.start()
    all_here.wait()
    alive = time.perf_counter_ns()
    opened.set()
    for thread in threads:
        thread.join()
    common.say(ns_per_thread=(alive - start) / count, ns_per_join=(time.perf_counter_ns() - alive) / count)


def timers(count=1000):
    count = int(count)
    late, before = [0] * count, time.process_time_ns()

    def sleeper(index):
        wanted, start = common.sleep_seconds(index), time.perf_counter()
        time.sleep(wanted)
        late[index] = time.perf_counter() - start - wanted

    joined([lambda index=index: sleeper(index) for index in range(count)])
    common.say_lateness(late, before)


def lookups(count=1000, each=1):
    count, each = int(count), int(each)

    def ask(first):
        for index in range(first, first + each):
            common.check_found(index, socket.getaddrinfo(common.name_of(index), None, type=socket.SOCK_STREAM))

    start = time.perf_counter_ns()
    joined([lambda first=thread * each: ask(first) for thread in range(count)])
    common.say_lookups(count * each, start)


SCENES = {"echo_threads": echo_threads, "http": http_server, "pingpong": pingpong, "create_join": create_join, "fresh": fresh, "timers": timers,
          "lookups": lookups}

if __name__ == "__main__":
    SCENES[sys.argv[2]](*sys.argv[3:])
