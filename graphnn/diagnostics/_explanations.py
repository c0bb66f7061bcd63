"""What every code means: a title, why it is a fault, a file at fault and its mended form."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from graphnn.diagnostics._diagnostic import Diagnostic
from graphnn.diagnostics._errors import UsageError
from graphnn.diagnostics._suggestions import suggestion

# Read the Docs leads /page/ to the default version; a path without it, or a version, is not found.
_PAGES = "https://graphnn.readthedocs.io/page/errors"


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of fault or warning.

    Attributes
    ----------
    name : str
        As diagnostics show it, such as ``unknown-op``.
    title : str
        What it is, in a few words.
    text : str
        Why it is a fault, and what to do about it.
    severity : {"error", "warning", "either", "always"}
        `either` is an error or a warning, `always` a warning that cannot be allowed.
    """

    name: str
    title: str
    text: str
    severity: Literal["error", "warning", "either", "always"] = "error"

    @property
    def is_allowable(self) -> bool:
        """Whether ``allow`` may name it."""
        return self.severity in ("warning", "either")


@cache
def codes() -> dict[str, Code]:
    """Every code that a diagnostic of graphnn may have, by name, in families."""
    text = resources.files("graphnn.diagnostics").joinpath("codes.toml").read_text("utf-8")
    return {name: Code(name, **entry) for name, entry in tomllib.loads(text).items()}


def page(code: str) -> str | None:
    """The address of the page that explains `code`; None for one that a caller has made."""
    return f"{_PAGES}/{code}.html" if code in codes() else None


def explain(code: str) -> str:
    """The page that explains `code`, in Markdown.

    Parameters
    ----------
    code : str
        As diagnostics show it, such as ``unknown-op``.

    Raises
    ------
    UsageError
        There is no such code.
    """
    found = codes().get(code)
    if found is None:
        help = suggestion(code, codes(), "'graphnn explain' lists them all")
        raise UsageError(Diagnostic("unknown-code", f"there is no code '{code}'", help=help))
    text = f"# {found.name}\n\n{found.title}.\n\n{found.text}\n"
    example = resources.files("graphnn.diagnostics").joinpath("pages", f"{code}.md")
    return text + (f"\n{example.read_text('utf-8')}" if example.is_file() else "")
