"""Configuration of Sphinx. It needs no network and no program beside Python's own packages."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import generate_commands  # noqa: E402
import generate_errors  # noqa: E402
import generate_ops  # noqa: E402
import generate_tables  # noqa: E402

import graphnn  # noqa: E402

project = "graphnn"
author = "the graphnn founders"
project_copyright = author
release = version = graphnn.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml", "rendering"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_dmath_allow_space = False  # a prompt is not a formula
myst_dmath_allow_digits = False
html_math_renderer = "mathml"
myst_heading_anchors = 3
exclude_patterns = [
    "_build",
    "tables",
    "performance-table.md",
    "performance-table-older.md",
    "plants-table.md",
]
root_doc = "index"

autodoc_typehints = "none"  # docstrings state types as people call them
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
default_role = "py:obj"

html_theme = "furo"
html_title = "graphnn"
html_static_path = ["_static"]
html_css_files = ["graphnn.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style = "tango"
html_theme_options = {"sidebar_hide_name": False, "navigation_with_keys": True}


def setup(app) -> None:
    """Make pages, tables and pictures from the code before any page is read."""
    app.connect("builder-inited", lambda _: make())


def make() -> None:
    """Write the pages made from the code; a module ``figures...`` beside this adds pictures."""
    generate_ops.write(HERE / "ops")
    generate_tables.write(HERE / "tables")
    generate_commands.write(HERE / "tables")
    generate_errors.write(HERE / "errors")
    for module in sorted(path.stem for path in HERE.glob("figures*.py")):
        importlib.import_module(module).write(HERE / "figures")
