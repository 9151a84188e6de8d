"""The manual pages as scripts/install puts them: man warns of nothing, each call of greenlet.h is found, with the header's parameters."""

import re
import subprocess

import greenlets
import harness

SECTIONS = greenlets.PREFIX / "share/man"


def cases(name, options):
    return [harness.Case(name, check)]


def check():
    harness.require("man", "man-db")
    greenlets.install()
    pages = [page for page in sorted(SECTIONS.glob("man*/*")) if not page.is_symlink()]
    texts = {page: lint(page) for page in pages}
    declared = declarations()
    for name, declaration in declared.items():
        page = SECTIONS / f"man3/{name}.3"
        harness.fail_if(not page.exists(), f"{name} has no page")
        text = " ".join(texts[page.resolve()].split())
        harness.fail_if(declaration not in text, f"{page.resolve().name} does not say: {declaration}")
    return f"{len(pages)} pages, {len(declared)} calls"


def lint(page):
    finished = subprocess.run(["man", "--warnings", "-E", "ascii", "-l", str(page)], capture_output=True, text=True, check=False,
                              env={**harness.plain_environment(), "MANWIDTH": "300", "MANPAGER": "cat"})
    harness.fail_if(finished.returncode != 0 or finished.stderr, f"{page.name}: {finished.stderr.strip()}")
    return re.sub(".\b", "", finished.stdout)


def declarations():
    """By name, on one line."""
    header = (harness.ROOT / "preload/include/greenlet.h").read_text()
    lines = [line for line in header.splitlines() if re.match(r"^[a-z].*greenlet_\w+\(.*\);$", line)]
    found = {re.search(r"(greenlet_\w+)\(", line).group(1): line for line in lines if not line.startswith("typedef")}
    harness.fail_if(len(found) < 30, f"the header declares {len(found)} calls only")
    return found
