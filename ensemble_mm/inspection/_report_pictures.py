"""Pictures of a report: displays and items as PNG data addresses, drawn without pyplot."""

import base64
import io
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from .._checks import require, warn
from ._drawing import PALETTE, more_fonts

DPI = 160
SMALLEST = 96  # CSS pixels of the longer side of an item: smaller ones are drawn larger


@contextmanager
def all_signs():
    """Draw with all fonts that are there, and tell once if names hold signs that none of them has."""
    matplotlib = require("matplotlib", extra="report", caller="write_report")
    family = [*matplotlib.rcParams["font.family"], *more_fonts()]
    with matplotlib.rc_context({"font.family": family}), warnings.catch_warnings(record=True) as caught:
        yield
    lacking = [told for told in caught if str(told.message).startswith("Glyph ")]
    for told in caught:
        if told not in lacking:
            warnings.warn_explicit(told.message, told.category, told.filename, told.lineno)
    if lacking:
        words = "Pictures show boxes for signs that no font here has: install one that has them, such as Noto Sans CJK."
        warn(words, UserWarning)


def drawn(draw, alt, caption=""):
    """Return a picture that a display draws.

    Parameters
    ----------
    draw : callable
        Called with a function that makes axes of a given size; draws on them.
    alt : str or callable
        What the picture says, for those who do not see it; a callable is given what `draw` returned.
    caption : str, default=""

    Returns
    -------
    dict with "src", "alt", "caption", "width" and "height" (CSS pixels)
    """
    figure_class = require("matplotlib.figure", extra="report", caller="write_report").Figure
    made = []

    def axes(size):
        made.append(figure_class(figsize=size, layout="constrained"))
        return made[-1].add_subplot()

    display = draw(axes)
    return _encoded(made[0], alt(display) if callable(alt) else alt, caption)


@dataclass(frozen=True)
class Picture:
    """A display that the report draws for each task.

    Parameters
    ----------
    display : type
        It has `from_estimator(model, task=name, ax=axes)`.
    alt : callable
        Returns, for the drawn display and the name of the task, what the picture says.
    caption : str
    family : str, default=None
        Which tasks it is for, "classification" or "regression"; None: for all.
    when : callable, default=None
        Tells, for a fitted stack and a `Task`, whether there is something to draw; None: always.
    """

    display: type
    alt: Callable
    caption: str
    family: str | None = None
    when: Callable | None = None

    def suits(self, model, task) -> bool:
        """Tell whether there is something to draw of a task."""
        return self.family in (None, *task.rules.families) and (self.when is None or self.when(model, task))

    def drawn(self, model, name):
        """Return the picture of one task, as `drawn` does."""
        return drawn(
            lambda axes: self.display.from_estimator(model, task=name, ax=axes),
            lambda display: self.alt(display, name),
            self.caption,
        )


def _encoded(figure, alt, caption=""):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    width, height = figure.get_size_inches() * 96
    src = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return {"src": src, "alt": alt, "caption": caption, "width": round(width), "height": round(height)}


def picture_of(look, what):
    """Return the picture of an item (a picture or a wave), in its own small size."""
    figure_class = require("matplotlib.figure", extra="report", caller="write_report").Figure
    if look.kind == "picture":
        height, width = np.asarray(look.content).shape[:2]
        grown = max(1.0, SMALLEST / max(height, width))
        figure = figure_class(figsize=(grown * width / 96, grown * height / 96))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(look.content, aspect="auto", interpolation="nearest")
    else:
        figure = figure_class(figsize=(2.0, 0.6))
        axes = figure.add_axes((0, 0, 1, 1))
        wave = np.asarray(look.content)
        axes.fill_between(np.arange(len(wave)), wave[:, 0], wave[:, 1], color=PALETTE[0], linewidth=0.4)
        axes.set_ylim(-1.05, 1.05)
    axes.set_axis_off()
    return _encoded(figure, what)
