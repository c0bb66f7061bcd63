"""What mlnode reports of texts, and what it builds of them, as `mistakes.py` asks."""

import json
import sys
from importlib.metadata import version

from mlnode import MLnodeModel
from probing import probe

found = []
for text in json.load(sys.stdin):
    try:
        model = MLnodeModel.from_dict(json.loads(text))
        result = model.validate()
        errors = [*result.errors]
        said = "" if result.valid else getattr(errors[0], "message", str(errors[0]))
    except Exception as error:
        found.append({"said": f"{type(error).__name__}: {error}"})
        continue
    try:
        module = model.build()
    except Exception as error:
        found.append({"said": said, "error": f"{type(error).__name__}: {error}"})
        continue
    found.append({"said": said, **probe(module, '"Embedding"' in text)})
json.dump({"version": version("mlnode"), "found": found}, sys.stdout)
