"""The benchmark's driver: builds the programs of tests/bench, runs the scenes interleaved, prints and stores the figures.

All peers' runs alternate within a round (A B C A B C ...), so that a machine that slows down, or a neighbour that wakes up, falls on all of them
alike. Medians are over rounds. No figure is judged: a reader judges the ratios, and should do so on an idle machine only. Wrong work is:
a wrong byte, a lost count or a program that fails is a line on stderr and exit status 1. What the machine lacks is a line, and no failure.
"""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

import build
import machine
import peers
import plots
import report
import scenes
import setup
from running import CannotMeasure, CannotRun

ROOT = Path(__file__).resolve().parents[3]
PLOTS = Path("tests/bench/plots")


def argument_parser():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure libgreenlet.so: the same work on kernel threads, preloaded, and on what one would write instead.",
        epilog="exit status: 0 measured (what is missing on this machine is named), 1 something went wrong, 2 bad usage",
    )
    parser.add_argument("--list", action="store_true", help="name the scenes with their peers, and the peers with what they need")
    parser.add_argument("--scenes", type=names, action="extend", metavar="A,B", help="only these, or all that start with NAME-")
    parser.add_argument("--peers", type=names, action="extend", metavar="A,B", help="only these")
    parser.add_argument("--rounds", type=positive, metavar="N", help="rounds of each scene (default 3; with --quick 1)")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="length of one measured window (default 5; with --quick 1)")
    parser.add_argument("--quick", action="store_true", help="one round of short windows: a look, not a result")
    parser.add_argument("--workers", type=positive, metavar="N", help="GREENLET_WORKERS of the preloaded runs")
    parser.add_argument("--json", type=Path, metavar="PATH", help="the results, written and read (default target/bench/results.json)")
    parser.add_argument("--add", action="store_true", help="keep the scenes that the results already have and this run does not")
    parser.add_argument("--plots", nargs="?", type=Path, const=ROOT / PLOTS, metavar="DIRECTORY",
                        help=f"measure nothing: draw the results (default {PLOTS})")
    parser.add_argument("--readme", nargs="?", type=Path, const=ROOT / "README.md", metavar="FILE",
                        help="measure nothing: draw the results, and put them with their table into README.md, between its marks")
    parser.add_argument("--setup", nargs="*", metavar="PEER", help="measure nothing: bring what these peers (default: all) and the scenes need")
    return parser


def names(text):
    return text.split(",")


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def seconds(text):
    value = float(text)
    if not 0.1 <= value <= 600:
        raise ValueError(text)
    return value


def chosen_scenes(wanted, known):
    for name in wanted or ():
        if not any(matches(scene, name) for scene in known):
            raise ValueError(f"no scene '{name}' (see --list)")
    return [scene for scene in known if not wanted or any(matches(scene, name) for name in wanted)]


def matches(scene, name):
    return scene.name == name or scene.name.startswith(name + "-")


def chosen_peers(wanted):
    for name in wanted or ():
        if name not in peers.PEERS:
            raise ValueError(f"no peer '{name}' (see --list)")
    return {key: peer for key, peer in peers.PEERS.items() if not wanted or key in wanted}


def installed(kit, chosen):
    """The peers that can run here; each that cannot is one line with the command that changes it."""
    able = {}
    for key, peer in chosen.items():
        missing = peer.missing(kit)
        if missing is None:
            able[key] = peer
        else:
            print(f"bench: {peer.title} is left out; it needs: {missing}", flush=True)
    return able


def lacks(scene):
    """The packages of a scene's own that are not here."""
    return [package for command, package in scene.needs if shutil.which(command) is None]


class Measured:
    """The samples of one run of the bench, and what went wrong or was left out."""

    def __init__(self, kit, able, rounds):
        self.kit, self.able, self.rounds = kit, able, rounds
        self.failures, self.left_out = [], []

    def scene(self, scene):
        """{peer: [a dict of figures for each round]}"""
        samples = {key: [] for key in scene.peers if key in self.able}
        if missing := lacks(scene):
            self.leave_out(f"{scene.name}: it needs: apt-get install {' '.join(missing)}")
            return {}
        for key, reason in scene.without.items():
            if key in self.able:
                self.leave_out(f"{scene.name}, {key}: {reason}")
        for number in range(1, self.rounds + 1):
            for key in list(samples):
                try:
                    samples[key].append(scene.run(self.kit, self.able[key]))
                except CannotMeasure as reason:
                    self.failures.append(f"{scene.name}, {key}, round {number}: {reason}")
                except CannotRun as reason:
                    self.leave_out(f"{scene.name}, {key}: {reason}")
                    del samples[key]
        return samples

    def leave_out(self, line):
        self.left_out.append(line)
        print(f"bench: left out: {line}", flush=True)


def say_list(kit):
    for scene in scenes.all_scenes(1):
        print(f"{scene.name:<24} {scene.title:<56} {' '.join(scene.peers)}")
    print()
    for peer in peers.PEERS.values():
        missing = peer.missing(kit)
        print(f"{peer.key:<24} {peer.title:<56} {'ready' if missing is None else f'needs: {missing}'}")


def draw(kit, options, results_path):
    if not results_path.is_file():
        raise CannotMeasure(f"{results_path} is missing: measure first")
    results = report.load(results_path)
    folder = options.plots or kit.root / PLOTS
    written = plots.write_all(folder, results)
    print(f"{len(written)} plots: {folder}")
    if options.readme:
        relative = [(title, Path(os.path.relpath(path, options.readme.parent)).as_posix()) for title, path in written]
        report.write_readme(options.readme, results, relative)
        print(f"{options.readme}: written between its marks")


def measure(kit, options, selected, results_path):
    kit.require_library()
    kit.build_c()
    window = options.seconds or (1.0 if options.quick else 5.0)
    rounds = options.rounds or (1 if options.quick else 3)
    about = machine.description(kit, rounds, window)
    print(machine.headline(about), flush=True)
    able = installed(kit, chosen_peers(options.peers))
    titles = {key: peer.title for key, peer in peers.PEERS.items()}
    run, entries = Measured(kit, able, rounds), {}
    for scene in selected(window):
        entry = report.scene_entry(scene, run.scene(scene))
        entries[scene.name] = entry
        print(report.of_scene(entry, titles), flush=True)
    if options.add and results_path.is_file():
        entries = in_order({**report.load(results_path)["scenes"], **entries}, scenes.all_scenes(window))
    report.store(results_path, {"machine": about, "peers": titles, "scenes": entries, "left_out": run.left_out, "not_measured": run.failures})
    print(f"\nresults: {results_path}")
    for line in run.failures:
        print(f"bench: not measured: {line}", file=sys.stderr)
    return 1 if run.failures else 0


def in_order(entries, known):
    """By the table of scenes; what is no longer in it is dropped."""
    return {scene.name: entries[scene.name] for scene in known if scene.name in entries}


def main():
    parser = argument_parser()
    options = parser.parse_args()

    def selected(window):
        return chosen_scenes(options.scenes, scenes.all_scenes(window))

    try:
        selected(1.0)
        chosen_peers([*(options.peers or ()), *(options.setup or ())])
    except ValueError as reason:
        parser.error(str(reason))
    kit = build.Kit(ROOT, options.workers)
    results_path = options.json or kit.build / "results.json"
    try:
        if options.list:
            return say_list(kit)
        if options.setup is not None:
            return setup.bring(kit, chosen_peers(options.setup).values(), selected(1.0))
        if options.plots or options.readme:
            return draw(kit, options, results_path)
        return measure(kit, options, selected, results_path)
    except (CannotMeasure, ValueError) as reason:
        print(f"bench: {reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # in order, so that what runs is ended
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
