"""``graphnn lsp``: the language server, for editors."""

from __future__ import annotations

from graphnn.diagnostics import UsageError


def lsp() -> None:
    """Serve an editor: errors as you type, completion, explanations, renaming.

    It speaks the Language Server Protocol on standard input and output; an editor starts it.
    """
    try:
        from graphnn.lsp import serve
    except ImportError:
        message = "the language server needs pygls, which is not installed"
        raise UsageError.of("no-pygls", message, help="pip install 'graphnn[lsp]'") from None
    serve()
