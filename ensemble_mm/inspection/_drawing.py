"""What all pictures share: colours that a colour-blind reader and a grey printer keep apart, labels, heat maps.

Nothing here changes matplotlib's settings; every function takes the axes that it draws on.
"""

import textwrap

import numpy as np

from .._checks import require

GREY = "#767676"  # as far from white paper as from black
# Okabe, M., Ito, K. (2008). Color universal design; yellow and black are left out: they do not show on every paper.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", GREY]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
LINES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1))]
GAIN = "loss of a constant guess removed (0: none, 1: all)"  # label of an axis: share of the prior's loss removed
SEQUENTIAL = "Blues"
DIVERGING = "PuOr"
# Fonts with signs that the font of matplotlib lacks, such as those of Chinese, Japanese and Korean.
MORE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Source Han Sans SC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "Droid Sans Fallback", "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans",
    "Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo", "Arial Unicode MS", "Noto Sans Thai", "Noto Sans Devanagari",
    "Noto Sans Bengali", "Noto Sans Tamil",
)  # fmt: skip


def new_axes(ax, caller: str, size=(6.4, 4.8)):
    """Return `ax`, or the axes of a new figure of the given size in inches.

    `ax` may be a function from a size to axes: the report draws on figures that pyplot does not know.
    """
    if ax is not None:
        return ax(size) if callable(ax) else ax
    pyplot = require("matplotlib.pyplot", extra="report", caller=caller)
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def shorten(label, width=28) -> str:
    """Return one line of at most `width` characters; control characters and line ends become spaces.

    The dollar sign is escaped: matplotlib would read what stands between two of them as a formula.
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in str(label)).split())
    if len(text) > width:
        text = text[: width - 1] + "…"
    return text.replace("$", r"\$")


def member_name(reads, learner, width=36) -> str:
    """Return what a member reads and its learner on one line; what it reads is cut first, since many read the same."""
    return f"{shorten(reads, max(width - len(str(learner)) - 3, 12))} · {learner}"


def wrap(label, width=20, lines=3) -> str:
    """Return the label broken into at most `lines` lines of `width` characters."""
    text = shorten(label, width * lines)
    return "\n".join(textwrap.wrap(text, width)[:lines]) or text


def cycle(i: int) -> dict:
    """Return colour, marker and line style number `i`; two lines differ in more than their colour."""
    return {
        "color": PALETTE[i % len(PALETTE)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": LINES[(i // len(PALETTE) + i) % len(LINES)],
    }


def ink(ax):
    """Return the colour of lines and words that stands out on the paper of the axes, white or black."""
    return ax.xaxis.label.get_color()


def tidy(ax, *, grid="y"):
    """Take away what carries no information, and put a pale grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    if grid:
        ax.grid(axis=grid, color=ink(ax), alpha=0.15, linewidth=0.6)
    return ax


def legend_below(ax, inches=0.5, **kwargs):
    """Put the legend under the axes, `inches` below their lower edge, whatever their height."""
    transforms = require("matplotlib.transforms", extra="report", caller="a display")
    shift = transforms.ScaledTranslation(0, -inches, ax.figure.dpi_scale_trans)
    options = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "frameon": False, "fontsize": 9} | kwargs
    return ax.legend(bbox_transform=ax.transAxes + shift, **options)


def entitle(ax, words, task="", **options):
    """Write what is shown, and of which task, above the axes."""
    ax.set_title(f"{words}, {shorten(task, 40)}" if task else words, loc="left", fontsize=11, **options)


def more_fonts() -> list[str]:
    """Return those of MORE_FONTS that are installed."""
    known = set(require("matplotlib.font_manager", extra="report", caller="a display").get_font_names())
    return [font for font in MORE_FONTS if font in known]


def finish(display, ax, title=None, task=""):
    """Write the title, if one is given; set `ax_` and `figure_`.

    Labels in Chinese, Japanese, Korean or Hindi get a font that has them.
    """
    if title is not None:
        entitle(ax, title, task)
    text = require("matplotlib.text", extra="report", caller="a display")
    wide = [t for t in ax.figure.findobj(text.Text) if any(ord(c) > 0x590 for c in t.get_text() if c not in "–—…±·−")]
    if wide:
        families = more_fonts()
        for label in wide:
            label.set_fontfamily([*label.get_fontfamily(), *families])
    display.ax_, display.figure_ = ax, ax.figure
    return display


def heat_map(ax, frame, *, cmap=SEQUENTIAL, limits=(0, 1), fmt="{:.2f}", annotate=True, label=None, blank=0.0):
    """Draw a DataFrame with its numbers in it; NaN cells are white with a dash, numbers below `blank` are left out."""
    values, rows, columns = frame.to_numpy(dtype=float), list(frame.index), list(frame.columns)
    shown = np.ma.masked_invalid(values)
    image = ax.imshow(shown, cmap=cmap, vmin=limits[0], vmax=limits[1], aspect="auto", interpolation="nearest")
    longest = max(len(line) for c in columns for line in wrap(c, 14).split("\n"))
    level = len(columns) == 1 or longest <= (9 if len(columns) <= 4 else 3)  # else neighbours would run into each other
    ax.set_xticks(range(len(columns)), [wrap(c, 14) if level else shorten(c, 22) for c in columns])
    ax.set_yticks(range(len(rows)), [shorten(r, 36) for r in rows])
    if not level:
        ax.tick_params(axis="x", rotation=45)
        for tick in ax.get_xticklabels():
            tick.set(ha="right", rotation_mode="anchor")
    ax.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    if annotate:
        write_cells(ax, image, values, fmt, blank)
    elif limits[0] < 0:  # printed in grey, both sides of the colours look alike
        write_cells(ax, image, np.where(values < 0, values, 0.0), "−", 0.05)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.02)
    bar.outline.set_visible(False)
    if label:
        bar.set_label(label)
    return image


def write_cells(ax, image, values, fmt, blank=0.0):
    """Write every number into its cell, in black or white: what stands out more (WCAG 2, contrast ratio)."""
    size = 9 if max(values.shape) <= 10 else 7
    for (i, j), value in np.ndenumerate(values):
        if np.isnan(value):
            ax.text(j, i, "–", ha="center", va="center", fontsize=size, color=GREY)
            continue
        if abs(value) < blank:
            continue
        colour = np.array(image.cmap(image.norm(value))[:3])
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        dark = linear @ [0.2126, 0.7152, 0.0722] < 0.179
        text = fmt.format(value)
        text = text if text.strip("-0.") else text.removeprefix("-")  # no "-0.0"
        ax.text(
            j, i, text.replace("-", "−"), ha="center", va="center", fontsize=size, color="white" if dark else "black"
        )
