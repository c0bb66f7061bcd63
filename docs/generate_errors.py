"""A page for each code, and the examples that ``graphnn explain`` shows, from tests/bad_specs.

``python docs/generate_errors.py`` writes the examples into the package; a test compares them. The
pages are made by the build of the documentation, and put together as the command does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import graphnn
from graphnn.diagnostics import codes, explain

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "bad_specs" / "explained"
EXAMPLES = ROOT / "graphnn" / "diagnostics" / "pages"
_WIDEST = 200  # characters: what is longer says no more


def write(folder: Path) -> None:
    """Write a page for each code into `folder`, in place of what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for code in codes():
        (folder / f"{code}.md").write_text(explain(code), encoding="utf-8")
    (folder / "index.md").write_text("\n".join(_index()) + "\n", encoding="utf-8")


def write_examples(folder: Path) -> None:
    """Write what shows each code at work into `folder`, in place of what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    with chdir(CORPUS):
        for code in codes():
            if found := [*Path().glob(f"{code}.yaml"), *Path().glob(f"{code}.json")]:
                text = "\n".join(_example(found[0]))
                (folder / f"{code}.md").write_text(text, encoding="utf-8")


def _index() -> Iterator[str]:
    yield "# Codes\n"
    yield "What the code of a message means. `graphnn explain CODE` tells the same in a terminal.\n"
    yield "| code | |\n|---|---|"
    for code in codes().values():
        yield f"| [{code.name}]({code.name}.md) | {code.title} |"
    yield "\n```{toctree}\n:hidden:\n"
    yield from sorted(codes())
    yield "```"


def _example(path: Path) -> Iterator[str]:
    told = graphnn.format_diagnostics(graphnn.diagnose(path))
    mended = path.with_suffix(f".fixed{path.suffix}").read_text("utf-8")
    bad = path.read_text("utf-8", errors="replace")
    language = path.suffix.removeprefix(".")
    yield "## At fault\n"
    if all(len(line) <= _WIDEST and line.isprintable() for line in bad.splitlines()):
        yield f"```{language}\n{bad}```\n"
    told = "".join(f"{line[:_WIDEST]}\n" for line in told.splitlines())
    yield f"```text\n{told}```\n"
    yield "## Mended\n"
    yield f"```{language}\n{mended}```\n"


if __name__ == "__main__":
    write_examples(EXAMPLES)
