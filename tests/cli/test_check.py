"""``graphnn check``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

TRAIN = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 1]}
  a: {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [a, t]}
train:
  data: {npz: {file: rows.npz, x: x, t: t}}
  metrics: {mean_absolute_error: [a, t]}
"""


def rows(count: int = 4) -> None:
    np.savez("rows.npz", x=np.ones((count, 2)), t=np.ones((count, 1)))


def test_a_fine_file(call, line):
    assert call("check", line).output == "line.yaml: fine\n"


def test_several_fine_files(call, line, descent):
    assert call("check", line, descent, line).output == "2 files: fine\n"


def test_every_fault_with_its_place(call):
    Path("bad.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  y: {op: sigmod, inputs: x}\n"
    )
    Path("worse.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  u: {op: relu, inputs: x}\n"
        "outputs: [x, z]\n"
    )
    result = call("check", "bad.yaml", "worse.yaml")
    assert (result.code, result.err) == (1, "")
    assert result.out == (
        "error[unknown-op]: there is no op 'sigmod'\n"
        "  --> bad.yaml:4:11\n"
        "   |\n"
        " 4 |   y: {op: sigmod, inputs: x}\n"
        "   |           ^^^^^^\n"
        "   = help: did you mean 'sigmoid'?\n"
        "\n"
        "error[unknown-node]: there is no node 'z'\n"
        "  --> worse.yaml:5:14\n"
        "   |\n"
        " 5 | outputs: [x, z]\n"
        "   |              ^\n"
        "\n"
        "2 files, 2 errors  (graphnn explain CODE)\n"
    )


def test_a_warning_is_reported_and_forgiven(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  u: {op: relu, inputs: x}\n"
        "  y: {op: tanh, inputs: x}\noutputs: y\n"
    )
    assert call("check", "net.yaml").output == (
        "warning[unread-node]: nothing reads 'u', and it is not listed under 'outputs'\n"
        "  --> net.yaml:4:3\n"
        "   |\n"
        " 4 |   u: {op: relu, inputs: x}\n"
        "   |   ^\n"
        "   = help: leave it out, or list it under 'outputs'\n"
        "\n"
        "net.yaml: 1 warning  (graphnn explain unread-node)\n"
    )


def test_json_is_a_list_of_diagnostics_and_nothing_else(call, line):
    result = call("check", line, "--format", "json")
    assert (result.code, json.loads(result.out), result.err) == (0, [], "")
    Path("bad.yaml").write_text("graphnn: 1\nnodes:\n  y: {op: nosuch}\n")
    result = call("check", line, "bad.yaml", "missing.yaml", "--format", "json")
    assert (result.code, result.err) == (1, "")
    first, second = json.loads(result.out)
    assert first == {
        "code": "unknown-op",
        "severity": "error",
        "message": "there is no op 'nosuch'",
        "file": "bad.yaml",
        "line": 3,
        "column": 11,
        "end_line": 3,
        "end_column": 17,
        "label": "",
        "notes": [],
        "help": "'graphnn ops' lists them all",
        "url": "https://graphnn.readthedocs.io/page/errors/unknown-op.html",
    }
    assert (second["code"], second["file"]) == ("no-such-file", None)


def test_a_folder_stands_for_the_specs_in_it(call, line, here):
    inner = here / "specs" / "deeper"
    inner.mkdir(parents=True)
    text = Path(line).read_text()
    for name in ("specs/a.yaml", "specs/deeper/b.YML", "specs/.hidden.yaml", "specs/note.txt"):
        Path(name).write_text(text)
    Path("specs/deeper/c.json").write_text('{"graphnn": 1, "nodes": {"x": {"op": "nosuch"}}}')
    Path("specs/other.json").write_text('{"version": 3}')
    run = here / "specs" / "run"
    run.mkdir()
    (run / "checkpoint.safetensors").touch()
    (run / "spec.yaml").write_text("nodes: 3")
    result = call("check", "specs")
    assert result.code == 1
    assert result.out.startswith("error[unknown-op]: there is no op 'nosuch'\n")
    assert result.out.endswith("3 files, 1 error  (graphnn explain unknown-op)\n")
    # Named, it is checked whatever is in it.
    assert call("check", "specs/other.json").code == 1


def test_a_file_in_a_folder_that_cannot_be_read_is_reported(call, here):
    (here / "specs").mkdir()
    Path("specs/list.json").write_text("[1]")
    result = call("check", "specs")
    assert result.code == 1
    assert "--> specs/list.json:1:1" in result.out


def test_an_empty_folder(call, here):
    (here / "specs").mkdir()
    message = "error[no-such-file]: there is no .yaml, .yml or .json file in 'specs'\n"
    result = call("check", "specs")
    assert (result.code, result.out) == (
        1,
        f"{message}\n0 files, 1 error  (graphnn explain no-such-file)\n",
    )
    assert json.loads(call("check", "specs", "--format", "json").out)[0]["code"] == "no-such-file"


def test_training_that_would_work(call):
    rows()
    Path("net.yaml").write_text(TRAIN)
    assert call("check", "net.yaml").out == "net.yaml: fine\n"


def test_data_that_are_elsewhere_are_a_warning(call):
    Path("net.yaml").write_text(TRAIN)
    result = call("check", "net.yaml")
    assert result.code == 0
    assert result.out.startswith("warning[no-such-file]: there is no file ")
    assert "rows.npz'\n  --> net.yaml:8:22\n" in result.out
    assert result.out.endswith("\nnet.yaml: 1 warning  (graphnn explain no-such-file)\n")


def test_data_that_do_not_fit(call):
    np.savez("rows.npz", x=np.ones((4, 3)), t=np.ones((4, 1)))
    Path("net.yaml").write_text(TRAIN)
    result = call("check", "net.yaml")
    assert result.code == 1
    assert result.out.startswith(
        "error[wrong-width]: 'x' needs 2 values a row, but 'x' has 3\n  --> net.yaml:8:35\n"
    )


def test_all_faults_of_training_at_once(call):
    rows()
    Path("net.yaml").write_text(
        TRAIN.replace("mean_absolute_error: [a, t]", "acuracy: [a, t], accuracy: a")
        + "  optimizer: {sgd: {rate: 1}}\n  validation: 9\n"
    )
    result = call("check", "net.yaml")
    assert result.code == 1
    assert re.findall(r"^error\[(.*)\]|^ *--> (.*)", result.out, re.MULTILINE) == [
        ("unknown-metric", ""),
        ("", "net.yaml:9:13"),
        ("wrong-inputs", ""),
        ("", "net.yaml:9:30"),
        ("bad-optimizer", ""),
        ("", "net.yaml:10:21"),
        ("bad-split", ""),
        ("", "net.yaml:11:15"),
    ]
    assert (
        "error[wrong-inputs]: accuracy reads 2 nodes, but is given 1\n"
        "  --> net.yaml:9:30\n"
        "   |\n"
        " 9 |   metrics: {acuracy: [a, t], accuracy: a}\n"
        "   |                              ^^^^^^^^\n"
        "   = help: write accuracy: [PREDICTION, TARGET]\n"
    ) in result.out
    assert result.out.endswith("\nnet.yaml: 4 errors  (graphnn explain CODE)\n")


def test_training_without_a_loss_or_a_parameter(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  y: {op: relu, inputs: x}\n"
        "train: {epochs: 3}\n"
    )
    result = call("check", "net.yaml")
    assert result.code == 1
    assert result.out == (
        "error[nothing-to-train]: the network has no parameter to train\n"
        "  --> net.yaml:5:1\n"
        "   |\n"
        " 5 | train: {epochs: 3}\n"
        "   | ^^^^^\n"
        "\n"
        "error[no-loss]: the network has no loss\n"
        "  --> net.yaml:5:1\n"
        "   |\n"
        " 5 | train: {epochs: 3}\n"
        "   | ^^^^^\n"
        "   = help: add a loss op, or name a node: 'train: {loss: NODE}' or loss=...\n"
        "\n"
        "net.yaml: 2 errors  (graphnn explain CODE)\n"
    )


def test_arrays_of_examples(call, line):
    text = Path(line).read_text().replace("[[1, 2], [3, 4]]", "[[1, 2, 3]]")
    Path("net.yaml").write_text(text)
    result = call("check", "net.yaml")
    assert result.code == 1
    assert result.out == (
        "error[wrong-shape]: 'x' is given in shape [1, 3], but it has [batch, 2]\n"
        "   --> net.yaml:12:17\n"
        "    |\n"
        " 12 |     inputs: {x: [[1, 2, 3]]}\n"
        "    |                 ^^^^^^^^^^^\n"
        "\n"
        "net.yaml: 1 error  (graphnn explain wrong-shape)\n"
    )


BAD = "graphnn: 1\nnodes:\n  y: {op: nosuch}\n"
UNREAD = (
    "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  u: {op: relu, inputs: x}\n"
    "  y: {op: tanh, inputs: x}\noutputs: y\n"
)


def test_short_lines(call):
    Path("bad.yaml").write_text(BAD)
    result = call("check", "bad.yaml", "--format", "short")
    assert (result.code, result.err) == (1, "")
    assert result.out == "bad.yaml:3:11: error[unknown-op]: there is no op 'nosuch'\n"


def test_workflow_commands(call):
    Path("bad.yaml").write_text(BAD)
    result = call("check", "bad.yaml", "--format", "github")
    assert (result.code, result.err) == (1, "")
    assert result.out == (
        "::error file=bad.yaml,line=3,endLine=3,col=11,endColumn=17,title=unknown-op::"
        "there is no op 'nosuch'%0Ahelp: 'graphnn ops' lists them all\n"
    )


def test_sarif(call, line):
    Path("bad.yaml").write_text(BAD)
    result = call("check", "bad.yaml", line, "--format", "sarif")
    assert (result.code, result.err) == (1, "")
    (found,) = json.loads(result.out)["runs"][0]["results"]
    assert found["ruleId"] == "unknown-op"
    result = call("check", line, "--format", "sarif")
    assert (result.code, json.loads(result.out)["runs"][0]["results"]) == (0, [])


def test_no_other_format(call, line):
    assert (
        "'xml' is not one of 'text', 'short', 'json', 'sarif', 'github'"
        in call("check", line, "--format", "xml").usage_error
    )


def test_strict_lets_no_warning_pass(call, line):
    Path("net.yaml").write_text(UNREAD)
    assert call("check", "net.yaml", line).code == 0
    result = call("check", "net.yaml", line, "--strict")
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith("warning[unread-node]: nothing reads 'u'")
    assert result.out.endswith("\n2 files, 1 warning  (graphnn explain unread-node)\n")
    assert call("check", line, "--strict").code == 0


def test_faults_of_training_are_reported_beside_those_of_the_network(call):
    rows()
    Path("net.yaml").write_text(
        TRAIN.replace("op: affine", "op: afine")
        + "  optimizer: {sgdd: {}}\n  early_stopping: {patience: 2}\n"
    )
    result = call("check", "net.yaml", "--format", "short")
    assert result.code == 1
    assert re.findall(r"net.yaml:(\d+):\d+: (.*)\n", result.out) == [
        ("5", "error[unknown-op]: there is no op 'afine'"),
        ("10", "error[unknown-optimizer]: there is no optimizer 'sgdd'"),
        (
            "11",
            "error[not-measured]: 'early_stopping' watches 'validation_loss', "
            "which is not measured",
        ),
    ]


def test_a_warm_up_that_takes_all_epochs_is_warned_of(call, here):
    np.savez("rows.npz", x=np.zeros((4, 2)), t=np.zeros((4, 1)))
    Path("net.yaml").write_text(TRAIN)
    assert call("check", "net.yaml", "--set", "schedule={step: {every: 1, warm_up: 9.9}}").code == 0
    wrong = call("check", "net.yaml", "--set", "schedule={constant: {warm_up: 10}}", "--strict")
    assert wrong.out == (
        "warning[long-warm-up]: the warm-up takes 10 epochs, and the training has 10\n"
        "  --> --set:1:32\n"
        "   |\n"
        " 1 | schedule: {constant: {warm_up: 10}}\n"
        "   |                                ^^\n"
        "   = help: the learning rate is reached where it ends: a few epochs are enough\n"
        "\n"
        "net.yaml: 1 warning  (graphnn explain long-warm-up)\n"
    )


def test_a_batch_of_a_single_row_is_reported(call, here):
    np.savez("rows.npz", x=np.zeros((101, 2)), t=np.arange(101) % 3)
    Path("net.yaml").write_text(
        "graphnn: 1\n"
        "nodes:\n"
        "  x: {op: input, shape: [batch, 2]}\n"
        "  t: {op: input, shape: [batch], dtype: int}\n"
        "  n: {op: batch_norm, inputs: x}\n"
        "  a: {op: affine, inputs: n, units: 3}\n"
        "  y: {op: softmax, inputs: a}\n"
        "  loss: {op: cross_entropy, inputs: [y, t]}\n"
        "train: {data: {npz: rows.npz}, batch_size: 10}\n"
    )
    result = call("check", "net.yaml")
    assert result.code == 1
    assert result.out == (
        "error[too-few-rows]: of 101 rows in batches of 10, the last batch has 1, but 'n' "
        "(batch_norm) needs 2\n"
        "  --> net.yaml:9:44\n"
        "   |\n"
        " 9 | train: {data: {npz: rows.npz}, batch_size: 10}\n"
        "   |                                            ^^\n"
        "   = help: choose a batch_size that leaves no such batch, such as 11\n"
        "\n"
        "net.yaml: 1 error  (graphnn explain too-few-rows)\n"
    )
    assert call("train", "net.yaml").err == result.out.rpartition("\n\n")[0] + "\n"
    assert not Path("runs").exists()


def test_a_link_out_of_a_folder_stops_no_other_file(call, here):
    good = "graphnn: 1\nnodes:\n  x: {op: input, shape: [2]}\n  y: {op: relu, inputs: x}\n"
    Path("secret.yaml").write_text(good)
    Path("fo").mkdir()
    Path("fo/a.yaml").symlink_to("../secret.yaml")
    Path("fo/b.yaml").write_text(good.replace("relu", "rleu"))
    shown = (
        "error[file-outside]: 'fo/a.yaml' is a link that leads out of the folder 'fo'\n"
        "   = help: name the file that is meant itself\n"
    )
    result = call("check", "fo")
    assert result.code == 1
    assert result.out == (
        f"{shown}\n"
        "error[unknown-op]: there is no op 'rleu'\n"
        "  --> fo/b.yaml:4:11\n"
        "   |\n"
        " 4 |   y: {op: rleu, inputs: x}\n"
        "   |           ^^^^\n"
        "   = help: did you mean 'relu'?\n"
        "\n"
        "2 files, 2 errors  (graphnn explain CODE)\n"
    )
    result = call("fmt", "fo")
    assert (result.code, result.out) == (1, "wrote 'fo/b.yaml'\n")
    assert result.err == f"{shown}\n1 file formatted\n"
    result = call("test", "fo")
    assert result.code == 1
    assert result.out.startswith(f"ERROR   fo/a.yaml\n{shown}ERROR   fo/b.yaml\n")
    assert Path("secret.yaml").read_text() == good


def test_a_format_that_is_misspelt(call, line):
    assert call("check", line, "--format", "jsn").usage_error == (
        "error[usage]: '--format': 'jsn' is not one of 'text', 'short', 'json', 'sarif', 'github'\n"
        "   = help: did you mean 'json'?\n"
    )
