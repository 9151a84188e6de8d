"""The benchmark's driver: builds the programs of tests/bench, runs the scenes interleaved, prints and stores the figures.

Bare, preloaded and epoll runs alternate within a round (A B C A B C ...), so that a machine that slows down, or a neighbour that wakes
up, falls on all of them alike. Medians are over rounds. Nothing is asserted: a reader judges the ratios, and should do so on an
idle machine only.
"""

import argparse
import sys
from pathlib import Path

import machine
import programs
import scenes
import table

ROOT = Path(__file__).resolve().parents[3]


def argument_parser():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure libgreenlet.so: the same programs bare and preloaded, beside a hand-written epoll loop.",
        epilog="Scenes: " + ", ".join(scene.name for scene in scenes.all_scenes(1)) + ".",
    )
    parser.add_argument("--scene", action="append", metavar="NAME", help="only this scene, or all that start with NAME-; repeatable")
    parser.add_argument("--rounds", type=positive, metavar="N", help="rounds of each scene (default 3; with --quick 1)")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="length of one measured window (default 5; with --quick 1)")
    parser.add_argument("--quick", action="store_true", help="one round of short windows: a look, not a result")
    parser.add_argument("--workers", type=positive, metavar="N", help="GREENLET_WORKERS of the preloaded runs")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where the samples go (default target/bench/results.json)")
    return parser


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


def chosen(names, known):
    if not names:
        return known
    for name in names:
        if not any(matches(scene, name) for scene in known):
            raise ValueError(f"no scene '{name}' (see --help)")
    return [scene for scene in known if any(matches(scene, name) for name in names)]


def matches(scene, name):
    return scene.name == name or scene.name.startswith(name + "-")


def measure(scene, rounds, kit):
    """{mode: [a dict of figures for each round]}, and the failures as lines."""
    samples = {mode: [] for mode in scene.modes}
    failures = []
    for round_number in range(1, rounds + 1):
        for mode in scene.modes:
            try:
                samples[mode].append(scene.run(kit, mode))
            except programs.CannotMeasure as reason:
                failures.append(f"{scene.name}, {mode}, round {round_number}: {reason}")
    return samples, failures


def main():
    parser = argument_parser()
    options = parser.parse_args()
    window = options.seconds or (1.0 if options.quick else 5.0)
    rounds = options.rounds or (1 if options.quick else 3)
    try:
        selected = chosen(options.scene, scenes.all_scenes(window))
    except ValueError as reason:
        parser.error(str(reason))
    try:
        kit = programs.Kit(ROOT, options.workers)
    except programs.CannotMeasure as reason:
        print(f"bench: {reason}", file=sys.stderr)
        return 1
    about = machine.description(kit, rounds, window)
    print(machine.headline(about), flush=True)
    results, failures = {}, []
    for scene in selected:
        samples, failed = measure(scene, rounds, kit)
        results[scene.name] = samples
        failures += failed
        print(table.of_scene(scene, samples), flush=True)
    path = options.json or kit.build / "results.json"
    table.store(path, about, results, failures)
    print(f"\nsamples: {path}")
    for line in failures:
        print(f"bench: not measured: {line}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
