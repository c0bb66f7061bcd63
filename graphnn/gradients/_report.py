"""What a check found: a verdict for every entry, and the worst of each parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphnn.diagnostics import counted, listed
from graphnn.gradients.numerical import selection
from graphnn.gradients.numerical.estimates import GradientEstimate
from graphnn.gradients.numerical.loop import Crossing
from graphnn.ops import Array

VERDICTS = ("agree", "wrong backward", "kink", "unresolved", "singular")
WORST_FIRST = ("wrong backward", "singular", "unresolved", "kink", "agree")
_LINES = 10
_LISTED = 100  # kinks of a parameter in plain data


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """One entry of one parameter, by both ways.

    Attributes
    ----------
    parameter : str
    index : tuple of int
    backprop, numerical, error : float
        The derivative by backpropagation, or as it was given; the numerical one, and how far that
        may be off.
    verdict : str
        One of `VERDICTS`.
    crossing : Crossing or None
        Where a probe crosses a kink, if one does; else an entry with the verdict *kink* is one
        where the rounding of a lower precision crosses one.
    origin : {"backprop", "given"}
        Whose the first of the two derivatives is.
    singular : str or None
        The node whose local derivative is infinite, for that verdict.
    """

    parameter: str
    index: tuple[int, ...]
    backprop: float
    numerical: float
    error: float
    verdict: str
    crossing: Crossing | None = None
    origin: str = "backprop"
    singular: str | None = None

    def line(self, alike: int, total: int) -> str:
        """A line about it, and how many of the parameter's entries have the same verdict."""
        name, verdict, derivative, numerical = self.cells(alike, total)
        return f"{name}: {verdict}, {self.origin} {derivative}, numerical {numerical}"

    def cells(self, alike: int, total: int) -> tuple[str, str, str, str]:
        """Its name, its verdict, and the two derivatives, the numerical one with its error."""
        verdict = self.verdict
        if self.singular is not None:
            verdict += f" at '{self.singular}'"
        elif self.crossing is not None:
            across = "" if verdict == "kink" else " across a kink"
            verdict += f"{across} at {self.crossing}"
        elif verdict == "kink":
            verdict += " within rounding"
        if self.verdict != "agree":
            verdict += f" ({alike} of {total})"
        name = selection.show(self.parameter, self.index)
        given, numerical = self._shown()
        return name, verdict, given, f"{numerical} +- {self.error:.1g}"

    def _shown(self) -> tuple[str, str]:
        """The two derivatives, in as many digits as tell wrong ones apart."""
        given, numerical = f"{self.backprop:.9g}", f"{self.numerical:.9g}"
        if self.verdict == "wrong backward" and given == numerical:
            return f"{self.backprop:.17g}", f"{self.numerical:.17g}"
        return given, numerical

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; None for a number that is not finite, which JSON does not have."""
        numbers = {self.origin: self.backprop, "numerical": self.numerical, "error": self.error}
        finite = {name: n if math.isfinite(n) else None for name, n in numbers.items()}
        return {"index": list(self.index), **finite, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class ParameterReport:
    """What the comparison found for one parameter.

    Attributes
    ----------
    name : str
    precision : str
        Of the gradient that was checked, such as ``float32``.
    verdicts : ndarray of int, shape of the parameter
        Positions in `VERDICTS`; -1 where the entry was not taken.
    counts : mapping of str to int
        Entries by verdict.
    worst : CheckedEntry
        The worst by its verdict, wrong ones first; among those, the one whose difference is the
        largest against its estimated error.
    estimate : GradientEstimate
        The numerical gradient, with its errors and kinks.
    """

    name: str
    precision: str
    verdicts: Array
    counts: Mapping[str, int]
    worst: CheckedEntry
    estimate: GradientEstimate

    def __str__(self) -> str:
        return self.worst.line(*self._alike)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What a table says of the worst entry; see `CheckedEntry.cells`."""
        return self.worst.cells(*self._alike)

    @property
    def _alike(self) -> tuple[int, int]:
        """How many entries have the verdict of the worst, and how many there are."""
        return self.counts[self.worst.verdict], sum(self.counts.values())

    @property
    def crossed(self) -> int:
        """How many entries agree although a probe crossed a kink."""
        agree = self.verdicts == VERDICTS.index("agree")
        return int((agree & self.estimate.kink).sum())

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; of kinks, the places of the first hundred."""
        return {
            "name": self.name,
            "precision": self.precision,
            "counts": dict(self.counts),
            "worst": self.worst.as_dict(),
            "singular": self.worst.singular,
            "kinks": [
                {
                    "index": list(crossing.entry),
                    "node": crossing.node,
                    "sample": crossing.sample,
                    "at": list(crossing.index),
                    "verdict": VERDICTS[self.verdicts[crossing.entry]],
                }
                for crossing in self.estimate.crossings(_LISTED)
            ],
        }


@dataclass(frozen=True, slots=True, repr=False)
class GradientReport:
    """What the comparison found; true when no entry shows a wrong backward pass.

    Attributes
    ----------
    parameters : tuple of ParameterReport
    unread : tuple of str
        Those that the loss does not depend on, so that their gradient is 0 whatever the ops do.
    """

    parameters: tuple[ParameterReport, ...]
    unread: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return str(self)

    @property
    def ok(self) -> bool:
        """Whether no entry is wrong."""
        return self.counts["wrong backward"] == 0

    def __bool__(self) -> bool:
        return self.ok

    @property
    def counts(self) -> dict[str, int]:
        """Entries of all parameters by verdict."""
        return {
            verdict: sum(report.counts[verdict] for report in self.parameters)
            for verdict in VERDICTS
        }

    @property
    def wrong(self) -> tuple[ParameterReport, ...]:
        """Parameters with a wrong entry."""
        return tuple(report for report in self.parameters if report.counts["wrong backward"])

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "ok": self.ok,
            "counts": self.counts,
            "parameters": [report.as_dict() for report in self.parameters],
            "unread": list(self.unread),
        }

    def __str__(self) -> str:
        shown, more = self._shown
        return "\n".join([self._totals, *(f"  {report}" for report in shown), *more])

    def _repr_html_(self) -> str:
        """The worst entry of each parameter as a table, which Jupyter shows."""
        import html

        # Tables stand with the summary of a network, which a check alone does not need.
        from graphnn.graph import Table

        shown, more = self._shown
        origin = shown[0].worst.origin if shown else "backprop"
        header = ("worst entry", "verdict", origin, "numerical")
        table: str = Table(header, tuple(each.cells for each in shown))._repr_html_()
        return f"<b>{html.escape(self._totals)}</b>{table}{'<br>'.join(more)}"

    @property
    def _totals(self) -> str:
        parts = {verdict: f"{count:,} {verdict}" for verdict, count in self.counts.items() if count}
        crossed = sum(report.crossed for report in self.parameters)
        if crossed:
            parts["agree"] += f" ({crossed:,} across a kink)"
        precisions = dict.fromkeys(report.precision for report in self.parameters)
        of = f" in {' and '.join(precisions)}" if precisions else ""
        total = sum(self.counts.values())
        return f"{counted(total, 'entry')}{of}: {', '.join(parts.values()) or 'none'}"

    @property
    def _shown(self) -> tuple[list[ParameterReport], list[str]]:
        """The parameters that are shown, the worst first, and lines about those that are not.

        Those that the loss does not depend on are named, as zeros agree without saying anything.
        """
        ranked = sorted(self.parameters, key=lambda report: _rank(report.worst))
        room = _LINES - 1 - bool(self.unread)
        shown = ranked[: room - 1] if len(ranked) > room else ranked
        rest = len(ranked) - len(shown)
        more = [f"  and {rest} more parameters"] if rest else []
        if self.unread:
            more.append(f"  the loss does not depend on {listed(self.unread)}")
        return shown, more


def _rank(entry: CheckedEntry) -> tuple[int, float]:
    gap = abs(entry.backprop - entry.numerical)
    return WORST_FIRST.index(entry.verdict), -gap / max(entry.error, 1e-300)
