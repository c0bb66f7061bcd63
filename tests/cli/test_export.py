"""``graphnn export``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_a_suffix_that_says_nothing(call, line):
    assert call("export", line, "-o", "line.txt").usage_error == (
        "error[unknown-format]: 'line.txt' has no suffix that says what to write\n"
        "   = help: end its name in .onnx, .py\n"
    )


def test_a_model(call, line):
    pytest.importorskip("onnxruntime")
    result = call("export", line, "-o", "line.onnx", "--opset", "20", "--outputs", "a,loss")
    assert (result.code, result.out) == (0, "wrote 'line.onnx'\n")
    assert result.err == "opset 20; onnxruntime agrees with every node\n"
    assert [path.name for path in sorted(Path().iterdir())] == ["line.onnx", "line.yaml"]


def test_an_opset_that_is_too_old(call, line):
    pytest.importorskip("onnx")
    assert re.fullmatch(
        r"error\[bad-option\]: opset 3 cannot be written\n   = help: it is 18 to \d+\n",
        call("export", line, "-o", "line.onnx", "--opset", "3").usage_error,
    )


@pytest.mark.parametrize("style", ["numpy", "torch"])
def test_code_and_its_weights(call, line, style):
    assert (
        call("export", line, "-o", "net.py", "--style", style).output
        == "wrote 'net.py'\nwrote 'net.npz'\n"
    )
    assert "def load_weights(" in Path("net.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["net.py"], "'net.py' is code, but no style is given\n   = help: say which: numpy or "),
        (["net.onnx", "--style", "torch"], "an ONNX model has no style\n   = help: leave it out"),
        (
            ["net.py", "--style", "numpy", "--opset", "21"],
            "code has no opset\n   = help: leave it out",
        ),
        (
            ["net.py", "--style", "torch", "--dtype", "float32"],
            "code has no dtype\n   = help: leave",
        ),
        (["net.py", "--style", "keras"], "'keras' is not one of 'numpy', 'torch'"),
    ],
)
def test_options_that_are_missing_or_too_much(call, line, arguments, said):
    assert said in call("export", line, "-o", *arguments).usage_error
    assert not Path("net.py").exists()


def test_the_names_of_torch_modules_are_known():
    nn = pytest.importorskip("torch.nn")
    from graphnn.interchange.code.torch_code import _OF_MODULES

    public = {name for name in dir(nn.Module()) if not name.startswith("_")}
    assert public - {*_OF_MODULES.split()} == set()
