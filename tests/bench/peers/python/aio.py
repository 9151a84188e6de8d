"""The benchmark's scenes with asyncio: coroutines and streams, one event loop.

aio.py SCENE [ARGUMENT...]     the same arguments, checks and lines of output as the C program of that name
"""

import asyncio
import socket
import sys
import time

import common


async def echo_threads(port=0):
    server = await asyncio.start_server(serve, "127.0.0.1", int(port), backlog=common.BACKLOG)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def serve(reader, writer):
    try:
        while data := await reader.read(1024):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def pingpong(seconds=1):
    async def run(count):
        changed, state = asyncio.Condition(), [count, 0]

        async def play(me):
            async with changed:
                while state[0] > 0:
                    if state[1] != me:
                        await changed.wait()
                        continue
                    state[0] -= 1
                    state[1] = 1 - me
                    changed.notify()
                changed.notify()

        start = time.perf_counter_ns()
        await asyncio.gather(play(0), play(1))
        return time.perf_counter_ns() - start

    common.say(ns_per_handover=await each(run, seconds, 200))


async def each(run, seconds, count):
    """common.nanoseconds_each, awaiting."""
    while (elapsed := await run(count)) < float(seconds) * 1e9:
        count *= 2
    return elapsed / count


async def create_join(seconds=1):
    async def run(count):
        ran = []

        async def note():
            ran.append(1)

        start = time.perf_counter_ns()
        for _ in range(count):
            await asyncio.create_task(note())
        elapsed = time.perf_counter_ns() - start
        common.require(len(ran) == count, "tasks that never ran")
        return elapsed

    common.say(ns_per_thread=await each(run, seconds, 100))


async def fresh(count=1000):
    count, here = int(count), []
    all_here, opened = asyncio.Event(), asyncio.Event()

    async def arrive():
        here.append(1)
        if len(here) == count:
            all_here.set()
        await opened.wait()

    start = time.perf_counter_ns()
    tasks = [asyncio.create_task(arrive()) for _ in range(count)]
    await all_here.wait()
    alive = time.perf_counter_ns()
    opened.set()
    await asyncio.gather(*tasks)
    common.say(ns_per_thread=(alive - start) / count, ns_per_join=(time.perf_counter_ns() - alive) / count)


async def timers(count=1000):
    count = int(count)
    late, before = [0] * count, time.process_time_ns()

    async def sleeper(index):
        wanted, start = common.sleep_seconds(index), time.perf_counter()
        await asyncio.sleep(wanted)
        late[index] = time.perf_counter() - start - wanted

    await asyncio.gather(*(sleeper(index) for index in range(count)))
    common.say_lateness(late, before)


async def lookups(count=1000, each=1):
    count, each, loop = int(count), int(each), asyncio.get_running_loop()

    async def ask(first):
        for index in range(first, first + each):
            common.check_found(index, await loop.getaddrinfo(common.name_of(index), None, type=socket.SOCK_STREAM))

    start = time.perf_counter_ns()
    await asyncio.gather(*(ask(thread * each) for thread in range(count)))
    common.say_lookups(count * each, start)


SCENES = {"echo_threads": echo_threads, "pingpong": pingpong, "create_join": create_join, "fresh": fresh, "timers": timers, "lookups": lookups}

if __name__ == "__main__":
    asyncio.run(SCENES[sys.argv[1]](*sys.argv[2:]))
