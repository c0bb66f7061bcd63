"""Names in a spec: which token mentions which node, size or block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from graphnn.lsp.outline import Path, Token
from graphnn.ops import REGISTRY
from graphnn.spec.forms import Form, at
from graphnn.spec.model import SPEC
from graphnn.training import VOCABULARY

Kind = Literal["node", "size", "block"]
Name = tuple[Kind, str, str]  # kind, the block that it belongs to, the name itself

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


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
    placed = [(token, form) for token in ordered if (form := at(SPEC, token.path, VOCABULARY))]
    definitions = [m for token, form in placed for m in finder.definitions(token, form)]
    known = {mention.name for mention in definitions}
    others = [m for token, form in placed for m in finder.references(token, form, known)]
    mentions = sorted((*definitions, *others), key=lambda mention: mention.start)
    return Names(mentions, fields)


def scope_of(path: Path) -> tuple[str, Path]:
    """The block that a path lies in, empty outside, and the path inside of it."""
    if len(path) > 1 and path[0] == "blocks" and isinstance(path[1], str):
        return path[1], path[2:]
    return "", path


class _Finder:
    """Finds what the tokens of a text name, by the table of the language."""

    def __init__(self, fields: Mapping[Path, Mapping[str, str]]) -> None:
        self._fields = fields

    def definitions(self, token: Token, form: Form) -> Iterator[Mention]:
        kind = form.keys if token.key else form.names
        # {file: NAME} is not a block.
        if form.defines and _is_kind(kind) and not (kind == "block" and token.text == "file"):
            name = (kind, scope_of(token.path)[0], token.text)
            yield Mention(name, token.start, token.end, True, token)

    def references(self, token: Token, form: Form, known: set[Name]) -> Iterator[Mention]:
        if form.defines:
            return
        scope = scope_of(token.path)[0]
        if token.key:
            name = self._key(form.keys, token, scope)
            if name is not None and name in known:
                yield Mention(name, token.start, token.end, False, token)
        elif form.names == "node" or (form.names == "parameter" and "." in token.text.strip(".")):
            yield _first_part(token, scope)
        elif form.names == "operand":
            name = self._key(form.names, token, scope)
            if name is not None and name in known:
                yield Mention(name, token.start, token.end, False, token)
        elif form.names == "block":
            yield Mention(("block", "", token.text), token.start, token.end, False, token)
        elif form.names == "size" and not self._is_parameter(token.path):
            yield from _sizes(token, scope, known)

    def _key(self, keys: str, token: Token, scope: str) -> Name | None:
        """What a key names: of a node or use, what its block calls so."""
        if keys in ("field", "operand"):
            block = self._fields.get(_node_of(token.path), {}).get("block", "")
            return ("size" if keys == "field" else "node", block, token.text)
        return (keys, scope, token.text) if _is_kind(keys) else None

    def _is_parameter(self, path: Path) -> bool:
        op = REGISTRY.get(self._fields.get(_node_of(path), {}).get("op", ""))
        key = scope_of(path)[1][2:3]
        return op is not None and key in [(each.name,) for each in op.parameter_operands()]


def _is_kind(names: str) -> TypeGuard[Kind]:
    return names in ("node", "size", "block")


def _node_of(path: Path) -> Path:
    """The path of the node that `path` lies in."""
    return path[: len(path) - len(scope_of(path)[1]) + 2]


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
