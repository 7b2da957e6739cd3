"""Ensemble learning over text, images, sound, video and tables, with several tasks at once."""

import sys
from importlib import import_module
from os.path import basename
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# `ensemble-mm` and `python -m ensemble_mm` come by here, too, and import what the command needs.
_IS_COMMAND = sys.argv[:1] == ["-m"] or basename(sys.argv[0] if sys.argv else "").startswith("ensemble-mm")

_FOLDERS = ("crossfit", "data", "features", "inspection", "learners", "meta", "schema", "stacking", "store")


def __dir__():
    """Return the public names and the public folders."""
    public = import_module("._public", __name__)
    return sorted([*public.__all__, *_FOLDERS, "__version__"])


if TYPE_CHECKING or not _IS_COMMAND:
    from ._public import *  # noqa: F403
    from ._public import __all__ as __all__
else:

    def __getattr__(name):
        if name == "__all__" or not name.startswith("_"):
            public = import_module("._public", __name__)
            if name in ("__all__", *public.__all__):
                return getattr(public, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
