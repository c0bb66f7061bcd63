"""Copies of a block written once: code that differs in sizes alone takes them as arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphnn.interchange.code.layout import laid_out_again
from graphnn.interchange.code.names import Names
from graphnn.spec.block_records import BlockInstance

_Known = Mapping[str, Mapping[str, int]]
NAME, ARGUMENTS = "<name>", "<arguments>"  # in texts, in place of what is not known yet
_TOKEN = re.compile(r"\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b|\w+|\s+|.", re.S)
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or a class.

    Attributes
    ----------
    name : str
    text : str
    given : mapping of str to mapping of str to int
        By name of the copy, the value of each argument.
    """

    name: str
    text: str
    given: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def shared(
    name: str,
    texts: Mapping[str, str],
    instances: Mapping[str, BlockInstance],
    extra: Mapping[str, Mapping[str, int]],
    names: Names,
) -> list[Definition]:
    """The definitions that the copies of one block need: one, if they are alike.

    Parameters
    ----------
    name : str
        What it is called; a second one gets another name.
    texts : mapping of str to str
        By name of the copy.
    instances : mapping of str to BlockInstance
        Likewise.
    extra : mapping of str to mapping of str to int
        Likewise, more sizes that a copy knows by name.
    names : Names
        Of all that is defined in the file.
    """
    tokens = {copy: _TOKEN.findall(text) for copy, text in texts.items()}
    groups: dict[tuple[str, ...], list[str]] = {}
    for copy, own in tokens.items():
        pattern = tuple("#" if _NUMBER.fullmatch(token) else token for token in own)
        groups.setdefault(pattern, []).append(copy)
    found = []
    for copies in groups.values():
        known = {copy: {**extra.get(copy, {}), **_sizes(instances[copy])} for copy in copies}
        found += [
            _definition(names.new(name), alike, tokens, known)
            for alike in _alike(copies, tokens, known)
        ]
    return found


def _sizes(instance: BlockInstance) -> dict[str, int]:
    scope, own = instance.call.scope, instance.call.block.sizes
    return {name: size for name in own if isinstance(size := scope.get(name), int)}


def _named(values: Sequence[str], copies: Sequence[str], known: _Known) -> str | None:
    """A size that has those values in all copies."""
    for name in reversed([*known[copies[0]]]):
        if all(
            known[copy].get(name) == int(value) for copy, value in zip(copies, values, strict=True)
        ):
            return name
    return None


def _alike(
    copies: list[str], tokens: Mapping[str, list[str]], known: _Known
) -> Iterable[list[str]]:
    """Groups of copies whose differences all have names."""
    for place, values in enumerate(zip(*(tokens[copy] for copy in copies), strict=True)):
        if len(set(values)) > 1 and _named(values, copies, known) is None:
            for value in dict.fromkeys(values):
                same = [copy for copy in copies if tokens[copy][place] == value]
                yield from _alike(same, tokens, known)
            return
    yield copies


def _definition(
    name: str, copies: list[str], tokens: Mapping[str, list[str]], known: _Known
) -> Definition:
    arguments: dict[str, None] = {}
    text = []
    for values in zip(*(tokens[copy] for copy in copies), strict=True):
        if len(set(values)) == 1:
            text.append(values[0])
        else:
            argument = _named(values, copies, known)
            assert argument is not None
            arguments[argument] = None
            text.append(argument)
    given = {copy: {key: known[copy][key] for key in arguments} for copy in copies}
    listed = "".join(f", {key}" for key in arguments)
    whole = "".join(text).replace(NAME, name).replace(ARGUMENTS, listed)
    # The name of an argument is longer than the number whose place it takes.
    return Definition(name, laid_out_again(whole), given)
