"""What all tests share: how Hypothesis works, and which graphnn is tested."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings

import graphnn

# No test may know how fast the machine is.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_report_header() -> str:
    return f"graphnn: {Path(graphnn.__file__).parent}"
