"""The benchmarks of convolutions, of whole trainings and of numerical gradients run."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from benchmark_runs import numbers, printed
from graphnn.training import load_sets
from places import ROOT

pytestmark = pytest.mark.slow


def test_accuracy_of_the_convolutional_specs():
    lines = printed("cnn_accuracy.py").splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[-5:]}
    assert lines[-6].split() == ["spec", "loss", "accuracy", "goal", "seconds"]
    assert list(rows) == ["cnn", "cnn_deep", "lenet5", "residual", "autoencoder"]
    assert [row[2] for row in rows.values()] == ["0.97", "0.985", "-", "-", "-"]
    assert rows["autoencoder"][1] == "-"
    for loss, accuracy, _, _ in rows.values():
        assert float(loss) > 0
        # A share of the 100 rows that were held back.
        assert accuracy == "-" or (0 <= float(accuracy) <= 1 and accuracy.endswith("00"))


def test_convolution():
    pytest.importorskip("torch")
    lines = printed("convolution.py").splitlines()
    start = next(at for at, line in enumerate(lines) if line.endswith("of least"))
    rows = lines[start + 1 :]
    assert [row.split()[-7] for row in rows[-2:]] == ["forward", "step"]
    for row in rows:
        ours, torch, ratio, _ = (float(word) for word in row.replace(" ms", "").split()[-4:])
        assert min(ours, torch) > 0
        assert ratio > 0


def test_numerical_gradients():
    lines = printed("numerical_gradient.py").splitlines()
    heads = [line for line in lines if line.endswith(" entries")]
    entries = [39760, 45360, 38090, 39760, 433890, 294, 70, 38266]
    assert [numbers(line)[-1] for line in heads] == entries
    errors = [line for line in lines if line.startswith("  engine  ")]
    assert len(errors) == 8
    for line in errors:
        # Central differences in float64 come to about 1e-10 of the largest entry.
        assert 0 < float(line.split("error ")[1].split()[0]) < 1e-8
    loops = [line for line in lines if line.startswith("  own loop")]
    bounds = [line for line in lines if line.startswith("  bound")]
    assert (len(loops), len(bounds)) == (8, 5)
    assert all(float(line.split(") ")[1].split()[0]) > 0 for line in loops)
    # Of three digits' two-layer network by hand: every different pixel and a bias move 50 units
    # to and fro, each a sigmoid and a softmax of ten; every unit and a bias move ten.
    exponentials = [float(line.split(" times")[1].split()[0]) for line in bounds]
    assert exponentials[0] == pytest.approx(2 * (_different_pixels(3) + 3) * 50 * 11 + 30600, 1e-2)


def _different_pixels(rows):
    net = graphnn.load(ROOT / "specs" / "mnist.yaml")
    train = load_sets(net, net.graph.spec.train).train
    return sum(len(np.unique(x[x != 0])) for x in next(iter(train.batches(rows)))["x"])
