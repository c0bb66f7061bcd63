"""What is said of an augmentation that makes no sense, to the letter."""

import numpy as np
import pytest

import graphnn
from augmented import SPEC, written
from graphnn.diagnostics import TrainingError
from tables import cases


def reported(text, tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.zeros((20, 30)), t=np.zeros(20, int))
    with pytest.raises(TrainingError) as caught:
        graphnn.train(graphnn.loads(text, folder=tmp_path))
    return str(caught.value)


def augment(options):
    start = SPEC.index("augment: ")
    return SPEC[:start] + f"augment: {options}" + SPEC[SPEC.index("\n", start) :]


def place(options, marked, help="", notes=(), line=14):
    """How a fault of the line ``augment`` is shown."""
    text = f"  augment: {options}"
    column = text.rindex(marked) + 1
    shown = [f"   --> <text>:{line}:{column}", "    |", f" {line} | {text}"]
    shown.append(f"    | {' ' * (column - 1)}{'^' * len(marked)}")
    shown += [f"    = note: {note}" for note in notes]
    return "\n".join([*shown, *([f"    = help: {help}"] if help else [])])


OPTIONS = "shift, rotate, zoom, flip, noise, fill, input, image"
IMAGE = "an image is a row of shape [height, width] or [channels, height, width]"


@cases(
    """
    options | message | marked | help
    {shfit: 1} | 'augment' has no option 'shfit' | shfit | did you mean 'shift'?
    {blur: 1} | 'augment' has no option 'blur' | blur | its options are $OPTIONS
    {shift: -1} | 'shift' of 'augment' must be at least 0, not -1 | -1 |
    {shift: 5} | a shift of 5 may leave nothing of an image of 'x' | 5
        | its rows are 1x6x5 = 30 values
    {shift: 20000} | 'shift' of 'augment' must be at most 10000, not 20000 | 20000 |
    {shift: 1.5} | 'shift' of 'augment' must be a whole number, not 1.5 | 1.5 |
    {rotate: 181} | 'rotate' of 'augment' must be at most 180, not 181 | 181 |
    {rotate: ten} | 'rotate' of 'augment' must be a number, not 'ten' | ten |
    {zoom: 1} | 'zoom' of 'augment' must be less than 1, not 1 | 1 |
    {noise: -0.1} | 'noise' of 'augment' must be at least 0, not -0.1 | -0.1 |
    {flip: vertcal}
        | 'flip' of 'augment' must be 'none', 'horizontal', 'vertical' or 'both', not 'vertcal'
        | vertcal | did you mean 'vertical'?
    {image: [28]} | 'image' of 'augment': an image is [height, width] or [channels, height, width]
        | [28] |
    {image: [28, 0]}
        | 'image' of 'augment': an image is [height, width] or [channels, height, width] | [28, 0] |
    {image: 28} | 'image' of 'augment': an image is [height, width] or [channels, height, width]
        | 28 |
    """,
    OPTIONS=OPTIONS,
)
def test_options_at_fault(options, message, marked, help, tmp_path):
    wanted = f"error[bad-augment]: {message}\n{place(options, marked, help)}"
    assert reported(augment(options), tmp_path) == wanted


def test_all_options_at_fault_are_reported_at_once(tmp_path):
    text = augment("{shfit: 1, rotate: 200, flip: up}")
    assert reported(text, tmp_path).count("error[bad-augment]") == 3


@cases(
    """
    options | message | marked | help | notes=
    {input: z} | 'input' of 'augment' names 'z', which takes no data | z | data feed x, t | ()
    {input: t} | 't' does not take images | t | $IMAGE | ("'t' takes whole numbers",)
    {image: [3, 5]} | no input takes images of 3x5 = 15 values | [3, 5] | $IMAGE
        | ("'x' takes 1x6x5 = 30 values a row", "'t' takes whole numbers")
    """,
    IMAGE=IMAGE,
)
def test_an_input_that_takes_no_images(options, message, marked, help, notes, tmp_path):
    shown = place(options, marked, help, notes)
    assert reported(augment(options), tmp_path) == f"error[no-images]: {message}\n{shown}"


def test_flat_rows_have_to_be_declared_as_images(tmp_path):
    text = augment("{shift: 1}").replace("[batch, 1, 6, 5]", "[batch, 36]")
    notes = ("'x' takes 36 values a row", "'t' takes whole numbers")
    help = "say that its rows are images, by image: [6, 6]"
    shown = place("{shift: 1}", "augment", help, notes)
    assert reported(text, tmp_path) == f"error[no-images]: no input takes images\n{shown}"


def test_two_inputs_of_images_are_ambiguous(tmp_path):
    text = augment("{shift: 1}").replace(
        "  t: ", "  z:    {op: input, shape: [batch, 6, 5]}\n  t: "
    )
    text = text.replace("inputs: f,", "inputs: s,").replace(
        "  a: ", "  g:    {op: flatten, inputs: z}\n  s:    {op: add, inputs: [f, g]}\n  a: "
    )
    text = text.replace("{npz: rows.npz}", "{npz: {file: rows.npz, x: x, z: x, t: t}}")
    shown = place("{shift: 1}", "augment", "say which, such as input: x", line=17)
    assert reported(text, tmp_path) == (
        f"error[no-images]: 'augment' could mean any of 'x', 'z'\n{shown}"
    )
    chosen = text.replace("{shift: 1}", "{shift: 1, input: z}")
    graphnn.train(graphnn.loads(chosen, {"epochs": 1}, folder=tmp_path))


def test_without_data_there_are_no_images():
    text = """
graphnn: 1
nodes:
  p: {op: parameter, value: [1.0, 2.0]}
  f: {op: sum, inputs: p}
train: {loss: f, augment: {shift: 1}}
"""
    with pytest.raises(TrainingError) as caught:
        graphnn.train(graphnn.loads(text))
    assert str(caught.value) == (
        "error[no-images]: the network trains without data, so without images\n"
        "  --> <text>:6:18\n"
        "   |\n"
        " 6 | train: {loss: f, augment: {shift: 1}}\n"
        "   |                  ^^^^^^^"
    )


def test_check_reports_it_too(tmp_path):
    spec = written(tmp_path)
    spec.write_text(augment("{shfit: 1}"))
    assert [found.code for found in graphnn.diagnose(spec)] == ["bad-augment"]
    spec.write_text(augment("{input: t}"))
    assert [found.code for found in graphnn.diagnose(spec)] == ["no-images"]
    # Options are reported even where the network is at fault.
    spec.write_text(augment("{shfit: 1}").replace("op: flatten", "op: flaten"))
    codes = [found.code for found in graphnn.diagnose(spec)]
    assert codes == ["unknown-op", "bad-augment"]
