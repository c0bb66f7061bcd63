"""The specs that ship: each loads without a warning, and its examples hold."""

import numpy as np
import pytest

import graphnn
from places import SPECS

FILES = sorted(p for p in SPECS.rglob("*") if p.suffix in {".yaml", ".json"})
LONG = ("additions", "language_conv", "language_lstm")
NAMES_OF_ALIKE = ("residual", "residual_blocks")
NETWORKS = [path for path in FILES if path.parent.name != "blocks"]


def test_they_are_all_here():
    assert [str(path.relative_to(SPECS)) for path in FILES] == [
        *("additions.yaml", "autoencoder.yaml", "batch_norm.yaml", "blocks/convolution.yaml"),
        *("cbow.yaml", "cnn.yaml", "cnn_deep.yaml", "deep.yaml", "descent.yaml", "gates/and.yaml"),
        *("gates/nand.yaml", "gates/or.json", "gates/xor.yaml", "gpt.yaml", "initializers.yaml"),
        *("language_conv.yaml", "language_lstm.yaml", "language_rnn.yaml", "lenet5.yaml"),
        *("mixer.yaml", "mnist.yaml", "mnist_deep.yaml", "mnist_numerical.yaml", "overfit.yaml"),
        *("overfit_dropout.yaml", "paths.yaml", "regression.yaml", "residual.yaml"),
        *("residual_blocks.yaml", "search.yaml", "siamese.yaml", "softmax.yaml"),
        *("three_layer.yaml", "vae.yaml"),
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_has_nothing_to_complain_of(path):
    assert graphnn.diagnose(path) == ()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.slow) if path.stem in LONG else path
        for path in NETWORKS
    ],
    ids=lambda path: path.stem,
)
def test_it_tests_itself_and_its_examples_hold(path):
    results = graphnn.run_examples(graphnn.load(path))
    assert results
    for result in results:
        assert result.ok, str(result)


def test_residual_blocks_are_the_residual_network():
    flat, blocks = (graphnn.load(SPECS / f"{name}.yaml") for name in NAMES_OF_ALIKE)
    # The nodes of both in the order in which data flow, so that their parameters pair up.
    pairs = zip(flat.arrays.items(), blocks.arrays.items(), strict=True)
    rng = np.random.default_rng(0)
    values = {}
    for (_, ours), (name, theirs) in pairs:
        assert ours.shape == theirs.shape
        ours[...] = values[name] = rng.uniform(0.1, 0.5, ours.shape)
    blocks.assign(values)
    x = rng.normal(size=(2, 1, 28, 28))
    np.testing.assert_array_equal(flat.run(x=x)["y"], blocks.run(x=x)["y"])


def test_the_three_layer_network_gives_the_textbook_numbers():
    net = graphnn.load(SPECS / "three_layer.yaml")
    found = net.run(x=[[1.0, 0.5]])["y"]
    np.testing.assert_allclose(found, [[0.31682708, 0.69627909]], atol=5e-9)


@pytest.mark.parametrize(
    ("gate", "table"),
    [
        ("gates/and.yaml", [0, 0, 0, 1]),
        ("gates/nand.yaml", [1, 1, 1, 0]),
        ("gates/or.json", [0, 1, 1, 1]),
        ("gates/xor.yaml", [0, 1, 1, 0]),
    ],
)
def test_the_gates_have_their_truth_tables(gate, table):
    found = graphnn.load(SPECS / gate).run(x=[[0, 0], [0, 1], [1, 0], [1, 1]])["y"]
    assert found.ravel().tolist() == table


def test_softmax_does_not_overflow():
    found = graphnn.load(SPECS / "softmax.yaml").run(a=[[1010, 1000, 990]])["y"]
    np.testing.assert_allclose(found, [[9.999546e-01, 4.539787e-05, 2.061060e-09]], rtol=1e-6)
    assert found.sum() == pytest.approx(1.0, abs=1e-15)


def test_the_descent_reaches_the_minimum():
    run = graphnn.train(SPECS / "descent.yaml")
    # Every step multiplies x by 1 - 2 * 0.1, so a hundred of them leave (-3, 4) * 0.8^100.
    expected = np.array([-3.0, 4.0]) * 0.8**100
    np.testing.assert_allclose(run.network.parameters["x.value"], expected, atol=1e-9)


def test_the_regression_finds_the_plane():
    run = graphnn.train(SPECS / "regression.yaml")
    # The rows are 2 x0 - x1 + 0.5 with noise of 0.01: three standard errors of 60 rows or so.
    weight, bias = run.network.parameters.values()
    np.testing.assert_allclose(weight, [[2.0], [-1.0]], atol=0.01)
    np.testing.assert_allclose(bias, [0.5], atol=0.01)


@pytest.mark.slow  # of the first, the README shows it
@pytest.mark.parametrize("name", ["mnist", "mnist_deep"])
def test_the_digits_are_learned(name):
    run = graphnn.train(SPECS / f"{name}.yaml")
    assert run.test["accuracy"] >= 0.92


@pytest.mark.slow
def test_the_overfitting_network_knows_its_examples_and_no_others():
    runs = {
        name: graphnn.train(SPECS / f"{spec}.yaml", settings)
        for name, spec, settings in (
            ("plain", "overfit", {}),
            ("decay", "overfit", {"weight_decay": 0.005}),
            ("dropout", "overfit_dropout", {}),
        )
    }
    plain = runs["plain"]
    assert plain.history[-1]["accuracy"] == 1.0
    assert plain.test["accuracy"] < 0.9
    # Two cures: one makes the loss on what was not seen smaller, the other the mistakes fewer.
    assert runs["decay"].test["loss"] < 0.8 * plain.test["loss"]
    assert runs["dropout"].test["accuracy"] > plain.test["accuracy"]


@pytest.mark.slow
def test_batch_norm_learns_from_a_start_that_is_lost_without_it():
    text = (SPECS / "batch_norm.yaml").read_text()
    found = graphnn.train(graphnn.loads(text, {"epochs": 5}))
    lost = graphnn.train(
        graphnn.loads(text.replace("op: batch_norm", "op: identity"), {"epochs": 5})
    )
    assert found.test["accuracy"] > 0.85
    assert lost.test["accuracy"] < 0.2
