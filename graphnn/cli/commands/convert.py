"""``graphnn convert``: a spec from YAML to JSON, or back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from graphnn import training
from graphnn.cli import terminal
from graphnn.cli.options import File, output_option
from graphnn.diagnostics import counted


def convert(
    file: File,
    output: Annotated[Path, output_option("FILE", "File to write, .yaml or .json.")],
) -> None:
    """Convert a spec from YAML to JSON or back.

    Values and their order are kept. Written to another folder, it still names the same files.
    """
    lost = training.convert(file, output)
    terminal.line(f"wrote '{output}'")
    if lost:
        terminal.remark(f"{counted(lost, 'comment')} left out: JSON has none")
