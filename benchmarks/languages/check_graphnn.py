"""Checks texts as `languages.py` asks: graphnn's own."""

import json
import sys

import graphnn

found = []
for text in json.load(sys.stdin):
    faults = graphnn.diagnose_text(text)
    said = [f"{fault.message}; {fault.help}".rstrip("; ") for fault in faults]
    found.append([said[0] if said else "", bool(faults and faults[0].span)])
json.dump({"version": graphnn.__version__, "found": found}, sys.stdout)
