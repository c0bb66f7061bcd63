"""Diagrams of the networks that have a page each."""

from __future__ import annotations

from pathlib import Path

import graphnn

SPECS = Path(__file__).parent.parent / "specs"


def write(folder: Path) -> None:
    """Write all of them into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    mixer = graphnn.load(SPECS / "mixer.yaml")
    mixer.draw(folder / "networks_mixer.svg", direction="right")
    for name in ("vae", "siamese", "additions", "cbow", "language_lstm", "gpt"):
        net = graphnn.load(SPECS / f"{name}.yaml")
        net.draw(folder / f"networks_{name}.svg", direction="right")
