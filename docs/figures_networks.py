"""Diagrams of the networks that have a page each."""

from __future__ import annotations

from pathlib import Path

import graphnn

SPECS = Path(__file__).parent.parent / "specs"


def write(folder: Path) -> None:
    """Write all of them into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lstm = graphnn.load(SPECS / "language_lstm.yaml")
    lstm.draw(folder / "networks_language_lstm.svg", direction="right")
    # To the right they are so wide that no letter could be read on a page.
    for name in ("mixer", "vae", "siamese", "additions", "cbow", "gpt"):
        graphnn.load(SPECS / f"{name}.yaml").draw(folder / f"networks_{name}.svg")
