"""Statements laid out as ruff lays them out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

WIDTH = 88
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_ENDING = re.compile(r"(?:\.\w+(?:\(\))?)+$")  # attributes and calls without arguments
_OPERATORS = (r" [+-] ", r" (?:[*@]|/) ")  # the loosest first


def laid_out(line: str, end: str = "") -> str:
    """A statement on as many lines as it takes, with `end` behind it."""
    if len(line) + len(end) <= WIDTH or "\n" in line:
        return line + end
    indent, start, value = _parted(line)
    value, opening = _ungrouped(value)
    cuts = _cuts(value)
    links = [] if cuts or opening is None else _links(value)
    if len(links) > 1 and len(indent) + 4 + len(value) > WIDTH:
        return f"{start}(\n{_listed(value, links, indent)}\n{indent}){end}"
    whole = len(cuts) < 2 or line.lstrip().startswith("def ")
    if opening is not None and whole and len(links) < 2:
        return _in_brackets(indent, start, value, opening) + end
    if not cuts and len(links) < 2:
        return line + end
    return f"{start}(\n{_in_a_group(value, cuts, f'{indent}    ')}\n{indent}){end}"


def laid_out_again(text: str) -> str:
    """Statements that were laid out, of which some have become longer since."""
    found: list[str] = []
    lines: list[str] = []
    depth = 0
    for line in text.split("\n"):
        lines.append(line)
        depth += sum((letter in "([{") - (letter in ")]}") for _, letter, _ in _depths(line))
        if depth == 0:
            too_long = any(len(each) > WIDTH for each in lines) and " = " in lines[0]
            found.append(laid_out(_joined(lines)) if too_long else "\n".join(lines))
            lines = []
    return "\n".join([*found, *lines])


def _joined(lines: list[str]) -> str:
    """A statement on one line, without brackets that only group its value."""
    whole, *rest = lines
    if whole.endswith(" = (") and rest[-1].strip() == ")":
        whole, rest = whole.removesuffix(" ("), rest[:-1]
    for line in map(str.strip, rest):
        closes = line[:1] in _PAIRS.values()
        whole = whole.removesuffix(",") if closes else whole
        apart = not closes and whole[-1:] not in _PAIRS and line[:1] != "."
        whole += f" {line}" if apart else line
    return whole


def _ungrouped(value: str) -> tuple[str, int | None]:
    """A value without brackets that only group it, and the place of its last bracket otherwise."""
    opening = _last_bracket(value)
    if opening == 0 and value[0] == "(" and ", " not in value and not _ENDING.search(value):
        return value[1:-1], None
    return value, opening


def _parted(line: str) -> tuple[str, str, str]:
    """Indent of a statement, all that comes before its value, and the value."""
    indent = line[: len(line) - len(line.lstrip())]
    head, found, value = line.lstrip().partition(" = ")
    if found:
        return indent, f"{indent}{head}{found}", value
    word, space, value = line.lstrip().partition(" ")
    if word in ("return", "def"):
        return indent, f"{indent}{word}{space}", value
    return indent, indent, line.lstrip()


def _in_brackets(indent: str, start: str, value: str, opening: int) -> str:
    """A value broken behind one of its brackets."""
    opening, closing = _broken(value, opening, WIDTH - len(start))
    items = [*_items(value[opening + 1 : closing])]
    # A comma behind what stands alone in a group or a subscript would make a tuple of it.
    alone = len(items) == 1 and _is_tuple_with_comma(value, opening)
    return "\n".join(
        [
            f"{start}{value[: opening + 1]}",
            *(_alone if alone else _inner)(items, f"{indent}    "),
            f"{indent}{value[closing:]}",
        ]
    )


def _in_a_group(value: str, cuts: list[int], inner: str) -> str:
    """The lines of a value in separate brackets, cut at its operators where it is too long."""
    if len(inner) + len(value) <= WIDTH:
        return f"{inner}{value}"
    ends = [*cuts, len(value)]
    parts = [value[: ends[0]], *(value[a + 1 : b] for a, b in pairwise(ends))]
    return "\n".join(f"{inner}{part}" for part in parts)


def _listed(value: str, links: list[int], indent: str) -> str:
    """The calls of a chain, one a line."""
    ends = [0, *links, len(value)]
    return "\n".join(laid_out(f"{indent}    {value[a:b]}") for a, b in pairwise(ends))


def _links(text: str) -> list[int]:
    """Where a chain of calls continues: dots behind a bracket."""
    if _spaced(text):
        return []
    dots = [place for place, letter, depth in _depths(text) if letter == "." and depth == 0]
    return [place for place in dots if place and text[place - 1] in ")]"]


def _spaced(text: str) -> bool:
    """Whether a space stands outside of all brackets and strings."""
    return any(letter == " " and depth == 0 for _, letter, depth in _depths(text))


def _broken(text: str, last: int, width: int) -> tuple[int, int]:
    """The bracket to break at: the last, or one before it where that would be out of sight."""
    filled = _filled_brackets(text)
    if _spaced(text):
        seen = [pair for pair in filled if pair[0] + 1 <= width] if last + 1 > width else []
        filled = seen[-1:]
    for (opening, closing), (following, _) in pairwise(filled):
        if following + 1 > width:
            return opening, closing
    return filled[-1] if filled else (last, text.rindex(_PAIRS[text[last]]))


def _filled_brackets(text: str) -> list[tuple[int, int]]:
    """Where the outermost brackets with something in them open and close."""
    outer = [(place, letter) for place, letter, depth in _depths(text) if depth == 0]
    opens = [place for place, letter in outer if letter in "([{"]
    ends = [place for place, letter in outer if letter in ")]}"]
    return [(a, b) for a, b in zip(opens, ends, strict=False) if b > a + 1]


def _is_tuple_with_comma(value: str, opening: int) -> bool:
    """Whether a bracket is that of a group or of a subscript, not of a call or a list."""
    behind = opening > 0 and (value[opening - 1].isalnum() or value[opening - 1] in "_)]")
    return value[opening] == ("[" if behind else "(")


def _alone(items: list[str], indent: str) -> Iterator[str]:
    """What stands alone in a group or a subscript, broken before its operators."""
    (item,) = items
    cuts = _cuts(item) if len(indent) + len(item) > WIDTH else []
    if not cuts:
        yield laid_out(f"{indent}{item}")
        return
    ends = [*cuts, len(item)]
    yield f"{indent}{item[: ends[0]]}"
    yield from (f"{indent}{item[a + 1 : b]}" for a, b in pairwise(ends))


def _inner(items: list[str], indent: str) -> Iterator[str]:
    whole = indent + ", ".join(items)
    if len(whole) <= WIDTH:
        yield whole
    else:
        yield from (laid_out(f"{indent}{item}", ",") for item in items)


def _depths(text: str) -> Iterator[tuple[int, str, int]]:
    """Every character outside of strings with its place and how many brackets are around it."""
    depth, quote = 0, ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote and text[place - 1] != "\\" else quote
            continue
        if letter in "\"'":
            quote = letter
        depth -= letter in ")]}"
        yield place, letter, depth
        depth += letter in "([{"


def _last_bracket(text: str) -> int | None:
    """Where the bracket opens that closes at the end of `text`; None where none does."""
    if not _spaced(text):
        text = _ENDING.sub("", text)
    if text[-1:] not in ")]}" and not text.endswith("):"):
        return None
    places = [place for place, letter, depth in _depths(text) if letter in "([{" and depth == 0]
    return places[-1] if places else None


def _cuts(text: str) -> list[int]:
    """Where `text` may be broken: before its loosest operators."""
    outside = "".join(letter if depth == 0 else "x" for _, letter, depth in _filled(text))
    for operator in _OPERATORS:
        found = [match.start() for match in re.finditer(operator, outside)]
        if found:
            return found
    return []


def _filled(text: str) -> Iterator[tuple[int, str, int]]:
    """As `_depths`, with an x for each letter of a string."""
    known = {place: (letter, depth) for place, letter, depth in _depths(text)}
    for place in range(len(text)):
        letter, depth = known.get(place, ("x", 0))
        yield place, letter, depth


def _items(text: str) -> Iterator[str]:
    """What stands between commas."""
    start = 0
    for place, letter, depth in _depths(text):
        if letter == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    if text[start:].strip():
        yield text[start:].strip()
