"""Code of torch and jax as scalar functions of NumPy arrays, with their own gradients.

Neither is imported here: whoever has an object of theirs has imported them.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from graphnn.diagnostics import UsageError
from graphnn.ops import Array
from graphnn.ops.own import what

Arrays = Mapping[str, Any]


class Subject(NamedTuple):
    """What `graphnn.check_function` takes.

    Attributes
    ----------
    function : callable
        From arrays by keyword to one number.
    arrays : mapping of str to ndarray
    gradient : callable
        From arrays by keyword to their gradients by name.
    """

    function: Callable[..., Any]
    arrays: Mapping[str, Array]
    gradient: Callable[..., Mapping[str, Any]]


def subject(code: Any, batch: Arrays | Sequence[Any]) -> Subject:
    """A torch module or ``autograd.Function``, or a function of jax, ready to be checked.

    A result of several numbers is weighted by random ones and summed, so that no error cancels.

    Parameters
    ----------
    code : torch.nn.Module, subclass of torch.autograd.Function or its apply, or function of jax
    batch : mapping of str to array_like, or sequence of array_like
        Its arguments, by keyword or by position; the latter are called ``argument0`` and so on.

    Raises
    ------
    UsageError
        It is something else, whose gradient nobody knows; an argument has the name of a parameter;
        a result is not a tensor of numbers in float64; or jax computes in float32.
    """
    if getattr(code, "__name__", "") == "apply":
        code = getattr(code, "__self__", code)  # as torch.autograd.gradcheck takes it
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    named = isinstance(batch, Mapping)
    arrays = dict(batch) if isinstance(batch, Mapping) else _numbered(batch)
    arrays = {name: _plain(value) for name, value in arrays.items()}
    if torch is not None and isinstance(code, torch.nn.Module):
        return _module(torch, code, arrays, named)
    if torch is not None and isinstance(code, type) and issubclass(code, torch.autograd.Function):
        function: Any = code
        return _torch(torch, lambda given: function.apply(*given.values()), arrays)
    if jax is not None and type(code).__module__.partition(".")[0] in ("jax", "jaxlib"):
        return _jax(jax, code, arrays, named)
    help = "give gradients=..., a mapping from names to arrays, or a function that returns one"
    if torch is not None or jax is not None:
        help += "; or, of a function of jax, jax.jit(it), and of torch, a module that calls it"
    raise UsageError.of("missing-gradient", f"the gradient of {code!r} is not known", help=help)


def _plain(value: Any) -> Array:
    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    if not isinstance(values, list | tuple):
        message = f"{type(values).__name__} is not arrays in order or by name"
        raise UsageError.of("bad-value", message, help="write [x], or {'x': x}")
    return {f"argument{number}": value for number, value in enumerate(values)}


def _module(torch: Any, module: Any, arrays: dict[str, Array], named: bool) -> Subject:
    """A module as a function of its parameters, too, in float64."""
    module = copy.deepcopy(module).double()
    own = {name: value.detach().numpy() for name, value in module.named_parameters()}
    kept = dict(module.named_buffers())
    for name in arrays:
        if name in own:
            message = f"'{name}' is an argument and a parameter of the module"
            raise UsageError.of("bad-value", message, help="give the arguments in order, as [x]")

    def call(given: dict[str, Any]) -> Any:
        parameters = {name: given.pop(name) for name in own}
        # Copies, so that what a call writes there, as the mean of a batch, changes no other call.
        parameters |= {name: buffer.clone() for name, buffer in kept.items()}
        args, keywords = ((), given) if named else (tuple(given.values()), {})
        with torch.random.fork_rng():
            torch.manual_seed(0)  # what is drawn, as by dropout, is the same for every call
            return torch.func.functional_call(module, parameters, args, keywords)

    return _torch(torch, call, {**arrays, **own})


def _torch(torch: Any, call: Callable[[dict[str, Any]], Any], arrays: dict[str, Array]) -> Subject:
    arrays = {name: _wide(array) for name, array in arrays.items()}

    def total(given: dict[str, Any]) -> Any:
        weighted = [
            (part * torch.as_tensor(_weights(part.shape, at))).sum()
            for at, part in enumerate(_parts(call(dict(given)), torch.Tensor))
        ]
        return sum(weighted)

    def function(**given: Array) -> float:
        with torch.no_grad():
            return float(total({name: torch.as_tensor(array) for name, array in given.items()}))

    def gradient(**given: Array) -> dict[str, Array]:
        tensors = {name: torch.tensor(array) for name, array in given.items()}
        moved = [name for name, array in given.items() if array.dtype.kind == "f"]
        for name in moved:
            tensors[name].requires_grad_()
        leaves = [tensors[name] for name in moved]
        value = total(tensors)
        cut = not value.requires_grad  # all of it detached
        found = torch.autograd.grad(value, leaves, allow_unused=True) if not cut else leaves[:0]
        # None stands for zeros, which the numerical gradient confirms or not.
        return {
            name: np.zeros(given[name].shape) if own is None else own.to_dense().numpy()
            for name, own in zip_longest(moved, found)
        }

    return Subject(function, arrays, gradient)


def _jax(jax: Any, code: Callable[..., Any], arrays: dict[str, Array], named: bool) -> Subject:
    if not jax.config.jax_enable_x64:
        help = "call jax.config.update('jax_enable_x64', True) first"
        raise UsageError.of("bad-dtype", "jax computes in float32", help=help)
    arrays = {name: _wide(array) for name, array in arrays.items()}
    moved = [name for name, array in arrays.items() if array.dtype.kind == "f"]

    def total(some: Mapping[str, Any], rest: Mapping[str, Any]) -> Any:
        given = {name: {**some, **rest}[name] for name in arrays}
        found = code(**given) if named else code(*given.values())
        parts = _parts(jax.tree_util.tree_leaves(found), jax.Array)
        return sum((part * _weights(part.shape, at)).sum() for at, part in enumerate(parts))

    compiled, slope = jax.jit(total), jax.jit(jax.grad(total))

    def parted(given: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        some = {name: given[name] for name in moved}
        return some, {name: array for name, array in given.items() if name not in some}

    return Subject(
        lambda **given: np.asarray(compiled(*parted(given))),
        arrays,
        lambda **given: {name: np.asarray(a) for name, a in slope(*parted(given)).items()},
    )


def _parts(found: Any, kind: type) -> Iterator[Any]:
    """The tensors of a result, however it nests them; None stands for one left out."""
    if isinstance(found, Mapping | tuple | list):
        for each in found.values() if isinstance(found, Mapping) else found:
            yield from _parts(each, kind)
    elif isinstance(found, kind):
        yield _in_full(found)
    elif found is not None:
        help = f"let it give a {kind.__name__}, or some by name or in order"
        message = f"the result has {what(found)} in it, whose gradient is not known"
        raise UsageError.of("bad-value", message, help=help)


def _in_full(part: Any) -> Any:
    """A tensor, once its numbers are whole ones or those of float64."""
    dtype = str(part.dtype).rpartition(".")[2]
    if dtype.startswith("complex"):
        help = "let it give the real and the imaginary parts"
        raise UsageError.of("bad-dtype", f"a result is of {dtype}", help=help)
    if "float" in dtype and dtype != "float64":
        help = "let it compute in float64 where its arguments are, or its differences are roundings"
        raise UsageError.of("bad-dtype", f"a result is of {dtype}", help=help)
    return part


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _weights(shape: Sequence[int], seed: int) -> Array:
    """Random, never ones: sums of results may not depend on anything, as those of a softmax."""
    return np.random.default_rng(seed).normal(size=tuple(shape)) if len(shape) else np.ones(())
