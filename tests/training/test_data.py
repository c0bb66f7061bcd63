"""Data sets: batches, splits, the built-in digits, and what a column becomes for an input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import graphnn.training.data
from graphnn.diagnostics import DataError, Source, Span, UsageError
from graphnn.spec.values import located
from graphnn.training.data import columns
from graphnn.training.data.columns import Column, InputRequirements, InputSpec, array_for
from graphnn.training.data.dataset import Dataset, load, split_off
from located import located_yaml, marked, reported
from tables import cases

X = InputSpec("x", (None, 784), "float64")
T = InputSpec("t", (None,), "int")
NOWHERE = Path("/nonexistent")
KINDS = "additions, characters, copy, csv, folder, idx, mnist, npz, parquet, sorting, texts, words"


def needs(*inputs: InputSpec) -> InputRequirements:
    return InputRequirements({need.name: need for need in inputs})


def numbers(rows: int) -> Dataset:
    """Row i holds i, and its square."""
    n = np.arange(rows)
    return Dataset({"x": np.stack([n, n**2], axis=1), "t": n}, "numbers")


@pytest.fixture(scope="module")
def raw() -> dict[str, np.ndarray]:
    folder = Path(graphnn.training.data.__file__).parent
    with np.load(folder / "mnist10k.npz") as arrays:
        return dict(arrays)


# ---------------------------------------------------------------- Dataset


def test_length_is_the_number_of_rows() -> None:
    assert len(numbers(7)) == 7


def test_rows_by_slice_numbers_and_mask() -> None:
    data = numbers(5)
    assert data.rows(slice(1, 3)).arrays["x"].tolist() == [[1, 1], [2, 4]]
    assert data.rows(np.array([4, 0])).arrays["t"].tolist() == [4, 0]
    assert data.rows(data.arrays["t"] > 2).arrays["x"].tolist() == [[3, 9], [4, 16]]


def test_rows_keep_name_and_classes() -> None:
    data = Dataset({"t": np.array([0, 1])}, "flowers", {"t": ("rose", "tulip")})
    part = data.rows(slice(1))
    assert (part.name, part.classes) == ("flowers", {"t": ("rose", "tulip")})


def test_batches_in_order_with_a_smaller_last_one() -> None:
    batches = [batch["t"].tolist() for batch in numbers(7).batches(3)]
    assert batches == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_batch_may_be_larger_than_the_set() -> None:
    assert [batch["t"].tolist() for batch in numbers(2).batches(100)] == [[0, 1]]


def test_shuffled_batches_hold_every_row_once_and_keep_arrays_together() -> None:
    batches = list(numbers(100).batches(32, np.random.default_rng(0)))
    assert [len(batch["t"]) for batch in batches] == [32, 32, 32, 4]
    t = np.concatenate([batch["t"] for batch in batches])
    x = np.concatenate([batch["x"] for batch in batches])
    assert sorted(t) == list(range(100))
    assert t.tolist() != list(range(100))
    assert np.array_equal(x, np.stack([t, t**2], axis=1))


def test_shuffling_follows_the_seed() -> None:
    def order(seed: int) -> list[int]:
        batches = numbers(50).batches(7, np.random.default_rng(seed))
        return [n for batch in batches for n in batch["t"].tolist()]

    assert order(3) == order(3)
    assert order(3) != order(4)


def test_each_epoch_is_shuffled_anew() -> None:
    rng = np.random.default_rng(0)
    first, second = (next(numbers(50).batches(50, rng))["t"].tolist() for _ in range(2))
    assert first != second


def test_arrays_cannot_be_written_to_and_the_givers_array_can() -> None:
    given = np.zeros(3)
    data = Dataset({"x": given}, "zeros")
    with pytest.raises(ValueError, match="read-only"):
        data.arrays["x"][0] = 1.0
    given[0] = 1.0


@pytest.mark.parametrize("size", [0, -1])
def test_batch_size_below_one_is_refused_at_once(size: int) -> None:
    with pytest.raises(UsageError) as error:
        numbers(3).batches(size)
    assert reported(error) == [("bad-batch-size", f"a batch cannot hold {size} rows", "")]


def test_arrays_of_different_lengths() -> None:
    with pytest.raises(DataError) as error:
        Dataset({"x": np.zeros((3, 2)), "t": np.zeros(4), "w": np.zeros(3)}, "uneven")
    assert reported(error) == [("row-mismatch", "'t' has 4 rows, but 'x' has 3", "")]


def test_an_array_without_axes() -> None:
    with pytest.raises(DataError) as error:
        Dataset({"x": np.float64(3.0)}, "scalar")
    assert reported(error) == [("no-rows", "the array 'x' is a single number, not rows", "")]


def test_no_array() -> None:
    with pytest.raises(DataError) as error:
        Dataset({}, "empty")
    assert reported(error) == [("no-arrays", "a data set needs at least one array", "")]


# ---------------------------------------------------------------- splits


def test_split_keeps_the_order() -> None:
    first, rest = numbers(5).split(2)
    assert first.arrays["t"].tolist() == [0, 1]
    assert rest.arrays["t"].tolist() == [2, 3, 4]


def test_split_off_parts_the_rows_at_random() -> None:
    rest, drawn = split_off(numbers(100), 30, np.random.default_rng(1))
    a, b = drawn.arrays["t"].tolist(), rest.arrays["t"].tolist()
    assert (len(a), len(b)) == (30, 70)
    assert sorted(a + b) == list(range(100))
    assert sorted(a) != list(range(30))
    assert np.array_equal(drawn.arrays["x"][:, 1], drawn.arrays["t"] ** 2)


@pytest.mark.parametrize(
    ("amount", "held"), [(1, 1), (49, 49), (0.2, 10), (0.01, 1), (0.5, 25), (0.98, 49)]
)
def test_split_off_by_count_and_by_fraction(amount: float, held: int) -> None:
    rows = 51 if amount == 0.01 else 50  # 0.51 of a row is one row
    rest, held_back = split_off(numbers(rows), amount, np.random.default_rng(0))
    assert (len(rest), len(held_back)) == (rows - held, held)
    both = np.concatenate([rest.arrays["t"], held_back.arrays["t"]])
    assert sorted(both) == list(range(rows))


@pytest.mark.parametrize("amount", [0, 10, 11, -1, 0.01, 0.99])
def test_split_that_leaves_a_part_empty(amount: float) -> None:
    span = Span(Source("spec.yaml", "test: 10"), 1, 7, 1, 9)
    count = round(amount * 10) if isinstance(amount, float) else amount
    with pytest.raises(DataError) as error:
        split_off(numbers(10), amount, np.random.default_rng(0), span)
    message = f"{count} of the 10 rows of 'numbers' cannot be split off: both parts need a row"
    assert reported(error) == [("bad-split", message, "")]
    assert marked(error.value.diagnostics[0]) == "10"


@pytest.mark.parametrize("amount", [0.0, 1.0, -0.5, 2000.0, float("nan")])
def test_fraction_outside_its_range(amount: float) -> None:
    with pytest.raises(DataError) as error:
        split_off(numbers(10), amount, np.random.default_rng(0))
    message = f"a fraction to hold back must be between 0 and 1, not {amount}"
    assert reported(error) == [("bad-split", message, "")]


# ---------------------------------------------------------------- mnist


@pytest.fixture(scope="module")
def digits() -> tuple[Dataset, Dataset]:
    data = load(located({"mnist": {"x": "images", "t": "labels"}}), needs(X, T), NOWHERE)
    assert data.test is not None
    return data.train, data.test


def test_mnist_is_split_at_row_8000(digits, raw) -> None:
    train, test = digits
    assert (len(train), len(test)) == (8000, 2000)
    assert np.array_equal(train.arrays["t"], raw["labels"][:8000])
    assert np.array_equal(test.arrays["t"], raw["labels"][8000:])
    flat = raw["images"].reshape(10000, 784)
    assert np.array_equal(np.rint(train.arrays["x"] * 255), flat[:8000])
    assert np.array_equal(np.rint(test.arrays["x"] * 255), flat[8000:])


def test_mnist_label_counts(digits, raw) -> None:
    counts = [np.bincount(part.arrays["t"]).tolist() for part in digits]
    assert counts == [
        [797, 910, 772, 837, 783, 699, 821, 844, 742, 795],
        [204, 217, 219, 195, 197, 164, 193, 226, 202, 183],
    ]
    assert np.array_equal(np.sum(counts, axis=0), np.bincount(raw["labels"]))


def test_mnist_pixels_are_fractions_of_255(digits, raw) -> None:
    x = digits[0].arrays["x"]
    assert (x.dtype, x.min(), x.max()) == (np.float64, 0.0, 1.0)
    grey = raw["images"][0].reshape(784)
    assert x[0].tolist() == [int(level) / 255 for level in grey]
    # LeCun's set has 81 % background and a mean grey level of 33.3 of 255 over 60,000 digits.
    assert abs(x.mean() - 0.1307) < 0.001
    assert abs((x == 0).mean() - 0.81) < 0.005


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (784,), (16, 49)])
def test_mnist_images_take_the_shape_of_the_input(raw, shape: tuple[int, ...]) -> None:
    need = InputSpec("x", (None, *shape), "float32")
    x = load(located({"mnist": {"x": "images"}}), needs(need), NOWHERE).train.arrays["x"]
    assert (x.shape, x.dtype) == ((8000, *shape), np.float32)
    expected = raw["images"][17].astype(np.float32) / np.float32(255)
    assert np.array_equal(x[17].reshape(28, 28), expected)


def test_mnist_labels_as_one_hot_rows(raw) -> None:
    need = InputSpec("t", (None, 10), "float64")
    data = load(located({"mnist": {"t": "labels"}}), needs(need), NOWHERE)
    t = data.train.arrays["t"]
    assert (t.shape, t.dtype) == ((8000, 10), np.float64)
    assert np.array_equal(t, np.eye(10)[raw["labels"][:8000]])


def test_mnist_images_for_an_int_input_stay_grey_levels(raw) -> None:
    need = InputSpec("x", (None, 784), "int")
    x = load(located({"mnist": {"x": "images"}}), needs(need), NOWHERE).train.arrays["x"]
    assert x.dtype == np.int64
    assert np.array_equal(x, raw["images"][:8000].reshape(8000, 784))


def test_mnist_feeds_two_inputs_from_one_array() -> None:
    other = InputSpec("t", (None, 28, 28), "float64")
    spec = located({"mnist": {"x": "images", "t": "images"}})
    arrays = load(spec, needs(X, other), NOWHERE).train.arrays
    assert np.array_equal(arrays["x"].reshape(8000, 28, 28), arrays["t"])


@pytest.fixture(scope="module")
def pairs() -> tuple[Dataset, Dataset]:
    right = InputSpec("right", (None, 784), "float64")
    same = InputSpec("same", (None, 1), "float64")
    names = {"x": "images", "t": "labels", "right": "partners", "same": "alike"}
    data = load(located({"mnist": names}), needs(X, T, right, same), NOWHERE)
    assert data.test is not None
    return data.train, data.test


def test_half_of_the_mnist_pairs_are_of_one_digit(pairs) -> None:
    for part in pairs:
        alike = part.arrays["same"]
        assert set(alike.ravel()) == {0.0, 1.0}
        # Six standard errors of as many tosses of a coin.
        assert abs(alike.mean() - 0.5) < 3 / np.sqrt(len(alike))


def test_mnist_partners_are_other_rows_of_their_part(pairs) -> None:
    for part in pairs:
        labels = part.arrays["t"].tolist()
        rows = dict(zip(map(bytes, part.arrays["x"]), labels, strict=True))
        assert len(rows) == len(part)  # no image is there twice
        found = [rows[image] for image in map(bytes, part.arrays["right"])]
        assert np.array_equal(np.array(found) == part.arrays["t"], part.arrays["same"].ravel() == 1)
        assert not (part.arrays["right"] == part.arrays["x"]).all(axis=1).any()
        # Each digit is as often a partner as it is there, but for chance.
        counts = np.bincount(found, minlength=10) / len(found)
        own = np.bincount(part.arrays["t"]) / len(found)
        assert np.abs(counts - own).max() < 0.03


# ---------------------------------------------------------------- faults of the spec


@cases(
    """
    text | code | message | help | at
    {mnst: {x: images, t: labels}} | unknown-data | there is no kind of data 'mnst'
        | did you mean 'mnist'? | mnst
    {hdf: digits.h5} | unknown-data | there is no kind of data 'hdf' | the kinds are $KINDS | hdf
    mnist | wrong-type | 'data' must be a mapping from a kind of data, not 'mnist'
        | write `data: {KIND: ...}`, where KIND is one of $KINDS | mnist
    {mnist: {x: images, t: labels}, npz: a.npz} | wrong-count
        | 'data' takes one kind of data, but names mnist, npz | the kinds are $KINDS
        | {mnist: {x: images, t: labels}, npz: a.npz}
    {} | wrong-count | 'data' takes one kind of data, but names none | the kinds are $KINDS | {}
    {mnist: images} | wrong-type | 'mnist' must say what feeds each input, not be a text
        | write `mnist: {INPUT: images, INPUT: labels}` | images
    {mnist: {x: imges, t: labels}} | unknown-array | 'mnist' has no array 'imges'
        | did you mean 'images'? | imges
    {mnist: {x: images, t: source_index}} | unknown-array | 'mnist' has no array 'source_index'
        | its arrays are images, labels, partners, alike | source_index
    {mnist: {x: images}} | missing-input | 'mnist' names nothing to feed input 't' | | {x: images}
    {mnist: {X: images, t: labels}} | unknown-input | the network has no input 'X' to feed
        | did you mean 'x'? | X
    {mnist: {x: [images], t: labels}} | wrong-type | the array for 'x' must be a text, not a list |
        | [images]
    {mnist: {x: true, t: labels}} | wrong-type | the array for 'x' must be a text, not true | | true
    """,
    KINDS=KINDS,
)
def test_fault_of_the_spec(text: str, code: str, message: str, help: str, at: str) -> None:
    with pytest.raises(DataError) as error:
        load(located_yaml(text), needs(X, T), NOWHERE)
    assert reported(error) == [(code, message, help)]
    assert marked(error.value.diagnostics[0]) == at


def test_the_whole_of_an_error() -> None:
    with pytest.raises(DataError) as error:
        load(located_yaml("mnist:\n  x: imges\n  t: labels\n"), needs(X, T), NOWHERE)
    assert str(error.value) == (
        "error[unknown-array]: 'mnist' has no array 'imges'\n"
        "  --> spec.yaml:2:6\n"
        "   |\n"
        " 2 |   x: imges\n"
        "   |      ^^^^^\n"
        "   = help: did you mean 'images'?"
    )


def test_independent_faults_are_reported_together() -> None:
    with pytest.raises(DataError) as error:
        load(located_yaml("{mnist: {x: imges, t: label}}"), needs(X, T), NOWHERE)
    assert reported(error) == [
        ("unknown-array", "'mnist' has no array 'imges'", "did you mean 'images'?"),
        ("unknown-array", "'mnist' has no array 'label'", "did you mean 'labels'?"),
    ]
    with pytest.raises(DataError) as error:
        load(
            located_yaml("{mnist: {x: labels, t: images}}"),
            needs(InputSpec("x", (None, 2, 3), "float64"), T),
            NOWHERE,
        )
    assert reported(error) == [
        ("wrong-width", "'x' needs 2x3 = 6 values a row, but 'labels' has 1", ""),
        ("wrong-width", "'t' needs 1 values a row, but 'images' has 28x28 = 784", ""),
    ]
    assert [marked(found) for found in error.value.diagnostics] == ["labels", "images"]


def test_a_network_without_inputs() -> None:
    with pytest.raises(DataError) as error:
        load(located_yaml("{mnist: {}}"), needs(), NOWHERE)
    message = "the network has no input that data could feed"
    assert reported(error) == [("no-inputs", message, "")]


def test_an_input_without_a_batch_axis() -> None:
    with pytest.raises(DataError) as error:
        load(located_yaml("{mnist: {x: labels}}"), needs(InputSpec("x", (), "int")), NOWHERE)
    message = "data cannot feed input 'x': its shape [] has no axis for their rows"
    assert reported(error) == [("no-batch-axis", message, "give it the shape [batch]")]


# ---------------------------------------------------------------- a column for an input


def fit(values, shape, dtype="float64", **facts):
    need = InputSpec("x", shape, dtype)
    return array_for(need, Column("a", np.asarray(values), **facts))


def test_a_column_is_reshaped_row_by_row() -> None:
    assert fit(np.arange(12).reshape(2, 6), (None, 2, 3)).tolist() == [
        [[0, 1, 2], [3, 4, 5]],
        [[6, 7, 8], [9, 10, 11]],
    ]
    assert fit([[5], [6]], (None,)).tolist() == [5.0, 6.0]
    assert fit([5, 6], (None, 1)).tolist() == [[5.0], [6.0]]


def test_a_free_size_takes_what_the_column_has() -> None:
    assert fit(np.ones((4, 7, 3)), (None, None, 3)).shape == (4, 7, 3)


def test_an_int_input_takes_whole_floats_and_booleans() -> None:
    for values in ([1.0, -2.0], [True, False], np.array([1, 250], np.uint8)):
        array = fit(values, (None,), "int")
        assert array.dtype == np.int64
        assert array.tolist() == [int(value) for value in values]


def test_one_hot_rows_for_an_int_input_and_from_whole_floats() -> None:
    assert fit([2.0, 0.0], (None, 3), "int").tolist() == [[0, 0, 1], [1, 0, 0]]
    assert fit([[1], [2]], (None, 3)).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_one_value_a_row_is_a_class_only_where_several_are_needed() -> None:
    assert fit([3, 4], (None, 1)).tolist() == [[3.0], [4.0]]


def test_pixels_of_all_grey_levels_are_scaled_to_the_nearest_float() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(1, 256)
    assert fit(grey, (None, 256), pixels=True)[0].tolist() == [g / 255 for g in range(256)]
    single = fit(grey, (None, 256), "float32", pixels=True)[0]
    assert single.tolist() == [float(np.float32(g) / np.float32(255)) for g in range(256)]


@cases(
    """
    values= | shape= | dtype | code | message
    np.zeros((2, 28, 28)) | (None, 10) | float64 | wrong-width
        | 'x' needs 10 values a row, but 'a' has 28x28 = 784
    [0.5, 1.0] | (None, 3) | float64 | wrong-width | 'x' needs 3 values a row, but 'a' has 1
    np.zeros((2, 20, 4)) | (None, None, 3) | float64 | wrong-width
        | 'x' needs ?x3 values a row, but 'a' has 20x4 = 80
    [[1.0, 2.0], [3.0, np.nan]] | (None, 2) | float64 | not-finite | 'a'[1, 1] is nan, not finite
    [1.0, -np.inf] | (None,) | float32 | not-finite | 'a'[1] is -inf, not finite
    [1.0, 1e300] | (None,) | float32 | not-finite | 'a'[1] is 1e+300, too large for float32
    [1.0, 2.5] | (None,) | int | not-whole | 'x' takes whole numbers of 64 bits, but 'a'[1] is 2.5
    [np.nan, 2.0] | (None,) | int | not-whole
        | 'x' takes whole numbers of 64 bits, but 'a'[0] is nan
    [np.inf] | (None,) | int | not-whole | 'x' takes whole numbers of 64 bits, but 'a'[0] is inf
    np.array([2**64 - 1], np.uint64) | (None,) | int | not-whole
        | 'x' takes whole numbers of 64 bits, but 'a'[0] is 18446744073709551615
    np.zeros((0, 3)) | (None, 3) | float64 | no-rows | 'a' holds no rows
    3.0 | (None,) | float64 | no-rows | 'a' holds no rows
    [0, 1] | (None, 2**40) | float32 | data-too-large
        | 'x' would take 8192 GiB of memory, more than 2 GiB
    """,
    np=np,
)
def test_a_column_that_does_not_fit(values, shape, dtype, code, message) -> None:
    span = Span(Source("spec.yaml", "x: a"), 1, 4, 1, 5)
    with pytest.raises(DataError) as error:
        fit(values, shape, dtype, span=span)
    assert reported(error) == [(code, message, "")]
    assert error.value.diagnostics[0].span == span


@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.parametrize(
    ("values", "wrong", "help"),
    [
        ([0, 3], "3 in row 1", "4 classes need 4 outputs, not 3"),
        ([0, -1], "-1 in row 1", "class numbers count from 0"),
        ([2, 3, 1], "3 in row 1", "class numbers count from 0"),
        ([0.0, 1.0, -2.0], "-2 in row 2", "class numbers count from 0"),
        ([[1], [3]], "3 in row 1", "class numbers count from 0"),
    ],
)
def test_a_class_that_there_is_not(values, wrong, help, hot) -> None:
    need = InputSpec("t", (None, 3), "float64") if hot else InputSpec("t", (None,), "int", 3)
    span = Span(Source("spec.yaml", "t: a"), 1, 4, 1, 5)
    with pytest.raises(DataError) as error:
        array_for(need, Column("a", np.array(values), span))
    message = f"'t' takes classes 0 to 2, but 'a' holds {wrong}"
    assert reported(error) == [("class-outside", message, help)]
    assert error.value.diagnostics[0].span == span


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e300])
def test_what_is_no_class_number_makes_no_one_hot_row(value) -> None:
    with pytest.raises(DataError) as error:
        fit([0.0, value], (None, 3))
    assert reported(error) == [("wrong-width", "'x' needs 3 values a row, but 'a' has 1", "")]


def test_more_kinds_than_classes() -> None:
    column = Column("kind", np.array([0, 1, 0]), classes=("ant", "bee", "cat"))
    with pytest.raises(DataError) as error:
        array_for(InputSpec("t", (None,), "int", 2), replace(column, values=np.array([0, 2])))
    message = "'t' takes 2 classes, but 'kind' holds 3: ant, bee, cat"
    help = "3 classes need 3 outputs, not 2"
    assert reported(error) == [("class-outside", message, help)]
    assert array_for(InputSpec("t", (None,), "int", 3), column).tolist() == [0, 1, 0]


def test_room_is_checked_before_bytes_become_floats(monkeypatch) -> None:
    monkeypatch.setattr(columns, "LIMIT", 1 << 20)
    small = np.zeros((1 << 17, 1), np.uint8)
    assert fit(small, (None, 1)).nbytes == 1 << 20
    with pytest.raises(DataError) as error:
        fit(np.zeros(((1 << 17) + 1, 1), np.uint8), (None, 1))
    message = "'x' would take 0.0009766 GiB of memory, more than 0.0009766 GiB"
    assert reported(error) == [("data-too-large", message, "")]
