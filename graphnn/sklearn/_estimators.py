"""A classifier and a regressor by scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from graphnn.execution.network import Network
from graphnn.ops import Array
from graphnn.sklearn._specs import Spec, layers, network_for, roles_in
from graphnn.training import class_scores, train


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both have in common: their parameters, and training."""

    def __init__(
        self,
        spec: Spec | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        hidden: Sequence[int] = (100,),
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        random_state: int = 0,
    ) -> None:
        self.spec = spec
        self.settings = settings
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def _train(self, rows: Array, target: Array, outputs: int, *, classifies: bool) -> None:
        sizes = {"features": rows.shape[1], "classes": outputs}
        settings = dict(self.settings or {})
        if self.spec is None:
            spec: Spec = layers(self.hidden, rows.shape[1], outputs, classifies=classifies)
            settings = {
                "epochs": self.epochs,
                "batch_size": min(self.batch_size, len(rows)),
                "optimizer": {"adam": {"learning_rate": self.learning_rate}},
                "seed": self.random_state,
                **settings,
            }
        else:
            spec = self.spec
        self.network_ = network_for(spec, settings, sizes)
        self.roles_ = roles_in(self.network_)
        node = self.network_.graph.node(self.roles_.target)
        if len(node.shape) == 1:
            target = target.reshape(len(target))
        data = {self.roles_.features: rows, self.roles_.target: target}
        self.run_ = train(self.network_, data=data)
        self.n_iter_ = len(self.run_.history)

    def _predicted(self, rows: ArrayLike) -> Array:
        check_is_fitted(self)
        checked = validate_data(self, rows, reset=False, dtype=np.float64)
        name = self.roles_.prediction
        return self.network_.run({self.roles_.features: checked}, outputs=name)[name]


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A network that classifies rows, as scikit-learn's pipelines and searches take it.

    Parameters
    ----------
    spec : str, Path or mapping, optional
        A spec file, or the content of one. Its named sizes ``features`` and ``classes``, where it
        has some, are those of the data. Its loss compares a prediction with class numbers, an
        input. Left out, the network standardizes the columns and has the layers of `hidden`.
    settings : mapping, optional
        Named sizes and values of ``train`` to replace.
    hidden : sequence of int
        Without a `spec`: units of each layer between the rows and the classes.
    epochs, batch_size, learning_rate, random_state
        Without a `spec`: how to train by Adam, and the seed.

    Attributes
    ----------
    classes_ : ndarray
        The labels, in the order of the columns of `predict_proba`.
    network_ : Network
        The trained network.
    run_ : Run
        The training, with its history.
    n_iter_ : int
        How many epochs it took.
    """

    network_: Network

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on rows X, shape (rows, features), with their labels y, shape (rows,)."""
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        self._train(rows, numbers.astype(np.int64), max(len(self.classes_), 2), classifies=True)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The probability of each class, shape (rows, classes)."""
        scores = class_scores(self._predicted(X))
        return scores[:, : len(self.classes_)]

    def predict(self, X: ArrayLike) -> Array:
        """The likeliest label of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels


class Regressor(MultiOutputMixin, RegressorMixin, _Estimator):  # type: ignore[misc]
    """A network that predicts numbers for rows, as scikit-learn takes it.

    Parameters
    ----------
    spec : str, Path or mapping, optional
        As of `Classifier`; its loss compares a prediction with an input of real numbers.
    settings, hidden, epochs, batch_size, learning_rate, random_state
        As of `Classifier`.

    Attributes
    ----------
    network_, run_, n_iter_
        As of `Classifier`.
    """

    network_: Network

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on rows X, shape (rows, features), with y, shape (rows,) or (rows, outputs)."""
        options = {"dtype": np.float64, "multi_output": True, "y_numeric": True}
        rows, target = validate_data(self, X, y, **options)
        self._flat = target.ndim == 1
        columns = target.reshape(len(target), -1)
        self._train(rows, columns, columns.shape[1], classifies=False)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """The prediction for each row, of the shape of y."""
        values = self._predicted(X)
        return values.reshape(len(values)) if self._flat else values
