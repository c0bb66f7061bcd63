"""Metrics: what a prediction is worth, from numbers a sample, one class each.

A metric maps predictions and targets to one number for each sample, and the metric of a data set is
the mean of those; so sums over batches of any sizes give the mean of the whole set.
A measure that is not such a mean has a different summary: R^2 follows from the mean of the
squared error and from the mean and the variance of the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from graphnn.diagnostics import Code, Findings, Span, TrainingError, by_word, counted
from graphnn.ops import Array
from graphnn.spec.sizes import Shape, show
from graphnn.spec.training_records import MetricSpec, TrainSpec
from graphnn.training.fitting import declared
from graphnn.training.fitting.declared import Declared, meant_by

METRICS: dict[str, Any] = {}
VALIDATION = "validation_"
_CONFUSION = "'graphnn evaluate -o FOLDER' draws the confusion matrix"
Numbers = NDArray[np.float64]


class Metric(Declared):
    """What predictions are worth, compared with targets.

    Attributes
    ----------
    operands : tuple of str
        What it calls the values of the nodes that it reads.
    higher : bool
        Whether a higher value is the better one.
    classifying : bool
        Whether its nodes are scores of classes, and true classes.
    """

    family: ClassVar[str] = "metric"
    unknown_code: ClassVar[Code] = "unknown-metric"
    invalid_code: ClassVar[Code] = "bad-metric"
    registry: ClassVar[dict[str, Any]] = METRICS
    absent: ClassVar[dict[str, str]] = by_word(
        {
            _CONFUSION: "confusionmatrix",
            "write mean_squared_error, which is the square of it": "rmse rootmeansquarederror",
            "the loss is measured without being named": "loss crossentropy",
        }
    )
    operands: ClassVar[tuple[str, ...]] = ("prediction", "target")
    higher: ClassVar[bool] = False
    classifying: ClassVar[bool] = False

    def check(self, prediction: Shape, target: Shape) -> None:
        """Check that values of these shapes can be compared; (batch,) and (batch, 1) can be.

        Raises
        ------
        TrainingError
            They cannot.
        """
        if not prediction or _without_one(prediction) != _without_one(target):
            raise self._mismatch(prediction, target, "both have the same shape")

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """One or more numbers a sample.

        Parameters
        ----------
        prediction, target : ndarray, shape (batch, ...)

        Returns
        -------
        ndarray, shape (batch, ...)

        Raises
        ------
        TrainingError
            As `check`.
        """
        raise NotImplementedError

    def summary(self, numbers: Numbers) -> Numbers:
        """What is kept of the numbers of many samples: their mean."""
        mean: Numbers = numbers.mean(axis=0)
        return mean

    def merged(self, first: Numbers, second: Numbers, share: float) -> Numbers:
        """One summary of two, where the second has this share in the samples of both."""
        merged: Numbers = first + (second - first) * share
        return merged

    def value(self, summary: Numbers) -> float:
        """The metric of all samples that were summed up."""
        return float(summary)

    def _mismatch(self, prediction: Shape, target: Shape, help: str) -> TrainingError:
        shapes = f"shape {show(prediction)} with targets of shape {show(target)}"
        return self._refused(f"cannot compare predictions of {shapes}", help)

    def _refused(self, problem: str, help: str) -> TrainingError:
        return TrainingError.of("metric-shapes", f"{self.title} {problem}", help=help)

    def _difference(self, prediction: Array, target: Array) -> Numbers:
        # In float64, so that unsigned numbers do not wrap and float32 means do not drift.
        self.check(prediction.shape, target.shape)
        exact = prediction.astype(np.float64, copy=False)
        return exact - target.reshape(prediction.shape).astype(np.float64, copy=False)


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as a spec asks for it.

    Attributes
    ----------
    metric : Metric
    nodes : tuple of str
        Whose values it compares.
    place : Span or None
        Where the spec asks for it.
    ignored : int or None
        Class number of targets that are not measured.
    """

    metric: Metric
    nodes: tuple[str, ...]
    place: Span | None = None
    ignored: int | None = None

    def check(self, shapes: Sequence[Shape]) -> None:
        """Check that nodes of these shapes can be compared.

        Raises
        ------
        TrainingError
            They cannot.
        """
        try:
            self.metric.check(*shapes)
        except TrainingError as error:
            found = error.diagnostics[0]
            raise TrainingError(replace(found, span=self.place)) from None

    def summary(self, values: Mapping[str, Array]) -> tuple[Numbers, int]:
        """The summary of a batch, from the values of its nodes, and how many samples it is of.

        Where a class is ignored, each classification of a sample counts as one.
        """
        read = [values[node] for node in self.nodes]
        if self.ignored is not None:
            kept = read[-1] != self.ignored
            read = [array[kept] for array in read]
        count = len(read[0])
        return (self.metric.summary(self.metric.numbers(*read)) if count else np.zeros(())), count


def fit(spec: MetricSpec) -> Measure:
    """What `spec` asks for, once it is sure that it can be measured on the nodes listed.

    Raises
    ------
    TrainingError
        There is no such metric, it reads another number of nodes, or an option makes no sense.
    """
    name, findings = str(spec.name.value), Findings()
    kind: type[Metric] | None = METRICS.get(name)
    sound = all(node.name for node in spec.nodes)
    if kind is not None and len(kind.operands) != len(spec.nodes) and sound:
        message = (
            f"{name} reads {counted(len(kind.operands), 'node')}, but is given {len(spec.nodes)}"
        )
        help = f"write {name}: [{', '.join(kind.operands).upper()}]"
        raise TrainingError.of("wrong-inputs", message, spec.name.span, help=help)
    metric = declared.find(Metric, spec.name, spec.options, findings)
    findings.raise_errors(TrainingError)
    assert metric is not None
    options = [entry.value.span for entry in spec.options.entries.values()]
    nodes = tuple(reference.name for reference in spec.nodes)
    return Measure(metric, nodes, options[0] if options else spec.name.span)


def measures(train: TrainSpec, *, validated: bool | None = None) -> list[str]:
    """Names of what is measured after each epoch, where a metric misspelt is what it means.

    Parameters
    ----------
    train : TrainSpec
    validated : bool, optional
        Whether there are validation rows, too; by default as `train` says.
    """
    if validated is None:
        validated = train.validation is not None
    written = [str(spec.name.value) for spec in train.metrics]
    names = ["loss", *(n if n in METRICS else meant_by(Metric, n) or n for n in written)]
    return [*names, *(VALIDATION + name for name in names if validated)]


class Accuracy(Metric):
    """Share of right classifications: the mean of ``[class(prediction) = class(target)]``.

    `prediction` has a score a class, shape (batch, ..., classes), the highest (of equals: the
    first) being the class predicted; with one value a sample, shape (batch, 1) or (batch,), the
    probability of class 1, which is predicted from 0.5 up. `target` has class numbers, of the shape
    of `prediction` without its last axis, or one-hot rows, of the same shape; with one value a
    sample: the class, 0 or 1. Of several classifications a sample, their mean counts. What a loss
    ignores by the `ignored_class` of that target is left out, as by all metrics of classes.

    References
    ----------
    One minus the 0-1 loss of T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical
    Learning, 2nd edition, 2009, section 7.2.
    """

    name: Literal["accuracy"] = "accuracy"

    elsewhere: ClassVar[tuple[str, ...]] = (
        *("acc", "accuracyscore", "binaryaccuracy", "categoricalaccuracy", "multiclassaccuracy"),
        *("sparsecategoricalaccuracy", "top1", "top1accuracy"),
    )
    higher: ClassVar[bool] = True
    classifying: ClassVar[bool] = True

    def check(self, prediction: Shape, target: Shape) -> None:
        """As of `Metric`; class numbers go with scores of classes."""
        if len(prediction) == 1 or prediction[1:] == (1,):
            super().check(prediction, target)
        elif not prediction or target not in (prediction, prediction[:-1]):
            raise self._mismatch(prediction, target, _class_shapes(prediction))

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """1 or 0 a sample."""
        self.check(prediction.shape, target.shape)
        if prediction.ndim == 1 or prediction.shape[1:] == (1,):
            target = target.reshape(prediction.shape)
            return _per_sample((prediction >= 0.5) == (target >= 0.5))
        return _per_sample(prediction.argmax(axis=-1) == _class_numbers(prediction, target))


class TopKAccuracy(Metric):
    """Share of samples whose class is among the `k` that score highest.

    `prediction` has a score a class, shape (batch, ..., classes); of equal ones the first is the
    higher. `target` has class numbers, of the shape of `prediction` without its last axis, or
    one-hot rows, of the same shape. Of several classifications a sample, their mean counts.

    References
    ----------
    The top-5 error, one minus this, of O. Russakovsky et al., ImageNet Large Scale Visual
    Recognition Challenge, IJCV 115, 2015, section 4.1.
    """

    name: Literal["top_k_accuracy"] = "top_k_accuracy"
    k: int = Field(5, ge=1, description="Among how many classes; at most as many as there are.")

    elsewhere: ClassVar[tuple[str, ...]] = (
        *("top5", "top5accuracy", "topk", "topkcategoricalaccuracy"),
        *("sparsetopkcategoricalaccuracy", "topkaccuracyscore"),
    )
    higher: ClassVar[bool] = True
    classifying: ClassVar[bool] = True

    def check(self, prediction: Shape, target: Shape) -> None:
        """As of `Metric`; class numbers go with scores of at least `k` classes."""
        if len(prediction) < 2 or target not in (prediction, prediction[:-1]):
            raise self._mismatch(prediction, target, _class_shapes(prediction))
        classes = prediction[-1]
        if isinstance(classes, int) and self.k > classes:
            message = f"cannot look among the {self.k} best of {classes} classes"
            raise self._refused(message, f"give it a 'k' of at most {classes}")

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """1 or 0 a sample."""
        self.check(prediction.shape, target.shape)
        target = _class_numbers(prediction, target)
        best = np.argsort(-prediction, axis=-1, kind="stable")[..., : self.k]
        return _per_sample((best == target[..., np.newaxis]).any(axis=-1))


class _OfClasses(Metric):
    """What is measured of each class: predictions and targets as of `Accuracy`, one a sample.

    Of several classes the mean counts. With one value a sample, the probability of class 1, it is
    measured of class 1 alone.
    """

    higher: ClassVar[bool] = True
    classifying: ClassVar[bool] = True

    def check(self, prediction: Shape, target: Shape) -> None:
        """As of `Metric`; class numbers go with scores of classes."""
        if len(prediction) == 1 or prediction[1:] == (1,):
            super().check(prediction, target)
        elif len(prediction) != 2 or target not in (prediction, prediction[:1]):
            shapes = prediction if len(prediction) == 2 else ()
            raise self._mismatch(prediction, target, _class_shapes(shapes))

    def _columns(self, prediction: Array, target: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Scores, and which class is the true one, a column a class that is measured."""
        self.check(prediction.shape, target.shape)
        if prediction.ndim == 1 or prediction.shape[1] == 1:
            return prediction.reshape(-1, 1), target.reshape(-1, 1) >= 0.5
        classes = np.arange(prediction.shape[1])
        return prediction, _class_numbers(prediction, target)[:, np.newaxis] == classes


class _OfCounts(_OfClasses):
    """What follows from how often each class is predicted, true, and both."""

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """1 or 0 for both, predicted and true, shape (batch, 3, classes)."""
        scores, true = self._columns(prediction, target)
        if scores.shape[1] == 1:
            predicted = scores >= 0.5
        else:
            predicted = scores.argmax(axis=1)[:, np.newaxis] == np.arange(scores.shape[1])
        return np.stack([predicted & true, predicted, true], axis=1).astype(np.float64)

    def value(self, summary: Numbers) -> float:
        """The mean over the classes; 0 of a class of which there is nothing to divide by."""
        both, predicted, true = summary
        whole = self._whole(predicted, true)
        return float((both / np.where(whole > 0, whole, 1)).mean())

    def _whole(self, predicted: Array, true: Array) -> Array:
        """What the share of those both predicted and true is taken of."""
        raise NotImplementedError


class Precision(_OfCounts):
    """Share of the samples predicted to be of a class that are: the mean over the classes.

    0 for a class that is never predicted. With one value a sample, of class 1 alone.

    References
    ----------
    C. J. van Rijsbergen, Information Retrieval, 2nd edition, 1979, chapter 7; the mean over the
    classes is the macro average of D. D. Lewis, Evaluating text categorization, HLT 1991.
    """

    name: Literal["precision"] = "precision"

    elsewhere: ClassVar[tuple[str, ...]] = ("precisionscore", "positivepredictivevalue", "ppv")

    def _whole(self, predicted: Array, true: Array) -> Array:
        return predicted


class Recall(_OfCounts):
    """Share of the samples of a class that are predicted to be: the mean over the classes.

    0 for a class that no sample has. With one value a sample, of class 1 alone.

    References
    ----------
    As `precision`.
    """

    name: Literal["recall"] = "recall"

    elsewhere: ClassVar[tuple[str, ...]] = ("recallscore", "sensitivity", "truepositiverate")

    def _whole(self, predicted: Array, true: Array) -> Array:
        return true


class F1(_OfCounts):
    """Harmonic mean of precision and recall of a class: the mean over the classes.

    With one value a sample, of class 1 alone.

    References
    ----------
    The F-measure for equal weights of C. J. van Rijsbergen, Information Retrieval, 2nd edition,
    1979, chapter 7.
    """

    name: Literal["f1"] = "f1"

    elsewhere: ClassVar[tuple[str, ...]] = ("f1score", "fscore", "fmeasure", "dice")

    def _whole(self, predicted: Array, true: Array) -> Array:
        whole: Array = (predicted + true) / 2
        return whole


class AUC(_OfClasses):
    """Area under the ROC curve of a class against all others: the mean over the classes.

    It is the chance that a sample of the class scores higher than another, where equal scores count
    half. 0.5 for a class that no sample has, or every one. With one value a sample, of class 1
    alone.

    References
    ----------
    J. A. Hanley and B. J. McNeil, The meaning and use of the area under a receiver operating
    characteristic (ROC) curve, Radiology 143, 1982.
    """

    name: Literal["auc"] = "auc"

    elsewhere: ClassVar[tuple[str, ...]] = ("rocauc", "rocaucscore", "auroc", "roc")

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """Scores, and 1 or 0 for the true class, shape (batch, 2, classes)."""
        return np.stack(self._columns(prediction, target), axis=1).astype(np.float64)

    def summary(self, numbers: Numbers) -> Numbers:
        """All of them: ranks need every score."""
        return numbers

    def merged(self, first: Numbers, second: Numbers, share: float) -> Numbers:
        """The numbers of both."""
        return np.concatenate([first, second])

    def value(self, summary: Numbers) -> float:
        """The mean over the classes of the share of pairs in the right order."""
        areas = [_area(*summary[:, :, column].T) for column in range(summary.shape[2])]
        return float(np.mean(areas))


class MeanAbsoluteError(Metric):
    """Mean of ``|prediction - target|`` over all values of a sample.

    References
    ----------
    The absolute error of T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical
    Learning, 2nd edition, 2009, section 7.2.
    """

    name: Literal["mean_absolute_error"] = "mean_absolute_error"

    elsewhere: ClassVar[tuple[str, ...]] = ("mae", "l1", "l1loss")

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """The error of each sample."""
        return _per_sample(np.abs(self._difference(prediction, target)))


class MeanSquaredError(Metric):
    """Mean of ``(prediction - target)^2`` over all values of a sample.

    References
    ----------
    The squared error of T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical
    Learning, 2nd edition, 2009, section 7.2.
    """

    name: Literal["mean_squared_error"] = "mean_squared_error"

    elsewhere: ClassVar[tuple[str, ...]] = ("mse", "l2", "mseloss")

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """The error of each sample."""
        return _per_sample(np.square(self._difference(prediction, target)))


class RSquared(Metric):
    """Share of the targets' variance that is explained: ``1 - mean (y-t)^2 / mean (t - mean t)^2``.

    Where a sample has several values, the mean of their R^2. Of targets that are all the same, 1
    when every prediction is exact, else 0.

    References
    ----------
    The coefficient of determination of N. R. Draper, H. Smith, Applied Regression Analysis, 3rd
    edition, 1998, section 1.3.
    """

    name: Literal["r_squared"] = "r_squared"

    elsewhere: ClassVar[tuple[str, ...]] = ("r2", "r2score", "coefficientofdetermination")
    higher: ClassVar[bool] = True

    def numbers(self, prediction: Array, target: Array) -> Numbers:
        """Squared error and target, shape (batch, 2, values)."""
        error = self._difference(prediction, target)
        true = target.astype(np.float64, copy=False).reshape(error.shape)
        numbers = np.stack([np.square(error), true], axis=1)
        return numbers.reshape(len(error), 2, int(np.prod(error.shape[1:])))

    def summary(self, numbers: Numbers) -> Numbers:
        """Mean of the squared error, mean and variance of the target, a column a value."""
        error, target = numbers.mean(axis=0)
        return np.stack([error, target, np.square(numbers[:, 1] - target).mean(axis=0)])

    def merged(self, first: Numbers, second: Numbers, share: float) -> Numbers:
        """The same of two parts, whose variances do not lose the digits that their means share.

        T. F. Chan, G. H. Golub and R. J. LeVeque, Updating formulae and a pairwise algorithm for
        computing sample variances, COMPSTAT 1982, eq. 2.1.
        """
        merged = super().merged(first, second, share)
        merged[2] += np.square(second[1] - first[1]) * (share * (1 - share))
        return merged

    def value(self, summary: Numbers) -> float:
        """R^2, the mean over the values of a sample."""
        error, mean, variance = summary
        rounding = np.square(8 * np.finfo(np.float64).eps * mean)
        constant = variance <= rounding
        found = 1 - error / np.where(constant, 1, variance)
        return float(np.where(constant, error <= rounding, found).mean())


def _area(scores: Numbers, true: Numbers) -> float:
    """Share of the pairs of a true sample and another that are in order, from the sum of ranks."""
    inside, outside = true.sum(), (1 - true).sum()
    if not inside or not outside:
        return 0.5
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # equal scores have the mean of their ranks
    below = ranks[place] @ true - inside * (inside + 1) / 2
    return float(below / (inside * outside))


def _class_shapes(scores: Shape) -> str:
    if len(scores) < 2:
        return "it compares a score for each class, [batch, classes]"
    return f"class numbers have shape {show(scores[:-1])}, one-hot rows {show(scores)}"


def _class_numbers(scores: Array, target: Array) -> Array:
    """The classes of `target`, numbers or one-hot rows, as numbers."""
    numbers: Array = target.argmax(axis=-1) if target.shape == scores.shape else target
    return numbers


def _without_one(shape: Shape) -> Shape:
    return shape[:1] if shape[1:] == (1,) else shape


def _per_sample(values: Array) -> Numbers:
    mean: Numbers = values.mean(axis=tuple(range(1, values.ndim)), dtype=np.float64)
    return mean
