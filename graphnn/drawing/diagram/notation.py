"""Names as formulas write them: ``a1`` is a⁽¹⁾, an input ``x1`` x₁, the weight of ``a1`` W⁽¹⁾."""

from __future__ import annotations

import re
import unicodedata

from graphnn.graph import Node

_NAME = re.compile(r"([A-Za-z]+?)_?([0-9]*|(?<=_)[a-z])")
_PARAMETERS = {
    "weight": "W",
    "bias": "b",
    "gain": "γ",
    "shift": "β",
    "running_mean": "μ",
    "running_variance": "σ²",
}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_TRAILING = re.compile(r"[0-9]+$")


def of_node(label: str, node: Node) -> str:
    """`label`, the name of `node`: a letter with a number, which counts layers but for sources.

    A name that is not a letter, or the name of a Greek one, stays as it is.
    """
    found = _NAME.fullmatch(label)
    letter = _greek(found[1]) or found[1] if found else ""
    if found is None or len(letter) != 1:
        return label
    index = found[2]
    if index.isdigit() and node.op.family != "source":
        return letter + _raised(index)
    lowered = index.translate(_LOWERED)
    return letter + lowered if lowered != index or not index else label


def of_parameter(operand: str, node: str) -> str:
    """The parameter `operand` of the node called `node`, with the number that its name ends in."""
    symbol = _PARAMETERS.get(operand)
    if symbol is None:
        return operand
    number = _TRAILING.search(node)
    return symbol + _raised(number[0]) if number else symbol


def _greek(name: str) -> str:
    """The Greek letter called `name`, which Unicode spells lamda; empty where there is none."""
    case = "SMALL" if name.islower() else "CAPITAL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.replace('ambda', 'amda')}")
    except KeyError:
        return ""


def _raised(number: str) -> str:
    return f"⁽{number.translate(_RAISED)}⁾"
