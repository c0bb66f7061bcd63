"""How often the kit's draws show a planted fault, and the chance that 300 of them all miss it.

Of each fault of `tests/support/planted_faults.py`, cases are drawn in rounds of 300, each with its
seed, until enough show it or they are many. From `k` hits in `n` draws, the rate of hits is at
least ``chi2.ppf(0.05, 2k) / (2n)`` at a confidence of 95 % (Garwood 1936), which bounds the
chance of no hit in 300 draws.

    python benchmarks/plants.py --output docs/plants-table.md

writes the table that docs/testing.md includes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from scipy.stats import chi2

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from planted_faults import PLANTS, RARE, Plant

CALLS = 300
RISK = 0.05  # that a bound does not hold
_SMALL = 0.001  # chances below it are shown as such
HEADER = ("fault", "draws", "show it", "at least", f"missed by {CALLS}, at most")


def counted(plant: Plant, draws: int, hits: int) -> tuple[int, int]:
    """Draws, in rounds of at most 300, and how many of them show the fault."""
    drawn = shown = 0

    def draw(case: object) -> None:
        nonlocal drawn, shown
        drawn += 1
        shown += plant.shows(case)

    fixed = settings(
        max_examples=min(CALLS, draws),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.MonkeyPatch.context() as patch:
        plant.plant(patch)
        rounds = itertools.count()
        while drawn < draws and shown < hits:
            seed(next(rounds))(fixed(given(plant.drawn)(draw)))()
    return drawn, shown


def least_rate(draws: int, hits: int) -> float:
    """The lower bound of the rate of hits at a confidence of 95 %."""
    return float(chi2.ppf(RISK, 2 * hits) / (2 * draws)) if hits else 0.0


def line(texts: Sequence[str]) -> str:
    """A line of the table."""
    return f"| {' | '.join(texts)} |"


def cells(name: str, draws: int, hits: int) -> tuple[str, ...]:
    """What the table shows of a fault."""
    least = least_rate(draws, hits)
    missed = (1 - least) ** CALLS
    bound = f"{missed:.1%}" if missed >= _SMALL else f"< {_SMALL:.1%}"
    return name, f"{draws:,}", f"{hits}", f"{least:.2%}", bound


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1500, help="the most of one fault")
    parser.add_argument("--hits", type=int, default=20, help="after which no more are drawn")
    parser.add_argument("--output", type=Path, help="a file for the table")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    if options.quick:
        options.draws, options.hits = 30, 3
    lines = [line(HEADER), line(("---", *["---:"] * (len(HEADER) - 1)))]
    print(*lines, sep="\n")
    for name, plant in {**PLANTS, **RARE}.items():
        lines.append(line(cells(name, *counted(plant, options.draws, options.hits))))
        print(lines[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join([*lines, ""]), "utf-8")


if __name__ == "__main__":
    main()
