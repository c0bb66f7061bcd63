"""The pictures of a search, made by running ``specs/search.yaml``.

``python docs/figures_search.py FOLDER`` writes them; the docs build calls `write`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import graphnn

SPEC = Path(__file__).parents[1] / "specs" / "search.yaml"
TRIALS = 20


def write(folder: Path) -> None:
    """Write both pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = graphnn.search(SPEC, TRIALS)
    with TemporaryDirectory() as place:
        found.write(place)
        for name in ("curves.png", "values.png"):
            (folder / f"search_{name}").write_bytes((Path(place) / name).read_bytes())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
