"""What a text holds, read once for all that is asked about it."""

from __future__ import annotations

from graphnn.diagnostics import Findings, GraphnnError
from graphnn.spec import DEFAULT, reader
from graphnn.spec.values import Map


class Reading:
    """A text as `graphnn.spec.reader.read` takes it.

    Parameters
    ----------
    text, name : str
    json : bool
        As for `read`.

    Attributes
    ----------
    document : Map or None
        Its values; None where it cannot be read.
    """

    def __init__(self, text: str, name: str, *, json: bool) -> None:
        self._findings = Findings(DEFAULT.faults)
        self._error: GraphnnError | None = None
        self.document: Map | None = None
        try:
            self.document = reader.read(text, name, json=json, findings=self._findings)
        except GraphnnError as error:
            self._error = error

    def read(self, findings: Findings) -> Map:
        """The values, with what is wrong with them put into `findings`, as if read anew.

        Raises
        ------
        SpecError
            The text cannot be read.
        """
        for found in self._findings.errors:
            findings.add(found)
        if self._error is not None:
            raise self._error
        assert self.document is not None
        findings.mark_faulty()
        return self.document
