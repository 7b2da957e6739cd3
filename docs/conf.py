"""Settings of the documentation: `make docs` builds it, and a warning is an error."""

import os
import sys
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

project = "ensemble_mm"
author = "the ensemble_mm developers"
project_copyright = author
version = release = version_of("ensemble_mm")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    *(["sphinx_copybutton"] if find_spec("sphinx_copybutton") else []),  # of the extra "docs"
]
copybutton_prompt_text = r">>> |\.\.\. "  # copied without prompts and outputs
copybutton_prompt_is_regexp = True
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "examples", "auto_examples/*.ipynb", "auto_examples/*.py"]
default_role = "code"
nitpicky = False

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "capture_repr": ("_repr_html_",),
    "plot_gallery": True,
    "matplotlib_animations": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "ensemble_mm"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "getting_started": []}


def _leave_out(app, what, name, obj, skip, options):
    """Leave out of a class's page what scikit-learn's own pages describe."""
    module = getattr(obj, "__module__", None) or getattr(getattr(obj, "fget", None), "__module__", None) or ""
    return True if not module.startswith("ensemble_mm") or name.startswith("_") else None


def setup(app):
    """Connect what is ours."""
    app.connect("autodoc-skip-member", _leave_out)
