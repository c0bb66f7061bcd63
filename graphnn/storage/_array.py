"""The one name of an array of any type."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
