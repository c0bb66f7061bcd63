"""Numerical gradients as others take them: loops in NumPy and scipy, and jax in two ways.

Each maker gives a function to time and how many times that must be done for all entries. Where it
is not once, only a sample of the entries is timed: what is left out would take as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from by_hand import Chain, NumpyChain, jax_scores
from numpy.typing import NDArray

from graphnn.execution.network import Network
from graphnn.gradients.numerical.loop import Loop
from graphnn.gradients.numerical.objective import Objective

Array = NDArray[Any]
Scores = Callable[[Any, Mapping[str, Any], Any], Any]
STEP = float(np.finfo(float).eps ** (1 / 3))  # what graphnn takes by itself


@dataclass(frozen=True)
class Row:
    """One network on one batch.

    Attributes
    ----------
    title : str
    network : Network
        In float64.
    inputs : dict of str to ndarray
        ``x`` and the class numbers ``t``.
    scores : callable
        The network in jax before its softmax: from jax, the parameters by name, and x.
    chain : tuple of Layer
        Its layers, where it is a chain.
    """

    title: str
    network: Network
    inputs: dict[str, Array]
    scores: Scores
    chain: Chain = ()

    @property
    def entries(self) -> int:
        """Parameter entries of the network."""
        return sum(array.size for array in self.network.parameters.values())


@dataclass(frozen=True)
class Rival:
    """What is timed.

    Attributes
    ----------
    act : callable
        Does it once; it gives the gradient where once is for all entries.
    times : float
        How often `act` must be done for all entries.
    """

    act: Callable[[], object]
    times: float = 1.0


def own_loop(row: Row, sample: int) -> Rival:
    """The reference loop of graphnn: a whole forward pass for each probe."""
    loop = Loop(Objective(row.network, row.inputs, row.network.losses(), "run", 0))
    places = _places(row, sample)

    def act() -> None:
        for name, index in places:
            for offset in (STEP, -STEP):
                loop.at(name, index, offset)

    return Rival(act, row.entries / sample)


def numpy_loop(row: Row, sample: int) -> Rival:
    """The textbook's loop over a chain written by hand in NumPy."""
    chain = NumpyChain(row.chain, row.network.parameters)
    places = _places(row, sample)

    def act() -> None:
        for name, index in places:
            array = chain.parameters[name]
            original = array[index]
            array[index] = original + STEP
            up = _loss(chain, row)
            array[index] = original - STEP
            down = _loss(chain, row)
            array[index] = original
            assert np.isfinite((up - down) / (2 * STEP))

    return Rival(act, row.entries / sample)


def scipy_differences(row: Row, sample: int) -> Rival:
    """What scipy takes: `approx_derivative` with its central rule, of the chain written by hand."""
    from scipy.optimize._numdiff import approx_derivative

    chain = NumpyChain(row.chain, row.network.parameters)
    name = next(iter(chain.parameters))
    part = chain.parameters[name].reshape(-1)
    start = part[:sample].copy()

    def loss(values: Array) -> float:
        part[:sample] = values
        return _loss(chain, row)

    def act() -> None:
        approx_derivative(loss, start, method="3-point", abs_step=STEP)

    return Rival(act, row.entries / len(start))


def jax_vmap(jax: Any, row: Row, size: int) -> Rival:
    """The jitted vmap of jax over one-entry perturbations, `size` entries a chunk."""
    jnp = jax.numpy
    names = list(row.network.parameters)
    arrays = [jnp.asarray(row.network.parameters[name]) for name in names]
    sizes = np.cumsum([0, *(array.size for array in arrays)]).tolist()
    x, t = jnp.asarray(row.inputs["x"]), jnp.asarray(row.inputs["t"])

    def loss(vector: Any) -> Any:
        parameters = {
            name: vector[sizes[i] : sizes[i + 1]].reshape(arrays[i].shape)
            for i, name in enumerate(names)
        }
        return _entropies(jax, row.scores(jax, parameters, x), t).mean()

    vector = jnp.concatenate([array.ravel() for array in arrays])

    @jax.jit
    def chunk(entries: Any) -> Any:
        def one(entry: Any) -> Any:
            up, down = vector.at[entry].add(STEP), vector.at[entry].add(-STEP)
            return (loss(up) - loss(down)) / (2 * STEP)

        return jax.vmap(one)(entries)

    entries = jnp.arange(size)
    return Rival(lambda: chunk(entries).block_until_ready(), row.entries / size)


def jax_by_hand(jax: Any, row: Row, batch_size: int) -> Rival:
    """A chain with its structure written by hand in jax: one unit of each sample moves a probe.

    The loss of every sample with one unit moved, for all units at once, mapped over the inputs of
    the layer, `batch_size` of them at a time.
    """
    parameters = {name: jax.numpy.asarray(a) for name, a in row.network.parameters.items()}
    x, t = jax.numpy.asarray(row.inputs["x"]), jax.numpy.asarray(row.inputs["t"])
    take = jax.jit(lambda p, x, t: _all_by_hand(jax, row.chain, p, x, t, batch_size))

    def act() -> Mapping[str, Any]:
        found: Mapping[str, Any] = jax.block_until_ready(take(parameters, x, t))
        return found

    return Rival(act)


def _places(row: Row, sample: int) -> list[tuple[str, tuple[int, ...]]]:
    """Entries drawn from all parameters alike."""
    rng = np.random.default_rng(0)
    arrays = row.network.parameters
    ends = np.cumsum([array.size for array in arrays.values()])
    names = list(arrays)
    found = []
    for entry in rng.integers(0, ends[-1], sample):
        name = names[int(np.searchsorted(ends, entry, side="right"))]
        found.append((name, tuple(int(rng.integers(size)) for size in arrays[name].shape)))
    return found


def _loss(chain: NumpyChain, row: Row) -> float:
    scores, _ = chain.forward(row.inputs["x"])
    scores -= scores.max(axis=1, keepdims=True)
    chosen = scores[np.arange(len(scores)), row.inputs["t"]]
    return float((np.log(np.exp(scores).sum(axis=1)) - chosen).mean())


def _entropies(jax: Any, scores: Any, t: Any) -> Any:
    """Cross-entropy of each row of `scores`, whose last axis is the classes."""
    logs = jax.nn.log_softmax(scores)
    shape = (*(1,) * (scores.ndim - 2 - (t.ndim - 1)), *t.shape, 1)
    wanted = jax.numpy.broadcast_to(t.reshape(shape), (*scores.shape[:-1], 1))
    return -jax.numpy.take_along_axis(logs, wanted, axis=-1)[..., 0]


def _all_by_hand(
    jax: Any, chain: Chain, p: Mapping[str, Any], x: Any, t: Any, batch_size: int
) -> dict[str, Any]:
    jnp = jax.numpy
    found: dict[str, Any] = {}
    for number, layer in enumerate(chain):
        rest = chain[number + 1 :]
        if layer.kind == "affine":
            z = x @ p[f"{layer.node}.weight"] + p[f"{layer.node}.bias"]

            def by_units(column: Any, z: Any = z, rest: Chain = rest) -> Any:
                """Derivative by the weights of one input, [units]."""
                losses = [
                    _losses(jax, rest, p, z, z + sign * STEP * column[:, None], t)
                    for sign in (1, -1)
                ]
                return (losses[0] - losses[1]).mean(axis=0) / (2 * STEP)

            found[f"{layer.node}.weight"] = jax.lax.map(by_units, x.T, batch_size=batch_size)
            found[f"{layer.node}.bias"] = by_units(jnp.ones_like(x[:, 0]))
        elif layer.kind == "conv":
            weight = p[f"{layer.node}.weight"]
            z = jax_scores(jax, (layer,), p, x)
            kernel = weight.shape[2:]

            def by_filters(window: Any, z: Any = z, rest: Chain = rest) -> Any:
                """Derivative by one entry of every filter, [filters]."""
                losses = [
                    _channel_losses(jax, rest, p, z, z + sign * STEP * window[:, None], t)
                    for sign in (1, -1)
                ]
                return (losses[0] - losses[1]).mean(axis=0) / (2 * STEP)

            rows, columns = z.shape[2:]
            windows = jnp.stack(
                [
                    x[:, 0, i : i + rows, j : j + columns]
                    for i in range(kernel[0])
                    for j in range(kernel[1])
                ]
            )
            by_entry = jax.lax.map(by_filters, windows)
            found[f"{layer.node}.weight"] = by_entry.T.reshape(weight.shape)
            found[f"{layer.node}.bias"] = by_filters(jnp.ones_like(windows[0]))
        x = jax_scores(jax, (layer,), p, x)
    return found


def _losses(jax: Any, rest: Chain, p: Mapping[str, Any], z: Any, moved: Any, t: Any) -> Any:
    """Loss of each sample with one unit at a time moved from `z` to `moved`, [samples, units]."""
    if not rest:
        eye = jax.numpy.eye(z.shape[1], dtype=bool)
        return _entropies(jax, jax.numpy.where(eye, moved[:, None], z[:, None]), t[:, None])
    activation, affine, *after = rest
    before, now = (jax_scores(jax, (activation,), p, values) for values in (z, moved))
    weight = p[f"{affine.node}.weight"]
    base = jax_scores(jax, (affine,), p, before)
    rows = base[:, None] + (now - before)[..., None] * weight
    return _entropies(jax, jax_scores(jax, tuple(after), p, rows), t[:, None])


def _channel_losses(jax: Any, rest: Chain, p: Mapping[str, Any], z: Any, moved: Any, t: Any) -> Any:
    """Loss of each image with one channel at a time moved, [images, channels]."""
    relu, pool, flat, affine, *after = rest
    before, now = (jax_scores(jax, (relu, pool), p, values) for values in (z, moved))
    base = jax_scores(jax, (flat, affine), p, before)
    change = (now - before).reshape(*z.shape[:2], -1)
    weight = p[f"{affine.node}.weight"].reshape(z.shape[1], -1, base.shape[1])
    rows = base[:, None] + jax.numpy.einsum("ncp,cpu->ncu", change, weight)
    return _entropies(jax, jax_scores(jax, tuple(after), p, rows), t[:, None])
