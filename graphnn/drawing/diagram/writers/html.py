"""A scene as one HTML file without scripts: the SVG on a page of its own."""

from __future__ import annotations

from graphnn.drawing.diagram.scene import Scene
from graphnn.drawing.diagram.writers import svg

_STYLE = (
    "body{margin:0;background:Canvas}main{display:grid;place-items:center;padding:1rem}"
    "svg{max-width:100%;height:auto}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:"


def write(scene: Scene) -> str:
    """The text of an HTML file."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{svg.escaped(scene.title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{svg.write(scene)}</main>\n</body>\n</html>\n"
    )
