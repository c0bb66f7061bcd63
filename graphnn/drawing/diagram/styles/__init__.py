"""How networks look: one module a style, each of which makes a scene of a view."""
