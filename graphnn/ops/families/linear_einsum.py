"""Einstein summation: products summed over axes that letters name."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from graphnn.ops._arrays import Array, Cotangents, ShapeError
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import Operand, data
from graphnn.ops._passages import Passage, Tracked, folded
from graphnn.ops.code import CodeForm, call
from graphnn.spec import sizes
from graphnn.spec.sizes import Shape, show

_PART = r"[A-Za-z]*(\.\.\.)?[A-Za-z]*"
_FORM = re.compile(f"{_PART}(,{_PART})*->{_PART}")
_ELLIPSIS = "..."
_DRAWN = {
    0: ["->", ",a->a"],
    1: ["a->", "a->a", "a,a->", "a,b->ab", "a,ab->b"],
    2: [
        "ab->ba",
        "ab->a",
        "ab,bc->ac",
        "ab,cb->ca",
        "ab,ac->abc",
        "ab,ac,ad->bcd",
        "ab,b,bc->ac",
        "ab,ba->a",
    ],
    3: ["abc->cab", "abc,acd->abd", "abc,cd->abd", "abc,bd->acd", "abc,bc->a", "...a,ab->...b"],
    4: ["...ab->...ba", "a...b,cb->a...c", "...ab,...cb->...ac"],
}


def _equation(text: str) -> str:
    """An equation without spaces, once it is sound."""
    text = text.replace(" ", "")
    if not _FORM.fullmatch(text):
        raise ValueError(
            f"'{text}' is not an equation such as 'ij,jk->ik': letters for the axes of each input, "
            "commas between inputs, and the letters of the result behind '->'"
        )
    inputs, _, result = text.partition("->")
    for part in (*inputs.split(","), result):
        part = part.replace(_ELLIPSIS, "")
        if twice := next((letter for letter in part if part.count(letter) > 1), ""):
            raise ValueError(f"'{part}' has the letter '{twice}' twice")
    if unknown := next((letter for letter in result if letter not in inputs), ""):
        raise ValueError(f"the result has the letter '{unknown}', which no input has")
    if _ELLIPSIS in inputs and _ELLIPSIS not in result:
        raise ValueError("the inputs have axes '...', which the result lacks: write it there too")
    return text


class Einsum(Op):
    """Einstein summation: products of entries, summed over the letters that the result lacks.

    Each axis has a letter, and axes of one letter run together: ``ij,jk->ik`` is
    ``y_ik = sum_j a_ij b_jk``, a matrix product, and ``bhid,bhjd->bhij`` the scores of attention.
    An input has a letter once at most, and the result says which letters stay. ``...`` stands for
    any axes, which are the same wherever it is: ``...i,ij->...j`` is a matrix product along the
    last axis.

    References
    ----------
    A. Einstein, Die Grundlage der allgemeinen Relativitaetstheorie, Annalen der Physik 49 (1916),
    section 5.
    """

    op: Literal["einsum"] = "einsum"
    equation: Annotated[str, AfterValidator(_equation)] = Field(
        description="Letters of the inputs, with commas between, '->' and those of the result."
    )

    onnx = "Einsum"
    onnx_keys: ClassVar = {"equation": "equation"}

    also_called = aliases(equation="subscripts")
    elsewhere = ("einsumdense", "tensordot", "contract")
    output_interval = ANY_NUMBER
    operands = (data("inputs", "...", many=True),)
    batchwise = True
    factors = True
    analytic = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"equation": "ij,jk->ik"}, [(2, 3), (3, 2)]),
        Case({"equation": "bij,bkj->bik"}, [(2, 2, 3), (2, 1, 3)]),
        Case({"equation": "ij->j"}, [(2, 3)]),
        Case({"equation": "b,bi,bj->bij"}, [(2,), (2, 3), (2, 2)]),
        Case({"equation": "...i,ij->...j"}, [(2, 2, 3), (3, 2)]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """A letter of the result stays apart; one that it lacks is summed over."""
        self = self._spelled(tracked.shapes)
        inputs, result = self._inputs, self._result
        letter = inputs[tracked.position][tracked.axis]
        if letter in result:
            return Passage(result.index(letter))
        own = {n: letters.index(letter) for n, letters in enumerate(inputs) if letter in letters}
        return folded(alike=all(tracked.axes.get(n) == axis for n, axis in own.items()))

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Equations whose first input has as many axes."""
        letters = "abcdefgh"[: len(shape)]
        return _DRAWN.get(len(shape), [f"{letters}->{letters[::-1]}"])

    def beside(self, operand: Operand, shapes: Sequence[Shape]) -> Sequence[Shape] | None:
        """Shapes of the next input: letters that are new stand for small sizes."""
        spelled = self._spelled(shapes)
        if len(shapes) == len(spelled._inputs):
            return []
        known = spelled._sizes(shapes)
        letters = spelled._inputs[len(shapes)]
        return [tuple(known.get(letter, new) for letter in letters) for new in (1, 2, 3)]

    @property
    def _inputs(self) -> list[str]:
        return self.equation.partition("->")[0].split(",")

    @property
    def _result(self) -> str:
        return self.equation.partition("->")[2]

    def _spelled(self, shapes: Sequence[Sequence[Any] | None]) -> Einsum:
        """The op with letters for the axes that ``...`` stands for, of inputs of these shapes."""
        if _ELLIPSIS not in self.equation:
            return self
        pairs = zip(self._inputs, shapes, strict=False)
        counts = [
            len(shape) - len(part) + len(_ELLIPSIS)
            for part, shape in pairs
            if _ELLIPSIS in part and shape is not None
        ]
        unused = [each for each in string.ascii_letters if each not in self.equation]
        letters = "".join(unused[: max(0, *counts[:1], 0)])
        return self.model_copy(update={"equation": self.equation.replace(_ELLIPSIS, letters)})

    def _sizes(self, shapes: Sequence[Shape]) -> dict[str, sizes.Size]:
        """The size that each letter stands for."""
        found: dict[str, sizes.Size] = {}
        for number, (letters, shape) in enumerate(zip(self._inputs, shapes, strict=False)):
            if len(letters) != len(shape):
                problem = f"input {number + 1} has shape {show(shape)}, but the letters '{letters}'"
                raise ShapeError(f"{problem} in '{self.equation}'", "inputs", attribute="equation")
            for letter, size in zip(letters, shape, strict=True):
                if found.setdefault(letter, size) != size:
                    raise ShapeError(
                        f"'{letter}' is {found[letter]} and {size} in '{self.equation}': "
                        f"the inputs have shapes {', '.join(map(show, shapes))}",
                        "inputs",
                        "axes of one letter have one size",
                        "equation",
                    )
        return found

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The sizes of the letters of the result."""
        if len(shapes) != len(self._inputs):
            given = "1 is given" if len(shapes) == 1 else f"{len(shapes)} are given"
            wanted = f"'{self.equation}' takes {len(self._inputs)} of 'inputs'"
            raise ShapeError(f"{wanted}, but {given}", "inputs", attribute="equation")
        spelled = self._spelled(shapes)
        found = spelled._sizes(shapes)
        return tuple(found[letter] for letter in spelled._result)

    def has_rows(self, *shapes: Shape) -> tuple[bool, ...]:
        """Those whose first letter is that of the result."""
        self = self._spelled(shapes)
        return tuple(letters[:1] == self._result[:1] != "" for letters in self._inputs)

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first letter of the result is the first of inputs, and nowhere else."""
        self = self._spelled(shapes)
        row = self._result[:1]
        apart = all(row not in letters[1:] for letters in self._inputs)
        return row != "" and apart and any(self.has_rows(*shapes))

    def forward(self, *arrays: Array) -> Array:
        """The sum of products."""
        found: Array = np.asarray(np.einsum(self.equation, *arrays, optimize=True))
        # Of one array, NumPy gives a view.
        return found if len(arrays) > 1 else found.copy()

    def vjp(self, cotangent: Array, output: Array, *arrays: Array) -> Cotangents:
        """For each input, the sum of products of ``g`` and the other inputs."""
        self = self._spelled([array.shape for array in arrays])
        inputs = self._inputs
        found: list[Array] = []
        for place, (letters, array) in enumerate(zip(inputs, arrays, strict=True)):
            kept = self._kept(place)
            text = ",".join([self._result, *inputs[:place], *inputs[place + 1 :]])
            part = _product(f"{text}->{kept}", cotangent, *arrays[:place], *arrays[place + 1 :])
            # A letter of this input alone is summed over: all its entries have the same slope.
            shape = [
                n if letter in kept else 1 for letter, n in zip(letters, array.shape, strict=True)
            ]
            found.append(np.broadcast_to(part.reshape(shape), array.shape))
        return tuple(found)

    def _kept(self, place: int) -> str:
        """The letters of an input that the result or another input has too."""
        others = [self._result, *self._inputs[:place], *self._inputs[place + 1 :]]
        return "".join(letter for letter in self._inputs[place] if letter in "".join(others))

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """One for each entry of all letters, of two inputs; more inputs are taken two at a time."""
        shapes = [tuple(shape) for shape in operands if shape is not None]
        self = self._spelled(shapes)
        known = self._sizes(shapes)
        total, seen = 0, set(self._inputs[0])
        for place, letters in enumerate(self._inputs[1:], 2):
            seen |= set(letters)
            total += math.prod(sizes.evaluate(known[letter], {}) for letter in seen)
            later = {*self._result, *"".join(self._inputs[place:])}
            seen &= later
        return total

    def to_numpy(self, form: CodeForm) -> str:
        """``np.einsum``."""
        return call("np.einsum", f'"{self.equation}"', *form.names)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``np.einsum`` of ``g`` and the other inputs."""
        self = self._spelled(form.shapes)
        inputs = self._inputs
        found: list[str | None] = []
        for place, letters in enumerate(inputs):
            others = [self._result, *inputs[:place], *inputs[place + 1 :]]
            names = [form.cotangent, *form.names[:place], *form.names[place + 1 :]]
            kept = self._kept(place)
            text = call("np.einsum", f'"{",".join(others)}->{kept}"', *names)
            if kept != letters:
                index = ", ".join(":" if letter in kept else "None" for letter in letters)
                text = f"np.broadcast_to(np.asarray({text})[{index}], {form.names[place]}.shape)"
            found.append(text)
        return found

    def to_torch(self, form: CodeForm) -> str:
        """``torch.einsum``."""
        return call("torch.einsum", f'"{self.equation}"', *form.names)


def _product(equation: str, cotangent: Array, *arrays: Array) -> Array:
    """The sum of products of the cotangent and arrays, 0 where it is 0 and they overflow."""
    found: Array = np.asarray(np.einsum(equation, cotangent, *arrays, optimize=True))
    if len(arrays) > 1 and not np.isfinite(np.add.reduce(found, axis=None)):
        # From the left, so that no product of large numbers comes before one with 0.
        order = [(0, 1), *((0, left) for left in range(len(arrays) - 1, 0, -1))]
        path: Any = ["einsum_path", *order]
        found = np.asarray(np.einsum(equation, cotangent, *arrays, optimize=path))
    return found
