"""What makes a result that is not finite, told with it where it can be seen in the network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graphnn.diagnostics import RunError
from graphnn.execution.network import Network
from graphnn.graph import lints

_CAUSES = ("not-probabilities",)  # warnings of what may bring it about


@contextmanager
def told(net: Network) -> Iterator[None]:
    """Add the warnings of `net` that explain it to an error that a result is not finite."""
    try:
        yield
    except RunError as error:
        if error.diagnostics[0].code != "not-finite":
            raise
        found = lints.silence(lints.advise(net.graph), net.graph.spec, complete=False)
        causes = [warning for warning in found if warning.code in _CAUSES]
        raise RunError(*error.diagnostics, *causes) from None
