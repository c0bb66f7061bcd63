"""What the page of a preview shows: the last good picture, the texts and the faults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from graphnn.cli.preview.watching import files_of, text_of
from graphnn.diagnostics import Diagnostic, GraphnnError
from graphnn.spec.reader import SUFFIXES
from graphnn.training import diagnose, load

_KEY = re.compile(r"""\s*["']?([A-Za-z_][\w-]*)["']?\s*:""")


@dataclass(frozen=True, slots=True)
class State:
    """What is shown at one time.

    Attributes
    ----------
    version : int
        Of all that is shown.
    picture : int
        Version in which the picture was made; 0 before there is one.
    page : str
        The picture as HTML.
    places : mapping of str to (str, int)
        File and line of each node in the picture.
    texts : mapping of str to str
        By the names of the files; the spec is the first.
    faults : list of dict
        What is wrong, ready for JSON.
    """

    version: int = 0
    picture: int = 0
    page: str = ""
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """What the page asks for, but for the picture."""
        names = ("version", "picture", "places", "texts", "faults")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Preview:
    """A spec file and how it is drawn."""

    file: Path
    settings: Mapping[str, Any]
    options: Mapping[str, Any]

    def drawn(self, last: State) -> State:
        """`last` with a new picture where the file can be drawn, else with what is wrong."""
        found: Iterable[Diagnostic] = ()
        new = replace(last, version=last.version + 1, texts=self._texts())
        try:
            diagram = load(self.file, self.settings).draw(**self.options)
            page, spans = diagram.page(depths=False), diagram.places()
            places = {
                name: (self._name(span.source.name), span.line) for name, span in spans.items()
            }
            new = replace(new, picture=new.version, page=page, places=places)
        except GraphnnError as error:
            found = error.diagnostics
        return replace(new, faults=self._faults(found, new))

    def checked(self, last: State) -> State:
        """`last` with all that ``graphnn check`` reports."""
        try:
            found: Iterable[Diagnostic] = diagnose(self.file, self.settings)
        except GraphnnError as error:
            found = error.diagnostics
        faults = self._faults(found, last)
        return (
            last
            if faults == last.faults
            else replace(last, version=last.version + 1, faults=faults)
        )

    def _texts(self) -> dict[str, str]:
        texts = (path for path in files_of(self.file) if path.suffix in SUFFIXES)
        return {self._name(str(path)): text_of(path) for path in texts}

    def _name(self, name: str) -> str:
        """The name of a file, from the folder of the spec."""
        path, folder = Path(name).resolve(), self.file.resolve().parent
        return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name

    def _faults(self, found: Iterable[Diagnostic], state: State) -> list[dict[str, Any]]:
        faults = []
        for each in found:
            fault: dict[str, Any] = {
                name: getattr(each, name) for name in ("severity", "code", "message", "help")
            }
            if each.span is not None:
                name = self._name(each.span.source.name)
                fault |= {"file": name, "line": each.span.line, "column": each.span.column}
                fault["node"] = _node(state, name, each.span.line)
            faults.append(fault)
        return faults


def _node(state: State, name: str, line: int) -> str:
    """The node in the picture whose key is in `line` of a file, or last before it."""
    known: dict[str, str] = {}
    for node, (file, _) in state.places.items():
        if file == name:
            # Of a repeated block, the last part of the name is a number.
            known.setdefault(node.rstrip(".0123456789").rpartition(".")[2], node)
    for text in reversed(state.texts.get(name, "").splitlines()[:line]):
        key = _KEY.match(text)
        if key is not None and key[1] in known:
            return known[key[1]]
    return ""
