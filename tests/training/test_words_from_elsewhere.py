"""Names from other libraries: each is answered with what it is called here, or what is nearest."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.training import METRICS, OPTIMIZERS, SCHEDULES, SOURCES
from tables import cases

SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train: {loss: loss, data: {npz: rows.npz}, ENTRY}
"""
ADAM = "the nearest is adam, or adamw with decoupled weight decay"
MATRIX = "'graphnn evaluate -o FOLDER' draws the confusion matrix"


def help_with(tmp_path, entry: str) -> str:
    text = SPEC.replace("ENTRY", entry)
    if entry.startswith("data:"):
        text = text.replace("data: {npz: rows.npz}, ", "")
    errors = [e for e in graphnn.diagnose_text(text, folder=tmp_path) if e.severity == "error"]
    (found,) = errors
    return found.help


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *((name, "sgd") for name in ("SGD", "GradientDescent", "gd")),
        *((name, "momentum") for name in ("sgd_momentum", "SGDM", "Momentum")),
        *((name, "nesterov") for name in ("NAG", "nesterov_momentum")),
        *((name, "adam") for name in ("Adam", "ADAM", "AdamOptimizer")),
        *((name, "adamw") for name in ("AdamW", "adam_w")),
        *((name, "rmsprop") for name in ("RMSprop", "RMSProp", "rms_prop")),
        *((name, "adagrad") for name in ("Adagrad", "AdaGrad")),
    ],
)
def test_optimizers(tmp_path, name, meant):
    assert help_with(tmp_path, f"optimizer: {name}") == f"did you mean '{meant}'?"
    assert meant in OPTIMIZERS


@pytest.mark.parametrize(
    ("name", "help"),
    [
        *((name, ADAM) for name in ("Adamax", "Nadam", "RAdam", "Lion", "AMSGrad")),
        *((name, "the nearest is rmsprop") for name in ("Adadelta", "Adafactor", "Rprop")),
        ("L-BFGS", "every optimizer here takes first derivatives alone; adam needs least tuning"),
    ],
)
def test_optimizers_that_there_are_not(tmp_path, name, help):
    assert help_with(tmp_path, f"optimizer: {name}") == help


@pytest.mark.parametrize(
    ("optimizer", "meant"),
    [
        ("{sgd: {lr: 1}}", "learning_rate"),
        ("{adam: {eps: 1}}", "epsilon"),
        ("{adam: {betas: 1}}", "beta1"),
        ("{adam: {beta_2: 1}}", "beta2"),
        ("{rmsprop: {rho: 1}}", "alpha"),
        ("{sgd: {clipnorm: 1}}", "clip_norm"),
        ("{sgd: {decay: 1}}", "weight_decay"),
        ("{sgd: {lr_scheduler: step}}", "schedule"),
        ("{sgd: {schedule: {step: {step_size: 1}}}}", "every"),
        ("{sgd: {schedule: {step: {every: 1, gamma: 1}}}}", "factor"),
        ("{sgd: {schedule: {cosine: {eta_min: 1}}}}", "floor"),
        ("{sgd: {schedule: {cosine: {warmup_epochs: 1}}}}", "warm_up"),
    ],
)
def test_options(tmp_path, optimizer, meant):
    assert help_with(tmp_path, f"optimizer: {optimizer}") == f"did you mean '{meant}'?"


def test_an_option_that_only_others_have_is_not_offered(tmp_path):
    options = "its options are learning_rate, weight_decay, clip_norm, schedule"
    assert help_with(tmp_path, "optimizer: {sgd: {rho: 1}}") == options


@cases("""
    name | help
    CosineAnnealingLR | did you mean 'cosine'?
    CosineDecay | did you mean 'cosine'?
    StepLR | did you mean 'step'?
    fixed | did you mean 'constant'?
    ExponentialLR | write {step: {every: 1, factor: ...}}, the same from epoch to epoch
    LinearLR | the nearest is cosine, which ends at 0 too
    PolynomialDecay | the nearest is cosine, which ends at 0 too
    OneCycleLR | the nearest is {cosine: {warm_up: EPOCHS}}
    ReduceLROnPlateau
        | no schedule watches a metric; the nearest is step, with 'early_stopping' beside it
    MultiStepLR | the nearest is step, in equal steps
    CosineAnnealingWarmRestarts | no schedule repeats itself; the nearest is cosine
""")
def test_schedules(tmp_path, name, help):
    assert help_with(tmp_path, f"optimizer: {{sgd: {{schedule: {name}}}}}") == help


@pytest.mark.parametrize(
    ("name", "help"),
    [
        *(
            (name, "did you mean 'accuracy'?")
            for name in ("acc", "Accuracy", "sparse_categorical_accuracy", "BinaryAccuracy")
        ),
        *((name, "did you mean 'top_k_accuracy'?") for name in ("top5", "TopKCategoricalAccuracy")),
        *((name, "did you mean 'mean_absolute_error'?") for name in ("mae", "MAE", "L1Loss")),
        *((name, "did you mean 'mean_squared_error'?") for name in ("mse", "MSELoss")),
        *((name, "did you mean 'r_squared'?") for name in ("r2", "R2Score", "r2_score")),
        ("rmse", "write mean_squared_error, which is the square of it"),
        ("f1_score", "did you mean 'f1'?"),
        ("AUROC", "did you mean 'auc'?"),
        ("sensitivity", "did you mean 'recall'?"),
        ("ConfusionMatrix", MATRIX),
        ("loss", "the loss is measured without being named"),
    ],
)
def test_metrics(tmp_path, name, help):
    assert help_with(tmp_path, f"metrics: {{{name}: [y, t]}}") == help


@pytest.mark.parametrize(
    ("name", "meant"),
    [("npy", "npz"), ("images", "folder"), ("ImageFolder", "folder"), ("tsv", "csv")],
)
def test_kinds_of_data(tmp_path, name, meant):
    assert help_with(tmp_path, f"data: {{{name}: rows}}") == f"did you mean '{meant}'?"


def test_no_name_from_elsewhere_means_two_things():
    for family in (OPTIMIZERS, SCHEDULES, METRICS, SOURCES):
        names = [name for kind in family.values() for name in kind.elsewhere]
        assert len(set(names)) == len(names)
        assert not set(names) & {*family}
    for family in (OPTIMIZERS, SCHEDULES, METRICS):
        absent = next(iter(family.values())).absent
        assert not {name for kind in family.values() for name in kind.elsewhere} & absent.keys()
