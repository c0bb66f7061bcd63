"""Functions that written networks call, copied into their file."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any


def functions_of(*modules: ModuleType) -> dict[str, Any]:
    """The functions of modules, and the constants that those of `selu` read, by name."""
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value) or name.startswith("SELU")
    }


def called(text: str, known: Mapping[str, Any]) -> list[str]:
    """The source of those of `known` that a text calls, and that they call, in their order."""
    found: set[str] = set()
    pending = [text]
    while pending:
        words = set(re.findall(r"(?<![\w.])\w+(?=\()|SELU_\w+", pending.pop()))
        for name in (words & known.keys()) - found:
            found.add(name)
            pending.append(_source(name, known[name]))
    return [_source(name, value) for name, value in known.items() if name in found]


def _source(name: str, value: Any) -> str:
    return inspect.getsource(value) if inspect.isfunction(value) else f"{name} = {value!r}"
