"""Checks texts as `languages.py` asks: Ludwig's own check of a configuration."""

import json
import sys
from importlib.metadata import version

import yaml
from ludwig.schema.model_config import ModelConfig

found = []
for text in json.load(sys.stdin):
    try:
        ModelConfig.from_dict(yaml.safe_load(text))
        found.append(["", False])
    except Exception as error:
        found.append([" ".join(f"{type(error).__name__}: {error}".split()), False])
json.dump({"version": version("ludwig"), "found": found}, sys.stdout)
