"""Samples to text and JSON. Medians with their spread, and ratios of medians; a mode without a sample shows a dash."""

import json
import statistics

from programs import BARE, EPOLL, PRELOADED

RATIOS = ((PRELOADED, BARE), (PRELOADED, EPOLL))
NAME, COLUMN, RATIO = 26, 30, 16


def of_scene(scene, samples):
    ratios = [pair for pair in RATIOS if all(mode in scene.modes for mode in pair)]
    head = scene.name.ljust(NAME) + "".join(mode.rjust(COLUMN) for mode in scene.modes)
    head += "".join(short(*pair).rjust(RATIO) for pair in ratios)
    rows = [row(figure, scene.modes, samples, ratios) for figure in scene.figures]
    return "\n".join(["", head] + rows)


def short(mode, against):
    return f"{'green' if mode == PRELOADED else mode}/{against}"


def row(figure, modes, samples, ratios):
    values = {mode: [run[figure.key] for run in samples[mode] if figure.key in run] for mode in modes}
    cells = "".join(cell(values[mode], figure.digits).rjust(COLUMN) for mode in modes)
    compared = "".join(ratio(values[a], values[b]).rjust(RATIO) for a, b in ratios)
    return ("  " + figure.name).ljust(NAME) + cells + compared


def cell(values, digits):
    if not values:
        return "-"
    median = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return median
    return f"{median} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def ratio(values, against):
    if not values or not against or statistics.median(against) == 0:
        return "-"
    quotient = statistics.median(values) / statistics.median(against)
    return f"{quotient:.4f}" if quotient < 0.1 else f"{quotient:.2f}"


def store(path, about, results, failures):
    path.parent.mkdir(parents=True, exist_ok=True)
    scenes = {name: {mode: summary(runs) for mode, runs in samples.items()} for name, samples in results.items()}
    path.write_text(json.dumps({"machine": about, "scenes": scenes, "not_measured": failures}, indent=1) + "\n")


def summary(runs):
    keys = sorted({key for run in runs for key in run})
    return {key: figure([run[key] for run in runs if key in run]) for key in keys}


def figure(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "samples": values}
