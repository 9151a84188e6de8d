"""A server that knows nothing of TLS, on several ports: says in capitals what it is told.

    tls_ports.py PORT...        prints a line when it listens on all
"""

import socket
import sys
import threading


def answer(c):
    with c:
        try:
            while data := c.recv(65536):
                c.sendall(data.upper())
        except OSError:
            pass


def serve(listener):
    while True:
        try:
            c, _ = listener.accept()
        except OSError:
            continue
        threading.Thread(target=answer, args=(c,), daemon=True).start()


listeners = [socket.create_server(("127.0.0.1", int(port)), backlog=64) for port in sys.argv[1:]]
print("listening", flush=True)
threads = [threading.Thread(target=serve, args=(listener,)) for listener in listeners]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
