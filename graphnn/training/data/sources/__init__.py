"""Where data come from: one module a source; importing a module registers its source."""
