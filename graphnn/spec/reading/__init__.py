"""Text to located values: YAML and JSON parsed by events, within limits."""
