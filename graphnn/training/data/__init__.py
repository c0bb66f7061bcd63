"""Rows for training: sources, splits, and what a network requires of them."""
