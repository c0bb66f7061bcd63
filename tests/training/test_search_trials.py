"""A search: what is tried, what is best, and that it goes on and repeats."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import TrainingError, UsageError
from graphnn.training.studies.trials import best_of

pytestmark = pytest.mark.usefixtures("no_plots")

optuna = pytest.importorskip("optuna")

# Each step multiplies x by 1 - 2 rate, so that epoch n begins at a loss of 25 (1 - 2 rate)^(2n-2).
DESCENT = """\
graphnn: 1
nodes:
  x: {op: parameter, shape: [2], value: [-3, 4]}
  squares: {op: power, inputs: x, exponent: 2}
  f: {op: sum, inputs: squares}
train: {loss: f, optimizer: {sgd: {learning_rate: 0.1}}, epochs: 4}
"""
CLASSIFIER = """\
graphnn: 1
sizes: {hidden: 4}
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: hidden}
  z: {op: sigmoid, inputs: a}
  b: {op: affine, inputs: z, units: 2}
  y: {op: softmax, inputs: b}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: {file: rows.npz, x: x, t: t}}
  validation: 20
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 1.0}}
  batch_size: 10
  epochs: 3
search:
  metric: validation_accuracy
  learning_rate: {log_uniform: [0.01, 10.0]}
  hidden: {choice: [2, 4, 8]}
  batch_size: {uniform: [5, 20]}
  train.seed: {choice: [0, 1]}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def descent(search):
    Path("descent.yaml").write_text(DESCENT + f"search: {search}\n")
    return "descent.yaml"


@pytest.fixture
def classifier():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    np.savez("rows.npz", x=x, t=(x.sum(axis=1) > 0).astype(int))
    Path("net.yaml").write_text(CLASSIFIER)
    return "net.yaml"


def loss(rate, epochs):
    return [25 * (1 - 2 * rate) ** (2 * n) for n in range(epochs)]


def test_every_trial_is_the_training_that_theory_predicts():
    found = graphnn.search(descent("{learning_rate: {uniform: [0.05, 0.45]}, pruner: none}"), 8)
    assert (found.metric, found.direction, found.interrupted) == ("loss", "minimize", False)
    assert [trial.number for trial in found.trials] == list(range(1, 9))
    for trial in found.trials:
        rate = trial.settings["learning_rate"]
        assert 0.05 <= rate <= 0.45
        np.testing.assert_allclose(trial.curve, loss(rate, 4), rtol=1e-12)
        assert (trial.state, trial.value) == ("complete", trial.curve[-1])
    # Below 1/2, the larger rate is the better one.
    rates = [trial.settings["learning_rate"] for trial in found.trials]
    assert len(set(rates)) == 8
    assert found.best.settings["learning_rate"] == max(rates)
    assert [t.settings["learning_rate"] for t in found.ranked] == sorted(rates, reverse=True)


def test_tpe_finds_the_minimum_nearer_than_chance():
    def distance(sampler):
        file = descent(f"{{learning_rate: {{uniform: [0.001, 1.0]}}, sampler: {sampler}}}")
        return abs(graphnn.search(file, 40).best.settings["learning_rate"] - 0.5)

    assert distance("tpe") < min(0.01, distance("random"))


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_seed_repeats_a_search_and_another_does_not(sampler):
    text = f"learning_rate: {{uniform: [0.01, 0.9]}}, sampler: {sampler}"
    one, two = (graphnn.search(descent(f"{{{text}}}"), 14).trials for _ in range(2))
    assert one == two
    other = graphnn.search(descent(f"{{{text}, seed: 1}}"), 14).trials
    assert not {t.settings["learning_rate"] for t in one} & {
        t.settings["learning_rate"] for t in other
    }


def test_a_search_in_two_parts_is_one_in_a_piece():
    file = descent("{learning_rate: {uniform: [0.01, 0.9]}}")
    first = graphnn.search(file, 5, storage="part.log")
    assert len(first.trials) == 5
    both = graphnn.search(file, 14, storage="part.log")
    assert both.trials[:5] == first.trials
    assert both.trials == graphnn.search(file, 14).trials
    assert graphnn.search(file, 3, storage="part.log").trials == both.trials


@pytest.mark.slow
def test_two_processes_share_a_file():
    file = descent("{learning_rate: {uniform: [0.01, 0.9]}, pruner: none}")
    code = f"import graphnn; graphnn.search({file!r}, 12, storage='both {{0}}%?.log')"
    processes = [subprocess.Popen([sys.executable, "-W", "error", "-c", code]) for _ in range(2)]
    assert [process.wait(timeout=600) for process in processes] == [0, 0]
    assert Path("both {0}%?.log").exists()
    found = graphnn.search(file, 1, storage="both {0}%?.log").trials
    assert len(found) == 12
    assert {trial.state for trial in found} == {"complete"}
    assert len({trial.settings["learning_rate"] for trial in found}) == 12


def test_what_is_worse_than_the_median_is_pruned_and_measured_no_further():
    found = graphnn.search(descent("{learning_rate: {uniform: [0.2, 0.4]}}"), 30).trials
    assert {trial.state for trial in found[:5]} == {"complete"}
    pruned = [trial for trial in found if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        assert trial.value is None
        epochs = len(trial.curve)
        assert epochs < 4
        before = [t.curve[:epochs] for t in found[: trial.number - 1] if t.state == "complete"]
        assert trial.curve[-1] > np.median([min(curve) for curve in before])


def test_whole_bounds_draw_whole_numbers_and_choices_keep_their_kind(classifier):
    found = graphnn.search(classifier, 8)
    assert (found.metric, found.direction) == ("validation_accuracy", "maximize")
    for trial in found.trials:
        chosen = trial.settings
        assert list(chosen) == ["learning_rate", "hidden", "batch_size", "train.seed"]
        assert type(chosen["batch_size"]) is int
        assert 5 <= chosen["batch_size"] <= 20
        assert chosen["hidden"] in (2, 4, 8)
        assert 0.01 <= chosen["learning_rate"] <= 10.0
        whole = graphnn.train(classifier, chosen).history
        # The same training as 'train' runs, epoch by epoch and bit by bit.
        assert (
            list(trial.curve) == [row["validation_accuracy"] for row in whole][: len(trial.curve)]
        )


def test_whole_bounds_of_a_real_number_draw_real_numbers():
    text = "{weight_decay: {uniform: [0, 1]}, clip_norm: {log_uniform: [1, 9]}, "
    text += "squares.exponent: {uniform: [1, 2]}, warm_up: {uniform: [0, 2]}, "
    file = descent(text + "epochs: {uniform: [1, 9]}, accumulate: {uniform: [1, 2]}}")
    found = graphnn.search(file, 6)
    for name, low, high in (("weight_decay", 0, 1), ("clip_norm", 1, 9), ("warm_up", 0, 2)):
        drawn = [trial.settings[name] for trial in found.trials]
        assert len(set(drawn)) == 6
        assert all(type(number) is float and low <= number <= high for number in drawn)
    assert {type(trial.settings["epochs"]) for trial in found.trials} == {int}
    assert {type(trial.settings["accumulate"]) for trial in found.trials} == {int}
    assert {type(trial.settings["squares.exponent"]) for trial in found.trials} == {float}


def test_what_a_node_is_given_is_searched(classifier):
    text = Path(classifier).read_text()
    text = text[: text.index("search:")] + (
        "search:\n"
        "  metric: loss\n"
        "  a.weight: {choice: [zeros, {normal: {std: 0.5}}]}\n"
        "  z.op: {choice: [sigmoid, relu]}\n"
        "  validation: {choice: [null, 20]}\n"
        "  a.bias: {choice: [false, zeros]}\n"
    )
    Path(classifier).write_text(text)
    found = graphnn.search(classifier, 8)
    assert {trial.settings["z.op"] for trial in found.trials} == {"sigmoid", "relu"}
    assert {trial.settings["validation"] for trial in found.trials} == {None, 20}
    for trial in found.trials:
        history = graphnn.train(classifier, trial.settings).history
        assert list(trial.curve) == [row["loss"] for row in history][: len(trial.curve)]
        assert ("validation_loss" in history[0]) == (trial.settings["validation"] == 20)
    found.write(".")
    with Path("trials.csv").open() as stream:
        shown = list(csv.DictReader(stream))
    assert {row["validation"] for row in shown} == {"null", "20"}
    assert {row["a.bias"] for row in shown} == {"false", "zeros"}


def test_settings_that_exclude_each_other_whatever_is_drawn():
    search = "{learning_rate: {choice: [0.1]}, optimizer: {choice: [sgd]}}"
    assert fault(descent(search)) == (
        "error[conflicting-settings]: the settings 'learning_rate' and 'optimizer' exclude each "
        "other\n"
        "  --> descent.yaml:7:1\n"
        "   |\n"
        f" 7 | search: {search}\n"
        "   | ^^^^^^\n"
        "   = help: leave one of the two out, or put 'optimizer' first"
    )
    found = graphnn.search(
        descent("{optimizer: {choice: [sgd]}, learning_rate: {choice: [0.2]}}"), 1
    )
    np.testing.assert_allclose(found.trials[0].curve, loss(0.2, 4), rtol=1e-12)


def test_a_choice_of_mappings():
    choices = "[{sgd: {learning_rate: 0.25}}, {sgd: {learning_rate: 0.5}}]"
    found = graphnn.search(descent(f"{{optimizer: {{choice: {choices}}}}}"), 6)
    # At 1/2 the first step reaches the minimum.
    assert found.best.settings == {"optimizer": {"sgd": {"learning_rate": 0.5}}}
    assert found.best.value == 0.0


def test_the_best_spec_trains_to_the_same_result(classifier):
    found = graphnn.search(classifier, 6, {"epochs": 2})
    assert "search" not in found.best_spec
    Path("best.yaml").write_text(found.best_spec)
    history = graphnn.train("best.yaml").history
    assert len(history) == 2
    assert [row["validation_accuracy"] for row in history] == list(found.best.curve)


def test_a_trial_keeps_the_best_epoch_where_train_does():
    # At 1.2 the loss grows, so that the first epoch is the best.
    file = descent("{learning_rate: {choice: [1.2]}}")
    text = Path(file).read_text().replace("epochs: 4", "epochs: 4, keep: best")
    text = text.replace("train: {", "train: {early_stopping: {patience: 3, metric: loss}, ")
    Path(file).write_text(text)
    [trial] = graphnn.search(file, 1).trials
    np.testing.assert_allclose(trial.curve, loss(1.2, 4), rtol=1e-12)
    assert trial.value == 25.0


def test_a_loss_that_runs_away_is_no_end():
    file = descent("{learning_rate: {choice: [1.0e+99, 0.25]}}")
    found = graphnn.search(file, 8)
    assert {trial.settings["learning_rate"]: trial.state for trial in found.trials} == {
        1e99: "diverged",
        0.25: "complete",
    }
    assert found.best.settings == {"learning_rate": 0.25}


def test_ctrl_c_keeps_what_was_done():
    file = descent("{learning_rate: {uniform: [0.1, 0.4]}, pruner: none}")

    def interrupt(progress):
        if (progress.trial.number, len(progress.trial.curve)) == (3, 2):
            raise KeyboardInterrupt

    found = graphnn.search(file, 5, storage="kept.log", progress=interrupt)
    assert found.interrupted
    assert [trial.state for trial in found.trials] == ["complete", "complete", "interrupted"]
    assert len(found.trials[2].curve) == 2
    found = graphnn.search(file, 5, storage="kept.log")
    states = [trial.state for trial in found.trials]
    assert states == ["complete", "complete", "interrupted", "complete", "complete", "complete"]


def test_progress_is_reported_after_every_epoch_and_trial():
    shown = []
    graphnn.search(descent("{learning_rate: {choice: [0.1]}}"), 2, progress=shown.append)
    assert [(p.trial.number, p.trial.state, len(p.trial.curve), p.done) for p in shown] == [
        *((1, "running", n, 0) for n in (1, 2, 3, 4)),
        (1, "complete", 4, 1),
        *((2, "running", n, 1) for n in (1, 2, 3, 4)),
        (2, "complete", 4, 2),
    ]
    assert {(p.epochs, p.trials) for p in shown} == {(4, 2)}
    assert [p.best.number if p.best else None for p in shown] == [None] * 4 + [1] * 6


def test_optuna_is_left_as_it_was(capfd):
    before = optuna.logging.get_verbosity()
    graphnn.search(descent("{learning_rate: {choice: [0.1]}}"), 1, storage="a.log")
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


def test_the_best_of_equal_trials_is_the_earlier_one():
    file = descent("{learning_rate: {choice: [0.1]}, pruner: none}")
    trials = graphnn.search(file, 3).trials
    assert [trial.number for trial in best_of(trials[::-1], "maximize")] == [1, 2, 3]
    assert math.isclose(trials[0].value, 25 * 0.8**6, rel_tol=1e-12)


def fault(*arguments, error=TrainingError, **options):
    with pytest.raises(error) as caught:
        graphnn.search(*arguments, **options)
    return str(caught.value)


def test_a_spec_without_search():
    Path("plain.yaml").write_text(DESCENT)
    assert fault("plain.yaml") == (
        "error[no-search]: the spec does not say what to search\n"
        "   = help: add a section 'search' to it, such as "
        "search: {learning_rate: {uniform: [0.1, 1.0]}}"
    )


def test_optuna_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert fault(descent("{learning_rate: {choice: [0.1]}}")) == (
        "error[no-optuna]: a search needs optuna, which is not installed\n"
        "   = help: pip install 'graphnn[search]'"
    )


def test_settings_that_reach_nothing_and_values_that_make_no_sense():
    Path("net.yaml").write_text(
        DESCENT
        + "search:\n"
        + "  learning_rat: {uniform: [0.1, 0.2]}\n"
        + "  batch_size: {uniform: [0, 5]}\n"
        + "  learning_rate: {uniform: [-0.5, 0.5]}\n"
        + "  metric: validation_loss\n"
    )
    expected = (
        "error[unknown-setting]: the setting 'learning_rat' is neither a size of the spec nor a "
        "value of its 'train' or of a node\n"
        "  --> net.yaml:8:3\n"
        "   |\n"
        " 8 |   learning_rat: {uniform: [0.1, 0.2]}\n"
        "   |   ^^^^^^^^^^^^\n"
        "   = help: did you mean 'learning_rate'?\n"
        "\n"
        "error[wrong-type]: 'batch_size' must be a whole number of at least 1, not 0\n"
        "  --> net.yaml:9:26\n"
        "   |\n"
        " 9 |   batch_size: {uniform: [0, 5]}\n"
        "   |                          ^\n"
        "\n"
        "error[bad-optimizer]: 'learning_rate' of 'sgd' must be more than 0, not -0.5\n"
        "   --> net.yaml:10:29\n"
        "    |\n"
        " 10 |   learning_rate: {uniform: [-0.5, 0.5]}\n"
        "    |                             ^^^^\n"
        "\n"
        "error[unknown-metric]: training does not measure 'validation_loss'\n"
        "   --> net.yaml:11:11\n"
        "    |\n"
        " 11 |   metric: validation_loss\n"
        "    |           ^^^^^^^^^^^^^^^\n"
        "    = help: hold rows back for it by 'validation' in 'train'"
    )
    assert fault("net.yaml") == expected


def test_a_setting_that_the_search_varies():
    file = descent("{learning_rate: {choice: [0.1]}}")
    message = fault(file, 1, {"train.optimizer.sgd.learning_rate": 0.2}, error=UsageError)
    assert message == (
        "error[searched-setting]: the setting 'train.optimizer.sgd.learning_rate' is what the "
        "search varies"
    )


def test_no_trials():
    file = descent("{learning_rate: {choice: [0.1]}}")
    assert fault(file, 0, error=UsageError) == (
        "error[bad-trials]: a search has at least one trial, not 0"
    )


def test_a_file_of_another_search_or_of_none():
    file = descent("{learning_rate: {choice: [0.1]}}")
    graphnn.search(file, 1, storage="a.log")
    assert fault(file, 1, {"epochs": 3}, storage="a.log") == (
        "error[different-spec]: 'a.log' holds a search of another spec\n"
        "   = help: name another folder, or use the spec and settings that it began with"
    )
    Path("text.log").write_text("no database at all\n" * 50)
    assert fault(file, 1, storage="text.log") == (
        "error[bad-search-file]: 'text.log' cannot be opened as a search: "
        "it is not a file of trials"
    )
    assert fault(file, 1, storage="none/a.log") == (
        "error[no-such-folder]: there is no folder 'none' to write into"
    )


def test_nothing_is_best_as_long_as_nothing_is_complete():
    found = graphnn.search(descent("{learning_rate: {choice: [1.0e+200]}}"), 1)
    assert found.best is None
    with pytest.raises(TrainingError) as caught:
        _ = found.best_spec
    assert str(caught.value) == "error[no-trial]: no trial of the search is complete"
