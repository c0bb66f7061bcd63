"""An op with shapes that fit it, solved from the shape of its first operand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from graphnn.ops import Inferred, Kind, Op, Operand, Shape, ShapeError
from graphnn.spec.sizes import free
from graphnn.testing._strategies.attributes import drawn
from graphnn.testing._strategies.drawing import Choices

BATCH = free("batch")
BINDABLE = {"batch": BATCH}
_KINDS: list[Kind] = ["float", "float", "float", "int"]  # for an operand that takes any
_WIDE, _SHORT = 4, 3  # axes of an operand beyond which they are short: 3, or half as long
_MANY = 3  # inputs of an op that takes any number


@dataclass(frozen=True, slots=True)
class Place:
    """What a data operand of a fit takes: a shape, and whole numbers below a bound or real ones."""

    operand: Operand
    shape: Shape
    below: int | None = None
    limited: bool = False  # whether the op refuses numbers beyond that

    @property
    def kind(self) -> Kind:
        """Whether it takes real numbers or whole ones."""
        return "float" if self.below is None else "int"


@dataclass(frozen=True, slots=True)
class Fit:
    """An op as a spec would state it, what its data operands take, and the shapes inferred.

    Attributes
    ----------
    declared : Op
        A size that the parameters determine may be left out.
    stated : Op
        The same with those sizes.
    """

    declared: Op
    stated: Op
    places: tuple[Place, ...]
    inferred: Inferred


def first_shape(draw: Choices, op_class: type[Op], sizes: int, rows: int) -> Shape:
    """A shape that the first data operand of an op may have, as numbers; () for none."""
    operands = op_class.data_operands()
    if not operands:
        return ()
    shape: list[int] = []
    short = max(min(sizes, _SHORT), sizes // 2)
    for number, symbol in enumerate(symbols := operands[0].signature.split()):
        if symbol == "..." and operands[0].ranks:
            shape += draw.extents(min(operands[0].ranks), max(operands[0].ranks), short)
        elif symbol == "...":
            least = int(not number and _least_rank(op_class))
            shape += draw.extents(least, 3 - number, sizes)
        elif number > 1 and len(symbols) > _WIDE:
            shape.append(draw.integer(1, short))
        else:
            most = rows if number == 0 else sizes
            shape.append(int(symbol) if symbol.isdigit() else draw.integer(1, most))
    return tuple(shape)


def takes(op_class: type[Op], shape: Shape) -> bool:
    """Whether the first operand of an op may have a shape, as far as signatures say."""
    operand = op_class.data_operands()[0]
    symbols = operand.signature.split()
    spare = len(shape) - len(symbols)
    if operand.ranks:
        return spare + 1 in operand.ranks
    if "..." not in symbols:
        named = [*zip(symbols, shape, strict=False)]
        return spare == 0 and all(not s.isdigit() or int(s) == size for s, size in named)
    return spare >= -1 and len(shape) >= _least_rank(op_class)


@lru_cache(maxsize=1024)
def _least_rank(op_class: type[Op]) -> int:
    """1 for an op that must name an axis."""
    return int(
        any(
            info.annotation is int and "axis" in info.metadata
            for info in op_class.model_fields.values()
        )
    )


def fitted(
    draw: Choices, op_class: type[Op], first: Shape, sizes: int, kind: Kind | None = None
) -> Fit | None:
    """The fit of `fit_of`, or None where nothing fits."""
    try:
        return fit_of(draw, op_class, first, sizes, kind)
    except ShapeError:
        return None


def fit_of(
    draw: Choices, op_class: type[Op], first: Shape, sizes: int, kind: Kind | None = None
) -> Fit:
    """The op with attributes, and shapes for its other operands, for a first shape and its kind.

    Raises
    ------
    ShapeError
        Nothing fits: rows are free and would have to be a number, or the attributes of an op
        depend on shapes and its `Op.choices` does not say so.
    """
    stated = _stated(op_class, drawn(draw, op_class, first, sizes))
    places = _places(draw, stated, first, sizes, kind)
    shapes = [place.shape for place in places]
    placed = stated.placed([place.operand for place in places], shapes)
    inferred = stated.infer(placed, {})
    try:
        stated.check_kinds(shapes, [place.kind for place in places])
    except ShapeError:  # of whole numbers where real ones would do
        if kind:
            raise
        return fit_of(draw, op_class, first, sizes, "float")
    if any(not isinstance(size, int) for each in inferred.parameters.values() for size in each):
        raise ShapeError("a size of a parameter is not a number")
    declared = _lacking(stated, placed, inferred) if draw.chance(4) else stated
    return Fit(declared, stated, tuple(places), inferred)


def _stated(op_class: type[Op], attributes: dict[str, Any]) -> Op:
    try:
        return op_class.model_validate(attributes, context=BINDABLE)
    except ValidationError as error:
        why = "; ".join(fault["msg"] for fault in error.errors())
        message = f"{op_class.name} refuses {attributes}, drawn from the types of its fields: {why}"
        raise TypeError(f"{message}; define its class method 'choices', which lists some") from None


def _places(draw: Choices, op: Op, first: Shape, sizes: int, kind: Kind | None) -> list[Place]:
    """What each data operand takes, each shape solved from those before it."""
    table: dict[str, Any] = {}
    places: list[Place] = []
    for number, operand in enumerate(op.data_operands()):
        if operand.optional and not draw.chance(2):
            continue
        before = [place.shape for place in places]
        listed = op.beside(operand, before) if number else None
        shape = draw.one_of(listed) if listed else first
        signature, form = draw.one_of(_forms(operand, shape if listed else None))
        taken = (kind or draw.one_of(_KINDS)) if form == "any" else form
        if number == 0:
            _match(signature, first, table)
        elif not listed:
            shape = _companion(draw, signature, table, op.broadcasts, sizes)
        places.append(_place(op, operand, [*before, shape], taken, sizes))
    if places and places[0].operand.many:
        places += _more(draw, places[0], op, sizes)
    return places


def _forms(operand: Operand, shape: Shape | None) -> Sequence[tuple[str, str]]:
    """Signatures of an operand and the kinds they go with: the first that fits a known shape."""
    forms = operand.forms or ((operand.signature, operand.kind),)
    if shape is None or len(forms) == 1:
        return forms
    symbols = [(form, form[0].split()) for form in forms]
    return [
        form
        for form, each in symbols
        if len(each) == len(shape) or ("..." in each and len(each) <= len(shape) + 1)
    ][:1]


def _place(
    op: Op, operand: Operand, shapes: Sequence[Shape], kind: str | None, sizes: int
) -> Place:
    """What an operand takes, whose shape is the last one; whole numbers below its limit."""
    if kind != "int":
        return Place(operand, shapes[-1])
    limit = op.limit(operand, shapes)
    if limit is None:
        return Place(operand, shapes[-1], sizes)
    # Of a free size, the least that it may be.
    return Place(operand, shapes[-1], limit if isinstance(limit, int) else 1, limited=True)


def _match(signature: str, shape: Shape, table: dict[str, Any]) -> None:
    """Enter what the symbols of a signature stand for, ``...`` included."""
    before, dots, after = (part.split() for part in signature.partition("..."))
    stop = len(shape) - len(after)
    table.update(zip(before, shape, strict=False))
    table.update(zip(after, shape[stop:], strict=True))
    if dots:
        table["..."] = shape[len(before) : stop]


def _companion(
    draw: Choices, signature: str, table: dict[str, Any], broadcasts: bool, sizes: int
) -> Shape:
    """A shape for another operand, whose symbols that are new enter the table."""
    shape: list[Any] = []
    for symbol in signature.split():
        if symbol == "...":
            rest = table.setdefault("...", ())
            part = _stretched(draw, rest, sizes) if broadcasts else rest
            shape += part
            table["..."] = _joint(rest, part)
        elif symbol.isdigit():
            shape.append(int(symbol))
        else:
            if symbol not in table:
                table[symbol] = draw.integer(1, sizes)
            shape.append(table[symbol])
    return tuple(shape)


def _stretched(draw: Choices, shape: Shape, sizes: int) -> Shape:
    """A shape that broadcasts against `shape`: the same, or with other axes and sizes of 1."""
    if not draw.chance(2):
        return shape
    grows = len(shape) < 3 and all(isinstance(size, int) for size in shape)
    dropped = draw.integer(-1 if grows else 0, len(shape))
    kept = [
        draw.integer(1, sizes) if size == 1 else draw.one_of((size, 1))
        for size in shape[max(dropped, 0) :]
    ]
    return (draw.integer(1, sizes), *kept) if dropped < 0 else (*kept,)


def _joint(a: Shape, b: Shape) -> Shape:
    """The shape that two shapes broadcast to."""
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    return tuple(right if left == 1 else left for left, right in pairs)


def _more(draw: Choices, first: Place, op: Op, sizes: int) -> list[Place]:
    """Further inputs: those that the op lists, or like the first but for one axis."""
    listed, found = op.beside(first.operand, [first.shape]), [first]
    while listed:
        found.append(replace(first, shape=draw.one_of(listed)))
        listed = op.beside(first.operand, [place.shape for place in found])
    if listed is not None:
        return found[1:]
    along = getattr(op, first.operand.varies) % len(first.shape) if first.operand.varies else None
    return [
        replace(first, shape=(*first.shape[:along], extent, *first.shape[along + 1 :]))
        if along is not None and isinstance(first.shape[along], int)
        else first
        for extent in draw.extents(0, _MANY - 1, sizes)
    ]


def _lacking(op: Op, shapes: Sequence[Shape], inferred: Inferred) -> Op:
    """The op without those of its attributes that the shapes of its parameters determine."""
    optional = [
        key
        for key, info in type(op).model_fields.items()
        if info.default is None and getattr(op, key) is not None
    ]
    lacking = op.model_copy(update=dict.fromkeys(optional))
    try:
        found = lacking.infer(shapes, inferred.parameters).attributes
    except ShapeError:
        return op
    kept = [key for key in optional if found.get(key) == getattr(op, key)]
    return op.model_copy(update=dict.fromkeys(kept))
