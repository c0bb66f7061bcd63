"""Times functions against one another, and reports what they ran on."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from threadpoolctl import threadpool_info

Function = Callable[[], object]


def interleaved(
    functions: Mapping[str, Function], seconds: float, turn: float = 2e-3
) -> dict[str, list[float]]:
    """Seconds a call, many times over, of functions that take turns.

    Parameters
    ----------
    functions : mapping of str to function
        Each is called twice before any is timed.
    seconds : float
        For how long to go on with all of them together; each has at least three turns.
    turn : float
        Seconds that one turn takes, about: the first call finds the caches as another left them.

    Returns
    -------
    dict of str to list of float
        By name, one time a turn; the same turn of two functions saw the same machine.
    """
    calls = {name: _calls(function, turn) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    order = list(functions)
    stop = time.perf_counter() + seconds
    while len(times[order[0]]) < 3 or time.perf_counter() < stop:
        for name in order:
            times[name].append(_seconds(functions[name], calls[name]))
        order.reverse()
    return times


def _calls(function: Function, turn: float) -> int:
    """How many calls take as long as a turn, which is long against the clock's steps."""
    function()
    return max(1, round(turn / _seconds(function, 1)))


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


def products(sizes: Iterable[tuple[int, int, int]]) -> Function:
    """What carries out products ``[m, k] [k, n]`` of random float32 matrices, by their (m, k, n).

    Their results go to memory that is there.
    """
    rng = np.random.default_rng(0)
    operands = [
        (rng.random((m, k), np.float32), rng.random((k, n), np.float32), np.empty((m, n), "f"))
        for m, k, n in sizes
    ]

    def multiply() -> None:
        for left, right, out in operands:
            np.matmul(left, right, out=out)

    return multiply


def table(title: str, times: Mapping[str, Sequence[float]]) -> None:
    """Print the times of several, and the ratio of graphnn's to each other's."""
    print(f"\n{title:<40}{'median':>12}{'least':>12}{'ratio':>8}")
    for name, turns in times.items():
        shown = "".join(f"{t * 1e3:>9.3f} ms" for t in (statistics.median(turns), min(turns)))
        against = "" if name == "graphnn" else f"{ratio(times['graphnn'], turns):>8.2f}"
        print(f"  {name:<38}{shown}{against}")


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
