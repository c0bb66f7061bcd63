"""Real ONNX models, read and run beside onnxruntime and beside float64.

``python benchmarks/onnx_models.py FOLDER`` takes the models below FOLDER that it knows, as they lie
in the wheels of rapidocr-onnxruntime 1.4.4 and silero-vad 6.2.3:
``pip download --no-deps rapidocr-onnxruntime==1.4.4 silero-vad==6.2.3``, then ``unzip`` each.
It prints nodes, the largest difference between each two of the three, relative to the largest
entry, and two times of the processor, each the least of ten, by turns: to read a model here, from
the file to a network whose every shape is checked, its weights copied (no examples are recorded),
and to load it, check it in full and infer its shapes by onnx, which leaves the weights unread.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

import graphnn
from graphnn.execution.drawn_inputs import draw_inputs

GIVEN: dict[str, dict[str, Any]] = {
    "ch_PP-OCRv4_det_infer": {"p2o_DynamicDimension_1": 64, "p2o_DynamicDimension_2": 96},
    "ch_PP-OCRv4_rec_infer": {"x_2": 48, "p2o_DynamicDimension_1": 64},
    "ch_ppocr_mobile_v2.0_cls_infer": {},
    "silero_vad_16k_op15": {"sr": 16000, "sequence": 576},
}


HEADS = f"{'model':32}{'nodes':>7}{'to runtime':>12}{'to float64':>12}{'runtime':>12}"
HEADS += f"{'read s':>9}{'onnx s':>9}{'ratio':>8}"


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, relative to the largest entry."""
    largest = float(np.abs(other).max(initial=1e-30))
    return float(np.abs(one.astype(np.float64) - other).max(initial=0)) / largest


def measured(path: Path, given: Mapping[str, Any]) -> str:
    """A row about one model."""
    theirs = ours = float("inf")
    graphnn.load_onnx(path, given)  # what is imported at the first time is not part of it
    for _ in range(10):
        start = time.process_time()
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model)
        between = time.process_time()
        net = graphnn.load_onnx(path, given)
        theirs, ours = min(theirs, between - start), min(ours, time.process_time() - between)
    names = [node.name for node in net.graph.inputs]
    rows = 64 if path.stem.startswith("ch_ppocr") else 2
    drawn = draw_inputs(net, names, rows)
    inputs = {name: x if x.dtype.kind == "i" else np.float32(x) for name, x in drawn.items()}
    session = onnxruntime.InferenceSession(path)
    sources = [each for each in session.get_inputs() if each.name not in given]
    feed = {each.name: inputs[name] for each, name in zip(sources, names, strict=True)}
    feed |= {
        each.name: np.asarray(given[each.name])
        for each in session.get_inputs()
        if each.name in given
    }
    runtime = session.run(None, feed)
    narrow = [*net.run(inputs).values()]
    wide = [*net.astype("float64").run(inputs).values()]
    pairs = ((narrow, runtime), (narrow, wide), (runtime, wide))
    found = [max(apart(a, b) for a, b in zip(*pair, strict=True)) for pair in pairs]
    differences = "".join(f"{each:12.1e}" for each in found)
    times = f"{ours:9.3f}{theirs:9.3f}{ours / theirs:8.1f}"
    return f"{path.stem:32}{len(model.graph.node):7}{differences}{times}"


def main(folder: Path) -> None:
    """Print the table."""
    print(HEADS)
    for path in sorted(folder.rglob("*.onnx")):
        if path.stem in GIVEN:
            print(measured(path, GIVEN[path.stem]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
