"""``graphnn convert``: a spec from YAML to JSON, or back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from graphnn.cli import terminal
from graphnn.cli.options import File, output_option
from graphnn.training import convert as convert_file


def convert(
    file: File,
    output: Annotated[Path, output_option("FILE", "Where to; its suffix is .yaml or .json.")],
) -> None:
    """Write a spec as JSON or YAML: the same values in the same order, laid out anew.

    In another folder it names the same files, by names that start from there.
    """
    lost = convert_file(file, output)
    terminal.line(f"wrote '{output}'")
    if lost:
        terminal.remark(f"{terminal.count(lost, 'comment')} left out: JSON has none")
