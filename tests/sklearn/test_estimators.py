"""The estimators, by scikit-learn's own checks and on data with known answers."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import graphnn
from graphnn import sklearn as estimators  # scikit-learn itself comes with the first test
from places import SPECS
from tables import cases


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Classifier", "Regressor"])
def test_scikit_learn_s_own_checks(name):
    from sklearn.utils.estimator_checks import check_estimator

    estimator = getattr(estimators, name)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that need a library which is not installed
        results = check_estimator(estimator, on_fail=None)
    failed = [each["check_name"] for each in results if each["status"] == "failed"]
    assert failed == []
    assert len(results) > 40


@pytest.fixture
def iris():
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def test_labels_are_those_of_the_data(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = estimators.Classifier(hidden=(10,), epochs=30).fit(X, names)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.score(X, names) > 0.9
    scores = model.predict_proba(X[:2])
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    assert model.predict(X[:1]).tolist() == [model.classes_[scores[0].argmax()]]


def test_a_linear_network_is_linear_regression():
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, -2.0, 0.5] + 3 + 0.1 * rng.normal(size=60)
    model = estimators.Regressor(hidden=(), epochs=300, batch_size=60, learning_rate=0.1).fit(X, y)
    expected = LinearRegression().fit(X, y)  # the least squares, by another way
    np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-6)


def test_a_spec_of_the_user():
    X = np.random.default_rng(1).normal(size=(50, 2))
    y = X @ [2.0, -1.0] + 0.5
    model = estimators.Regressor(SPECS / "regression.yaml", settings={"epochs": 5})
    model.fit(X, y)
    assert (model.roles_.features, model.roles_.target, model.roles_.prediction) == ("x", "t", "y")
    assert model.n_iter_ == 5
    assert model.score(X, y) > 0.9


def test_sizes_of_the_spec_are_those_of_the_data(iris):
    X, y = iris
    model = estimators.Classifier(
        SPECS / "mnist.yaml", settings={"epochs": 1, "hidden": 5, "validation": 30}
    )
    model.fit(np.tile(X, 196), y)  # 784 features
    assert "validation_loss" in model.run_.history[0]
    assert model.network_.graph.node("y").shape[-1] == 3


@cases(r"""
    nodes | message
    x: {op: input, shape: [batch, 2]}\n  l: {op: mean, inputs: x, axis: 1}
        | an estimator needs a loss of a prediction and a target, not 'mean'
    x: {op: input, shape: [batch, 2]}
        \n  u: {op: input, shape: [batch, 2]}
        \n  t: {op: input, shape: [batch, 2]}
        \n  y: {op: add, inputs: [x, u]}
        \n  l: {op: mean_squared_error, inputs: [y, t]}
        | 'y' reads 2 inputs, but an estimator has one, X
""")
def test_networks_that_no_estimator_can_train(nodes, message, tmp_path):
    (tmp_path / "net.yaml").write_text(f"graphnn: 1\nnodes:\n  {nodes}\ntrain: {{loss: l}}\n")
    with pytest.raises(graphnn.UsageError) as caught:
        estimators.Regressor(tmp_path / "net.yaml").fit(np.zeros((4, 2)), np.zeros(4))
    assert caught.value.diagnostics[0].message == message


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_of_a_network_are_apart(duplicate):
    net = graphnn.load(SPECS / "three_layer.yaml")
    other = duplicate(net)
    before = net.run(x=[[1.0, 0.5]])["y"]
    np.testing.assert_array_equal(other.run(x=[[1.0, 0.5]])["y"], before)
    other.parameters["a1.weight"][:] = 0
    np.testing.assert_array_equal(net.run(x=[[1.0, 0.5]])["y"], before)
