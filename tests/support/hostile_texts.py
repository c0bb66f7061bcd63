"""Texts that would do something where they are not escaped, and a spec that holds them."""

from __future__ import annotations

import json

HOSTILE = [
    "<script>document.title = 'ran'</script>",
    '" onload="document.title = \'ran\'" x="',
    "<img src=x onerror=document.title='ran'>",
    "javascript:document.title='ran'",
    "]]></style></svg><script>document.title='ran'</script>",
    "--><!--</title></desc><script>document.title='ran'</script>",
    r"\Gamma \N \G \l \n C:\Nets\new",
    "%% #35; #quot; &amp; &#60; `tick` ${x} {{y}} $z$ |a| ;",
    "click n0 call alert() end subgraph",
    "two  blanks, é, λ ≤ ½",
]
PLACES = 4  # where remarks are shown


def spec(words: str) -> str:
    """A spec in which `words` stand wherever free text may, as its name too."""
    free = {"op": "input", "shape": ["batch", 2], "about": words}
    inner = {"a": {"op": "relu", "inputs": "x", "about": words}}
    block = {"about": words, "inputs": "x", "nodes": inner, "output": "a"}
    uses = {"x": free, "b": {"block": "inner", "inputs": "x", "about": words}}
    return json.dumps({"graphnn": 1, "name": words, "blocks": {"inner": block}, "nodes": uses})
