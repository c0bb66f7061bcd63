"""Where data come from: one module a source, which is all that there is to it."""
