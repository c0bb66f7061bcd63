"""Sizes: whole numbers, named free sizes, and expressions of them, kept in one normal form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from graphnn.diagnostics import FAULTY, Faulty, Names

MAX_SIZE = 2**40  # more elements along one axis than any machine here can hold
MAX_AXES = 32  # of one array: twice as many are the most that NumPy has, and engines add some
_SHOWN = 10  # sizes of a shape with more axes than that
_MAX_TERMS = 64
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Quotient:
    """An expression divided by a whole number, rounded down, that cannot be simplified."""

    numerator: Expression
    divisor: int

    def __str__(self) -> str:
        text = str(self.numerator)
        return f"{text if text.isidentifier() else f'({text})'} // {self.divisor}"


Atom = str | Quotient
Monomial = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A polynomial of free sizes with whole coefficients, in normal form.

    Two expressions are equal exactly when their normal forms are, so that shapes are compared
    with ``==``. Built by ``+``, ``-``, ``*`` and ``//`` from `free(name)` and whole numbers; never
    holds a constant alone.

    Attributes
    ----------
    terms : tuple of (monomial, coefficient)
        Sorted; a monomial is a sorted tuple of free names and quotients, ``()`` the constant.
    """

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        return add(self, other) if _is_size(other) else NotImplemented

    def __radd__(self, other: int) -> Size:
        return add(other, self) if _is_size(other) else NotImplemented

    def __sub__(self, other: Size) -> Size:
        return subtract(self, other) if _is_size(other) else NotImplemented

    def __rsub__(self, other: int) -> Size:
        return subtract(other, self) if _is_size(other) else NotImplemented

    def __mul__(self, other: Size) -> Size:
        return multiply(self, other) if _is_size(other) else NotImplemented

    def __rmul__(self, other: int) -> Size:
        return multiply(other, self) if _is_size(other) else NotImplemented

    def __floordiv__(self, other: int) -> Size:
        return floor_divide(self, other) if _is_size(other) else NotImplemented

    def __str__(self) -> str:
        text = ""
        # What is added first, so that `parse` reads the text back.
        for monomial, coefficient in sorted(self.terms, key=lambda term: term[1] < 0):
            factors = [str(atom) for atom in monomial]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            if len(factors) > 1:
                factors = [f"({factor})" if "//" in factor else factor for factor in factors]
            sign = "-" if coefficient < 0 else "+"
            joined = "*".join(factors)
            text += f" {sign} {joined}" if text else joined if sign == "+" else f"0 - {joined}"
        return text

    def __repr__(self) -> str:
        return f"<{self}>"


Size = int | Expression
Shape = tuple[Size, ...]


class SizeError(ValueError):
    """A size makes no sense.

    Attributes
    ----------
    name : str or None
        The unknown size that it names, if it does.
    reason : {"text", "type", "range", "empty"}
        Whether the text is not an expression, the value is not a number, it is out of range, or 0.
    """

    def __init__(
        self,
        message: str,
        name: str | None = None,
        reason: Literal["text", "type", "range", "empty"] = "text",
    ) -> None:
        super().__init__(message)
        self.name = name
        self.reason = reason


def _is_size(value: object) -> bool:
    return isinstance(value, int | Expression)


def free(name: str) -> Expression:
    """The free size called `name`."""
    return Expression((((name,), 1),))


def add(a: Size, b: Size) -> Size:
    """``a + b``."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    total: dict[Monomial, int] = {}
    for monomial, coefficient in (*_terms(a), *_terms(b)):
        total[monomial] = total.get(monomial, 0) + coefficient
    return _normal(total)


def multiply(a: Size, b: Size) -> Size:
    """``a * b``."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if a == 1:
        return b
    total: dict[Monomial, int] = {}
    for left, x in _terms(a):
        for right, y in _terms(b):
            monomial = tuple(sorted((*left, *right), key=str))
            total[monomial] = total.get(monomial, 0) + x * y
    return _normal(total)


def subtract(a: Size, b: Size) -> Size:
    """``a - b``."""
    return add(a, multiply(-1, b))


def floor_divide(a: Size, b: Size) -> Size:
    """``a // b`` for a whole positive `b`; exact division is carried out term by term."""
    if not isinstance(b, int):
        raise SizeError(f"only a number can divide a size, not '{b}'")
    if b <= 0:
        raise SizeError(f"a size cannot be divided by {b}")
    if isinstance(a, int):
        return a // b
    if all(coefficient % b == 0 for _, coefficient in a.terms):
        return _normal({monomial: coefficient // b for monomial, coefficient in a.terms})
    return Expression((((Quotient(a, b),), 1),))


def product(shape: Iterable[Size]) -> Size:
    """How many elements an array of `shape` has."""
    total: Size = 1
    for size in shape:
        total = multiply(total, size)
    return total


def evaluate(size: Size, bindings: Mapping[str, int]) -> int:
    """The number that `size` is when free sizes have the values in `bindings`.

    Raises
    ------
    KeyError
        A free size has no value.
    """
    if isinstance(size, int):
        return size
    total = 0
    for monomial, coefficient in size.terms:
        value = coefficient
        for atom in monomial:
            if isinstance(atom, Quotient):
                value *= evaluate(atom.numerator, bindings) // atom.divisor
            else:
                value *= bindings[atom]
        total += value
    return total


def free_names(size: Size) -> frozenset[str]:
    """Names of the free sizes in `size`."""
    if isinstance(size, int):
        return frozenset()
    names: set[str] = set()
    for monomial, _ in size.terms:
        for atom in monomial:
            names |= free_names(atom.numerator) if isinstance(atom, Quotient) else {atom}
    return frozenset(names)


def names(text: str) -> frozenset[str]:
    """The names in the text of an expression, sound or not."""
    return frozenset(_NAME.findall(text[:_MAX_TEXT]))


def show(shape: Iterable[Size]) -> str:
    """`shape` as people write it, ``[batch, 784]``; of one that no array has, only the first."""
    texts = [*map(str, shape)]
    if len(texts) > MAX_AXES:
        texts[_SHOWN:] = [f"... and {len(texts) - _SHOWN:,} more"]
    return f"[{', '.join(texts)}]"


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return (((), size),) if isinstance(size, int) else size.terms


def _normal(total: dict[Monomial, int]) -> Size:
    terms = [(monomial, c) for monomial, c in total.items() if c]
    if not terms:
        return 0
    if len(terms) > _MAX_TERMS:
        raise SizeError(f"the size has more than {_MAX_TERMS} terms")
    if len(terms) == 1 and terms[0][0] == ():
        return terms[0][1]
    # Free names first, the constant last, as in "2*batch + 1".
    terms.sort(key=lambda term: (-len(term[0]), [str(atom) for atom in term[0]]))
    return Expression(tuple(terms))


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TOKEN = re.compile(r"\s*(?:([0-9]+)|([A-Za-z_][A-Za-z0-9_-]*)|(//|[-+*()]))")
_APPLY = {"+": add, "-": subtract, "*": multiply, "//": floor_divide}
_RANK = {"+": 1, "-": 1, "*": 2, "//": 2}


def parse(text: str, scope: Mapping[str, Size]) -> Size | Faulty:
    """The size that `text` stands for: a number, a name, or an expression with ``+ - * //``.

    Parameters
    ----------
    text : str
        Such as ``2 * hidden``. A name may hold ``-``, so subtraction needs spaces around it.
    scope : mapping
        What each name stands for; of `Names`, some may be at fault.

    Returns
    -------
    Size or FAULTY
        FAULTY where a name in it is that of a size at fault.

    Raises
    ------
    SizeError
        The text is not an expression, or names an unknown size.
    """
    if len(text) > _MAX_TEXT:
        raise SizeError(f"a size expression has at most {_MAX_TEXT} characters")
    parser = _Parser(scope)
    for number, name, mark in _tokens(text):
        if mark:
            parser.mark(mark)
        else:
            parser.operand(number, name)
    return parser.result()


def read(value: object, scope: Mapping[str, Size], most: int = MAX_SIZE) -> Size | Faulty:
    """The size that a value of a spec stands for: a whole number, or an expression for `parse`.

    Parameters
    ----------
    value : object
    scope : mapping
        As for `parse`.
    most : int
        The largest number that it can be.

    Raises
    ------
    SizeError
        It is neither, or out of range.
    """
    size = parse(value, scope) if isinstance(value, str) else value
    if size is FAULTY or isinstance(size, Expression):
        return size
    if type(size) is not int:
        raise SizeError("a size is a whole number or a name", reason="type")
    if not 1 <= size <= most:
        subject, limit = ("a size", "2**40") if most == MAX_SIZE else ("it", f"{most:,}")
        message = f"{subject} must be between 1 and {limit}, not {size}"
        empty = size == 0 and most == MAX_SIZE
        raise SizeError(message, reason="empty" if empty else "range")
    return size


class _Parser:
    """Takes an expression in by tokens, with operators that wait for their right side."""

    def __init__(self, scope: Mapping[str, Size]) -> None:
        self._scope = scope
        self._values: list[Size] = []
        self._pending: list[str] = []
        self._value_expected = True
        self._faulty = False

    def operand(self, number: str, name: str) -> None:
        """Take a number or a name."""
        if not self._value_expected:
            raise SizeError(f"an operator is missing before '{number or name}'")
        size = _number(number) if number else _look_up(name, self._scope)
        self._faulty = self._faulty or size is FAULTY
        self._values.append(free(name) if size is FAULTY else size)
        self._value_expected = False

    def mark(self, mark: str) -> None:
        """Take a bracket or an operator."""
        if (mark == "(") != self._value_expected:
            problem = "a number or a name" if self._value_expected else "an operator"
            raise SizeError(f"{problem} is missing before '{mark}'")
        if mark == ")":
            self._reduce(0)
            if not self._pending:
                raise SizeError("')' has no '('")
            self._pending.pop()
            return
        if mark != "(":
            self._reduce(_RANK[mark])
            self._value_expected = True
        self._pending.append(mark)

    def result(self) -> Size | Faulty:
        """What the expression stands for."""
        if self._value_expected:
            raise SizeError("a number or a name is missing at the end")
        self._reduce(0)
        if self._pending:
            raise SizeError("'(' has no ')'")
        return FAULTY if self._faulty else self._values[0]

    def _reduce(self, rank: int) -> None:
        while self._pending and self._pending[-1] != "(" and _RANK[self._pending[-1]] >= rank:
            right, left = self._values.pop(), self._values.pop()
            self._values.append(_APPLY[self._pending.pop()](left, right))


def _tokens(text: str) -> Iterable[tuple[str, str, str]]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise SizeError(f"'{text[position:].strip()[0]}' has no meaning in a size")
        position = found.end()
        yield found.group(1) or "", found.group(2) or "", found.group(3) or ""


def _number(digits: str) -> int:
    if len(digits) > 15:
        raise SizeError(f"{digits[:15]}... is too large for a size")
    if len(digits) > 1 and digits[0] == "0":
        raise SizeError(f"the number '{digits}' begins with a zero")
    return int(digits)


def _look_up(name: str, scope: Mapping[str, Size]) -> Size | Faulty:
    size = scope.find(name) if isinstance(scope, Names) else scope.get(name)
    if size is None:
        raise SizeError(f"there is no size '{name}'", name)
    return size
