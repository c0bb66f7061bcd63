"""``graphnn lsp``: the language server, for editors."""

from __future__ import annotations

from graphnn.diagnostics import UsageError, needing


def lsp() -> None:
    """Serve an editor: errors as you type, completion, explanations, renaming.

    It speaks the Language Server Protocol on standard input and output; an editor starts it.
    """
    with needing(UsageError, "no-pygls", "the language server needs pygls", "lsp"):
        from graphnn.lsp import serve
    serve()
