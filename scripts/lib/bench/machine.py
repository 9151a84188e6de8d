"""What the figures were measured on: without it, a stored result cannot be compared with another."""

import os
import platform
import time
from pathlib import Path


def description(kit, rounds, seconds):
    return {
        "processor": processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "load_before": os.getloadavg()[0],
        "library_bytes": kit.library.stat().st_size,
        "workers": kit.workers or "default",
        "rounds": rounds,
        "seconds": seconds,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def headline(about):
    text = (
        f"{about['processor']}, {about['cpus']} CPUs, Linux {about['kernel']}, {about['libc']}; "
        f"{about['rounds']} round(s) of {about['seconds']:g} s; workers: {about['workers']}; median (least-most)"
    )
    if about["load_before"] > 0.5:
        text += f"\nnote: the machine is not idle (load {about['load_before']:.1f}); ratios will be off"
    if about["cpus"] < 2:
        text += "\nnote: one CPU only; server and load take from one another"
    return text
