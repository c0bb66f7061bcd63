"""Names that a spec chooses from: what each stands for, and what goes with another one."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from typing import Protocol

from graphnn.diagnostics import Findings, listed
from graphnn.spec.values import Entry, Mapping
from graphnn.spec.writing.writer import flow

_LONGEST = 60


class Kind(Protocol):
    """What a name stands for that brings options along."""

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Names of the options."""


# Keys whose value is a name, or one name with its options, as in {sgd: {learning_rate: 0.1}}, with
# what each name stands for; where the key is not written, the first is taken. And keys whose value
# is a mapping of options. Those who read the values enter them.
CHOICES: dict[str, Dict[str, type[Kind]]] = {}
OPTIONS: dict[str, tuple[str, ...]] = {}
OPS: set[str] = set()  # what may follow `op:`


def as_choice(key: str, options: Mapping) -> str:
    """Help for `options` that stand where the choice `key` should; empty where none takes them."""
    kinds = CHOICES.get(key, {})
    names = [*options.entries]
    if len(names) == 1 and names[0] in kinds and isinstance(options.get(names[0]), Mapping):
        return ""  # {momentum: {momentum: 0.9}} is a choice, and its only key an option too
    for kind, takes in kinds.items():
        if names and set(names) <= {*takes.options()}:
            inner = flow(options)
            if len(inner) > _LONGEST:
                inner = f"{{{names[0]}: ...}}"
            return f"write {{{kind}: {inner}}}"
    return ""


def only_choice(key: str, given: Mapping, findings: Findings) -> Entry | None:
    """The name under `key` with its options; what is not one name goes to `findings`.

    Parameters
    ----------
    key : str
        Such as ``optimizer``.
    given : Mapping
        Not empty.
    findings : Findings

    Returns
    -------
    Entry or None
        None where options stand alone, or there are several names.
    """
    names = listed(given.entries)
    if help := as_choice(key, given):
        message = f"'{key}' gives options without the {key} that takes them: {names}"
        findings.error("wrong-type", message, given.span, help=help)
        return None
    if len(given.entries) > 1:
        message = f"'{key}' takes one {key}, but names {names}"
        help = f"keep one, with its options inside: {{{next(iter(given.entries))}: {{...}}}}"
        findings.error("wrong-count", message, given.span, help=help)
        return None
    return next(iter(given.entries.values()))


def home_of(option: str) -> str:
    """Help for an option that stands outside of what takes it; empty for what is no option."""
    for key, kinds in CHOICES.items():
        for kind, takes in kinds.items():
            if option in takes.options():
                return f"it goes under '{key}': {{{kind}: {{{option}: ...}}}}"
    for key, options in OPTIONS.items():
        if option in options:
            return f"it goes under '{key}': {{{option}: ...}}"
    return ""
