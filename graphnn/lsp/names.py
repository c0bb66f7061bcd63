"""Names in a spec: which token speaks of which node, size or block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from graphnn.lsp.outline import Path, Token
from graphnn.ops import REGISTRY

Kind = Literal["node", "size", "block"]
Name = tuple[Kind, str, str]  # kind, the block that it belongs to, the name itself

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NOT_SIZES = ("op", "block", "inputs", "about", "trainable", "allow")
_FILLED = ("zeros", "ones")


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of text that is a name.

    Attributes
    ----------
    name : tuple
        Kind, scope and text.
    start, end : int
        Characters of the text.
    defines : bool
        Whether it gives the name its meaning.
    token : Token
        What it is part of.
    """

    name: Name
    start: int
    end: int
    defines: bool
    token: Token


@dataclass(frozen=True, slots=True)
class Names:
    """All names of a text.

    Attributes
    ----------
    mentions : list of Mention
        In the order of the text.
    fields : mapping of path to mapping of str to str
        Scalars by their key, for each mapping; an op by its node's path and ``op``.
    """

    mentions: list[Mention]
    fields: Mapping[Path, Mapping[str, str]] = field(repr=False)

    def at(self, index: int) -> Mention | None:
        """The mention under the cursor."""
        return next((m for m in self.mentions if m.start <= index <= m.end), None)

    def of(self, name: Name) -> list[Mention]:
        """Every mention of `name`."""
        return [mention for mention in self.mentions if mention.name == name]

    def definition(self, name: Name) -> Mention | None:
        """Where `name` gets its meaning."""
        return next((mention for mention in self.of(name) if mention.defines), None)

    def defined(self, kind: Kind, scope: str = "") -> list[str]:
        """Names of that kind that a scope defines, in the order of the text."""
        found = (m.name for m in self.mentions if m.defines)
        return list(dict.fromkeys(n for k, s, n in found if k == kind and s == scope))


def names(tokens: Iterable[Token]) -> Names:
    """The names among `tokens`."""
    ordered = sorted(tokens, key=lambda token: token.start)
    fields: dict[Path, dict[str, str]] = {}
    for token in ordered:
        if not token.key and token.path and isinstance(token.path[-1], str):
            fields.setdefault(token.path[:-1], {}).setdefault(token.path[-1], token.text)
    finder = _Finder(fields)
    definitions = [m for token in ordered for m in finder.definitions(token)]
    known = {mention.name for mention in definitions}
    others = [m for token in ordered for m in finder.references(token, known)]
    mentions = sorted((*definitions, *others), key=lambda mention: mention.start)
    return Names(mentions, fields)


def scope_of(path: Path) -> tuple[str, Path]:
    """The block that a path lies in, empty outside, and the path inside of it."""
    if len(path) > 1 and path[0] == "blocks" and isinstance(path[1], str):
        return path[1], path[2:]
    return "", path


class _Finder:
    def __init__(self, fields: Mapping[Path, Mapping[str, str]]) -> None:
        self._fields = fields

    def definitions(self, token: Token) -> Iterator[Mention]:
        scope, rest = scope_of(token.path)
        kind: Kind | None = None
        if token.key:
            places: dict[Path, Kind] = {("nodes",): "node"}
            if not scope:
                places |= {("sizes",): "size", ("blocks",): "block"}
            kind = places.get(rest)
            if kind == "block" and token.text == "file":
                kind = None
        elif scope and rest[:1] in (("inputs",), ("sizes",)):
            kind = "node" if rest[0] == "inputs" else "size"
        if kind is not None:
            yield Mention((kind, scope, token.text), token.start, token.end, True, token)

    def references(self, token: Token, known: set[Name]) -> Iterator[Mention]:
        scope, rest = scope_of(token.path)
        if token.key:
            yield from self._keys(token, scope, rest, known)
        elif rest[:1] == ("nodes",) and len(rest) > 2:
            yield from self._in_node(token, scope, rest, known)
        elif _names_node(scope, rest):
            yield _first_part(token, scope)
        elif rest[:1] == ("examples",) and len(rest) > 4 and rest[4] in _FILLED:
            yield from _sizes(token, scope, known)

    def _keys(self, token: Token, scope: str, rest: Path, known: set[Name]) -> Iterator[Mention]:
        names: list[Name] = []
        if len(rest) == 3 and rest[0] == "examples" and rest[2] in ("inputs", "outputs"):
            names = [("node", "", token.text)]
        elif len(rest) == 3 and rest[0] == "train" and rest[1] in ("data", "validation", "test"):
            names = [("node", "", token.text)] if ("node", "", token.text) in known else []
        elif rest == ("search",):
            names = [("size", "", token.text)] if ("size", "", token.text) in known else []
        elif rest[:1] == ("nodes",) and len(rest) in (2, 3):
            block = self._fields.get(token.path[: len(token.path) - len(rest) + 2], {}).get("block")
            kind: Kind = "size" if len(rest) == 2 else "node"
            if block is not None and (kind, block, token.text) in known:
                names = [(kind, block, token.text)]
        for name in names:
            yield Mention(name, token.start, token.end, False, token)

    def _in_node(self, token: Token, scope: str, rest: Path, known: set[Name]) -> Iterator[Mention]:
        key = rest[2]
        if key == "inputs":
            yield _first_part(token, scope)
        elif rest[-1] == "share":
            node, _, parameter = token.text.rpartition(".")
            if node and parameter:
                yield _first_part(token, scope)
        elif key == "block" and len(rest) == 3:
            yield Mention(("block", "", token.text), token.start, token.end, False, token)
        elif key not in _NOT_SIZES and not self._is_parameter(token.path, rest):
            yield from _sizes(token, scope, known)

    def _is_parameter(self, path: Path, rest: Path) -> bool:
        node = path[: len(path) - len(rest) + 2]
        op = REGISTRY.get(self._fields.get(node, {}).get("op", ""))
        return op is not None and rest[2] in [o.name for o in op.parameter_operands()]


def _names_node(scope: str, rest: Path) -> bool:
    if scope:
        return rest == ("output",)
    if rest[:1] == ("outputs",) or rest[:2] in (("train", "loss"), ("train", "stratify")):
        return True
    if rest[:2] != ("train", "metrics") or len(rest) < 3:
        return False
    return len(rest) == 3 or isinstance(rest[3], int) or rest[3] == "inputs"


def _first_part(token: Token, scope: str) -> Mention:
    """Of ``h.1.a``, the node ``h``."""
    name = token.text.partition(".")[0]
    return Mention(("node", scope, name), token.start, token.start + len(name), False, token)


def _sizes(token: Token, scope: str, known: set[Name]) -> Iterator[Mention]:
    for found in _IDENTIFIER.finditer(token.text):
        name: Name = ("size", scope, found[0])
        if name in known:
            start = token.start + found.start()
            yield Mention(name, start, token.start + found.end(), False, token)
