"""The options of a diagram: what there is, its defaults, checks and help texts.

An option is one field of one record, from which Python's ``draw`` and the command line take it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from graphnn.diagnostics import Diagnostic, UsageError, is_real, is_whole, listed, suggestion
from graphnn.drawing.diagram import styles
from graphnn.drawing.diagram.palette import ThemeName
from graphnn.execution import Network, Trace
from graphnn.execution.options import Typed, typed

Direction = Literal["down", "right"]
SMALLEST = 6.0  # points; smaller letters are not read on paper
_UNITS = {"pt": 1.0, "mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0, "px": 0.75}
_SCHEME = re.compile(r"[\s\x00-\x1f]*([A-Za-z][A-Za-z0-9+.-]*):")
_SAFE = ("http", "https", "file", "vscode")  # of links; others may run scripts
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(pt|mm|cm|in|px)")


class ReadBy(tuple[str, ...]):
    """The styles that read an option, in the notes of its type; without it all do."""


_GRAPH = ReadBy(("graph",))
_DIRECTED = ReadBy(("graph", "computation"))
_LONG = ReadBy(("graph", "computation", "blocks"))


@dataclass(frozen=True, kw_only=True)
class DiagramOptions:
    """What a diagram shows and how.

    Attributes
    ----------
    style : str
        The module of ``diagram/styles`` that draws it.
    direction : {"down", "right"}
        Where data flow.
    width : float or str, optional
        Of the picture: points, or a length such as ``84mm``; by default its natural size.
    columns : int, optional
        How many columns long chains are wrapped into at most, or lines where data flow to the
        right; by default as many as let letters be largest on a page.
    depth : int, optional
        How many blocks inside one another are opened; by default all, or as many as leave fewer
        boxes than `folding.FOLDED_FROM`, in a computation graph than `folding.CIRCLES_FROM`. Where
        more than `folding.WHOLE_UP_TO` are left by default, the network is shown in parts.
    only : str or iterable of str, optional
        Nodes to draw: names, in one text ``A,B`` or several; or ``FIRST..LAST`` for those on the
        ways from one to the other.
    hide : str or iterable of str
        Nodes to leave out, with the lines to and from them.
    about : bool
        Whether boxes show the nodes' remarks.
    title : bool
        Whether the network's name and totals stand above.
    expand : bool
        Whether every copy of a repeated block is drawn, in place of one for all.
    theme : {"light", "dark", "print"}
    look : str, Path or mapping, optional
        Colours by family, op or node: a file, or a mapping, of what may stand under ``draw`` in a
        spec, above which it goes.
    mathematical : bool
        Whether names are written as in formulas, such as ``W⁽¹⁾`` and ``x₁``.
    legend : bool
        Whether the families of ops are explained.
    trace : Trace, optional
        Numbers to show, as `graphnn.trace` gives them.
    against : Network, optional
        Another, from which differences are shown.
    links : str, optional
        Address of the spec's text; each node leads to its line there.

    Raises
    ------
    UsageError
        An option has an invalid value, or the style does not read it.
    """

    style: Annotated[str, Typed("How it looks.", Literal[styles.NAMES])] = "graph"
    direction: Annotated[Direction, Typed("Direction of the data."), _DIRECTED] = "down"
    width: Annotated[
        float | str | None, Typed("Width of the picture, such as 84mm.", str | None, "LENGTH")
    ] = None
    columns: Annotated[
        int | None,
        Typed("Columns of a long chain; by default as many as suit a page.", metavar="N", least=1),
        _LONG,
    ] = None
    depth: Annotated[int | None, Typed("How many nested blocks to open.", least=0), _LONG] = None
    only: Annotated[
        str | Iterable[str] | None, Typed("Nodes to draw: A,B or A..B.", str | None, "NODES")
    ] = None
    hide: Annotated[
        str | Iterable[str] | None, Typed("Nodes to leave out: A,B.", str | None, "NODES")
    ] = None
    about: Annotated[bool, Typed("Show the remarks of nodes."), _GRAPH] = False
    title: Annotated[bool, Typed("Show the network's name and size.")] = True
    expand: Annotated[bool, Typed("Draw every copy of a repeated block."), _LONG] = False
    theme: Annotated[ThemeName, Typed("Colours.")] = "light"
    look: Annotated[
        str | Path | Mapping[str, Any] | None,
        Typed("Colours of your own, in a file.", Path | None, "FILE"),
    ] = None
    mathematical: Annotated[bool, Typed("Write names as in formulas: W⁽¹⁾, x₁.")] = False
    legend: Annotated[bool, Typed("Explain shapes and colours."), _GRAPH] = False
    trace: Trace | None = None
    against: Annotated[Network | None, _GRAPH] = None
    links: Annotated[
        str | None, Typed("Link each node to its line at this address.", metavar="URL")
    ] = None

    def __post_init__(self) -> None:
        if faults := [*self._faults(), *self._kind_faults(), *self._text_faults()]:
            raise UsageError(*faults)

    def _faults(self) -> Iterator[Diagnostic]:
        """Options with a value that their type does not have, or that the style does not read."""
        known = typed(type(self))
        for each in fields(self):
            name, value = each.name, getattr(self, each.name)
            kind, how = known[name][::2] if name in known else (None, Typed(""))
            choices = get_args(kind) if get_origin(kind) is Literal else ()
            if choices and value not in choices:
                help = suggestion(str(value), choices, f"use {listed(map(str, choices))}")
                yield Diagnostic("bad-option", f"there is no {name} {value!r}", help=help)
            elif kind is bool and not isinstance(value, bool):
                yield Diagnostic("bad-option", f"'{name}' must be true or false, not {value!r}")
            elif how.least is not None and value is not None and not is_whole(value, how.least):
                wanted = f"a whole number of at least {how.least}"
                yield Diagnostic("bad-option", f"'{name}' must be {wanted}, not {value!r}")
            elif value != each.default and self.style not in self.readers(name):
                message = f"the style '{self.style}' does not read '{name}'"
                help = f"it is read by {listed(self.readers(name))}"
                yield Diagnostic("bad-option", message, help=help)

    def _kind_faults(self) -> Iterator[Diagnostic]:
        """Something else in the place of names, of a network or of a trace."""
        for names in (self.only, self.hide):
            if not isinstance(names, Iterable | None):
                yield Diagnostic("bad-option", f"a name is text, not {names!r}")
        for name, kind in (("against", Network), ("trace", Trace)):
            given = getattr(self, name)
            if not isinstance(given, kind | None):
                what = f"a {kind.__name__}, not {type(given).__name__}"
                yield Diagnostic("bad-option", f"'{name}' is {what}")

    def _text_faults(self) -> Iterator[Diagnostic]:
        """An unsafe address of links, and a width that is not a length."""
        if not isinstance(self.links, str | None):
            yield Diagnostic("bad-option", f"'links' is an address, not {self.links!r}")
            return
        scheme = _SCHEME.match(self.links or "")
        if scheme is not None and scheme[1].lower() not in _SAFE:
            message = f"links do not lead to '{scheme[1]}:'"
            yield Diagnostic("bad-option", message, help=f"use {listed(_SAFE)}, or no scheme")
        if self.width is not None and self.points is None:
            help = "write a number and a unit: 84mm, 8.4cm, 3.3in, 240pt or 320px"
            yield Diagnostic("bad-option", f"'{self.width}' is not a length", help=help)

    @classmethod
    def readers(cls, name: str) -> tuple[str, ...]:
        """The styles that read the option `name`."""
        notes = get_args(get_type_hints(cls, include_extras=True)[name])
        return next((note for note in notes if isinstance(note, ReadBy)), styles.NAMES)

    @property
    def unrolled(self) -> bool:
        """Whether copies of a block that is open are all drawn, since each has its own numbers."""
        return self.style == "computation"

    @property
    def points(self) -> float | None:
        """The width in points; None for the natural one."""
        if isinstance(self.width, str):
            found = _LENGTH.fullmatch(self.width.strip())
            width = float(found[1]) * _UNITS[found[2]] if found else 0.0
        else:
            width = float(self.width) if is_real(self.width) else 0.0
        return width if width > 0 else None


def names_in(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """Names in a text, with commas between them, or in a sequence."""
    if isinstance(given, str):
        return tuple(name.strip() for name in given.split(",") if name.strip())
    return tuple(given or ())
