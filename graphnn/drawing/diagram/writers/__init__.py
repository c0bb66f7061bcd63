"""Scenes to files: one module a format; a writer knows no style."""
