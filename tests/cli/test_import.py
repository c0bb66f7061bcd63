"""``graphnn import``."""

from __future__ import annotations

import pytest

pytest.importorskip("onnxruntime")


def test_a_model_comes_back(call, line):
    assert call("export", line, "-o", "net.onnx").code == 0
    result = call("import", "net.onnx", "-o", "folder")
    assert (result.code, result.out) == (0, "wrote 'folder/net.yaml'\n")
    assert result.err == "onnxruntime agrees\n"
    assert call("diff", line, "folder/net.yaml").out == "no difference\n"
    again = call("import", "net.onnx", "-o", "folder")
    assert (again.code, again.out) == (1, "")
    assert again.err == "error[file-exists]: there is a file 'folder/net.yaml' already\n"


def test_what_is_given_must_be_an_input(call, line):
    assert call("export", line, "-o", "net.onnx").code == 0
    assert call("import", "net.onnx", "-o", "folder", "--given", "y=1").usage_error == (
        "error[unknown-input]: the model has no input 'y'\n   = help: its inputs: 'x'\n"
    )
    result = call("import", "net.onnx", "-o", "folder", "--given", "y")
    assert result.code == 2
    assert "write --given NAME=VALUE" in result.err


def test_a_folder_is_not_called_like_a_file(call, line):
    assert call("export", line, "-o", "net.onnx").code == 0
    assert call("import", "net.onnx", "-o", "net.yaml").usage_error == (
        "error[bad-option]: 'net.yaml' would be a folder, which holds the spec and its weights\n"
        "   = help: name it 'net'\n"
    )


def test_no_model(call, line):
    assert call("import", line, "-o", "folder").error.startswith(
        "error[not-onnx]: 'line.yaml' cannot be read as an ONNX model: "
    )
