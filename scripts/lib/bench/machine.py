"""What the figures were measured on, without which a stored result cannot be compared with another; and what this machine's limits allow."""

import os
import platform
import resource
import time
from pathlib import Path

import running
from running import CannotRun

SPARE = 200  # descriptors and threads that are not the scene's own


def description(kit, rounds, seconds):
    return {
        "processor": processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
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


def most_descriptors():
    """How many open files a scene may have here; a privileged process may raise the hard limit, which is done here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = int(Path("/proc/sys/fs/nr_open").read_text())
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, ceiling))
        hard = ceiling
    except (ValueError, PermissionError):
        pass
    return hard - SPARE


def allow_descriptors(count):
    """Raises the limit that children inherit."""
    most = most_descriptors()
    if count > most:
        raise CannotRun(f"{count:,} open files are needed and the hard limit allows {most:,} (ulimit -Hn)")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + SPARE), hard))


def available_kilobytes():
    return running.kilobytes(Path("/proc/meminfo").read_text(), "MemAvailable:")


def require_memory(wanted):
    available = available_kilobytes() * 1024
    if available < wanted:
        raise CannotRun(f"{wanted >> 30} GiB of memory are needed and {available >> 30} are available")


def require_kernel_threads(count):
    """Whether that many kernel threads can exist: the least of what the kernel sets, by name."""
    limit, name = min(thread_limits())
    if count + SPARE > limit:
        raise CannotRun(f"{count:,} kernel threads are needed and {name} allows {limit:,}")


def thread_limits():
    for path in ("kernel/pid_max", "kernel/threads-max"):
        yield int(Path("/proc/sys", path).read_text()), path.replace("/", ".")
    # Each stack is a mapping and its guard another.
    yield int(Path("/proc/sys/vm/max_map_count").read_text()) // 2, "half of vm.max_map_count"
    own = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if own != resource.RLIM_INFINITY and os.geteuid() != 0:
        yield own, "ulimit -u"
    for path in cgroup_limits():
        words = path.read_text().strip()
        if words != "max":
            yield int(words), "the cgroup's pids.max"


def cgroup_limits():
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers in ("", "pids"):
            path = Path("/sys/fs/cgroup", controllers, group.lstrip("/"), "pids.max")
            if path.exists():
                yield path
