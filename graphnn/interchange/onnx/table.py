"""The table of ONNX operators: what each becomes; entered by the modules of ``operators/``."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from graphnn.interchange.onnx import operators
from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.values import UnsupportedError, Value
from graphnn.ops import Op, public_ops

if TYPE_CHECKING:
    from graphnn.interchange.onnx.translation import Translator

Rule = Callable[..., "Value | list[Value]"]
R = TypeVar("R", bound=Rule)
_RULES: dict[str, Rule] = {}
FOLDED = dict.fromkeys(
    ("Constant", "ConstantOfShape", "Shape", "Size"), "Nothing: it is known, or a size."
)


def rule(*names: str) -> Callable[[R], R]:
    """Enter a function for the operators called `names`.

    It is given the translator, the node, and as many inputs as it names, of which those without a
    default must be there. Its first line of documentation says what the operators become, for the
    table of the documentation.
    """

    def enter(function: R) -> R:
        _RULES.update(dict.fromkeys(names, function))
        return function

    return enter


@cache
def rules() -> dict[str, Rule]:
    """Every operator with a separate rule."""
    for module in pkgutil.iter_modules(operators.__path__):
        import_module(f"{operators.__name__}.{module.name}")
    return _RULES


@cache
def _operands(function: Rule) -> tuple[int, int | None]:
    """How many inputs a rule needs, and how many it takes; None for any number."""
    _, _, *operands = inspect.signature(function).parameters.values()
    several = any(each.kind is each.VAR_POSITIONAL for each in operands)
    plain = [each for each in operands if each.kind is not each.VAR_POSITIONAL]
    return sum(each.default is each.empty for each in plain), None if several else len(plain)


def apply(
    function: Rule, translator: Translator, node: ForeignNode, inputs: list[Value | None]
) -> list[Value]:
    """The values of a node by its rule.

    Raises
    ------
    UnsupportedError
        An input that the rule needs is missing, or the rule does not know such a node.
    """
    least, most = _operands(function)
    if len(inputs) < least or any(value is None for value in inputs[:least]):
        raise UnsupportedError("an input that it needs is missing")
    result = function(translator, node, *inputs[:most])
    return result if isinstance(result, list) else [result]


def becomes() -> dict[str, str]:
    """What each ONNX operator becomes, in words."""
    same = {name: f"`{op.name}`." for name, op in alike().items()}
    own = {name: (inspect.getdoc(found) or "").split("\n")[0] for name, found in rules().items()}
    return dict(sorted({**same, **FOLDED, **own}.items()))


@cache
def alike() -> dict[str, type[Op]]:
    """Ops that an ONNX operator is the same as, by that operator's name."""
    return {op.onnx: op for op in public_ops().values() if op.onnx and not op.parameter_operands()}
