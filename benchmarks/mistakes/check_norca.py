"""What n-orca reports of texts, and what it compiles them to, as `mistakes.py` asks."""

import json
import sys
from importlib.metadata import version

from n_orca.compiler import compile_pytorch
from n_orca.parser import parse
from n_orca.verifier import verify
from probing import probe

found = []
for text in json.load(sys.stdin):
    try:
        (architecture,) = parse(text)
        report = verify(architecture)
        reported = [*report.errors, *report.warnings]
        said = f"{reported[0].code}: {reported[0].message}" if reported else ""
        said = said if report.errors or not reported else f"warning: {said}"
    except Exception as error:
        found.append({"said": f"{type(error).__name__}: {error}"})
        continue
    try:
        names = {}
        exec(compile_pytorch(architecture), names)
        module = names[architecture.name]()
    except Exception as error:
        found.append({"said": said, "error": f"{type(error).__name__}: {error}"})
        continue
    found.append({"said": said, **probe(module, "Embedding" in text)})
json.dump({"version": version("n-orca"), "found": found}, sys.stdout)
