"""A server that knows nothing of TLS, on several ports: says in capitals what it is told; told to FILL, it says as much as it can without
waiting, and closes.

    tls_ports.py PORT...        prints a line when it listens on all
"""

import select
import socket
import sys
import threading


def answer(c):
    with c:
        try:
            while data := c.recv(65536):
                if data == b"FILL":
                    return fill(c)
                c.sendall(data.upper())
        except OSError:
            pass


def fill(c):
    """Until there has been no room for a while."""
    c.setblocking(False)
    while select.select([], [c], [], 0.5)[1]:
        try:
            c.send(bytes(65536))
        except BlockingIOError:
            pass


def serve(listener):
    while True:
        try:
            c, _ = listener.accept()
        except OSError:
            continue
        threading.Thread(target=answer, args=(c,), daemon=True).start()


listeners = [socket.create_server(("127.0.0.1", int(port)), backlog=64) for port in sys.argv[1:]]
for listener in listeners:
    # Its connections have it: the kernel takes little for a peer that takes nothing.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
print("listening", flush=True)
threads = [threading.Thread(target=serve, args=(listener,)) for listener in listeners]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
