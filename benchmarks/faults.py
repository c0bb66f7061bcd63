"""Small faults that can be planted in a module: what is changed, where, and the code that results.

An operator, a comparison, a number, a condition or a statement is changed in one place. Annotations
and decorators are left alone, and so is what only guards against faults of the code itself:
``zip(strict=True)``, ``assert_never`` and ``raise AssertionError``; and what an op offers to tests:
its ``cases`` and ``choices``, and the ``domain`` of an operand.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
SKIPPED = ("annotation", "returns", "type_comment", "decorator_list", "bases", "type_params")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

Way = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Fault:
    """One fault in one module.

    Attributes
    ----------
    path : str
        Of the module, from the root.
    line : int
    way : tuple of pairs
        Fields and places in them, from the module down to the changed node.
    number : int
        Which of the changes of this node.
    lines : range
        Of the statement, or of its head.
    inside : bool
        Whether the change lies in the body of a function, and not in what an import runs.
    """

    path: str
    line: int
    way: Way
    number: int
    lines: range
    inside: bool

    def plant(self) -> tuple[CodeType, str, str]:
        """The code of the changed module, and its statement before and after."""
        tree = parse(self.path)
        nodes: list[ast.AST] = [tree]
        for name, at in self.way:
            value = getattr(nodes[-1], name)
            nodes.append(value if at is None else value[at])
        statement = max(i for i, each in enumerate(nodes) if isinstance(each, ast.stmt))
        before = _head(nodes[statement])
        new = [*_changes(nodes[-1])][self.number](nodes[-1])
        new = ast.copy_location(new, nodes[-1])
        name, at = self.way[-1]
        if at is None:
            setattr(nodes[-2], name, new)
        else:
            getattr(nodes[-2], name)[at] = new
        after = _head(new if statement == len(nodes) - 1 else nodes[statement])
        return compiled(ast.fix_missing_locations(tree), self.path), before, after

    def __str__(self) -> str:
        _, before, after = self.plant()
        return f"{self.path}:{self.line}\n  - {before}\n  + {after}"


def parse(path: str) -> ast.Module:
    """The tree of a module."""
    return ast.parse((ROOT / path).read_text("utf-8"))


def compiled(tree: ast.Module, path: str) -> CodeType:
    """The code of a tree, as an import makes it."""
    return compile(tree, str(ROOT / path), "exec", dont_inherit=True)


def faults(path: str) -> list[Fault]:
    """All faults of a module."""
    return [
        Fault(path, nodes[-1].lineno, way, number, _lines(nodes), _is_inside(way, nodes))
        for way, nodes in _places((), [parse(path)])
        for number, _ in enumerate(_changes(nodes[-1]))
    ]


def _places(way: Way, nodes: list[ast.AST]) -> Iterator[tuple[Way, list[Any]]]:
    """The nodes that run, each below those that hold it."""
    yield way, nodes
    for name, value in ast.iter_fields(nodes[-1]):
        if name not in SKIPPED:
            for at, part in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(part, ast.AST) and not _guards(part):
                    step = (name, at if isinstance(value, list) else None)
                    yield from _places((*way, step), [*nodes, part])


def _guards(node: ast.AST) -> bool:
    """Whether a node is for type checkers or tests, or guards against faults of the code itself."""
    match node:
        case ast.If(test=test):
            return "TYPE_CHECKING" in ast.unparse(test)
        case ast.Call(func=ast.Name(id="assert_never")) | ast.keyword(arg="strict" | "domain"):
            return True
        case ast.AnnAssign(target=ast.Name(id="cases")):
            return True
        case ast.FunctionDef(name="choices", decorator_list=[ast.Name(id="classmethod")]):
            return True
        case ast.Expr(value=value):
            return _guards(value)
        case ast.Raise(exc=ast.Name(id="AssertionError") | ast.Call(ast.Name("AssertionError"))):
            return True
    return False


def _changes(node: ast.AST) -> Iterator[Callable[[Any], ast.AST]]:
    """The changes of a node, each a function of it."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            yield lambda n: _set(n, ops=[COMPARISONS[type(operator)]()])
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in ARITHMETIC:
            yield lambda n: _set(n, op=ARITHMETIC[type(operator)]())
        case ast.BoolOp(op=operator):
            yield lambda n: _set(n, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield lambda n: n.operand
        case ast.Constant(value=bool(value)):
            yield lambda n: _set(n, value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield lambda n: _set(n, value=value + 1)
        case ast.If() | ast.IfExp() | ast.While():
            yield lambda n: _set(n, test=ast.UnaryOp(ast.Not(), n.test))
        case ast.Continue():
            yield lambda n: ast.Break()
        case ast.Break():
            yield lambda n: ast.Continue()
        case ast.Return(value=ast.expr() as value) if not _is_like_none(value):
            yield lambda n: _set(n, value=ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign():
            yield lambda n: ast.Pass()


def _set(node: ast.AST, **fields: Any) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _is_like_none(value: ast.expr) -> bool:
    """Whether a result is as false as None, or one of the two that a change makes anyway."""
    match value:
        case ast.Constant(value=constant):
            return not constant or constant is True
        case ast.Tuple(elts=[]) | ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
    return False


def _lines(nodes: list[Any]) -> range:
    statement = next(each for each in reversed(nodes) if isinstance(each, ast.stmt))
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if isinstance(statement, ast.Match):
        return range(statement.lineno, statement.cases[0].pattern.lineno)
    last = body[0].lineno if body else statement.end_lineno + 1
    return range(statement.lineno, max(last, statement.lineno + 1))


def _is_inside(way: Way, nodes: list[ast.AST]) -> bool:
    return any(
        isinstance(node, FUNCTIONS) and name == "body"
        for node, (name, _) in zip(nodes, way, strict=False)
    )


def _head(node: ast.AST) -> str:
    first, *rest = ast.unparse(node).splitlines()
    return f"{first} ..." if rest and not isinstance(node, ast.Expr) else first
