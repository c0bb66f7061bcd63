"""The table of ONNX operators: what each becomes; entered by the modules of ``operators/``."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from graphnn.interchange.onnx import operators
from graphnn.interchange.onnx.models import ForeignNode
from graphnn.ops import Op, public_ops

if TYPE_CHECKING:
    from graphnn.interchange.onnx.translation import Translator
    from graphnn.interchange.onnx.values import Value

Rule = Callable[["Translator", ForeignNode, "list[Value | None]"], "Value | list[Value]"]
_RULES: dict[str, Rule] = {}
FOLDED = dict.fromkeys(
    ("Constant", "ConstantOfShape", "Shape", "Size"), "Nothing: it is known, or a size."
)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a function for the operators called `names`.

    Its first line of documentation says what they become, for the table of the documentation.
    """

    def enter(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(names, function))
        return function

    return enter


@cache
def rules() -> dict[str, Rule]:
    """Every operator with a separate rule."""
    for module in pkgutil.iter_modules(operators.__path__):
        import_module(f"{operators.__name__}.{module.name}")
    return _RULES


def becomes() -> dict[str, str]:
    """What each ONNX operator becomes, in words."""
    same = {name: f"`{op.name}`." for name, op in alike().items()}
    own = {name: (inspect.getdoc(found) or "").split("\n")[0] for name, found in rules().items()}
    return dict(sorted({**same, **FOLDED, **own}.items()))


@cache
def alike() -> dict[str, type[Op]]:
    """Ops that an ONNX operator is the same as, by that operator's name."""
    return {op.onnx: op for op in public_ops().values() if op.onnx and not op.parameter_operands()}
