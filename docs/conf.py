"""Sphinx: pages in MyST; the reference of commands, settings and Python is made from the code."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from hagan import __version__

project = "hagan"
author = "The hagan maintainers"
copyright = "The hagan maintainers"
release = version = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "made_from_code",
]
exclude_patterns = ["_ext", "_build"]
html_theme = "furo"
html_title = f"hagan {__version__}"
# Links in the pages are those that a reader of the repository follows; files beside the pages
# (figures, scripts) come along as downloads.
myst_heading_anchors = 3
myst_enable_extensions = ["smartquotes"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
nitpicky = False
