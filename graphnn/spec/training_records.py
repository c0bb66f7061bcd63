"""Records of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphnn.spec import forms
from graphnn.spec.forms import key, keys_of
from graphnn.spec.node_records import Reference
from graphnn.spec.values import Map, Scalar, Value

GradientMethod = Literal["backprop", "numerical"]
Keep = Literal["last", "best"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric by name, with the nodes that it reads and its options."""

    name: Scalar
    nodes: tuple[Reference, ...]
    options: Map


@dataclass(frozen=True, slots=True)
class OptimizerSpec:
    """An optimizer by name, with its options."""

    name: Scalar
    options: Map


@dataclass(frozen=True, slots=True)
class AugmentSpec:
    """How training images are changed: the key and its options."""

    key: Scalar
    options: Map


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStoppingSpec:
    """After how many epochs without a better value of a measure to stop."""

    place: Value
    patience: int = key(
        forms.whole(1),
        "Epochs without a better value before it stops.",
        required="say after how many epochs without a better value to stop: {patience: 5}",
    )
    metric: Scalar = key(
        forms.name_of("the name of what is measured", "measure"),
        "What to watch.",
        Scalar("validation_loss"),
        default="validation_loss",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """How to train: everything that reproduces a run but the data itself."""

    place: Value
    data: Map | None = key(
        forms.DATA, "Where the rows come from; without inputs, none are needed.", None
    )
    loss: tuple[Reference, ...] = key(
        forms.LOSSES,
        "A node, or several whose means are added up, with weights in a mapping.",
        (),
        otherwise="every loss op",
    )
    metrics: tuple[MetricSpec, ...] = key(
        forms.METRICS, "What to measure besides, and the nodes that it compares.", ()
    )
    optimizer: OptimizerSpec = key(
        forms.OPTIMIZER,
        "How a gradient moves the parameters.",
        OptimizerSpec(Scalar("sgd"), Map({})),
        default="sgd",
    )
    batch_size: int = key(forms.whole(1), "Rows a step.", 100)
    epochs: int = key(
        forms.whole(1), "How often to go through all rows; without data, the steps.", 10
    )
    seed: int = key(forms.whole(0), "Of every random choice.", 0)
    validation: Value | None = key(
        forms.HELD_BACK,
        "Rows to hold back and measure after each epoch: a number, a fraction, or data.",
        None,
    )
    test: Value | None = key(
        forms.HELD_BACK,
        "Rows to hold back and measure at the end: a number, a fraction, or data.",
        None,
        otherwise="those that the data set apart",
    )
    rows: Scalar | None = key(
        forms.count(1),
        "How many of the remaining rows to train on, from the first.",
        None,
        otherwise="all",
    )
    gradient: GradientMethod = key(
        forms.words(GradientMethod), "Where gradients come from.", "backprop"
    )
    accumulate: int = key(forms.whole(1), "Batches whose mean gradient makes a step.", 1)
    augment: AugmentSpec | None = key(forms.AUGMENT, "How training images are changed.", None)
    early_stopping: EarlyStoppingSpec | None = key(
        forms.section(
            keys_of(EarlyStoppingSpec), lambda reader, entry, _: reader.early_stopping(entry.value)
        ),
        "When to stop before the last epoch.",
        None,
    )
    keep: Keep = key(forms.words(Keep), "Weights of which epoch to keep.", "last")
    stratify: Scalar | None = key(
        forms.name_of("the name of an input", "node"),
        "An input whose classes keep their shares in rows held back.",
        None,
    )


TRAIN = forms.section(
    keys_of(TrainSpec), lambda reader, entry, _: reader.train(entry), layout="lines"
)
