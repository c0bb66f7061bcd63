"""Names of a spec as names of Python."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable

from graphnn.spec.model import NetworkSpec

_WIDTH = 79  # of lines in docstrings


class Names:
    """Gives each name of a spec one of Python that nothing else has.

    Parameters
    ----------
    taken : iterable of str
        Names that mean something else.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        # ruff warns of l, I and O, which look like digits.
        self._taken = {*taken, *keyword.kwlist, *keyword.softkwlist, *dir(builtins), *"lIO"}
        self._given: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._given:
            self._given[name] = self.new(name)
        return self._given[name]

    def new(self, name: str) -> str:
        """A name like `name` that has not been given yet."""
        python = name.replace("-", "_").replace(".", "_")
        if not python.isidentifier():
            python = "_" + python
        while python in self._taken:
            python += "_"
        self._taken.add(python)
        return python


def class_name(name: str) -> str:
    """``residual-block`` as ``ResidualBlock``."""
    return "".join(word[:1].upper() + word[1:] for word in name.replace("-", "_").split("_")) or "_"


def docstring(text: str, default: str) -> str:
    """A text as the first line or lines of a docstring."""
    words = " ".join((text or default).replace("\\", "\\\\").replace('"', "'").split())
    words = "".join(each if each.isprintable() else "?" for each in words)
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else words + "."


def heading(spec: NetworkSpec, weights: str) -> str:
    """The docstring of a file."""
    about = [spec.description] if spec.description else []
    parts = [docstring(text, "") for text in about]
    parts.append(f"Parameters are in {weights}, by the names of the spec.")
    return "\n\n".join([f'"""{docstring(spec.name or "", "a network")}', *map(_wrapped, parts)]) + (
        '\n"""\n'
    )


def _wrapped(text: str) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
