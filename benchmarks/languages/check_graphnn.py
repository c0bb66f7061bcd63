"""Checks texts as `languages.py` asks: graphnn's own."""

import json
import sys

import graphnn

found = []
for text in json.load(sys.stdin):
    faults = graphnn.diagnose_text(text)
    told = [f"{fault.message}; {fault.help}".rstrip("; ") for fault in faults]
    found.append([told[0] if told else "", bool(faults and faults[0].span)])
json.dump({"version": graphnn.__version__, "found": found}, sys.stdout)
