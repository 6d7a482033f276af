"""How Sphinx makes a site of these pages: ``make docs``."""

from importlib.metadata import version as version_of

project = "ktrdr"
author = "The ktrdr founders"
copyright = author
release = version_of("ktrdr")

extensions = ["myst_parser"]
# Links name headings as they do where the pages are read in the repository.
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = f"ktrdr {release}"
# The pages themselves are in the repository.
html_copy_source = False
