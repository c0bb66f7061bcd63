"""Parquet files as CSV text, so that one reader serves tables of both kinds."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from graphnn.diagnostics import DataError, TrainingError, counted, needing
from graphnn.storage.archives import LIMIT
from graphnn.storage.files import show_bytes
from graphnn.training.data.compressed import too_large
from graphnn.training.data.source import Wanted

if TYPE_CHECKING:
    import pyarrow

_ROWS = 10_000  # a batch
_MAX_CELLS = 100_000_000  # more would not fit the text either


def as_csv(stream: BinaryIO, file: Wanted) -> bytes:
    """The table of a Parquet file as CSV: numbers to the last digit, nothing for a null.

    Raises
    ------
    DataError
        It is damaged, too large, or a column holds something else than numbers and texts.
    TrainingError
        pyarrow is not installed.
    """
    message = "Parquet files need pyarrow"
    with needing(TrainingError, "no-parquet", message, "parquet", file.span):
        import pyarrow
        from pyarrow import csv, parquet
    out = io.BytesIO()
    try:
        table = parquet.ParquetFile(stream)
        _check_size(table.metadata, file)
        schema = pyarrow.schema([(f.name, _plain(f, file)) for f in table.schema_arrow])
        with csv.CSVWriter(out, schema) as writer:
            for batch in _batches(table, schema):
                writer.write_batch(batch)
                if out.tell() > LIMIT:
                    raise too_large(file, LIMIT)
    except (pyarrow.ArrowException, OSError, ValueError):
        message = f"'{file.name}' is not a sound Parquet file"
        raise DataError.of("broken-file", message, file.span) from None
    return out.getvalue()


def _batches(
    table: pyarrow.parquet.ParquetFile, schema: pyarrow.Schema
) -> Iterator[pyarrow.RecordBatch]:
    for batch in table.iter_batches(_ROWS):
        columns = [column.cast(kind) for column, kind in zip(batch, schema.types, strict=True)]
        yield batch.from_arrays(columns, schema=schema)


def _check_size(metadata: pyarrow.parquet.FileMetaData, file: Wanted) -> None:
    if metadata.num_rows * metadata.num_columns > _MAX_CELLS:
        size = f"{counted(metadata.num_rows, 'row')} of {counted(metadata.num_columns, 'column')}"
        message = f"'{file.name}' holds {size}, more than {show_bytes(LIMIT)} of text"
        raise DataError.of("data-too-large", message, file.span)


def _plain(field: pyarrow.Field, file: Wanted) -> pyarrow.DataType:
    """The type in which a column is written as text without loss."""
    import pyarrow
    from pyarrow import types

    kind = field.type.value_type if types.is_dictionary(field.type) else field.type
    if types.is_floating(kind) or types.is_decimal(kind):
        return pyarrow.float64()
    if types.is_boolean(kind):
        return pyarrow.int8()
    if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        message = f"column '{field.name}' of '{file.name}' holds {field.type}, not numbers or texts"
        raise DataError.of("not-a-number", message, file.span)
    return kind
