"""The language server: what an editor asks about spec files while they are written."""

from __future__ import annotations

from graphnn.lsp.document import Document

__all__ = ["Document"]
