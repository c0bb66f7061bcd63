"""A spec for a table: standardized columns, two layers, and a softmax or a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphnn.diagnostics import counted
from graphnn.training.data.csv_file import CsvFile
from graphnn.training.drafting.columns import ColumnSummary, left_out, summarize

_UNITS = 16


def draft_table(table: CsvFile, file: str, target: str | None) -> tuple[list[str], dict[str, Any]]:
    """Remarks on a table, and the nodes and ``train`` of a spec that learns from it.

    Parameters
    ----------
    table : CsvFile
    file : str
        Its name for the spec.
    target : str or None
        The column to predict; None for the last.
    """
    every, goal = summarize(table, file, target)
    idle = left_out(every)
    features = [column for column in every if column.name not in idle]
    remarks = [f"Column '{name}' is left out: it {reason}." for name, reason in idle.items()]
    heading = f"the {'class' if goal.are_classes else 'number'} '{goal.name}'"
    count = counted(len(features), "column")
    remarks.insert(0, f"Predicts {heading} from {count} of {file}.")
    return remarks, {
        "nodes": _nodes(features, goal),
        "outputs": ["y"],
        "train": _train(file, features, goal),
    }


def _nodes(features: Sequence[ColumnSummary], goal: ColumnSummary) -> dict[str, Any]:
    width = sum(1 if column.is_numeric else len(column.texts) for column in features)
    target: dict[str, Any] = {"op": "input", "shape": ["batch"], "dtype": "int"}
    if not goal.are_classes:
        target = {"op": "input", "shape": ["batch", 1]}
    nodes: dict[str, Any] = {"x": {"op": "input", "shape": ["batch", width]}, "t": target}
    last = "x"
    if any(column.missing for column in features if column.is_numeric):
        nodes["filled"], last = {"op": "impute", "inputs": "x"}, "filled"
    nodes["scaled"] = {"op": "standardize", "inputs": last}
    nodes["a1"] = {"op": "affine", "inputs": "scaled", "units": _UNITS, "weight": "he"}
    nodes["z1"] = {"op": "relu", "inputs": "a1"}
    return nodes | (_class_of(len(goal.texts)) if goal.are_classes else _number_of(goal))


def _class_of(classes: int) -> dict[str, Any]:
    return {
        "a2": {"op": "affine", "inputs": "z1", "units": classes},
        "y": {"op": "softmax", "inputs": "a2"},
        "loss": {"op": "cross_entropy", "inputs": ["y", "t"]},
    }


def _number_of(goal: ColumnSummary) -> dict[str, Any]:
    """A number that starts on the scale of the target, so that steps of usual size reach it."""
    mean, deviation = goal.scale
    return {
        "a2": {"op": "affine", "inputs": "z1", "units": 1},
        "mean": {"op": "constant", "value": mean},
        "deviation": {"op": "constant", "value": deviation},
        "stretched": {"op": "multiply", "inputs": ["a2", "deviation"]},
        "y": {"op": "add", "inputs": ["stretched", "mean"]},
        "loss": {"op": "mean_squared_error", "inputs": ["y", "t"]},
    }


def _train(file: str, features: Sequence[ColumnSummary], goal: ColumnSummary) -> dict[str, Any]:
    categories = [column.name for column in features if not column.is_numeric]
    if goal.is_numeric and goal.are_classes and not goal.counts_from_zero:
        categories.append(goal.name)
    table: dict[str, Any] = {"file": file}
    if categories:
        table["categories"] = categories
    if goal.missing or any(column.missing for column in features if not column.is_numeric):
        table["missing"] = "drop"
    table |= {"x": [column.name for column in features], "t": goal.name}
    kind = "parquet" if file.lower().endswith(".parquet") else "csv"
    return {"data": {kind: table}} | training(
        goal.rows, classifies=goal.are_classes, epochs=100, rate=0.01
    )


def training(rows: int, *, classifies: bool, epochs: int, rate: float) -> dict[str, Any]:
    """Keys of ``train`` beside the data, for so many rows."""
    held_back: dict[str, Any] = {"validation": 0.2} if rows >= 10 else {}
    if classifies and held_back:
        held_back["stratify"] = "t"
    if held_back:
        held_back |= {"early_stopping": {"patience": max(5, epochs // 5)}, "keep": "best"}
    measured = {"accuracy": ["y", "t"]} if classifies else {"mean_absolute_error": ["y", "t"]}
    return held_back | {
        "metrics": measured,
        "optimizer": {"adam": {"learning_rate": rate}},
        "batch_size": max(1, min(32, rows // 10)),
        "epochs": epochs,
    }
