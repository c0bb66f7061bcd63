"""Codes: the stable names of faults and warnings, each with a page of its name in ``pages/``.

A new code is a name here, in its area, a page with its title and text, and a spec in
``tests/bad_specs/explained`` that brings it about; type checkers reject any other name.
"""

from __future__ import annotations

from typing import Literal, get_args

# fmt: off
_Text = Literal[
    "bad-character", "bad-encoding", "empty-file", "not-a-mapping", "yaml-syntax",
    "json-syntax", "duplicate-key", "missing-value", "key-not-text", "missing-colon",
    "key-too-long", "merge-key", "tag-not-allowed", "directive-not-allowed",
    "several-documents", "unknown-alias", "cyclic-alias", "non-finite-number",
    "number-too-long", "too-deep", "too-many-values", "too-many-aliases", "too-many-anchors",
    "too-many-comments", "too-many-faults", "too-many-warnings",
]
_Language = Literal[
    "missing-key", "unknown-key", "unknown-version", "wrong-type", "bad-name", "no-nodes",
    "no-network", "too-many-nodes", "batch-is-free", "unknown-size", "bad-size",
    "duplicate-output", "unknown-node", "not-an-input", "bad-range", "duplicate-choice",
    "nothing-to-search", "bad-colour", "unknown-family",
]
_Block = Literal[
    "op-and-block", "unknown-block", "duplicate-block", "unused-block", "cyclic-block",
    "cyclic-file", "too-many-files", "bad-repeat", "missing-size", "duplicate-name",
    "bad-share", "over-limit",
]
_Graph = Literal[
    "unknown-op", "missing-attribute", "bad-attribute", "wrong-inputs", "unknown-operand",
    "wrong-kind", "shape-mismatch", "unknown-shape", "cycle", "free-parameter", "too-large",
    "unread-node", "unused-input", "unused-size", "saturated-start", "softmax-squared-error",
    "not-probabilities", "bad-allow", "unused-allow",
]
_File = Literal[
    "bad-parameter", "unknown-initializer", "bad-initializer", "unknown-parameter",
    "missing-parameter", "cyclic-share", "not-numbers", "ragged-array", "no-such-file",
    "no-such-folder", "not-a-file", "not-a-folder", "bad-file-name", "file-outside",
    "file-too-large", "unreadable-file", "unreadable-folder", "unwritable-file", "file-exists",
    "not-npz", "broken-file", "truncated-file", "file-left-behind", "unknown-format",
    "unknown-array", "pickled-array", "wrong-shape", "data-too-large",
]
_Example = Literal[
    "bad-array", "free-size", "no-outputs", "missing-input", "wrong-output", "broken-property",
]
_Run = Literal[
    "unknown-input", "bad-value", "not-whole", "not-finite", "size-conflict", "unbound-size",
    "bad-dtype", "bad-seed", "unknown-mode", "no-loss", "out-of-memory", "worker-died",
    "op-failed",
]
_Gradient = Literal[
    "bad-entries", "bad-rule", "bad-step", "missing-gradient", "not-analytic", "unknown-entry",
    "unknown-extrapolation", "unknown-method", "unknown-order", "unknown-step-rule",
    "unknown-rule",
]
_Data = Literal[
    "unknown-data", "wrong-count", "no-inputs", "no-arrays", "no-batch-axis", "row-mismatch",
    "no-rows", "too-few-rows", "bad-split", "bad-stratify", "bad-batch-size", "wrong-width",
    "class-outside", "no-classes", "unknown-class", "no-images", "not-an-image", "wrong-size",
    "not-idx", "not-csv", "not-text", "no-header", "no-columns", "unknown-column",
    "missing-column", "unused-column", "duplicate-column", "ragged-row", "not-a-number",
    "rows-dropped",
]
_Training = Literal[
    "no-train", "no-data", "nothing-to-train", "unknown-optimizer", "bad-optimizer",
    "unknown-schedule", "bad-schedule", "bad-augment", "long-warm-up", "unscaled-columns",
    "skipped-files", "unknown-metric",
    "bad-metric", "metric-shapes", "not-measured", "folder-in-use", "nothing-to-resume",
    "different-classes", "different-spec",
]
_Search = Literal[
    "no-search", "no-trial", "bad-trials", "conflicting-settings", "searched-setting",
    "bad-search-file",
]
_Drawing = Literal[
    "bad-picture-data", "drawing-failed", "drawing-too-slow", "many-nodes", "no-engine",
    "no-glyph", "no-matplotlib", "no-optuna", "no-parquet", "no-tensorboard",
    "small-text", "unsuited-style",
]
_Program = Literal[
    "no-onnx", "no-torch", "not-in-onnx", "not-in-code", "onnx-differs", "not-onnx",
    "not-in-graphnn",
]
_Command = Literal[
    "usage", "bad-import", "bad-option", "no-pygls", "no-preview", "bad-rename",
    "unknown-code", "unknown-setting", "system",
]
Code = Literal[
    _Text, _Language, _Block, _Graph, _File, _Example, _Run, _Gradient, _Data, _Training, _Search,
    _Drawing, _Program, _Command,
]
AllowableCode = Literal[
    "unused-block", "unread-node", "unused-input", "unused-size", "saturated-start",
    "softmax-squared-error", "not-probabilities", "no-such-file", "long-warm-up",
    "unscaled-columns", "skipped-files", "rows-dropped",
]
"""Codes of warnings that ``allow`` may name."""
# fmt: on
WarningCode = Literal[AllowableCode, "too-many-warnings", "unused-allow"]

AREAS: dict[str, tuple[Code, ...]] = {
    "The text of a file": get_args(_Text),
    "The language": get_args(_Language),
    "Blocks": get_args(_Block),
    "Ops and the graph": get_args(_Graph),
    "Parameters and files": get_args(_File),
    "Examples": get_args(_Example),
    "Running": get_args(_Run),
    "Gradients": get_args(_Gradient),
    "Data": get_args(_Data),
    "Training": get_args(_Training),
    "Searching": get_args(_Search),
    "Drawing": get_args(_Drawing),
    "Other programs": get_args(_Program),
    "The command line": get_args(_Command),
}
"""Codes by the area that they belong to."""
CODES: tuple[Code, ...] = get_args(Code)
ALLOWABLE: tuple[AllowableCode, ...] = get_args(AllowableCode)
