"""Metrics: what a prediction is worth, a number a sample.

A metric maps predictions and targets to one number for each sample, and the metric of a data set is
the mean of those; so sums over batches of any sizes give the mean of the whole set.
A measure that is not such a mean fits in by giving several numbers a sample, from whose means it
follows: R^2 from those of the squared error, the target and its square; a confusion matrix from
those of the pairs (target, prediction) as one-hot rows. Top-k accuracy is a mean as it stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.errors import Diagnostic, Span, TrainingError, suggestion
from graphnn.spec.model import MetricSpec

Metric = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]
METRICS: dict[str, Metric] = {}


def metric(name: str) -> Callable[[Metric], Metric]:
    """Register a function as the metric that specs call `name`."""

    def register(function: Metric) -> Metric:
        METRICS[name] = function
        return function

    return register


def fit(spec: MetricSpec) -> Metric:
    """The metric that `spec` names, once it is sure that it can read the nodes listed.

    Raises
    ------
    TrainingError
        There is no such metric, or it reads another number of nodes.
    """
    name = str(spec.name.value)
    found = find(name, spec.name.span)
    operands = list(inspect.signature(found).parameters)
    if len(operands) != len(spec.nodes):
        message = f"{name} reads {len(operands)} nodes, but is given {len(spec.nodes)}"
        help = f"write {name}: [{', '.join(operands).upper()}]"
        raise TrainingError(Diagnostic("wrong-inputs", message, spec.name.span, help=help))
    return found


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
                help=suggestion(name, METRICS, f"the metrics are {known}"),
            )
        )
    return METRICS[name]


@metric("accuracy")
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
    if prediction.ndim == 1 or prediction.shape[1:] == (1,):
        target = _like(prediction, target, "accuracy")
        return _per_sample((prediction >= 0.5) == (target >= 0.5))
    if prediction.ndim > 1 and target.shape == prediction.shape:
        target = target.argmax(axis=-1)
    elif prediction.ndim == 0 or target.shape != prediction.shape[:-1]:
        raise _mismatch("accuracy", prediction, target)
    return _per_sample(prediction.argmax(axis=-1) == target)


@metric("mean_absolute_error")
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


@metric("mean_squared_error")
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


def _difference(prediction: NDArray[Any], target: NDArray[Any], name: str) -> NDArray[np.float64]:
    # In float64, so that unsigned numbers do not wrap and float32 means do not drift.
    exact = prediction.astype(np.float64, copy=False)
    return exact - _like(prediction, target, name).astype(np.float64, copy=False)


def _like(prediction: NDArray[Any], target: NDArray[Any], name: str) -> NDArray[Any]:
    """`target` in the shape of `prediction`, to which it must not be broadcast."""
    if prediction.ndim == 0 or _without_one(prediction.shape) != _without_one(target.shape):
        raise _mismatch(name, prediction, target)
    return target.reshape(prediction.shape)


def _without_one(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:1] if shape[1:] == (1,) else shape


def _per_sample(values: NDArray[Any]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = values.mean(axis=tuple(range(1, values.ndim)), dtype=np.float64)
    return mean


def _mismatch(name: str, prediction: NDArray[Any], target: NDArray[Any]) -> TrainingError:
    return TrainingError(
        Diagnostic(
            "metric-shapes",
            f"{name} cannot compare predictions of shape {list(prediction.shape)} "
            f"with targets of shape {list(target.shape)}",
        )
    )
