from ._export import export as export
from .onnx.verification import Agreement as Agreement
from .onnx.writing import Exported as Exported
