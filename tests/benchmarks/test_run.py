"""The benchmarks run, and print a table; how fast anything is, is not asked here."""

from __future__ import annotations

import gzip
import importlib
import itertools
import re
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmark_runs import numbers, printed
from once import once
from places import ROOT
from planted_faults import PLANTS, RARE

pytestmark = pytest.mark.slow


def without(names: list[str], folder: Path) -> Path:
    """A folder whose modules say, in the place of those of `names`, that they are not there."""
    for name in names:
        (folder / f"{name}.py").write_text(f"raise ImportError('no {name} here')\n")
    return folder


def test_the_readme_lists_every_script():
    readme = (ROOT / "benchmarks" / "README.md").read_text()
    scripts = [
        path for path in (ROOT / "benchmarks").glob("[!_]*.py") if "\ndef main" in path.read_text()
    ]
    assert len(scripts) > 30
    assert [path.name for path in scripts if f"| `{path.name}` |" not in readme] == []


def test_forward_and_backward():
    lines = printed("forward_backward.py").splitlines()
    assert any(line.startswith("blas: ") for line in lines)
    for name in ("forward", "+backward"):
        rows = [numbers(line) for line in lines if name in line.split()]
        assert [row[0] for row in rows] == [1, 3, 1, 3]  # batches, in float64 and in float32
        for _, numpy, graphnn, ratio, least, products, bound in rows:
            assert min(numpy, graphnn, ratio, least, products, bound) > 0


def test_scaling():
    lines = printed("scaling.py").splitlines()
    assert lines[0] == "recursion limit 150"
    assert [line.split()[0] for line in lines if "load" in line] == ["chain", "random"]
    counts = [numbers(line)[0] for line in lines if line.endswith("MiB")]
    assert counts == [300, 600, 300, 600]  # more nodes than the recursion limit
    slopes = [numbers(line) for line in lines if line.startswith("slope")]
    assert [len(row) for row in slopes] == [4, 4]


def test_editing():
    lines = printed("editing.py").splitlines()
    assert [line.split("100")[0].strip() for line in lines] == ["chain", "random graph", "dense"]
    assert all(re.search(r"-?\d+\.\d{3} s, -?\d+\.\d{3} s at most$", line) for line in lines)


def test_drawing():
    lines = printed("drawing.py").splitlines()
    assert len(lines) == 6
    for line in lines[1:]:
        check, draw, more = numbers(line[34:])[:3]
        assert check > 0
        # On a busy machine the difference may be negative, and `numbers` leaves signs out.
        assert abs(draw - check) == pytest.approx(more, abs=0.02)


def test_drawing_the_same_bytes():
    lines = printed("drawing.py", options=["--bytes"]).splitlines()
    assert len(lines) == 14
    assert all(line.endswith("same in 3 processes") for line in lines)


@pytest.mark.parametrize("missing", [["torch"], []], ids=["alone", "with torch"])
def test_published_networks(missing, tmp_path):
    there = not missing and find_spec("torch") is not None
    lines = printed("networks.py", without(missing, tmp_path)).splitlines()
    assert ("torch is not installed: its columns are left out" in lines) is not there
    rows = [line.strip("| ").split(" | ") for line in lines if " MB |" in line]
    assert [row[0] for row in rows] == ["vae", "cifar10_full", "gcn", "dueling"]
    for row in rows:
        assert row[1] == row[2]  # parameters, and as many as published
        assert row[4] == "2"
        assert all(float(cell.split()[0].replace(",", "")) >= 0 for cell in row[5:9])
        assert row[13:] == (["+0"] if there else [])


def test_draws():
    lines = printed("draws.py").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["a network", "a case of an op"]
    for line in lines:
        assert min(numbers(line.partition(":")[2].replace("874b066", ""))) > 0


def test_plants():
    header, _, *rows = printed("plants.py").splitlines()
    assert header.startswith("| fault | draws |")
    assert len(rows) == len({**PLANTS, **RARE})
    for row in rows:
        draws, shown, least, missed = numbers(row.rpartition("` ")[2].partition("|")[2])
        assert 0 <= shown <= draws == 30
        assert (1 - least / 100) ** 300 <= missed / 100 + 0.02


def test_convolution_methods():
    titles = [f"c{number}, " for number in range(2, 7)]
    head, *layers = printed("convolution_methods.py").split("\n\n")
    assert "multiply-adds a nanosecond" in head
    assert [layer[:4] for layer in layers] == titles
    for layer in layers:
        rows = [re.split(r" {2,}", line.strip()) for line in layer.splitlines()[1:]]
        names = [row[0] for row in rows if row[0] != "compiled"]
        winograd = ["F(2, 3)", "F(4, 3)", "F(2x2, 3x3)", "F(4x4, 3x3)"]
        assert names == ["unfolded", *winograd, "shifted"]
        assert all(float(row[-1]) < 1e-4 for row in rows)  # off float64


def test_startup():
    lines = printed("startup.py").splitlines()
    for name in ("import graphnn", "graphnn.load", "completion", "graphnn check and.yaml"):
        (row,) = [line for line in lines if line.startswith(f"{name}  ")]
        passed, processor, ratio = numbers(row.removeprefix(name))
        assert min(passed, processor, ratio) > 0
        start = lines.index(next(line for line in lines if line.startswith(f"{name}: ")))
        packages = list(itertools.takewhile(bool, lines[start + 1 :]))
        assert "graphnn" in [line.split()[0] for line in packages]


def test_reader():
    lines = printed("reader.py").splitlines()
    assert any(line.startswith("100 nodes of five keys, ") for line in lines)
    for name in ("yaml.compose", "graphnn", "ratio"):
        (row,) = [line for line in lines if line.startswith(name)]
        assert numbers(row)[0] > 0


def tables(lines: list[str]) -> list[tuple[str, dict[str, list[float]]]]:
    """Titles and rows of the tables that compare graphnn with others."""
    found: list[tuple[str, dict[str, list[float]]]] = []
    for line in lines:
        if line.endswith("ratio"):
            found.append((re.split(r"\s{2,}", line)[0], {}))
        elif found and line:
            name, *rest = line.split()
            median, least, *ratio = numbers(" ".join(rest))
            assert median >= least > 0
            assert len(ratio) == (name != "graphnn")
            found[-1][1][name] = [median, least, *ratio]
    return found


TRAINED = ["784-50-10 sigmoid, batch 3", "784-8-8-10 relu, batch 3", "specs/cnn.yaml, batch 3"]


@pytest.mark.parametrize("missing", [["torch", "jax"], []], ids=["alone", "with rivals"])
def test_training(missing, tmp_path):
    there = [name for name in ("torch", "jax") if name not in missing and find_spec(name)]
    lines = printed("training.py", without(missing, tmp_path)).splitlines()
    assert [line for line in lines if line.endswith("left out")] == [
        f"{name} is not installed: its rows are left out"
        for name in ("torch", "jax")
        if name not in there
    ]
    found = tables(lines)
    assert [title for title, _ in found] == TRAINED
    for _, rows in found:
        assert list(rows) == ["graphnn", "NumPy", *there, "products"]


@pytest.mark.parametrize("missing", [["torch", "onnx"], []], ids=["alone", "with rivals"])
def test_forward(missing, tmp_path):
    needs = {"onnxruntime": ["onnxruntime", "onnx"], "torch": ["torch"]}
    lacking = {
        name: [module for module in modules if module in missing or not find_spec(module)]
        for name, modules in needs.items()
    }
    lines = printed("forward.py", without(missing, tmp_path)).splitlines()
    assert [line for line in lines if line.endswith("left out")] == [
        f"{modules[0]} is not installed: {name}'s rows are left out"
        for name, modules in lacking.items()
        if modules
    ]
    found = tables(lines)
    dense = "784-50-100-10 sigmoid, batch "
    assert [title for title, _ in found] == [
        dense + "1",
        dense + "3",
        "specs/cnn_deep.yaml, batch 2",
    ]
    for _, rows in found:
        there = [name for name, modules in lacking.items() if not modules]
        assert list(rows) == ["graphnn", *there, "products"]


def test_forward_refuses_to_time_what_differs(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    forward = importlib.import_module("forward")
    right = torch.softmax
    monkeypatch.setattr(torch, "softmax", lambda x, axis: right(1.001 * x, axis))
    with pytest.raises(AssertionError, match="torch"):
        forward.Bench(forward.QUICK[1], {"torch": torch}, 1)


def test_training_refuses_to_time_what_differs(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    by_hand = importlib.import_module("by_hand")
    training = importlib.import_module("training")
    right = by_hand.NumpyChain._back

    def wrong(self, layer, *arguments, **keywords):
        return right(self, layer, *arguments, **keywords) * (1.01 if layer.kind == "relu" else 1)

    monkeypatch.setattr(by_hand.NumpyChain, "_back", wrong)
    with pytest.raises(AssertionError, match="NumPy"):
        training.Bench(training.QUICK[1], {}, "float64")


def test_augment():
    rows = [numbers(line) for line in printed("augment.py").splitlines()[3:]]
    assert len(rows) == 6
    times, shares = ([row[at] for row in rows] for at in (-2, -1))
    assert min(times) > 0
    assert shares[-1] == 1.0
    assert shares == pytest.approx([time / times[-1] for time in times], rel=0.2, abs=0.002)


def idx(folder, name, array):
    """An IDX file of bytes, as MNIST and Fashion-MNIST are published."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    (folder / name).write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def test_fashion_mnist(tmp_path):
    rng = np.random.default_rng(0)
    for part, rows in (("train", 300), ("t10k", 50)):
        images, labels = rng.integers(0, 256, (rows, 28, 28)), rng.integers(0, 10, rows)
        idx(tmp_path, f"{part}-images-idx3-ubyte.gz", images)
        idx(tmp_path, f"{part}-labels-idx1-ubyte.gz", labels)
    lines = printed("fashion_mnist.py", options=["--folder", str(tmp_path)]).splitlines()
    assert lines[-1].endswith(" s")
    accuracy, rows, goal, _ = numbers(lines[-1])
    assert (rows, goal) == (50, 0.89)
    assert round(accuracy * 50) == pytest.approx(accuracy * 50, abs=1e-6)
    chosen = printed("fashion_mnist.py", options=["--folder", str(tmp_path), "--choose"])
    assert len([numbers(line) for line in chosen.splitlines()[3:]]) == 3


def test_fashion_mnist_that_is_not_installed(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "fashion_mnist.py")]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path / "no")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout == (
        f"there is no folder '{tmp_path / 'no'}': apt-get install dataset-fashion-mnist\n"
    )


def test_choice_of_settings():
    lines = printed("cnn_choice.py").splitlines()
    heads = [at for at, line in enumerate(lines) if line.endswith("seconds")]
    assert [lines[at].split()[0] for at in heads] == ["cnn", "cnn_deep"]
    assert (heads[1] - heads[0] - 1, len(lines) - heads[1] - 1) == (7, 7)
    rows = [numbers(line)[-3:] for line in lines[heads[0] :] if not line.endswith("seconds")]
    for loss, accuracy, _ in rows:
        assert loss > 0
        assert 0 <= accuracy <= 1


def test_error_estimates():
    lines = printed("error_estimates.py").splitlines()
    assert lines[0] == "3 networks"
    rows = [numbers(line.split("  ", 1)[1]) for line in lines[2:]]
    assert len(rows) == 8
    for entries, outside, held, median, ninth in rows:
        assert held == pytest.approx(100 * (1 - outside / entries), abs=1e-3)
        assert 0 < median <= ninth


@pytest.fixture(scope="module")
def languages(tmp_path_factory):
    """What the comparison of languages prints, line by line."""

    def write(folder):
        (folder / "printed").write_text(printed("languages.py"), encoding="utf-8")

    path = once(tmp_path_factory, "languages", write) / "printed"
    return path.read_text(encoding="utf-8").splitlines()


def test_languages(languages):
    pytest.importorskip("onnx")
    lines = languages
    assert [line for line in lines if line.endswith(": not run")] == [
        f"{name}: not run" for name in ("keras", "caffe", "ludwig")
    ]
    rows = {line.split()[1]: line for line in lines if line.startswith("| ") and " / " in line}
    assert numbers(rows["graphnn"])[0] < numbers(rows["onnx"])[0] < numbers(rows["caffe"])[0]
    shown = [line for line in lines if line.startswith("| graphnn |") and " / " not in line]
    assert len(shown) == 6
    assert all("(with its place)" in line for line in shown)


def test_the_page_of_languages_shows_what_graphnn_reports_and_how_long_the_others_are(languages):
    page = (ROOT / "docs" / "files" / "languages.md").read_text()
    lines = [
        line for line in languages if line.startswith("| graphnn |") or re.search(r"\d / \d", line)
    ]
    names = {line.split()[1] for line in lines}
    assert names >= {"graphnn", "onnx", "caffe", "ludwig"}
    assert [line for line in lines if line not in page] == []


def test_the_page_of_languages_shows_every_mistake_in_every_language():
    page = (ROOT / "docs" / "files" / "languages.md").read_text()
    for mistake in page.split("| what is reported |")[1:]:
        rows = [line.split()[1] for line in mistake.splitlines() if line.startswith("| ")]
        assert rows[:5] == ["graphnn", "keras", "onnx", "caffe", "ludwig"]


def test_the_page_of_languages_shows_how_long_published_networks_are():
    page = (ROOT / "docs" / "files" / "languages.md").read_text()
    lines = printed("networks.py", options=["--lengths"]).splitlines()
    assert len(lines) == 2 + 18 + 1
    assert [line for line in lines if line not in page] == []


def test_the_page_of_languages_shows_fifteen_mistakes():
    page = (ROOT / "docs" / "files" / "languages.md").read_text()
    lines = printed("mistakes.py").splitlines()
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert len(rows) == 15
    for row in rows:  # the first two columns; the others are of programs that are not installed
        assert row.removesuffix("|") in page
    assert lines[-1] == "graphnn: 0 crash and 1 are another network, unreported"
    assert f"- {lines[-1]}" in page


@pytest.mark.parametrize("language", ["graphnn", "mlnode", "n-orca"])
def test_each_language_has_every_mistake(language, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    mistakes = importlib.import_module("mistakes")
    texts = [mistakes.made(language, each) for each in mistakes.MISTAKES]
    assert sum(text is None for text in texts) == (4 if language == "graphnn" else 0)
    written = [text for text in texts if text is not None]
    assert len(set(written)) == len(written)


def test_the_page_of_other_tools_shows_what_newcomers_write():
    pytest.importorskip("sklearn")
    page = (ROOT / "docs" / "how-to" / "others.md").read_text()
    rows = [line for line in printed("newcomer.py").splitlines() if line.startswith("| ")]
    assert len(rows) == 6
    assert rows[-1].count("; not run") == 2  # of others; graphnn's own is run
    for row in rows[1:]:
        for size in re.findall(r"\| ([^|]*?); ", row):
            assert f"| {size}; " in page, row


@pytest.mark.parametrize("language", ["graphnn", "onnx", "caffe", "ludwig"])
def test_languages_make_every_mistake(language, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    languages = importlib.import_module("languages")
    text = languages.texts(language, None)[languages.MISTAKEN.get(language, "residual")]
    made = languages.mistakes(language, text)
    assert len({text, *made}) == 1 + len(languages.MISTAKES)
    if language == "ludwig":  # whose mistakes are none of YAML
        assert all(isinstance(yaml.safe_load(changed), dict) for changed in made)


def test_numerical_cost():
    lines = printed("numerical_cost.py").splitlines()
    rows = [numbers(line) for line in lines if line.startswith("     ")]
    # Weights and biases of 784-50-10, of 784-10-10 and of 784-50-50-10, by hand.
    assert [row[:4] for row in rows] == [
        [10, 50, 1, 39760],
        [100, 50, 1, 39760],
        [100, 10, 1, 7960],
        [100, 50, 1, 39760],
        [100, 50, 1, 39760],
        [100, 50, 2, 42310],
    ]
    assert all(min(row[4:]) > 0 for row in rows)
    assert sum("1,000 workers: at most" in line for line in lines) == 2  # networks


def test_workers():
    lines = printed("workers.py").splitlines()
    gains = [numbers(line.split("gain")[1])[0] for line in lines if "  gain " in line]
    assert len(gains) in (10, 12)  # two networks; Dask may not be installed
    assert min(gains) > 0
    most = [numbers(line.split("at most")[1])[0] for line in lines if "at most" in line]
    assert most[:3] == sorted(most[:3])
    assert 1 < most[0] < 2


def test_fuzzing_the_reader():
    (line,) = printed("fuzz_reader.py").splitlines()
    assert numbers(line)[0] >= 200
    assert line.endswith(" texts, none read wrongly")


def test_fuzzing_sees_a_wrong_reading(tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import fuzz_reader\n"
        "from graphnn.spec.reading import scalars\n"
        "scalars._WORDS['no'] = False\n"
        "fuzz_reader.take(b'ya: {b: no}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "benchmarks")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "WrongError: read as {'a': {'b': False}}, by others as {'a': {'b': 'no'}}" in done.stderr


def test_foreign_gradients():
    rows = [
        line.split(" | ") for line in printed("foreign_gradients.py").splitlines() if "| " in line
    ]
    assert [row[0] for row in rows[:3]] == [
        "| tool",
        "| graphnn, the network as a spec",
        "| graphnn.check_function",
    ]
    assert [row[2:] for row in rows[1:3]] == [["yes", "yes |"]] * 2
    assert len(rows) == 9


def test_foreign_gradients_without_what_users_need_not_have(tmp_path):
    lines = printed("foreign_gradients.py", without(["torch", "jax"], tmp_path))
    assert "| torch gradcheck | not installed: no torch here |" in lines


def test_mutation():
    command = [sys.executable, str(ROOT / "benchmarks" / "mutation.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert re.search(r"^all: [123] of 3 faults found: ", done.stdout, re.M)
    # In the process itself, and not by a slow import of everything for each fault.
    assert re.search(r"^ +\d tests/ops/test_declaration\.py::", done.stdout, re.M)
    assert done.stderr == ""


def test_thorough():
    (line,) = printed(
        "thorough.py", options=[str(ROOT / "tests" / "ops" / "test_laws.py")]
    ).splitlines()
    assert re.match(r"test_laws\.py: \d+(/\d+)? tests collected", line)


def test_node_tests_of_onnx():
    pytest.importorskip("onnx")
    lines = printed("onnx_nodes.py").splitlines()
    name, passed, refused, failed = lines[-1].split()
    assert (name, failed) == ("total", "0")
    assert int(passed) > 50
    assert int(passed) + int(refused) > 200


def test_all_comparisons_at_once(tmp_path):
    lines = printed("__main__.py", options=["--only", "text", "--output", str(tmp_path / "t.md")])
    text = (tmp_path / "t.md").read_text("utf-8")
    machine, table = text.removeprefix("```text\n").split("\n```\n\n")
    assert lines.startswith(f"{machine}\n\n")
    header, rules, *rows = table.splitlines()
    assert header == "|  | against | graphnn | other | ratio |"
    assert rules == "| --- | --- | ---: | ---: | ---: |"
    whats = [row.split(" | ")[:2] for row in rows]
    assert whats == [
        ["| reading 100 nodes", "yaml.compose"],
        ["| load, check and schedule, 1,000 nodes", "10 times 100"],
    ]
    for row in rows:
        ours, theirs, ratio = [numbers(cell)[0] for cell in row.split(" | ")[2:]]
        assert min(ours, theirs, ratio) > 0
