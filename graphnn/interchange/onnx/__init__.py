"""ONNX models: networks written to them and read from them."""
