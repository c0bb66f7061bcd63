"""Ways to convolve by 3x3 filters, on the layers of specs/cnn_deep.yaml with 100 images.

`unfolded` is what graphnn does. Winograd's F(m, 3) goes along the rows, F(m x m, 3 x 3) along both
axes; `shifted` adds nine products of the image as it is. All of these are NumPy. `compiled` is a
function in vector instructions, where numba and AVX-512 are there: what an accelerator could give.
Each line gives the median time, the median over the turns of its time over that of `unfolded`, the
multiply-adds of the sum as it is written a nanosecond, and how far the result is off float64.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from timing import gemm_rate, interleaved, machine, ratio
from winograd import F2, F4, Layer, along_rows, in_tiles

from graphnn.ops.kernels import unfolding
from graphnn.ops.kernels.windows import tracks

Array = NDArray[Any]
Method = Callable[[Array, Array], None]
ROWS = 4  # whose transforms stay in the cache
LAYERS = {
    "c2": Layer(16, 16, 28, 1, 100),
    "c3": Layer(16, 32, 14, 1, 100),
    "c4": Layer(32, 32, 14, 2, 100),
    "c5": Layer(32, 64, 8, 1, 100),
    "c6": Layer(64, 64, 8, 1, 100),
}


def unfolded(layer: Layer, weight: Array) -> Method:
    """As graphnn does it."""
    along = tracks((3, 3), (1, 1), (1, 1), (layer.padding,) * 2, False, (layer.side,) * 2)
    return lambda x, out: unfolding.correlate(x, weight, along, 1, out)


def shifted(layer: Layer, weight: Array) -> Method:
    """Nine products, each of all windows' entries in one place."""
    size, result = layer.side + 2 * layer.padding, layer.result
    padded = np.zeros((size, layer.channels, size, layer.images), "f")
    inner = slice(layer.padding, size - layer.padding)
    filters = np.ascontiguousarray(weight.transpose(2, 3, 0, 1))
    part = np.empty((result, layer.filters, result * layer.images), "f")
    lines = padded.reshape(size, layer.channels, -1)

    def convolve(x: Array, out: Array) -> None:
        padded[inner, :, inner] = x.transpose(1, 0, 2, 3)
        there = out.reshape(layer.filters, result, -1).transpose(1, 0, 2)
        for down, across in np.ndindex(3, 3):
            columns = slice(across * layer.images, (across + result) * layer.images)
            np.matmul(filters[down, across], lines[down : down + result, :, columns], out=part)
            if down or across:
                there += part
            else:
                there[...] = part

    return convolve


def methods(layer: Layer, weight: Array) -> dict[str, Method]:
    """All that are there, by name."""
    found = {
        "unfolded": unfolded(layer, weight),
        "F(2, 3)": along_rows(layer, weight, F2, ROWS),
        "F(4, 3)": along_rows(layer, weight, F4, ROWS),
        "F(2x2, 3x3)": in_tiles(layer, weight, F2),
        "F(4x4, 3x3)": in_tiles(layer, weight, F4),
        "shifted": shifted(layer, weight),
    }
    try:
        from compiled_convolution import compiled
    except ImportError:  # no numba, which nothing else here needs
        return found
    return found | {"compiled": compiled(layer, weight)}


def measure(name: str, layer: Layer, seconds: float) -> None:
    """Print the table of a layer."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((layer.channels, layer.side, layer.side, layer.images), "f")
    weight = rng.standard_normal((layer.filters, layer.channels, 3, 3), "f")
    weight /= np.sqrt(9 * layer.channels)
    exact = np.empty((layer.filters, layer.result, layer.result, layer.images))
    unfolded(layer, weight.astype(float))(x.astype(float), exact)
    ways, out = methods(layer, weight), np.empty_like(exact, dtype="f")
    errors = {}
    for way, convolve in ways.items():
        convolve(x, out)
        errors[way] = abs(out - exact).max()
        assert errors[way] < 1e-4, f"{way}: off by {errors[way]}"
    functions = {way: lambda act=act: act(x, out) for way, act in ways.items()}
    times = interleaved(functions, seconds, turn=0.0)
    work = 9 * layer.channels * exact.size
    print(f"\n{name}, {layer.channels} to {layer.filters} channels, {layer.result}x{layer.result}")
    for way, turns in times.items():
        middle = statistics.median(turns)
        print(
            f"  {way:<12}{middle * 1e3:>8.2f} ms{ratio(turns, times['unfolded']):>8.2f}"
            f"{work / middle / 1e9:>8.1f}{errors[way]:>10.1e}"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each layer")
    options = parser.parse_args()
    with threadpool_limits(1):
        print(machine())
        rate = gemm_rate("float32", 0.0 if options.quick else options.seconds) / 2e9
        print(f"products of 1024x1024: {rate:.1f} multiply-adds a nanosecond")
        for name, layer in LAYERS.items():
            measure(name, layer, 0.0 if options.quick else options.seconds)


if __name__ == "__main__":
    main()
