"""Results to SVG: horizontal bars in groups, with the least and most of the rounds as a whisker.

Plain text, no library: the same results give the same bytes. The background is transparent and the colours are chosen by the viewer's scheme,
so that a plot can be read in a light and in a dark README.
"""

import math
from xml.sax.saxutils import escape

from peers import BARE, EPOLL, GREEN, PEERS

WIDTH, LEFT, RIGHT = 860, 130, 150
BAR, GAP, HEAD, TOP, BOTTOM = 13, 4, 24, 48, 14
PYTHON = ("gevent", "eventlet", "asyncio")

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 15px; font-weight: 600 } .unit, .value { fill: #59636e }
.group { font-weight: 600 } .green { fill: #1a7f37 } .bare { fill: #6e7781 } .epoll { fill: #bf8700 } .other { fill: #8fb8e8 }
.whisker { stroke: #1f2328; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .unit, .value { fill: #9198a1 } .green { fill: #3fb950 } .bare { fill: #8b949e }
.epoll { fill: #d29922 } .other { fill: #4a78ad } .whisker { stroke: #e6edf3 } }
""".strip()


class Plot:
    """A row of the table: a file, what it shows, of which scenes, for which peers, and on which scale."""

    def __init__(self, name, title, figure, unit, scenes, leave_out=(), log=False):
        self.name, self.title, self.figure, self.unit, self.scenes = name, title, figure, unit, scenes
        self.leave_out, self.log = leave_out, log


ECHO = [f"echo-{count}-pinned" for count in (100, 1000, 8000)]
PLOTS = (
    Plot("echo-cpu", "Echo server: CPU time per request (less is better)", "server_cpu_us_per_request", "µs", ECHO, PYTHON + ("pth",)),
    Plot("echo-rate", "Echo server: requests per second (more is better)", "requests_per_second", "requests/s",
         [name.replace("-pinned", "-unpinned") for name in ECHO], PYTHON + ("pth",)),
    Plot("idle", "15,000 connections, 150 of them active: CPU time per request (less is better)", "server_cpu_us_per_request", "µs",
         ["idle-15000-pinned", "idle-15000-unpinned"], PYTHON + ("st",)),  # st polls all of them, ten times the others
    Plot("latency", "One connection: median latency (less is better)", "p50_us", "µs", ["echo-1-pinned", "echo-1-unpinned"], PYTHON),
    Plot("handover", "Condition ping-pong: a hand-over (less is better)", "ns_per_handover", "ns, logarithmic",
         ["pingpong-pinned", "pingpong-unpinned"], log=True),
    Plot("pool", "Worker pool: a request (less is better)", "ns_per_request", "ns, logarithmic", ["pool-pinned", "pool-unpinned"], log=True),
    Plot("create", "Creation: a thread (less is better)", "ns_per_thread", "ns, logarithmic",
         ["create-pinned", "create-unpinned", "fresh-10000-pinned", "fresh-10000-unpinned"], log=True),
    Plot("mutex", "One contended mutex: a critical section (less is better)", "ns_per_section", "ns, logarithmic",
         ["mutex-2", "mutex-16", "mutex-1000", "mutex-held-16"], log=True),
    Plot("timers", "Sleepers: CPU time for each (less is better)", "cpu_us_per_sleeper", "µs", ["timers-10000", "timers-100000"], PYTHON),
    Plot("fair", "A sleeper beside threads that compute: how late it wakes, 99 of 100 (less is better)", "late_p99_us", "µs, logarithmic",
         ["fair-4", "fair-16", "fair-256", "fair-calls-16"], log=True),
    Plot("tls", "TLS for nginx: CPU time per handshake (less is better)", "cpu_us_per_handshake", "µs", ["tls"]),
    Plot("ring", "Ring of pipes: a hop (less is better)", "ns_per_hop", "ns", ["ring-pinned", "ring-unpinned"]),
    Plot("memory", "Memory of the machine for a parked thread (less is better)", "machine_bytes_per_thread", "bytes",
         ["memory-cond", "memory-recv"]),
    Plot("python", "Python servers, 1,000 connections: requests per second (more is better)", "requests_per_second", "requests/s",
         ["python-echo-1000", "python-http-1000"]),
    Plot("syscalls", "Echo server: system calls per request (less is better)", "calls_per_request", "calls", ["syscalls-100", "syscalls-1000"]),
)


def write_all(folder, results):
    """Writes every plot that has something to show; returns (title, path) pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plot in PLOTS:
        groups = list(groups_of(plot, results))
        if groups:
            path = folder / f"{plot.name}.svg"
            path.write_text(svg(plot, groups))
            written.append((plot.title, path))
    return written


def groups_of(plot, results):
    """(title, [(peer's key, title, figure)]) for each scene that was measured."""
    for name in plot.scenes:
        scene = results["scenes"].get(name)
        bars = [] if scene is None else [
            (peer, results["peers"][peer], figures[plot.figure]) for peer, figures in scene["peers"].items()
            if peer in PEERS and peer not in plot.leave_out and plot.figure in figures]
        if bars:
            yield scene["title"], bars


def svg(plot, groups):
    scale = Scale(plot, [figure for _, bars in groups for _, _, figure in bars])
    body, y = [], TOP
    for title, bars in groups:
        body.append(text(LEFT, y + 14, title, "group"))
        y += HEAD
        for peer, name, figure in bars:
            body += bar(scale, y, peer, name, figure)
            y += BAR + GAP
        y += GAP
    height = y + BOTTOM
    head = [text(8, 20, plot.title, "title"), text(8, 38, plot.unit, "unit")]
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
                      f"<title>{escape(plot.title)}</title>", f"<style>{STYLE}</style>", *head, *body, "</svg>"]) + "\n"


class Scale:
    """Values to pixels; a logarithmic one begins at the power of ten below the least value, where a bar still can be seen."""

    def __init__(self, plot, figures):
        self.log, most = plot.log, max(figure["most"] for figure in figures)
        least = min((figure["least"] for figure in figures if figure["least"] > 0), default=1)
        self.low = math.floor(math.log10(least)) if self.log else 0
        self.high = max(self.of(most), self.low + 0.1) if self.log else most or 1

    def of(self, value):
        return math.log10(max(value, 10.0 ** self.low)) if self.log else max(value, 0)

    def x(self, value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (self.of(value) - self.low) / (self.high - self.low)


def bar(scale, y, peer, name, figure):
    kind = peer if peer in (BARE, GREEN, EPOLL) else "other"
    end, least, most, middle = scale.x(figure["median"]), scale.x(figure["least"]), scale.x(figure["most"]), y + BAR / 2
    yield text(LEFT - 8, y + 11, name, "name", "end")
    yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{max(end - LEFT, 1):.1f}" height="{BAR}"/>'
    if most - least > 1:
        yield f'<path class="whisker" d="M{least:.1f} {middle}H{most:.1f}M{least:.1f} {middle - 3}v6M{most:.1f} {middle - 3}v6"/>'
    yield text(max(end, most) + 6, y + 11, value(figure["median"]), "value")


def text(x, y, words, kind, anchor="start"):
    return f'<text class="{kind}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def value(number):
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
