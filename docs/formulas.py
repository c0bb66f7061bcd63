"""Formulas of docstrings, such as ``g y (1 - y) / n``, as LaTeX.

Factors stand side by side, ``f(x)`` without a space is a value of a function, ``sum_j`` goes over
the product after it. What is not a formula, such as ``[batch, n]``, is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"(?P<name>[A-Za-z]+(?:_[a-z\d])?)(?![\w])(?P<call>\()?|\d+(?:\.\d+)?|<-|<=|>=|[-+/^()|<>=,]"
)
_RELATIONS = {"=": "=", "<": "<", ">": ">", "<-": r"\leftarrow", "<=": r"\le", ">=": r"\ge"}
_FUNCTIONS = ("exp", "log", "max", "min", "sin", "cos", "tanh")
_GREEK = ("alpha", "epsilon")
_LEFT, _RIGHT = r"\left(", r"\right)"
_ENDS = (None, ")", "|", ",")


class _NoFormulaError(Exception):
    """The text is something else."""


def latex(text: str) -> str | None:
    """The LaTeX of a formula, or None where `text` is none."""
    if re.fullmatch("[A-Za-z]{2,}", text):
        return None  # a word
    try:
        return _Parser(text).formula()
    except _NoFormulaError:
        return None


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, bool]] = []  # each with whether it calls a function
        at = 0
        while at < len(text):
            if text[at] == " ":
                at += 1
                continue
            found = _TOKEN.match(text, at)
            if found is None:
                raise _NoFormulaError
            self._tokens.append((found["name"] or found[0], found["call"] is not None))
            at = found.end()

    def formula(self) -> str:
        found = self._relation()
        if self._next() is not None:
            raise _NoFormulaError
        return found

    def _next(self) -> str | None:
        return self._tokens[0][0] if self._tokens else None

    def _take(self, wanted: str | None = None) -> tuple[str, bool]:
        if not self._tokens or (wanted is not None and self._next() != wanted):
            raise _NoFormulaError
        return self._tokens.pop(0)

    def _relation(self) -> str:
        found = self._sum()
        while self._next() in _RELATIONS:
            sign, _ = self._take()
            found = f"{found} {_RELATIONS[sign]} {self._sum()}"
        return found

    def _sum(self) -> str:
        found = self._signed(self._product)
        while self._next() in ("+", "-"):
            sign, _ = self._take()
            found = f"{found} {sign} {self._product()}"
        return found

    def _signed(self, then: Callable[[], str]) -> str:
        if self._next() != "-":
            return then()
        self._take()
        return f"-{then()}"

    def _product(self) -> str:
        found = self._power()
        while True:
            if self._next() == "/":
                self._take()
                found = rf"\frac{{{_bare(found)}}}{{{_bare(self._power())}}}"
            elif self._next() in (*_ENDS, *_RELATIONS, "+", "-"):
                return found
            else:
                found = rf"{found} \, {self._power()}"

    def _power(self) -> str:
        found = self._atom()
        if self._next() == "^":
            self._take()
            found = f"{{{found}}}^{{{_bare(self._atom())}}}"
        return found

    def _atom(self) -> str:
        token, calls = self._take()
        if token == "(":
            found = self._relation()
            self._take(")")
            return rf"\left({found}\right)"
        if token == "|":
            found = self._sum()
            self._take("|")
            return rf"\left\lvert {found} \right\rvert"
        name, _, index = token.partition("_")
        if name == "sum" and not calls:
            return rf"\sum{'_' + index if index else ''} {self._product()}"
        if not calls:
            return (
                f"{_named(name)}{'_' + index if index else ''}" if token[0].isalnum() else _fail()
            )
        arguments = [self._sum()]
        while self._next() == ",":
            self._take()
            arguments.append(self._sum())
        self._take(")")
        if name == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}"
        return rf"{_named(name)}\left({', '.join(arguments)}\right)"


def _fail() -> str:
    raise _NoFormulaError


def _named(name: str) -> str:
    if name in _FUNCTIONS or name in _GREEK:
        return rf"\{name}"
    return name if len(name) == 1 or name.isdigit() or "." in name else rf"\text{{{name}}}"


def _bare(found: str) -> str:
    """Without brackets around all of it, which a bar or a height makes needless."""
    if not found.startswith(_LEFT):
        return found
    depth = 0
    for mark in re.finditer(r"\\(left|right)\b", found):
        depth += 1 if mark[1] == "left" else -1
        if depth == 0:
            whole = mark.end() == len(found) - 1
            return found[len(_LEFT) : -len(_RIGHT)] if whole else found
    return found
