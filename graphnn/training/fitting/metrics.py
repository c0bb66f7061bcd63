"""Metrics: what a prediction is worth, from numbers a sample.

A metric maps predictions and targets to one number for each sample, and the metric of a data set is
the mean of those; so sums over batches of any sizes give the mean of the whole set.
A measure that is not such a mean has a `Summary` of its own: R^2 follows from the mean of the
squared error and from the mean and the variance of the target.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import Diagnostic, Span, TrainingError, nearest, suggestion
from graphnn.spec import brief
from graphnn.spec.model import MetricSpec
from graphnn.spec.sizes import Shape, show
from graphnn.spec.values import Scalar

Array = NDArray[Any]
Metric = Callable[..., NDArray[np.float64]]
Value = Callable[[NDArray[np.float64]], float]
Fits = Callable[..., None]
METRICS: dict[str, Metric] = {}
HIGHER: set[str] = set()  # of those, the higher the better; of the others, the lower
_VALUES: dict[str, Value] = {}
_SUMMARIES: dict[str, Summary] = {}
_FITS: dict[str, Fits] = {}
# What is no number, but can be had.
_PICTURES = {"confusion_matrix": "'graphnn evaluate -o FOLDER' draws the confusion matrix"}


class Summary(NamedTuple):
    """What is kept of the numbers of many samples.

    Attributes
    ----------
    of : callable
        Makes it of the numbers of a batch, a row a sample.
    merged : callable
        Makes it of two parts: of the summary of each, and of the share that the second has in the
        samples of both.
    """

    of: Callable[[Array], Array]
    merged: Callable[[Array, Array, float], Array]


def _mean(numbers: Array) -> Array:
    mean: Array = numbers.mean(axis=0)
    return mean


def _merged_means(first: Array, second: Array, share: float) -> Array:
    merged: Array = first + (second - first) * share
    return merged


MEAN = Summary(_mean, _merged_means)


def metric(
    name: str,
    value: Value = float,
    *,
    higher: bool = False,
    summary: Summary = MEAN,
    fits: Fits | None = None,
) -> Callable[[Metric], Metric]:
    """Register a function as the metric that specs call `name`.

    Parameters
    ----------
    name : str
    value : callable
        Makes the metric of the summary of what the function gives for each sample.
    higher : bool
        Whether a higher value is the better one.
    summary : Summary
    fits : callable, optional
        Takes the shapes of what the function takes, and its options, and raises `TrainingError`
        where they do not fit together.
    """

    def register(function: Metric) -> Metric:
        METRICS[name] = function
        _VALUES[name] = value
        _SUMMARIES[name] = summary
        if fits is not None:
            _FITS[name] = fits
        if higher:
            HIGHER.add(name)
        return function

    return register


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as a spec asks for it.

    Attributes
    ----------
    name : str
    nodes : tuple of str
        Whose values it compares.
    numbers : callable
        Gives one or more numbers a sample.
    value : callable
        Gives the metric from their summary over all samples.
    place : Span or None
        Where the spec asks for it.
    """

    name: str
    nodes: tuple[str, ...]
    numbers: Metric
    value: Value
    _summary: Summary = MEAN
    place: Span | None = None
    _options: Mapping[str, int] = field(default_factory=dict)

    def check(self, shapes: Sequence[Shape]) -> None:
        """Check that nodes of these shapes can be compared.

        Raises
        ------
        TrainingError
            They cannot.
        """
        if fits := _FITS.get(self.name):
            try:
                fits(*shapes, **self._options)
            except TrainingError as error:
                found = error.diagnostics[0]
                raise TrainingError(replace(found, span=self.place)) from None

    def summary(self, values: Mapping[str, Array]) -> Array:
        """The summary of a batch, from the values of its nodes."""
        return self._summary.of(self.numbers(*(values[node] for node in self.nodes)))

    def merged(self, first: Array, second: Array, share: float) -> Array:
        """One summary of two, where the second has this share in the samples of both."""
        return self._summary.merged(first, second, share)


def fit(spec: MetricSpec) -> Measure:
    """What `spec` asks for, once it is sure that it can be measured on the nodes listed.

    Raises
    ------
    TrainingError
        There is no such metric, it reads another number of nodes, or an option makes no sense.
    """
    name = str(spec.name.value)
    found = find(name, spec.name.span)
    operands, known = parameters(found)
    if len(operands) != len(spec.nodes) and all(node.name for node in spec.nodes):
        message = f"{name} reads {len(operands)} nodes, but is given {len(spec.nodes)}"
        help = f"write {name}: [{', '.join(operands).upper()}]"
        raise TrainingError(Diagnostic("wrong-inputs", message, spec.name.span, help=help))
    options = {key: _option(spec, key, known) for key in spec.options.entries}
    nodes = tuple(reference.name for reference in spec.nodes)
    return Measure(
        name,
        nodes,
        partial(found, **options),
        _VALUES[name],
        _SUMMARIES[name],
        next((e.value.span for e in spec.options.entries.values()), spec.name.span),
        options,
    )


def measured(specs: Iterable[MetricSpec]) -> list[str]:
    """Names of what is measured: the loss and the metrics, where one misspelt is what it means."""
    written = [str(spec.name.value) for spec in specs]
    return ["loss", *(n if n in METRICS else nearest(n, METRICS) or n for n in written)]


def parameters(function: Metric) -> tuple[list[str], list[str]]:
    """Names of what a metric reads, and of its options."""
    found = inspect.signature(function).parameters.values()
    options = [each.name for each in found if each.kind is each.KEYWORD_ONLY]
    return [each.name for each in found if each.name not in options], options


def _option(spec: MetricSpec, key: str, known: list[str]) -> int:
    entry, name = spec.options.entries[key], spec.name.value
    if key not in known:
        listed = f"its options are {', '.join(known)}" if known else "it has no options"
        message = f"the metric '{name}' has no option '{key}'"
        help = suggestion(key, known, listed)
        raise TrainingError(Diagnostic("bad-metric", message, entry.key.span, help=help))
    number = entry.value.value if isinstance(entry.value, Scalar) else None
    if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
        return number
    message = f"'{key}' of '{name}' must be a whole number of at least 1, not {brief(entry.value)}"
    raise TrainingError(Diagnostic("bad-metric", message, entry.value.span))


def find(name: str, span: Span | None = None) -> Metric:
    """The metric called `name`.

    Parameters
    ----------
    name : str
    span : Span, optional
        Where the spec names it, for the error.

    Raises
    ------
    TrainingError
        There is none; the nearest name is the help.
    """
    if name not in METRICS:
        known = ", ".join(sorted(METRICS))
        raise TrainingError(
            Diagnostic(
                "unknown-metric",
                f"there is no metric '{name}'",
                span,
                help=_PICTURES.get(name) or suggestion(name, METRICS, f"the metrics are {known}"),
            )
        )
    return METRICS[name]


def _alike(name: str) -> Fits:
    """What checks that both shapes are the same, where (batch,) and (batch, 1) are."""

    def fits(prediction: Shape, target: Shape) -> None:
        if not prediction or _without_one(prediction) != _without_one(target):
            raise _mismatch(name, prediction, target, "both have the same shape")

    return fits


def _accuracy_fits(prediction: Shape, target: Shape) -> None:
    if len(prediction) == 1 or prediction[1:] == (1,):
        _alike("accuracy")(prediction, target)
    elif not prediction or target not in (prediction, prediction[:-1]):
        raise _mismatch("accuracy", prediction, target, _class_shapes(prediction))


def _top_k_fits(prediction: Shape, target: Shape, *, k: int = 5) -> None:
    if len(prediction) < 2 or target not in (prediction, prediction[:-1]):
        raise _mismatch("top_k_accuracy", prediction, target, _class_shapes(prediction))
    classes = prediction[-1]
    if isinstance(classes, int) and k > classes:
        message = f"top_k_accuracy cannot look among the {k} best of {classes} classes"
        help = f"give it a 'k' of at most {classes}"
        raise TrainingError(Diagnostic("metric-shapes", message, help=help))


def _class_shapes(scores: Shape) -> str:
    if len(scores) < 2:
        return "it compares a score for each class, [batch, classes]"
    return f"class numbers have shape {show(scores[:-1])}, one-hot rows {show(scores)}"


@metric("accuracy", higher=True, fits=_accuracy_fits)
def accuracy(prediction: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """Share of right classifications: the mean of ``[class(prediction) = class(target)]``.

    Parameters
    ----------
    prediction : ndarray, shape (batch, ..., classes), (batch, 1) or (batch,)
        A score a class, the highest (of equals: the first) being the class predicted. With one
        value a sample, the probability of class 1, which is predicted from 0.5 up.
    target : ndarray
        Class numbers, of the shape of `prediction` without its last axis, or one-hot rows, of the
        same shape. With one value a sample: the class, 0 or 1.

    Returns
    -------
    ndarray, shape (batch,)
        1 or 0 a sample; where a sample has several classifications, their mean.

    Raises
    ------
    TrainingError
        The shapes do not fit together.

    References
    ----------
    One minus the 0-1 loss of T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical
    Learning, 2nd edition, 2009, section 7.2.
    """
    _accuracy_fits(prediction.shape, target.shape)
    if prediction.ndim == 1 or prediction.shape[1:] == (1,):
        target = target.reshape(prediction.shape)
        return _per_sample((prediction >= 0.5) == (target >= 0.5))
    if target.shape == prediction.shape:
        target = target.argmax(axis=-1)
    return _per_sample(prediction.argmax(axis=-1) == target)


@metric("top_k_accuracy", higher=True, fits=_top_k_fits)
def top_k_accuracy(
    prediction: NDArray[Any], target: NDArray[Any], *, k: int = 5
) -> NDArray[np.float64]:
    """Share of samples whose class is among the `k` that score highest.

    Parameters
    ----------
    prediction : ndarray, shape (batch, ..., classes)
        A score a class; of equal ones the first is the higher.
    target : ndarray
        Class numbers, of the shape of `prediction` without its last axis, or one-hot rows, of the
        same shape.
    k : int
        At most the number of classes.

    Returns
    -------
    ndarray, shape (batch,)
        1 or 0 a sample; where a sample has several classifications, their mean.

    Raises
    ------
    TrainingError
        The shapes do not fit together, or there are fewer than `k` classes.

    References
    ----------
    The top-5 error, one minus this, of O. Russakovsky et al., ImageNet Large Scale Visual
    Recognition Challenge, IJCV 115, 2015, section 4.1.
    """
    _top_k_fits(prediction.shape, target.shape, k=k)
    if target.shape == prediction.shape:
        target = target.argmax(axis=-1)
    best = np.argsort(-prediction, axis=-1, kind="stable")[..., :k]
    return _per_sample((best == target[..., np.newaxis]).any(axis=-1))


@metric("mean_absolute_error", fits=_alike("mean_absolute_error"))
def mean_absolute_error(prediction: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """Mean of ``|prediction - target|`` over all values of a sample.

    Parameters
    ----------
    prediction, target : ndarray, shape (batch, ...)
        Of the same shape; (batch,) and (batch, 1) go together.

    Returns
    -------
    ndarray, shape (batch,)

    Raises
    ------
    TrainingError
        The shapes do not fit together.

    References
    ----------
    The absolute error of T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical
    Learning, 2nd edition, 2009, section 7.2.
    """
    return _per_sample(np.abs(_difference(prediction, target, "mean_absolute_error")))


@metric("mean_squared_error", fits=_alike("mean_squared_error"))
def mean_squared_error(prediction: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """Mean of ``(prediction - target)^2`` over all values of a sample.

    Parameters
    ----------
    prediction, target : ndarray, shape (batch, ...)
        Of the same shape; (batch,) and (batch, 1) go together.

    Returns
    -------
    ndarray, shape (batch,)

    Raises
    ------
    TrainingError
        The shapes do not fit together.

    References
    ----------
    The squared error of T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical
    Learning, 2nd edition, 2009, section 7.2.
    """
    return _per_sample(np.square(_difference(prediction, target, "mean_squared_error")))


def _spread(numbers: Array) -> Array:
    """Mean of the squared error, mean and variance of the target, a column a value."""
    error, target = numbers.mean(axis=0)
    return np.stack([error, target, np.square(numbers[:, 1] - target).mean(axis=0)])


def _merged_spreads(first: Array, second: Array, share: float) -> Array:
    """The same of two parts, whose variances do not lose the digits that their means share.

    T. F. Chan, G. H. Golub and R. J. LeVeque, Updating formulae and a pairwise algorithm for
    computing sample variances, COMPSTAT 1982, eq. 2.1.
    """
    merged = _merged_means(first, second, share)
    merged[2] += np.square(second[1] - first[1]) * (share * (1 - share))
    return merged


def _r_squared(summary: NDArray[np.float64]) -> float:
    """R^2 from what `_spread` gives."""
    error, mean, variance = summary
    rounding = np.square(8 * np.finfo(np.float64).eps * mean)
    constant = variance <= rounding
    found = 1 - error / np.where(constant, 1, variance)
    return float(np.where(constant, error <= rounding, found).mean())


@metric(
    "r_squared",
    _r_squared,
    higher=True,
    summary=Summary(_spread, _merged_spreads),
    fits=_alike("r_squared"),
)
def r_squared(prediction: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """Share of the targets' variance that is explained: ``1 - mean (y-t)^2 / mean (t - mean t)^2``.

    Where a sample has several values, the mean of their R^2. Of targets that are all the same, 1
    when every prediction is exact, else 0.

    Parameters
    ----------
    prediction, target : ndarray, shape (batch, ...)
        Of the same shape; (batch,) and (batch, 1) go together.

    Returns
    -------
    ndarray, shape (batch, 2, values)
        Squared error, and target.

    Raises
    ------
    TrainingError
        The shapes do not fit together.

    References
    ----------
    The coefficient of determination of N. R. Draper, H. Smith, Applied Regression Analysis, 3rd
    edition, 1998, section 1.3.
    """
    error = _difference(prediction, target, "r_squared")
    true = target.astype(np.float64, copy=False).reshape(error.shape)
    numbers = np.stack([np.square(error), true], axis=1)
    return numbers.reshape(len(error), 2, int(np.prod(error.shape[1:])))


def _difference(prediction: NDArray[Any], target: NDArray[Any], name: str) -> NDArray[np.float64]:
    # In float64, so that unsigned numbers do not wrap and float32 means do not drift.
    _alike(name)(prediction.shape, target.shape)
    exact = prediction.astype(np.float64, copy=False)
    return exact - target.reshape(prediction.shape).astype(np.float64, copy=False)


def _without_one(shape: Shape) -> Shape:
    return shape[:1] if shape[1:] == (1,) else shape


def _per_sample(values: NDArray[Any]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = values.mean(axis=tuple(range(1, values.ndim)), dtype=np.float64)
    return mean


def _mismatch(name: str, prediction: Shape, target: Shape, help: str) -> TrainingError:
    return TrainingError(
        Diagnostic(
            "metric-shapes",
            f"{name} cannot compare predictions of shape {show(prediction)} "
            f"with targets of shape {show(target)}",
            help=help,
        )
    )
