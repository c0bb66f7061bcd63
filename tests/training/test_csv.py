"""CSV tables: which columns feed what, classes by name, and the place of every bad cell."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from graphnn.diagnostics import DataError, GraphnnError
from graphnn.training.data import compressed
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.data.dataset import Data, Dataset, load
from located import located_yaml, marked, reported
from tables import cases

# Rows 1, 51 and 101 of Fisher's iris data, and the second of each kind.
IRIS = """\
sepal_length,sepal_width,petal_length,petal_width,species
5.1,3.5,1.4,0.2,setosa
7.0,3.2,4.7,1.4,versicolor
6.3,3.3,6.0,2.5,virginica
4.9,3.0,1.4,0.2,setosa
6.4,3.2,4.5,1.5,versicolor
5.8,2.7,5.1,1.9,virginica
"""
MEASURES = [
    [5.1, 3.5, 1.4, 0.2],
    [7.0, 3.2, 4.7, 1.4],
    [6.3, 3.3, 6.0, 2.5],
    [4.9, 3.0, 1.4, 0.2],
    [6.4, 3.2, 4.5, 1.5],
    [5.8, 2.7, 5.1, 1.9],
]
X = InputSpec("x", (None, 4), "float64")
T = InputSpec("t", (None,), "int")
DROP = "to leave out rows that lack a value, add 'missing: drop' to the data"
LONG = "{csv: {file: a.csv, x: [sepal_length, sepal_width, petal_length, petal_width], t: species}}"


def need(name: str, *row: int | None, dtype: str = "float64") -> InputSpec:
    return InputSpec(name, (None, *row), dtype)  # type: ignore[arg-type]


class Folder:
    """A folder with one table in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(IRIS)

    def write(self, text: str | bytes, name: str = "a.csv") -> None:
        (self.path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    def load(self, spec: str, *inputs: InputSpec, like: Dataset | None = None) -> Data:
        inputs = inputs or (X, T)
        demand = InputRequirements({need.name: need for need in inputs})
        return load(located_yaml(spec), demand, self.path, like and like.classes)

    def lists(self, spec: str, *inputs: InputSpec) -> dict[str, list]:
        return {k: v.tolist() for k, v in self.load(spec, *inputs).train.arrays.items()}

    def refused(self, spec: str, *inputs: InputSpec) -> pytest.ExceptionInfo[DataError]:
        with pytest.raises(DataError) as error:
            self.load(spec, *inputs)
        return error


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# ---------------------------------------------------------------- columns for inputs


def test_columns_by_input(folder: Folder) -> None:
    data = folder.load(LONG)
    assert (data.train.name, data.test) == ("a.csv", None)
    assert data.train.arrays["x"].tolist() == MEASURES
    assert data.train.arrays["t"].tolist() == [0, 1, 2, 0, 1, 2]
    assert data.train.arrays["t"].dtype == np.int64
    assert data.train.classes == {"t": ("setosa", "versicolor", "virginica")}


def test_columns_in_any_order_and_twice(folder: Folder) -> None:
    spec = "{csv: {file: a.csv, x: [petal_width, sepal_length], w: petal_width}}"
    assert folder.lists(spec, need("x", 2), need("w")) == {
        "x": [[row[3], row[0]] for row in MEASURES],
        "w": [row[3] for row in MEASURES],
    }


def test_columns_in_the_order_of_the_file(folder: Folder) -> None:
    assert folder.lists("{csv: a.csv}") == {"x": MEASURES, "t": [0, 1, 2, 0, 1, 2]}


def test_inputs_that_are_not_named_take_the_columns_left(folder: Folder) -> None:
    folder.write("species,a,b,c,d\nrose,1,2,3,4\n")
    spec = "{csv: {file: a.csv, t: species}}"
    assert folder.lists(spec) == {"x": [[1.0, 2.0, 3.0, 4.0]], "t": [0]}


def test_a_column_of_the_inputs_name_goes_before_the_order_of_the_file(folder: Folder) -> None:
    folder.write("t,a,b,c,d\n9,1,2,3,4\n")
    assert folder.lists("{csv: a.csv}") == {"x": [[1.0, 2.0, 3.0, 4.0]], "t": [9]}


XOR = InputSpec("x", (None, 2), "float64"), InputSpec("t", (None, 1), "float64")
NAMES = "the first row must hold the names of the columns"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0,1,7\n1,0,7\n1,1,8\n", "0"),  # every cell of it could be a name
        ("5,3,2\n4,1,2\n", "5"),
        ("-1,1e3,2\n4,1,2\n", "-1"),
        ("5,3,red\n4,1,blue\n", "5"),  # a text above a text shows nothing
    ],
)
def test_a_first_row_of_whole_numbers_is_not_taken_for_names(folder, text, number) -> None:
    folder.write(text)
    message = f"the first row holds the number {number}, so it is not a header"
    help = f"{NAMES}; if it does, say which feed an input: INPUT: ['{number}', ...]"
    assert reported(folder.refused("{csv: a.csv}", *XOR)) == [("no-header", message, help)]


def test_numbers_may_be_names_where_something_says_so(folder) -> None:
    folder.write("0,1,2\n4,5,6\n")
    found = folder.lists("{csv: {file: a.csv, x: [0, 1], t: 2}}", *XOR)
    assert found["x"] == [[4, 5]]
    # Above a number, a text is a name, and so are the years beside it.
    folder.write("2019,2020,id\n4,5,6\n")
    assert folder.lists("{csv: a.csv}", *XOR)["x"] == [[4, 5]]


@pytest.mark.parametrize("header", ["y,x.1,x.0,t", "y,x[1],x[0],t"])
def test_numbered_columns(folder: Folder, header: str) -> None:
    folder.write(f"{header}\n7,11,10,3\n")
    assert folder.lists("{csv: a.csv}", need("x", 2), T) == {"x": [[10.0, 11.0]], "t": [3]}


def test_a_free_size_takes_all_numbered_columns(folder: Folder) -> None:
    folder.write("x.0,x.1,x.2,t\n1,2,3,4\n")
    assert folder.lists("{csv: a.csv}", need("x", None), T)["x"] == [[1.0, 2.0, 3.0]]


def test_columns_fill_the_axes_of_a_row_in_order(folder: Folder) -> None:
    folder.write("a,b,c,d\n1,2,3,4\n5,6,7,8\n")
    assert folder.lists("{csv: a.csv}", need("x", 2, 2)) == {
        "x": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]
    }


def test_a_column_called_like_a_wide_input_is_one_of_those_in_order(folder: Folder) -> None:
    folder.write("x,y,label\n1,2,0\n3,4,1\n")
    assert folder.lists("{csv: a.csv}", need("x", 2), T) == {
        "x": [[1.0, 2.0], [3.0, 4.0]],
        "t": [0, 1],
    }


def test_a_whole_number_names_a_column(folder: Folder) -> None:
    folder.write("0,1,2\n5,6,7\n")
    assert folder.lists("{csv: {file: a.csv, x: [2, 0]}}", need("x", 2)) == {"x": [[7.0, 5.0]]}


def test_regression_on_one_value(folder: Folder) -> None:
    folder.write("x,y\n0.5,-1e-3\n 1.5 , 2 \n")
    for y in (need("y"), need("y", 1)):
        values = folder.lists("{csv: a.csv}", need("x", 1), y)
        assert values["x"] == [[0.5], [1.5]]
        assert np.ravel(values["y"]).tolist() == [-0.001, 2.0]


# ---------------------------------------------------------------- classes


def test_classes_as_one_hot_rows(folder: Folder) -> None:
    one_hot = [[1, 0, 0], [0, 1, 0], [0, 0, 1]] * 2
    assert folder.lists(LONG, X, need("t", 3))["t"] == one_hot
    folder.write(IRIS.replace(",species\n", ",t\n"))
    assert folder.lists("{csv: a.csv}", X, need("t", 3)) == {"x": MEASURES, "t": one_hot}


def test_classes_are_numbered_in_sorted_order_not_in_that_of_the_rows(folder: Folder) -> None:
    folder.write("t\nb\nc\n a\nB\n")
    data = folder.load("{csv: a.csv}", T)
    assert data.train.classes == {"t": ("B", "a", "b", "c")}
    assert data.train.arrays["t"].tolist() == [2, 3, 1, 0]


def test_class_numbers_stay_as_they_are(folder: Folder) -> None:
    folder.write("t\n3\n1\n2.0\n")
    data = folder.load("{csv: a.csv}", T)
    assert data.train.arrays["t"].tolist() == [3, 1, 2]
    assert data.train.classes == {}


def test_a_second_set_takes_the_class_numbers_of_the_first(folder: Folder) -> None:
    first = folder.load(LONG).train
    folder.write("a,b,c,d,species\n1,2,3,4,virginica\n", "b.csv")
    second = folder.load("{csv: b.csv}", like=first).train
    assert second.arrays["t"].tolist() == [2]
    assert second.classes == first.classes


def test_a_class_that_the_first_set_has_not(folder: Folder) -> None:
    first = folder.load(LONG).train
    folder.write("a,b,c,d,species\n1,2,3,4,virginca\n1,2,3,4,rose\n", "b.csv")
    with pytest.raises(DataError) as error:
        folder.load("{csv: b.csv}", like=first)
    assert reported(error) == [
        (
            "unknown-class",
            "'virginca' is not a class of input 't' in the training set",
            "did you mean 'virginica'?",
        ),
        (
            "unknown-class",
            "'rose' is not a class of input 't' in the training set",
            "the classes are setosa, versicolor, virginica",
        ),
    ]
    assert [marked(found) for found in error.value.diagnostics] == ["virginca", "rose"]


def test_texts_where_the_first_set_has_numbers(folder: Folder) -> None:
    folder.write("t\n3\n1\n", "b.csv")
    first = folder.load("{csv: b.csv}", T).train
    folder.write("t\nthree\n")
    with pytest.raises(DataError) as error:
        folder.load("{csv: a.csv}", T, like=first)
    message = "'three' in column 't' is not a whole number"
    assert reported(error) == [("not-a-number", message, "")]


# ---------------------------------------------------------------- forms of the text


@pytest.mark.parametrize(
    "content",
    [
        IRIS.encode(),
        IRIS.replace("\n", "\r\n").encode(),
        IRIS.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + IRIS.encode(),
        IRIS.rstrip().encode(),
        IRIS.replace("\n", "\n\n").encode(),
        b"\n\n" + IRIS.encode(),
        IRIS.replace(",", ";").encode(),
        IRIS.replace(",", "\t").encode(),
        IRIS.replace(",", " , ").encode(),
        IRIS.replace("setosa", '"setosa"').replace("5.1,", '"5.1",').encode(),
        gzip.compress(IRIS.encode()),
    ],
    ids=[
        *("plain", "crlf", "cr", "bom", "no-end", "blank-lines", "blank-start"),
        *("semicolon", "tab", "spaces", "quotes", "gzip"),
    ],
)
def test_forms_of_the_same_table(folder: Folder, content: bytes) -> None:
    folder.write(content)
    assert folder.lists("{csv: a.csv}") == {"x": MEASURES, "t": [0, 1, 2, 0, 1, 2]}


def test_a_quoted_cell_may_hold_the_delimiter_quotes_and_line_ends(folder: Folder) -> None:
    folder.write('t\n"a,b"\n"say ""hi"""\n"two\nlines"\n')
    classes = folder.load("{csv: a.csv}", T).train.classes
    assert classes == {"t": ("a,b", 'say "hi"', "two\nlines")}


# ---------------------------------------------------------------- bad cells


def test_the_whole_of_an_error(folder: Folder) -> None:
    folder.write(IRIS.replace("6.3,3.3", "6.3,3..3"))
    error = folder.refused(LONG)
    assert str(error.value) == (
        "error[not-a-number]: '3..3' in column 'sepal_width' is not a finite number\n"
        f"  --> {folder.path}/a.csv:4:5\n"
        "   |\n"
        " 4 | 6.3,3..3,6.0,2.5,virginica\n"
        "   |     ^^^^\n"
        "   |\n"
        "  ::: spec.yaml:1:24\n"
        "   |\n"
        f" 1 | {LONG}\n"
        f"   | {' ' * 23}{'-' * 54} column 'sepal_width' feeds input 'x'"
    )


@pytest.mark.parametrize(
    "cell", ["abc", "nan", "inf", "-Infinity", "1_000", "1,5", "0x10", "1e999"]
)
def test_a_cell_that_is_no_finite_number(folder: Folder, cell: str) -> None:
    folder.write(f"a;y\n1;2\n3; {cell} \n")
    error = folder.refused("{csv: a.csv}", need("y"))
    message = f"'{cell}' in column 'y' is not a finite number"
    help = {"1,5": "write decimals with a point, as in 0.5", "nan": DROP}.get(cell, "")
    assert reported(error) == [("not-a-number", message, help)]
    found = error.value.diagnostics[0]
    assert found.span is not None
    assert (found.span.line, found.span.column) == (3, 3)
    assert marked(found) == f" {cell} "


def test_an_empty_cell(folder: Folder) -> None:
    folder.write("a,y\n1,\n2,3\n")
    for y in (need("y"), need("y", dtype="int")):
        error = folder.refused("{csv: a.csv}", y)
        assert reported(error) == [("not-a-number", "a cell of column 'y' is empty", DROP)]
        span = error.value.diagnostics[0].span
        assert span is not None
        assert (span.line, span.column, span.end_column) == (2, 3, 3)


def test_an_empty_cell_among_texts(folder: Folder) -> None:
    folder.write("a,t\n1,rose\n2,\n3,\n")
    error = folder.refused("{csv: a.csv}", T)
    assert reported(error) == [("not-a-number", "a cell of column 't' is empty", DROP)]
    assert error.value.diagnostics[0].notes[-1].text == "also in line 4"


def test_numbers_and_texts_in_one_column_of_classes(folder: Folder) -> None:
    folder.write("t\n1\n2.5\ntwo\n3\n")
    error = folder.refused("{csv: a.csv}", T)
    assert reported(error) == [
        ("not-a-number", "'2.5' in column 't' is not a whole number", ""),
        ("not-a-number", "'two' in column 't' is not a whole number", ""),
    ]
    assert [marked(found) for found in error.value.diagnostics] == ["2.5", "two"]


def test_fractions_and_texts_in_several_columns_of_whole_numbers(folder: Folder) -> None:
    folder.write("x.0,x.1\n1,2.5\nthree,4\n")
    error = folder.refused("{csv: a.csv}", need("x", 2, dtype="int"))
    assert reported(error) == [
        ("not-a-number", "'2.5' in column 'x.1' is not a whole number", ""),
        ("not-a-number", "'three' in column 'x.0' is not a whole number", ""),
    ]


def test_places_are_right_after_quotes_line_ends_and_a_byte_order_mark(folder: Folder) -> None:
    text = '\ufeffa,y\r\n"1,0",2\r\n"say ""x,y""\r\nand more",3\r\n\r\n"5,5",bad\r\n'
    folder.write(text)
    error = folder.refused("{csv: a.csv}", need("y"))
    span = error.value.diagnostics[0].span
    assert span is not None
    assert (span.line, span.column) == (6, 7)
    assert marked(error.value.diagnostics[0]) == "bad"


def test_a_bad_cell_below_a_line_end_in_quotes(folder: Folder) -> None:
    folder.write('a,y\n"two\nlines",bad\n')
    error = folder.refused("{csv: a.csv}", need("y"))
    span = error.value.diagnostics[0].span
    assert span is not None
    assert (span.line, span.column, span.end_column) == (3, 8, 11)


def test_a_bad_cell_at_the_very_end(folder: Folder) -> None:
    folder.write("a,y\n1,bad")
    error = folder.refused("{csv: a.csv}", need("y"))
    assert marked(error.value.diagnostics[0]) == "bad"


def test_only_the_first_faults_are_reported(folder: Folder) -> None:
    folder.write("y,t\n" + "bad,1\n" * 5 + "1,2,3\n" * 50)
    error = folder.refused("{csv: a.csv}", need("y"))
    help = "if its texts are categories, list 'y' in 'categories'"
    assert reported(error) == [
        ("not-a-number", "'bad' in column 'y' is not a finite number", help),
        ("ragged-row", "this row has 3 cells, but the header has 2", ""),
    ]
    assert [found.notes[-1].text for found in error.value.diagnostics] == [
        "also in lines 3, 4, 5, 6",
        "also in lines 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 and 39 more",
    ]
    folder.write("t\n1\n" + "".join(f"bad{n}\n" for n in range(50)))
    assert len(folder.refused("{csv: a.csv}", T).value.diagnostics) == 10


def test_cells_that_are_alike_are_one_fault(folder: Folder) -> None:
    folder.write('t,y\n1,"0,5"\n2,\n3,"1,5"\n4,NA\n5,bad\n6,worse\n7,bad\n')
    found = folder.refused("{csv: a.csv}", need("y")).value.diagnostics
    assert [(each.message, each.notes[-1].text) for each in found] == [
        ("'0,5' in column 'y' is not a finite number", "also in line 4"),
        ("a cell of column 'y' is empty", "also in line 5"),
        ("'bad' in column 'y' is not a finite number", "also in line 8"),
        ("'worse' in column 'y' is not a finite number", "column 'y' feeds input 'y'"),
    ]


def test_a_ragged_row(folder: Folder) -> None:
    folder.write("a,y\n1,2\n3\n4,5\n")
    error = folder.refused("{csv: a.csv}", need("y"))
    message = "this row has 1 cell, but the header has 2"
    assert reported(error) == [("ragged-row", message, "")]
    assert marked(error.value.diagnostics[0]) == "3"


HEADER = "the first row must hold the names of the columns"


@cases(
    r"""
    content= | code | message | help | line= | column=
    b"" | no-header | there is no header row | $HEADER | 1 | 1
    b"\n\n" | no-header | there is no header row | $HEADER | 1 | 1
    b",,\n1,2,3\n" | no-header | there is no header row | $HEADER | 1 | 1
    b"5.1,3.5,1.4,0.2,setosa\n7.0,3.2,4.7,1.4,versicolor\n" | no-header
        | the first row holds the number 5.1, so it is not a header | $HEADER | 1 | 1
    b"5,0,0,0\n1,2,3,4\n" | duplicate-column | two columns are called '0' | $HEADER | 1 | 5
    b"\na,b, a\n1,2,3\n" | duplicate-column | two columns are called 'a' | $HEADER | 2 | 5
    b"x,t\n" | no-rows | no row follows the header | | 1 | 1
    b"x,t\n1,\xff\n" | not-text | this is not UTF-8 | save the table as UTF-8 | 2 | 3
    b"\xef\xbb\xbfx,t\r\n1,2\r\nab\xe9,\n" | not-text | this is not UTF-8 | save the table as UTF-8
        | 3 | 3
    b'x,t\n1,2\n"3,4\n5,6\n' | not-csv | this is not CSV: unexpected end of data | | 3 | 1
    b'x,t\n1,"2"3\n' | not-csv | this is not CSV: ',' expected after '"' | | 2 | 1
    b"x,t\n1," + b"2" * 200_000 + b"\n" | not-csv
        | this is not CSV: field larger than field limit (131072) | | 2 | 1
    """,
    HEADER=HEADER,
)
def test_a_text_that_is_no_table(folder, content, code, message, help, line, column) -> None:
    folder.write(content)
    error = folder.refused("{csv: a.csv}", need("x"), T)
    assert reported(error) == [(code, message, help)]
    span = error.value.diagnostics[0].span
    assert (span.source.name, span.line, span.column) == (f"{folder.path}/a.csv", line, column)


# ---------------------------------------------------------------- faults of the spec


def test_columns_that_do_not_exist_are_reported_together(folder: Folder) -> None:
    error = folder.refused(
        "{csv: {file: a.csv, x: [sepal_lenght, sepal_width, colour, scent], t: Species}}"
    )
    columns = "sepal_length, sepal_width, petal_length, petal_width, species"
    assert reported(error) == [
        ("unknown-column", "'a.csv' has no column 'sepal_lenght'", "did you mean 'sepal_length'?"),
        ("unknown-column", "'a.csv' has no column 'colour'", f"its columns are {columns}"),
        ("unknown-column", "'a.csv' has no column 'scent'", f"its columns are {columns}"),
        ("unknown-column", "'a.csv' has no column 'Species'", "did you mean 'species'?"),
    ]
    marks = [marked(found) for found in error.value.diagnostics]
    assert marks == ["sepal_lenght", "colour", "scent", "Species"]


def test_inputs_without_columns_are_reported_together(folder: Folder) -> None:
    error = folder.refused("{csv: a.csv}", need("x", 2), need("t"))
    assert reported(error) == [
        (
            "missing-column",
            "'a.csv' has no column for input 'x'",
            "write `csv: {file: a.csv, x: [COLUMN, ...]}`",
        ),
        (
            "missing-column",
            "'a.csv' has no column for input 't'",
            "write `csv: {file: a.csv, t: COLUMN}`",
        ),
    ]
    notes = [[note.text for note in found.notes] for found in error.value.diagnostics]
    columns = "its columns are sepal_length, sepal_width, petal_length, petal_width, species"
    assert notes == [[columns], [columns]]
    assert [marked(found) for found in error.value.diagnostics] == ["a.csv", "a.csv"]


@cases("""
    spec | code | message | at
    {csv: {file: a.csv, x: [], t: species}} | no-columns | 'x' is given no column | []
    {csv: {file: a.csv, x: [sepal_length, [a]], t: species}} | wrong-type
        | the column for 'x' must be a text, not a list | [a]
    {csv: {file: a.csv, x: [sepal_length, sepal_width], t: species}} | wrong-width
        | 'x' needs 4 values a row, but 'sepal_length, sepal_width' has 2
        | [sepal_length, sepal_width]
    {csv: {file: a.csv, x: sepal_length, t: species}} | wrong-width
        | 'x' needs 4 values a row, but 'sepal_length' has 1 | sepal_length
""")
def test_fault_of_the_spec(folder: Folder, spec, code, message, at) -> None:
    error = folder.refused(spec)
    assert reported(error) == [(code, message, "")]
    assert marked(error.value.diagnostics[0]) == at


def test_more_classes_than_a_one_hot_row_has_places(folder: Folder) -> None:
    error = folder.refused(LONG, X, need("t", 2))
    message = "'t' takes 2 classes, but 'species' holds 3: setosa, versicolor, virginica"
    help = "3 classes need 3 outputs, not 2"
    assert reported(error) == [("class-outside", message, help)]


@pytest.mark.parametrize("target", [InputSpec("t", (None,), "int", 2), need("t", 2)])
def test_a_class_outside_the_range_is_shown_at_its_cell(folder: Folder, target) -> None:
    folder.write("a,b,kind\n1,2,0\n\n3,4,1\n5,6,2\n")
    error = folder.refused("{csv: {file: a.csv, x: [a, b], t: kind}}", need("x", 2), target)
    message = "'t' takes classes 0 to 1, but 'kind' holds 2 in row 2"
    help = "3 classes need 3 outputs, not 2"
    assert reported(error) == [("class-outside", message, help)]
    (found,) = error.value.diagnostics
    assert (found.span.line, found.span.column, marked(found)) == (5, 5, "2")
    (note,) = found.notes
    assert note.text == "column 'kind' feeds input 't'"


# ---------------------------------------------------------------- files of strangers


def test_a_gzip_bomb_is_unpacked_no_further_than_the_limit(folder: Folder, monkeypatch) -> None:
    monkeypatch.setattr(compressed, "_UNSUSPECTED", 1 << 20)
    folder.write(gzip.compress(bytes(16 << 20)))
    assert 50 * (folder.path / "a.csv").stat().st_size < 1 << 20
    tracemalloc.start()
    error = folder.refused("{csv: a.csv}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    help = "data seldom pack so small: unpack the gzip file if they are what they should be"
    assert reported(error) == [("data-too-large", "'a.csv' holds more than 0.0009766 GiB", help)]
    assert peak < 8 << 20


def test_what_packs_well_is_read(folder: Folder) -> None:
    rows = "x,t\n" + "0,0\n" * 2_000
    folder.write(gzip.compress(rows.encode()))
    inputs = [InputSpec(name, (None,), "float64") for name in "xt"]
    assert len(folder.load("{csv: a.csv}", *inputs).train) == 2_000


def test_what_the_terminal_would_obey_is_not_shown(folder: Folder) -> None:
    folder.write("y\n\x1b[31mred\n")
    shown = str(folder.refused("{csv: a.csv}", need("y")).value)
    assert "\x1b" not in shown
    assert "'\N{REPLACEMENT CHARACTER}[31mred' in column 'y' is not a finite number" in shown


def test_any_damage_ends_in_data_or_in_an_error_of_ours(folder: Folder) -> None:
    rng = np.random.default_rng(0)
    whole = np.frombuffer(IRIS.encode(), np.uint8)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(400):
        damaged = whole.copy()
        damaged[rng.integers(len(whole), size=2)] = rng.integers(0, 256, size=2)
        folder.write(damaged.tobytes())
        try:
            folder.load("{csv: a.csv}")
            outcomes["read"] += 1
        except GraphnnError as error:
            assert str(error)
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 10
