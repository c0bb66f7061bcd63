"""A network as tables: nodes, parameters, sizes, and what a run costs."""

from graphnn.graph.summary.summary import Summary, summarize
from graphnn.graph.summary.table import Table

__all__ = ["Summary", "Table", "summarize"]
