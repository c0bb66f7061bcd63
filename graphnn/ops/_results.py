"""What methods of ops give, held to its type in ops that are not graphnn's.

`forward`, `vjp` and `infer_shape`, which know more than a type, are checked where they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from graphnn.diagnostics import RunError
from graphnn.ops._arrays import ShapeError
from graphnn.ops._facts import is_own, owner
from graphnn.ops._inference import Inferred
from graphnn.ops._operands import Kind
from graphnn.ops._passages import Passage
from graphnn.spec.sizes import Expression

if TYPE_CHECKING:
    from graphnn.ops._op import Op

Test = Callable[[Any], bool]
_SHAPING = ("infer", "infer_kind", "solve_sizes", "signature")  # asked while shapes are inferred


def what(value: Any) -> str:
    """A value in the words of a message: what it is."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray | np.generic):
        return f"an array of {value.dtype}"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def hold_results(op_class: type[Op], base: type[Op]) -> None:
    """Make methods of somebody's op raise an error where they give a value of another type.

    Parameters
    ----------
    op_class : type of Op
    base : type of Op
        The class that all ops are derived from.
    """
    if not is_own(op_class):
        return
    for name, (fits, called) in _results(base).items():
        defining = owner(op_class, name)
        # What an op inherits from another op has been held to it there.
        if defining is op_class or not issubclass(defining, base):
            method = vars(defining)[name]
            if isinstance(method, FunctionType):
                setattr(op_class, name, _held(method, fits, called))
            elif isinstance(method, classmethod):
                setattr(op_class, name, classmethod(_held(method.__func__, fits, called)))


def _held(method: Callable[..., Any], fits: Test, called: str) -> Callable[..., Any]:
    name = method.__name__
    fault = ShapeError if name in _SHAPING else _run_error

    @wraps(method)
    def held(op: Any, *given: Any, **keywords: Any) -> Any:
        found = method(op, *given, **keywords)
        if not fits(found):
            raise fault(f"'{name}' of {op.name} gives {what(found)}, not {called}")
        return found

    return held


def _run_error(message: str) -> RunError:
    return RunError.of("op-failed", message)


def _results(base: type[Op]) -> dict[str, tuple[Test, str]]:
    """Of each method, what it may give, and what messages call that."""
    array, size = _instance(np.ndarray, np.generic), _instance(int, np.integer, Expression)
    array_or_none = (_or_none(array), "an array or None")
    arrays = (_mapping_of(array), "a mapping of names to arrays")
    flag, whole = _instance(bool, np.bool_), _instance(int, np.integer)
    text = _instance(str)
    texts = (_sequence_of(_or_none(text)), "a sequence of texts and None")
    op = _instance(base)
    shapes = _sequence_of(_instance(tuple))
    return {
        "choices": (_or_none(_instance(Sequence)), "a sequence or None"),
        "continued": (array, "an array"),
        "branch": array_or_none,
        "response": array_or_none,
        "moved": array_or_none,
        "spread": array_or_none,
        "noise": (array, "an array"),
        "update": arrays,
        "prepared": arrays,
        "gives_shares": (flag, "True or False"),
        "rows_apart": (flag, "True or False"),
        "has_rows": (_sequence_of(flag), "a tuple of True or False, one for each data operand"),
        "fixed": (op, "an op"),
        "in_training": (op, "an op"),
        "fused": (_or_none(op), "an op or None"),
        "rows_needed": (whole, "a whole number"),
        "multiply_adds": (whole, "a whole number"),
        "to_onnx": (text, "the name of a value"),
        "to_numpy": (text, "a text"),
        "to_numpy_vjp": texts,
        "to_torch": (text, "a text"),
        "to_torch_layer": (text, "a text"),
        "torch_given": texts,
        "torch_parts": (_instance(Mapping), "a mapping of names to parts"),
        "beside": (_or_none(shapes), "a sequence of shapes or None"),
        "limit": (_or_none(size), "a size or None"),
        "infer_kind": (lambda found: found in get_args(Kind), "'float' or 'int'"),
        "infer": (_instance(Inferred), "an Inferred"),
        "solve_sizes": (_mapping_of(size), "a mapping of names to sizes"),
        "signature": (text, "a text"),
        "passage": (_or_none(_instance(Passage)), "a Passage or None"),
        "from_front": (_instance(Mapping), "a mapping of names to values"),
        "part": (_or_none(_three), "an axis, a start and a stop, or None"),
    }


def _instance(*kinds: type) -> Test:
    return lambda found: isinstance(found, kinds)


def _or_none(fits: Test) -> Test:
    return lambda found: found is None or fits(found)


def _sequence_of(fits: Test) -> Test:
    return lambda found: isinstance(found, tuple | list) and all(map(fits, found))


def _mapping_of(fits: Test) -> Test:
    return lambda found: isinstance(found, Mapping) and all(map(fits, found.values()))


def _three(found: Any) -> bool:
    return _sequence_of(_instance(int, np.integer))(found) and len(found) == 3
