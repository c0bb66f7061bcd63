"""Mutation testing: faults planted one at a time, each of which a fixed set of tests must find.

A fault is an operator, a comparison, a number, a condition or a statement changed in one place of
one module. A process that has imported everything but graphnn forks for each fault, imports graphnn
with the changed module, and runs the module's tests until one fails. Cases are drawn from a fixed
seed. A fault that no test finds survives: either a test is missing, or it is no fault.

    python benchmarks/mutation.py graphnn/spec/sizes.py
    python benchmarks/mutation.py --sample 40       # of each module
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.machinery
import io
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 0.95  # of the faults must be found
TIMEOUT = 240  # seconds, after which a fault counts as found: something does not end
HEAVY = ["numpy", "pydantic", "networkx", "yaml", "hypothesis", "pytest", "safetensors", "torch"]

TESTS = {
    "graphnn/execution/_executor.py": ["tests/execution"],
    "graphnn/execution/_plan.py": ["tests/graph/test_plan.py", "tests/execution"],
    "graphnn/gradients/_backprop.py": ["tests/gradients/test_modes.py", "tests/gradients"],
    "graphnn/gradients/_check.py": ["tests/gradients"],
    "graphnn/gradients/_functions.py": ["tests/gradients/test_functions.py"],
    "graphnn/gradients/numerical/estimates.py": ["tests/gradients"],
    "graphnn/gradients/numerical/functions.py": ["tests/gradients/test_functions.py"],
    "graphnn/gradients/numerical/rules.py": ["tests/gradients/test_rules.py", "tests/gradients"],
    "graphnn/graph/comparison.py": ["tests/graph/test_comparison.py", "tests/cli/test_diff.py"],
    "graphnn/graph/lints.py": ["tests/graph/test_lints.py", "tests/spec/test_bad_specs.py"],
    "graphnn/ops/_declaration.py": ["tests/ops/test_declaration.py"],
    "graphnn/ops/_inference.py": ["tests/ops", "tests/spec/test_bad_specs.py"],
    "graphnn/ops/_op.py": ["tests/ops"],
    "graphnn/ops/families/activation.py": ["tests/ops"],
    "graphnn/ops/families/arithmetic.py": ["tests/ops"],
    "graphnn/ops/imports.py": ["tests/cli/test_import_option.py"],
    "graphnn/spec/sizes.py": ["tests/graph/test_sizes.py", "tests/spec"],
    "graphnn/spec/values.py": ["tests/spec"],
}

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault in one module.

    Attributes
    ----------
    path : str
        Of the module, from the root.
    line : int
    before, after : str
        The statement, or the head of it.
    code : code object
        Of the whole module.
    """

    path: str
    line: int
    before: str
    after: str
    code: Any

    def __str__(self) -> str:
        return f"{self.path}:{self.line}\n  - {self.before}\n  + {self.after}"


def changes(node: ast.AST) -> Iterator[Callable[[ast.AST], ast.AST]]:
    """What can be made of a node, each a function of a copy of it."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            yield lambda n: _set(n, ops=[COMPARISONS[type(operator)]()])
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in ARITHMETIC:
            yield lambda n: _set(n, op=ARITHMETIC[type(operator)]())
        case ast.BoolOp(op=operator):
            yield lambda n: _set(n, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield lambda n: n.operand  # type: ignore[attr-defined]
        case ast.Constant(value=bool(value)):
            yield lambda n: _set(n, value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield lambda n: _set(n, value=value + 1)
        case ast.If() | ast.IfExp() | ast.While():
            yield lambda n: _set(n, test=ast.UnaryOp(ast.Not(), n.test))  # type: ignore[attr-defined]
        case ast.Continue():
            yield lambda n: ast.Break()
        case ast.Break():
            yield lambda n: ast.Continue()
        case ast.Return(value=value) if not _is_none(value):
            yield lambda n: _set(n, value=ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign():
            yield lambda n: ast.Pass()


def _set(node: ast.AST, **fields: Any) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _is_none(node: ast.AST | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def places(tree: ast.AST) -> Iterator[tuple[tuple[Any, ...], ast.AST]]:
    """The nodes that run, each with the way to it: no annotations, no guards of types."""

    def walk(node: ast.AST, way: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], ast.AST]]:
        yield way, node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_comment", "decorator_list", "bases"):
                continue
            parts = value if isinstance(value, list) else [value]
            for at, part in enumerate(parts):
                guard = isinstance(part, ast.If) and "TYPE_CHECKING" in ast.unparse(part.test)
                if isinstance(part, ast.AST) and not guard:
                    yield from walk(part, (*way, (name, at if isinstance(value, list) else None)))

    yield from walk(tree, ())


def mutants(path: str) -> list[Mutant]:
    """All faults of a module."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    found = []
    for way, node in list(places(tree)):
        for change in changes(node):
            other = copy.deepcopy(tree)
            parents: list[ast.AST] = [other]
            for name, at in way:
                value = getattr(parents[-1], name)
                parents.append(value if at is None else value[at])
            statement = max(i for i, each in enumerate(parents) if isinstance(each, ast.stmt))
            before = _head(parents[statement])
            new = ast.copy_location(change(parents[-1]), parents[-1])
            name, at = way[-1]
            if at is None:
                setattr(parents[-2], name, new)
            else:
                getattr(parents[-2], name)[at] = new
            shown = new if statement == len(parents) - 1 else parents[statement]
            ast.fix_missing_locations(other)
            code = compile(other, str(ROOT / path), "exec")
            line = getattr(node, "lineno", 0)
            found.append(Mutant(path, line, before, _head(shown), code))
    return found


def _head(node: ast.AST) -> str:
    text = ast.unparse(node)
    first, *rest = text.splitlines()
    return f"{first} ..." if rest and not isinstance(node, ast.Expr) else first


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed code in the place of a module's."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = mutant.path.removesuffix(".py").replace("/", ".")

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != self._name:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found is not None
        found.loader = self
        return found

    def exec_module(self, module: Any) -> None:
        exec(self._mutant.code, module.__dict__)


def run_tests(mutant: Mutant | None, tests: Sequence[str]) -> int:
    """Run the tests in this process, which then ends; the exit code of pytest."""
    if mutant is not None:
        sys.meta_path.insert(0, _Finder(mutant))
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    import pytest

    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow and not oracle"]
    # pytest would import all modules of a package with a plugin itself, to rewrite assertions.
    options += ["--assert=plain", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return int(pytest.main([*options, "--hypothesis-seed=0", *tests]))


def found_by(mutant: Mutant | None, tests: Sequence[str]) -> int:
    """The process that looks for a fault; it ends with code 0 where no test fails."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    signal.alarm(TIMEOUT)
    code = 1
    with suppress(BaseException):
        code = run_tests(mutant, tests)
    os._exit(min(code, 1))


def survivors(chosen: Sequence[Mutant], jobs: int) -> list[Mutant]:
    """Those that no test finds."""
    waiting, running, alive = list(chosen), {}, []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running[found_by(mutant, TESTS[mutant.path])] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what its tests have started
        if status == 0:
            alive.append(mutant)
            print(mutant, flush=True)
    return alive


def main() -> int:
    """Plant faults in modules and print those that survive."""
    # The tests are those of this checkout, and so is what they test.
    os.environ.pop("GRAPHNN_INSTALLED", None)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=list(TESTS), metavar="MODULE")
    parser.add_argument("--sample", type=int, metavar="N", help="faults of each module, at random")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    given = parser.parse_args()
    for name in HEAVY:
        with suppress(ImportError):
            import_module(name)
    total = left = 0
    for path in ["graphnn/ops/_declaration.py"] if given.quick else given.modules:
        child = found_by(None, TESTS[path])
        if os.waitpid(child, 0)[1]:
            print(f"{path}: its tests fail without a fault")
            return 1
        start, every = time.perf_counter(), mutants(path)
        random.Random(0).shuffle(every)
        chosen = every[: 3 if given.quick else given.sample]
        alive = survivors(chosen, given.jobs)
        total, left = total + len(chosen), left + len(alive)
        seconds = time.perf_counter() - start
        print(f"{path}: {len(chosen) - len(alive)} of {len(chosen)} found, {seconds:.0f} s")
    print(f"{total - left} of {total} faults found: {(total - left) / total:.1%}")
    return 0 if total - left >= ENOUGH * total else 1


if __name__ == "__main__":
    sys.exit(main())
