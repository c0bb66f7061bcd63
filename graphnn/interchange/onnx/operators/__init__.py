"""ONNX operators in terms of ops here, one file a family; a module here is found by being here."""
