"""What pictures share: lines that differ in grey, numbers that can be read on their cell, labels that are data."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ensemble_mm.inspection._drawing import (
    DIVERGING,
    PALETTE,
    cycle,
    finish,
    heat_map,
    ink,
    legend_below,
    member_name,
    new_axes,
    shorten,
    wrap,
)


def luminance(colour):
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(colour)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_two_lines_differ_in_more_than_their_colour():
    styles = [cycle(i) for i in range(14)]
    assert len({(s["marker"], str(s["linestyle"])) for s in styles}) == 14


def test_every_colour_is_seen_on_white():
    """At least 2 to 1, and always with a marker or a line style of its own (yellow would have 1.3)."""
    assert min(1.05 / (luminance(colour) + 0.05) for colour in PALETTE) > 2


def test_every_colour_is_seen_on_black(ax):
    assert min((luminance(colour) + 0.05) / 0.05 for colour in PALETTE) > 3
    with matplotlib.rc_context({"axes.labelcolor": "white"}):
        dark = Figure().add_subplot()
    assert (ink(dark), ink(ax)) == ("white", "black")


@pytest.mark.parametrize(
    ("reads", "learner", "shown"),
    [
        ("review", "linear", "review · linear"),
        ("title+overview+tagline+keywords", "linear", "title+overv… · linear"),
        ("title+overview", "a_learner_with_a_long_name", "title+overv… · a_learner_with_a_long_name"),
    ],
)
def test_the_name_of_a_member_keeps_its_learner(reads, learner, shown):
    assert member_name(reads, learner, 20) == shown


def test_no_number_in_a_cell_is_less_than_zero_by_rounding(ax):
    heat_map(ax, pd.DataFrame([[-0.001, -0.26]]), limits=(-1, 1), fmt="{:.1f}")
    assert [text.get_text() for text in ax.texts] == ["0.0", "−0.3"]


@pytest.mark.parametrize(("names", "turn"), [(["a", "b"], 0), (["main_genre", "imdb_score"], 45), (["main_genre"], 0)])
def test_long_names_below_a_heat_map_do_not_run_into_each_other(ax, names, turn):
    heat_map(ax, pd.DataFrame([[0.1] * len(names)], columns=names))
    assert {tick.get_rotation() for tick in ax.get_xticklabels()} == {turn}


def test_numbers_in_a_heat_map_can_be_read_on_their_cell(ax):
    values = np.linspace(0, 1, 12).reshape(3, 4)
    image = heat_map(ax, pd.DataFrame(values, list("abc"), list("wxyz")))
    for text in ax.texts:
        i, j = round(text.get_position()[1]), round(text.get_position()[0])
        cell, ink = luminance(image.cmap(image.norm(values[i, j]))[:3]), luminance(text.get_color())
        assert (max(cell, ink) + 0.05) / (min(cell, ink) + 0.05) > 4
        assert float(text.get_text()) == round(values[i, j], 2)


def test_a_cell_without_a_number_has_a_dash_and_a_small_one_is_blank(ax):
    heat_map(ax, pd.DataFrame([[np.nan, 0.001, 0.5]], columns=["x", "y", "z"]), blank=0.005)
    assert [text.get_text() for text in ax.texts] == ["–", "0.50"]


@pytest.mark.parametrize("text, n", [("one two three four five six", 2), ("x" * 90, 3), ("", 1)])
def test_wrapped_labels_keep_to_their_lines(text, n):
    lines = wrap(text, 14, 3).split("\n")
    assert len(lines) == n and max(map(len, lines)) <= 14


def test_labels_are_no_formulas(ax):
    ax.set_title(shorten("$\\frac{1$ and $x$"))
    ax.figure.draw_without_rendering()  # matplotlib would stop at the broken formula


def test_the_report_draws_on_figures_of_its_own():
    sizes = []

    def axes(size):
        sizes.append(size)
        return Figure(figsize=size).add_subplot()

    assert new_axes(axes, "a display", (3, 2)).figure is not None and sizes == [(3, 2)]


def test_a_legend_stands_below_and_is_not_cut_off(ax):
    ax.plot([0, 1], label="a line")
    legend = legend_below(ax)
    display = finish(type("Display", (), {})(), ax)
    display.figure_.draw_without_rendering()
    box, whole = legend.get_window_extent(), ax.figure.bbox
    assert box.y1 < ax.get_window_extent().y0 and box.y0 >= whole.y0 and box.x0 >= whole.x0 and box.x1 <= whole.x1


def test_the_sign_of_a_cell_is_seen_in_grey_where_numbers_are_too_many(ax):
    heat_map(ax, pd.DataFrame([[1.0, -0.5], [-0.01, -1.0]]), cmap=DIVERGING, limits=(-1, 1), annotate=False)
    assert [(text.get_text(), text.get_position()) for text in ax.texts] == [("−", (1, 0)), ("−", (1, 1))]


@pytest.mark.parametrize(
    "label, shown", [("a$b$", r"a\$b\$"), ("two\nlines\x00", "two lines"), ("x" * 40, "x" * 27 + "…")]
)
def test_labels_are_one_short_line_without_formulas(label, shown):
    assert shorten(label) == shown
