"""Images of other kinds than PNG, of any size, and held in any way."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import graphnn
from graphnn.diagnostics import DataError
from graphnn.training.data.pictures import Picture

RED = (200, 30, 40)


def content(kind: str, size: tuple[int, int] = (6, 4), **options: object) -> bytes:
    """An image of one colour, width by height."""
    stream = io.BytesIO()
    Image.new("RGB", size, RED).save(stream, kind, **options)
    return stream.getvalue()


def picture(data: bytes) -> Picture:
    return Picture("a.img", data, None)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
def test_every_kind(kind):
    found = picture(content(kind))
    assert found.size == (4, 6)
    pixels = found.pixels("RGB")
    assert pixels.shape == (4, 6, 3)
    np.testing.assert_allclose(pixels.astype(int) - RED, 0, atol=3)  # of lossy kinds


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_ends_early_is_refused(kind, share):
    data = content(kind, (60, 50))
    with pytest.raises(DataError) as caught:
        picture(data[: int(len(data) * share)]).pixels("RGB")
    assert caught.value.diagnostics[0].code == "broken-file"


@pytest.mark.parametrize(
    ("orientation", "corner"),
    # Where the corner that is at the top left of the pixels belongs, by the Exif standard.
    [(1, (0, 0)), (3, (3, 5)), (6, (0, 3)), (8, (5, 0))],
)
def test_photographs_are_upright(orientation, corner):
    grey = np.full((4, 6), 255, np.uint8)
    grey[0, 0] = 0
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "WEBP", lossless=True, exif=exif)
    found = picture(stream.getvalue())
    pixels = found.pixels("L")
    assert pixels.shape == found.size == ((4, 6) if orientation < 5 else (6, 4))
    assert np.argwhere(pixels < 128).tolist() == [list(corner)]


def test_stretching_keeps_all_and_cropping_the_middle():
    grey = np.zeros((2, 6), np.uint8)
    grey[:, 2:4] = 255  # the middle third is white
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG")
    stretched = picture(stream.getvalue()).pixels("L", (2, 3), "stretch")
    cropped = picture(stream.getvalue()).pixels("L", (2, 2), "crop")
    assert stretched[0, 1] > 180
    assert stretched[0, 0] == stretched[0, 2] < 80
    assert cropped.tolist() == [[255, 255], [255, 255]]


def test_too_many_pixels():
    stream = io.BytesIO()
    Image.new("L", (10_000, 10_000)).save(stream, "BMP")
    with pytest.raises(DataError) as caught:
        picture(stream.getvalue()[:100])  # the header is enough
    assert caught.value.diagnostics[0].code == "data-too-large"


SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3, 8, 8]}
  t: {op: input, shape: [batch], dtype: int}
  f: {op: flatten, inputs: x}
  a: {op: affine, inputs: f, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {folder: {path: photos, resize: crop}}
  epochs: 30
  batch_size: 4
  metrics: {accuracy: [y, t]}
"""


@pytest.fixture
def photos(tmp_path):
    """Red and blue photographs of mixed kinds and sizes."""
    rng = np.random.default_rng(0)
    for name, colour in (("red", 0), ("blue", 2)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number, suffix in enumerate(("jpg", "png", "webp", "bmp")):
            shape = (*rng.integers(9, 40, 2), 3)
            pixels = rng.integers(0, 90, shape).astype(np.uint8)
            pixels[..., colour] += 150
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.{suffix}")
    (tmp_path / "net.yaml").write_text(SPEC)
    return tmp_path


def test_photographs_of_mixed_size_train_and_are_predicted(photos):
    run = graphnn.train(photos / "net.yaml")
    assert run.history[-1]["accuracy"] == 1
    Image.new("RGB", (50, 20), (10, 10, 220)).save(photos / "new.jpg")
    (found,) = graphnn.predict(run.network, photos / "new.jpg")
    assert found.name == "blue"


def test_a_way_to_resize_that_there_is_not(photos):
    (photos / "net.yaml").write_text(SPEC.replace("resize: crop", "resize: crpo"))
    with pytest.raises(graphnn.GraphnnError) as caught:
        graphnn.train(photos / "net.yaml")
    assert str(caught.value) == (
        "error[bad-value]: the resize of 'folder' is stretch or crop, not 'crpo'\n"
        f"   --> {photos}/net.yaml:10:41\n"
        "    |\n"
        " 10 |   data: {folder: {path: photos, resize: crpo}}\n"
        "    |                                         ^^^^\n"
        "    = help: did you mean 'crop'?"
    )
