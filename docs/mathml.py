"""Mathematics as MathML, which browsers typeset by themselves: no script, no font, no network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

_LONG = 60  # characters of LaTeX that a line of a phone may not have room for


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer ``mathml`` of formulas in HTML."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: Any, node: nodes.Element) -> None:
    formula = convert(node.astext())
    if len(node.astext()) > _LONG:
        formula = f'<span class="math">{formula}</span>'
    translator.body.append(formula)
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.Element) -> None:
    formula = convert(node.astext(), display="block")
    translator.body.append(f'<div class="math">{formula}</div>\n')
    raise nodes.SkipNode
