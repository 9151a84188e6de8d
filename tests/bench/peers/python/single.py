"""A script that never makes a thread: parsing, sorting, hashing, files and text, as a batch job does. What preloading costs it is nothing but
the hooks on its calls.

    single.py ROUNDS     prints "cpu_ms N" and "wall_ms N"
"""

import hashlib
import json
import os
import re
import sys
import tempfile
import time


def job(folder, number):
    rows = [{"id": i, "name": f"row {i * 7919 % 1000}", "values": [i % 13, i % 17, number]} for i in range(2000)]
    path = os.path.join(folder, f"{number}.json")
    with open(path, "w") as file:
        json.dump(rows, file)
    with open(path) as file:
        again = json.load(file)
    os.unlink(path)
    again.sort(key=lambda row: (row["name"], -row["id"]))
    text = "\n".join(f"{row['name']}: {sum(row['values'])}" for row in again)
    return hashlib.sha256(" ".join(re.findall(r"row (\d+)", text)).encode()).hexdigest()


def main():
    cpu, wall, seen = time.process_time_ns(), time.perf_counter_ns(), set()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(sys.argv[1])):
            seen.add(job(folder, number))
    if len(seen) != 1:
        sys.exit("single.py: rounds that should agree do not")
    print(f"cpu_ms {(time.process_time_ns() - cpu) / 1e6:.3f}")
    print(f"wall_ms {(time.perf_counter_ns() - wall) / 1e6:.3f}")


if __name__ == "__main__":
    main()
