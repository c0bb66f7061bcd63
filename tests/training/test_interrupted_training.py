"""Training in any order of steps, checkpoints, kills and resumptions is training without them."""

from __future__ import annotations

import tempfile
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import graphnn
from graphnn.training.data.dataset import Dataset
from graphnn.training.data.splits import Sets
from graphnn.training.fitting import checkpoint
from graphnn.training.fitting.loop import Training

ROWS = 22
OPTIMIZERS = ["sgd", "momentum", "adam", {"rmsprop": {"learning_rate": 0.01}}]
EPOCHS = 6


class InterruptedTraining(RuleBasedStateMachine):
    """One training, killed and resumed, beside another that is left alone."""

    @initialize(
        optimizer=st.sampled_from(OPTIMIZERS),
        batch_size=st.sampled_from([2, 5, 22, 50]),
        accumulate=st.integers(1, 3),
        dtype=st.sampled_from(["float64", "float32"]),
        keep=st.sampled_from(["last", "best"]),
    )
    def start(self, optimizer, batch_size, accumulate, dtype, keep):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "checkpoint.safetensors"
        train = {"loss": "loss", "optimizer": optimizer, "batch_size": batch_size, "seed": 3}
        train |= {"accumulate": accumulate, "epochs": EPOCHS, "keep": keep}
        self.train, self.dtype = train, dtype
        self.alone = self.training()
        self.expected = [snapshot(self.alone)]
        self.alive = self.training()
        self.saved = None

    def training(self, seed=None, **changes):
        nodes = {
            "x": {"op": "input", "shape": ["batch", 3]},
            "t": {"op": "input", "shape": ["batch", 2]},
            "a": {"op": "affine", "inputs": "x", "units": 4},
            "n": {"op": "batch_norm", "inputs": "a"},
            "d": {"op": "dropout", "inputs": "n", "rate": 0.3},
            "y": {"op": "affine", "inputs": "d", "units": 2},
            "loss": {"op": "mean_squared_error", "inputs": ["y", "t"]},
        }
        document = {"graphnn": 1, "dtype": self.dtype, "nodes": nodes}
        net = graphnn.loads({**document, "train": {**self.train, **changes}}, seed=seed)
        rng = np.random.default_rng(0)
        arrays = {"x": rng.normal(size=(ROWS, 3)), "t": rng.normal(size=(ROWS, 2))}
        rows = Dataset({name: array.astype(self.dtype) for name, array in arrays.items()}, "rows")
        return Training(net, net.graph.spec.train, Sets(rows, rows, None))

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def until(self, epoch):
        while len(self.expected) <= epoch:
            self.alone.epoch()
            self.expected.append(snapshot(self.alone))
        return self.expected[epoch]

    @precondition(lambda self: self.alive and not self.alive.finished)
    @rule()
    def epoch(self):
        self.alive.epoch()

    @precondition(lambda self: self.alive)
    @rule()
    def save(self):
        checkpoint.save(self.alive, self.path)
        self.saved = self.alive.state.epoch

    @precondition(lambda self: self.alive and not self.alive.finished)
    @rule(batches=st.integers(1, 5))
    def kill_within_an_epoch(self, batches):
        def progress(found):
            if found.batch >= min(batches, found.batches):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.alive.epoch(progress)
        self.alive = None

    @precondition(lambda self: self.saved is not None)
    @rule(seed=st.integers(0, 9))
    def resume(self, seed):
        # Whatever it starts from, the checkpoint holds all.
        self.alive = self.training(seed)
        checkpoint.restore(self.alive, self.path)
        assert self.alive.state.epoch == self.saved

    @precondition(lambda self: self.alive is None and self.saved is None)
    @rule()
    def start_again(self):
        self.alive = self.training()

    @precondition(lambda self: self.alive)
    @rule(rows=st.integers(1, 40))
    def run_with_batches_of_another_size(self, rows):
        x = np.ones((rows, 3))
        self.alive.network.run(x=x)
        self.alive.network.loss(x=x, t=np.ones((rows, 2)))

    @precondition(lambda self: self.saved is not None)
    @rule(size=st.sampled_from([2, 6, 8, 11]))
    def resume_with_another_batch_size(self, size):
        if size == self.train["batch_size"]:
            return
        other = self.training(batch_size=size)
        before = snapshot(other)
        with pytest.raises(graphnn.TrainingError) as caught:
            checkpoint.restore(other, self.path)
        assert caught.value.diagnostics[0].code == "different-spec"
        assert snapshot(other) == before

    @invariant()
    def it_is_where_the_other_was(self):
        if getattr(self, "alive", None):
            assert snapshot(self.alive) == self.until(self.alive.state.epoch)


def snapshot(training):
    """All that training has changed, to the bit."""
    state = training.state
    arrays = {**training.network.arrays, **state.optimizer.named}
    arrays |= {f"best {name}": array for name, array in state.best.items()}
    return (
        {name: array.tobytes() for name, array in arrays.items()},
        repr(state.history),
        (state.rng.bit_generator.state, state.noise.bit_generator.state),
        (state.epoch, state.optimizer.steps, training.best_epoch),
        [point.tobytes() for point in state.path],
    )


STEPS = settings(stateful_step_count=12, max_examples=15)


@pytest.mark.parametrize(
    "examples", [STEPS, pytest.param(settings(STEPS, max_examples=150), marks=pytest.mark.slow)]
)
def test_interruptions_change_nothing(examples):
    run_state_machine_as_test(InterruptedTraining, settings=examples)


def forget(what):
    right = checkpoint.restore

    def restore(training, path):
        before = {
            "noise": deepcopy(training.state.noise),
            "rng": deepcopy(training.state.rng),
            "steps": training.state.optimizer.steps,
            "best": training.state.best,
        }
        right(training, path)
        if what == "steps":
            training.state.optimizer.steps = before[what]
        elif what == "slots":
            for array in training.state.optimizer.named.values():
                array[...] = 0
        else:
            setattr(training.state, what, before[what])

    return restore


FORGOTTEN = ["noise", "rng", "steps", "slots", "best"]


@pytest.mark.parametrize("what", [pytest.param(what, marks=pytest.mark.slow) for what in FORGOTTEN])
def test_what_is_forgotten_is_caught(what, monkeypatch):
    monkeypatch.setattr(checkpoint, "restore", forget(what))
    how = settings(
        STEPS, max_examples=200, phases=[Phase.generate], database=None, derandomize=True
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(InterruptedTraining, settings=how)
