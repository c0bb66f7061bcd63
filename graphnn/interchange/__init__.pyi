from ._export import export as export
from .onnx.importing import Imported as Imported
from .onnx.importing import import_onnx as import_onnx
from .onnx.importing import load_onnx as load_onnx
from .onnx.verification import Agreement as Agreement
from .onnx.writing import Exported as Exported
from .torch_modules import from_torch_state as from_torch_state
from .torch_modules import to_torch as to_torch
