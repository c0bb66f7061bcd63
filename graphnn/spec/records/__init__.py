"""Records of the sections of a spec: their fields are the keys of the language."""
