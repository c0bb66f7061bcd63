from __future__ import annotations

import pytest

from graphnn.ops import registered


@pytest.fixture(autouse=True)
def clean_registry():
    with registered():
        yield
