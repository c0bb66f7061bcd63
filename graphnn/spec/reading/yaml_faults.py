"""Mistakes in YAML: what the parser says of them, and what a person should do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from graphnn.diagnostics import Diagnostic, Note, Source, Span
from graphnn.spec.reading.characters import Position, index_of, stretch
from graphnn.spec.reading.scalars import shortened

_KEY_WITHOUT_SPACE = re.compile(r"\s*(?:- +)*([\w.\"'-]+):([^\s:].*)")
_EQUALS = re.compile(r"(?:^|[\s,{\[])([\w-]+) *= *([^\s,{}\[\]]*)")
_BRACKET = re.compile(r"[\[{]")
_TAG = re.compile(r"![^\s,\[\]{}]*")


@dataclass(frozen=True, slots=True)
class Problem:
    r"""What a YAML parser complains of.

    Attributes
    ----------
    source : Source
        The text; its lines end in ``\n``.
    problem, context : str
        The parser's own words.
    at : Position
        Where the problem is.
    since : Position or None
        Where the context began.
    bracket : Position or None
        Where the innermost open bracket stands.
    quote : Position or None
        Where the text in quotes starts that ends here, in a later line: its own quote may be open.
    """

    source: Source
    problem: str
    context: str
    at: Position
    since: Position | None
    bracket: Position | None
    quote: Position | None = None


def syntax_fault(problem: Problem) -> Diagnostic:
    """The diagnostic of a text that is not YAML, or uses what this language leaves out."""
    words = f"{problem.context} {problem.problem}"
    if "directive" in words or "incompatible YAML document" in words:
        return directive(problem.source, (problem.since or problem.at)[0])
    if re.search(r"\btag\b", words):
        return tag(problem.source, index_of(problem.source.text, problem.since or problem.at))
    scene = _Scene.of(problem)
    return Diagnostic(
        "yaml-syntax",
        f"this is not YAML: {problem.problem}",
        _point(problem.source, scene.at),
        label="the text ends here" if scene.ended else "",
        notes=_notes(problem, scene),
        help=scene.advice(),
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


def _find(pattern: re.Pattern[str], lines: list[str], start: Position) -> tuple[int, int, str]:
    """Line, column and text of the first match from `start` on; no text without one."""
    line, column = start
    matches = (
        (number, found.start(), found[0])
        for number in range(line, len(lines))
        if (found := pattern.search(lines[number], column if number == line else 0))
    )
    return next(matches, (line, column, ""))


def _point(source: Source, at: Position) -> Span:
    line, column = at
    return Span(source, line + 1, column + 1, line + 1, column + 2)


def _notes(problem: Problem, scene: _Scene) -> tuple[Note, ...]:
    quote = problem.since if "quoted scalar" in problem.context else problem.quote
    if quote is not None:
        return (Note("the quote is opened here", _point(problem.source, quote)),)
    if scene.opened is not None and scene.in_brackets:
        return (Note("the bracket is opened here", _point(problem.source, scene.opened)),)
    if problem.context and problem.since not in (None, problem.at):
        assert problem.since is not None
        return (Note(problem.context, _point(problem.source, problem.since)),)
    return ()


@dataclass(frozen=True, slots=True)
class _Scene:
    """The text around a problem, and what to do about it."""

    problem: str
    context: str
    lines: list[str]
    at: Position
    since: Position
    opened: Position | None  # the innermost open bracket
    opener: str
    ended: bool
    quote: Position | None

    @classmethod
    def of(cls, problem: Problem) -> _Scene:
        """The scene of `problem`, moved back to the last character when it is at the end."""
        lines = problem.source.text.rstrip().split("\n")
        end = (len(lines) - 1, len(lines[-1]))
        ended = problem.at >= end
        at = end if ended else problem.at
        since = min(problem.since or at, at)
        opened, opener = _opening(lines, problem.bracket)
        quote = problem.quote
        return cls(problem.problem, problem.context, lines, at, since, opened, opener, ended, quote)

    @property
    def line(self) -> str:
        return self.lines[self.at[0]]

    @property
    def before(self) -> str:
        return self.line[: self.at[1]]

    @property
    def character(self) -> str:
        return self.line[self.at[1] : self.at[1] + 1]

    @property
    def in_brackets(self) -> bool:
        return self.opened is not None and ("flow" in self.context or self.ended)

    def advice(self) -> str:
        """What to do, by the first piece of advice that fits."""
        return next((help for piece in _ADVICE if (help := piece(self))), "")

    def line_above(self) -> tuple[int, str]:
        """Number, from 1, and text of the nearest line above that holds something."""
        for number in range(self.at[0], 0, -1):
            text = self.lines[number - 1]
            if text.strip() and not text.lstrip().startswith("#"):
                return number, text
        return 0, ""


def _opening(lines: list[str], start: Position | None) -> tuple[Position | None, str]:
    """Where the bracket of a collection stands: after its anchor, where it has one."""
    if start is None:
        return None, ""
    line, column, bracket = _find(_BRACKET, lines, start)
    return (line, column), bracket


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _tab(scene: _Scene) -> str:
    if scene.character != "\t":
        return ""
    return "use spaces: YAML allows no tab before a key, a value or a list"


def _first_character(scene: _Scene) -> str:
    character = scene.character
    if "cannot start any token" in scene.problem or "mapping keys are not" in scene.problem:
        return f"put a text that starts with '{character}' in quotes"
    for name, mark in (("an alias", "*"), ("an anchor", "&")):
        if scene.context.endswith(f"scanning {name}"):
            return f"put a text that starts with '{mark}' in quotes"
    return ""


def _quotes(scene: _Scene) -> str:
    if "quoted scalar" not in scene.context and "double-quoted" not in scene.context:
        return ""
    if "end of stream" in scene.problem or "document indicator" in scene.problem:
        return _close_quote(scene, scene.since)
    if "Unicode" in scene.problem:
        return "write the character itself"
    return "write a backslash as '\\\\' in double quotes, or use single quotes"


def _close_quote(scene: _Scene, at: Position) -> str:
    return f"close the text with {scene.lines[at[0]][at[1] : at[1] + 1]}"


def _brackets(scene: _Scene) -> str:
    if not scene.in_brackets:
        return ""
    assert scene.opened is not None
    opener = scene.opener
    closer = "}" if opener == "{" else "]"
    if "node content" in scene.problem and not scene.ended:
        return _no_value(scene)
    if scene.character in ("}", "]"):
        return f"close the '{opener}' with '{closer}'"
    if scene.quote is not None:
        return _close_quote(scene, scene.quote)
    below = scene.at[0] > scene.opened[0]
    if scene.ended or (below and _indent(scene.line) <= _indent(scene.lines[scene.opened[0]])):
        return f"close the '{opener}' with '{closer}'"
    return _comma(scene)


def _comma(scene: _Scene) -> str:
    if found := _EQUALS.findall(scene.before):
        key, value = found[-1]
        return f"write '{shortened(key)}: {shortened(value or '...')}'"
    if scene.character == ":":
        words = scene.before.split()
        if len(words) > 1 and words[-2].endswith(":"):
            return "put a text that holds ': ' in quotes"
        word = words[-1] if words else ":"
    else:
        word = scene.line[scene.at[1] :].split()[0].rstrip(",:]}")
    return f"put a comma before '{shortened(word)}'"


def _no_value(scene: _Scene) -> str:
    if scene.character == ":":
        return "write a key before the ':'"
    return f"write a value before the '{scene.character}', or put a text in quotes"


def _colon(scene: _Scene) -> str:
    if "could not find expected ':'" not in scene.problem:
        return ""
    return _space(scene.lines[scene.since[0]]) or "write a line of a mapping as 'key: value'"


def _space(line: str) -> str:
    """Advice for a line such as ``key:value``."""
    if not (found := _KEY_WITHOUT_SPACE.match(line)):
        return ""
    key, value = shortened(found[1]), shortened(found[2])
    return f"put a space after the colon: '{key}: {value}'"


def _space_above(scene: _Scene) -> str:
    number, above = scene.line_above()
    advice = _space(above)
    return f"in line {number}, {advice}" if advice else ""


def _second_colon(scene: _Scene) -> str:
    if "mapping values are not allowed" not in scene.problem:
        return ""
    if advice := _space_above(scene):
        return advice
    number, above = scene.line_above()
    if re.search(r":\s", scene.before):
        return "put a text that holds ': ' in quotes, or write a mapping as {key: value}"
    if ":" not in above and above:
        return f"line {number} has no ':'"
    if _indent(scene.line) > _indent(above):
        return f"indent this key as the one in line {number}"
    return ""


def _list_in_line(scene: _Scene) -> str:
    if "sequence entries are not allowed" not in scene.problem:
        return ""
    return "start the list on a line of its own, or write it as [a, b]"


def _entry(scene: _Scene) -> str:
    if not scene.context.startswith("while parsing a block"):
        return ""
    if scene.character in (",", "]", "}") and "node" in scene.context:
        return _no_value(scene)
    if scene.character in ("]", "}"):
        return f"remove the '{scene.character}': it closes nothing"
    if scene.character == ":":
        return "put a space after the ':'" if scene.before.strip() else "write a key before the ':'"
    if scene.before.strip():
        return "put all of the value in quotes, or remove what follows it"
    return _misplaced(scene)


def _misplaced(scene: _Scene) -> str:
    """Advice for a line that starts in no column where it may."""
    line, outer = scene.since
    listing = "mapping" not in scene.context
    if scene.character == "-" and not listing:
        return "put the list under a key of its own"
    dash = "with '- ' " if listing else ""
    number, above = scene.line_above()
    inner = len(above) - len(re.sub(r"^(?:- +| )*", "", above))
    places = [f"{dash}in column {outer + 1}, as line {line + 1}"]
    if inner != outer:
        places.append(f"in column {inner + 1}, as line {number}")
    return f"start this line {', or '.join(places)}"


def _header(scene: _Scene) -> str:
    if "comment or line break" not in scene.problem:
        return ""
    return "start the text on the line below"


def _after_end(scene: _Scene) -> str:
    if "document start" not in scene.problem:
        return ""
    return _space_above(scene) or "remove what follows the mapping"


_ADVICE: tuple[Callable[[_Scene], str], ...] = (
    _tab,
    _first_character,
    _quotes,
    _brackets,
    _colon,
    _second_colon,
    _list_in_line,
    _entry,
    _header,
    _after_end,
)
