"""What the plots show, read back from the artists of their figures, and how they are saved."""

from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from docs_pages import docs_module
from graphnn.diagnostics import DrawingError, FileError
from graphnn.drawing.plots import style
from graphnn.drawing.plots.contours import path_on_contours
from graphnn.drawing.plots.history import curves
from graphnn.drawing.plots.keypoints import image_with_points
from graphnn.drawing.plots.sheets import image_sheet, mistakes, reconstructions
from graphnn.drawing.plots.study import step_study
from tables import cases

comparison = docs_module("plots.comparison").comparison
histograms = docs_module("plots.histograms").histograms
NAN, INF = math.nan, math.inf
ODD_TEXT = "cost $5 and $6 \\alpha_{x 数字 😀 مرحبا \N{COMBINING ACUTE ACCENT} \x1b[2J\t%s"
DIGITS = np.arange(6 * 28 * 28, dtype=np.uint64).reshape(6, 28, 28).astype(np.uint8)


def bowl(x: Any, y: Any) -> Any:
    return x**2 + y**2


PLOTS: dict[str, Callable[..., Figure]] = {
    "image_sheet": lambda **given: image_sheet(DIGITS, **given),
    "mistakes": lambda **given: mistakes(DIGITS, np.arange(6), np.zeros(6, int), **given),
    "image_with_points": lambda **given: image_with_points(DIGITS[0], [[1, 2]], **given),
    "comparison": lambda **given: comparison({"a run": {"loss": [3.0, 2.0, 1.0]}}, **given),
    "curves": lambda **given: curves({"loss": [3.0, 2.0, 1.0]}, **given),
    "path_on_contours": lambda **given: path_on_contours(bowl, [[-3, 4], [0, 1]], **given),
    "histograms": lambda **given: histograms({"row": {"column": [1.0, 2.0, 2.0]}}, **given),
    "step_study": lambda **given: step_study([0.1, 0.01], [1, 0.1], [1, 0.01], **given),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)


def texts(figure: Figure) -> list[str]:
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [axes.get_title("left"), *(text.get_text() for text in axes.texts)]
    return [text for text in found if text]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(DrawingError) as caught:
        make()
    return str(caught.value)


# Saving, for every plot


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Figure, Path]]:
    """A plot and the file of a suffix that it is in: saved once, since that is long."""

    @cache
    def save(plot: Callable[..., Figure], suffix: str) -> tuple[Figure, Path]:
        path = tmp_path_factory.mktemp("plots") / f"plot.{suffix}"
        return plot(path=path), path

    return save


@every_plot
def test_png_is_whole_and_crisp(plot: Callable[..., Figure], saved: Any) -> None:
    figure, path = saved(plot, "png")
    with Image.open(path) as image:
        image.load()
        assert image.size == tuple(int(side * 200) for side in figure.get_size_inches())
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels[0] == 255).all()  # white at the edges: nothing is cut off
    assert (pixels[-1] == 255).all()
    assert (pixels != 255).any()


@every_plot
def test_svg_and_pdf(plot: Callable[..., Figure], saved: Any, tmp_path: Path) -> None:
    root = ElementTree.parse(saved(plot, "svg")[1]).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    plot(path=tmp_path / "plot.PDF")
    content = (tmp_path / "plot.PDF").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.endswith(b"%%EOF\n")


@every_plot
@pytest.mark.parametrize(
    "suffix", ["svg", *(pytest.param(other, marks=pytest.mark.slow) for other in ("png", "pdf"))]
)
def test_same_plot_is_the_same_file(
    plot: Callable[..., Figure], suffix: str, saved: Any, tmp_path: Path
) -> None:
    second = tmp_path / f"second.{suffix}"
    plot(path=second)
    assert saved(plot, suffix)[1].read_bytes() == second.read_bytes()


@every_plot
def test_title_may_hold_any_text(plot: Callable[..., Figure], tmp_path: Path) -> None:
    # warnings are errors here: a missing glyph or mathtext in the text would fail
    figure = plot(path=tmp_path / "plot.png", title="cost $5 and $6 \x1b 数 é")
    shown = texts(figure)
    assert sum("$5 and $6 \N{REPLACEMENT CHARACTER}" in text for text in shown) == 1


@every_plot
def test_unknown_format_is_refused_before_any_work(plot: Callable[..., Figure]) -> None:
    assert refusal(lambda: plot(path=Path("plot.pgn"))) == (
        "error[unknown-format]: '.pgn' of 'plot.pgn' is not a format that pictures are written "
        "in\n   = help: did you mean '.png'? All formats: .png, .svg, .pdf"
    )


@every_plot
def test_failed_saving_leaves_what_was_there(
    plot: Callable[..., Figure], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plot.png"
    path.write_text("before")

    def half(figure: Figure, target: Any, **_options: Any) -> None:
        target.write(b"\x89PNG half")
        raise OSError("no more")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.raises(OSError, match="no more"):
        plot(path=path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["plot.png"]
    assert path.read_text() == "before"


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        curves({"loss": [1.0]}, path=tmp_path / "none" / "curves.png")
    assert str(caught.value) == (
        f"error[no-such-folder]: there is no folder '{tmp_path / 'none'}' to write into"
    )


@every_plot
def test_settings_of_the_caller_are_neither_used_nor_changed(
    plot: Callable[..., Figure], saved: Any, tmp_path: Path
) -> None:
    plain = saved(plot, "png")[1].read_bytes()
    with mpl.rc_context():
        mpl.rcParams.update(
            {
                "axes.facecolor": "red",
                "savefig.bbox": "tight",
                "lines.linewidth": 9,
                "font.size": 30,
            }
        )
        mine = dict(mpl.rcParams)
        plot(path=tmp_path / "other.png")
        assert dict(mpl.rcParams) == mine
    assert plain == (tmp_path / "other.png").read_bytes()


@every_plot
def test_without_matplotlib(plot: Callable[..., Figure], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.font_manager", "matplotlib.style"):
        monkeypatch.setitem(sys.modules, name, None)
    for known in (style._families, style._has_glyph, style._lookups):
        known.cache_clear()  # as before the first plot
    assert refusal(plot) == (
        "error[no-matplotlib]: plots need matplotlib, which is not installed\n"
        "   = help: pip install 'graphnn[plot]'"
    )


def test_without_matplotlib_no_height_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    def function(x: Any, y: Any) -> Any:
        raise AssertionError

    assert refusal(lambda: path_on_contours(function, [[0, 1]])).startswith("error[no-matplotlib]")


@pytest.mark.slow
def test_matplotlib_comes_with_the_first_plot_and_pyplot_never() -> None:
    script = (
        "import sys; import graphnn.drawing as p; assert 'matplotlib' not in sys.modules;"
        "p.curves({'loss': [1.0]}); p.path_on_contours(lambda x, y: x * y, [[0, 1]]);"
        "assert 'matplotlib.figure' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_fonts_that_are_installed_are_tried_for_missing_glyphs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # DejaVu Sans Mono stands for a font of another script
    monkeypatch.setattr(style, "_FALLBACKS", ("No Such Font", "DejaVu Sans Mono"))
    style._families.cache_clear()
    assert style._families() == ("DejaVu Sans", "DejaVu Sans Mono")
    style._families.cache_clear()


def test_text_that_a_plot_can_show() -> None:
    assert style.shown("é → ∂\n$x$ 数\t\x07") == "é → ∂\n$x$ \ufffd \ufffd"
    assert style.shown(7) == "7"


@pytest.mark.parametrize(
    ("value", "label"),
    [(1e-4, "10⁻⁴"), (1e20, "10²⁰"), (1.0, "10⁰"), (0.25, "0.25"), (0.0, ""), (NAN, ""), (INF, "")],
)
def test_labels_of_a_logarithmic_axis(value: float, label: str) -> None:
    assert style.decade_label(value) == label


# Image sheets


def test_sheet_shows_each_image_with_its_label() -> None:
    figure = image_sheet(DIGITS, ["a", "b", "c", "d", "e", 5], columns=4)
    (axes,) = figure.axes
    for shown, image in zip(axes.images, DIGITS, strict=True):
        np.testing.assert_array_equal(shown.get_array(), image)
        assert shown.get_clim() == (0, 255)
    assert texts(figure) == ["a", "b", "c", "d", "e", "5"]
    places = np.array([image.get_extent() for image in axes.images])  # left right bottom top
    assert len(set(places[:4, 3])) == len(set(places[4:, 3])) == 1  # rows of four and two
    np.testing.assert_allclose(places[:2, 0], places[4:, 0])  # below the first two
    for place, label in zip(places, axes.texts, strict=True):
        x, y = label.get_position()
        assert x == pytest.approx(place[:2].mean())
        assert 0 < y - place[2] < 0.25  # inches below the image
    np.testing.assert_allclose(places[:, 1] - places[:, 0], places[:, 2] - places[:, 3])


def test_sheet_keeps_inside_its_figure() -> None:
    for count, columns, label in (
        (1, None, "x"),
        (7, 3, "two\nlines"),
        (23, None, "x"),
        (3, 9, ""),
    ):
        figure = image_sheet(DIGITS[:1].repeat(count, axis=0), [label] * count, columns=columns)
        (axes,) = figure.axes
        width, height = figure.get_size_inches()
        assert axes.get_xlim() == (0, pytest.approx(width))
        assert axes.get_ylim() == (pytest.approx(height), 0)
        for image in axes.images:
            left, right, bottom, top = image.get_extent()
            assert 0 < left < right < width
            assert 0 < top < bottom < height
        assert all(text.get_position()[1] < height - 0.1 for text in axes.texts)


@pytest.mark.parametrize(
    "shape", [(2, 4, 5), (2, 4, 5, 1), (2, 1, 4, 5), (2, 4, 5, 3), (2, 3, 4, 5), (2, 3, 5, 3)]
)
def test_layouts_of_images(shape: tuple[int, ...]) -> None:
    values = np.linspace(0, 1, math.prod(shape)).reshape(shape)
    (axes,) = image_sheet(values).axes
    expected = values
    if shape in ((2, 4, 5, 1), (2, 1, 4, 5)):
        expected = values.reshape(2, 4, 5)
    if shape == (2, 3, 4, 5):  # channels first; (2, 3, 5, 3) could be either and is not
        expected = np.einsum("nchw->nhwc", values)
    for shown, image in zip(axes.images, expected, strict=True):
        np.testing.assert_allclose(shown.get_array(), image)


@pytest.mark.parametrize(
    ("values", "black", "white"),
    [
        (np.uint8([0, 51, 255]), 0, 255),
        (np.array([0.0, 0.2, 0.5]), 0, 1),
        (np.array([-1.0, 0.0, 3.0]), -1, 3),
        (np.array([0.0, 7.0, 9.0]), 0, 9),
        (np.array([-1.7e308, 0.0, 1.7e308]), -1.7e308, 1.7e308),
        (np.array([True, False, True]), 0, 1),
        (np.array([5.0, 5.0, 5.0]), 5, 6),
        (np.int64([-300, 0, 300]), -300, 300),
    ],
)
def test_grey_scale(values: Any, black: float, white: float) -> None:
    (axes,) = image_sheet(values.reshape(1, 1, 3)).axes
    share = [(float(value) / 2 - black / 2) / (white / 2 - black / 2) for value in values]
    shown = axes.images[0].to_rgba(axes.images[0].get_array())[0]
    np.testing.assert_allclose(shown[:, 0], share, atol=1 / 250)
    np.testing.assert_array_equal(shown[:, 0], shown[:, 2])


def test_colours_outside_the_scale_are_drawn() -> None:
    picture = np.array([[[-1.0, 0.0, 1.0], [NAN, INF, -INF]]])
    (axes,) = image_sheet(picture[None]).axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[[0, 0.5, 1], [0.5, 1, 0]]])


def test_unknown_grey_is_left_blank(tmp_path: Path) -> None:
    (axes,) = image_sheet([[[NAN, 1.0]]], path=tmp_path / "sheet.png").axes
    np.testing.assert_array_equal(np.ma.getmaskarray(axes.images[0].get_array()), [[True, False]])


def test_ink_is_dark_on_white() -> None:
    for ink, of_zero in ((True, 1.0), (False, 0.0)):
        (axes,) = image_sheet(np.uint8([[[0, 255]]]), ink=ink).axes
        shown = axes.images[0].to_rgba(axes.images[0].get_array())
        np.testing.assert_allclose(shown[0, :, 0], [of_zero, 1 - of_zero])


def test_more_images_than_the_limit() -> None:
    many = np.zeros((1234, 2, 2), np.uint8)
    figure = image_sheet(many, range(1234), limit=3)
    assert texts(figure) == ["0", "1", "2", "first 3 of 1,234 shown"]
    assert len(figure.axes[0].images) == 3
    assert texts(image_sheet(many, limit=2, title="Blank")) == ["Blank (first 2 of 1,234 shown)"]
    assert len(image_sheet(many, limit=-5).axes[0].images) == 1
    assert len(image_sheet(many).axes[0].images) == 100


@pytest.mark.slow
def test_tall_sheet_is_saved_with_fewer_pixels(tmp_path: Path) -> None:
    image_sheet(np.zeros((400, 2, 2)), columns=1, limit=400, path=tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.height == 32_000


def test_no_images() -> None:
    assert texts(image_sheet(np.zeros((0, 28, 28)))) == ["no images"]


def test_long_label_is_cut() -> None:
    (label,) = texts(image_sheet(DIGITS[:1], ["supercalifragilistic"]))
    assert label.endswith("…")
    assert "supercalifragilistic".startswith(label[:-1])


def test_labels_may_hold_any_text(tmp_path: Path) -> None:
    image_sheet(DIGITS[:2], [ODD_TEXT, f"{ODD_TEXT}\n\n{ODD_TEXT}"], path=tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 1000


@cases(
    r"""
    images= | labels= | message
    np.zeros((5, 784)) | None
        | an array of shape (5, 784) is not a stack of images
        \n   = help: images are [n, h, w], [n, h, w, 3] or [n, 3, h, w]; reshape flat ones first
    np.zeros((5, 2, 8, 8)) | None
        | an array of shape (5, 2, 8, 8) is not a stack of images
        \n   = help: images are [n, h, w], [n, h, w, 3] or [n, 3, h, w]; reshape flat ones first
    np.zeros((5, 0, 8)) | None | images of shape (5, 0, 8) have no pixels
    np.zeros((1, 2, 2), complex) | None | images cannot be made of complex128 values
    DIGITS | ["a"] | there are 1 labels for 6 images
    """,
    DIGITS=DIGITS,
    np=np,
)
def test_arrays_that_are_no_images(images: Any, labels: Any, message: str) -> None:
    expected = f"error[bad-picture-data]: {message}"
    assert refusal(lambda: image_sheet(images, labels)) == expected


# Mistakes


def test_mistakes_shows_those_classified_wrongly() -> None:
    figure = mistakes(DIGITS, [0, 9, 2, 3, 8, 5], [0, 1, 2, 3, 4, 5])
    (axes,) = figure.axes
    assert texts(figure) == ["is 1", "said 9", "is 4", "said 8", "2 of 6 wrong"]
    for shown, image in zip(axes.images, DIGITS[[1, 4]], strict=True):
        np.testing.assert_array_equal(shown.get_array(), image)
    colors = [to_hex(text.get_color()).upper() for text in axes.texts[:4]]
    assert colors == ["#222222", "#D55E00"] * 2


def test_the_most_confident_mistakes_come_first() -> None:
    figure = mistakes(DIGITS, [0, 9, 2, 3, 8, 4], np.arange(6), [1.0, 0.5, 1, 1, 0.97, 0.6])
    assert texts(figure)[:9] == [
        "is 4", "said 8", "at 97%", "is 5", "said 4", "at 60%", "is 1", "said 9", "at 50%",
    ]  # fmt: skip
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), DIGITS[4])
    assert refusal(lambda: mistakes(DIGITS, np.zeros(6, int), np.ones(6, int), [0.5])) == (
        "error[bad-picture-data]: confidence of shape (1,) does not fit 6 images\n"
        "   = help: give one probability an image"
    )


def test_mistakes_says_how_many_there_are() -> None:
    actual = np.zeros(2000, int)
    predicted = np.where(np.arange(2000) < 63, 1, 0)
    figure = mistakes(np.zeros((2000, 3, 3), np.uint8), predicted, actual)
    assert texts(figure)[-1] == "63 of 2,000 wrong; first 40 shown"
    assert len(figure.axes[0].images) == 40
    assert texts(mistakes(DIGITS, np.ones(6, int), np.zeros(6, int), limit=1, title="Six"))[-1] == (
        "Six"
    )


@pytest.mark.parametrize(
    "draw",
    [
        lambda **given: image_sheet(DIGITS, **given),
        lambda **given: mistakes(DIGITS, np.arange(6), np.zeros(6, int), **given),
        lambda **given: reconstructions(DIGITS, DIGITS, **given),
    ],
)
def test_sheets_have_no_other_options(draw) -> None:
    with pytest.raises(TypeError) as caught:
        draw(inks=True, columns=3)
    assert str(caught.value) == "sheets have no option 'inks'"


def test_no_mistakes(tmp_path: Path) -> None:
    figure = mistakes(DIGITS, np.arange(6), np.arange(6), path=tmp_path / "none.png")
    assert texts(figure) == ["every image was classified correctly", "0 of 6 wrong"]
    assert not figure.axes[0].images
    empty = np.zeros(0, int)
    assert texts(mistakes(DIGITS[:0], empty, empty)) == ["no images", "0 of 0 wrong"]


def test_mistakes_by_name() -> None:
    figure = mistakes(DIGITS[:2], [1, 7], [0, 0], names=["cat", "$dog"])
    assert texts(figure)[:4] == ["is cat", "said $dog", "is cat", "said 7"]


def test_labels_that_are_no_classes() -> None:
    assert refusal(lambda: mistakes(DIGITS, np.zeros((6, 10)), np.zeros(6, int))) == (
        "error[bad-picture-data]: labels of shape (6, 10) do not fit 6 images\n"
        "   = help: give one class number an image"
    )
    assert refusal(lambda: mistakes(DIGITS, np.zeros(6), np.zeros(6, int))) == (
        "error[bad-picture-data]: float64 values are not class numbers"
    )


# Points on an image


def scatters(figure: Figure) -> dict[str, PathCollection]:
    found = [c for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    return {str(scatter.get_label()): scatter for scatter in found}


def test_points_are_where_they_are_given(tmp_path: Path) -> None:
    true = [[3.0, 4.0], [20.5, 7.0]]
    guess = [[2.0, 4.5], [27.5, 27.5]]
    path = tmp_path / "points.png"
    figure = image_with_points(DIGITS[0], true, predicted=guess, path=path)
    marks = scatters(figure)
    assert list(marks) == legend(figure) == ["true", "predicted"]
    np.testing.assert_array_equal(marks["true"].get_offsets(), true)
    np.testing.assert_array_equal(marks["predicted"].get_offsets(), guess)
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), DIGITS[0])
    assert axes.get_xlim() == (-0.5, 27.5)
    assert axes.get_ylim() == (27.5, -0.5)  # y runs downwards
    joins = [line.get_xydata() for line in axes.lines]
    np.testing.assert_array_equal(joins, [[[3, 4], [2, 4.5]], [[20.5, 7], [27.5, 27.5]]])


def test_pixel_of_a_point_is_the_pixel_of_the_image(tmp_path: Path) -> None:
    picture = np.zeros((9, 7), np.uint8)
    picture[2, 5] = 255
    path = tmp_path / "points.png"
    figure = image_with_points(picture, [[5, 2]], path=path)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    sky = np.argwhere(np.abs(pixels - [0x56, 0xB4, 0xE9]).sum(axis=2) < 12)
    x, y = figure.axes[0].transData.transform((5, 2)) * 2  # drawn at 200 dpi, laid out at 100
    np.testing.assert_allclose(sky.mean(axis=0), [len(pixels) - y, x], atol=2)
    at = (int(len(pixels) - y), int(x + 25))  # beside the marker, in the same pixel of the image
    assert (pixels[at] == 255).all()


def test_image_without_predictions_has_no_legend() -> None:
    figure = image_with_points(np.zeros((3, 6, 8)), [[1, 1]])
    assert list(scatters(figure)) == ["true"]
    assert not figure.legends
    assert not figure.axes[0].lines


def test_points_beside_the_image() -> None:
    figure = image_with_points(DIGITS[0], [[35, 10]], predicted=[[1e6, -1e300]])
    assert legend(figure) == ["true", "predicted (1 far outside)"]
    left, right = figure.axes[0].get_xlim()
    assert (left, right) == (-0.5, pytest.approx(35 + 0.03 * 28))


def test_points_that_are_not_finite(tmp_path: Path) -> None:
    points = [[1.0, NAN], [INF, 3.0], [4.0, 5.0]]
    path = tmp_path / "points.png"
    figure = image_with_points(
        DIGITS[0], points, predicted=[[NAN, NAN]] * 3, names=["a", "b", "c"], path=path
    )
    assert texts(figure) == ["c"]
    assert path.stat().st_size > 1000


def test_names_of_points() -> None:
    figure = image_with_points(DIGITS[0], [[3, 3], [26, 9]], names=[ODD_TEXT, "$right$"])
    shown = figure.axes[0].texts
    assert [text.get_text() for text in shown] == [style.shown(ODD_TEXT), "$right$"]
    assert [text.xy for text in shown] == [(3, 3), (26, 9)]
    assert [text.get_horizontalalignment() for text in shown] == ["left", "right"]


@cases(r"""
    given= | message
    {"points": [1, 2, 3, 4]}
        | points of shape (4,) are not pairs of x and y
        \n   = help: points are [k, 2]; reshape flat ones first
    {"points": [[1, 2]], "predicted": [[1, 2, 3]]}
        | predicted points of shape (1, 3) are not pairs of x and y
        \n   = help: points are [k, 2]; reshape flat ones first
    {"points": [[1, 2]], "predicted": [[1, 2]] * 2} | there are 2 predicted points for 1 points
    {"points": [[1, 2]], "names": []} | there are 0 names for 1 points
""")
def test_points_that_do_not_fit(given: dict[str, Any], message: str) -> None:
    expected = f"error[bad-picture-data]: {message}"
    assert refusal(lambda: image_with_points(DIGITS[0], **given)) == expected


# Curves


def drawn(figure: Figure, panel: int) -> dict[str, np.ndarray[Any, Any]]:
    lines = figure.axes[panel].lines
    return {str(line.get_label()): np.asarray(line.get_xydata()) for line in lines}


def test_curves_are_the_history() -> None:
    history = {
        "loss": [2.0, 1.0, 0.5],
        "accuracy": [0.3, 0.6, 0.8],
        "validation_loss": [2.1, 1.2, 0.9],
        "validation_accuracy": [0.2, 0.5, 0.7],
    }
    figure = curves(history, test={"accuracy": 0.75})
    assert [axes.get_title("left") for axes in figure.axes] == ["loss", "accuracy"]
    for panel, name in enumerate(("loss", "accuracy")):
        lines = drawn(figure, panel)
        np.testing.assert_array_equal(
            lines["training"], list(zip([1, 2, 3], history[name], strict=True))
        )
        expected = list(zip([1, 2, 3], history[f"validation_{name}"], strict=True))
        np.testing.assert_array_equal(lines["validation"], expected)
        assert figure.axes[panel].get_yscale() == "linear"
    said = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes]
    assert said == [["training", "validation"], ["training", "validation", "test 0.75"]]
    level = [line for line in figure.axes[1].lines if set(line.get_ydata()) == {0.75}]
    assert len(level) == 1


def test_the_best_epoch_is_marked_by_the_number_that_the_history_gives_it() -> None:
    figure = curves({"epoch": [5, 6, 7], "loss": [3.0, 1.0, 2.0]}, best=2)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "training",
        "best epoch 6",
    ]
    assert [line for line in axes.lines if list(line.get_xdata()) == [6, 6]]
    assert len(curves({"loss": [3.0]}, best=2).axes[0].lines) == 1  # beyond the epochs


def test_history_of_the_loss_alone() -> None:
    figure = curves({"loss": [2.0, 1.0]}, title="A run")
    assert len(figure.axes) == 1
    assert texts(figure) == ["A run", "loss"]


def test_metrics_come_after_the_loss_wherever_it_stands() -> None:
    history = {
        "validation_r2": [1.0],
        "mean_error": [1.0],
        "r2": [1.0],
        "seconds": [9.0],
        "loss": [1.0],
    }
    figure = curves(history)
    assert [axes.get_title("left") for axes in figure.axes] == ["loss", "r2", "mean error"]


def test_history_numbers_its_epochs() -> None:
    figure = curves({"epoch": [5, 6, 7], "loss": [3.0, 2.0, 1.0]})
    np.testing.assert_array_equal(drawn(figure, 0)["training"], [[5, 3], [6, 2], [7, 1]])
    figure = curves({"epoch": [5], "loss": [3.0, 2.0]})  # too short to number them
    np.testing.assert_array_equal(drawn(figure, 0)["training"], [[1, 3], [2, 2]])


def test_one_epoch_is_a_marker(tmp_path: Path) -> None:
    figure = curves({"loss": [2.0], "accuracy": [0.5]}, path=tmp_path / "curves.png")
    for axes, value in zip(figure.axes, (2.0, 0.5), strict=True):
        (line,) = axes.lines
        assert (line.get_marker(), line.get_xydata().tolist()) == ("o", [[1, value]])
        assert axes.get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize("missing", [NAN, INF, None])
def test_missing_values_leave_gaps(missing: float | None, tmp_path: Path) -> None:
    losses = [3.0, missing, 1.0]
    figure = curves({"loss": losses, "accuracy": [missing] * 3}, path=tmp_path / "curves.png")
    np.testing.assert_array_equal(drawn(figure, 0)["training"], [[1, 3], [2, NAN], [3, 1]])
    assert [text.get_text() for text in figure.axes[1].texts] == ["no values"]
    assert figure.axes[1].get_legend() is None


def test_value_that_no_line_reaches_has_a_marker() -> None:
    losses = [1.0] * 50 + [NAN, 2.0, NAN] + [1.0] * 10 + [NAN, 5.0]
    (line,) = curves({"loss": losses}).axes[0].lines
    assert line.get_markevery() == [51, 64]
    (line,) = curves({"loss": [1.0] * 50}).axes[0].lines
    assert line.get_marker() in ("None", "")


def test_empty_history() -> None:
    assert texts(curves({})) == ["loss", "no values"]


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([1.0, 0.5, 0.02], "linear"),
        ([1.0, 0.5, 0.005], "log"),
        ([1e-320, 1e300], "log"),
        ([-1e300, 1e300], "linear"),
        ([1.0, 0.001, 0.0], "log"),
        ([1.0, 0.001, -0.1], "linear"),
        ([0.0, 0.0], "linear"),
        ([NAN, 1.0, 0.001], "log"),
    ],
)
def test_loss_over_more_than_two_decades_is_logarithmic(
    losses: list[float], scale: str, tmp_path: Path
) -> None:
    figure = curves({"loss": losses, "error": losses}, path=tmp_path / "curves.png")
    assert [axes.get_yscale() for axes in figure.axes] == [scale, "linear"]


def test_names_of_metrics_may_hold_any_text(tmp_path: Path) -> None:
    figure = curves({ODD_TEXT: [1.0, 2.0]}, path=tmp_path / "curves.png")
    assert figure.axes[1].get_title("left") == style.shown(ODD_TEXT.replace("_", " "))


# Paths on contours


def descent() -> np.ndarray[Any, Any]:
    """Gradient descent on x² + y² with rate 0.1: each step keeps 0.8 of the point."""
    return np.array([[-3.0, 4.0]]) * 0.8 ** np.arange(21)[:, None]


def test_path_is_drawn_from_start_to_end() -> None:
    figure = path_on_contours(bowl, descent(), labels=("$w_0$", "w1"), title="Descent")
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), descent())
    ends = [c.get_offsets().tolist() for c in axes.collections if isinstance(c, PathCollection)]
    assert ends == [[[-3.0, 4.0]], [descent()[-1].tolist()]]
    assert legend(figure) == ["path of 20 steps", "start", "end"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$w_0$", "w1")
    assert axes.get_title("left") == "Descent"


def test_view_holds_the_path_and_a_step_up_is_as_long_as_one_across() -> None:
    figure = path_on_contours(bowl, descent())
    (axes,) = figure.axes
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert left < -3 < 0 < right
    assert bottom < 0 < 4 < top
    box = axes.get_window_extent()
    assert box.width / (right - left) == pytest.approx(box.height / (top - bottom))


def test_contours_of_a_bowl_are_circles_of_their_height() -> None:
    figure = path_on_contours(bowl, [[-1, -1], [1, 1]])
    lines = [c for c in figure.axes[0].collections if c.__class__.__name__ == "QuadContourSet"][1]
    assert len(lines.levels) == 14
    for level, rings in zip(lines.levels, lines.allsegs, strict=True):
        points = np.concatenate(rings)
        np.testing.assert_allclose((points**2).sum(axis=1), level, atol=1e-3)
    labels = [float(text.get_text()) for text in lines.labelTexts]
    assert labels
    for label in labels:
        assert np.isclose(lines.levels, label, rtol=5e-3).any()  # three digits are shown


def test_several_paths_have_names_and_colours() -> None:
    ways = {"SGD": descent(), "$momentum$": descent()[::2], "none": descent()[:1]}
    figure = path_on_contours(bowl, ways)
    found = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    for line, way in zip(found, ways.values(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), way)
    assert [line.get_label() for line in found] == list(ways)
    assert len({line.get_color() for line in found}) == 3
    assert sorted(legend(figure)) == ["$momentum$", "SGD", "end", "none", "start"]


@pytest.mark.parametrize(
    ("function", "points"),
    [
        (lambda x, y: x * 0 + 1, [[1, 1]]),  # flat, and a path that never moves
        (lambda x, y: 3.0, [[0, 0], [1, 0]]),  # no array at all
        (lambda x, y: np.log(x) + 1 / y, [[-1, -1], [1, 1]]),  # undefined for half the view
        (lambda x, y: x * NAN, [[0, 0], [1, 1]]),
        (bowl, [[-3.0 * (-2.0) ** k, 4.0 * (-2.0) ** k] for k in range(1000)]),  # runs away
        (bowl, [[1.0, 2.0], [NAN, 1.0], [INF, -INF]]),
        (bowl, [[NAN, NAN]]),
        (bowl, [[1e-300, 1e-300], [0.0, 0.0]]),
        (bowl, [[1e6, 0.0], [1e6 + 1, 0.0]]),
        (lambda x, y: np.exp(500 * x) + y, [[-1, -1], [2, 2]]),  # overflows
    ],
)
def test_hard_functions_and_paths(
    function: Callable[..., Any], points: list[list[float]], tmp_path: Path
) -> None:
    path = tmp_path / "path.png"
    figure = path_on_contours(function, points, path=path)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xydata(), points)
    assert path.stat().st_size > 1000


def test_paths_that_are_none() -> None:
    help = "\n   = help: a path is [steps, 2] with at least one step"
    for points, shape in (([1, 2], "(2,)"), (np.zeros((0, 2)), "(0, 2)"), ([[1, 2, 3]], "(1, 3)")):
        assert refusal(lambda given=points: path_on_contours(bowl, given)) == (
            f"error[bad-picture-data]: a path of shape {shape} is not a list of points{help}"
        )
    assert refusal(lambda: path_on_contours(bowl, {})) == (
        "error[bad-picture-data]: there is no path to draw"
    )
    assert refusal(lambda: path_on_contours(lambda x, y: x[0], [[0, 0]])) == (
        "error[bad-picture-data]: the function gave values of shape (201,) at points of shape "
        "(201, 201)\n   = help: it must compute element by element"
    )


# The step study


def study(steps: list[float]) -> tuple[list[float], list[float], list[float]]:
    """Errors of both differences of the sine at 1, whose derivative is cos 1."""
    sine = math.sin
    forward = [abs((sine(1 + h) - sine(1)) / h - math.cos(1)) for h in steps]
    central = [abs((sine(1 + h) - sine(1 - h)) / (2 * h) - math.cos(1)) for h in steps]
    return steps, forward, central


def lines_of(figure: Figure, panel: int) -> dict[str, np.ndarray[Any, Any]]:
    wanted = ("forward difference", "central difference", "error 0", "not finite")
    return {name: xy for name, xy in drawn(figure, panel).items() if name in wanted}


def test_study_shows_the_errors_by_falling_step() -> None:
    steps, forward, central = study([10.0**-k for k in range(1, 19)])
    figure = step_study(steps[::-1], forward[::-1], central[::-1])
    (axes,) = figure.axes
    shown = lines_of(figure, 0)
    np.testing.assert_array_equal(shown["forward difference"], np.transpose([steps, forward]))
    np.testing.assert_array_equal(shown["central difference"], np.transpose([steps, central]))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    left, right = axes.get_xlim()
    assert left > 0.1 > 1e-18 > right
    assert axes.get_ylim()[0] < min(central)
    assert axes.get_ylim()[1] > max(forward)
    assert legend(figure) == ["forward difference", "central difference"]


def test_study_names_its_regions_and_the_textbook_step() -> None:
    steps, forward, central = study([10.0**-k for k in range(1, 19)])
    figure = step_study(steps, forward, central)
    notes = {text.get_text(): text.xy[0] for text in figure.axes[0].texts}
    # error of the central difference: h²/6 |f'''| + eps/h |f|, least near the cube root of eps
    assert notes == {"← truncation": 1e-5, "rounding →": 1e-5, "h = 10⁻⁴": 1e-4}


def test_step_far_below_the_others_stands_apart(tmp_path: Path) -> None:
    steps, forward, central = study([*(10.0**-k for k in range(1, 21)), 10e-50])
    figure = step_study(steps, forward, central, path=tmp_path / "study.png")
    near, far = figure.axes
    expected = [[10e-50, math.cos(1)]]  # 1 + h is 1: the difference is 0
    np.testing.assert_array_equal(lines_of(figure, 1)["forward difference"], expected)
    np.testing.assert_array_equal(lines_of(figure, 1)["central difference"], expected)
    assert len(lines_of(figure, 0)["forward difference"]) == 20
    assert near.get_xlim()[1] > far.get_xlim()[0]
    assert near.get_ylim() == far.get_ylim()
    assert [label.get_text() for label in far.get_xticklabels()] == ["10⁻⁴⁹"]
    assert near.get_window_extent().x1 < far.get_window_extent().x0


def test_errors_that_have_no_place_on_the_axis(tmp_path: Path) -> None:
    figure = step_study(
        [1e-1, 1e-2, 1e-3, 1e-4],
        [1e-3, 0.0, NAN, 1e-6],
        [INF, 1e-8, 1e-310, 1e305],
        path=tmp_path / "study.png",
    )
    (axes,) = figure.axes
    main = [line for line in axes.lines if "difference" in str(line.get_label())]
    np.testing.assert_array_equal(main[0].get_ydata(), [1e-3, NAN, NAN, 1e-6])
    np.testing.assert_array_equal(main[1].get_ydata(), [NAN, 1e-8, NAN, NAN])
    low, high = axes.get_ylim()
    apart = [
        (str(line.get_label()), line.get_marker(), line.get_xdata().tolist())
        for line in axes.lines
        if line.get_label() in ("error 0", "not finite")
    ]
    assert apart == [
        ("error 0", "v", [1e-2]),
        ("not finite", "x", [1e-3]),
        ("error 0", "v", [1e-3]),
        ("not finite", "x", [1e-1, 1e-4]),
    ]
    for line in axes.lines:
        if line.get_label() == "error 0":
            assert low < line.get_ydata()[0] < 1e-8 / 2
        if line.get_label() == "not finite":
            assert 1e-3 * 2 < line.get_ydata()[0] < high
    assert legend(figure) == ["forward difference", "error 0", "not finite", "central difference"]


@pytest.mark.parametrize(
    ("steps", "forward", "central", "notes"),
    [
        ([1e-4], [0.0], [0.0], ["h = 10⁻⁴"]),
        ([1e-4], [NAN], [INF], ["h = 10⁻⁴"]),
        ([1e-1, 1e-2], [1.0, 2.0], [1.0, 2.0], ["rounding →"]),
        ([1e-1, 1e-2], [2.0, 1.0], [2.0, 1.0], ["← truncation"]),
        ([3e-5, 1e-300], [1e300, 1e-300], [1.0, 2.0], []),
        ([1e308, 5e-324], [1.0, 1.0], [1.0, 1.0], []),
    ],
)
def test_odd_studies(
    steps: list[float], forward: list[float], central: list[float], notes: list[str], tmp_path: Path
) -> None:
    figure = step_study(steps, forward, central, path=tmp_path / "study.png")
    assert [text.get_text() for text in figure.axes[0].texts] == notes
    assert (tmp_path / "study.png").stat().st_size > 1000


def test_step_to_mark_is_optional() -> None:
    figure = step_study([1e-3, 1e-5], [1.0, 1.0], [2.0, 1.0], marked=None)
    assert [text.get_text() for text in figure.axes[0].texts] == ["← truncation"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([], [], []), "steps of shape (0,) are not a list of steps"),
        ((0.1, 1, 1), "steps of shape () are not a list of steps"),
        (
            ([0.1, 0.0], [1, 1], [1, 1]),
            "a step of 0 cannot be drawn\n   = help: steps are positive",
        ),
        (([INF], [1], [1]), "a step of inf cannot be drawn\n   = help: steps are positive"),
        (([0.1], [1, 1], [1]), "forward difference: errors of shape (2,) do not fit 1 step"),
        (([0.1], [1], 1), "central difference: errors of shape () do not fit 1 step"),
    ],
)
def test_studies_that_do_not_fit(given: tuple[Any, Any, Any], message: str) -> None:
    assert refusal(lambda: step_study(*given)) == f"error[bad-picture-data]: {message}"
