"""Arrays in few words: small ones as numbers, larger ones by shape and norm."""

from __future__ import annotations

import numpy as np

from graphnn.ops import Array

_MOST, _ROWS = 6, 3  # entries, and rows, that are shown as numbers


def number(value: float) -> str:
    """Four digits of `value`, without an exponent where it needs none."""
    text = f"{value:.4g}"
    return f"{value:,.0f}" if "e" in text and 1e4 <= abs(value) < 1e7 else text.replace("-", "−")


def lines(array: Array) -> list[str]:
    """`array` in one line a row, or its shape and its Euclidean norm."""
    if array.ndim == 0:
        return [number(float(array))]
    rows = array.reshape(-1, array.shape[-1]) if array.size else array
    if 0 < array.size <= _MOST and len(rows) <= _ROWS:
        return [f"[{', '.join(number(float(each)) for each in row)}]" for row in rows]
    shape = f"[{', '.join(map(str, array.shape))}]"
    return [shape, f"norm {number(float(np.linalg.norm(array)))}"]
