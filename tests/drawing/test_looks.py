"""Colours of a user's choice, and names as in formulas."""

from __future__ import annotations

import colorsys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import graphnn
from graphnn.diagnostics import SpecError
from graphnn.drawing.diagram import notation
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.scene import Box, Text
from graphnn.spec.colours import NAMED, colour_of
from places import SPECS

NET = """
graphnn: 1
blocks:
  pair:
    inputs: p
    nodes:
      a: {op: relu, inputs: p}
      b: {op: tanh, inputs: a}
    output: b
nodes:
  x1: {op: input, shape: [batch, 2]}
  a1: {op: affine, inputs: x1, units: 3}
  z1: {op: relu, inputs: a1}
  a2: {op: affine, inputs: z1, units: 3, weight: {share: a3.weight}}
  a3: {op: affine, inputs: a2, units: 3}
  h: {block: pair, inputs: a3}
"""


def fills(diagram) -> dict[str, str | None]:
    return {i.node: i.ink.fill for i in diagram.scene.items if isinstance(i, Box) and i.node}


def words(diagram) -> list[str]:
    return [item.text for item in diagram.scene.items if isinstance(item, Text)]


def test_a_node_has_its_colour_before_its_op_and_its_family():
    text = NET + "draw: {families: {linear: red}, ops: {relu: '#abc'}, nodes: {a2: '#123456'}}\n"
    found = fills(graphnn.loads(text).draw())
    plain = fills(graphnn.loads(NET).draw())
    assert found == {
        **plain,
        **{"a1": NAMED["red"], "a2": "#123456", "a3": NAMED["red"]},
        **{"z1": "#aabbcc", "h.a": "#aabbcc"},
    }


def test_a_look_goes_above_the_spec(tmp_path):
    net = graphnn.loads(NET + "draw: {ops: {relu: red, tanh: gold}}\n")
    file = tmp_path / "look.yaml"
    file.write_text("ops: {relu: '#000'}\n")
    for look in (file, str(file), {"ops": {"relu": "black"}}):
        found = fills(net.draw(look=look))
        assert (found["z1"], found["h.b"]) == ("#000000", NAMED["gold"])


def test_a_use_of_a_block_has_a_colour():
    net = graphnn.loads(NET)
    assert fills(net.draw(depth=0, look={"nodes": {"h": "teal"}}))["h"] == NAMED["teal"]
    frames = [
        item.ink.stroke
        for item in net.draw(look={"nodes": {"h": "teal"}}).scene.items
        if isinstance(item, Box) and item.node == "h"
    ]
    assert NAMED["teal"] in frames


def test_the_legend_shows_shapes_alone_where_colours_are_of_numbers():
    net = graphnn.loads(NET)
    shown = graphnn.trace(net, {"x1": [[1.0, 2.0]]}, show="values")
    scene = net.draw(look={"ops": {"tanh": "#ff8800"}}, legend=True, trace=shown).scene
    samples = [item for item in scene.items if isinstance(item, Box) and item.width == 22]
    assert {sample.ink.fill for sample in samples} == {"#ffffff"}
    texts = [item.text for item in scene.items if isinstance(item, Text) and not item.node]
    assert [text for text in texts if text in ("source", "linear", "activation", "tanh")] == [
        "source",
        "linear",
        "activation",
    ]


def test_the_legend_and_dot_show_them():
    net = graphnn.loads(NET)
    look = {"families": {"linear": "#010203"}, "ops": {"tanh": "#040506"}}
    scene = net.draw(look=look, legend=True).scene
    samples = [i.ink.fill for i in scene.items if isinstance(i, Box) and not i.node]
    assert {"#010203", "#040506"} <= set(samples)
    assert "tanh" in words(net.draw(look=look, legend=True))
    assert 'fillcolor="#010203"' in net.draw(look=look).content("dot").decode()


def refusal(look: object) -> str:
    with pytest.raises(SpecError) as caught:
        _ = graphnn.loads(NET).draw(look=look).scene
    return str(caught.value)


def test_wrong_looks():
    assert refusal({"nodes": {"a9": "red"}, "ops": {"rleu": "red"}}) == (
        "error[unknown-op]: there is no op 'rleu'\n   = help: did you mean 'relu'?\n\n"
        "error[unknown-node]: there is no node 'a9'"
    )
    assert refusal({"color": {}}).startswith("error[unknown-key]: a look has no key 'color'")
    assert refusal({"ops": {"relu": 3}}).startswith("error[bad-colour]: 3 is not a colour")


def test_a_colour_that_became_a_comment(tmp_path):
    file = tmp_path / "look.yaml"
    file.write_text("ops:\n  relu: #ff0000\n")
    message = refusal(file)
    assert message.startswith("error[bad-colour]: the colour of 'relu' is empty\n")
    assert "look.yaml:2:3" in message
    assert "'#' begins a comment where it is not in quotes" in message


def test_colours_as_they_are_written():
    assert [colour_of(text) for text in ("#FFF", "#a1B2c3", "Orange", "#12345", "rgb(0,0,0)")] == [
        *("#ffffff", "#a1b2c3", NAMED["orange"]),
        *(None, None),
    ]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@given(st.tuples(*[st.floats(0, 1)] * 3), st.sampled_from(sorted(THEMES)))
@example((0.0, 0.0, 0.4627), "light")
def test_text_can_be_read_on_any_colour(hsv, theme):
    fill = "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hsv_to_rgb(*hsv))
    tones = THEMES[theme].tones(fill)
    assert min(contrast(tones.ink, fill), contrast(tones.faint, fill)) >= 4.5
    assert contrast(tones.border, fill) >= 3


def test_names_as_in_formulas():
    found = words(graphnn.loads(NET).draw(mathematical=True))
    assert {"x₁", "a⁽¹⁾", "z⁽¹⁾", "W⁽¹⁾", "b⁽¹⁾", "= W⁽³⁾"} <= set(found)
    plain = words(graphnn.loads(NET).draw())
    assert {"x1", "a1", "weight", "= a3.weight"} <= set(plain)
    dot = graphnn.loads(NET + "draw: {mathematical: true}\n").draw().content("dot").decode()
    assert "a⁽²⁾  affine" in dot


@pytest.mark.parametrize(
    ("label", "op", "shown"),
    [
        ("x", "input", "x"),
        ("x_12", "input", "x₁₂"),
        ("x_t", "input", "xₜ"),
        ("x_b", "input", "x_b"),
        ("theta", "relu", "θ"),
        ("lambda2", "relu", "λ⁽²⁾"),
        ("Sigma", "relu", "Σ"),
        ("conv1", "relu", "conv1"),
        ("loss", "relu", "loss"),
    ],
)
def test_a_name_as_in_formulas(label: str, op: str, shown: str):
    nodes: dict[str, object] = {"i": {"op": "input", "shape": ["batch"]}}
    nodes[label] = (
        {"op": "input", "shape": ["batch"]} if op == "input" else {"op": op, "inputs": "i"}
    )
    node = graphnn.loads({"graphnn": 1, "nodes": nodes}).graph.node(label)
    assert notation.of_node(label, node) == shown


@pytest.mark.parametrize("style", ["textbook", "computation", "blocks"])
def test_other_styles_have_the_colours_too(style):
    net = graphnn.load(SPECS / "mnist.yaml")
    scene = net.draw(
        style=style, look={"families": {"linear": "#123456"}, "nodes": {"x": "#654321"}}
    ).scene
    fills = {item.ink.fill for item in scene.items if isinstance(item, Box)}
    assert "#123456" in fills
    assert ("#654321" in fills) == (style != "computation")  # where inputs are words alone
