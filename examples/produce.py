"""The same as produce.c in Python, by ctypes: greenlet-run python3 produce.py [library]"""

import ctypes
import sys

NUMBERS = 1000
FOREVER = -1.0

lib = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libgreenlet.so.0", use_errno=True)
START = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
lib.greenlet_spawn.restype = ctypes.c_uint64
lib.greenlet_spawn.argtypes = [START, ctypes.c_void_p]
lib.greenlet_join.argtypes = [ctypes.c_uint64, ctypes.POINTER(ctypes.c_void_p)]
lib.greenlet_queue_new.restype = ctypes.c_void_p
lib.greenlet_queue_new.argtypes = [ctypes.c_size_t]
lib.greenlet_queue_put.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double]
lib.greenlet_queue_get.argtypes = [ctypes.c_void_p, ctypes.c_double, ctypes.POINTER(ctypes.c_void_p)]
lib.greenlet_queue_free.argtypes = [ctypes.c_void_p]


@START
def produce(first):
    for number in range(first, NUMBERS + 1, 2):
        lib.greenlet_queue_put(queue, number, FOREVER)


@START
def consume(_):
    total, number = 0, ctypes.c_void_p()
    while lib.greenlet_queue_get(queue, FOREVER, ctypes.byref(number)) == 0 and number.value:
        total += number.value
    return total


def join(greenlet):
    value = ctypes.c_void_p()
    lib.greenlet_join(greenlet, ctypes.byref(value))
    return value.value or 0


if lib.greenlet_init(0) != 0:
    sys.exit(f"greenlet_init: error {ctypes.get_errno()}")
queue = lib.greenlet_queue_new(8)
producers = [lib.greenlet_spawn(produce, first) for first in (1, 2)]
consumers = [lib.greenlet_spawn(consume, None) for _ in range(2)]
for producer in producers:
    join(producer)
for _ in consumers:
    lib.greenlet_queue_put(queue, None, FOREVER)
print(f"the numbers to {NUMBERS} are {sum(map(join, consumers))} together")
lib.greenlet_queue_free(queue)
