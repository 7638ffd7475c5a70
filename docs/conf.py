"""How Sphinx builds the manual: `make docs`. It needs no network."""

from importlib.metadata import version as version_of

project = "studium"
author = "The studium authors"
copyright = "The studium authors, MIT licence"  # noqa: A001  (Sphinx's name for it)
version = release = version_of("studium")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "code"  # docstrings say `name`

myst_heading_anchors = 3
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"

html_theme = "furo"
html_title = f"studium {release}"
