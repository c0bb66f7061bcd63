"""Whether LaTeX compiles the TikZ of every spec, and shows what the specs say.

``python benchmarks/latex.py [--out FOLDER]`` needs pdflatex and lualatex, from Debian's packages
texlive-latex-extra, texlive-pictures, texlive-luatex and lmodern. It draws every spec of specs/,
and networks whose name and remarks are hostile or not Latin, compiles each with both, reads the
text of the PDF back and compares it with the text of the diagram, as far as that is text: what is
not Latin is drawn as outlines. --out keeps what was compiled.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import tempfile
import unicodedata
from pathlib import Path

import pypdfium2

import graphnn
from graphnn.diagnostics import GraphnnError
from graphnn.drawing.diagram.scene import Text
from graphnn.drawing.diagram.writers.tikz import _LATIN

ROOT = Path(__file__).resolve().parent.parent
TEXTS = {
    "commands": r"\input{/etc/passwd} \end{document} \write18{ls} \Gamma C:\Nets",
    "characters": "100 % # $x^2_3$ & ~ _ { } ^ \\ < > | \" ' ` -- --- ?` !` ,, << >> [a] (b) @ *",
    "latin": "Größe, naïve, Ångström, œuvre, Łódź, ½, µ, ±, ×, −, …, →",
    "greek": "αβγδ θ λ μ Σ Ω",
    "mathematics": "∂L/∂W ≤ ∇f ∈ ℝ ∞ √x ⊙ ∑ W⁽¹⁾ x₁",
    "japanese": "入力 ネットワーク",
    "emoji": "🙂 🚀",
}
ENGINES = ("pdflatex", "lualatex")


def networks() -> dict[str, graphnn.Network]:
    """The networks to draw, by name."""
    found = {}
    for path in sorted((ROOT / "specs").rglob("*.yaml")):
        with contextlib.suppress(GraphnnError):  # a file of blocks is none
            found[path.stem] = graphnn.load(path)
    for name, text in TEXTS.items():
        node = {"op": "input", "shape": ["batch", 2], "about": text}
        spec = {"graphnn": 1, "name": text, "nodes": {"x": node}}
        found[name] = graphnn.loads(json.dumps(spec, ensure_ascii=False))
    return found


def compiled(engine: str, folder: Path, name: str) -> str:
    """What is wrong after `engine` ran; empty where nothing is."""
    job = f"{name}-{engine}"
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", f"-jobname={job}", f"{name}.tex"],
        cwd=folder,
        capture_output=True,
        timeout=300,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        return next((line for line in output.splitlines() if line.startswith("!")), "fails")
    log = (folder / f"{job}.log").read_text(errors="replace")
    lost = {line.split("There is no ")[1][0] for line in log.splitlines() if "There is no" in line}
    return f"no font has {' '.join(sorted(lost))}" if lost else ""


def characters(text: str) -> dict[str, int]:
    """How often each character is in `text`, ligatures taken apart and blanks left out."""
    squeezed = "".join(unicodedata.normalize("NFKC", text).split())
    return {character: squeezed.count(character) for character in squeezed}


def lacks(path: Path, diagram: graphnn.drawing.Diagram) -> str:
    """Characters that are in the diagram more often than in the PDF at `path`."""
    with pypdfium2.PdfDocument(path) as document:
        seen = characters(document[0].get_textpage().get_text_range())
    texts = [item.text for item in diagram.scene.items if isinstance(item, Text)]
    wanted = characters("".join(text for text in texts if _LATIN.issuperset(text)))
    return "".join(each for each, count in wanted.items() if seen.get(each, 0) < count)


def main() -> None:
    """Print a row a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="*", help="names of networks")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or Path(temporary)
        folder.mkdir(exist_ok=True)
        print(f"{'network':18} {'engine':9} result")
        for name, network in networks().items():
            if arguments.only and name not in arguments.only:
                continue
            diagram = network.draw(folder / f"{name}.tex", about=True)
            diagram.save(folder / f"{name}.pdf")
            for engine in ENGINES:
                fault = compiled(engine, folder, name)
                path = folder / f"{name}-{engine}.pdf"
                if not fault and (lost := lacks(path, diagram)):
                    fault = f"the PDF lacks {lost}"
                print(f"{name:18} {engine:9} {fault or 'as written'}", flush=True)


if __name__ == "__main__":
    main()
