"""The size of graphnn: lines of code by package, without blank lines, comments and docstrings.

``python benchmarks/size.py [FOLDER]`` prints a row a package: files, lines of code, the largest
file, and the mean length of a function in lines of code.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import defaultdict
from pathlib import Path

LAYOUT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(text: str) -> set[int]:
    """Numbers of the lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node):
            docstring = node.body[0]
            lines -= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return lines


def function_lengths(text: str, lines: set[int]) -> list[int]:
    """Lines of code of each function, its signature and decorators included."""
    return [
        len(lines & set(range(node.lineno, (node.end_lineno or 0) + 1)))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, Function)
    ]


def main(root: Path) -> None:
    """Print the table of the package at `root`."""
    sizes: dict[str, dict[str, int]] = defaultdict(dict)
    lengths: dict[str, list[int]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        text = path.read_text("utf-8")
        lines = code_lines(text)
        inside = path.relative_to(root)
        package = inside.parts[0] if len(inside.parts) > 1 else "(top)"
        sizes[package][str(inside)] = len(lines)
        lengths[package] += function_lengths(text, lines)
    print(f"{'package':14} {'files':>5} {'lines':>6} {'function':>8}  largest file")
    for package, files in sorted(sizes.items()):
        name, largest = max(files.items(), key=lambda item: item[1])
        row(package, len(files), sum(files.values()), lengths[package], f"{name} {largest}")
    every = [length for lines in lengths.values() for length in lines]
    count = sum(map(len, sizes.values()))
    row("all", count, sum(sum(files.values()) for files in sizes.values()), every, "")


def row(name: str, files: int, lines: int, lengths: list[int], largest: str) -> None:
    """Print one row."""
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    print(f"{name:14} {files:5,} {lines:6,} {mean:8.2f}  {largest}".rstrip())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "graphnn")
