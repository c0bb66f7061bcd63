"""The best epoch so far, and whether to stop for want of a better one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphnn.diagnostics import TrainingError, suggestion
from graphnn.spec.training_records import TrainSpec
from graphnn.training.fitting.measuring import Row
from graphnn.training.fitting.metrics import METRICS, VALIDATION, measures


@dataclass(frozen=True, slots=True)
class Watch:
    """What makes an epoch better than another.

    Attributes
    ----------
    metric : str
        A column of the history.
    patience : int or None
        After how many epochs without a better one to stop.
    """

    metric: str
    patience: int | None

    def best(self, history: Sequence[Row]) -> int:
        """The best epoch, counted from 1, of equals the first; 0 before there is any."""
        values = [row[self.metric] for row in history]
        if not values:
            return 0
        watched = METRICS.get(self.metric.removeprefix(VALIDATION))
        better = max if watched is not None and watched.higher else min
        return values.index(better(values)) + 1

    def ends(self, history: Sequence[Row]) -> bool:
        """Whether patience is at its end (L. Prechelt, Early Stopping - But When?, 1998)."""
        return self.patience is not None and len(history) - self.best(history) >= self.patience


def watch(spec: TrainSpec, *, validated: bool) -> Watch | None:
    """What `spec` asks to watch, if anything.

    Parameters
    ----------
    spec : TrainSpec
    validated : bool
        Whether there are validation rows to measure.

    Raises
    ------
    TrainingError
        What is to be watched will not be measured.
    """
    stopping = spec.early_stopping
    if stopping is None and spec.keep == "last":
        return None
    metric = "validation_loss" if stopping is None else str(stopping.metric.value)
    names = measures(spec, validated=validated)
    if metric not in names:
        key = "keep: best" if stopping is None else "early_stopping"
        span = spec.place.span if stopping is None else stopping.metric.span or stopping.place.span
        help = suggestion(metric, names, f"there is {', '.join(names)}")
        if metric.startswith(VALIDATION) and metric.removeprefix(VALIDATION) in names:
            help = "hold rows back for it, such as validation: 0.1"
        message = f"'{key}' watches '{metric}', which is not measured"
        raise TrainingError.of("not-measured", message, span, help=help)
    return Watch(metric, None if stopping is None else stopping.patience)
