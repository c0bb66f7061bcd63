"""Names that a spec chooses from, which the rooms that know what they stand for pass in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol


class Kind(Protocol):
    """What a name stands for that brings options along.

    Attributes
    ----------
    also_called : mapping of str to str
        Names that elsewhere stand for an option, with its name here.
    """

    also_called: ClassVar[Mapping[str, str]]

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Names of the options."""


class DataKey(Protocol):
    """A text that a kind of data takes."""

    @property
    def name(self) -> str:
        """The key."""

    @property
    def is_file(self) -> bool:
        """Whether it names a file."""


class DataKind(Protocol):
    """A kind of data: the keys that it takes, and what it takes for each input.

    The text of its first key alone, or what is for inputs, may stand in place of a mapping.
    """

    @property
    def keys(self) -> Sequence[DataKey]:
        """Keys beside the names of inputs."""

    @property
    def feed(self) -> DataKey:
        """What is given for an input."""


class Vocabulary:
    """Names that a spec chooses from; here none. A room that knows some overrides these.

    They are looked up when they are needed, which is for a setting or for help.
    """

    @property
    def ops(self) -> Collection[str]:
        """What may follow the key ``op``."""
        return ()

    @property
    def choices(self) -> Mapping[str, Mapping[str, type[Kind]]]:
        """What may stand at ``optimizer`` and ``schedule``, alone or with options."""
        return {}

    @property
    def options(self) -> Mapping[str, type[Kind]]:
        """What holds the options of a key such as ``augment``."""
        return {}

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Metrics by name."""
        return {}

    @property
    def data(self) -> Mapping[str, DataKind]:
        """Kinds of data by name."""
        return {}


NO_NAMES = Vocabulary()
