"""Medians with their spread, and ratios of medians."""

import statistics


def summary(runs):
    """The figures of several runs: for each its median, least, most and samples."""
    keys = sorted({key for run in runs for key in run})
    return {key: figure([run[key] for run in runs if key in run]) for key in keys}


def figure(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values), "samples": values}


def median(summaries, peer, key):
    """The median of a peer's figure in a scene's results; None where it was not measured."""
    found = summaries.get(peer, {}).get(key)
    return None if found is None else found["median"]


def quotient(value, against):
    """None where one is missing, or where noise has made one of them nothing or less."""
    return value / against if value is not None and against is not None and value > 0 and against > 0 else None
