"""Augmentation: exact identities, what it draws, and what it changes in a run."""

import numpy as np
import pytest

import graphnn
from augmented import SPEC, written
from graphnn.diagnostics import TrainingError
from graphnn.training import Augmentation
from graphnn.training.fitting.augmentation import shifted, turned
from graphnn.training.fitting.loop import Training


def stack(rows=4, channels=2, height=7, width=7, seed=0):
    return np.random.default_rng(seed).random((rows, channels, height, width))


@pytest.fixture
def spec(tmp_path):
    return written(tmp_path)


# What each change makes of an image


@pytest.mark.parametrize(("angle", "turns"), [(0, 0), (90, 1), (180, 2), (-90, 3), (360, 4)])
def test_quarter_turns_are_exact(angle, turns):
    images = stack()
    found = turned(images, np.full(4, angle), np.ones(4), np.zeros((4, 2)))
    np.testing.assert_allclose(found, np.rot90(images, turns, axes=(2, 3)), atol=1e-14)


def test_a_zoom_by_two_keeps_every_second_pixel():
    images = stack()
    found = turned(images, np.zeros(4), np.full(4, 2.0), np.zeros((4, 2)))
    # From the middle, 3, pixel 1 is 2 away, and so comes from where 1 away was.
    np.testing.assert_array_equal(found[:, :, 1::2, 1::2], images[:, :, 2:5, 2:5])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_shifts_are_the_same_both_ways_bit_for_bit(dtype):
    images = stack(6, 3, 5, 8).astype(dtype)
    shifts = [[0, 0], [2, 0], [0, -3], [-1, 1], [5, 0], [4, -8]]
    found = shifted(images, shifts, fill=0.5)
    again = turned(images, np.zeros(6), np.ones(6), shifts, fill=0.5)
    assert found.dtype == again.dtype == dtype
    assert np.array_equal(found, again)
    assert np.array_equal(found[0], images[0])
    assert np.array_equal(found[1, :, 2:], images[1, :, :-2])
    assert (found[1, :, :2] == 0.5).all()
    assert np.array_equal(found[2, :, :, :-3], images[2, :, :, 3:])
    assert (found[4:] == 0.5).all()  # all of the image is gone


def test_a_shift_and_back_keeps_all_but_the_rim():
    images = stack(20)
    shifts = np.random.default_rng(1).integers(-2, 3, (20, 2))
    back = shifted(shifted(images, shifts), -shifts)
    assert np.array_equal(back[:, :, 2:-2, 2:-2], images[:, :, 2:-2, 2:-2])


def test_many_images_are_turned_like_few():
    images = stack(700, 1, 9, 9)
    rng = np.random.default_rng(0)
    drawn = rng.uniform(-90, 90, 700), rng.uniform(0.5, 1.5, 700), rng.uniform(-2, 2, (700, 2))
    whole = turned(images, *drawn)
    for n in (0, 201, 202, 203, 699):
        one = turned(images[n : n + 1], *(each[n : n + 1] for each in drawn))
        assert np.array_equal(one[0], whole[n])


# What is drawn


def test_every_shift_up_to_the_most_comes_equally_often():
    images = np.zeros((20000, 1, 5, 5))
    images[:, :, 2, 2] = 1
    found = Augmentation(shift=2)(images, np.random.default_rng(0))
    counts = found.sum(axis=(0, 1))
    # 800 each; one count in 30,000 is more than four standard deviations away.
    assert np.abs(counts - 800).max() < 4 * np.sqrt(800 * 24 / 25)


def test_angles_and_zooms_stay_within_their_bounds():
    # A pixel 10 above the middle shows the angle and the factor of its image.
    images = np.zeros((3000, 1, 41, 41))
    images[:, :, 9:12, 19:22] = 1
    found = Augmentation(rotate=30, zoom=0.2)(images, np.random.default_rng(0))
    i, j = np.mgrid[-20:21, -20:21]
    mass = found[:, 0].sum(axis=(1, 2))
    down, right = ((found[:, 0] * axis).sum(axis=(1, 2)) / mass for axis in (i, j))
    angles = np.degrees(np.arctan2(-right, -down))
    zooms = np.hypot(down, right) / 10
    for values, low, high in ((angles, -30, 30), (zooms, 0.8, 1.2)):
        width = high - low
        assert low - 0.01 * width < values.min() < low + 0.02 * width
        assert high - 0.02 * width < values.max() < high + 0.01 * width
        # The mean of 3,000 uniform draws strays by 0.005 of the width.
        assert abs(values.mean() - (low + high) / 2) < 0.02 * width
    assert abs(np.corrcoef(angles, zooms)[0, 1]) < 0.08


def test_flips():
    images = stack(4000, 2, 3, 3)
    for flip, kinds in (("horizontal", (3,)), ("vertical", (2,)), ("both", (2, 3))):
        found = Augmentation(flip=flip)(images, np.random.default_rng(0))
        same = (found == images).all(axis=(1, 2, 3))
        share = 0.5 ** len(kinds)
        assert abs(same.mean() - share) < 0.03
        for axis in kinds:
            mirrored = (found == np.flip(images, axis)).all(axis=(1, 2, 3))
            assert abs(mirrored.mean() - share) < 0.03
    turned_over = (found == images[:, :, ::-1, ::-1]).all(axis=(1, 2, 3))
    assert abs(turned_over.mean() - 0.25) < 0.03


def test_noise_is_normal_and_the_same_in_either_dtype():
    images = stack(200, 1, 20, 20)
    found = Augmentation(noise=0.3)(images, np.random.default_rng(0)) - images
    assert found.std() == pytest.approx(0.3, rel=0.01)
    assert abs(found.mean()) < 0.005
    assert (np.abs(found) < 0.3).mean() == pytest.approx(0.6827, abs=0.005)
    narrow = Augmentation(noise=0.3)(images.astype(np.float32), np.random.default_rng(0))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow - images, found, atol=1e-6)


def test_channels_move_together_and_images_apart():
    one = stack(1, 1, 9, 9)
    images = np.tile(one, (50, 3, 1, 1))
    found = Augmentation(shift=1, rotate=20, zoom=0.1, flip="both")(
        images, np.random.default_rng(0)
    )
    assert (found == found[:, :1]).all()
    assert len({image.tobytes() for image in found}) == 50


def test_nothing_asked_is_nothing_changed():
    images = stack()
    found = Augmentation()(images, np.random.default_rng(0))
    assert np.array_equal(found, images)
    assert found is not images


def test_images_given_keep_what_they_hold():
    images = stack()
    before = images.copy()
    Augmentation(shift=1, rotate=9, flip="both", noise=1)(images, np.random.default_rng(0))
    assert np.array_equal(images, before)


# What it changes in a run


def batches(monkeypatch):
    """The images of every batch that a gradient is taken of."""
    met = []
    right = Training._gradient

    def gradient(self, batch, seed):
        met.append(batch["x"].copy())
        return right(self, batch, seed)

    monkeypatch.setattr(Training, "_gradient", gradient)
    return met


def equal(run, other):
    arrays = other.network.arrays
    return all(np.array_equal(a, arrays[n]) for n, a in run.network.arrays.items())


def test_training_batches_are_changed_anew_and_held_back_rows_never(spec, monkeypatch):
    met = batches(monkeypatch)
    run = graphnn.train(spec, {"augment": {"noise": 0.5}})
    images = np.load(spec.parent / "rows.npz")["x"].reshape(-1, 1, 6, 5)
    assert len(met) == 15
    known = {image.tobytes() for image in images}
    shown = [image for batch in met for image in batch]
    assert len(shown) == 3 * 40
    assert known.isdisjoint(image.tobytes() for image in shown)
    # Noise of 0.5 on each of 30 pixels: each image is nearest to the one it was made of.
    nearest = [np.square(images - image).sum(axis=(1, 2, 3)).argmin() for image in shown]
    assert len(set(nearest)) < 50  # those held back are not among them
    held_back = graphnn.training.data.splits.load_sets(run.network, run.network.graph.spec.train)
    rows = held_back.validation.arrays
    assert {image.tobytes() for image in rows["x"]} <= known
    assert run.history[-1]["validation_loss"] == pytest.approx(run.network.loss(rows), rel=1e-12)


@pytest.mark.slow
def test_a_run_repeats_and_resumes_bit_for_bit(spec, tmp_path):
    whole = graphnn.train(spec, folder=tmp_path / "whole")
    assert equal(whole, graphnn.train(spec))
    assert not equal(whole, graphnn.train(spec, {"seed": 1}))
    assert not equal(whole, graphnn.train(spec, {"augment": {}}))
    graphnn.train(spec, {"epochs": 1}, folder=tmp_path / "parts")
    parts = graphnn.train(spec, folder=tmp_path / "parts", resume=True)
    assert parts.history == whole.history
    assert equal(parts, whole)
    for name in ("weights.safetensors", "history.csv", "spec.yaml", "augmented.png"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_an_interrupted_epoch_leaves_no_trace(spec):
    def stop(progress):
        if (progress.epoch, progress.batch) == (3, 2):
            raise KeyboardInterrupt

    assert equal(graphnn.train(spec, progress=stop), graphnn.train(spec, {"epochs": 2}))


@pytest.mark.slow
def test_another_augmentation_is_another_run(spec, tmp_path):
    graphnn.train(spec, {"epochs": 1}, folder=tmp_path / "run")
    with pytest.raises(TrainingError) as caught:
        graphnn.train(spec, {"shift": 2}, folder=tmp_path / "run", resume=True)
    assert [found.code for found in caught.value.diagnostics] == ["different-spec"]


def test_what_ops_draw_does_not_depend_on_it(spec):
    text = spec.read_text().replace("inputs: f, ", "inputs: d, ")
    text = text.replace("  a: ", "  d: {op: dropout, inputs: f, rate: 0.5}\n  a: ")
    spec.write_text(text)
    plain, nothing = (graphnn.train(spec, {"augment": a}) for a in ({}, {"rotate": 0}))
    assert equal(plain, nothing)


def test_numerical_gradients_meet_the_same_images(spec, monkeypatch):
    met = batches(monkeypatch)
    for gradient in ("backprop", "numerical"):
        graphnn.train(spec, {"epochs": 1, "gradient": gradient})
    assert len(met) == 10
    assert all(np.array_equal(a, b) for a, b in zip(met[:5], met[5:], strict=True))


@pytest.mark.parametrize("shape", ["[batch, 30]", "[batch, 6, 5]"])
def test_flat_rows_and_images_without_channels_are_changed_alike(spec, monkeypatch, shape):
    met = batches(monkeypatch)
    graphnn.train(spec)
    other = spec.parent / "other.yaml"
    other.write_text(SPEC.replace("[batch, 1, 6, 5]", shape))
    options = {"shift": 1, "rotate": 20, "zoom": 0.1, "flip": "horizontal", "noise": 0.2}
    image = {"image": [6, 5]} if shape == "[batch, 30]" else {}
    graphnn.train(other, {"augment": {**options, **image}})
    for first, second in zip(met[:15], met[15:], strict=True):
        assert np.array_equal(first.ravel(), second.ravel())


def test_rows_given_in_python_are_taken_as_the_network_computes(monkeypatch):
    met = batches(monkeypatch)
    text = SPEC.replace("  data: {npz: rows.npz}\n  validation: 10\n", "")
    net = graphnn.loads(text, {"dtype": "float32"})
    rng = np.random.default_rng(0)
    data = {"x": rng.integers(0, 2, (16, 1, 6, 5)), "t": rng.integers(0, 3, 16)}
    graphnn.train(net, data=data)
    assert {batch.dtype for batch in met} == {np.dtype("float32")}
