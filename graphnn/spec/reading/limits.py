"""How much a reader takes in."""

from __future__ import annotations

from dataclasses import dataclass

from graphnn.storage.files import MEBIBYTE


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a reader takes in before it refuses a text.

    Attributes
    ----------
    bytes : int
        Size of a file in UTF-8. A spec of 100,000 nodes has about 10 MiB.
    depth : int
        Collections inside one another, aliases followed. A spec by hand reaches about 10; what
        walks over values may recurse, and Python's stack allows about 1000.
    values : int
        Values and keys, those that an alias repeats counted again. 100,000 nodes of two inputs
        have 800,000; a larger array belongs in a file of weights. Each takes about 150 bytes.
    collections : int
        Lists and mappings, each of which takes as long to read as two other values. 100,000 nodes
        with a list of inputs have 200,000.
    aliases : int
        Aliases, and likewise anchors.
    comments : int
        Comments that formatting keeps, each of which takes the room of a value.
    key_length : int
        Characters in a key. Names are far shorter, and every message shows them.
    number_length : int
        Characters in a number. Every float64 written out in full has at most 1077.
    faults : int
        Faults reported at once; after that many, reading stops.
    """

    bytes: int = 16 * MEBIBYTE
    depth: int = 64
    values: int = 820_000
    collections: int = 210_000
    aliases: int = 100_000
    comments: int = 200_000
    key_length: int = 200
    number_length: int = 1100
    faults: int = 100


DEFAULT = Limits()
