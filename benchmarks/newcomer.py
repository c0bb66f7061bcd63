"""What newcomers do first, in graphnn, scikit-learn and Keras: commands, lines written, accuracy.

The texts lie in ``newcomer/`` and are run in a folder with their data: a table and photographs,
which are made here, and the digits that graphnn ships. Keras runs where ``--keras FOLDER`` names a
folder that ``pip install --target FOLDER keras grain`` filled, on torch.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent / "newcomer"
DIGITS = HERE.parents[1] / "graphnn" / "training" / "data" / "mnist10k.npz"
TASKS = {
    "table": "a table, from .csv to a .csv of the classes of new rows",
    "photographs": "photographs of mixed sizes, from folders to a .csv of the classes of new ones",
    "gradients": "two layers on digits, and every entry of the gradient checked",
    "confusion": "two layers on digits, and the confusion matrix",
    "pipeline": "a network in a pipeline, with cross-validation",
}
TOOLS = ("graphnn", "sklearn", "keras")
QUICK = "pipeline.graphnn.py"
SPEC = "book.yaml"  # of the tasks that draft none


def make_data(folder: Path) -> None:
    """A table of irises, and photographs of upright and level stripes; some of each are new."""
    from sklearn.datasets import load_iris

    found = load_iris()
    header = ",".join([*found.feature_names, "species"])
    pairs = zip(found.data, found.target_names[found.target], strict=True)
    lines = [",".join([*map(str, row), species]) for row, species in pairs]
    for name, some in (("iris.csv", lines), ("new.csv", lines[::10])):
        (folder / name).write_text("\n".join([header, *some]) + "\n")
    rng = np.random.default_rng(0)
    for number in range(90):
        name = ("fence", "stairs")[number % 2]
        place = folder / "photos" / name if number < 80 else folder / "new"
        place.mkdir(parents=True, exist_ok=True)
        height, width = rng.integers(60, 120, size=2)
        along = np.arange(width) if name == "fence" else np.arange(height)[:, None]
        stripes = np.sin(along / rng.uniform(3, 5))[..., None] * rng.uniform(30, 60, size=3)
        light = rng.uniform(80, 170, size=3) + rng.normal(0, 20, size=(height, width, 3))
        pixels = np.clip(light + stripes, 0, 255).astype("uint8")
        Image.fromarray(pixels).save(place / f"{name}{number:02}.jpg")


def text_of(task: str, tool: str) -> Path | None:
    """The commands or the program of a task; None where the tool cannot do it."""
    found = [HERE / f"{task}.{tool}{suffix}" for suffix in (".sh", ".py")]
    return next((path for path in found if path.exists()), None)


def written(path: Path) -> tuple[int, int, int]:
    """Commands, lines and characters that a person writes, empty lines and comments left out."""
    text = path.read_text()
    commands = len(text.splitlines()) if path.suffix == ".sh" else 1
    code = "" if path.suffix == ".sh" else text
    if SPEC in text:
        code += (HERE / SPEC).read_text()
    lines = [line for line in code.splitlines() if line.strip() and line.strip()[0] != "#"]
    return commands, len(lines), sum(map(len, lines))


def run(path: Path, folder: Path, libraries: Path | None) -> str:
    """The accuracy on held-back rows that is printed last, or in the table of a run."""
    shutil.copy(HERE / SPEC, folder)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, _places(libraries))),
        "DIGITS": str(DIGITS),
        "KERAS_BACKEND": "torch",
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",  # small networks gain nothing by more
    }
    if path.suffix == ".sh":
        lines = [shlex.split(line) for line in path.read_text().splitlines()]
        commands = [[sys.executable, "-m", *words] for words in lines]
    else:
        commands = [[sys.executable, str(path)]]
    printed = ""
    for command in commands:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{path.name}: {' '.join(command)}:\n{done.stderr}")
        printed += done.stdout
    found = re.findall(r"^test accuracy (\d\.\d+)|^accuracy .*?(\d\.\d+)$", printed, re.MULTILINE)
    return f"{float(max(found[-1])):.3f}"


def _places(libraries: Path | None) -> Iterator[str]:
    yield str(HERE.parents[1])
    yield os.environ.get("PYTHONPATH", "")
    if libraries:
        yield str(libraries.resolve())


def main() -> None:
    """Print a row for each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", type=Path, metavar="FOLDER")
    parser.add_argument("--task", choices=TASKS, action="append", help="this alone; repeatable")
    parser.add_argument("--quick", action="store_true", help=f"run {QUICK} alone")
    options = parser.parse_args()
    print(f"| | {' | '.join(TOOLS)} |\n|---|{'---|' * len(TOOLS)}")
    for task in options.task or TASKS:
        cells = [_cell(task, tool, options) for tool in TOOLS]
        print(f"| {TASKS[task]} | {' | '.join(cells)} |", flush=True)


def _cell(task: str, tool: str, options: argparse.Namespace) -> str:
    path = text_of(task, tool)
    if path is None:
        return "cannot"
    commands, lines, characters = written(path)
    size = f"{lines} lines ({characters:,} characters)"
    if path.suffix == ".sh":
        size = f"{commands} commands, {size}" if lines else f"{commands} commands"
    wanted = path.name == QUICK if options.quick else tool != "keras" or options.keras
    if not wanted:
        return f"{size}; not run"
    with tempfile.TemporaryDirectory() as place:
        make_data(Path(place))
        accuracy = run(path, Path(place), options.keras if tool == "keras" else None)
    return f"{size}; {accuracy}"


if __name__ == "__main__":
    main()
