"""What the pages need beside Sphinx's own: prompts, attributes of classes, pictures that open."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

from docutils import nodes
from pygments.lexers.shell import BashSessionLexer
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.util.osutil import relative_uri

WORD = 14  # characters, which fit in a column of a table on a phone
SHORT = 24  # characters, which fit in a line of a phone
_ATTRIBUTES = re.compile(r":(ivar|vartype) ([^:]+):(.*)")


class Console(BashSessionLexer):
    """Commands behind ``$ ``: a line of output that begins with ``#`` is not one."""

    _ps1rgx = re.compile(r"^(\$ )(.*\n?)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect what is below."""
    app.add_lexer("console", Console)
    app.connect("doctree-read", keep_whole)
    app.connect("doctree-resolved", open_pictures)
    # Behind napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", name_attributes, priority=600)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def keep_whole(app: Sphinx, doctree: nodes.document) -> None:
    """Mark short code, so that no line of a phone ends within an option such as ``--loss``."""
    for code in doctree.findall(nodes.literal):
        if len(code.astext()) <= SHORT:
            code["classes"].append("short")
        if len(code.astext()) <= WORD and " " not in code.astext():
            code["classes"].append("word")


def open_pictures(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link every picture to its file, which a phone shows at any size."""
    if app.builder.format != "html":
        return
    folder = relative_uri(app.builder.get_target_uri(page), "_images")
    for image in list(doctree.findall(nodes.image)):
        if image["uri"] not in app.env.images or isinstance(image.parent, nodes.reference):
            continue
        link = nodes.reference(
            "", "", internal=True, refuri=f"{folder}/{app.env.images[image['uri']][1]}"
        )
        image.replace_self(link)
        link += image
        if not isinstance(link.parent, nodes.TextElement):
            link["classes"].append("image-reference")


def name_attributes(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Give each of several attributes that are described together its entry.

    Napoleon does so with parameters. An underscore at the end of a name is escaped, as
    reStructuredText reads a link in it.
    """
    rest, lines[:] = list(lines), []
    while rest:
        first = rest.pop(0)
        found = _ATTRIBUTES.fullmatch(first)
        if found is None:
            lines.append(first)
            continue
        more = list(takewhile(lambda line: line[:1] in ("", " ") and line.strip(), rest))
        del rest[: len(more)]
        for attribute in found[2].split(", "):
            escaped = re.sub(r"(?<!\\)_$", r"\\_", attribute)
            lines.extend([f":{found[1]} {escaped}:{found[3]}", *more])
