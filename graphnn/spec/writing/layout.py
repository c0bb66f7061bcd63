"""Trees to text in one canonical layout, that of the documentation.

What fits a line is put on one, in brackets; what does not is opened up, an entry a line. The parts
of a spec that hold a line for each thing, such as ``nodes``, always are, and names of nodes are
padded to one width.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from graphnn.spec.forms import Form
from graphnn.spec.model import SPEC
from graphnn.spec.values import Map, Plain, Value
from graphnn.spec.vocabulary import NO_NAMES
from graphnn.spec.writing.syntax import Entry, Leaf, Line, Tree, from_value

WIDTH = 100
_STEP = 2
_LONGEST = 16  # characters; a longer name of a node moves no other to the right

_FIRST = frozenset("#&*!|>'\"%@`,[]{}")  # start no word
_ONLY_BEFORE_A_WORD = frozenset("-?:")
_LINE = re.compile(r"^(?=.)", re.MULTILINE)  # that is not empty
_ENDS = re.compile(r"[,?\[\]{}]")  # a word, in brackets
# Texts that need no quotes, and words that some readers take for something else.
_SAFE = re.compile(r"[^\W\d](?:[^:#\"\\]*[^\s:#\"\\])?")
_FOREIGN = frozenset(("yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# What a text may hold only as an escape.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def to_yaml(document: Map | Tree) -> str:
    """`document` as YAML; reading the text gives the same values, and the comments of a tree."""
    tree = document if isinstance(document, Tree) else from_value(document)
    assert isinstance(tree, Tree)
    if not tree.entries:
        return "\n".join([*(line.text for line in tree.tail), "{}", ""])
    return _aligned(_rows(tree, SPEC, 0))


def to_json(document: Map) -> str:
    """`document` as JSON; reading the text gives the same values."""
    return "".join(f"{line}\n" for line in _json(from_value(document), SPEC, 0, ""))


def flow(value: Value) -> str:
    """`value` as YAML on one line, however long; reading it gives the same value."""
    return _line(from_value(value), _YAML) or ""


@dataclass(slots=True)
class _Row:
    """A line of text with the comment behind it."""

    text: str
    comment: str = ""


def _rows(tree: Tree, form: Form | None, indent: int) -> list[_Row]:
    """The entries of `tree`, each on separate lines."""
    pad = _padding(tree) if form is not None and form.layout == "columns" else 0
    rows: list[_Row] = []
    was_section = False
    for number, entry in enumerate(tree.entries):
        leading, made = entry.leading, _entry(entry, _below(form, entry), indent, pad)
        section = form is SPEC and isinstance(entry.value, Tree) and len(made) > 1
        apart = leading[0].blank if leading else entry.blank
        if number and (apart or section or was_section):
            rows.append(_Row(""))
        rows += _comments(leading, indent)
        if leading and entry.blank:
            rows.append(_Row(""))
        rows += made
        was_section = section
    if tree.tail and tree.tail[0].blank:
        rows.append(_Row(""))
    return rows + _comments(tree.tail, indent)


def _entry(entry: Entry, form: Form | None, indent: int, pad: int) -> list[_Row]:
    """The lines of an entry, without the comments above it."""
    value, margin = entry.value, " " * indent
    head = margin + ("-" if entry.key is None else _key(entry, brackets=False).rstrip(" "))
    if value.anchor:
        head += f" &{value.anchor}"
    if isinstance(value, Leaf):
        return _leaf(value, head, indent + _STEP, entry.comment)
    if not _is_opened(value, form) and (short := _line(value, _YAML, WIDTH)) is not None:
        start = head.ljust(indent + pad)
        if len(start) + 1 + len(short) <= WIDTH or not value.entries:
            return [_Row(f"{start} {short}", entry.comment)]
    filled = _is_filled(value)
    inner = _filled(value, indent + _STEP) if filled else _rows(value, form, indent + _STEP)
    if entry.key is not None:
        return [_Row(head, entry.comment), *inner]
    if value.anchor:
        inner.insert(0, _Row(head))
    else:  # the first thing in an item stands beside its dash
        inner[0].text = f"{head} {inner[0].text.lstrip()}"
    # Beside the dash, a comment would read as one above the item.
    if filled:
        inner[-1].comment = entry.comment
    elif entry.comment:
        inner.append(_Row(" " * (indent + _STEP) + entry.comment))
    return inner


def _leaf(leaf: Leaf, head: str, indent: int, comment: str) -> list[_Row]:
    margin = " " * indent
    if leaf.body:
        chomp = "" if str(leaf.value).endswith("\n") else "-"
        first = _Row(f"{head} {leaf.style}{chomp}", comment)
        return [first, _Row(_LINE.sub(margin, leaf.body))]
    line = f"{head} {_word(leaf, brackets=False)}"
    if len(line) <= WIDTH or not _folds(leaf.value):
        return [_Row(line, comment)]
    folded = _fill(str(leaf.value).split(" "), WIDTH - indent)
    return [_Row(f"{head} >-", comment), *(_Row(margin + text) for text in folded)]


def _json(value: Leaf | Tree, form: Form | None, indent: int, head: str) -> Iterator[str]:
    """Lines of `value` behind `head`, without the comma that may follow it."""
    margin = " " * indent
    # One column is kept for the comma.
    room = WIDTH - 1 - len(margin) - len(head)
    if isinstance(value, Leaf) or not value.entries:
        yield f"{margin}{head}{_line(value, _JSON)}"
        return
    if not _is_opened(value, form) and (short := _line(value, _JSON, room)) is not None:
        yield f"{margin}{head}{short}"
        return
    yield f"{margin}{head}{'{' if value.mapping else '['}"
    if _is_filled(value):
        *words, last = (_line(entry.value, _JSON) or "" for entry in value.entries)
        inner = margin + " " * _STEP
        lines = _fill([*(f"{word}," for word in words), last], WIDTH - len(inner))
        yield from (inner + line for line in lines)
    else:
        for entry in value.entries:
            below = _below(form, entry)
            *above, end = _json(entry.value, below, indent + _STEP, _JSON.key(entry))
            yield from above
            yield end if entry is value.entries[-1] else f"{end},"
    yield f"{margin}{'}' if value.mapping else ']'}"


def _line(value: Leaf | Tree, manner: _Manner, room: float = math.inf) -> str | None:
    """`value` on one line, without its own anchor; None where it has comments or is too long."""
    # As deep as the reader's limit at most; what is too long is found out in time of its room.
    if isinstance(value, Leaf):
        return None if value.body else manner.word(value)
    parts, left = [], room
    for entry in value.entries:
        part = None if entry.leading or entry.comment else _line(entry.value, manner, left)
        if part is None:
            return None
        parts.append(manner.key(entry) + _anchor(entry.value) + part)
        left -= len(parts[-1]) + 2
        if left < 0:
            return None
    inner = ", ".join(parts)
    text = f"{{{inner}}}" if value.mapping else f"[{inner}]"
    return None if value.tail or len(text) > room else text


def _json_word(leaf: Leaf) -> str:
    if not isinstance(leaf.value, str) and _JSON_NUMBER.fullmatch(leaf.word):
        return leaf.word
    return _quoted(leaf.value)


def _is_opened(tree: Tree, form: Form | None) -> bool:
    """Whether `tree` is never put on one line."""
    if form is SPEC:
        return bool(tree.entries)
    opened = form is not None and form.layout != ""
    return opened and any(isinstance(entry.value, Tree) for entry in tree.entries)


def _is_filled(tree: Tree) -> bool:
    """Whether a list that does not fit a line is one of words, with as many on a line as fit."""
    words = all(isinstance(e.value, Leaf) and not e.value.body for e in tree.entries)
    return not tree.mapping and words and not tree.commented


def _below(form: Form | None, entry: Entry) -> Form | None:
    """What the language has in the place of an entry of what stands in the place `form`."""
    if form is None or entry.key is None:
        return form
    return form.below(str(entry.key.value), NO_NAMES)


def _padding(tree: Tree) -> int:
    """Columns for the names of a mapping and the colons behind them."""
    names = [len(_key(entry, brackets=False).rstrip(" ")) for entry in tree.entries]
    return max((width for width in names if width <= _LONGEST + 1), default=0)


def _filled(tree: Tree, indent: int) -> list[_Row]:
    """A list of words, as many on a line as fit."""
    leaves = [entry.value for entry in tree.entries if isinstance(entry.value, Leaf)]
    *words, last = (_anchor(leaf) + _in_brackets(leaf) for leaf in leaves)
    lines = _fill([*(f"{word}," for word in words), f"{last}]"], WIDTH - indent - 1)
    margin = " " * indent
    return [_Row(f"{margin}{' ' if number else '['}{line}") for number, line in enumerate(lines)]


def _anchor(value: Leaf | Tree) -> str:
    return f"&{value.anchor} " if value.anchor else ""


def _fill(words: Iterable[str], width: int) -> list[str]:
    lines: list[str] = []
    line: list[str] = []
    length = -1
    for word in words:
        if line and length + 1 + len(word) > width:
            lines.append(" ".join(line))
            line, length = [], -1
        line.append(word)
        length += 1 + len(word)
    return [*lines, " ".join(line)]


def _comments(lines: Sequence[Line], indent: int) -> list[_Row]:
    rows = []
    for number, line in enumerate(lines):
        if line.blank and number:
            rows.append(_Row(""))
        rows.append(_Row(" " * indent + line.text))
    return rows


def _aligned(rows: list[_Row]) -> str:
    """The rows as text; comments behind neighbours of one indentation start in one column."""
    lines = []
    for (behind, _), group in groupby(rows, lambda row: (bool(row.comment), _indent(row.text))):
        together = list(group)
        width = max(len(row.text) for row in together)
        lines += [f"{row.text:<{width}}  {row.comment}" if behind else row.text for row in together]
    return "".join(f"{line}\n" for line in lines)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _key(entry: Entry, *, brackets: bool) -> str:
    """The key of an entry with its colon and a space; nothing for an item."""
    if entry.key is None:
        return ""
    # A colon may be part of the name of an alias.
    colon = " : " if entry.key.alias else ": "
    return _anchor(entry.key) + _word(entry.key, brackets=brackets) + colon


def _in_brackets(leaf: Leaf) -> str:
    return _word(leaf, brackets=True)


def _word(leaf: Leaf, *, brackets: bool) -> str:
    """A scalar or an alias on one line, without its anchor."""
    if leaf.alias:
        return f"*{leaf.alias}"
    if not isinstance(leaf.value, str):
        return leaf.word or json.dumps(leaf.value)
    bare = _stays(leaf.value) if leaf.word else _is_safe(leaf.value)
    if bare and not (brackets and _ENDS.search(leaf.value)):
        return leaf.value
    return _quoted(leaf.value)


def _is_safe(text: str) -> bool:
    """Whether a text needs no quotes, whatever reads it."""
    return bool(_SAFE.fullmatch(text)) and text.isprintable() and text.lower() not in _FOREIGN


def _stays(text: str) -> bool:
    """Whether a text that was written without quotes can be written so on one line."""
    if not text.isprintable() or text != text.strip() or text.startswith(("---", "...")):
        return False
    starts = text[0] not in _FIRST
    if text[0] in _ONLY_BEFORE_A_WORD:
        starts = len(text) > 1 and text[1] != " " and not _ENDS.match(text, 1)
    return starts and ": " not in text and " #" not in text and not text.endswith(":")


def _quoted(value: Plain) -> str:
    """A scalar as JSON has it, which YAML reads as the same."""
    shown = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)


def _folds(value: Plain) -> bool:
    """Whether a text can be broken into lines at any of its spaces."""
    words = value.split() if isinstance(value, str) and value.isprintable() else []
    return len(words) > 1 and value == " ".join(words)


class _Manner(NamedTuple):
    """How a format writes scalars, and keys with what follows them."""

    word: Callable[[Leaf], str]
    key: Callable[[Entry], str]


_YAML = _Manner(_in_brackets, lambda entry: _key(entry, brackets=True))
_JSON = _Manner(_json_word, lambda entry: f"{_json_word(entry.key)}: " if entry.key else "")
