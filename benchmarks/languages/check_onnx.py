"""Checks texts as `languages.py` asks: ONNX's parser, its checker and its shape inference."""

import json
import sys

import onnx
import onnx.parser
import onnx.shape_inference

found = []
for text in json.load(sys.stdin):
    try:
        model = onnx.parser.parse_model(text)
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        found.append(["", False])
    except Exception as error:
        said = " ".join(str(error).split())
        found.append([said, "line" in said and "column" in said])
json.dump({"version": onnx.__version__, "found": found}, sys.stdout)
