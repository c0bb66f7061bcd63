"""Choices with options: the one that is written, and where options that stand elsewhere belong."""

from __future__ import annotations

from collections.abc import Mapping

from graphnn.diagnostics import Findings, listed
from graphnn.spec.forms import key_names, keys_of
from graphnn.spec.model import TrainSpec
from graphnn.spec.values import Entry, Map
from graphnn.spec.vocabulary import Kind, Vocabulary
from graphnn.spec.writing.writer import flow

_LONGEST = 60
Kinds = Mapping[str, type[Kind]]


def only_choice(key: str, kinds: Kinds, given: Map, findings: Findings) -> Entry | None:
    """The name under `key` with its options; what is not one name goes to `findings`.

    Parameters
    ----------
    key : str
        Such as ``optimizer``.
    kinds : mapping of str to class
        What may stand there.
    given : Map
        Not empty.
    findings : Findings

    Returns
    -------
    Entry or None
        None where options stand alone, or there are several names.
    """
    names = listed(given.entries)
    if help := _as_choice(kinds, given):
        message = f"'{key}' gives options without the {key} that takes them: {names}"
        findings.error("wrong-type", message, given.span, help=help)
        return None
    if len(given.entries) > 1:
        message = f"'{key}' takes one {key}, but names {names}"
        help = f"keep one, with its options inside: {{{next(iter(given.entries))}: {{...}}}}"
        findings.error("wrong-count", message, given.span, help=help)
        return None
    return next(iter(given.entries.values()))


def options_of(key: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Names of the options of a key of ``train`` whose value is a mapping of options."""
    if key in vocabulary.options:
        return vocabulary.options[key].options()
    form = next((each.form for each in keys_of(TrainSpec) if each.name == key), None)
    return tuple(form.inside) if form is not None else ()


def home_of(option: str, vocabulary: Vocabulary) -> str:
    """Help for an option that stands outside of what takes it; empty for what is no option."""
    for key, kinds in vocabulary.choices.items():
        for kind, takes in kinds.items():
            name = takes.also_called.get(option.replace("-", "_"), option.replace("-", "_"))
            if name in takes.options():
                return f"it goes under '{key}': {{{kind}: {{{name}: ...}}}}"
    for key in key_names(TrainSpec):
        if option in options_of(key, vocabulary):
            return f"it goes under '{key}': {{{option}: ...}}"
    return ""


def _as_choice(kinds: Kinds, options: Map) -> str:
    """Help for `options` that stand where one of `kinds` should; empty where none takes them."""
    names = [*options.entries]
    if len(names) == 1 and names[0] in kinds and isinstance(options.get(names[0]), Map):
        return ""  # {momentum: {momentum: 0.9}} is a choice, and its only key an option too
    for kind, takes in kinds.items():
        if names and set(names) <= {*takes.options()}:
            inner = flow(options)
            if len(inner) > _LONGEST:
                inner = f"{{{names[0]}: ...}}"
            return f"write {{{kind}: {inner}}}"
    return ""
