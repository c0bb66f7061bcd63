"""Checks texts as `languages.py` asks: Ludwig's check of a configuration, and the model made of it.

What Ludwig learns from its data before it builds, such as the number of classes, it is given here.
"""

import json
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
import yaml


def loads(package, pattern):
    """Whether the compiled part of a package loads beside this torch."""
    (library,) = Path(find_spec(package).origin).parent.glob(pattern)
    try:
        torch.ops.load_library(library)
    except OSError:
        return False
    return True


IMAGE = {"height": 28, "width": 28, "num_channels": 1, "standardize_image": None}
DATA = {"vector_size": 784, "preprocessing": IMAGE, "vocab_size": 10}
OPERATORS = torch.library.Library("torchvision", "FRAGMENT")  # they go when it goes


def prepare():
    """Let Ludwig be imported beside a torch without CUDA.

    PyPI's torchvision and torchaudio are compiled for CUDA and do not import there. Ludwig imports
    both, but needs nothing compiled to check a configuration and to build a model.
    """
    if not loads("torchvision", "_C.so"):
        for name in ("nms", "qnms"):
            OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    if not loads("torchaudio", "lib/_torchaudio*.so"):
        stand_in = ModuleType("torchaudio")
        stand_in.__version__ = version("torchaudio")
        stand_in.__spec__ = ModuleSpec("torchaudio", None)
        sys.modules["torchaudio"] = stand_in
    import_module("ludwig.api")  # so that where it does not import, that is not taken for an answer


def build(text):
    """The model of a configuration for digits."""
    from ludwig.api import LudwigModel
    from ludwig.features.feature_registries import update_config_with_metadata
    from ludwig.schema.model_config import ModelConfig

    config = ModelConfig.from_dict(yaml.safe_load(text))
    features = [*config.input_features, *config.output_features]
    update_config_with_metadata(config, {feature.name: DATA for feature in features})
    return LudwigModel.create_model(config)


prepare()
found, sizes = [], []
for text in json.load(sys.stdin):
    try:
        model = build(text)
        found.append(["", False])
        sizes.append(f"{sum(parameter.numel() for parameter in model.parameters()):,}")
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        found.append([said, "line" in said and "column" in said])
name = f"{version('ludwig')}, torch {torch.__version__}; parameters: {', '.join(sizes)}"
json.dump({"version": name, "found": found}, sys.stdout)
