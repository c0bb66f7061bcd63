"""The test cases of ONNX operators that ship with onnx, each read and run here.

``python benchmarks/onnx_nodes.py [OPERATOR...]`` prints a row an operator: how many of its cases
give what they should (pass), are refused with a reason, or give something else (failed), and in
the end the totals. Where a case gives an operator by data what here is part of the op, such as the
axes of a slice, all inputs but the first are given for good.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx.backend.test.loader import load_model_tests

import graphnn

RTOL, ATOL = 1e-3, 1e-5  # of float32
BFLOAT16 = 2.0**-6  # of a model that rounds to 8 bits at each of some steps
# What is not finite is an error here, and so is a place that counts from the end.
REFUSALS = {"not-in-graphnn", "not-onnx", "not-finite", "bad-value"}


def judged(model: Any, given: Sequence[Any], wanted: Sequence[Any], path: Path) -> str:
    """How one case comes out: pass, refused, or failed with what is wrong."""
    if not all(isinstance(array, np.ndarray | np.generic) for array in (*given, *wanted)):
        return "refused"  # sequences and optionals
    if any(np.size(array) == 0 for array in given):
        return "refused"  # arrays without entries
    given = [array.astype(np.float32) if array.dtype.kind == "V" else array for array in given]
    path.write_bytes(model.SerializeToString())
    names = [each.name for each in model.graph.input]
    data = dict(zip(names, given, strict=False))
    try:
        net, sources = _read(path, data)
        own = [node.name for node in net.graph.inputs]
        arrays = {ours: data[theirs] for ours, theirs in zip(own, sources, strict=True)}
        needed = net.executor(net.graph.outputs).plan.inputs
        found = [*net.run({name: arrays[name] for name in needed}).values()]
    except graphnn.GraphnnError as error:
        refused = {each.code for each in error.diagnostics} <= REFUSALS
        return "refused" if refused else f"failed: {error}"
    except Exception as error:  # a fault of the reader, which must raise nothing else
        return f"failed: {type(error).__name__}: {error}"
    for ours, theirs in zip(found, wanted, strict=False):
        if ours.shape != theirs.shape:
            return f"failed: shape {ours.shape} for {theirs.shape}"
        rtol = RTOL
        if theirs.dtype.kind == "V":  # bfloat16, in which the model gives its result
            ours, rtol = ours.astype(theirs.dtype).astype(np.float64), BFLOAT16
        if not np.allclose(ours, theirs.astype(np.float64), rtol=rtol, atol=ATOL):
            apart = np.abs(ours - theirs.astype(np.float64)).max()
            return f"failed: differs by {apart:.2g}"
    return "pass"


def _read(path: Path, data: Mapping[str, Any]) -> tuple[graphnn.Network, list[str]]:
    """The network, and the inputs that it has."""
    try:
        return graphnn.load_onnx(path), [*data]
    except graphnn.RunError:
        if len(data) < 2:
            raise
        first, *others = data
        return graphnn.load_onnx(path, {name: data[name] for name in others}), [first]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Run the node test cases of onnx.")
    parser.add_argument("operators", nargs="*", help="by default all")
    parser.add_argument("--quick", action="store_true", help="run every fifth case alone")
    options = parser.parse_args()
    table: dict[str, Counter[str]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = load_model_tests(kind="node")
    with tempfile.TemporaryDirectory() as folder:
        for case in cases[:: 5 if options.quick else 1]:
            operator = case.model.graph.node[0].op_type
            if options.operators and operator not in options.operators:
                continue
            verdict = judged(case.model, *case.data_sets[0], Path(folder, "case.onnx"))
            kind = verdict.partition(":")[0]
            table.setdefault(operator, Counter())[kind] += 1
            if kind == "failed":
                print(f"{case.name}: {verdict}")
    kinds = ("pass", "refused", "failed")
    totals: Counter[str] = sum(table.values(), Counter())
    print(f"{'operator':30}" + "".join(f"{kind:>9}" for kind in kinds))
    for operator, counts in [*sorted(table.items()), ("total", totals)]:
        print(f"{operator:30}" + "".join(f"{counts[kind]:9}" for kind in kinds))


if __name__ == "__main__":
    main()
