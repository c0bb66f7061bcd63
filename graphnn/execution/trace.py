"""What a pass computes at every node, as data for those who look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphnn.ops import Array


@dataclass(frozen=True, slots=True)
class Trace:
    """Arrays of one pass.

    Attributes
    ----------
    values : mapping of str to ndarray
        By node, and by the full name of a parameter or state.
    gradients : mapping of str to ndarray
        Of the loss, by node and by parameter; nothing where it does not depend on one.
    shares : mapping of (str, int) to ndarray
        What reaches an operand of a node: its part of the gradient of what that operand is.
    losses : tuple of str
        Nodes whose means add up to the loss.
    verdicts : mapping of str to mapping of str to int
        By parameter: how many entries of its gradient a check found to agree, to be wrong, ...
    """

    values: Mapping[str, Array]
    gradients: Mapping[str, Array] = field(default_factory=dict)
    shares: Mapping[tuple[str, int], Array] = field(default_factory=dict)
    losses: tuple[str, ...] = ()
    verdicts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
