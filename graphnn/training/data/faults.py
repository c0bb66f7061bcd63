"""Faults of data: one made, and those of several independent steps reported at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from graphnn.diagnostics import (
    DataError,
    Diagnostic,
    FileError,
    Findings,
    Note,
    RunError,
    TrainingError,
    by_place,
    listed,
    suggestion,
)

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")
_MOST = 10  # kinds of faults, and places of one, that are reported at once


def not_fed(
    name: str, names: Iterable[str], otherwise: str, idle: Mapping[str, str]
) -> tuple[str, str]:
    """Message and help for data that are to feed `name`.

    Parameters
    ----------
    name : str
    names : iterable of str
        What could stand in its place.
    otherwise : str
        The help where none of `names` is near.
    idle : mapping of str to str
        Inputs that are not to be fed, with a sentence that says why.
    """
    if name in idle:
        return idle[name], f"leave '{name}' out, or choose another loss"
    return f"the network has no input '{name}' to feed", suggestion(name, names, otherwise)


def diverged(error: RunError, rate: float) -> RunError:
    """`error`, with what to do about a result that steps of the learning rate `rate` made."""
    help = smaller_steps(rate)
    return RunError(
        *(
            replace(found, help=found.help or help) if found.code == "not-finite" else found
            for found in error.diagnostics
        )
    )


def smaller_steps(rate: float) -> str:
    """Help for a training whose steps of the learning rate `rate` lead away from a solution."""
    return f"lower the learning rate, which is {rate:g}, or set 'clip_norm'"


class AlikeFaults:
    """Faults of lines or files: the first of each kind, and where the others of its kind are.

    Parameters
    ----------
    noun : str
        What has a fault, such as ``line``.
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._first: dict[Hashable, Diagnostic] = {}
        self._others: dict[Hashable, list[str | int | Callable[[], int]]] = {}

    @property
    def full(self) -> bool:
        """Whether there are as many kinds as are reported."""
        return len(self._first) >= _MOST

    def add(
        self,
        kind: Hashable,
        where: str | int | Callable[[], int],
        fault: Diagnostic | Callable[[], Diagnostic],
    ) -> None:
        """Keep a fault of a kind, and where it is; functions are called for what is reported."""
        if kind in self._first:
            self._others.setdefault(kind, []).append(where)
        elif not self.full:
            self._first[kind] = fault() if callable(fault) else fault

    @property
    def findings(self) -> Findings:
        """The faults."""
        findings = Findings()
        for kind, fault in self._first.items():
            if others := self._others.get(kind):
                shown = [each() if callable(each) else each for each in others[:_MOST]]
                every = listed(map(str, [*shown, *others[_MOST:]]))
                noun = self._noun if len(others) == 1 else f"{self._noun}s"
                fault = replace(fault, notes=(*fault.notes, Note(f"also in {noun} {every}")))
            findings.add(fault)
        return findings


class Faults:
    """Faults of steps that do not depend on each other, to be reported together."""

    def __init__(self) -> None:
        self._found: list[DataError | FileError | TrainingError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def keep(self, findings: Findings) -> None:
        """Take the errors among `findings`, if there are any."""
        if findings.errors:
            self._found.append(DataError(*findings.errors))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Take the faults that end what is done meanwhile."""
        try:
            yield
        except (DataError, FileError, TrainingError) as fault:
            self._found.append(fault)

    def each(self, items: Mapping[K, V], act: Callable[[K, V], R]) -> dict[K, R]:
        """What `act` makes of every item, but of those at fault."""
        results: dict[K, R] = {}
        for key, item in items.items():
            with self.kept():
                results[key] = act(key, item)
        return results

    def raise_all(self) -> None:
        """Raise what was found, if anything was.

        Raises
        ------
        DataError, FileError, TrainingError
            With all faults, by place, each once; of the kind of all of them, or else a `DataError`.
        """
        if not self._found:
            return
        kinds = {type(fault) for fault in self._found}
        every = dict.fromkeys(found for fault in self._found for found in fault.diagnostics)
        raise (kinds.pop() if len(kinds) == 1 else DataError)(*sorted(every, key=by_place))


def for_each(items: Mapping[K, V], act: Callable[[K, V], R]) -> dict[K, R]:
    """What `act` makes of every item.

    Raises
    ------
    DataError, FileError, TrainingError
        With the faults of all items, as `Faults.raise_all`.
    """
    faults = Faults()
    results = faults.each(items, act)
    faults.raise_all()
    return results
