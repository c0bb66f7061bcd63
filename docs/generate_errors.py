"""The pages on codes: their examples, from tests/bad_specs, and their index.

``python docs/generate_errors.py`` renews the examples of the pages in the package; a test compares
them. The build of the documentation copies the pages and adds the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

from generate_commands import escaped

import graphnn
from graphnn.diagnostics import AREAS, CODES, Code, explain, summary

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "bad_specs" / "explained"
PAGES = ROOT / "graphnn" / "diagnostics" / "pages"
_EXAMPLE = "\n## Example\n"
_WIDEST = 200  # characters: what is longer says no more


def write(folder: Path) -> None:
    """Write a page for each code into `folder`, in place of what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for code in CODES:
        (folder / f"{code}.md").write_text(_page(code), encoding="utf-8")
    (folder / "index.md").write_text("\n".join(_index()) + "\n", encoding="utf-8")


def _page(code: Code) -> str:
    """The page of a code, whose quoted texts and options are code, as in the reference."""
    prose, *example = explain(code).partition(_EXAMPLE)
    title, _, text = prose.partition("\n")
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = map(escaped, parts[::2])
    return "".join([title, "\n", *parts, *example])


def pages() -> Iterator[tuple[Path, str]]:
    """Each page of the package, as it is with its example made anew."""
    with chdir(CORPUS):
        for code in CODES:
            path = PAGES / f"{code}.md"
            text = path.read_text("utf-8").partition(_EXAMPLE)[0]
            if found := [*Path().glob(f"{code}.yaml"), *Path().glob(f"{code}.json")]:
                text += "\n".join(_example(found[0]))
            yield path, text


def _index() -> Iterator[str]:
    yield "# Codes\n"
    yield "What the code of a message means. `graphnn explain CODE` shows the same in a terminal.\n"
    for area, codes in AREAS.items():
        yield f"\n## {area}\n"
        yield "| code | |\n|---|---|"
        for code in codes:
            yield f"| [{code}]({code}.md) | {summary(code)[0]} |"
    yield "\n```{toctree}\n:hidden:\n"
    yield from sorted(CODES)
    yield "```"


def _example(path: Path) -> Iterator[str]:
    said = graphnn.format_diagnostics(graphnn.diagnose(path))
    fixed = path.with_suffix(f".fixed{path.suffix}").read_text("utf-8")
    bad = path.read_text("utf-8", errors="replace")
    language = path.suffix.removeprefix(".")
    yield _EXAMPLE
    if all(len(line) <= _WIDEST and line.isprintable() for line in bad.splitlines()):
        yield f"```{language}\n{bad}```\n"
    said = "".join(f"{line[:_WIDEST]}\n" for line in said.splitlines())
    yield f"```text\n{said}```\n"
    yield "## Fixed\n"
    yield f"```{language}\n{fixed}```\n"


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
