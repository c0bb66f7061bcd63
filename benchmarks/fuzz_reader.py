"""Fuzzes the reader: any text is read or refused with diagnostics, and read as others read it.

With atheris (``pip install atheris``) inputs are made to reach new code; without it they are random
mixtures of specs. What is read is compared with `json`, and with PyYAML's structure under a core
schema of our own. A text at fault is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SEEDS = [
    path.read_bytes()
    for folder in ("specs", "tests/bad_specs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".yaml", ".json") and path.is_file()
]
PIECES = [
    *("a: ", "- ", "? ", ": ", "\n", "\n  ", "[", "]", "{", "}", ", ", "#", "&a ", "*a", "!t "),
    *("%YAML 1.2\n", "---\n", "...\n", "|\n", ">-\n  ", "'", '"', "\\", "\\ud800", "<<: ", "~"),
    *(
        "true",
        ".inf",
        "1e999",
        "0x1F",
        "0o8",
        "-1.5e-3",
        "@",
        "`",
        "é",
        "😀",
        "\r\n",
        "\ufeff",
        "\0",
    ),
]
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", re.ASCII)


class WrongError(AssertionError):
    """The reader did what it must not."""


def check(text: str, *, as_json: bool) -> None:
    """Read `text`, and compare the results.

    Raises
    ------
    WrongError
        It is neither read nor refused, or read otherwise than by others.
    """
    from graphnn.diagnostics import SpecError
    from graphnn.lsp import outline
    from graphnn.spec import reader
    from graphnn.spec.values import plain

    try:
        document = reader.read(text, json=as_json)
    except SpecError as error:
        _check_diagnostics(error.diagnostics)
        outline.scanned(text)
        outline.cursor(text)
        return
    found = plain(document)
    wanted = json.loads(text.removeprefix("\ufeff")) if as_json else _by_pyyaml(text, found)
    if not _same(found, wanted):
        raise WrongError(f"read as {found!r}, by others as {wanted!r}")
    clean = document.source.text
    for token in outline.located(document):
        if not 0 <= token.start <= token.end <= len(clean):
            raise WrongError(f"{token} lies outside of the text")


def _check_diagnostics(diagnostics: Any) -> None:
    if not diagnostics:
        raise WrongError("refused without a word")
    for each in diagnostics:
        lines = each.span.source.text.split("\n") if each.span else [""]
        if each.span and not 1 <= each.span.line <= each.span.end_line <= len(lines):
            raise WrongError(f"'{each.code}' lies outside of the text, at {each.span}")
        if not str(each).startswith(f"error[{each.code}]"):
            raise WrongError(f"'{each.code}' cannot be shown")


def _by_pyyaml(text: str, found: Any) -> Any:
    """What PyYAML makes of the text: its structure, with scalars by the core schema."""
    node = yaml.compose(text, _LOADER)
    return _plain(node)


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {_plain(key): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return node.value if node.style else _core(node.value)


def _core(word: str) -> Any:
    """YAML 1.2.2, 10.3.2, written down again."""
    if word in ("", "~", "null", "Null", "NULL"):
        return None
    if word.lower() in ("true", "false") and word in (word.lower(), word.upper(), word.title()):
        return word.lower() == "true"
    if re.fullmatch(r"[-+]?\d+", word, re.ASCII):
        return int(word)
    if re.fullmatch(r"0o[0-7]+", word):
        return int(word[2:], 8)
    if re.fullmatch(r"0x[\da-fA-F]+", word, re.ASCII):
        return int(word[2:], 16)
    return float(word) if _FLOAT.fullmatch(word) else word


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(
        one == other
        and (not isinstance(one, float) or math.copysign(1, one) == math.copysign(1, other))
    )


def take(data: bytes) -> None:
    """Check what `data` stand for: a kind of file, and its text."""
    text = data[1:].decode("utf-8", "replace")
    try:
        check(text, as_json=data[:1] == b"j")
    except Exception as error:
        print(f"{type(error).__name__}: {error}\nat {text!r}, {data[:1]!r}", file=sys.stderr)
        raise


def mixed(seconds: float, seed: int) -> int:
    """Random mixtures of specs for so long; how many."""
    chance = random.Random(seed)
    seeds = [content.decode("utf-8", "replace") for content in SEEDS]
    start, count = time.monotonic(), 0
    while time.monotonic() - start < seconds or count < 200:
        text = chance.choice(seeds)
        begin = chance.randrange(len(text) + 1)
        text = text[begin : begin + chance.randrange(1, 400)] if chance.random() < 0.7 else text
        for _ in range(chance.randrange(6)):
            at = chance.randrange(len(text) + 1)
            piece = chance.choice(PIECES)
            text = text[:at] + piece + text[at + chance.choice((0, 0, 1, 5)) :]
        take((b"j" if chance.random() < 0.3 else b"y") + text.encode("utf-8", "replace"))
        count += 1
    return count


def guided(atheris: Any, seconds: float, target: Callable[[bytes], None]) -> None:
    """Inputs that reach new code, for so long; ends the process."""
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(SEEDS):
            for kind in (b"y", b"j"):
                (Path(folder) / f"{number}{kind.decode()}").write_bytes(kind + content[:2000])
        words = Path(folder).with_suffix(".dict")
        words.write_text(
            "".join('"' + "".join(f"\\x{b:02x}" for b in p.encode()) + '"\n' for p in PIECES)
        )
        options = [f"-max_total_time={seconds:.0f}", "-max_len=2000", f"-dict={words}"]
        options += [f"-artifact_prefix={folder}-", "-timeout=10", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], folder, *options], target)
        atheris.Fuzz()


def main() -> None:
    """Fuzz, by atheris where it is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="of the random mixtures")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None or options.quick:
        count = mixed(0 if options.quick else options.seconds, options.seed)
        print(f"{count} texts, none read wrongly")
        return
    with atheris.instrument_imports(include=["graphnn.spec", "graphnn.lsp"]):
        import graphnn.lsp.outline
        import graphnn.spec.reader  # noqa: F401
    guided(atheris, options.seconds, take)


if __name__ == "__main__":
    main()
