"""Plots that the pages of the documentation show, and no run leaves."""
