"""The pages on codes: what each means, why it is a fault, a file at fault and its fixed form."""

from __future__ import annotations

from importlib import resources

from graphnn.diagnostics._codes import CODES
from graphnn.diagnostics._errors import UsageError
from graphnn.diagnostics._suggestions import suggestion

# Read the Docs leads /page/ to the default version; a path without it, or a version, is not found.
_SITE = "https://graphnn.readthedocs.io/page/errors"


def page_url(code: str) -> str | None:
    """The address of the page that explains `code`; None for one that a caller has made."""
    return f"{_SITE}/{code}.html" if code in CODES else None


def summary(code: str) -> tuple[str, str]:
    """The title of the page that explains `code`, and why it is a fault."""
    _, title, text, *_ = explain(code).split("\n\n")
    return title.rstrip("."), " ".join(text.split())


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
    if code not in CODES:
        help = suggestion(code, CODES, "'graphnn explain' lists them all")
        raise UsageError.of("unknown-code", f"there is no code '{code}'", help=help)
    page = resources.files("graphnn.diagnostics").joinpath("pages", f"{code}.md")
    return page.read_text("utf-8")
