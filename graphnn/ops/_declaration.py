"""What is wrong with the class of an op, found when the class is defined."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ForwardRef, Literal, get_args, get_origin

from graphnn.diagnostics import suggestion
from graphnn.ops._facts import facts, is_signature, operand_facts
from graphnn.ops._operands import Operand
from graphnn.spec import NAME, resolve
from graphnn.spec.forms import key_names
from graphnn.spec.node_records import NodeSpec

if TYPE_CHECKING:
    from graphnn.ops._op import Op

_ROLES = ("data", "parameter", "state", "noise")


def untyped(name: str, key: str, value: Any, facts: Iterable[str]) -> TypeError:
    """The error for an attribute of a class that has no type."""
    typed = "Literal[{0!r}] = {0!r}" if key == "op" else "{1} = {0!r}"
    written = typed.format(value, type(value).__name__).replace("'", '"')
    help = suggestion(key, facts, f"write {key}: {written}")
    return TypeError(f"the class '{name}' does not declare an op:\n  '{key}' has no type: {help}")


def check_declaration(op_class: type[Op], base: type[Op]) -> None:
    """Refuse a class that does not declare an op.

    Parameters
    ----------
    op_class : type of Op
        With a field ``op``.
    base : type of Op
        The class that all ops are derived from, whose methods do nothing.

    Raises
    ------
    TypeError
        Something is wrong; all faults are in the message, each with what to write.
    """
    faults = [*_name(op_class)] or [*_operands(op_class, base)] or [*facts(op_class, base)]
    faults = faults or [*_signatures(op_class, base), *_methods(op_class, base)]
    if faults:
        listed = "".join(f"\n  {fault}" for fault in faults)
        raise TypeError(f"the class '{op_class.__name__}' does not declare an op:{listed}")


def _name(op_class: type[Op]) -> Iterator[str]:
    field = op_class.model_fields["op"]
    if isinstance(field.annotation, ForwardRef):
        yield "the type of 'op' has a name that its module does not have: import it there"
        return
    names = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if len(names) != 1 or not isinstance(names[0], str):
        name = field.default if isinstance(field.default, str) else op_class.__name__.lower()
        yield f'\'op\' is not the literal of one name: write op: Literal["{name}"] = "{name}"'
    elif not NAME.fullmatch(names[0]):
        yield f"'{names[0]}' is not a name: use letters, digits and '_'"
    elif not isinstance(resolve(names[0], len(names[0])), str):
        yield f"'{names[0]}' is not a text in YAML: give it another name"
    elif field.default != names[0]:
        yield f'\'op\' has no such default: write op: Literal["{names[0]}"] = "{names[0]}"'


def _operands(op_class: type[Op], base: type[Op]) -> Iterator[str]:
    given: Any = op_class.operands
    takes = op_class.forward is not base.forward and inspect.signature(op_class.forward).parameters
    if given is base.operands and takes and len(takes) > 1:
        yield '\'operands\' is not stated: write operands = (data("x", "..."),)'
        return
    if not isinstance(given, tuple) or not all(isinstance(each, Operand) for each in given):
        yield '\'operands\' is not a tuple of operands: write operands = (data("x", "..."),)'
        return
    for operand in given:
        yield from operand_facts(operand)
    yield from _order(given)
    yield from _attributes(op_class, base)
    yield from _operand_names(op_class)


def _order(operands: tuple[Operand, ...]) -> Iterator[str]:
    """Operands where they may not stand, or beside others that they may not."""
    roles = [_ROLES.index(operand.role) for operand in operands]
    if roles != sorted(roles):
        yield "'operands' are not in order: write data first, then parameters, states, noise"
    data = [operand for operand in operands if operand.role == "data"]
    optional = [operand.optional for operand in data]
    if optional != sorted(optional):
        yield "an operand that may be left out stands before one that may not: write it last"
    for operand in data if len(data) > 1 else ():
        if operand.many:
            yield f"'{operand.name}' stands for many inputs: no other data operand may be there"


def _operand_names(op_class: type[Op]) -> Iterator[str]:
    """Names of operands that something else has."""
    names = [operand.name for operand in op_class.operands]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"two operands are called '{name}': give one another name"
    taken = dict.fromkeys(op_class.model_fields, "an attribute")
    taken.update(dict.fromkeys(key_names(NodeSpec), "a key of every node"))
    for operand in op_class.operands:
        if operand.is_parameter and operand.name in taken:
            yield f"'{operand.name}' is {taken[operand.name]} as well: give it another name"


def _attributes(op_class: type[Op], base: type[Op]) -> Iterator[str]:
    """Attributes that have the name of a key of every node, or of what every op has."""
    for key in op_class.model_fields:
        if key in base.__class_vars__ and hasattr(base, key):
            yield f"'{key}' is a fact, not an attribute: write {key} = ..., without a type"
        elif key in base.__class_vars__ or hasattr(base, key):
            yield f"the attribute '{key}' has the name of what every op has: give it another name"
        if key not in ("op", "shape") and key in key_names(NodeSpec):
            yield f"the attribute '{key}' is a key of every node: give it another name"


def _signatures(op_class: type[Op], base: type[Op]) -> Iterator[str]:
    if not is_signature(op_class.result):
        yield f"'result' is {op_class.result!r}, not a signature: write result = \"batch n\""
        return
    known = set(op_class.size_attributes)
    for operand in op_class.operands:
        known.update(operand.signature.split())
    if op_class.solve_sizes is base.solve_sizes and op_class.infer_shape is base.infer_shape:
        for axis in op_class.result.split():
            if axis == "..." and axis not in known:
                yield "'result' has '...', which no operand has: write its axes"
            elif not axis.isdigit() and axis not in known:
                yield (
                    f"'result' has an axis '{axis}' that nothing determines: name it in the "
                    f"signature of an operand, or add an attribute '{axis}: Size'"
                )
    yield from _whole_numbers(op_class)
    for operand in op_class.operands:
        if operand.below is not None and operand.below not in known:
            yield f"'{operand.name}' is below '{operand.below}', which no operand has"


def _whole_numbers(op_class: type[Op]) -> Iterator[str]:
    """Attributes that an axis of a parameter has the name of, and that do not determine it."""
    given = {axis for each in op_class.operands if each.role == "data" for axis in each.axes}
    others = {*op_class.attribute_names} - {*op_class.size_attributes} - given
    for operand in op_class.operands:
        for axis in operand.axes:
            if axis in others:
                yield (
                    f"'{axis}' is an axis of '{operand.name}', but its type is not Size: "
                    f"write {axis}: Size"
                )


def _methods(op_class: type[Op], base: type[Op]) -> Iterator[str]:
    names = [operand.name for operand in op_class.operands]
    many = any(operand.many for operand in op_class.operands)
    before = {"forward": (), "vjp": ("cotangent", "output"), "branch": ()}
    if op_class.forward is base.forward and not op_class.is_input:
        yield f"it has no 'forward': write {_written('forward', names, many)}"
    for method, first in before.items():
        if getattr(op_class, method) is not getattr(base, method):
            yield from _parameters(op_class, method, first)
    noisy = any(operand.role == "noise" for operand in op_class.operands)
    if noisy and op_class.noise is base.noise:
        yield "it has no 'noise': write def noise(self, rng, shape, dtype)"


def _parameters(op_class: type[Op], method: str, first: Iterable[str]) -> Iterator[str]:
    """What is wrong with the parameters of a method: those in `first`, then the operands."""
    names = [operand.name for operand in op_class.operands]
    many = any(operand.many for operand in op_class.operands)
    wanted = [*first, *names]
    shown = f"write {_written(method, wanted, many)}"
    try:
        signature = inspect.signature(getattr(op_class, method))
        signature.bind(None, *wanted)
    except TypeError:
        yield f"'{method}' does not take {', '.join(wanted) or 'nothing'}: {shown}"
        return
    own = [name for name in signature.parameters if name in wanted]
    if not many and own != [name for name in wanted if name in own]:
        yield f"'{method}' takes its arguments in another order: {shown}"


def _written(method: str, names: Iterable[str], many: bool) -> str:
    own = [
        f"*{name}" if many and at == len([*names]) - 1 else name for at, name in enumerate(names)
    ]
    return f"def {method}({', '.join(['self', *own])})"
