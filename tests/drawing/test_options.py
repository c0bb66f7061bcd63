"""One record says what options a diagram has; a style is chosen by being there."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Annotated

import pytest

import graphnn
import graphnn.cli.commands.draw
from graphnn import drawing
from graphnn.cli.record_options import taking
from graphnn.diagnostics import DrawingError, UsageError
from graphnn.drawing.diagram import styles
from graphnn.drawing.diagram.options import DiagramOptions, ReadBy
from graphnn.drawing.diagram.scene import Scene
from graphnn.execution.options import Typed, typed

NET = "graphnn: 1\nnodes: {x: {op: input, shape: [batch, 2]}}\n"


@pytest.fixture
def net():
    return graphnn.loads(NET)


def refusal(net, **options: object) -> str:
    with pytest.raises(UsageError) as caught:
        net.draw(**options)
    return str(caught.value)


def test_an_option_is_a_field_of_the_record_and_nothing_else():
    record = {each.name for each in fields(DiagramOptions)}
    own = {"file", "output", "format", "alt", "watch", "set"}
    own |= {"show", "loss", "entries", "input", "inputs_file", "batch", "weights"}  # of numbers
    own |= {"against"}  # a file there, a network here
    for function, expected in (
        (drawing.draw, record | {"network", "path"}),
        (graphnn.cli.commands.draw.draw, typed(DiagramOptions).keys() | own),
    ):
        assert inspect.signature(function).parameters.keys() == expected


def test_a_new_option_reaches_the_command_line():
    @dataclass(frozen=True, kw_only=True)
    class More(DiagramOptions):
        curved: Annotated[bool, Typed("Bend lines.")] = False

    @taking(More)
    def command(chosen):
        return chosen["curved"]

    option = inspect.signature(command).parameters["curved"]
    assert (option.annotation, option.default.param_decls, option.default.help) == (
        bool,
        ("--curved",),
        "Bend lines.",
    )


def test_a_style_draws_what_it_likes(net, monkeypatch):
    module = ModuleType("plain")
    module.scene = lambda view, options: Scene(10.0, 20.0, (), title=options.style)
    monkeypatch.setitem(sys.modules, "graphnn.drawing.diagram.styles.plain", module)
    assert styles.style("plain").scene(None, DiagramOptions()).title == "graph"
    assert "graph" in styles.NAMES
    for name in styles.NAMES:
        assert callable(styles.style(name).scene)


def test_names_are_a_text_or_several(net):
    both = graphnn.loads(NET.replace("}}", "}, y: {op: relu, inputs: x}}"))
    assert both.draw(hide="x").view.items.keys() == both.draw(hide=["x"]).view.items.keys() == {"y"}
    assert net.draw(only="x").view == net.draw(only=("x",)).view == net.draw(only="x..x").view


def test_a_width_is_points_or_a_length(net):
    assert net.draw(width="1in").scene.width == net.draw(width=72).scene.width == 72


def test_wrong_values(net):
    assert refusal(net, style="grap", theme="drak") == (
        "error[bad-option]: there is no style 'grap'\n   = help: did you mean 'graph'?\n\n"
        "error[bad-option]: there is no theme 'drak'\n   = help: did you mean 'dark'?"
    )
    assert refusal(net, direction="up").endswith("\n   = help: use down, right")
    assert refusal(net, legend="yes") == (
        "error[bad-option]: 'legend' must be true or false, not 'yes'"
    )
    assert refusal(net, depth=-1) == (
        "error[bad-option]: 'depth' must be a whole number of at least 0, not -1"
    )
    for width in (0, -3.0, "84", "wide"):
        assert refusal(net, width=width) == (
            f"error[bad-option]: '{width}' is not a length\n"
            "   = help: write a number and a unit: 84mm, 8.4cm, 3.3in, 240pt or 320px"
        )


def test_an_option_that_the_style_does_not_read():
    @dataclass(frozen=True, kw_only=True)
    class More(DiagramOptions):
        curved: Annotated[bool, Typed("Bend lines."), ReadBy(("plain", "curly"))] = False

    assert More().curved is False
    with pytest.raises(UsageError) as caught:
        More(curved=True)
    assert str(caught.value) == (
        "error[bad-option]: the style 'graph' does not read 'curved'\n"
        "   = help: it is read by plain, curly"
    )


def nothing_drawn(net, **options: object) -> str:
    with pytest.raises(UsageError) as caught:
        _ = net.draw(**options).scene
    return str(caught.value)


@pytest.mark.parametrize("style", styles.NAMES)
def test_nothing_to_draw(style: str):
    net = graphnn.loads(NET.replace("}}", "}, y: {op: affine, inputs: x, units: 2}}"))
    assert nothing_drawn(net, style=style, only="y..x") == (
        "error[bad-option]: there is no path from 'y' to 'x'\n   = help: write x..y"
    )
    nothing = "error[bad-option]: no node is left to draw"
    assert nothing_drawn(net, style=style, hide="x,y") == nothing
    assert nothing_drawn(net, style=style, only="x", hide="x") == nothing


def test_no_way_either_way():
    net = graphnn.loads(NET.replace("}}", "}, t: {op: input, shape: []}}"))
    assert nothing_drawn(net, only="x..t") == "error[bad-option]: there is no path from 'x' to 't'"


@pytest.mark.parametrize("style", ["blocks", "textbook"])
def test_losses_alone_where_the_style_leaves_them_out(style: str):
    target = "}, t: {op: input, shape: [batch, 2]}, e: {op: mean_squared_error, inputs: [x, t]}}"
    net = graphnn.loads(NET.replace("}}", target))
    with pytest.raises(DrawingError) as caught:
        _ = net.draw(style=style, only="t,e").scene
    assert str(caught.value) == (
        f"error[unsuited-style]: the style '{style}' leaves out losses and targets, so that "
        "nothing is left to draw\n   = help: draw it in another style"
    )
