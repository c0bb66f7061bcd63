"""The command line: ``graphnn check FILE`` and its kin, one module a command."""

from graphnn.cli.app import main

__all__ = ["main"]
