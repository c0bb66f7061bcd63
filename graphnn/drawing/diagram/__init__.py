"""Diagrams of networks, by Graphviz."""
