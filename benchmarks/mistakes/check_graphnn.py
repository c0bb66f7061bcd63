"""What graphnn reports of texts, and of what it builds of them, as `mistakes.py` asks."""

import json
import sys

import numpy as np

import graphnn
from graphnn.execution.drawn_inputs import draw_inputs


def reported(text):
    """The first error or warning, else the first example that fails."""
    faults = graphnn.diagnose_text(text)
    if faults:
        return f"{faults[0].message}; {faults[0].help}".rstrip("; ")
    broken = [
        found for each in graphnn.run_examples(graphnn.loads(text)) for found in each.diagnostics
    ]
    return broken[0].message if broken else ""


def built(text):
    """A function of an array, and the number of parameters."""
    network = graphnn.loads(text)
    output = network.graph.outputs[0]
    count = sum(each.size for each in network.parameters.values())
    return lambda x: network.run({"x": x}, outputs=[output])[output], count


def drawn(text, rows):
    """Some rows of `x`."""
    return draw_inputs(graphnn.loads(text), ["x"], rows, 0)["x"]


found = []
for text in json.load(sys.stdin):
    said, ran = reported(text), {}
    try:
        function, count = built(text)
        ran = {"shape": list(np.asarray(function(drawn(text, 4))).shape), "parameters": count}
    except graphnn.GraphnnError as error:
        ran = {"error": error.diagnostics[0].message}
    found.append({"said": said, **ran})
json.dump({"version": graphnn.__version__, "found": found}, sys.stdout)
