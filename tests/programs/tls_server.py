"""A server that knows nothing of TLS and looks closely at its connections: one line for each, of what it saw.

    tls_server.py            prints its port, then takes one connection after the other; each begins with the name of a scene

Run bare, and spoken to in the clear, it is the oracle of itself under GREENLET_TLS_LISTEN: tls.py compares the lines. What a scene
says may hold nothing that two runs need not have in common (ports, sizes of parts).
"""

import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import termios
import threading
import time

MEBI = 1 << 20
BULK = 4 * MEBI


def say(*words):
    print(*words, flush=True)


def name(error):
    return errno.errorcode.get(error.errno, error.errno)


def receive_all(c):
    """Everything up to the end, or the error that stands in its place."""
    parts = []
    try:
        while part := c.recv(65536):
            parts.append(part)
    except OSError as error:
        return b"".join(parts), name(error)
    return b"".join(parts), "end"


def receive(c, n):
    data = b""
    while len(data) < n and (part := c.recv(n - len(data))):
        data += part
    return data


def readable(c, seconds):
    return bool(select.select([c], [], [], seconds)[0])


def echo(c):
    while part := c.recv(65536):
        c.sendall(part)
    return "echoed to the end"


def until_end(c):
    data, how = receive_all(c)
    return f"{len(data)} bytes, then {how}, then {receive_all(c)[1]}"


def answers_after_end(c):
    data, how = receive_all(c)
    c.sendall(data[::-1])
    return f"{len(data)} bytes, then {how}"


def bulk(c):
    c.sendall(bytes(range(256)) * (BULK // 256))
    c.shutdown(socket.SHUT_WR)
    return f"then {receive_all(c)}"


def sends_file(c):
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789abcdef" * (MEBI // 16))
        file.flush()
        sent = 0
        while sent < MEBI:
            sent += os.sendfile(c.fileno(), file.fileno(), sent, MEBI - sent)
    return f"{sent} bytes by sendfile"


def vectors(c):
    buffers = [bytearray(3), bytearray(4)]
    while not readable(c, 5):
        pass
    time.sleep(0.05)
    n = os.readv(c.fileno(), buffers)
    os.writev(c.fileno(), [b"one", b"two", b"three"])
    return f"readv {n} {bytes(buffers[0])} {bytes(buffers[1])}"


def peeks(c):
    first = c.recv(5, socket.MSG_PEEK)
    again = c.recv(5, socket.MSG_PEEK)
    whole = c.recv(10, socket.MSG_WAITALL)
    c.sendall(b"seen")
    return f"{first} {again} {whole}"


def counts(c):
    while not readable(c, 5):
        pass
    time.sleep(0.05)
    there = struct.unpack("i", fcntl.ioctl(c.fileno(), termios.FIONREAD, b"1234"))[0]
    data = receive(c, 6)
    c.sendall(b"seen")
    return f"FIONREAD {there} {data}"


def times_out(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100000))
    try:
        c.recv(1)
        return "got something"
    except OSError as error:
        c.sendall(b"done")
        return f"{name(error)}"


def not_waiting(c):
    c.setblocking(False)
    words = []
    try:
        c.recv(1)
    except OSError as error:
        words.append(name(error))
    sent = 0
    end = ""
    while select.select([], [c], [], 0.3)[1]:  # what is on its way makes room once more
        try:
            while True:
                sent += c.send(b"x" * 65536)
        except OSError as error:
            end = name(error)
    words.append(end)
    c.setblocking(True)
    c.sendall(b"y")
    return f"{words}, then full, {sent > 65536}"


def edges(c):
    c.setblocking(False)
    got = b""
    events = set()
    with select.epoll() as set_:
        set_.register(c, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
        while True:
            found = set_.poll(5)
            if not found:
                return f"nothing came after {got}"
            events.add(bool(found[0][1] & select.EPOLLIN))
            try:
                while part := c.recv(3):
                    got += part
                return f"{got} {events}"
            except BlockingIOError:
                pass


def duplicates(c):
    with c.dup() as other:
        c.close()
        other.sendall(b"by the copy")
        return f"{receive(other, 3)}"


def streams(c):
    with c.makefile("rwb") as stream:
        line = stream.readline()
        stream.write(b"line was " + line)
        stream.flush()
        rest = stream.readline()
    return f"{line} {rest}"


def forks(c):
    child = os.fork()
    if child == 0:
        c.sendall(b"from the child " + receive(c, 3))
        os._exit(7)
    c.close()
    return f"child {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"


def spawns(c):
    import subprocess
    done = subprocess.run(["sh", "-c", "read line; echo \"shell got $line\""], stdin=c, stdout=c, check=False)
    return f"status {done.returncode}"


def two_ways(c):
    """A thread that sends while another one receives."""
    sender = threading.Thread(target=c.sendall, args=(b"z" * BULK,))
    sender.start()
    got = len(receive(c, BULK))
    sender.join()
    return f"{got} bytes in"


def names(c):
    here, there = c.getsockname(), c.getpeername()
    nagle = c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle = c.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    facts = [c.getsockopt(socket.SOL_SOCKET, o) for o in (
        socket.SO_TYPE, socket.SO_DOMAIN, socket.SO_PROTOCOL, socket.SO_KEEPALIVE, socket.SO_ERROR, socket.SO_ACCEPTCONN)]
    c.sendall(f"{there[1]}".encode())
    _, address = c.recvfrom(4)
    return f"{here[0]} {here[1] == PORT} {there[0]} {there == THERE} {nagle in (0, 1)} {idle} {facts} {address}"


def peer_gone(c):
    """The peer resets, or cuts, while nobody looks: what a send says, and the signal that is not sent."""
    receive(c, 3)
    time.sleep(0.3)
    words = [receive_all(c)[1]]
    for _ in range(2):
        try:
            c.sendall(b"x")
            words.append("sent")
        except OSError as error:
            words.append(name(error))
        time.sleep(0.05)
    return f"{words}"


def poll_at_end(c):
    receive(c, 3)
    time.sleep(0.2)
    p = select.poll()
    p.register(c, select.POLLIN | select.POLLOUT | select.POLLRDHUP)
    (_, found), = p.poll(1000)
    return f"in {bool(found & select.POLLIN)} rdhup {bool(found & select.POLLRDHUP)} hup {bool(found & select.POLLHUP)}"


def closes_unread(c):
    c.sendall(b"goodbye")
    return "closed"


def forks_and_listens(c):
    """A child that says all, and reads to the end."""
    child = os.fork()
    if child == 0:
        c.sendall(b"all")
        c.shutdown(socket.SHUT_WR)
        os._exit(7 if receive_all(c)[1] == "end" else 8)
    c.close()
    return f"child {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}"


SCENES = {scene.__name__: scene for scene in (
    echo, until_end, answers_after_end, bulk, sends_file, vectors, peeks, counts, times_out, not_waiting, edges, duplicates, streams,
    forks, spawns, two_ways, names, peer_gone, poll_at_end, closes_unread,
    forks_and_listens)}


def word(c):
    got = b""
    while not got.endswith(b"\n"):
        part = c.recv(1)
        if not part:
            return ""
        got += part
    return got.decode().strip()


def serve(listener):
    global THERE
    while True:
        c, THERE = listener.accept()
        with c:
            try:
                scene = word(c)
            except OSError as error:
                say("(no scene)", name(error))
                continue
            if scene == "exits":
                c.sendall(b"last words " * 1000)
                say("exits")
                sys.exit(0)
            if not scene:
                say("(no scene)", "end")
                continue
            try:
                say(scene, SCENES[scene](c))
            except OSError as error:
                say(scene, name(error))


if __name__ == "__main__":
    signal.alarm(120)
    with socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), backlog=64) as listener:
        PORT = listener.getsockname()[1]
        say(PORT)
        if os.environ.get("TLS_SERVER_THREADS") == "1":
            server = threading.Thread(target=serve, args=(listener,))
            server.start()
            server.join()
        else:
            serve(listener)
