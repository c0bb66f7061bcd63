"""Fifteen mistakes in two small networks, and what graphnn, mlnode and n-orca report of each.

The networks lie in ``mistakes/``, as YAML, JSON and Markdown: an image's class, and a language
model. Where a language reports nothing, the network is built and run on random rows: it crashes,
or it is another network than was meant. Say which Python has the others: ``--mlnode PYTHON``
(``pip install mlnode==1.1.0``) and ``--n-orca PYTHON`` (``pip install n-orca==0.2.0 torch``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "mistakes"
ROOT = FOLDER.parents[1]
SUFFIXES = {"graphnn": "yaml", "mlnode": "json", "n-orca": "md"}
SCRIPTS = {"graphnn": "graphnn", "mlnode": "mlnode", "n-orca": "norca"}
Change = tuple[str, str]


@dataclass(frozen=True)
class Mistake:
    """A mistake in a network, as each language would have it.

    Attributes
    ----------
    title : str
    network : str
    changes : mapping of str to (str, str) or None
        By language, what is replaced by what; None where it cannot be written.
    """

    title: str
    network: str
    changes: Mapping[str, Change | None]


def mistake(title: str, network: str, *changes: Change | None) -> Mistake:
    """One with the changes in graphnn, mlnode and n-orca."""
    return Mistake(title, network, dict(zip(SUFFIXES, changes, strict=True)))


MISTAKES = (
    mistake("a misspelt op", "digits",
            ("op: relu", "op: rellu"), ('"ReLU"', '"ReLLU"'), ("ReLU", "ReLLU")),
    mistake("a misspelt key or name", "digits",
            ("padding: 1", "pading: 1"), ('"padding": 1', '"pading": 1'),
            ("Conv2d(1, width", "Conv2d(1, widht")),
    mistake("a convolution of three channels, of an image with one", "digits",
            None, ('"in_channels": 1', '"in_channels": 3'), ("Conv2d(1,", "Conv2d(3,")),
    mistake("a batch norm of 16 channels behind 8", "digits",
            None, ('"num_features": 8', '"num_features": 16'), ("2d(width)", "2d(16)")),
    mistake("an affine layer of the wrong width", "digits",
            None, ("1568", "1586"), ("1568", "1586")),
    mistake("a window larger than the image", "digits",
            ("kernel: 2", "kernel: 40"), ('{"kernel_size": 2}', '{"kernel_size": 40}'),
            ("MaxPool2d(2, 2)", "MaxPool2d(40, 40)")),
    mistake("a stride of 0", "digits",
            ("kernel: 3, padding: 1", "kernel: 3, padding: 1, stride: 0"),
            ('"padding": 1', '"padding": 1, "stride": 0'), ("3, 1, 1)", "3, 0, 1)")),
    mistake("a dropout rate of 1.5", "digits",
            ("rate: 0.5", "rate: 1.5"), ('"p": 0.5', '"p": 1.5'), ("out(0.5)", "out(1.5)")),
    mistake("no flattening before an affine layer", "digits",
            ("inputs: f, units", "inputs: p, units"),
            ('{"source": "f", "target": "a"}', '{"source": "p", "target": "a"}'),
            ("| f      | a      |", "| p      | a      |")),
    mistake("a softmax over the rows of a batch", "digits",
            ("op: softmax, inputs: a", "op: softmax, inputs: a, axis: 0"),
            ('{"dim": -1}', '{"dim": 0}'), ("Softmax(-1)", "Softmax(0)")),
    mistake("a cycle", "digits",
            ("conv2d, inputs: x", "conv2d, inputs: p"),
            ('{"source": "x", "target": "c"}', '{"source": "p", "target": "c"}'),
            ("| x      | c      |", "| p      | c      |")),
    mistake("a sum of unlike shapes", "digits",
            ("inputs: [r, d]", "inputs: [x, d]"),
            ('{"source": "r", "target": "s"}', '{"source": "x", "target": "s"}'),
            ("| r      | s      |", "| x      | s      |")),
    mistake("three heads of 16 features", "words",
            ("heads: 4", "heads: 3"), ('"num_heads": 4', '"num_heads": 3'),
            ("Attention(16, 4,", "Attention(16, 3,")),
    mistake("a norm of another width", "words",
            None, ('"normalized_shape": 16', '"normalized_shape": 12'),
            ("LayerNorm(16)", "LayerNorm(12)")),
    mistake("a language model that sees what comes after", "words",
            (", causal: true", ""), ("", ""), ("", "")),
)  # fmt: skip


def made(language: str, each: Mistake) -> str | None:
    """The text with the mistake; None where it cannot be written."""
    change = each.changes[language]
    text = (FOLDER / f"{each.network}.{SUFFIXES[language]}").read_text()
    if change is None or change == ("", ""):
        return text if change else None
    assert text.count(change[0]) == 1, (language, each.title)
    return text.replace(*change)


def asked(language: str, python: str, texts: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """The version of a language, and what becomes of each text."""
    command = [python, str(FOLDER / f"check_{SCRIPTS[language]}.py")]
    environment = {"PYTHONPATH": f"{ROOT}:{FOLDER}", "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    done = subprocess.run(
        command,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().split("\n")[-1])
    found = json.loads(done.stdout[done.stdout.index("{") :])
    return found["version"], found["found"]


def cell(found: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    """What is shown of one text, beside what became of the right one."""
    if found["said"]:
        return shortened(found["said"])
    if "error" in found:
        return f"**nothing; crashes:** {shortened(found['error'])}"
    differs = [f"{key} {found[key]}, not {right[key]}"
               for key in ("shape", "parameters") if found[key] != right[key]]  # fmt: skip
    differs += ["rows change each other"] if found.get("rows") else []
    differs += ["places see what comes after"] if found.get("places") else []
    return f"**nothing; another network:** {', '.join(differs) or 'the same sizes'}"


def shortened(text: str) -> str:
    """A line of at most 110 characters, fit for a table of Markdown."""
    text = " ".join(text.split())
    text = text if len(text) <= 110 else f"{text[:107]}..."
    for mark in "|_*<":
        text = text.replace(mark, f"\\{mark}")
    return text


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run graphnn alone")
    parser.add_argument("--mlnode", metavar="PYTHON")
    parser.add_argument("--n-orca", metavar="PYTHON")
    options = parser.parse_args(arguments)
    others = {"mlnode": options.mlnode, "n-orca": options.n_orca}
    pythons = {"graphnn": sys.executable, **({} if options.quick else others)}
    columns: dict[str, list[str]] = {}
    for language in SUFFIXES:
        python = pythons.get(language)
        if python is None:
            print(f"{language}: not run")
            continue
        names = sorted({each.network for each in MISTAKES})
        right = [(FOLDER / f"{name}.{SUFFIXES[language]}").read_text() for name in names]
        texts = [made(language, each) for each in MISTAKES]
        written = [text for text in texts if text is not None]
        version, found = asked(language, python, [*right, *written])
        print(f"{language}: {version}")
        fine = dict(zip(names, found, strict=False))
        assert not any(each["said"] or "error" in each for each in fine.values()), (language, fine)
        rest = iter(found[len(names) :])
        columns[language] = [
            "cannot be written" if text is None else cell(next(rest), fine[each.network])
            for each, text in zip(MISTAKES, texts, strict=True)
        ]
    print(f"\n| mistake | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for number, each in enumerate(MISTAKES):
        print(f"| {each.title} | {' | '.join(said[number] for said in columns.values())} |")
    for language, said in columns.items():
        crashes = sum("crashes" in each for each in said)
        others_made = sum("another network" in each for each in said)
        print(f"\n{language}: {crashes} crash and {others_made} are another network, unreported")


if __name__ == "__main__":
    main()
