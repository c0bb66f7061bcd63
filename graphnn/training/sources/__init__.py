"""Where data come from: one module a source; importing a module registers its source."""

from __future__ import annotations

from graphnn.training.sources import folder, idx, mnist, npz, table
from graphnn.training.sources._source import SOURCES, Found, Request

__all__ = ["SOURCES", "Found", "Request", "folder", "idx", "mnist", "npz", "table"]
