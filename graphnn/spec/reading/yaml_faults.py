"""Mistakes in YAML: what the parser says of them, and what a person should do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from graphnn.diagnostics import Diagnostic, Note, Source, Span
from graphnn.spec.reading.characters import Position, index_of, stretch
from graphnn.spec.reading.scalars import shortened

_KEY_WITHOUT_SPACE = re.compile(r"\s*(?:- +)*([\w.\"'-]+):([^\s:].*)")
_EQUALS = re.compile(r"(?:^|[\s,{\[])([\w-]+) *= *([^\s,{}\[\]]*)")
_BRACKET = re.compile(r"[\[{]")
_TAG = re.compile(r"![^\s,\[\]{}]*")
_CLOSERS = {"{": "}", "[": "]"}
_OWN_LINE = "start the list on a new line, or write it as [a, b]"
_BY_WORDS = {
    "sequence entries are not allowed": _OWN_LINE,
    "comment or line break": "start the text on the line below",
}


@dataclass(frozen=True)
class Problem:
    r"""What a YAML parser complains of, and the text around it.

    Attributes
    ----------
    source : Source
        The text; its lines end in ``\n``.
    words, context : str
        The parser's own words.
    reported : Position
        Where the parser says that the problem is.
    since : Position or None
        Where the context began.
    bracket : Position or None
        Where the innermost open bracket stands.
    quote : Position or None
        Where the text in quotes starts that ends here, in a later line: its own quote may be open.
    """

    source: Source
    words: str
    context: str
    reported: Position
    since: Position | None
    bracket: Position | None
    quote: Position | None = None

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without what is blank at its end."""
        return self.source.text.rstrip().split("\n")

    @property
    def end(self) -> Position:
        """Where these lines end."""
        return len(self.lines) - 1, len(self.lines[-1])

    @property
    def ended(self) -> bool:
        """Whether the problem is that the text ends."""
        return self.reported >= self.end

    @property
    def at(self) -> Position:
        """Where the problem is, moved back to the last character when it is at the end."""
        return min(self.reported, self.end)

    @property
    def begun(self) -> Position:
        """Where the context began, or else the problem."""
        return min(self.since or self.at, self.at)

    @cached_property
    def opened(self) -> Position | None:
        """Where the bracket of the innermost collection stands: after its anchor, if it has one."""
        return None if self.bracket is None else _find(_BRACKET, self.lines, self.bracket)

    @property
    def line(self) -> str:
        """The line of the problem."""
        return self.lines[self.at[0]]

    @property
    def before(self) -> str:
        """What stands before it in the line."""
        return self.line[: self.at[1]]

    @property
    def character(self) -> str:
        """The character where it is."""
        return self.line[self.at[1] : self.at[1] + 1]

    @property
    def in_brackets(self) -> bool:
        """Whether it is inside of brackets."""
        return self.opened is not None and ("flow" in self.context or self.ended)

    def line_above(self) -> tuple[int, str]:
        """Number, from 1, and text of the nearest line above that holds something."""
        for number in range(self.at[0], 0, -1):
            text = self.lines[number - 1]
            if text.strip() and not text.lstrip().startswith("#"):
                return number, text
        return 0, ""


def syntax_fault(problem: Problem) -> Diagnostic:
    """The diagnostic of a text that is not YAML, or uses what this language leaves out."""
    words = f"{problem.context} {problem.words}"
    since = problem.since or problem.reported
    if "directive" in words or "incompatible YAML document" in words:
        return directive(problem.source, since[0])
    if re.search(r"\btag\b", words):
        return tag(problem.source, index_of(problem.source.text, since))
    return Diagnostic(
        "yaml-syntax",
        f"this is not YAML: {problem.words}",
        _point(problem.source, problem.at),
        label="the text ends here" if problem.ended else "",
        notes=_notes(problem),
        help=next((help for advice in _ADVICE if (help := advice(problem))), ""),
    )


def directive(source: Source, line: int) -> Diagnostic:
    """The diagnostic of the directive in `line`, counted from 0."""
    text = source.line(line + 1).rstrip()
    return Diagnostic(
        "directive-not-allowed",
        f"the directive '{shortened(text)}' is not allowed",
        Span(source, line + 1, 1, line + 1, len(text) + 1),
        help="remove this line; a text that starts with '%' must be in quotes",
    )


def tag(source: Source, index: int) -> Diagnostic:
    """The diagnostic of the first tag from character `index` of the text on."""
    found = _TAG.search(source.text, index)
    start, end = found.span() if found else (index, index)
    return Diagnostic(
        "tag-not-allowed",
        f"the tag '{shortened(source.text[start:end])}' is not allowed",
        stretch(source, start, end),
        help="remove it; a text that starts with '!' must be in quotes",
    )


def _find(pattern: re.Pattern[str], lines: list[str], start: Position) -> Position:
    """Where the first match from `start` on is; `start` without one."""
    line, column = start
    for number in range(line, len(lines)):
        if found := pattern.search(lines[number], column if number == line else 0):
            return number, found.start()
    return start


def _point(source: Source, at: Position) -> Span:
    line, column = at
    return Span(source, line + 1, column + 1, line + 1, column + 2)


def _notes(problem: Problem) -> tuple[Note, ...]:
    quote = problem.since if "quoted scalar" in problem.context else problem.quote
    if quote is not None:
        return (Note("the quote is opened here", _point(problem.source, quote)),)
    if problem.opened is not None and problem.in_brackets:
        return (Note("the bracket is opened here", _point(problem.source, problem.opened)),)
    if problem.context and problem.since is not None and problem.since != problem.reported:
        return (Note(problem.context, _point(problem.source, problem.since)),)
    return ()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _tab(problem: Problem) -> str:
    if problem.character != "\t":
        return ""
    return "use spaces: YAML allows no tab before a key, a value or a list"


def _first_character(problem: Problem) -> str:
    character = problem.character
    if "cannot start any token" in problem.words or "mapping keys are not" in problem.words:
        return f"put a text that starts with '{character}' in quotes"
    for name, mark in (("an alias", "*"), ("an anchor", "&")):
        if problem.context.endswith(f"scanning {name}"):
            return f"put a text that starts with '{mark}' in quotes"
    return ""


def _quotes(problem: Problem) -> str:
    if "quoted scalar" not in problem.context and "double-quoted" not in problem.context:
        return ""
    if "end of stream" in problem.words or "document indicator" in problem.words:
        return _close_quote(problem, problem.begun)
    if "Unicode" in problem.words:
        return "write the character itself"
    return "write a backslash as '\\\\' in double quotes, or use single quotes"


def _close_quote(problem: Problem, at: Position) -> str:
    return f"close the text with {problem.lines[at[0]][at[1] : at[1] + 1]}"


def _brackets(problem: Problem) -> str:
    if not problem.in_brackets:
        return ""
    assert problem.opened is not None
    line, column = problem.opened
    opening = problem.lines[line]
    close = f"close the '{opening[column]}' with '{_CLOSERS[opening[column]]}'"
    if "node content" in problem.words and not problem.ended:
        return _no_value(problem)
    if problem.character in ("}", "]"):
        return close
    if problem.quote is not None:
        return _close_quote(problem, problem.quote)
    outside = problem.at[0] > line and _indent(problem.line) <= _indent(opening)
    return close if problem.ended or outside else _comma(problem)


def _comma(problem: Problem) -> str:
    if found := _EQUALS.findall(problem.before):
        key, value = found[-1]
        return f"write '{shortened(key)}: {shortened(value or '...')}'"
    if problem.character == ":":
        words = problem.before.split()
        if len(words) > 1 and words[-2].endswith(":"):
            return "put a text that holds ': ' in quotes"
        word = words[-1] if words else ":"
    else:
        word = problem.line[problem.at[1] :].split()[0].rstrip(",:]}")
    return f"put a comma before '{shortened(word)}'"


def _no_value(problem: Problem) -> str:
    if problem.character == ":":
        return "write a key before the ':'"
    return f"write a value before the '{problem.character}', or put a text in quotes"


def _colon(problem: Problem) -> str:
    if "could not find expected ':'" not in problem.words:
        return ""
    return _space(problem.lines[problem.begun[0]]) or "write a line of a mapping as 'key: value'"


def _space(line: str) -> str:
    """Advice for a line such as ``key:value``."""
    if not (found := _KEY_WITHOUT_SPACE.match(line)):
        return ""
    key, value = shortened(found[1]), shortened(found[2])
    return f"put a space after the colon: '{key}: {value}'"


def _space_above(problem: Problem) -> str:
    number, above = problem.line_above()
    advice = _space(above)
    return f"in line {number}, {advice}" if advice else ""


def _second_colon(problem: Problem) -> str:
    if "mapping values are not allowed" not in problem.words:
        return ""
    if advice := _space_above(problem):
        return advice
    number, above = problem.line_above()
    if re.search(r":\s", problem.before):
        return "put a text that holds ': ' in quotes, or write a mapping as {key: value}"
    if ":" not in above and above:
        return f"line {number} has no ':'"
    if _indent(problem.line) > _indent(above):
        return f"indent this key as the one in line {number}"
    return ""


def _by_words(problem: Problem) -> str:
    return next((help for words, help in _BY_WORDS.items() if words in problem.words), "")


def _entry(problem: Problem) -> str:
    if not problem.context.startswith("while parsing a block"):
        return ""
    before = problem.before.strip()
    if problem.character in (",", "]", "}") and "node" in problem.context:
        return _no_value(problem)
    if problem.character in ("]", "}"):
        return f"remove the '{problem.character}': it closes nothing"
    if problem.character == ":":
        return "put a space after the ':'" if before else "write a key before the ':'"
    if before:
        return "put all of the value in quotes, or remove what follows it"
    return _misplaced(problem)


def _misplaced(problem: Problem) -> str:
    """Advice for a line that starts in no column where it may."""
    line, outer = problem.begun
    listing = "mapping" not in problem.context
    if problem.character == "-" and not listing:
        return "put the list under a separate key"
    dash = "with '- ' " if listing else ""
    number, above = problem.line_above()
    inner = len(above) - len(re.sub(r"^(?:- +| )*", "", above))
    places = [f"{dash}in column {outer + 1}, as line {line + 1}"]
    if inner != outer:
        places.append(f"in column {inner + 1}, as line {number}")
    return f"start this line {', or '.join(places)}"


def _after_end(problem: Problem) -> str:
    if "document start" not in problem.words:
        return ""
    return _space_above(problem) or "remove what follows the mapping"


_ADVICE: tuple[Callable[[Problem], str], ...] = (
    _tab,
    _first_character,
    _quotes,
    _brackets,
    _colon,
    _second_colon,
    _by_words,
    _entry,
    _after_end,
)
