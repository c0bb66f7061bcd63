"""Generator of hostile files: each in a folder of its own, with what must be said of it.

``python tests/support/hostile_files.py FOLDER`` writes them for a look. Whoever writes one lies
beside a folder ``outside``, which nothing may look into.
"""

from __future__ import annotations

import functools
import gzip
import io
import itertools
import json
import os
import socket
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graphnn.training.fitting.checkpoint import digest

MIB = 1 << 20
HEAD = "graphnn: 1\n"
X = "  x: {op: input, shape: [batch, 2]}\n"
GOOD = f"{HEAD}nodes:\n{X}  y: {{op: affine, inputs: x, units: 3}}\n"
SMALL, LARGE = 300, 1000  # units of cost
CHECK = ("check", "net.yaml")
CHECK_JSON = ("check", "net.json")

Write = Callable[[Path], object]


@dataclass(frozen=True)
class Hostile:
    """One hostile file, or several that belong together.

    Attributes
    ----------
    name : str
    write : callable
        Puts the files into the folder that it is given.
    codes : tuple of str
        Codes of all that must be said, sorted, each once; nothing for what only looks hostile.
    command : tuple of str
        What is run in that folder.
    exits : int, optional
        The exit code, if not the usual one: 1 where anything must be said, else 0.
    writes : bool
        Whether the command may write into its own folder.
    cost : int
        Most that the processor may take, in units that the runner measures on the machine at hand:
        four times what it does take, or more.
    large : bool
        Whether even a sound reader is busy with it.
    """

    name: str
    write: Write
    codes: tuple[str, ...]
    command: tuple[str, ...] = CHECK
    exits: int | None = None
    writes: bool = False
    cost: int = SMALL
    large: bool = False

    @property
    def status(self) -> int:
        """The exit code that it must have."""
        return int(bool(self.codes)) if self.exits is None else self.exits


def corpus() -> list[Hostile]:
    """All of them."""
    found = [
        *_encodings(),
        *_shapes_of_text(),
        *_sizes_of_text(),
        *_yaml(),
        *_json(),
        *_absurd(),
        *_broken_graphs(),
        *_sound(),
        *_paths(),
        *_folders(),
        *_weights(),
        *_data(),
        *_checkpoints(),
        *_pictures(),
        *_other_commands(),
        *_models(),
    ]
    names = [each.name for each in found]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    return found


def _models() -> Iterator[Hostile]:
    """ONNX models."""
    try:
        import onnx
    except ImportError:
        return
    helper = onnx.helper
    ends = [helper.make_tensor_value_info(name, 1, ["n", 2]) for name in "xy"]
    relu = [helper.make_node("Relu", ["x"], ["y"])]

    def model(nodes: list[Any], tensors: Any = (), **options: Any) -> bytes:
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
        made = helper.make_model(graph, ir_version=10, **options)
        return bytes(made.SerializeToString())

    def tensor(dims: list[int], raw: bytes, **outside: str) -> Any:
        made = onnx.TensorProto(name="w", data_type=1, dims=dims, raw_data=raw)
        if outside:
            made.ClearField("raw_data")
            made.data_location = onnx.TensorProto.EXTERNAL
            for key, value in outside.items():
                made.external_data.add(key=key, value=value)
        return made

    def deep(depth: int) -> Any:
        graph = helper.make_graph(relu, "leaf", [], ends[1:])
        for _ in range(depth):
            node = helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph)
            graph = helper.make_graph([node], "g", [], ends[1:])
        condition = onnx.numpy_helper.from_array(np.array(True), "c")
        return model([*graph.node], [condition])

    add = [helper.make_node("Add", ["x", "w"], ["y"])]
    huge = onnx.numpy_helper.from_array(np.array([2**40, 2**40]), "s")
    filled = [
        helper.make_node("ConstantOfShape", ["s"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    circle = [helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    names = ["x", *(f"v{number}" for number in range(101_000))]
    many = [helper.make_node("Relu", [a], [b]) for a, b in itertools.pairwise(names)]
    cases: dict[str, tuple[bytes, tuple[str, ...]]] = {
        "nothing": (b"", ("not-onnx",)),
        "noise": (bytes(range(256)) * 8, ("not-onnx",)),
        "cut": (model(relu)[:-9], ("not-onnx",)),
        "circle": (model([*circle, *relu]), ("not-onnx",)),
        "twice": (model(relu * 2), ("not-onnx",)),
        "no-output": (model([helper.make_node("Relu", ["x"], ["z"])]), ("not-onnx",)),
        "lying-shape": (model(add, [tensor([2**40], b"1234")]), ("not-onnx",)),
        "negative-shape": (model(add, [tensor([-2], b"1234")]), ("not-onnx",)),
        "outside": (
            model(add, [tensor([2], b"", location="../outside/secret.npz")]), ("file-outside",)
        ),
        "beyond": (model(add, [tensor([2**40], b"", location="net.onnx")]), ("not-onnx",)),
        "texts": (model(add, [onnx.TensorProto(name="w", data_type=8)]), ("not-onnx",)),
        "huge-constant": (model(filled, [huge]), ("too-large",)),
        "deep": (deep(12), ()),
    }  # fmt: skip
    for name, (content, codes) in cases.items():
        write = functools.partial(_write_model, content)
        command = ("show", "net.onnx")
        yield Hostile(f"onnx-{name}", write, codes, command, cost=LARGE)
    yield Hostile(
        "onnx-many-nodes",
        functools.partial(_write_model, model(many)),
        ("not-onnx",),
        ("show", "net.onnx"),
        cost=LARGE,
        large=True,
    )


def _write_model(content: bytes, folder: Path) -> None:
    (folder / "net.onnx").write_bytes(content)


def text(name: str, content: str | bytes, *codes: str, json: bool = False) -> Hostile:
    """A spec of that content."""
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    file = "net.json" if json else "net.yaml"
    return Hostile(
        f"{name}{'-json' if json else ''}",
        lambda folder: (folder / file).write_bytes(raw),
        tuple(sorted(codes)),
        CHECK_JSON if json else CHECK,
    )


def later(name: str, content: Callable[[], str], *codes: str, json: bool = False) -> Hostile:
    """As `text`, for a content too large to be kept.

    It may fill the reader's limits, as a spec of 100,000 nodes does.
    """
    file = "net.json" if json else "net.yaml"
    return Hostile(
        f"{name}{'-json' if json else ''}",
        lambda folder: (folder / file).write_text(content()),
        tuple(sorted(codes)),
        CHECK_JSON if json else CHECK,
        cost=LARGE,
        large=True,
    )


def node(fields: str) -> str:
    """A spec with the one node `y` beside its input."""
    return f"{HEAD}nodes:\n{X}  y: {{{fields}}}\n"


def example(given: str, wanted: str) -> str:
    """A spec with an example."""
    return f"{GOOD}examples:\n- {{inputs: {{x: {given}}}, outputs: {{y: {wanted}}}}}\n"


# ------------------------------------------------------------------------------------ encodings


def _encodings() -> Iterator[Hostile]:
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        for as_json in (False, True):
            content = ("\ufeff" + GOOD).encode(encoding)
            yield text(f"marked-{encoding}", content, "bad-encoding", json=as_json)
    yield text("unmarked-utf-16", GOOD.encode("utf-16-le"), "bad-character")
    bad = {
        "latin-1": b"name: caf\xe9\n",
        "overlong": b"name: \xc0\x80\n",
        "surrogate": b"name: \xed\xa0\x80\n",
        "beyond-unicode": b"name: \xf4\x90\x80\x80\n",
        "lone-continuation": b"name: \x80\n",
        "cut-off": b"name: \xe2\x82",
        "ff": b"\xff\xff\xff\xff",
    }
    for name, content in bad.items():
        yield text(f"bytes-{name}", HEAD.encode() + content, "bad-encoding")
    for code in (0, 1, 7, 8, 0xB, 0xC, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9F, 0xFEFF, 0xFFFE, 0xFFFF):
        yield text(f"character-{code:04x}", f"{HEAD}name: a{chr(code)}b\n", "bad-character")
    for code in (0x2028, 0x2029):
        yield text(f"character-{code:04x}", f"{HEAD}name: a{chr(code)}b\n", "bad-character")
    for code in (0, 7, 0x1B):
        content = f'{{"graphnn": 1, "name": "a{chr(code)}b"}}'
        yield text(f"character-{code:04x}", content, "bad-character", json=True)
    for name, content in (
        ("gzip", gzip.compress(GOOD.encode(), mtime=0)),
        ("zip", packed(x=npy(np.ones(3)))),
        ("png", png(4, 4)),
        ("elf", b"\x7fELF\x02\x01\x01" + bytes(9)),
        ("pickle", b"\x80\x04cos\nsystem\n(S'touch ../outside/ran'\ntR."),
    ):
        code = "bad-character" if name == "elf" else "bad-encoding"
        yield text(f"binary-{name}", content, code)
    yield text("random-bytes", np.random.default_rng(0).bytes(5 * MIB), "bad-encoding")


# --------------------------------------------------------------------------------- shape of text


def _shapes_of_text() -> Iterator[Hostile]:
    for name, content in (
        ("nothing", ""),
        ("spaces", "   \n \n"),
        ("comment", "# nothing\n"),
        ("mark", "\ufeff"),
        ("dashes", "---\n"),
    ):
        yield text(f"empty-{name}", content, "empty-file")
    yield text("empty-nothing", "", "empty-file", json=True)
    for name, content in (("list", "[1]"), ("number", "1"), ("text", '"x"'), ("null", "null")):
        for as_json in (False, True):
            yield text(f"top-{name}", content, "not-a-mapping", json=as_json)
    for name, content in (
        ("brackets", "[" * 100_000),
        ("braces", "{a: " * 100_000),
        ("dashes", "- " * 100_000),
        ("questions", "? " * 100_000),
        ("closed", "[" * 500_000 + "]" * 500_000),
        ("indents", "".join(f"{' ' * depth}a:\n" for depth in range(3000))),
    ):
        yield text(f"deep-{name}", content, "too-deep")
    for name, content in (("brackets", "[" * MIB), ("braces", '{"a":' * 500_000)):
        yield text(f"deep-{name}", content, "too-deep", json=True)
    chain = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
    yield text("deep-aliases", chain, "too-deep")
    yield text("deep-value", node(f"op: constant, value: {'[' * 62}1{']' * 62}"), "too-deep")
    yield text(
        "deepest-value", node(f"op: constant, value: {'[' * 60}1{']' * 60}"), "bad-attribute"
    )


# ---------------------------------------------------------------------------------- size of text


def _sizes_of_text() -> Iterator[Hostile]:
    def sparse(folder: Path) -> None:
        with (folder / "net.yaml").open("wb") as stream:
            stream.truncate(1 << 40)

    yield Hostile("file-of-a-tebibyte", sparse, ("file-too-large",))
    yield later("file-of-17-mib", lambda: GOOD + "#" * (17 * MIB), "file-too-large")
    many = "too-many-values"
    yield later("million-lists", lambda: "a: [" + "[]," * 5_000_000 + "[]]", many)
    yield later("million-lists", lambda: '{"a": [' + "[]," * 4_000_000 + "[]]}", many, json=True)
    yield later("million-numbers", lambda: "a: [" + "1," * 7_000_000 + "1]", many)
    yield later("million-numbers", lambda: '{"a": [' + "1," * 7_000_000 + "1]}", many, json=True)
    yield later("million-dashes", lambda: "a:\n" + "- 1\n" * 3_000_000, many)
    yield later("million-keys", lambda: "".join(f"k{n}:\n" for n in range(1_200_000)), many)
    yield later(
        "million-mappings", lambda: "".join(f"k{n}: {{a: 1}}\n" for n in range(600_000)), many
    )
    yield later(
        "million-objects",
        lambda: "{" + ",".join(f'"{n}":{{}}' for n in range(900_000)) + "}",
        many,
        json=True,
    )
    yield later("million-empty-keys", lambda: "? \n" * 4_000_000, "key-not-text", "too-many-faults")
    yield later(
        "duplicates-after-empty",
        lambda: (
            "".join(f"k{n}: 1\n" for n in range(190_000))
            + "empty:\n"
            + "".join(f"k{n}: 1\n" for n in range(180_000, 180_200))
        ),
        "duplicate-key",
    )
    yield later("million-duplicates", lambda: "a: 1\n" * 3_000_000, *FAULTS["duplicate-key"])
    yield later("million-documents", lambda: "---\n" * 4_000_000, "several-documents")
    yield later("million-comments", lambda: "#\n" * 8_000_000, "empty-file")
    yield later("million-lines", lambda: "\n" * 16_000_000, "empty-file")
    yield later("million-lines", lambda: "\n" * 16_000_000, "empty-file", json=True)
    yield later("million-colons", lambda: ":" * 16_000_000, "yaml-syntax")
    yield later("million-quotes", lambda: "'" * 15_999_999, "yaml-syntax")
    yield later("million-closers", lambda: "a: " + "]" * 16_000_000, "yaml-syntax")
    yield later("million-commas", lambda: "[" + "," * 16_000_000, "yaml-syntax")
    yield later("million-backslashes", lambda: 'a: "' + "\\" * 16_000_000, "yaml-syntax")
    yield later("million-tabs", lambda: "a:\n" + "\t" * 16_000_000 + "b: 1", "yaml-syntax")
    yield later("million-brackets", lambda: '{"a": ' + "]" * 16_000_000, "json-syntax", json=True)
    yield later("million-quotes", lambda: '"' * 15_999_999, "json-syntax", json=True)
    yield later("million-escapes", lambda: '{"' + "\\" * 16_000_000, "json-syntax", json=True)
    yield later(
        "million-anchors",
        lambda: "a: [" + ",".join(f"&a{n} x" for n in range(500_000)) + "]",
        "too-many-anchors",
    )
    yield later(
        "million-aliases", lambda: "a: &a x\nb: [" + "*a," * 2_000_000 + "]", "too-many-aliases"
    )
    yield later(
        "million-lines-before-a-fault", lambda: "a: [\n" + "1,\n" * 400_000 + "@]", "yaml-syntax"
    )
    yield later("long-line", lambda: "a: [" + "x " * 4_000_000 + "] ]", "yaml-syntax")
    yield later("long-key", lambda: "x" * 5_000_000 + ": 1", "yaml-syntax")
    yield text("long-key-in-quotes", HEAD + f"? '{'x' * 10_000}'\n: 1\n", "key-too-long")
    yield text("long-key", f'{{"{"x" * MIB}": 1}}', "key-too-long", json=True)
    yield later("long-alias", lambda: "a: *" + "x" * 5_000_000, "unknown-alias", *NOT_SPEC)
    yield later("long-anchor", lambda: "a: &" + "x" * 5_000_000 + " 1", *NOT_SPEC)
    yield later("long-tag", lambda: "a: !" + "x" * 5_000_000, "tag-not-allowed", *NOT_SPEC)
    yield later("long-directive", lambda: "%" + "x" * 5_000_000, "directive-not-allowed")
    yield later("long-number", lambda: GOOD + "name: " + "9" * 5_000_000, "number-too-long")
    yield later(
        "long-number",
        lambda: '{"a": ' + "9" * 5_000_000 + "}",
        "number-too-long",
        *NOT_SPEC,
        json=True,
    )
    yield text(
        "long-name", HEAD + f"nodes:\n  {'n' * 101}: {{op: parameter, shape: [1]}}\n", "bad-name"
    )
    yield later("long-op", lambda: node("op: " + "x" * MIB), "unknown-op")
    yield later("long-input", lambda: node("op: relu, inputs: " + "x" * MIB), "unknown-node")
    yield later("long-size", lambda: node("op: affine, inputs: x, units: " + "x" * MIB), "bad-size")
    yield later("long-about", lambda: node(f"op: relu, inputs: x, about: {'x' * 8 * MIB}"))
    yield later(
        "nodes-200001",
        lambda: HEAD + "nodes: {" + ",".join(f"n{n}: {{op: a}}" for n in range(200_001)) + "}",
        "too-many-nodes",
    )
    for name, item, code in (
        ("ops", "n{}: {{op: rleu}}", "unknown-op"),
        ("inputs", "n{}: {{op: relu, inputs: m{}}}", "unknown-node"),
        ("names", "{}n: {{op: relu, inputs: x}}", "bad-name"),
        ("keys", "n{}: {{op: relu, inputs: n0, sice: 3}}", "unknown-key"),
        ("types", "n{}: 3", "wrong-type"),
    ):
        yield later(
            f"many-bad-{name}",
            lambda item=item: (
                HEAD + "nodes:\n" + X + "".join(f"  {item.format(n, n)}\n" for n in range(60_000))
            ),
            code,
            *(() if name in ("names", "keys") else ("too-many-faults",)),
        )


FAULTS = {"duplicate-key": ("duplicate-key", "too-many-faults")}
NOT_SPEC = ("missing-key", "unknown-key")  # of a mapping with the key a alone


# ----------------------------------------------------------------------------------------- YAML


def _yaml() -> Iterator[Hostile]:
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    yield text("billion-laughs", "\n".join(laughs), "too-many-values")
    maps = ["a0: &a0 {k: x}"]
    maps += [f"a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}}}" for n in range(1, 60)]
    yield text("billion-laughs-in-mappings", "\n".join(maps), "too-many-values")
    merges = ["a0: &a0 {k: x}"]
    merges += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60)]
    yield text("merge-bomb", "\n".join(merges), "merge-key", "too-many-values")
    yield text(
        "merge-key", f"{HEAD}nodes: &n\n{X}examples: []\n<<: {{dtype: float64}}\n", "merge-key"
    )
    yield text("merge-itself", "a: &a\n  <<: *a\n", *NOT_SPEC, "cyclic-alias", "merge-key")
    for name, content in (
        ("list", "a: &a [*a]"),
        ("mapping", "a: &a {b: *a}"),
        ("key", "a: &a {? *a : 1}"),
        ("far", "a: &a [[[[{b: [*a]}]]]]"),
        ("top", "&a {b: *a}"),
    ):
        yield text(f"cyclic-{name}", content, *NOT_SPEC, "cyclic-alias")
    yield text("unknown-alias", GOOD + "name: *nothing\n", "unknown-alias")
    yield text("alias-before-anchor", GOOD + "name: *b\ndescription: &b x\n", "unknown-alias")
    tags = (
        "!!python/object/apply:os.system",
        "!!python/object/new:subprocess.Popen",
        "!!python/object:graphnn.Network",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple",
        "!!binary",
        "!!set",
        "!!omap",
        "!!timestamp",
        "!!float",
        "!!str",
        "!!null",
        "!custom",
        "!",
        "!<tag:yaml.org,2002:str>",
        "!<!x>",
        "!<%00>",
        "!<%ff%fe>",
        "!<",
        "!e!x",
    )
    for number, tag in enumerate(tags):
        yield text(f"tag-{number:02}", f"{GOOD}name: {tag} ['touch ../ran']\n", "tag-not-allowed")
    yield text("tag-on-a-key", f"!!str {GOOD}", "tag-not-allowed")
    yield text("tag-on-all", "!!map {graphnn: 1}\n", "tag-not-allowed")
    for number, line in enumerate(
        ("%YAML 1.1", "%YAML 1.2", "%YAML 9.9", "%YAML 1." + "9" * 99, "%TAG ! x", "%FOO bar", "%")
    ):
        yield text(f"directive-{number}", f"{line}\n---\n{GOOD}", "directive-not-allowed")
    yield text("second-document", f"{GOOD}---\n{GOOD}", "several-documents")
    yield text("after-the-end", f"{GOOD}...\n{GOOD}", "yaml-syntax")
    for name, content in (
        ("top", "graphnn: 1\ngraphnn: 1\nnodes: {x: {op: input, shape: [2]}}\n"),
        ("node", f"{HEAD}nodes:\n{X}{X}"),
        ("quoted", f"{HEAD}nodes:\n{X}  'x': {{op: input, shape: [2]}}\n"),
        ("escaped", f'{HEAD}nodes:\n{X}  "\\u0078": {{op: input, shape: [2]}}\n'),
        ("attribute", node("op: affine, inputs: x, units: 3, units: 4")),
    ):
        yield text(f"duplicate-{name}", content, "duplicate-key")
    for name, key in (
        ("null", "~"),
        ("empty", ""),
        ("number", "1"),
        ("true", "true"),
        ("float", "1.5"),
        ("list", "[a]"),
        ("mapping", "{a: b}"),
    ):
        yield text(f"key-{name}", f"{HEAD}? {key}\n: 1\n", "key-not-text")
    for number, word in enumerate(
        (".inf", "-.inf", "+.INF", ".nan", ".NaN", "1e999", "-1e999", "9" * 400, "0x" + "f" * 300)
    ):
        yield text(
            f"infinite-{number}",
            node(f"op: affine, inputs: x, weight: [[{word}], [1]]"),
            "non-finite-number",
        )
    yield text("half-a-character", HEAD + 'name: "\\ud800"\n', "yaml-syntax")
    yield text("beyond-unicode", HEAD + 'name: "\\U00110000"\n', "yaml-syntax")
    yield text("bad-escape", HEAD + 'name: "\\q"\n', "yaml-syntax")
    yield text("unclosed", HEAD + "nodes: {x: {op: input\n", "yaml-syntax")
    yield text("tab", HEAD + "nodes:\n\tx: {op: input}\n", "yaml-syntax")


def _json() -> Iterator[Hostile]:
    sound = '"nodes": {"x": {"op": "input", "shape": [2]}}}'
    for name, content in (
        ("comment", f'{{"graphnn": 1, // one\n{sound}'),
        ("trailing", '{"graphnn": 1,}'),
        ("single", "{'graphnn': 1}"),
        ("bare", "{graphnn: 1}"),
        ("two", f'{{"graphnn": 1, {sound} {{}}'),
        ("leading-zero", f'{{"graphnn": 01, {sound}'),
        ("hexadecimal", f'{{"graphnn": 0x1, {sound}'),
        ("plus", f'{{"graphnn": +1, {sound}'),
        ("escape", '{"a": "\\x41"}'),
        ("unclosed", '{"a": "b'),
        ("code", '{"a": __import__("os")}'),
    ):
        yield text(f"syntax-{name}", content, "json-syntax", json=True)
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        content = f'{{"graphnn": {word}, {sound}'
        yield text(f"infinite-{word.lower()}", content, "non-finite-number", json=True)
    yield text("duplicate", f'{{"graphnn": 1, "graphnn": 1, {sound}', "duplicate-key", json=True)
    yield text("half-a-character", '{"a": "\\ud800"}', "bad-character", *NOT_SPEC, json=True)
    yield text("form-feed", '{"a": 1}\f', "bad-character", json=True)


# ------------------------------------------------------------------------------------- absurdity


def _absurd() -> Iterator[Hostile]:
    for number, units in enumerate(
        ("0", "-1", "1.5", "9223372036854775808", "1" + "0" * 300, "1099511627777", "true", "''")
    ):
        yield text(f"units-{number}", node(f"op: affine, inputs: x, units: {units}"), "bad-size")
    for number, units in enumerate(
        (
            "(" * 90 + "1" + ")" * 90 + " +",
            "(" * 101,
            "1 // 0",
            "1 // batch",
            "1 " * 90,
            "2 ** 64",
            "*".join(["(batch + 1)"] * 18),
            "999999999999999 * 999999999999999",
        )
    ):
        yield text(
            f"expression-{number}",
            node(f"op: affine, inputs: x, units: {json.dumps(units)}"),
            "bad-size",
        )
    for number, units in enumerate(("nothing", "__import__('os')")):
        units = json.dumps(units)
        yield text(
            f"name-in-units-{number}",
            node(f"op: affine, inputs: x, units: {units}"),
            "unknown-size",
        )
    terms = HEAD + "sizes: {" + ", ".join(f"s{n}: free" for n in range(20)) + "}\nnodes:\n"
    factors = "*".join(f"(s{n} + 1)" for n in range(20))
    yield text(
        "expression-of-a-million-terms",
        terms + f"  x: {{op: input, shape: [{json.dumps(factors)}]}}\n",
        "bad-size",
    )
    yield text("parameter-too-large", node("op: affine, inputs: x, units: 1000000000"), "too-large")
    yield text(
        "parameter-of-2-to-40", node("op: affine, inputs: x, units: 1099511627776"), "too-large"
    )
    many = "".join(f"  y{n}: {{op: affine, inputs: x, units: 100000000}}\n" for n in range(6))
    yield text("parameters-too-large", f"{HEAD}nodes:\n{X}{many}", "too-large")
    yield text(
        "value-too-large",
        f"{HEAD}nodes:\n  x: {{op: input, shape: [1099511627776, 1099511627776]}}\n",
        "too-large",
    )
    yield text("size-batch", f"{HEAD}sizes: {{batch: 3}}\nnodes:\n{X}", "batch-is-free")
    for name, entry in (
        ("zero", "n: 0"),
        ("negative", "n: -5"),
        ("huge", "n: 1000000000000000"),
        ("float", "n: 1e9"),
        ("list", "n: [1]"),
    ):
        yield text(f"size-{name}", f"{HEAD}sizes: {{{entry}}}\nnodes:\n{X}", "wrong-type")
    for name, entry in (
        ("batch-size", "batch_size: 0"),
        ("batch-size-huge", "batch_size: 9223372036854775808"),
        ("epochs", "epochs: -1"),
        ("seed", "seed: -1"),
        ("seed-huge", "seed: " + "9" * 200),
        ("rows", "rows: 1e5"),
    ):
        spec = f"{HEAD}nodes:\n  w: {{op: parameter, value: [1, 2]}}\n  f: {{op: sum, inputs: w}}\n"
        yield text(f"train-{name}", f"{spec}train: {{loss: f, {entry}}}\n", "wrong-type")
    for name, shape, code in (
        ("huge", "[1000000000000, 2]", "too-large"),
        ("at-the-limit", "[134217728, 2]", "too-large"),
        ("another", "[1000000, 1000000]", "wrong-shape"),
        ("negative", "[-1, 2]", "bad-size"),
        ("many-axes", f"[{', '.join(['1'] * 100)}]", "wrong-shape"),
    ):
        yield text(f"example-{name}", example(f"{{ones: {shape}}}", "{sum: 1}"), code)


def _broken_graphs() -> Iterator[Hostile]:
    ring = 3000
    nodes = "".join(f"  n{n}: {{op: relu, inputs: n{(n + 1) % ring}}}\n" for n in range(ring))
    yield text("ring-of-3000", f"{HEAD}nodes:\n{nodes}", "cycle")
    rings = "".join(f"  n{n}: {{op: relu, inputs: n{n}}}\n" for n in range(5000))
    yield text("rings-5000", f"{HEAD}nodes:\n{rings}", "cycle")
    names = [f"n{n}" for n in range(60)]
    knot = "".join(f"  {n}: {{op: concat, axis: 0, inputs: [{', '.join(names)}]}}\n" for n in names)
    yield text("knot-of-60", f"{HEAD}nodes:\n{knot}", "cycle")
    shares = "".join(
        f"  p{n}: {{op: parameter, value: {{share: p{(n + 1) % 3000}.value}}}}\n"
        for n in range(3000)
    )
    yield text("shares-in-a-ring", f"{HEAD}nodes:\n{shares}", "cyclic-share")
    yield text("no-nodes", f"{HEAD}nodes: {{}}\n", "no-nodes")
    yield text("version-2", GOOD.replace("graphnn: 1", "graphnn: 2"), "unknown-version")
    yield text("version-text", GOOD.replace("graphnn: 1", "graphnn: one"), "wrong-type")
    for number, name in enumerate(
        (
            "a.b",
            "1a",
            "é",
            "\N{ZERO WIDTH JOINER}a",
            "a b",
            "",
            "\N{RIGHT-TO-LEFT OVERRIDE}x",
            "a\\nb",
            "../x",
            "<script>",
            "\\e[31m",
            "{{x}}",
            "%s",
            "$(ls)",
        )
    ):
        quoted = f'"{name}"'
        yield text(
            f"name-{number:02}",
            f"{HEAD}nodes:\n  {quoted}: {{op: input, shape: [2]}}\n",
            "bad-name",
        )
    yield text("escape-codes", node('op: "\\e]0;title\\a\\e[2J"'), "unknown-op")


def _sound() -> Iterator[Hostile]:
    """What only looks hostile, and must be read."""
    chain = "".join(f"  n{n}: {{op: relu, inputs: n{n - 1}}}\n" for n in range(1, 5001))
    first = "  n0: {op: input, shape: [batch, 2]}\n"
    yield text("chain-of-5000", f"{HEAD}nodes:\n{first}{chain}")
    back = "".join(f"  n{n}: {{op: relu, inputs: n{n - 1}}}\n" for n in range(5000, 0, -1))
    yield text("chain-of-5000-backwards", f"{HEAD}nodes:\n{back}{first}")
    fan = "".join(f"  n{n}: {{op: relu, inputs: x}}\n" for n in range(3000))
    names = ", ".join(f"n{n}" for n in range(3000))
    yield text(
        "fan-in-of-3000", f"{HEAD}nodes:\n{X}{fan}  y: {{op: concat, inputs: [{names}], axis: 1}}\n"
    )
    diamonds = "".join(
        f"  l{n}: {{op: relu, inputs: d{n}}}\n  r{n}: {{op: tanh, inputs: d{n}}}\n"
        f"  d{n + 1}: {{op: add, inputs: [l{n}, r{n}]}}\n"
        for n in range(60)
    )
    yield text("diamonds-60", f"{HEAD}nodes:\n{X.replace('x:', 'd0:')}{diamonds}")
    yield text("parameters-of-2-gib", node("op: affine, inputs: x, units: 134217728, bias: false"))
    yield text("depth-of-hand", HEAD + "? nodes\n: ? x\n  : {op: input, shape: [2]}\n")
    yield text("carriage-returns", GOOD.replace("\n", "\r\n"))


# ----------------------------------------------------------------------------------------- paths

USES = {
    "weights": lambda file: f"{GOOD}weights: {{file: {file}, partial: true}}\n",
    "parameter": lambda file: node(
        f"op: affine, inputs: x, units: 3, weight: {{file: {file}, key: a}}"
    ),
    "example": lambda file: example(f"{{file: {file}, key: a}}", "[[1, 1, 1]]"),
    "npz": lambda file: trained(f"{{npz: {{file: {file}, x: a, t: a}}}}"),
    "csv": lambda file: trained(f"{{csv: {file}}}"),
    "idx": lambda file: trained(f"{{idx: [{file}, {file}]}}"),
    "folder": lambda file: trained(f"{{folder: {file}}}"),
}
SECRET = "../outside/secret.npz"


def trained(data: str) -> str:
    """A classifier of two numbers with training data."""
    return (
        f"{HEAD}nodes:\n{X}  t: {{op: input, shape: [batch], dtype: int}}\n"
        "  y: {op: affine, inputs: x, units: 3}\n"
        "  loss: {op: cross_entropy, inputs: [y, t], allow: not-probabilities}\n"
        f"train: {{data: {data}, loss: loss, metrics: {{accuracy: [y, t]}}}}\n"
    )


def _paths() -> Iterator[Hostile]:
    absolute = "/etc/passwd"
    outside = {
        "above": (f"{SECRET}", None),
        "absolute": (absolute, None),
        "link": ("w.npz", lambda f: (f / "w.npz").symlink_to(f.parent / "outside" / "secret.npz")),
        "linked-folder": (
            "d/secret.npz",
            lambda f: (f / "d").symlink_to(f.parent / "outside", True),
        ),
        "device": ("w.npz", lambda f: (f / "w.npz").symlink_to("/dev/zero")),
        "winding": ("a/../../outside/secret.npz", None),
    }
    for use, spec in USES.items():
        for name, (file, prepare) in outside.items():
            yield _path(f"outside-{use}-{name}", spec(file), prepare, "file-outside")
    special = {
        "fifo": lambda f: os.mkfifo(f / "w.npz"),
        "socket": _socket,
        "directory": lambda f: (f / "w.npz").mkdir(),
    }
    for use in ("weights", "npz", "csv", "idx", "example"):
        for name, prepare in special.items():
            code = "unreadable-file" if name == "socket" else "not-a-file"
            yield _path(f"{name}-{use}", USES[use]("w.npz"), prepare, code)
    loop = lambda f: (f / "w.npz").symlink_to(f / "w.npz")  # noqa: E731
    yield _path("link-to-itself", USES["weights"]("w.npz"), loop, "bad-file-name")
    for number, name in enumerate(('"a\\0b.npz"', f"{'x' * 5000}.npz", f"{'d/' * 3000}w.npz")):
        yield _path(f"file-name-{number}", USES["weights"](name), None, *FILE_NAMES[number])
    for number, name in enumerate(('""', "'.'", "./", "d/..")):
        yield _path(f"file-name-folder-{number}", USES["weights"](name), None, "not-a-file")
    for number, name in enumerate(("w.pkl", "w.npy", "w.pt", "w", "net.yaml")):
        yield _path(f"file-name-kind-{number}", USES["weights"](name), None, "unknown-format")
    other = {
        "'~/w.npz'": "file-outside",
        "'$HOME/w.npz'": "no-such-file",
        "'file:///w.npz'": "bad-file-name",
        "'C:\\w.npz'": "file-outside",
    }
    for number, (name, code) in enumerate(other.items()):
        yield _path(f"file-name-other-{number}", USES["weights"](name), None, code)
    yield _path("folder-itself-fifo", USES["folder"]("w.npz"), special["fifo"], "not-a-folder")
    yield _path("folder-itself", USES["folder"]("."), None, "no-classes")


FILE_NAMES = (("bad-file-name",), ("unreadable-file",), ("unreadable-file",))


def _path(name: str, spec: str, prepare: Write | None, *codes: str) -> Hostile:
    def write(folder: Path) -> None:
        (folder / "net.yaml").write_text(spec)
        if prepare is not None:
            prepare(folder)

    return Hostile(name, write, codes)


def _socket(folder: Path) -> None:
    # By a short name: that of a socket has at most 108 bytes.
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("w.npz")
    finally:
        os.chdir(here)


def _folders() -> Iterator[Hostile]:
    def linked(folder: Path) -> None:
        (folder / "net.yaml").symlink_to(folder.parent / "outside" / "secret.yaml")

    yield Hostile("checked-folder-link", linked, ("file-outside",), ("check", "."))

    def fifo(folder: Path) -> None:
        os.mkfifo(folder / "net.yaml")

    yield Hostile("checked-folder-fifo", fifo, ("not-a-file",), ("check", "."))
    yield Hostile("checked-fifo", fifo, ("not-a-file",))

    def loop(folder: Path) -> None:
        (folder / "a").mkdir()
        (folder / "a" / "b").symlink_to(folder, True)

    yield Hostile("checked-folder-loop", loop, ("no-such-file",), ("check", "."))


# --------------------------------------------------------------------------------------- archives


def npy(array: np.ndarray) -> bytes:
    """The array as NumPy saves it."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue()


def header(shape: str = "(2,)", descr: str = "'<f8'") -> bytes:
    """A header of .npy."""
    line = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line


def packed(method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    """A zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content, method)
    return stream.getvalue()


@functools.cache
def bomb(size: int, name: str = "a") -> bytes:
    """A zip archive that would unpack to `size` zeros, honestly declared."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        head = header(f"({size // 8},)")
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            member.write(head)
            for _ in range(size // MIB):
                member.write(bytes(MIB))
    return stream.getvalue()


def patched(content: bytes, place: int, form: str, value: int) -> bytes:
    """`content` with a number of the zip's directory changed, `place` bytes after its signature."""
    changed = bytearray(content)
    start = changed.rindex(b"PK\x01\x02") + place
    struct.pack_into(form, changed, start, value)
    return bytes(changed)


def safetensors(head: object, data: bytes = b"") -> bytes:
    """A file of that table of contents."""
    line = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(line)) + line + data


def tensor(shape: list[object], end: int, dtype: str = "F64", start: int = 0) -> dict[str, object]:
    """An entry of such a table."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


class Planted:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch ../outside/ran",)


def _weights() -> Iterator[Hostile]:
    good = packed(a=npy(np.ones(2)))
    broken = {
        "no-zip": (b"hello", "not-npz"),
        "nothing": (b"", "not-npz"),
        "cut-off": (good[:-9], "truncated-file"),
        "cut-before": (good[30:], "broken-file"),
        "npy": (npy(np.ones(2)), "not-npz"),
        "pickle": (b"\x80\x04cos\nsystem\n(S'ls'\ntR.", "not-npz"),
        "objects": (packed(a=npy(np.array([Planted()], object))), "pickled-array"),
        "objects-in-a-shape": (packed(a=header("(2,)", "'|O'") + bytes(16)), "pickled-array"),
        "texts": (packed(a=npy(np.array(["ab"]))), "not-numbers"),
        "dates": (packed(a=npy(np.array(["2024"], "datetime64[D]"))), "not-numbers"),
        "records": (packed(a=npy(np.zeros(2, [("x", "f8")]))), "not-numbers"),
        "a-call": (packed(a=header("__import__('os').getcwd()") + bytes(16)), "broken-file"),
        "deep-header": (packed(a=header("(" * 9000) + bytes(16)), "broken-file"),
        "negative": (packed(a=header("(-2,)") + bytes(16)), "broken-file"),
        "beyond-memory": (packed(a=header("(2**62, 2**62)") + bytes(16)), "broken-file"),
        "too-short": (packed(a=header("(3,)") + bytes(16)), "broken-file"),
        "too-long": (packed(a=header("(1,)") + bytes(16)), "broken-file"),
        "bzip2": (packed(zipfile.ZIP_BZIP2, a=npy(np.ones(2))), "broken-file"),
        "lzma": (packed(zipfile.ZIP_LZMA, a=npy(np.ones(2))), "broken-file"),
        "encrypted": (patched(good, 8, "<H", 1), "broken-file"),
        "checksum": (patched(good, 16, "<I", 1), "broken-file"),
        "size-declared": (patched(good, 24, "<I", (1 << 31) + 1), "data-too-large"),
        "offset-beyond": (patched(good, 42, "<I", 1 << 30), "broken-file"),
        "twice": (_twice(), "broken-file"),
        "bomb-of-300-mib": (bomb(300 * MIB), "data-too-large"),
        "many-members": (_many_members(), "not-npz"),
    }
    for name, (content, code) in broken.items():
        for use in ("parameter", "npz"):
            yield _file(f"npz-{name}-{use}", USES[use]("w.npz"), "w.npz", content, code)
    zeros = bomb(200 * MIB, "y.weight")
    yield _file("npz-of-another-shape", USES["weights"]("w.npz"), "w.npz", zeros, "wrong-shape")
    lost = patched(good, 20, "<I", 1 << 30)  # a length that nobody needs
    yield _file("npz-packed-beyond", USES["parameter"]("w.npz"), "w.npz", lost, "shape-mismatch")
    slip = packed(**{"../../outside/evil": npy(np.ones(2)), "/etc/passwd": npy(np.ones(2))})
    yield _file("npz-slip", USES["weights"]("w.npz"), "w.npz", slip, "unknown-parameter")
    strange = packed(**{f"p{n}": npy(np.ones(1)) for n in range(3000)})
    yield _file(
        "npz-of-3000-strangers",
        USES["weights"]("w.npz"),
        "w.npz",
        strange,
        "too-many-faults",
        "unknown-parameter",
    )
    yield from _tensors()


def _twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npy", npy(np.ones(2)))
        archive.writestr("a", npy(np.ones(2)))
    return stream.getvalue()


def _many_members() -> bytes:
    whole = packed(a=npy(np.ones(1)))
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry, tail = whole[start:end], bytearray(whole[end:])
    count = 12 * MIB // len(entry)
    struct.pack_into("<HHI", tail, 8, count & 0xFFFF, count & 0xFFFF, count * len(entry))
    return whole[:start] + entry * count + bytes(tail)


def _tensors() -> Iterator[Hostile]:
    names = {"y.weight": tensor([2, 3], 48), "y.bias": tensor([3], 72, start=48)}
    broken: dict[str, bytes] = {
        "nothing": b"",
        "length-alone": struct.pack("<Q", 8),
        "length-of-0": struct.pack("<Q", 0),
        "length-beyond": struct.pack("<Q", 2**63 + 1),
        "length-of-a-gib": struct.pack("<Q", 1 << 30) + bytes(99),
        "no-json": safetensors(b"{hello"),
        "nan": safetensors(b'{"a": NaN}'),
        "deep": safetensors(b'{"a":' * MIB),
        "latin-1": safetensors(b'{"caf\xe9": 1}'),
        "list": safetensors([1]),
        "number": safetensors({"a": 1}),
        "cut-off": safetensors({"y.bias": tensor([3], 24)}, bytes(23)),
        "too-long": safetensors({"y.bias": tensor([3], 24)}, bytes(25)),
        "gap": safetensors({"y.bias": tensor([3], 32, start=8)}, bytes(32)),
        "overlap": safetensors(
            {"y.weight": tensor([2, 3], 48), "y.bias": tensor([3], 48, start=24)}, bytes(48)
        ),
        "shape": safetensors({"y.bias": tensor([4], 24)}, bytes(24)),
        "negative": safetensors({"y.bias": tensor([-1, -3], 24)}, bytes(24)),
        "fraction": safetensors({"y.bias": tensor([3.0], 24)}, bytes(24)),
        "digits": safetensors(b'{"a": {"dtype": "F64", "shape": [' + b"9" * 5000 + b"]}}"),
        "shape-beyond": safetensors({"y.bias": tensor([2**62, 2**62], 24)}, bytes(24)),
        "backwards": safetensors({"y.bias": tensor([3], 0, start=24)}, bytes(24)),
        "type": safetensors({"y.bias": tensor([3], 24, "PICKLE")}, bytes(24)),
        "twice": safetensors(
            b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
            b'"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
        ),
        "metadata": safetensors({"__metadata__": {"a": {}}}),
        "pickle": b"\x80\x04cos\nsystem\n(S'ls'\ntR.",
        "zip": packed(a=npy(np.ones(2))),
        "many": safetensors(b"{" + b",".join(b'"%d":0' % n for n in range(900_000)) + b"}"),
    }
    for name, content in broken.items():
        yield _file(
            f"tensors-{name}",
            USES["weights"]("w.safetensors"),
            "w.safetensors",
            content,
            "broken-file",
        )
    sound = {
        "complex": ({**names, "y.bias": tensor([3], 72, "C64", 48)}, bytes(72), "not-numbers"),
        "another-shape": ({"y.bias": tensor([9], 72)}, bytes(72), "wrong-shape"),
        "stranger": ({"z": tensor([3], 24)}, bytes(24), "unknown-parameter"),
        "many-axes": ({"y.bias": tensor([1] * 99, 8)}, bytes(8), "wrong-shape"),
    }
    for name, (head, data, code) in sound.items():
        content = safetensors(head, data)
        yield _file(
            f"tensors-{name}", USES["weights"]("w.safetensors"), "w.safetensors", content, code
        )

    def sparse(folder: Path, head: object, size: int) -> None:
        (folder / "net.yaml").write_text(USES["weights"]("w.safetensors"))
        with (folder / "w.safetensors").open("wb") as stream:
            start = safetensors(head)
            stream.write(start)
            stream.truncate(len(start) + size)

    size = 3 << 30
    yield Hostile(
        "tensors-of-3-gib",
        lambda folder: sparse(folder, {"y.weight": tensor([size // 8], size)}, size),
        ("wrong-shape",),
    )
    yield Hostile("tensors-of-zeros", lambda folder: sparse(folder, b"", 2 << 30), ("broken-file",))


def _file(name: str, spec: str, file: str, content: bytes, *codes: str) -> Hostile:
    def write(folder: Path) -> None:
        (folder / "net.yaml").write_text(spec)
        (folder / file).write_bytes(content)

    return Hostile(name, write, tuple(sorted(codes)))


# ------------------------------------------------------------------------------------------- data


def idx(kind: int, shape: tuple[int, ...], data: bytes = b"") -> bytes:
    """An IDX file."""
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


def _data() -> Iterator[Hostile]:
    rows = "x.0,x.1,t\n"
    tables: dict[str, tuple[bytes, str]] = {
        "nothing": (b"", "no-header"),
        "header-alone": (rows.encode(), "no-rows"),
        "latin-1": (rows.encode() + b"caf\xe9,1,1\n", "not-text"),
        "nul": (rows.encode() + b"1,2\0,1\n", "not-a-number"),
        "ragged": (rows.encode() + b"1,2\n", "ragged-row"),
        "nan": (rows.encode() + b"nan,1,1\n", "not-a-number"),
        "infinite": (rows.encode() + b"1e999,1,1\n", "not-a-number"),
        "underscore": (rows.encode() + b"1_000,1,1\n", "not-a-number"),
        "fraction": (rows.encode() + b"1,1,0.5\n", "not-a-number"),
        "huge-class": (rows.encode() + b"1,1,1e300\n", "not-whole"),
        "formula": (rows.encode() + b"=cmd|'/c calc'!A0,1,1\n", "not-a-number"),
        "quote": (rows.encode() + b'"' + b"x" * 4 * MIB, "not-csv"),
        "long-cell": (rows.encode() + b"1" * 4 * MIB + b",1,1\n", "not-csv"),
        "many-columns": (
            b",".join(b"c%d" % n for n in range(200_000)) + b"\n1" + b",1" * 199_999,
            "missing-column",
        ),
        "many-bad-rows": (rows.encode() + b"a,b,c\n" * 500_000, "not-a-number"),
        "gzip-cut-off": (gzip.compress(rows.encode() * 9, mtime=0)[:-9], "truncated-file"),
        "gzip-broken": (b"\x1f\x8b" + bytes(99), "broken-file"),
        "gzip-bomb": (gzip.compress(b"1,1,1\n" * (3 * MIB), 9, mtime=0), "data-too-large"),
        "gzip-lines": (gzip.compress(b"\n" * (16 * MIB), 9, mtime=0), "data-too-large"),
        "zip": (packed(a=npy(np.ones(2))), "unknown-format"),
    }
    for name, (content, code) in tables.items():
        spec = trained("{csv: rows.csv}")
        yield _file(f"csv-{name}", spec, "rows.csv", content, code)
    files: dict[str, tuple[bytes, str]] = {
        "nothing": (b"", "not-idx"),
        "text": (b"hello", "not-idx"),
        "type": (idx(7, (2, 2)), "not-idx"),
        "axes": (bytes([0, 0, 8, 255]) + bytes(1020), "not-idx"),
        "header": (bytes([0, 0, 8, 3, 0, 0]), "truncated-file"),
        "none": (idx(8, (0, 2)), "no-rows"),
        "beyond": (idx(8, (2**32 - 1,) * 3), "data-too-large"),
        "declared": (idx(8, (1 << 30, 2)), "truncated-file"),
        "too-long": (idx(8, (2, 2), bytes(5)), "broken-file"),
        "bomb": (
            gzip.compress(idx(8, (1 << 23, 2)) + bytes(1 << 24), 9, mtime=0),
            "data-too-large",
        ),
        "gzip": (gzip.compress(idx(8, (2, 2), bytes(4)), mtime=0)[:-6], "truncated-file"),
    }
    for name, (content, code) in files.items():
        yield _file(f"idx-{name}", trained("{idx: [w, w]}"), "w", content, code)
    nan = packed(x=npy(np.full((2, 2), np.nan)), t=npy(np.zeros(2, int)))
    yield _file("npz-nan", trained("{npz: w.npz}"), "w.npz", nan, "not-finite")
    half = packed(x=npy(np.ones((2, 2))), t=npy(np.full(2, 0.5)))
    yield _file("npz-half", trained("{npz: w.npz}"), "w.npz", half, "not-whole")
    uneven = packed(x=npy(np.ones((2, 2))), t=npy(np.zeros(3, int)))
    yield _file("npz-uneven", trained("{npz: w.npz}"), "w.npz", uneven, "row-mismatch")
    none = packed(x=npy(np.ones((0, 2))), t=npy(np.zeros(0, int)))
    yield _file("npz-none", trained("{npz: w.npz}"), "w.npz", none, "no-rows")
    yield from _images()


def png(width: int, height: int, *, data: bytes | None = None, extra: bytes = b"") -> bytes:
    """A grey PNG image, all black where `data` does not say otherwise."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes((width + 1) * height), 1) if data is None else data
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@functools.cache
def _zeros() -> bytes:
    return zlib.compress(bytes(80 * MIB), 1)


@functools.cache
def pictures() -> dict[str, tuple[bytes, str]]:
    """Images at fault."""
    return {
        "nothing": (b"", "not-an-image"),
        "text": (b"hello", "not-an-image"),
        "jpeg": (b"\xff\xd8\xff\xe0" + bytes(99), "broken-file"),
        "webp": (b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(99), "broken-file"),
        "bmp": (b"BM" + bytes(99), "broken-file"),
        "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-an-image"),
        "cut-off": (png(2, 1)[:-9], "truncated-file"),
        "wide": (png(2**31 - 1, 1, data=b""), "data-too-large"),
        "beyond": (png(2**32 - 1, 2**32 - 1, data=b""), "data-too-large"),
        "none": (png(0, 0, data=b""), "broken-file"),
        "bomb": (png(8000, 8000, data=zlib.compress(bytes(8001 * 8000), 9)), "data-too-large"),
        "no-data": (png(2, 1, data=b""), "broken-file"),
        "bad-data": (png(2, 1, data=b"\x78\x9cgarbage"), "broken-file"),
        "text-bomb": (png(2, 1, extra=chunk(b"zTXt", b"a\0\0" + _zeros())), "broken-file"),
        "profile-bomb": (png(2, 1, extra=chunk(b"iCCP", b"a\0\0" + _zeros())), "broken-file"),
        "checksum": (
            png(2, 1).replace(b"IDAT", b"IDAT", 1)[:-20] + bytes(8) + png(2, 1)[-12:],
            "broken-file",
        ),
    }


def _images() -> Iterator[Hostile]:
    spec = trained("{folder: pictures}")

    def put(content: bytes, folder: Path) -> None:
        (folder / "net.yaml").write_text(spec)
        for kind in ("a", "b"):
            (folder / "pictures" / kind).mkdir(parents=True)
            (folder / "pictures" / kind / "1.png").write_bytes(png(2, 1))
        (folder / "pictures" / "b" / "2.png").write_bytes(content)

    for name, (content, code) in pictures().items():
        yield Hostile(f"folder-{name}", lambda f, c=content: put(c, f), (code,))
    another = png(3, 1)
    yield Hostile("folder-another-size", lambda f: put(another, f), ("wrong-size",))

    def prepared(folder: Path, change: Write) -> None:
        put(png(2, 1), folder)
        (folder / "pictures" / "b" / "2.png").unlink()
        change(folder)

    secret = Path("outside") / "secret.png"
    for name, change, code in (
        (
            "link",
            lambda f: (f / "pictures" / "b" / "3.png").symlink_to(f.parent / secret),
            "file-outside",
        ),
        (
            "linked-class",
            lambda f: (f / "pictures" / "c").symlink_to(f.parent / "outside", True),
            "file-outside",
        ),
        ("fifo", lambda f: os.mkfifo(f / "pictures" / "b" / "3.png"), "not-a-file"),
        ("inner", lambda f: (f / "pictures" / "b" / "3.png").mkdir(), "not-a-file"),
        ("stranger", lambda f: (f / "pictures" / "b" / "3.exe").touch(), "not-an-image"),
        ("no-images", lambda f: (f / "pictures" / "c").mkdir(), "no-rows"),
        ("circle", lambda f: (f / "pictures" / "b" / "3.png").symlink_to("3.png"), "bad-file-name"),
    ):
        yield Hostile(f"folder-{name}", lambda f, c=change: prepared(f, c), (code,))


# ------------------------------------------------------------------------ checkpoints, predictions


def _checkpoints() -> Iterator[Hostile]:
    spec = (
        f"{HEAD}nodes:\n  w: {{op: parameter, value: [1, 2]}}\n  f: {{op: sum, inputs: w}}\n"
        "train: {loss: f, epochs: 2}\n"
    )
    names = {"w.value": tensor([2], 16), "//path": tensor([2, 2], 48, start=16)}

    def put(folder: Path, content: bytes | None) -> None:
        (folder / "net.yaml").write_text(spec)
        (folder / "run").mkdir()
        if content is None:
            os.mkfifo(folder / "run" / "checkpoint.safetensors")
        else:
            (folder / "run" / "checkpoint.safetensors").write_bytes(content)

    def recorded(record: object) -> bytes:
        if isinstance(record, dict):
            arrays = {"w.value": np.zeros(2), "//path": np.zeros((2, 2))}
            record = {**record, "digest": digest(arrays, record)}
        text = record if isinstance(record, str) else json.dumps(record)
        return safetensors({"__metadata__": {"graphnn": text}, **names}, bytes(48))

    state = np.random.default_rng(0).bit_generator.state
    sound = {
        "steps": 1,
        "epoch": 1,
        "history": [{"loss": 1.0}],
        "rng": state,
        "noise": state,
        "spec": "x",
    }
    broken: dict[str, bytes | None] = {
        "nothing": b"",
        "pickle": b"\x80\x04cos\nsystem\n(S'touch ../outside/ran'\ntR.",
        "no-record": safetensors(names, bytes(48)),
        "no-json": recorded("{"),
        "deep": recorded("[" * 100_000),
        "list": recorded([]),
        "empty": recorded({}),
        "infinite": recorded({**sound, "epoch": float("inf")}),
        "history": recorded({**sound, "history": [{"loss": []}]}),
        "history-of-others": recorded({**sound, "history": []}),
        "generator": recorded({**sound, "rng": {**state, "bit_generator": "MT19937"}}),
        "generator-state": recorded(
            {**sound, "rng": {**state, "state": {"state": -1, "inc": 2**999}}}
        ),
        "generator-text": recorded({**sound, "noise": "os.system"}),
        "digits": recorded('{"epoch": ' + "9" * 9000 + "}"),
    }
    for name, content in broken.items():
        yield _resumed(name, lambda f, c=content: put(f, c), "broken-file")
    yield _resumed("fifo", lambda f: put(f, None), "not-a-file")
    yield _resumed("of-another-spec", lambda f: put(f, recorded(sound)), "different-spec")


def _resumed(name: str, put: Write, code: str) -> Hostile:
    """A run to resume, whose folder is locked meanwhile."""
    command = ("train", "net.yaml", "--output", "run", "--resume")
    return Hostile(f"checkpoint-{name}", put, (code,), command, writes=True)


def _pictures() -> Iterator[Hostile]:
    spec = trained("{npz: rows.npz}")
    command = ("predict", "net.yaml", "--weights", "w.safetensors", "picture.png")
    weights = safetensors(
        {"y.weight": tensor([2, 3], 48), "y.bias": tensor([3], 72, start=48)}, bytes(72)
    )

    def put(folder: Path, content: bytes | None) -> None:
        (folder / "net.yaml").write_text(spec)
        (folder / "w.safetensors").write_bytes(weights)
        if content is None:
            os.mkfifo(folder / "picture.png")
        else:
            (folder / "picture.png").write_bytes(content)

    for name, (content, code) in pictures().items():
        yield Hostile(f"predict-{name}", lambda f, c=content: put(f, c), (code,), command)
    yield Hostile("predict-another-size", lambda f: put(f, png(3, 3)), ("wrong-width",), command)
    yield Hostile("predict-fifo", lambda f: put(f, None), ("not-a-file",), command)
    weighted = (*command[:4], "rows.npz")

    def rows(folder: Path, content: bytes) -> None:
        put(folder, b"")
        (folder / "rows.npz").write_bytes(content)

    for name, content, code in (
        ("objects", packed(x=npy(np.array([Planted()], object))), "pickled-array"),
        ("bomb", bomb(300 * MIB), "data-too-large"),
        ("nan", packed(x=npy(np.full((2, 2), np.nan))), "not-finite"),
        ("no-zip", b"hello", "not-npz"),
    ):
        yield Hostile(f"predict-rows-{name}", lambda f, c=content: rows(f, c), (code,), weighted)


# ------------------------------------------------------------------------------- other commands

COMMANDS: dict[str, tuple[str, ...]] = {
    "fmt": ("fmt", "net.yaml"),
    "to-json": ("convert", "net.yaml", "-o", "out.json"),
    "to-yaml": ("convert", "net.yaml", "-o", "out.yaml"),
    "diff": ("diff", "net.yaml", "good.yaml"),
    "diff-with": ("diff", "good.yaml", "net.yaml"),
    "show": ("show", "net.yaml"),
    "draw": ("draw", "net.yaml", "-o", "out.dot"),
    "test": ("test", "net.yaml"),
    "edit": ("edit", "net.yaml"),  # what the language server does with a text
}


def _other_commands() -> Iterator[Hostile]:
    """What the reader refuses, and what it takes but is hard, for each command that reads specs."""
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    refused: dict[str, tuple[Callable[[], str], str]] = {
        "deep": (lambda: f"{GOOD}name: {'[' * 300_000}", "too-deep"),
        "laughs": (lambda: GOOD + "\n".join(laughs), "too-many-values"),
        "cyclic": (lambda: f"{GOOD}name: &a [*a]\n", "cyclic-alias"),
        "tag": (lambda: f"{GOOD}name: !!python/name:os.system x\n", "tag-not-allowed"),
        "nul": (lambda: f"{GOOD}name: a\0b\n", "bad-character"),
        "twice": (lambda: f"{GOOD}{HEAD}", "duplicate-key"),
        "infinite": (lambda: f"{GOOD}name: .inf\n", "non-finite-number"),
        "unclosed": (lambda: GOOD + "name: '" + "x '' " * 300_000, "yaml-syntax"),
    }
    for kind, command in COMMANDS.items():
        for name, (content, code) in refused.items():
            yield _given(f"{kind}-{name}", kind, command, content, code)
        for name, content in HARD.items():
            yield _given(f"{kind}-{name}", kind, command, content)
    for kind in ("fmt", "to-json", "to-yaml"):
        comments = _given(
            f"{kind}-comments",
            kind,
            COMMANDS[kind],
            lambda: GOOD + "# x\n" * 3_000_000,
            "too-many-comments",
        )
        yield replace(comments, large=True)
    # As much as the reader takes: memory alone is at stake.
    most = _given("to-json-most", "to-json", COMMANDS["to-json"], lambda: _numbers(800_000))
    yield replace(most, cost=4 * LARGE)
    # Looking for the longest stretch in common again and again takes minutes here.
    repeated = "".join(f"  # {n * 7 % 150}\n  n{n}: {{op:  relu,inputs: x}}\n" for n in range(5000))
    shown = _given("fmt-diff", "fmt", ("fmt", "--diff", "net.yaml"), lambda: GOOD + repeated)
    yield replace(shown, exits=1)
    yield _given(
        "diff-renamed",
        "diff",
        ("diff", "net.yaml", "other.yaml"),
        lambda: _chain("a", 3000),
        other=lambda: _chain("b", 3000),
    )
    for name, given, code in (
        ("zeros", "{zeros: [1099511627776, 2]}", "too-large"),
        ("ragged", "[[1, 2], [3]]", "ragged-array"),
        ("bomb", "{file: w.npz, key: a}", "data-too-large"),
    ):
        spec = example(given, "{sum: 1}")
        yield replace(
            _file(f"test-{name}-given", spec, "w.npz", bomb(300 * MIB), code),
            command=COMMANDS["test"],
        )


def _numbers(count: int) -> str:
    numbers = ", ".join(str(number % 97) for number in range(count))
    return f"{GOOD}  c: {{op: constant, value: [{numbers}]}}\n"


def _chain(name: str, length: int) -> str:
    rows = (f"  {name}{n + 1}: {{op: relu, inputs: {name}{n}}}\n" for n in range(length))
    return f"{HEAD}nodes:\n  {name}0: {{op: input, shape: [2]}}\n{''.join(rows)}"


HARD: dict[str, Callable[[], str]] = {
    "numbers": lambda: f"{_numbers(50_000)}allow: unread-node\n",
    "rows": lambda: (
        f"allow: unread-node\n{GOOD}  c:\n    op: constant\n    value:\n" + "    - 1\n" * 50_000
    ),
    "spaces": lambda: f"{GOOD}description: x{' ' * 1_000_000}y\n",
    "one-line": lambda: (
        f"{HEAD}nodes: {{x: {{op: input, shape: [2]}}, "
        + ", ".join(f"n{n}: {{op: relu, inputs: x}}" for n in range(1000))
        + "}\n"
    ),
    "text": lambda: f"{GOOD}description: |\n" + "  x\n" * 300_000,
    "aliases": lambda: (
        f"{HEAD}nodes:\n{X}  w: {{op: constant, value: &a [1.50]}}\n"
        f"  c: {{op: constant, value: [{'*a, ' * 20_000}*a]}}\n"
    ),
}


def _given(
    name: str,
    kind: str,
    command: tuple[str, ...],
    content: Callable[[], str],
    *codes: str,
    other: Callable[[], str] | None = None,
) -> Hostile:
    """A spec beside a good one, for a command that may write."""

    def put(folder: Path) -> None:
        (folder / "net.yaml").write_text(content())
        (folder / "good.yaml").write_text(GOOD)
        if other is not None:
            (folder / "other.yaml").write_text(other())

    differs = kind.startswith("diff")
    exits = (2 if codes else 1) if differs else None
    # An editor asks for a dozen things.
    cost, large = (LARGE, True) if kind == "edit" else (SMALL, not codes)
    return Hostile(name, put, codes, command, exits, not codes, cost, large)


def write(each: Hostile, root: Path) -> Path:
    """Put the files of `each` into a folder below `root`, beside what must not be looked into."""
    folder = root / each.name / "inside"
    folder.mkdir(parents=True)
    outside = root / each.name / "outside"
    outside.mkdir()
    (outside / "secret.npz").write_bytes(packed(a=npy(np.ones(2))))
    (outside / "secret.yaml").write_text(GOOD)
    (outside / "secret.png").write_bytes(png(2, 1))
    each.write(folder)
    return folder


if __name__ == "__main__":
    for each in corpus():
        write(each, Path(sys.argv[1]))
