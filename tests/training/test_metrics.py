"""Metrics against tables worked out by hand, and their means over batches."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import Source, TrainingError
from graphnn.spec.node_records import Reference
from graphnn.spec.training_records import MetricSpec
from graphnn.spec.values import Map, Scalar
from graphnn.training import METRICS, Means
from graphnn.training.data.dataset import Dataset
from graphnn.training.fitting import measuring
from graphnn.training.fitting.measuring import confusion_matrix
from graphnn.training.fitting.metrics import fit
from located import located_yaml, marked, reported
from tables import cases

accuracy, top_k_accuracy, mean_absolute_error, mean_squared_error = (
    METRICS[name]().numbers
    for name in ("accuracy", "top_k_accuracy", "mean_absolute_error", "mean_squared_error")
)

NODES = (Reference("y", Scalar("y")), Reference("t", Scalar("t")))
MEANS = ("accuracy", "mean_absolute_error", "mean_squared_error")
SCORES = np.array(
    [
        [0.1, 0.7, 0.2],  # class 1
        [0.5, 0.3, 0.2],  # class 0
        [0.2, 0.2, 0.6],  # class 2
        [0.4, 0.4, 0.2],  # classes 0 and 1 are equal: 0
        [-9.0, -3.0, -5.0],  # class 1: any scores do, not only probabilities
    ]
)


def test_names() -> None:
    assert list(METRICS) == [
        *("accuracy", "top_k_accuracy", "precision", "recall", "f1", "auc", "mean_absolute_error"),
        *("mean_squared_error", "r_squared"),
    ]


@cases("""
    name | help
    acuracy | did you mean 'accuracy'?
    mean_square_error | did you mean 'mean_squared_error'?
    confusion_matrix | 'graphnn evaluate -o FOLDER' draws the confusion matrix
    quux
        | the metrics are accuracy, auc, f1, mean_absolute_error, mean_squared_error, precision,
        r_squared, recall, top_k_accuracy
""")
def test_an_unknown_name(name: str, help: str) -> None:
    text = f"metrics: {{{name}: [y, t]}}"
    with pytest.raises(TrainingError) as error:
        place = Scalar(name, Source("spec.yaml", text), 0, 10, 0, 10 + len(name))
        fit(MetricSpec(place, NODES, Map({})))
    assert reported(error) == [("unknown-metric", f"there is no metric '{name}'", help)]
    assert marked(error.value.diagnostics[0]) == name


# ---------------------------------------------------------------- accuracy


@pytest.mark.parametrize(
    ("target", "right"),
    [
        ([1, 0, 2, 0, 1], [1, 1, 1, 1, 1]),
        ([0, 1, 2, 1, 2], [0, 0, 1, 0, 0]),
        ([1, 0, 0, 0, 0], [1, 1, 0, 1, 0]),
    ],
)
def test_accuracy_by_class_number_and_by_one_hot_row(target: list, right: list) -> None:
    numbers = accuracy(SCORES, np.array(target))
    assert numbers.dtype == np.float64
    assert numbers.tolist() == right
    assert accuracy(SCORES, np.array(target, np.uint8)).tolist() == right
    assert accuracy(SCORES, np.eye(3)[target]).tolist() == right


@pytest.mark.parametrize("shapes", [((6,), (6,)), ((6, 1), (6,)), ((6,), (6, 1)), ((6, 1), (6, 1))])
def test_accuracy_of_one_probability(shapes) -> None:
    prediction = np.array([0.0, 0.49, 0.5, 0.51, 1.0, 0.2]).reshape(shapes[0])
    target = np.array([0, 0, 1, 1, 0, 1]).reshape(shapes[1])
    assert accuracy(prediction, target).tolist() == [1, 1, 1, 1, 0, 0]


def test_accuracy_of_several_classifications_a_sample() -> None:
    prediction = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.7, 0.3]]])  # 0 1, 0 0
    assert accuracy(prediction, np.array([[0, 0], [0, 0]])).tolist() == [0.5, 1.0]


# ---------------------------------------------------------------- top k


@pytest.mark.parametrize(
    ("k", "right"),
    # The orders of the classes in SCORES: 1 2 0, 0 1 2, 2 0 1, 0 1 2, 1 2 0.
    [(1, [0, 0, 1, 0, 0]), (2, [1, 0, 1, 1, 0]), (3, [1, 1, 1, 1, 1])],
)
def test_top_k_by_hand(k: int, right: list) -> None:
    target = np.array([2, 2, 2, 1, 0])
    assert METRICS["top_k_accuracy"](k=k).numbers(SCORES, target).tolist() == right
    assert METRICS["top_k_accuracy"](k=k).numbers(SCORES, np.eye(3)[target]).tolist() == right


def test_top_1_is_the_accuracy_of_equal_scores_too() -> None:
    scores = np.random.default_rng(0).integers(0, 3, (200, 4)).astype(float)
    target = np.random.default_rng(1).integers(0, 4, 200)
    one = METRICS["top_k_accuracy"](k=1).numbers(scores, target)
    assert one.tolist() == accuracy(scores, target).tolist()
    assert 0 < one.mean() < 1


def test_more_than_all_classes() -> None:
    with pytest.raises(TrainingError) as error:
        top_k_accuracy(SCORES, np.zeros(5, int))
    message = "top_k_accuracy cannot look among the 5 best of 3 classes"
    assert reported(error) == [("metric-shapes", message, "give it a 'k' of at most 3")]


# ---------------------------------------------------------------- R^2


def over_batches(name: str, size: int, prediction: np.ndarray, target: np.ndarray) -> float:
    """The metric of data that come in batches of `size`."""
    means = Means((fit(MetricSpec(Scalar(name), NODES, Map({}))),))
    for start in range(0, len(target), size):
        rows = slice(start, start + size)
        means.add(0.0, {"y": prediction[rows], "t": target[rows]}, len(target[rows]))
    return means.row()[name]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_r_squared_by_hand(size: int) -> None:
    # Targets 1 2 3 6 with mean 3 differ from it by 4 + 1 + 0 + 9 = 14; errors are 1 + 4 = 5.
    prediction, target = np.array([2.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 6.0])
    assert over_batches("r_squared", size, prediction, target) == pytest.approx(9 / 14, rel=1e-14)
    column = over_batches("r_squared", size, prediction[:, None], target)
    assert column == pytest.approx(9 / 14, rel=1e-14)
    # A second value explained wholly, and a third predicted by its mean: 1 and 0.
    both = np.stack([prediction, target, np.full(4, 3.0)], 1)
    found = over_batches("r_squared", size, both, np.stack([target] * 3, 1))
    assert found == pytest.approx((9 / 14 + 1 + 0) / 3, rel=1e-14)


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9, -1e12])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_r_squared_keeps_its_digits_however_large_the_mean_is(offset: float, size: int) -> None:
    # Multiples of 1/16 with the offset are exact, so R^2 does not depend on it; by fractions.
    rng = np.random.default_rng(0)
    target = rng.integers(-64, 64, 100) / 16
    prediction = target + rng.integers(-8, 9, 100) / 16
    exact = [Fraction(t) for t in target]
    mean = sum(exact) / 100
    error = sum((Fraction(p) - t) ** 2 for p, t in zip(prediction, exact, strict=True))
    wanted = float(1 - error / sum((t - mean) ** 2 for t in exact))
    found = over_batches("r_squared", size, prediction + offset, target + offset)
    # A mean is known to 2e-16 of itself, against a spread of 4.
    assert found == pytest.approx(wanted, rel=1e-12 + 1e-15 * abs(offset), abs=0)


def test_r_squared_of_targets_that_are_all_the_same() -> None:
    target = np.full(7, 0.1)
    assert over_batches("r_squared", 2, target, target) == 1.0
    assert over_batches("r_squared", 2, target + 0.5, target) == 0.0


# ---------------------------------------------------------------- the confusion matrix


def test_confusion_by_hand() -> None:
    found = confusion_matrix(np.array([0, 1, 1, 2, 0]), np.array([0, 0, 1, 1, 0]), 3)
    assert found.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 0]]


# ---------------------------------------------------------------- options


@cases("""
    name | option | message | help
    top_k_accuracy | n: 3 | the metric 'top_k_accuracy' has no option 'n' | its options are k
    top_k_accuracy | kk: 3 | the metric 'top_k_accuracy' has no option 'kk' | did you mean 'k'?
    accuracy | k: 3 | the metric 'accuracy' has no option 'k' | it has no options
    top_k_accuracy | k: 0 | 'k' of 'top_k_accuracy' must be at least 1, not 0 |
    top_k_accuracy | k: [3] | 'k' of 'top_k_accuracy' must be a whole number, not a list |
""")
def test_options_that_make_no_sense(name: str, option: str, message: str, help: str) -> None:
    options = located_yaml(f"{{{option}}}")
    with pytest.raises(TrainingError) as error:
        fit(MetricSpec(Scalar(name), NODES, options))
    assert reported(error) == [("bad-metric", message, help)]


# ---------------------------------------------------------------- errors of numbers


def test_absolute_and_squared_error_by_hand() -> None:
    prediction = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 3.0]])
    target = np.array([[1.0, 0.0], [3.0, 3.0], [3.0, 3.0]])
    assert mean_absolute_error(prediction, target).tolist() == [1.0, 3.5, 0.0]
    assert mean_squared_error(prediction, target).tolist() == [2.0, 12.5, 0.0]


def test_all_axes_of_a_sample_are_averaged() -> None:
    prediction = np.zeros((1, 2, 2))
    target = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    assert mean_absolute_error(prediction, target).tolist() == [2.5]
    assert mean_squared_error(prediction, target).tolist() == [7.5]


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((3, 1), (3,)), ((3,), (3, 1)), ((3, 1), (3, 1))])
def test_one_value_a_sample_is_never_broadcast(shapes) -> None:
    prediction = np.array([1.0, 2.0, 4.0]).reshape(shapes[0])
    target = np.array([3, 2, 1]).reshape(shapes[1])
    assert mean_absolute_error(prediction, target).tolist() == [2.0, 0.0, 3.0]
    assert mean_squared_error(prediction, target).tolist() == [4.0, 0.0, 9.0]


def test_differences_of_unsigned_and_single_numbers_are_taken_in_float64() -> None:
    unsigned = np.array([0, 255], np.uint8)
    assert mean_absolute_error(unsigned, unsigned[::-1]).tolist() == [255.0, 255.0]
    single = np.array([[0.1, 16777216.0]], np.float32)
    target = np.array([[0.0, 0.0]], np.float32)
    exact = (Fraction(float(np.float32(0.1))) + 16777216) / 2
    assert mean_absolute_error(single, target).tolist() == [float(exact)]


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_sums_over_batches_give_the_mean_of_the_whole(name: str, size: int) -> None:
    rng = np.random.default_rng(0)
    # Multiples of 1/8 with few digits: every sum is exact in binary.
    prediction, target = rng.integers(-8, 8, size=(2, 20, 4)) / 8
    metric = METRICS[name]()
    total = sum(
        metric.numbers(prediction[i : i + size], target[i : i + size]).sum()
        for i in range(0, 20, size)
    )
    pairs = list(zip(prediction.tolist(), target.tolist(), strict=True))
    by_hand = {
        "accuracy": [p.index(max(p)) == t.index(max(t)) for p, t in pairs],
        "mean_absolute_error": [
            sum(abs(Fraction(a) - Fraction(b)) for a, b in zip(p, t, strict=True)) / 4
            for p, t in pairs
        ],
        "mean_squared_error": [
            sum((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(p, t, strict=True)) / 4
            for p, t in pairs
        ],
    }
    assert total / 20 == float(Fraction(sum(by_hand[name])) / 20)


@pytest.mark.parametrize("name", [*MEANS, "r_squared"])
@pytest.mark.parametrize("shape", [(0,), (0, 1), (0, 3)])
def test_an_empty_batch_gives_no_numbers(name: str, shape: tuple[int, ...]) -> None:
    assert METRICS[name]().numbers(np.zeros(shape), np.zeros(shape)).tolist() == []


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ((8, 10), (7,)),
        ((8, 10), (7, 10)),
        ((8, 10), (8, 9)),
        ((8, 1), (8, 8)),
        ((), ()),
        ((8,), ()),
    ],
)
def test_shapes_that_do_not_fit(name: str, prediction, target) -> None:
    with pytest.raises(TrainingError) as error:
        METRICS[name]().numbers(np.zeros(prediction), np.zeros(target))
    message = (
        f"{name} cannot compare predictions of shape {list(prediction)} "
        f"with targets of shape {list(target)}"
    )
    help = "both have the same shape"
    if name == "top_k_accuracy" or (METRICS[name].classifying and prediction in ((), (8, 10))):
        rows = "class numbers have shape [8], one-hot rows "
        help = "it compares a score for each class, [batch, classes]"
        if len(prediction) == 2:
            help = f"{rows}{list(prediction)}"
    assert reported(error) == [("metric-shapes", message, help)]


def test_an_error_of_numbers_does_not_take_class_numbers() -> None:
    with pytest.raises(TrainingError) as error:
        mean_squared_error(SCORES, np.zeros(5))
    message = (
        "mean_squared_error cannot compare predictions of shape [5, 3] with targets of shape [5]"
    )
    assert reported(error) == [("metric-shapes", message, "both have the same shape")]


# ---------------------------------------------------------------- precision, recall, F1, AUC


def measured_in_parts(name: str, scores: np.ndarray, target: np.ndarray, size: int) -> float:
    """The metric of rows that come in batches."""
    measure = fit(MetricSpec(Scalar(name), NODES, Map({})))
    means = Means((measure,))
    for start in range(0, len(scores), size):
        rows = slice(start, start + size)
        part = {"y": scores[rows], "t": target[rows]}
        means.add(0.0, part, len(part["y"]))
    return means.row()[name]


# Classes predicted by SCORES: 1, 0, 2, 0, 1.
BY_HAND = {
    "precision": (1 / 2 + 1 / 2 + 1) / 3,
    "recall": (1 / 2 + 1 + 1 / 2) / 3,
    "f1": (1 / 2 + 2 / 3 + 2 / 3) / 3,
}


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize(("name", "value"), BY_HAND.items())
def test_measures_of_classes_by_hand(name: str, value: float, size: int) -> None:
    target = np.array([0, 0, 2, 2, 1])
    assert measured_in_parts(name, SCORES, target, size) == pytest.approx(value, abs=1e-15)
    assert measured_in_parts(name, SCORES, np.eye(3)[target], size) == pytest.approx(value)


def test_auc_is_the_share_of_pairs_in_order() -> None:
    scores, target = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1])
    # Of the four pairs three are in order, and one is of equal scores.
    assert measured_in_parts("auc", scores, target, 3) == 3.5 / 4
    assert measured_in_parts("auc", scores[:, np.newaxis], target, 1) == 3.5 / 4
    assert measured_in_parts("auc", scores, np.ones(4), 4) == 0.5


@pytest.mark.parametrize("name", ["precision", "recall", "f1", "auc"])
@pytest.mark.parametrize("classes", [1, 2, 4])
def test_measures_of_classes_by_scikit_learn(name: str, classes: int) -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(classes)
    target = rng.integers(max(2, classes), size=200)
    scores = rng.integers(1, 20, size=(200, classes)) / 20  # many are equal
    if classes > 1:
        scores = scores / scores.sum(axis=1, keepdims=True)
    average = "binary" if classes == 1 else "macro"
    predicted = scores[:, 0] >= 0.5 if classes == 1 else scores.argmax(axis=1)
    if name == "auc":
        one_hot = target if classes == 1 else np.eye(classes)[target]
        expected = oracle.roc_auc_score(one_hot, scores[:, 0] if classes == 1 else scores)
    else:
        function = getattr(oracle, "f1_score" if name == "f1" else f"{name}_score")
        expected = function(target, predicted, average=average, zero_division=0)
    assert measured_in_parts(name, scores, target, 7) == pytest.approx(expected, abs=1e-12)


# ---------------------------------------------------------------- an ignored class

TAGGED = """
graphnn: 1
nodes:
  y: {op: input, shape: [batch, 3, 2]}
  t: {op: input, shape: [batch, 3], dtype: int}
  p: {op: softmax, inputs: y}
  loss: {op: cross_entropy, inputs: [p, t], ignored_class: %s}
train:
  metrics: {accuracy: [p, t], top_k_accuracy: {inputs: [p, t], k: 1}}
"""


@pytest.mark.parametrize("ignored", [-1, 0])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_the_loss_ignores_is_not_measured(ignored, size, monkeypatch):
    monkeypatch.setattr(measuring, "_EVALUATED", size)
    rng = np.random.default_rng(0)
    y, t = rng.normal(size=(4, 3, 2)), rng.integers(0, 2, (4, 3))
    t[np.arange(3) >= np.array([3, 1, 2, 0])[:, None]] = ignored
    kept = t != ignored
    assert 0 < kept.sum() <= 6
    found = graphnn.evaluate(graphnn.loads(TAGGED % ignored), data={"y": y, "t": t})
    shares = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shares, np.where(kept, t, 0)[..., None], axis=-1)[..., 0]
    right = (y.argmax(axis=-1) == t)[kept].mean()
    assert found.values["loss"] == pytest.approx(-np.log(chosen)[kept].mean(), rel=1e-13)
    assert (
        found.values["accuracy"]
        == found.values["top_k_accuracy"]
        == pytest.approx(right, rel=1e-13)
    )


def test_where_no_sample_counts_nothing_is_measured():
    batch = {"y": np.zeros((2, 3, 2)), "t": np.full((2, 3), -1)}
    found = graphnn.evaluate(graphnn.loads(TAGGED % -1), data=batch)
    assert found.values["loss"] == 0
    assert math.isnan(found.values["accuracy"])


def test_an_ignored_class_is_not_in_the_matrix_of_confusion_and_no_mistake():
    spec = """
graphnn: 1
nodes:
  y: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  p: {op: softmax, inputs: y}
  loss: {op: cross_entropy, inputs: [p, t], ignored_class: 1}
train: {metrics: {accuracy: [p, t], precision: [p, t]}}
"""
    net = graphnn.loads(spec)
    rows = {"y": np.eye(3)[[0, 1, 2, 0]], "t": np.array([0, 1, 2, 1])}
    classified = measuring.Measuring(net, net.graph.spec.train).classified(Dataset(rows, "rows"))
    assert classified.matrix.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert (classified.predicted == classified.actual).all()
    assert graphnn.evaluate(net, data=rows).values["accuracy"] == 1
