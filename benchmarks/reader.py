"""Time to read a YAML file into located values, against PyYAML's own tree of nodes.

PyYAML's `compose` with its C loader is the closest thing there is: it parses the same text with the
same libyaml and keeps the places, but refuses nothing and knows no types.
"""

from __future__ import annotations

import argparse
import statistics

import yaml
from timing import interleaved, machine, ratio

from graphnn.spec import reader

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def text(nodes: int) -> str:
    """A spec of `nodes` nodes, each a flow mapping of five keys."""
    lines = [
        f"  n{i}: {{op: affine, inputs: n{i - 1}, units: 8, bias: false, about: layer {i}}}"
        for i in range(1, nodes)
    ]
    return "\n".join(["graphnn: 1", "nodes:", "  n0: {op: input, shape: [batch, 8]}", *lines, ""])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--seconds", type=float, default=20.0, help="for the whole measurement")
    options = parser.parse_args()
    nodes, seconds = (100, 0.0) if options.quick else (10_000, options.seconds)
    spec = text(nodes)
    assert len(reader.read(spec).entries["nodes"].value.entries) == nodes
    times = interleaved(
        {
            "yaml.compose": lambda: yaml.compose(spec, LOADER),
            "graphnn": lambda: reader.read(spec),
        },
        seconds,
    )
    print(machine())
    print(f"\n{nodes} nodes of five keys, {len(spec) / 2**20:.2f} MiB, loader {LOADER.__name__}")
    for name, turns in times.items():
        print(f"{name:<14}{statistics.median(turns) * 1e3:>9.1f} ms, median of {len(turns)}")
    print(f"{'ratio':<14}{ratio(times['graphnn'], times['yaml.compose']):>9.2f}")


if __name__ == "__main__":
    main()
