"""Blocks: their definitions, the files that hold them, and their expansion into nodes."""
