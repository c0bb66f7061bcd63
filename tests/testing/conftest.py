from __future__ import annotations

import pytest

from graphnn.ops import REGISTRY


@pytest.fixture(autouse=True)
def clean_registry():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)
