"""Two independent gradients compared entry by entry, with a verdict for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.gradients.backprop import backprop
from graphnn.gradients.estimate import GradientEstimate
from graphnn.gradients.numerical import Method, Rule, numerical_gradient
from graphnn.network import Network
from graphnn.plan import Mode

Array = NDArray[Any]
VERDICTS = ("agree", "wrong backward", "kink", "unresolved")
_MARGIN = 10.0  # an error estimate is trusted to this factor
_ROUNDING = 1e-13  # of the largest entry: what backprop itself may round
_RESOLVED = 1e-2  # an estimate this much of its entry cannot vouch for it ...
_NEGLIGIBLE = 1e-6  # ... unless it is this small beside the largest entry
_LINES = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of one parameter, by both ways."""

    parameter: str
    index: tuple[int, ...]
    backprop: float
    numerical: float
    error: float
    verdict: str

    def __str__(self) -> str:
        place = f"{self.parameter}[{','.join(map(str, self.index))}]"
        return (
            f"{place}: {self.verdict}, backprop {self.backprop:.9g}, "
            f"numerical {self.numerical:.9g} +- {self.error:.1g}"
        )


@dataclass(frozen=True, slots=True)
class ParameterReport:
    """What the comparison found for one parameter.

    Attributes
    ----------
    name : str
    verdicts : ndarray of int, shape of the parameter
        Positions in `VERDICTS`.
    counts : mapping of str to int
        Entries by verdict.
    worst : Entry
        The entry whose difference is the largest against its estimated error, wrong ones first.
    """

    name: str
    verdicts: Array
    counts: Mapping[str, int]
    worst: Entry


@dataclass(frozen=True, slots=True)
class GradientReport:
    """What the comparison found; true when no entry shows a wrong backward pass."""

    parameters: tuple[ParameterReport, ...]

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
            "parameters": [
                {
                    "name": report.name,
                    "counts": dict(report.counts),
                    "worst": {
                        "index": list(report.worst.index),
                        "backprop": report.worst.backprop,
                        "numerical": report.worst.numerical,
                        "error": report.worst.error,
                        "verdict": report.worst.verdict,
                    },
                }
                for report in self.parameters
            ],
        }

    def __str__(self) -> str:
        total = sum(self.counts.values())
        parts = [f"{count} {verdict}" for verdict, count in self.counts.items() if count]
        lines = [f"{total} entries: {', '.join(parts) or 'none'}"]
        ranked = sorted(self.parameters, key=lambda report: _rank(report.worst))
        shown = ranked[: _LINES - 2] if len(ranked) > _LINES - 1 else ranked
        lines += [f"  {report.worst}" for report in shown]
        if len(shown) < len(ranked):
            lines.append(f"  and {len(ranked) - len(shown)} parameters more")
        return "\n".join(lines)


def check_gradients(
    network: Network,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    loss: str | Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    method: Method = "probes",
    rule: Rule = "central",
    order: int | None = None,
    step: float | Mapping[str, float] | None = None,
    mode: Mode = "run",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    **named: Any,
) -> GradientReport:
    """Compare backpropagation with the numerical gradient, every entry, in float64.

    Parameters
    ----------
    network, inputs, loss, only, method, rule, order, step, mode, seed, progress, **named
        As for `numerical_gradient`.

    Returns
    -------
    GradientReport
        An entry *agrees* when the two differ by less than ten estimated errors; it shows a
        *wrong backward* when they differ by more, unless a probe crossed a *kink*; it stays
        *unresolved* when the estimated error is too large to tell.

    Raises
    ------
    RunError, UsageError
        As `numerical_gradient`.
    """
    given = {**(inputs or {}), **named}
    if network.dtype != np.float64:
        network = network.astype("float64")
    only = None if only is None else tuple(only)
    analytic = backprop(network, given, loss=loss, only=only, mode=mode, seed=seed)
    estimates = numerical_gradient(
        network,
        given,
        loss=loss,
        only=only,
        method=method,
        rule=rule,
        order=order,
        step=step,
        mode=mode,
        seed=seed,
        progress=progress,
    )
    return compare(analytic, estimates)


def compare(
    analytic: Mapping[str, Array], estimates: Mapping[str, GradientEstimate]
) -> GradientReport:
    """Report on gradients that are already there; see `check_gradients`."""
    scale = max((np.abs(e.value).max(initial=0.0) for e in estimates.values()), default=0.0)
    return GradientReport(
        tuple(
            _report(name, analytic[name], estimate, float(scale))
            for name, estimate in estimates.items()
        )
    )


def _report(
    name: str, analytic: Array, estimate: GradientEstimate, scale: float
) -> ParameterReport:
    difference = np.abs(analytic - estimate.value)
    tolerance = _MARGIN * estimate.error + _ROUNDING * scale
    # Written so that a NaN difference counts as too large.
    apart = ~(difference <= tolerance)
    size = np.maximum(np.abs(analytic), np.abs(estimate.value))
    vague = (estimate.error > _RESOLVED * size) & (estimate.error > _NEGLIGIBLE * scale)
    verdicts = np.select(
        [estimate.kink & (apart | vague), apart, vague],
        [VERDICTS.index("kink"), VERDICTS.index("wrong backward"), VERDICTS.index("unresolved")],
        VERDICTS.index("agree"),
    )
    counts = {verdict: int((verdicts == code).sum()) for code, verdict in enumerate(VERDICTS)}
    ratio = difference / np.maximum(tolerance, np.finfo(np.float64).tiny)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    severity = np.where(verdicts == VERDICTS.index("wrong backward"), np.inf, 0.0)
    worst = int(np.lexsort((ratio.ravel(), severity.ravel()))[-1]) if ratio.size else 0
    index = tuple(int(i) for i in np.unravel_index(worst, verdicts.shape))
    entry = Entry(
        name,
        index,
        float(analytic[index]),
        float(estimate.value[index]),
        float(estimate.error[index]),
        VERDICTS[verdicts[index]],
    )
    return ParameterReport(name, verdicts, counts, entry)


def _rank(entry: Entry) -> tuple[bool, float]:
    gap = abs(entry.backprop - entry.numerical)
    return (entry.verdict != "wrong backward", -gap / max(entry.error, 1e-300))
