"""Results to text, JSON and the README's table. A results file is all that the table and the plots are made of, so they can be made again."""

import json

import stats
from peers import BARE, EPOLL, GREEN

NAME, COLUMN = 16, 26
DASH = "-"
LAYOUT = 1  # of the results file; another one cannot be read


def of_scene(scene, titles):
    """One scene's results as text: a row for each peer, or a row for each figure where only two peers take part."""
    lines = ["", f"{scene['name']}: {scene['title']}"]
    peers = [peer for peer in scene["peers"] if scene["peers"][peer]]
    if not peers:
        return "\n".join([*lines, "  nothing was measured"])
    return "\n".join(lines + (of_two(scene, peers, titles) if len(scene["figures"]) > 6 and len(peers) <= 2 else of_many(scene, peers, titles)))


def of_many(scene, peers, titles):
    first, others = next(iter(scene["figures"])), scene["figures"]
    lines = ["  " + "".ljust(NAME) + "".join(figure["name"].rjust(COLUMN) for figure in others.values()) + f"{titles[GREEN]}/it".rjust(18)]
    for peer in peers:
        cells = "".join(("  " + cell(scene["peers"][peer].get(key), figure["digits"])).rjust(COLUMN) for key, figure in others.items())
        compared = stats.quotient(stats.median(scene["peers"], GREEN, first), stats.median(scene["peers"], peer, first))
        lines.append("  " + titles[peer].ljust(NAME) + cells + ("" if peer == GREEN else ratio(compared)).rjust(18))
    return lines


def of_two(scene, peers, titles):
    lines = ["  " + "".ljust(NAME * 2) + "".join(titles[peer].rjust(COLUMN) for peer in peers) + "difference".rjust(18)]
    for key, figure in scene["figures"].items():
        cells = "".join(("  " + cell(scene["peers"][peer].get(key), figure["digits"])).rjust(COLUMN) for peer in peers)
        bare, green = (stats.median(scene["peers"], peer, key) for peer in (BARE, GREEN))
        lines.append("  " + figure["name"].ljust(NAME * 2) + cells + (DASH if None in (bare, green) else f"{green - bare:+.1f}").rjust(18))
    return lines


def cell(figure, digits):
    if figure is None:
        return DASH
    text = f"{figure['median']:,.{digits}f}"
    return text if len(figure["samples"]) == 1 else f"{text} ({figure['least']:,.{digits}f}-{figure['most']:,.{digits}f})"


def ratio(value):
    if value is None:
        return DASH
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"


def scene_entry(scene, samples):
    """What is stored of a scene: everything that a table or a plot of it needs."""
    figures = {figure.key: {"name": figure.name, "digits": figure.digits, "more": figure.more, "shown": figure.shown} for figure in scene.figures}
    return {"name": scene.name, "title": scene.title, "figures": figures, "difference": scene.difference,
            "peers": {peer: stats.summary(runs) for peer, runs in samples.items()}}


def store(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"layout": LAYOUT, **results}, indent=1) + "\n")


def load(path):
    results = json.loads(path.read_text())
    if results.get("layout") != LAYOUT:
        raise ValueError(f"{path} was written by another version of the bench: measure again")
    return results


# ---- the README ------------------------------------------------------------------------------------------------

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def write_readme(readme, results, plots):
    """Puts the table and the plots between the two marks."""
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{readme.name} must have '{BEGIN}' and '{END}' once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + "\n" + "\n".join(readme_block(results, plots)) + "\n" + END + after)


def readme_block(results, plots):
    titles = results["peers"]
    yield f"| scene | {titles[BARE]} | {titles[GREEN]} | {titles[EPOLL]} | best other | {titles[GREEN]} / bare | {titles[GREEN]} / epoll |"
    yield "|---|---|---|---|---|---|---|"
    for scene in results["scenes"].values():
        for key, figure in readme_figures(scene):
            yield readme_row(scene, key, figure, titles)
    about = results["machine"]
    yield ""
    yield (f"{about['processor']}, {about['cpus']} CPUs, Linux {about['kernel']}, {about['libc']}; medians of {about['rounds']} rounds of "
           f"{about['seconds']:g} s, {about['at'][:10]}.")
    for title, path in plots:
        yield ""
        yield f"![{title}]({path})"


def readme_figures(scene):
    """Of what was measured the first figure, and what is shown beside it; all where the table is of differences."""
    figures = [pair for pair in scene["figures"].items() if any(pair[0] in measured for measured in scene["peers"].values())]
    return figures if scene["difference"] else figures[:1] + [pair for pair in figures[1:] if pair[1]["shown"]]


def readme_row(scene, key, figure, titles):
    values = {peer: stats.median(scene["peers"], peer, key) for peer in scene["peers"]}
    others = {peer: value for peer, value in values.items() if value is not None and peer not in (BARE, GREEN, EPOLL)}
    best = (max if figure["more"] else min)(others, key=others.get, default=None)
    words = [f"{scene['title']}: {figure['name']}"]
    words += [plain(values.get(peer), figure["digits"]) for peer in (BARE, GREEN, EPOLL)]
    words.append("" if best is None else f"{plain(others[best], figure['digits'])} ({titles[best]})")
    words += [compared(values.get(GREEN), values.get(peer), scene["difference"]) for peer in (BARE, EPOLL)]
    return "| " + " | ".join(words) + " |"


def compared(value, against, difference):
    if value is None or against is None:
        return ""
    return f"{value - against:+.1f}" if difference else ratio(stats.quotient(value, against))


def plain(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"
