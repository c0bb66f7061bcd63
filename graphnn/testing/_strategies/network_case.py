"""A drawn network with its inputs, which can be printed, saved and built."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from graphnn.execution import Network
from graphnn.ops import Array
from graphnn.spec import to_yaml
from graphnn.spec.values import Map, located
from graphnn.storage.archives import write_arrays
from graphnn.storage.files import as_path, write_text
from graphnn.training import loads

SPEC, INPUTS = "spec.yaml", "inputs.npz"


@dataclass(frozen=True, slots=True, repr=False)
class NetworkCase:
    """A network and inputs that it takes.

    Attributes
    ----------
    document : dict
        The spec, as `graphnn.loads` takes it, with the numbers of all parameters.
    inputs : dict of str to ndarray
        One for each input, all with the same number of rows.
    """

    document: dict[str, Any]
    inputs: dict[str, Array]
    last: ClassVar[NetworkCase | None] = None

    @classmethod
    def drawn(cls, document: dict[str, Any], inputs: dict[str, Array]) -> NetworkCase:
        """The case, kept as `last` too: for a test that fails, that of the smallest failure."""
        cls.last = cls(document, inputs)
        return cls.last

    def network(self) -> Network:
        """A new network."""
        return loads(self.document)

    @property
    def text(self) -> str:
        """The spec in YAML."""
        document = located(self.document)
        assert isinstance(document, Map)
        return to_yaml(document)

    def save(self, folder: str | Path) -> Path:
        """Write ``spec.yaml`` and ``inputs.npz`` into a folder, which ``graphnn gradcheck`` takes.

        Returns
        -------
        Path
            The folder, made where there is none.

        Raises
        ------
        FileError
            They cannot be written.
        """
        folder = as_path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / SPEC, self.text)
        write_arrays(folder / INPUTS, self.inputs)
        return folder

    def __repr__(self) -> str:
        """The spec as a file, with the command that checks its gradients for these inputs."""
        given = "".join(
            f" --input '{name}={json.dumps(array.tolist())}'" for name, array in self.inputs.items()
        )
        return f"# {SPEC}\n{self.text}# graphnn gradcheck {SPEC}{given}\n"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How Hypothesis prints it: as a file, its lines as they are."""
        printer.text(f"\n{self!r}")
