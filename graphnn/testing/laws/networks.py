"""Laws of networks, and assertions about one or two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphnn.diagnostics import RunError, UsageError, suggestion
from graphnn.execution import require_network
from graphnn.execution.network import Network, names_of
from graphnn.gradients import (
    DifferenceRule,
    check_function,
    check_gradients,
    numerical_gradient,
)
from graphnn.graph import Node
from graphnn.ops import Array
from graphnn.spec.sizes import show
from graphnn.testing.laws import foreign
from graphnn.testing.laws.requirements import BrokenLaw, chosen, require, require_near
from graphnn.testing.laws.training_passes import training_pass, training_plan
from graphnn.training import load, sample_inputs

Batch = Mapping[str, Any]
Names = Mapping[str, str]
_BATCHES = 3
_ROUNDED = 1e-9  # how far values may differ that are summed in another order
_ENTRIES = 200  # that a law of gradients compares
_CENTRAL = DifferenceRule({-1: -1 / 2, 1: 1 / 2}, 2)
_EPSILONS = 8  # of its size that a loss may be off by rounding


def values_depend_on_inputs_alone(net: Network, batch: Batch) -> None:
    """A run is repeated to the bit, whatever was run in between, and modifies no input."""
    wanted = _wanted(net)
    inputs = {name: np.array(value) for name, value in _for(net, wanted, batch).items()}
    before = {name: value.copy() for name, value in inputs.items()}
    first = net.run(inputs, outputs=wanted)
    others = {name: value[:1] for name, value in inputs.items()} if _has_rows(net) else inputs
    net.run(others, outputs=wanted)
    again = net.run(inputs, outputs=wanted)
    for name, value in first.items():
        require_near(again[name], value, f"'{name}' in a second run")
    for name, value in before.items():
        require_near(inputs[name], value, f"the input '{name}' after a run")


def values_do_not_depend_on_what_is_asked(net: Network, batch: Batch) -> None:
    """A node has the same value alone and beside all others, whose buffers it may share."""
    every = tuple(net.graph.nodes)
    together = net.run(_for(net, every, batch), outputs=every)
    for name in _wanted(net):
        alone = net.run(_for(net, (name,), batch), outputs=[name])[name]
        _require_alike(alone, together[name], f"'{name}' asked for alone")


def backprop_is_the_numerical_gradient(net: Network, batch: Batch) -> None:
    """Backpropagation agrees with the numerical gradient."""
    if net.parameters and _losses(net):
        inputs = _for(net, _losses(net), batch)
        assert_gradients_agree(net, inputs, entries=_ENTRIES)


def probes_are_the_loop(net: Network, batch: Batch) -> None:
    """The quick numerical gradient gives the numbers of whole forward passes."""
    if not (net.parameters and _losses(net)):
        return
    inputs = _for(net, _losses(net), batch)
    options: dict[str, Any] = {"estimate": False, "rule": _CENTRAL, "entries": _ENTRIES}
    loop = numerical_gradient(net, inputs, method="loop", **options)
    probes = numerical_gradient(net, inputs, method="probes", **options)
    sizes = [np.abs(found.value[np.isfinite(found.value)]) for found in loop.values()]
    largest = max((float(size.max(initial=0)) for size in sizes), default=0.0)
    loss = max(1.0, abs(net.astype("float64").loss(inputs)))
    rounding = _EPSILONS * float(np.finfo(float).eps) * loss / _CENTRAL.default_step()
    for name, found in loop.items():
        what = f"the gradient of '{name}' by probes"
        require_near(probes[name].value, found.value, what, 1e-9 * largest + rounding)


LAWS: Mapping[str, Callable[[Network, Batch], None]] = {
    law.__name__: law
    for law in (
        values_depend_on_inputs_alone,
        values_do_not_depend_on_what_is_asked,
        backprop_is_the_numerical_gradient,
        probes_are_the_loop,
    )
}


def check_network(
    net: Network, batch: Batch | None = None, *, skip: Mapping[str, str] | None = None
) -> None:
    """Check that a network keeps every law of networks.

    Parameters
    ----------
    net : Network
    batch : mapping of str to array_like, optional
        An array for each input; by default some batches, as ``graphnn gradcheck`` takes them.
    skip : mapping of str to str, optional
        Names of laws that are not checked, each with the reason.

    Raises
    ------
    BrokenLaw
        A law is broken; which is noted in the error.
    RunError, UsageError
        `net` is not a network, `batch` does not fit it, or `skip` names no law, or gives no reason.
    """
    require_network(net)
    laws = chosen(LAWS, skip)
    given = None if batch is None else _for(net, tuple(net.graph.nodes), batch)
    for each in _batches(net, _all_inputs(net)) if given is None else [given]:
        for name in laws:
            try:
                LAWS[name](net, each)
            except Exception as error:
                error.add_note(f"the network breaks the law '{name}': {LAWS[name].__doc__}")
                raise


def assert_gradients_agree(
    subject: Any, batch: Batch | Sequence[Any], gradients: Any = None, **options: Any
) -> None:
    """Require that a gradient agrees with the numerical one, every entry.

    Parameters
    ----------
    subject : Network, path of a spec, callable, or code of torch or jax
        Code is a ``torch.nn.Module``, an ``autograd.Function``, or a function that jax made. A
        callable takes arrays by keyword and gives one number. A result of torch's or jax's is
        weighted by random numbers and summed; a module's parameters are checked with its inputs,
        in float64.
    batch : mapping of str to array_like, or sequence of array_like
        An array for each input, or each argument; for torch's and jax's in order, too.
    gradients : mapping of str to array_like, or callable, optional
        What is checked: in place of backpropagation for a network, required for a callable, as for
        `graphnn.check_function`.
    **options
        As for `graphnn.check_gradients`, or for `graphnn.check_function`.

    Raises
    ------
    BrokenLaw
        An entry is wrong, or, of a callable, none is known to be right; with the report.
    RunError, UsageError
        As those two.
    """
    subject = _loaded(subject)
    if isinstance(subject, Network):
        given = {} if gradients is None else {"gradients": gradients}
        report = check_gradients(subject, _named(batch), **given, **options)
    elif gradients is None:
        report = check_function(*foreign.subject(subject, batch), **options)
    else:
        report = check_function(subject, _named(batch), gradients, **options)
    if not report.ok:
        raise BrokenLaw(str(report))
    if not isinstance(subject, Network) and not report.counts["agree"]:
        raise BrokenLaw(f"no entry is known to be right: {report}")


def _loaded(subject: Any) -> Any:
    """The network of a file that is named, or what is given itself."""
    return load(subject) if isinstance(subject, str | Path) else subject


def _named(batch: Any) -> Batch:
    if isinstance(batch, Mapping):
        return batch
    message = f"{type(batch).__name__} is not arrays by name"
    raise UsageError.of("bad-value", message, help="write {'x': x}")


def assert_equivalent(
    a: Network | str | Path,
    b: Network | str | Path,
    *,
    names: Names | None = None,
    batch: Batch | None = None,
) -> None:
    """Require that two networks take the same inputs and give the same outputs and losses.

    They compute in the same precision. Both have the parameters and states of the first, which the
    second may hold under other names. They are run, and in training make one pass on the same
    noise, after which their states must be the same. Gradients, and what ``train`` and
    ``trainable`` say, are not compared.

    Parameters
    ----------
    a, b : Network, or path of a spec file
    names : mapping of str to str, optional
        Nodes of `a` that have another name in `b`: inputs, outputs, losses, and nodes with
        parameters or with noise in training.
    batch : mapping of str to array_like, optional
        An array for each input of `a`; by default some batches, as ``graphnn gradcheck`` takes
        them.

    Raises
    ------
    BrokenLaw
        They differ.
    SpecError, FileError
        A file is at fault.
    RunError, UsageError
        `a` or `b` is neither a network nor a path, `batch` does not fit `a`, or `names` is not a
        mapping of names of nodes, or gives two nodes one name.
    """
    first, second = _loaded(a), _loaded(b)
    require_network(first)
    require_network(second)
    renamed = {} if names is None else names
    _check_names(renamed, first, second)
    _require_one_each(renamed, first)
    precisions = f"{first.dtype}, and {second.dtype}"
    require(first.dtype == second.dtype, f"their precisions differ: {precisions}")
    for what, (ours, theirs) in {
        "inputs": (_inputs(first, renamed), _inputs(second, {})),
        "outputs": (_results(first, renamed), _results(second, {})),
        "parameters": (_shapes(first, renamed), _shapes(second, {})),
        "nodes with noise in training": (_noises(first, renamed), _noises(second, {})),
    }.items():
        require(ours == theirs, f"their {what} differ: {_listed(ours)}, and {_listed(theirs)}")
    second = second.astype(second.dtype.name)
    second.assign({_moved(name, renamed): array for name, array in first.arrays.items()})
    wanted = _wanted(first)
    needed = tuple(first.executor(wanted).plan.inputs)
    for each in _batches(first, needed) if batch is None else [batch]:
        inputs = _for(first, wanted, each)
        theirs = {renamed.get(name, name): value for name, value in inputs.items()}
        values = second.run(theirs, outputs=[renamed.get(name, name) for name in wanted])
        for name, value in first.run(inputs, outputs=wanted).items():
            found = values[renamed.get(name, name)]
            _require_alike(found, value, f"'{renamed.get(name, name)}' of the second")
        _require_trained_alike(first, second, inputs, renamed)


def _require_trained_alike(
    first: Network, second: Network, inputs: Mapping[str, Any], names: Names
) -> None:
    """Require the same values of a training pass, and the same states after it."""
    wanted = [names.get(name, name) for name in _wanted(first)]
    given = {names.get(name, name): value for name, value in inputs.items()}
    ours = training_pass(first, _wanted(first), inputs, names)
    theirs = training_pass(second, wanted, given, {})
    if isinstance(ours, RunError) or isinstance(theirs, RunError):
        for one, other, which in ((ours, theirs, "first"), (theirs, ours, "second")):
            alone = isinstance(one, RunError) and not isinstance(other, RunError)
            require(not alone, f"the {which} alone cannot be trained on a batch: {one}")
        return
    for name, found, expected in zip(wanted, theirs[0], ours[0], strict=True):
        _require_alike(found, expected, f"in training, '{name}' of the second")
    for name, expected in ours[1].items():
        state = _moved(name, names)
        _require_alike(theirs[1][state], expected, f"after training, '{state}' of the second")


def _wanted(net: Network) -> tuple[str, ...]:
    """The nodes of outputs and losses; a use of a block is its output."""
    names = (*net.graph.outputs, *_losses(net))
    return tuple(dict.fromkeys(net.graph.node(name).name for name in names))


def _losses(net: Network) -> tuple[str, ...]:
    try:
        return net.losses()
    except UsageError:
        return ()


def _all_inputs(net: Network) -> set[str]:
    return {node.name for node in net.graph.inputs}


def _has_rows(net: Network) -> bool:
    return all(node.shape and not isinstance(node.shape[0], int) for node in net.graph.inputs)


def _for(net: Network, wanted: tuple[str, ...], batch: Batch) -> dict[str, Any]:
    """What nodes need of a batch, which must have all of it and name no input that is not there."""
    executor = net.executor(wanted)
    unneeded = _all_inputs(net) - executor.plan.inputs.keys()
    inputs = {name: value for name, value in _named(batch).items() if name not in unneeded}
    executor.bind(inputs)
    return inputs


def _check_names(names: Any, first: Network, second: Network) -> None:
    """Refuse what is not a mapping from nodes of the first network to nodes of the second."""
    if not isinstance(names, Mapping):
        message = f"'names' is {names!r}, not a mapping of names of nodes"
        help = "write names={'NODE': 'its name in the second network'}"
        raise UsageError.of("bad-option", message, help=help)
    given = {"first": (first, names_of(names)), "second": (second, names_of(names.values()))}
    for which, (net, nodes) in given.items():
        for name in nodes:
            if name not in net.graph.nodes:
                message = f"the {which} network has no node '{name}'"
                help = suggestion(name, net.graph.nodes)
                raise UsageError.of("unknown-node", message, help=help)


def _require_one_each(names: Names, first: Network) -> None:
    """Refuse one name in the second network for two nodes that are compared."""
    keepers = (name.rpartition(".")[0] for name in first.arrays)
    inputs = (node.name for node in first.graph.inputs)
    found: dict[str, str] = {}
    for node in dict.fromkeys((*names, *inputs, *_wanted(first), *keepers, *_noises(first, {}))):
        name = names.get(node, node)
        other = found.setdefault(name, node)
        if other != node:
            message = f"'names' makes '{name}' of both '{other}' and '{node}'"
            help = "" if node in names else f"say what '{node}' is called in the second network"
            raise UsageError.of("bad-option", message, help=help)


def _batches(net: Network, needed: Any) -> list[dict[str, Array]]:
    names = tuple(sorted(needed))
    return [sample_inputs(net, names, rows=2 + seed, seed=seed) for seed in range(_BATCHES)]


def _require_alike(found: Array, expected: Array, what: str) -> None:
    size = float(np.abs(expected[np.isfinite(expected)]).max(initial=1.0))
    epsilon = float(np.finfo(expected.dtype).eps) if expected.dtype.kind == "f" else 0.0
    require_near(found, expected, what, size * max(_ROUNDED, 64 * epsilon))


def _inputs(net: Network, names: Names) -> dict[str, str]:
    return _described(net.graph.inputs, names)


def _results(net: Network, names: Names) -> dict[str, str]:
    return _described((net.graph.nodes[name] for name in _wanted(net)), names)


def _described(nodes: Iterable[Node], names: Names) -> dict[str, str]:
    return {names.get(node.name, node.name): f"{node.kind} {show(node.shape)}" for node in nodes}


def _shapes(net: Network, names: Names) -> dict[str, str]:
    return {_moved(name, names): show(array.shape) for name, array in net.arrays.items()}


def _noises(net: Network, names: Names) -> dict[str, str]:
    plan = training_plan(net, _wanted(net))
    slots = [plan.slots[slot] for slot, _ in plan.noises]
    return {names.get(slot.name, slot.name): show(slot.shape) for slot in slots}


def _moved(parameter: str, names: Names) -> str:
    node, _, operand = parameter.rpartition(".")
    return f"{names.get(node, node)}.{operand}"


def _listed(found: Mapping[str, str]) -> str:
    return ", ".join(f"'{name}' {what}" for name, what in found.items()) or "none"
