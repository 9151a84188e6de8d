"""scripts/bench --setup: brings what the peers and scenes need. The only part of the bench that changes the machine, and only when asked to.

Debian packages are installed by root; anybody else is told the command. Crates and Python packages go below target/.
"""

import os
import subprocess
import sys

from running import CannotMeasure


def bring(kit, peers, scenes):
    packages = sorted({name for peer in peers for name in peer.packages} | {package for scene in scenes for _, package in scene.needs})
    install_debian(packages)
    for_pip = sorted({name for peer in peers for name in peer.pip})
    if for_pip:
        if not kit.venv_python.exists():
            must([sys.executable, "-m", "venv", kit.venv_python.parent.parent], "a virtual environment cannot be made (apt-get install python3-venv)")
        must([kit.venv_python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *for_pip], "pip failed")
    if any(peer.key in ("tokio", "may") for peer in peers):
        print("bench: building the Rust peers", flush=True)
        if not kit.build_rust(offline=False):
            raise CannotMeasure("cargo is missing; install it from rustup.rs")


def install_debian(packages):
    missing = [name for name in packages if not is_installed(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise CannotMeasure(f"not root; install with: sudo {' '.join(command)}")
    # At this run level Debian's scripts do not start the services that come with redis and nginx.
    must(command, "apt-get failed", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"})


def is_installed(package):
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True, check=False)
    return asked.stdout == "installed"


def must(command, otherwise, env=None):
    if subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, env=env, check=False).returncode != 0:
        raise CannotMeasure(otherwise)
