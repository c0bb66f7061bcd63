"""Array code that several ops share: unfolding, windows, pooling, erf."""
