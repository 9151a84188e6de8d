"""A short program of Python threads, for an allocator that is preloaded: run with PYTHONMALLOC=malloc, so that each object is
one of its blocks. Prints only what every correct run prints.
"""

import hashlib
import os
import queue
import socket
import subprocess
import sys
import threading

THREADS, ITEMS, CONNECTIONS, LINES = 16, 200, 20, 20


def digest(number):
    return hashlib.sha256(b"%d" % number * (number % 300 + 1)).hexdigest()


def worker(todo, done):
    for number in iter(todo.get, None):
        done.put((number, digest(number), [str(n) for n in range(number % 50)]))


def queues():
    todo, done = queue.Queue(maxsize=8), queue.Queue()
    threads = [threading.Thread(target=worker, args=(todo, done)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for number in range(THREADS * ITEMS):
        todo.put(number)
    for _ in threads:
        todo.put(None)
    for thread in threads:
        thread.join()
    results = sorted(done.get() for _ in range(done.qsize()))
    return hashlib.sha256(repr(results).encode()).hexdigest()


def serve(connection):
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            stream.write(line.strip()[::-1] + b"\n")
            stream.flush()


def talk(address, number, answers):
    with socket.create_connection(address) as connection, connection.makefile("rwb") as stream:
        for i in range(LINES):
            stream.write(b"%d:%d:%s\n" % (number, i, b"x" * (number * i)))
            stream.flush()
            answers.append(stream.readline())


def sockets():
    answers, servers = [], []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = [threading.Thread(target=talk, args=(listener.getsockname(), n, answers)) for n in range(CONNECTIONS)]
        for client in clients:
            client.start()
        for _ in clients:
            connection, _ = listener.accept()
            servers.append(threading.Thread(target=serve, args=(connection,)))
            servers[-1].start()
        for thread in clients + servers:
            thread.join()
    return len(answers), hashlib.sha256(b"".join(sorted(answers))).hexdigest()


def child_of_thread(results):
    said = subprocess.run([sys.executable, "-c", "import threading as t; x = t.Thread(target=print, args=('hello',)); x.start(); x.join()"],
                          stdout=subprocess.PIPE, check=True).stdout
    child = os.fork()
    if child == 0:
        os._exit(len([b"%d" % n for n in range(1000)]) % 256)
    results.append((said, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def children():
    results = []
    threads = [threading.Thread(target=child_of_thread, args=(results,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


print("queues", queues())
print("sockets", *sockets())
print("children", children())
