"""The same three networks in five languages: their lengths, and what is reported of six mistakes.

graphnn and ONNX are run as they are installed. For the others, say which Python has them:
``--keras PYTHON`` (with a backend), ``--ludwig PYTHON`` (``pip install torch==2.13.0 ludwig``), and
``--caffe PYTHON``, one with protobuf whose path has a ``caffe_pb2.py`` that protoc made of Caffe's
``caffe.proto``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
ROOT = FOLDER.parents[1]
NETWORKS = ("digits", "cnn", "residual")
MISTAKES = (
    "a misspelt op",
    "a misspelt key",
    "a wrong size",
    "a missing input",
    "a cycle",
    "a bad value",
)
SUFFIXES = {
    "graphnn": "yaml",
    "onnx": "onnx.txt",
    "caffe": "prototxt",
    "ludwig": "ludwig.yaml",
}
# The network that mistakes are made in: Ludwig's residual one is ready-made, and names no layer.
MISTAKEN = {"ludwig": "cnn"}
# What each mistake puts in the place of what, in that network.
CHANGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "graphnn": (
        ("{op: relu, inputs: n1}", "{op: rely, inputs: n1}"),
        ("inputs: z1, filters: 16", "inputs: z1, filter: 16"),
        ("inputs: z1, filters: 16", "inputs: z1, filters: 32"),
        ("op: relu, inputs: n1", "op: relu, inputs: n9"),
        ("conv2d, inputs: z0", "conv2d, inputs: z2"),
        ("stride: 2", "stride: 0"),
    ),
    "onnx": (
        ("z1 = Relu(", "z1 = Rely("),
        ("[3, 3], pads = [1, 1, 1, 1]> (z1", "[3, 3], pad = [1, 1, 1, 1]> (z1"),
        ("float[16, 16, 3, 3] w2", "float[32, 16, 3, 3] w2"),
        ("Relu(n1)", "Relu(n9)"),
        ("(z0, w1)", "(z2, w1)"),
        ("strides = [2, 2]", "strides = [0, 0]"),
    ),
    "caffe": (
        ('name: "z1"\n  type: "ReLU"', 'name: "z1"\n  type: "Rely"'),
        ('bottom: "z1"\n  top: "c2"\n  convolution_param {\n    num_output: 16',
         'bottom: "z1"\n  top: "c2"\n  convolution_param {\n    num_outputs: 16'),
        ('bottom: "z1"\n  top: "c2"\n  convolution_param {\n    num_output: 16',
         'bottom: "z1"\n  top: "c2"\n  convolution_param {\n    num_output: 32'),
        ('bottom: "n1"', 'bottom: "n9"'),
        ('bottom: "z0"\n  top: "c1"', 'bottom: "z2"\n  top: "c1"'),
        ("stride: 2", "stride: 0"),
    ),
    "ludwig": (
        ("type: stacked_cnn", "type: stacked_cn"),
        ("out_channels: 30", "out_channel: 30"),
        (" kernel_size: 5", " kernel_size: 32"),
        ("type: category}", "type: category, dependencies: [n9]}"),
        ("  - {name: label, type: category}",
         "  - {name: label, type: category, dependencies: [other]}\n"
         "  - {name: other, type: category, dependencies: [label]}"),
        (" kernel_size: 5", " kernel_size: 5, stride: 0"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a language says of a text; nothing when it takes it."""

    text: str
    placed: bool

    def __str__(self) -> str:
        if not self.text:
            return "nothing"
        shown = self.text if len(self.text) <= 160 else f"{self.text[:157]}..."
        for mark in "|_":  # which mean something in a table of Markdown
            shown = shown.replace(mark, f"\\{mark}")
        return shown + (" (with its place)" if self.placed else "")


def texts(language: str, python: str | None) -> dict[str, str]:
    """The three networks; none where they cannot be had."""
    if language == "keras":
        if python is None:
            return {}
        command = [python, str(FOLDER / "check_keras.py"), "--write"]
        found: dict[str, str] = json.loads(run(command, ""))
        return found
    suffix = SUFFIXES[language]
    return {name: (FOLDER / f"{name}.{suffix}").read_text() for name in NETWORKS}


def run(command: list[str], given: str) -> str:
    """What a command prints when it is given a text."""
    environment = {"PYTHONPATH": f"{ROOT}:{FOLDER}", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().split("\n")[-1])
    return done.stdout[done.stdout.index("{") :]


def keras_mistakes(text: str) -> list[str]:
    """The residual network of Keras with each mistake."""

    def changed(name: str, change: Callable[[dict], None]) -> str:  # type: ignore[type-arg]
        model = json.loads(text)
        change(next(layer for layer in model["config"]["layers"] if layer["name"] == name))
        return json.dumps(model)

    def reads(name: str) -> Callable[[dict], None]:  # type: ignore[type-arg]
        def change(layer: dict) -> None:  # type: ignore[type-arg]
            layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = name

        return change

    return [
        changed("z1", lambda layer: layer.update(class_name="Rely")),
        changed("c2", lambda layer: layer["config"].update(filter=layer["config"].pop("filters"))),
        changed("c2", lambda layer: layer["config"].update(filters=32)),
        changed("z1", reads("n9")),
        changed("c1", reads("z2")),
        changed("c0", lambda layer: layer["config"].update(strides=[0, 0])),
    ]


def mistakes(language: str, text: str) -> list[str]:
    """The network of a language with each mistake."""
    if language == "keras":
        return keras_mistakes(text)
    made = []
    for old, new in CHANGES[language]:
        assert text.count(old) == 1, (language, old)
        made.append(text.replace(old, new))
    return made


def check(language: str, python: str, given: list[str]) -> tuple[str, list[Answer]]:
    """The version of a language, and what it says of each text."""
    found = json.loads(run([python, str(FOLDER / f"check_{language}.py")], json.dumps(given)))
    return found["version"], [Answer(text, placed) for text, placed in found["found"]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run graphnn and ONNX alone")
    for name in ("keras", "caffe", "ludwig"):
        parser.add_argument(f"--{name}", metavar="PYTHON")
    options = parser.parse_args()
    pythons = {
        "graphnn": sys.executable,
        "keras": None if options.quick else options.keras,
        "onnx": sys.executable,
        "caffe": None if options.quick else options.caffe,
        "ludwig": None if options.quick else options.ludwig,
    }
    lengths, answers, remarks = [], {}, []
    for language, python in pythons.items():
        found = texts(language, python)
        cells = [
            f"{len(text.splitlines())} / {len(text):,}"
            for name in NETWORKS
            if (text := found.get(name))
        ]
        lengths.append([language, *(cells or ["not run"] * len(NETWORKS))])
        if python is None:
            remarks.append(f"{language}: not run")
            continue
        try:
            version, fine = check(language, python, list(found.values()))
        except RuntimeError as error:
            remarks.append(f"{language}: not run: {error}")
            continue
        remarks.append(f"{language}: {version}")
        for name, said in zip(NETWORKS, fine, strict=True):
            assert not said.text, (language, name, said)
        mistaken = mistakes(language, found[MISTAKEN.get(language, "residual")])
        _, answers[language] = check(language, python, mistaken)
    print("\n".join(remarks))
    print("\n| lines / characters |", " | ".join(NETWORKS), "|")
    print("|---|" + "---:|" * len(NETWORKS))
    for row in lengths:
        print(f"| {' | '.join(row)} |")
    for number, mistake in enumerate(MISTAKES):
        print(f"\n| {mistake} | what is reported |\n|---|---|")
        for language, said in answers.items():
            print(f"| {language} | {said[number]} |")


if __name__ == "__main__":
    main()
