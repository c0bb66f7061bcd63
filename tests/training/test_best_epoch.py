"""Early stopping, the best epoch kept, and steps by several batches."""

import json

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import SpecError, TrainingError
from graphnn.training.fitting.stopping import Watch
from tables import cases

pytestmark = pytest.mark.usefixtures("no_plots")

# A line through noise, on few rows: the error on the rows held back rises before long.
SPEC = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 20]}
  t:    {op: input, shape: [batch, 1]}
  y:    {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  validation: 20
  metrics: {r_squared: [y, t]}
  optimizer: {momentum: {learning_rate: 0.02}}
  batch_size: 5
  epochs: 40
"""
STOPPING = {"early_stopping": {"patience": 3}}


@pytest.fixture
def spec(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(45, 20))
    t = x[:, :1] + rng.normal(size=(45, 1))
    np.savez(tmp_path / "rows.npz", x=x, t=t)
    (tmp_path / "net.yaml").write_text(SPEC)
    return tmp_path / "net.yaml"


def equal(net, other):
    return all(a.tobytes() == other.arrays[name].tobytes() for name, a in net.arrays.items())


@pytest.mark.parametrize(
    ("metric", "values", "best", "ends"),
    [
        ("validation_loss", [], 0, False),
        ("validation_loss", [3.0, 2.0, 2.0], 2, False),
        ("validation_loss", [3.0, 2.0, 2.0, 2.5], 2, True),
        ("validation_loss", [3.0, 2.0, 2.5, 1.0], 4, False),
        ("accuracy", [0.5, 0.9, 0.8, 0.9], 2, True),
        ("validation_r_squared", [-1.0, 0.2, 0.3], 3, False),
        ("mean_absolute_error", [1.0, 2.0, 3.0], 1, True),
    ],
)
def test_when_patience_ends(metric, values, best, ends):
    history = [{metric: value} for value in values]
    watch = Watch(metric, 2)
    assert (watch.best(history), watch.ends(history)) == (best, ends)
    assert not Watch(metric, None).ends(history)


def test_a_run_stops_when_nothing_gets_better(spec):
    whole = graphnn.train(spec)
    losses = [row["validation_loss"] for row in whole.history]
    assert whole.best_epoch is None
    # The first epoch after which three come that are no better than the best before.
    end = next(n for n in range(4, 41) if min(losses[n - 3 : n]) >= min(losses[: n - 3]))
    assert end < 40
    run = graphnn.train(spec, STOPPING)
    assert list(run.history) == list(whole.history[:end])
    assert run.best_epoch == end - 3
    last = graphnn.train(spec, {"epochs": end})
    assert equal(run.network, last.network)


def test_the_best_epoch_is_kept(spec, tmp_path):
    run = graphnn.train(spec, {"keep": "best"}, folder=tmp_path / "run")
    losses = [row["validation_loss"] for row in run.history]
    assert len(losses) == 40
    assert run.best_epoch == int(np.argmin(losses)) + 1 < 40
    assert equal(run.network, graphnn.train(spec, {"epochs": run.best_epoch}).network)
    saved = graphnn.load(spec)
    saved.load_weights(tmp_path / "run" / "weights.safetensors")
    assert equal(saved, run.network)
    assert graphnn.evaluate(saved).values["loss"] == pytest.approx(min(losses), rel=1e-12)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["best_epoch"] == run.best_epoch


@pytest.mark.parametrize("epochs", [1, 8, 30])
def test_a_resumed_run_keeps_the_same_best_bit_for_bit(spec, tmp_path, epochs):
    settings = {"keep": "best", "accumulate": 2}
    whole = graphnn.train(spec, settings, folder=tmp_path / "whole")
    graphnn.train(spec, {**settings, "epochs": epochs}, folder=tmp_path / "parts")
    parts = graphnn.train(spec, settings, folder=tmp_path / "parts", resume=True)
    assert (parts.history, parts.best_epoch) == (whole.history, whole.best_epoch)
    for name in ("weights.safetensors", "checkpoint.safetensors"):
        found = (tmp_path / "parts" / name).read_bytes()
        assert found == (tmp_path / "whole" / name).read_bytes()


def test_a_run_that_stopped_early_has_nothing_to_resume(spec, tmp_path):
    first = graphnn.train(spec, STOPPING, folder=tmp_path / "run")
    again = graphnn.train(spec, STOPPING, folder=tmp_path / "run", resume=True)
    assert again.history == first.history


def test_other_measures_may_be_watched(spec):
    settings = {"early_stopping": {"patience": 3, "metric": "validation_r_squared"}}
    run = graphnn.train(spec, settings)
    values = [row["validation_r_squared"] for row in run.history]
    assert run.best_epoch == int(np.argmax(values)) + 1 == len(values) - 3


@cases("""
    settings= | message | help
    {"keep": "best", "validation": None}
        | 'keep: best' watches 'validation_loss', which is not measured
        | hold rows back for it, such as validation: 0.1
    {"early_stopping": {"patience": 2, "metric": "validation_los"}}
        | 'early_stopping' watches 'validation_los', which is not measured
        | did you mean 'validation_loss'?
    {"early_stopping": {"patience": 2, "metric": "perplexity"}}
        | 'early_stopping' watches 'perplexity', which is not measured
        | there is loss, r_squared, validation_loss, validation_r_squared
""")
def test_what_is_not_measured_cannot_be_watched(spec, settings, message, help):
    if "validation" in settings:
        spec.write_text(SPEC.replace("  validation: 20\n", ""))
        settings = {"keep": "best"}
    with pytest.raises(TrainingError) as caught:
        graphnn.train(spec, settings)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.help) == ("not-measured", message, help)


@cases("""
    lines | messages=
    early_stopping: 5 | ["'early_stopping' must be a mapping such as {patience: 5}, not 5"]
    early_stopping: {metric: loss} | ["'early_stopping' has no 'patience'"]
    early_stopping: {patience: 0, metric: 3}
        | ["'patience' must be a whole number of at least 1, not 0", "'metric' must be the name of
        what is measured, not 3"]
    keep: all | ["'keep' must be last or best, not 'all'"]
    accumulate: 0 | ["'accumulate' must be a whole number of at least 1, not 0"]
    stratify: [t] | ["'stratify' must be the name of an input, not a list"]
""")
def test_keys_that_make_no_sense(spec, lines, messages):
    spec.write_text(SPEC + f"  {lines}\n")
    with pytest.raises(SpecError) as caught:
        graphnn.load(spec)
    assert [found.message for found in caught.value.diagnostics] == messages


# 25 rows to train on: 5 batches of 5 make steps of 10, 10 and 5 rows, and 9 batches of 3 of 6 (4
# times) and of 1, so that the last batches are of unequal size too.
@pytest.mark.parametrize(("size", "accumulate"), [(5, 2), (3, 2), (4, 3), (25, 1), (5, 5), (5, 9)])
def test_steps_by_several_batches_are_those_of_a_larger_batch(spec, size, accumulate):
    settings = {"epochs": 3, "optimizer": {"adam": {"schedule": {"cosine": {}}}}}
    parts = graphnn.train(spec, {**settings, "batch_size": size, "accumulate": accumulate})
    large = graphnn.train(spec, {**settings, "batch_size": size * accumulate})
    for name, array in large.network.parameters.items():
        np.testing.assert_allclose(parts.network.parameters[name], array, rtol=1e-10, atol=1e-12)
    alone = graphnn.train(spec, {**settings, "batch_size": size})
    assert equal(alone.network, parts.network) == (accumulate == 1)


@pytest.mark.parametrize("amount", [30, 0.3])
def test_classes_keep_their_shares_in_the_rows_held_back(tmp_path, amount):
    from graphnn.training import load_sets

    t = np.repeat([0, 1, 2], [70, 20, 10])
    np.savez(tmp_path / "rows.npz", x=np.arange(100.0).reshape(-1, 1) * np.ones(20), t=t)
    text = SPEC.replace("shape: [batch, 1]", "shape: [batch], dtype: int")
    text = text.replace("units: 1", "units: 3").replace("mean_squared_error", "cross_entropy")
    text = text.replace("  metrics: {r_squared: [y, t]}\n", "").replace(
        "validation: 20", "test: 20"
    )
    (tmp_path / "net.yaml").write_text(text + "  stratify: t\n")
    net = graphnn.load(tmp_path / "net.yaml", {"test": amount})
    sets = load_sets(net, net.graph.spec.train)
    assert np.bincount(sets.test.arrays["t"]).tolist() == [21, 6, 3]
    assert np.bincount(sets.train.arrays["t"]).tolist() == [49, 14, 7]
    rows = np.concatenate([sets.test.arrays["x"][:, 0], sets.train.arrays["x"][:, 0]])
    assert sorted(rows) == list(range(100))
    assert (np.diff(sets.test.arrays["t"]) < 0).any()  # in random order, not class after class
    odd = graphnn.load(tmp_path / "net.yaml", {"test": 25})
    # Quotas 17.5, 5 and 2.5: of equal remainders the first class has the row.
    test = load_sets(odd, odd.graph.spec.train).test
    assert np.bincount(test.arrays["t"]).tolist() == [18, 5, 2]


@pytest.mark.parametrize(
    ("name", "message", "help"),
    [
        ("s", "'stratify' names 's', which takes no data", "did you mean 't'?"),
        ("x", "'stratify' names 'x', whose rows are not classes", ""),
        ("t", "'stratify' names 't', whose rows are not classes", ""),
    ],
)
def test_inputs_that_are_not_classes(spec, name, message, help):
    with pytest.raises(graphnn.DataError) as caught:
        graphnn.train(spec, {"stratify": name})
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("bad-stratify", message)
    assert found.help in (help, "data feed x, t")
