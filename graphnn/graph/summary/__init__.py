"""A network as tables: nodes, parameters, sizes, and what a run costs."""

from graphnn.graph.summary.summary import Summary, summarize

__all__ = ["Summary", "summarize"]
