"""What torch code learns, beside what graphnn learns of the same rows."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.training import OPTIMIZERS
from written_code import exported

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

NETWORK = """
graphnn: 1
dtype: float64
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 2]}
  h: {op: affine, inputs: x, units: 4, bias: ones}
  z: {op: tanh, inputs: h}
  y: {op: affine, inputs: z, units: 2}
  loss: {op: mean_squared_error, inputs: [y, t]}
train:
  epochs: 6
  batch_size: 2
"""
FREE = """
graphnn: 1
dtype: float64
nodes:
  w: {op: parameter, value: [3, -2]}
  y: {op: power, inputs: w, exponent: 2}
  loss: {op: sum, inputs: y}
train: {loss: loss, epochs: 7}
"""
OPTIONS = [
    *OPTIMIZERS,
    "{sgd: {learning_rate: 0.5, weight_decay: 0.1, clip_norm: 0.05}}",
    "{momentum: {momentum: 0}}",
    "{nesterov: {momentum: 0, weight_decay: 0.3}}",
    "{nesterov: {momentum: 0.5, clip_norm: 1e-3}}",
    "{adagrad: {epsilon: 0.1, weight_decay: 0.01}}",
    "{rmsprop: {alpha: 0.5, epsilon: 0.01}}",
    "{adam: {beta1: 0.5}}",
    "{adam: {beta2: 0.5, weight_decay: 0.01}}",
    "{adam: {beta1: 0, beta2: 0}}",
    "{adamw: {weight_decay: 0}}",
    "{adamw: {weight_decay: 0.5, epsilon: 1e-3}}",
    "{sgd: {schedule: constant}}",
    "{sgd: {schedule: cosine}}",
    "{momentum: {schedule: {cosine: {floor: 0.2}}}}",
    "{adam: {schedule: {step: {every: 2, factor: 0.3}}}}",
    "{sgd: {schedule: {step: {every: 1}}}}",
    "{sgd: {schedule: {step: {every: 1.5, factor: 0.5}}}}",
    "{adam: {schedule: {step: {every: 0.1, factor: 0.9}}}}",
    "{sgd: {schedule: {constant: {warm_up: 2.5}}}}",
    "{momentum: {schedule: {cosine: {warm_up: 1}}}}",
    "{adam: {schedule: {cosine: {warm_up: 0.5, floor: 0.1}}}}",
    "{sgd: {schedule: {cosine: {warm_up: 9, floor: 0.1}}}}",
    "{sgd: {schedule: {step: {every: 2, factor: 0.3, warm_up: 3}}}}",
]


def assert_learned(net, folder):
    """The parameters that the code has saved are those of the network."""
    wanted = {name: array.copy() for name, array in net.arrays.items()}
    graphnn.from_torch_state(net, torch.load(folder / "net.pt"))
    for name, array in net.arrays.items():
        np.testing.assert_allclose(array, wanted[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIONS)
def test_the_code_learns_what_graphnn_learns(optimizer, tmp_path):
    """Rows that are all alike, so that each of three batches an epoch is the same in any order."""
    row = np.random.default_rng(0).normal(size=5)
    rows = np.tile(row, (6, 1))
    arrays = {"x": rows[:, :3], "t": rows[:, 3:]}
    np.savez(tmp_path / "rows.npz", **arrays)
    net = graphnn.loads(f"{NETWORK}  optimizer: {optimizer}\n", seed=3)
    start = {name: array.copy() for name, array in net.arrays.items()}
    exported(net, tmp_path, "torch")["main"](tmp_path / "rows.npz")
    graphnn.train(net, data=arrays)
    assert any((net.arrays[name] != array).any() for name, array in start.items())
    assert_learned(net, tmp_path)


@pytest.mark.parametrize("optimizer", OPTIONS)
def test_without_rows_each_epoch_is_a_step(optimizer, tmp_path):
    net = graphnn.loads(FREE.replace("epochs: 7", f"epochs: 7, optimizer: {optimizer}"))
    exported(net, tmp_path, "torch")["main"]()
    graphnn.train(net)
    assert_learned(net, tmp_path)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "{step: {every: 2}}"])
@pytest.mark.parametrize("clip", ["", "clip_norm: 0.3, "])
def test_a_step_by_several_batches(clip, schedule, tmp_path):
    """All batches of an epoch, so that their order is none; the last has fewer rows."""
    train = f"optimizer: {{sgd: {{{clip}schedule: {schedule}}}}}"
    net = graphnn.loads(f"{NETWORK}  accumulate: 3\n  {train}\n", seed=3)
    rows = np.random.default_rng(0).normal(size=(5, 5))
    arrays = {"x": rows[:, :3], "t": rows[:, 3:]}
    np.savez(tmp_path / "rows.npz", **arrays)
    exported(net, tmp_path, "torch")["main"](tmp_path / "rows.npz")
    graphnn.train(net, data=arrays)
    assert_learned(net, tmp_path)


def test_the_last_step_of_an_epoch_may_have_fewer_batches(tmp_path):
    """Rows that are all alike, in three batches: a step by two, and one by the third."""
    rows = np.tile(np.random.default_rng(0).normal(size=5), (6, 1))
    arrays = {"x": rows[:, :3], "t": rows[:, 3:]}
    np.savez(tmp_path / "rows.npz", **arrays)
    how = "  accumulate: 2\n  optimizer: {adam: {schedule: {cosine: {warm_up: 1}}}}\n"
    net = graphnn.loads(NETWORK + how, seed=3)
    exported(net, tmp_path, "torch")["main"](tmp_path / "rows.npz")
    graphnn.train(net, data=arrays)
    assert_learned(net, tmp_path)


def test_losses_keep_their_weights(tmp_path):
    text = FREE.replace(
        "train: {loss: loss", "  other: {op: mean, inputs: w}\ntrain: {loss: {loss: 0.5, other: 3}"
    )
    net = graphnn.loads(text)
    exported(net, tmp_path, "torch")["main"]()
    graphnn.train(net)
    assert_learned(net, tmp_path)


@pytest.mark.parametrize(
    ("optimizer", "code", "message"),
    [
        ("sgdd", "unknown-optimizer", "there is no optimizer 'sgdd'"),
        ("{sgd: {lr: 1}}", "bad-optimizer", "the optimizer 'sgd' has no option 'lr'"),
        (
            "{sgd: {schedule: step}}",
            "bad-schedule",
            "the schedule 'step' does not give its 'every'",
        ),
    ],
)
def test_what_torch_cannot_do_is_refused(optimizer, code, message, tmp_path):
    net = graphnn.loads(f"{NETWORK}  optimizer: {optimizer}\n")
    with pytest.raises(graphnn.GraphnnError) as caught:
        graphnn.export(net, tmp_path / "net.py", style="torch")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)
    assert not [*tmp_path.iterdir()]


def test_what_the_code_leaves_out_is_said(tmp_path):
    train = "  keep: best\n  validation: 2\n  early_stopping: {patience: 3}\n"
    main = exported(graphnn.loads(NETWORK + train), tmp_path, "torch")["main"]
    assert main.__doc__ == (
        "Train on the arrays in an .npz file, one for each input.\n\n"
        "    It leaves out 'early_stopping', 'keep' of the spec's training.\n    "
    )


NAMED = """\
graphnn: 1
nodes:
  %s: {op: input, shape: [batch, 2]}
  %s: {op: input, shape: [batch, 2]}
  y: {op: affine, inputs: %s, weight: [[1, 2], [3, 4]], bias: false}
  l: {op: mean_squared_error, inputs: [y, %s]}
train:
  data: {npz: rows.npz}
  epochs: 1
  accumulate: 2
  optimizer: {sgd: {clip_norm: 1e9, schedule: {constant: {warm_up: 0.5}}}}
"""


@pytest.mark.parametrize(
    "names",
    [
        ("a-b", "a_b"),
        ("a_b", "a-b"),
        *(
            (name, "t")
            for name in (
                *("torch", "nn", "np", "Network", "load_weights", "WEIGHTS", "DataLoader"),
                *("TensorDataset", "model", "optimizer", "data", "loss", "rows", "lambda"),
                *("number", "parameter", "scale", "steps", "summed", "schedule"),
            )
        ),
    ],
    ids="-and-".join,
)
def test_inputs_of_any_name(names, tmp_path, capsys):
    net = graphnn.loads(NAMED % (names * 2))
    main = exported(net, tmp_path, "torch")["main"]
    rows = {names[0]: np.eye(2), names[1]: np.zeros((2, 2))}
    np.savez(tmp_path / "rows.npz", **rows)
    main(tmp_path / "rows.npz")
    assert capsys.readouterr().out == "epoch 1: loss 7.5\n"
    gradient = graphnn.backprop(net, rows)["y.weight"]
    found = torch.load(tmp_path / "net.pt")["y.weight"].numpy().T
    np.testing.assert_allclose(found, [[1, 2], [3, 4]] - 0.1 * gradient)


BLOCKS = """
graphnn: 1
dtype: float64
blocks:
  residual:
    inputs: x
    nodes:
      a: {op: affine, inputs: x, units: 4, bias: false}  # whose gradient would be rounding alone
      n: {op: batch_norm, inputs: a}
      r: {op: relu, inputs: n}
      s: {op: add, inputs: [x, r]}
    output: s
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  h: {op: affine, inputs: x, units: 4, HOW_H}
  k: {op: affine, inputs: x, units: 4, weight: {share: h.weight}, HOW_K}
  m: {op: add, inputs: [h, k]}
  b: {block: residual, inputs: m, repeat: 2, HOW_B}
  y: {op: affine, inputs: b, units: 2, bias: false}
  p: {op: softmax, inputs: y}
  loss: {op: cross_entropy, inputs: [p, t], label_smoothing: 0.1}
train: {epochs: 5, batch_size: 6, optimizer: {adamw: {weight_decay: 0.1, clip_norm: 0.2}}}
"""
FROZEN = "trainable: false"


@pytest.mark.parametrize(
    ("h", "k", "b", "frozen"),
    [
        ("", "", "", []),
        (FROZEN, "", "", ["h", "k.weight"]),
        ("", FROZEN, "", ["k.bias"]),
        (FROZEN, FROZEN, "", ["h", "k"]),
        ("", "", "share: true", []),
        ("", "", FROZEN, ["b"]),
        ("", "", f"share: true, {FROZEN}", ["b"]),
    ],
)
def test_what_is_shared_and_what_is_frozen(h, k, b, frozen, tmp_path):
    text = BLOCKS
    for place, how in {"HOW_H": h, "HOW_K": k, "HOW_B": b}.items():
        text = text.replace(f", {place}", f", {how}" if how else "")
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=(6, 3)), "t": np.array([0, 1, 0, 1, 1, 0])}
    np.savez(tmp_path / "rows.npz", **rows)
    net = graphnn.loads(text, seed=3)
    exported(net, tmp_path, "torch")["main"](tmp_path / "rows.npz")
    lines = (tmp_path / "net.py").read_text(encoding="utf-8").splitlines()
    assert [each.strip() for each in lines if "requires_grad_" in each] == [
        f"self.{each}.requires_grad_(False)" for each in frozen
    ]
    graphnn.train(net, data=rows)
    assert_learned(net, tmp_path)


def test_a_layer_that_is_another_further_down_is_loaded_as_it_is(tmp_path):
    net = graphnn.loads("""
graphnn: 1
dtype: float64
nodes:
  x: {op: input, shape: [batch, 3]}
  k: {op: affine, inputs: x, units: 3, weight: {share: h.weight}, bias: {share: h.bias}}
  h: {op: affine, inputs: k, units: 3}
""")
    space = exported(net, tmp_path, "torch")
    model = space["Network"]().double()
    space["load_weights"](model)
    assert model.k is model.h
    x = np.arange(6).reshape(2, 3) / 7
    found = model(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found, net.run(x=x)["h"], rtol=1e-12)
