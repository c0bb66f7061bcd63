"""Facts of ops and of their operands, held to the values that they may have."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from graphnn.ops._operands import Kind, Operand
from graphnn.ops.initializers import Initializer

if TYPE_CHECKING:
    from graphnn.ops._op import Op

_MEANT = ((str, str, "a text"), (tuple, tuple | list, "a tuple"), (dict, Mapping, "a mapping"))
_AXES = re.compile(r"\.\.\.|[\w/*+-]+")  # the op itself may solve an expression


def is_own(op_class: type[Op]) -> bool:
    """Whether an op's class is not one of graphnn's."""
    return not op_class.__module__.startswith("graphnn.")


def owner(cls: type, method: str) -> type:
    """The class that defines a method of `cls`."""
    return next(each for each in cls.__mro__ if method in vars(each))


def is_signature(given: Any) -> bool:
    """Whether something is text of axes with spaces between, and ``...`` once at most."""
    if not isinstance(given, str):
        return False
    axes = given.split()
    return all(map(_AXES.fullmatch, axes)) and axes.count("...") <= 1


def operand_facts(operand: Operand) -> Iterator[str]:
    """What is wrong with an operand, whatever the op."""
    name, kinds = operand.name, (*get_args(Kind), "any")
    if not isinstance(name, str) or not name.isidentifier():
        yield f"{name!r} is not the name of an operand: use letters, digits and '_'"
        return
    if not is_signature(operand.signature):
        yield (
            f"'{name}' has the signature {operand.signature!r}: write size names and "
            "numbers with spaces between, and at most one '...', such as \"batch ... n\""
        )
    if operand.kind not in kinds:
        yield f"'{name}' is of kind {operand.kind!r}: write one of {', '.join(map(repr, kinds))}"
    if not _is_interval(operand.domain):
        yield f"'{name}' has the domain {operand.domain!r}: write (low, high), two numbers"
    if operand.is_parameter and not isinstance(operand.start, Initializer):
        yield f"'{name}' starts by {operand.start!r}: write an initializer, such as Zeros()"


def facts(op_class: type[Op], base: type[Op]) -> Iterator[str]:
    """What is wrong with the facts of an op, and with the defaults of its attributes."""
    for key in sorted(base.__class_vars__):  # so that messages are in one order
        if isinstance(getattr(base, key, None), bool):
            given = getattr(op_class, key)
            if not isinstance(given, bool | property):  # which depends on attributes
                yield f"'{key}' is {given!r}: write True or False"
    interval = op_class.output_interval
    if not (interval is None or isinstance(interval, property) or _is_interval(interval)):
        yield f"'output_interval' is {interval!r}: write (low, high), two numbers, or None"
    if is_own(op_class):  # the tests check those of graphnn's
        yield from _types(op_class, base)
        yield from _templates(op_class)
        yield from _unhashable(op_class)
        yield from _defaults(op_class)


def _types(op_class: type[Op], base: type[Op]) -> Iterator[str]:
    """Facts of another type than the one they have where an op does not state them."""
    for key in sorted(base.__class_vars__ - {"result", "torch_layer"}):  # of more kinds, or checked
        default, given = getattr(base, key, None), getattr(op_class, key, None)
        for kind, allowed, called in _MEANT:
            if isinstance(default, kind) and not isinstance(given, allowed | property):
                yield f"'{key}' is {given!r}: write {called}"


def _templates(op_class: type[Op]) -> Iterator[str]:
    """Templates of code that are none, or that name what the op does not have."""
    names = [operand.name for operand in op_class.operands]
    given = {key: getattr(op_class, key) for key in ("numpy", "torch", "torch_unlayered")}
    if isinstance(op_class.numpy_vjp, Mapping):
        given |= {f"numpy_vjp[{name!r}]": each for name, each in op_class.numpy_vjp.items()}
        for name in [each for each in op_class.numpy_vjp if each not in names]:
            yield f"'numpy_vjp' has {name!r}, which is not an operand: write {', '.join(names)}"
    for key, template in given.items():
        if isinstance(template, str):
            yield from _fields(key, template, names)


def _fields(key: str, template: str, names: Sequence[str]) -> Iterator[str]:
    """What is wrong with the fields of one template, which are operands, ``y``, ``g`` or ``op``."""
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    except ValueError as error:
        yield f"'{key}' is {template!r}, which cannot be filled in: {error}"
        return
    listed = ", ".join(f"{{{each}}}" for each in names)
    for field in fields:
        name = re.split(r"[.\[]", field)[0]
        if name not in (*names, "y", "g", "op"):
            yield f"'{key}' has {{{name}}}, which is not an operand: write {listed}"


def _unhashable(op_class: type[Op]) -> Iterator[str]:
    """Attributes of types by which an op would have no hash."""
    for key, info in op_class.model_fields.items():
        kind = get_origin(info.annotation) or info.annotation
        if kind in (list, dict, set) and "numbers" not in info.metadata:
            example = "tuple[int, ...]" if kind is list else "a tuple"
            yield f"the attribute '{key}' is a {kind.__name__}, which can change: write {example}"


def _defaults(op_class: type[Op]) -> Iterator[str]:
    """Defaults that are not of their types, as far as the types alone say what may be there."""
    # Only ops from elsewhere come here.
    from pydantic import TypeAdapter, ValidationError

    decorators = op_class.__pydantic_decorators__
    given = [*decorators.field_validators.values()]
    changed = {field for each in given for field in each.info.fields}
    for key, info in op_class.model_fields.items():
        if key in {"op", "*", *changed} or info.is_required() or decorators.model_validators:
            continue
        default = info.get_default(call_default_factory=True, validated_data={})
        kind: Any = info.annotation
        for extra in info.metadata:
            kind = Annotated[kind, extra]
        try:
            TypeAdapter[Any](kind).validate_python(default)
        except ValidationError:
            yield f"the attribute '{key}' has the default {default!r}, which is not of its type"
        except Exception:
            continue  # a type that needs more than itself, which is checked when it is used


def _is_interval(given: Any) -> bool:
    if not isinstance(given, tuple | list) or len(given) != 2:
        return False
    low, high = given
    return all(isinstance(end, int | float) and not math.isnan(end) for end in given) and low < high
