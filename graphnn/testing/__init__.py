"""Help for tests: Hypothesis strategies (extra ``test``)."""
