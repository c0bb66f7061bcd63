from __future__ import annotations

import numpy as np
import pytest

from graphnn.ops import registered


@pytest.fixture(autouse=True)
def clean_registry():
    with registered():
        yield


@pytest.fixture
def warnings_off():
    """As whoever runs ops has them."""
    with np.errstate(all="ignore"):
        yield
