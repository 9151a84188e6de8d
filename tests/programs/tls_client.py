"""A client that knows nothing of TLS: says what became of each way to connect and talk to a server that echoes.

    tls_client.py HOST PORT [THREADS]
"""

import errno
import select
import socket
import sys
import threading

HOST, PORT = sys.argv[1], int(sys.argv[2])
DATA = bytes(range(256)) * 1000


def name(error):
    return errno.errorcode.get(error.errno, str(error.errno)) if isinstance(error, OSError) and error.errno else type(error).__name__


def talk(c):
    sender = threading.Thread(target=c.sendall, args=(DATA,))
    sender.start()
    got = b""
    while len(got) < len(DATA) and (part := c.recv(65536)):
        got += part
    sender.join()
    return "echoed" if got == DATA else f"{len(got)} bytes"


def waits():
    with socket.create_connection((HOST, PORT)) as c:
        return f"{talk(c)}, from {c.getpeername()[1] == PORT}"


def waits_for_a_while():
    with socket.create_connection((HOST, PORT), timeout=20) as c:
        return talk(c)


def does_not_wait():
    address = socket.getaddrinfo(HOST, PORT, socket.AF_INET, socket.SOCK_STREAM)[0][4]
    with socket.socket() as c:
        c.setblocking(False)
        if c.connect_ex(address) not in (0, errno.EINPROGRESS):
            return "not begun"
        with select.epoll() as events:
            events.register(c, select.EPOLLOUT)
            if not events.poll(20):
                return "not connected"
        if e := c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return errno.errorcode[e]
        c.setblocking(True)
        return talk(c)


def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.connect((socket.gethostbyname(HOST), PORT))
        return "connected"


def say(way, prefix=""):
    try:
        print(prefix + way.__name__, way(), flush=True)
    except OSError as error:
        print(prefix + way.__name__, name(error), flush=True)


for way in (waits, waits_for_a_while, does_not_wait, datagrams):
    say(way)
if len(sys.argv) > 3:
    done = []
    threads = [threading.Thread(target=lambda: done.append(waits())) for _ in range(int(sys.argv[3]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(done), set(done))
