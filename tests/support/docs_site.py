"""Builds the documentation as its host does, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from places import ROOT

MADE = ("_build", "figures", "ops", "tables")  # by a build, in docs/


def build(place: Path) -> Path:
    """The folder of the pages that a copy of the repository in `place` gives, without a warning."""
    for folder in ("docs", "graphnn", "specs"):
        made = MADE if folder == "docs" else ()
        ignored = shutil.ignore_patterns("__pycache__", *made)
        shutil.copytree(ROOT / folder, place / folder, ignore=ignored)
    shutil.copy(ROOT / "CHANGELOG.md", place)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", "html"]
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return place / "html"
