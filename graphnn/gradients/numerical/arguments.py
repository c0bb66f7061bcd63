"""Arguments of a numerical gradient that would be ignored, or fail far from where they enter."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphnn.diagnostics import Diagnostic, UsageError, suggestion

METHODS = ("probes", "loop", "complex")


def check_method(method: Any) -> None:
    """Refuse a method that is not there.

    Raises
    ------
    UsageError
        It is none of `METHODS`.
    """
    if method not in METHODS:
        help = f"there are {', '.join(METHODS[:-1])} and {METHODS[-1]}"
        help = suggestion(str(method), METHODS, help)
        raise UsageError(Diagnostic("unknown-method", f"there is no method '{method}'", help=help))


def check_sharing(method: str, threads: Any, executor: Any, max_memory: Any) -> None:
    """Refuse what cannot share work, or has none to share.

    Raises
    ------
    UsageError
        With every argument at fault.
    """
    faults = []
    if threads is not None and not _is_count(threads):
        message = f"'threads' is a whole number from 1 on, not {threads!r}"
        faults.append(Diagnostic("bad-option", message, help="left out, it is one for each core"))
    if not _is_count(max_memory):
        message = f"'max_memory' is a whole number of bytes from 1 on, not {max_memory!r}"
        faults.append(Diagnostic("bad-option", message, help="left out, it is 256 MiB"))
    if executor is not None and not callable(getattr(executor, "submit", None)):
        message = f"'executor' takes tasks by 'submit', which {executor!r} does not have"
        help = "give a concurrent.futures.Executor, such as a ProcessPoolExecutor"
        faults.append(Diagnostic("bad-option", message, help=help))
    elif executor is not None and method == "loop":
        message = "the loop runs here alone, but an executor is given"
        help = "leave 'executor' out, or take the method 'probes'"
        faults.append(Diagnostic("bad-option", message, help=help))
    if faults:
        raise UsageError(*faults)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and int(value) > 0
