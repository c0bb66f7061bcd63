"""Settings of tests that draw cases of ops: the same cases in every run."""

from __future__ import annotations

from hypothesis import Phase, given, settings

from graphnn.testing.strategies import op_cases

QUICK = settings(
    max_examples=20, database=None, derandomize=True, report_multiple_bugs=False, deadline=None
)
# For what is planted, which need not be shrunk.
PLANTED = settings(QUICK, max_examples=100, phases=[Phase.generate])


def every_case(op_class, check, max_examples=20):
    """Call `check` with cases of an op."""
    settings(QUICK, max_examples=max_examples)(given(op_cases(op_class))(check))()
