"""Specs drafted from tables and folders of images: sound, formatted, and able to learn."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import graphnn
from graphnn.storage.archives import read_arrays
from graphnn.training.data.sources import mnist
from tables import cases

BIRDS = """\
id,length,island,mass,note,ring,species
{}
"""


def write_birds(path: Path, rows: int = 60) -> None:
    draw = random.Random(5)
    lines = []
    for number in range(rows):
        kind = draw.choice(["Adelie", "Gentoo"])
        length = round(draw.gauss(38 if kind == "Adelie" else 48, 3), 1)
        mass = "" if number % 20 == 3 else draw.randint(3000, 6000)
        island = draw.choice(["Biscoe", "Dream"])
        lines.append(f"{number},{length},{island},{mass},seen by {number},yes,{kind}")
    path.write_text(BIRDS.format("\n".join(lines)))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_draft_of_a_table(here):
    write_birds(Path("birds.csv"))
    text = graphnn.draft("birds.csv", name="birds")
    assert (
        text
        == """\
# Predicts the class 'species' from 3 columns of birds.csv.
# Column 'id' is left out: it numbers the rows.
# Column 'note' is left out: it holds more than 30 different texts.
# Column 'ring' is left out: it holds the same in every row.
graphnn: 1
name: birds

nodes:
  x:      {op: input, shape: [batch, 4]}
  t:      {op: input, shape: [batch], dtype: int}
  filled: {op: impute, inputs: x}
  scaled: {op: standardize, inputs: filled}
  a1:     {op: affine, inputs: scaled, units: 16, weight: he}
  z1:     {op: relu, inputs: a1}
  a2:     {op: affine, inputs: z1, units: 2}
  y:      {op: softmax, inputs: a2}
  loss:   {op: cross_entropy, inputs: [y, t]}

outputs: [y]

train:
  data: {csv: {file: birds.csv, categories: [island], x: [length, island, mass], t: species}}
  validation: 0.2
  stratify: t
  early_stopping: {patience: 20}
  keep: best
  metrics: {accuracy: [y, t]}
  optimizer: {adam: {learning_rate: 0.01}}
  batch_size: 6
  epochs: 100
"""
    )
    assert graphnn.format_text(text) == text
    Path("birds.yaml").write_text(text)
    assert graphnn.diagnose("birds.yaml") == ()


def test_a_drafted_classifier_learns_what_is_there_to_learn(here):
    write_birds(Path("birds.csv"), 200)
    Path("birds.yaml").write_text(graphnn.draft("birds.csv"))
    run = graphnn.train("birds.yaml")
    # Two normal distributions, their means 10 apart with deviation 3: the best possible rule
    # errs in 4.8 %. 40 rows are held back.
    assert run.history[-1]["validation_accuracy"] > 0.85


def test_a_drafted_regression_beats_the_mean_and_keeps_the_units(here):
    rng = np.random.default_rng(2)
    size = rng.uniform(20, 200, 120)
    rooms = rng.integers(1, 6, 120)
    price = 3000 * size + 20_000 * rooms + rng.normal(0, 10_000, 120)
    lines = [f"{a:.1f},{b},{c:.0f}" for a, b, c in zip(size, rooms, price, strict=True)]
    Path("homes.csv").write_text("size,rooms,price\n" + "\n".join(lines) + "\n")
    Path("homes.yaml").write_text(graphnn.draft("homes.csv"))
    assert graphnn.diagnose("homes.yaml") == ()
    net = graphnn.load("homes.yaml")
    run = graphnn.train(net)
    # The noise alone makes 8,000 of mean absolute error; predicting the mean, 140,000.
    assert run.history[-1]["validation_mean_absolute_error"] < 25_000
    assert 250_000 < net([[100.0, 3]]).item() < 470_000  # by the formula 360,000


def test_numbers_that_are_not_class_numbers_are_categories(here):
    Path("a.csv").write_text("x,t\n" + "".join(f"{n / 7:.2f},{n % 2 + 4}\n" for n in range(30)))
    text = graphnn.draft("a.csv")
    assert "categories: [t]" in text
    Path("a.yaml").write_text(text)
    assert graphnn.diagnose("a.yaml") == ()
    net = graphnn.load("a.yaml")
    graphnn.train(net)
    assert net.classes == {"t": ("4", "5")}


def test_a_target_by_name(here):
    write_birds(Path("birds.csv"))
    text = graphnn.draft("birds.csv", target="island")
    assert text.startswith("# Predicts the class 'island' from 3 columns of birds.csv.\n")
    assert "categories: [species]" in text


def pictures(folder: Path, count: int, size: tuple[int, int], mode: str = "L") -> None:
    arrays = read_arrays(Path(mnist.__file__).parents[1] / "mnist10k.npz")
    for number in range(count):
        image = Image.fromarray(arrays["images"][number].reshape(28, 28)).convert(mode)
        kind = folder / str(arrays["labels"][number])
        kind.mkdir(parents=True, exist_ok=True)
        if mode == "RGB":
            image.putpixel((0, 0), (255, 0, 0))
        image.resize(size).save(kind / f"{number:04}.png")


@pytest.mark.parametrize(
    ("size", "mode", "shape", "data"),
    [
        ((28, 28), "L", (None, 1, 28, 28), "{folder: {path: photos}}"),
        ((100, 80), "RGB", (None, 3, 32, 32), "{folder: {path: photos, resize: crop}}"),
        ((6, 7), "L", (None, 1, 7, 6), "{folder: {path: photos}}"),
    ],
)
def test_the_draft_of_a_folder(here, size, mode, shape, data):
    pictures(Path("photos"), 40, size, mode)
    text = graphnn.draft("photos")
    assert f"  data: {data}\n" in text
    Path("net.yaml").write_text(text)
    assert graphnn.diagnose("net.yaml") == ()
    net = graphnn.load("net.yaml")
    found = net.graph.nodes["x"].shape
    assert tuple(n if isinstance(n, int) else None for n in found) == shape
    assert net.graph.nodes["y"].shape[1] == 10


@pytest.mark.slow
def test_a_drafted_network_learns_digits(here):
    pictures(Path("digits"), 1000, (28, 28))
    Path("net.yaml").write_text(graphnn.draft("digits"))
    run = graphnn.train("net.yaml")
    assert run.history[-1]["validation_accuracy"] > 0.85


def test_a_table_that_lacks_numbers_and_categories_trains(here):
    draw = random.Random(1)
    rows = [
        f"{'' if n % 9 == 0 else draw.random()},{draw.choice(['he', 'she', ''])},{n % 2}"
        for n in range(60)
    ]
    Path("a.csv").write_text("size,sex,t\n" + "\n".join(rows) + "\n")
    Path("a.yaml").write_text(graphnn.draft("a.csv"))
    missing = sum(",," in row for row in rows)
    run = graphnn.train("a.yaml", {"epochs": 1})
    assert run.remarks[0].startswith(f"{missing} of the 60 rows")


def test_a_counter_is_kept_where_it_is_all_there_is(here):
    Path("a.csv").write_text("x,y\n" + "".join(f"{n},{n * n / 7:.1f}\n" for n in range(1, 20)))
    assert "x: [x], t: y" in graphnn.draft("a.csv")


@cases(r"""
    text= | target= | message | help
    "a,b\n1,2\n3,4\n" | "c" | 'a.csv' has no column 'c' | its columns are a, b
    "a,bee\n1,2\n3,4\n" | "be" | 'a.csv' has no column 'be' | did you mean 'bee'?
    "a,b\n" | None | no row follows the header |
    "a,b\n1,2\n3,2\n" | None | column 'b' holds the same in every row, so it is not a target
        | name another one by --target COLUMN
    "a,b\n1,2\n1,4\n" | None | no column but 'b' says anything of its rows |
    "a;b\n1,5;2\n0,25;3\n" | None | '1,5' in column 'a' is not a finite number
        | write decimals with a point, as in 0.5
    "a,b\n1,2\n3\n" | None | this row has 1 cell, but the header has 2 |
""")
def test_tables_that_say_nothing(here, text, target, message, help):
    Path("a.csv").write_text(text)
    with pytest.raises(graphnn.GraphnnError) as error:
        graphnn.draft("a.csv", target=target)
    (found,) = error.value.diagnostics
    assert (found.message, found.help) == (message, help)


def test_folders_that_say_nothing(here):
    Path("one/cat").mkdir(parents=True)
    Image.new("L", (4, 4)).save("one/cat/a.png")
    with pytest.raises(graphnn.DataError, match="'one' holds one class alone, 'cat'"):
        graphnn.draft("one")
    with pytest.raises(graphnn.UsageError, match="its folders are the classes"):
        graphnn.draft("one", target="cat")


def test_data_outside_the_folder_of_the_spec(here):
    Path("specs").mkdir()
    write_birds(Path("birds.csv"))
    with pytest.raises(graphnn.FileError) as error:
        graphnn.draft("birds.csv", folder="specs")
    assert error.value.diagnostics[0].code == "file-outside"
    write_birds(Path("specs/birds.csv"))
    assert "file: birds.csv" in graphnn.draft("specs/birds.csv", folder="specs")
