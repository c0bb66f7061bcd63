"""Two networks in one diagram: what came, went and changed, by sign and dash as by colour."""

from __future__ import annotations

import pytest

import graphnn
from graphnn.diagnostics import UsageError
from graphnn.drawing.diagram.scene import Box, Path, Scene, Text
from graphnn.drawing.diagram.view import View
from places import SPECS
from scene_faults import faults

HEAD = "graphnn: 1\nname: digits\nnodes:\n"
OLD = (
    HEAD
    + """\
  x: {op: input, shape: [batch, 8]}
  a1: {op: affine, inputs: x, units: 5}
  z1: {op: sigmoid, inputs: a1}
  a2: {op: affine, inputs: z1, units: 3}
  z2: {op: sigmoid, inputs: a2}
  a3: {op: affine, inputs: z2, units: 2}
  y: {op: softmax, inputs: a3}
"""
)
NEW = (
    HEAD
    + """\
  x: {op: input, shape: [batch, 8]}
  a1: {op: affine, inputs: x, units: 6}
  r1: {op: relu, inputs: a1}
  a3: {op: affine, inputs: r1, units: 2}
  y: {op: softmax, inputs: a3}
"""
)


def compared(new: str, old: str):
    return graphnn.loads(new).draw(against=graphnn.loads(old))


def kinds(view: View) -> dict[str, str]:
    return {name: item.kind for name, item in view.items.items()}


def words(scene: Scene, node: str = "") -> list[str]:
    texts = [item for item in scene.items if isinstance(item, Text)]
    return [text.text for text in texts if not node or text.node == node]


def test_every_box_says_what_it_is():
    shown = compared(NEW, OLD)
    assert kinds(shown.view) == {
        **{"x": "", "a1": "changed", "r1": "added", "a3": "rewired", "y": ""},
        **{"z1": "removed", "a2": "removed", "z2": "removed"},
    }
    scene = shown.scene
    assert [words(scene, name)[0] for name in ("a1", "r1", "a2", "a3", "y")] == [
        *("~ a1", "+ r1", "− a2", "↔ a3", "y")
    ]
    assert words(scene, "a1")[-1] == "units 5 → 6"
    assert words(scene, "a3")[-1] == "reads [z2] → [r1]"
    assert words(scene)[:2] == ["digits", "71 → 68 parameters"]
    assert words(scene)[-4:] == ["+ added", "− removed", "~ changed", "↔ rewired"]


def test_kinds_differ_by_their_dashes_too():
    scene = compared(NEW, OLD).scene
    boxes = {item.node: item.ink for item in scene.items if isinstance(item, Box) and item.node}
    dashes = [boxes[name].dash for name in ("a1", "r1", "a2", "a3")]
    assert len(set(dashes)) == len({boxes[name].stroke for name in ("a1", "r1", "a2", "a3")}) == 4
    assert boxes["x"].width < boxes["a1"].width


def test_lines_that_came_are_solid_and_those_that_went_are_dashed():
    shown = compared(NEW, OLD)
    lines = {(each.source, each.target): each.kind for each in shown.view.edges}
    assert lines == {
        **{("x", "a1"): "", ("a3", "y"): "", ("a1", "r1"): "added", ("r1", "a3"): "added"},
        **{("a1", "z1"): "removed", ("z1", "a2"): "removed", ("a2", "z2"): "removed"},
        **{("z2", "a3"): "removed"},
    }
    paths = [item for item in shown.scene.items if isinstance(item, Path)]
    assert sorted(bool(path.ink.dash) for path in paths) == [False] * 4 + [True] * 4


def test_a_network_against_itself_has_no_difference():
    shown = compared(NEW, NEW)
    assert set(kinds(shown.view).values()) == {""}
    assert {edge.kind for edge in shown.view.edges} == {""}
    assert "the same" in shown.description


def test_what_has_another_name_is_one_box():
    shown = compared(NEW.replace("r1", "hidden"), NEW)
    assert kinds(shown.view) == {"x": "", "a1": "", "hidden": "changed", "a3": "", "y": ""}
    assert words(shown.scene, "hidden")[-1] == "was r1"


def test_more_copies_of_a_block_are_counted():
    new, old = (graphnn.load(SPECS / "residual_blocks.yaml", {"depth": depth}) for depth in (3, 2))
    for net, other, expected in ((new, old, "1 more copy"), (old, new, "1 fewer copy")):
        view = net.draw(against=other).view
        assert view.items["b1.1.s"].details == (expected,)
        assert view.items["b2.s"].kind == ""


def test_a_block_that_is_gone_stays_in_its_frame():
    block = "blocks:\n  b: {inputs: [v], nodes: {z: {op: tanh, inputs: v}}, output: z}\n"
    old = NEW.replace("nodes:\n", f"{block}nodes:\n").replace(
        "r1: {op: relu, inputs: a1}", "r1: {block: b, inputs: a1}"
    )
    view = compared(NEW, old).view
    assert view.items["r1.z"].frame == "r1"
    assert view.frames["r1"].title == "− r1"


@pytest.mark.parametrize("direction", ["down", "right"])
def test_nothing_overlaps(direction: str):
    shown = graphnn.loads(NEW).draw(against=graphnn.loads(OLD), direction=direction)
    assert faults(shown.scene) == []
    new, old = (graphnn.load(SPECS / f"{name}.yaml") for name in ("cnn_deep", "cnn"))
    assert faults(new.draw(against=old, direction=direction).scene) == []


def test_texts_have_the_signs_too():
    shown = compared(NEW, OLD)
    for format in ("dot", "mermaid"):
        text = shown.content(format).decode()
        assert "− z1" in text or "#8722; z1" in text
    assert "3 removed" in shown.description


def test_other_styles_refuse_it():
    with pytest.raises(UsageError) as caught:
        graphnn.loads(NEW).draw(against=graphnn.loads(OLD), style="textbook")
    assert str(caught.value) == (
        "error[bad-option]: the style 'textbook' does not read 'against'\n"
        "   = help: it is read by graph"
    )
