"""Times functions against one another, and tells what they ran on."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from threadpoolctl import threadpool_info

Function = Callable[[], object]


def interleaved(functions: Mapping[str, Function], seconds: float) -> dict[str, list[float]]:
    """Seconds a call, many times over, of functions that take turns.

    Parameters
    ----------
    functions : mapping of str to function
        Each is called twice before any is timed.
    seconds : float
        For how long to go on with all of them together; each has at least three turns.

    Returns
    -------
    dict of str to list of float
        By name, one time a turn; the same turn of two functions saw the same machine.
    """
    calls = {name: _calls(function) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    order = list(functions)
    stop = time.perf_counter() + seconds
    while len(times[order[0]]) < 3 or time.perf_counter() < stop:
        for name in order:
            times[name].append(_seconds(functions[name], calls[name]))
        order.reverse()
    return times


def _calls(function: Function) -> int:
    """How many calls take about 2 ms, so that a turn is long against the clock's steps."""
    function()
    return max(1, round(2e-3 / _seconds(function, 1)))


def _seconds(function: Function, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median over the turns of one function's time over another's."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def gemm_rate(dtype: str, seconds: float) -> float:
    """Floating-point operations a second in products of 1024 x 1024 matrices: the best turn."""
    a, b = np.random.default_rng(0).standard_normal((2, 1024, 1024)).astype(dtype)
    out = np.empty_like(a)
    times = interleaved({"gemm": lambda: np.matmul(a, b, out=out)}, seconds)["gemm"]
    return float(2 * 1024**3 / min(times))


def machine() -> str:
    """Python, NumPy and the BLAS kernels in use, on one line each."""
    lines = [f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}"]
    for library in threadpool_info():
        kernel = library.get("architecture", "unknown kernel")
        lines.append(
            f"{library['user_api']}: {library['internal_api']} {library['version']}, "
            f"{kernel}, {library['num_threads']} threads"
        )
    return "\n".join(lines)
