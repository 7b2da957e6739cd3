"""The report: one self-contained HTML page about a fitted stack, for someone who did not write the code."""

import base64
import contextlib
import hashlib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from .._checks import BadItemsError, check_folder, check_path, require
from .._lines import say
from .._plain_words import plural
from ..data import columns_read
from ..store import versions, write_atomic
from ._contributions import view_contributions
from ._report_answers import answers_of
from ._report_data import ReportRows, schema_rows, view_rows
from ._report_pictures import all_signs, picture_of
from ._report_sections import (
    calibration_section,
    hardest_section,
    new_rows_section,
    reproduce_section,
    scores_section,
    tasks_section,
    timings_section,
    weights_section,
)
from ._report_trust import trust_section
from ._strongest import strongest_parts

TEMPLATE = "report.html.jinja"


@all_signs()
def write_report(model, path, X=None, Y=None, *, id=None, title=None, audit=None, n_rows=5) -> Path:
    """Write one self-contained HTML page about a fitted stack.

    Its first screen answers four questions: how good are the predictions, what drives them, where do they fail, and
    what should be done next. With the X of the fit, it also names the columns, words and picture regions that move
    predictions most, and the groups of rows with the largest errors.

    The page needs no network and runs no script: a strict content security policy is part of it, styles and
    pictures are inside, and every name, label and text is escaped. It reads well on a phone, in the dark and on paper.

    Parameters
    ----------
    model : fitted StackedClassifier, StackedRegressor or MultiOutputStack
    path : str or path-like
        The file to write; an existing one is replaced as a whole.
    X, Y : default=None
        Rows to show and to judge. The data of the fit add examples and the content of the hardest rows; other
        rows are predicted and scored beside the out-of-fold scores. X may come without Y.
    id : str or array-like of shape (n_rows,), default=None
        A column of X that names the rows, or their names; None: they are numbered from 0.
    title : str, default=None
    audit : DataFrame, default=None
        The result of `audit`, to be shown on the page.
    n_rows : int, default=5
        Number of hardest rows to show per task.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ImportError
        If jinja2 or matplotlib is not installed: both come with the extra "report".

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ensemble_mm import StackedClassifier, write_report
    >>> X, y = load_iris(return_X_y=True)
    >>> model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(model, f"{folder}/report.html", X, y).read_text(encoding="utf-8")
    >>> page.startswith("<!doctype html>")
    True
    """
    check_is_fitted(model, "table_")
    jinja2 = require("jinja2", extra="report", caller="write_report")
    check_path(path, "write_report(model, path, X, Y)")
    path = Path(path)
    check_folder(path)
    rows = ReportRows(model, X, Y, id)
    say(model, "report, 1 of 3: what drives the predictions ...")
    shares = view_contributions(model, random_state=0)
    parts = None
    if rows.source is not None and hasattr(model, "readers_"):
        with contextlib.suppress(BadItemsError):  # files that have gone since the fit: the page says so beside them
            parts = strongest_parts(model, X, random_state=0)
    say(model, "report, 2 of 3: scores beside those of simpler models ...")
    scores = scores_section(model)
    new = new_rows_section(rows)
    say(model, "report, 3 of 3: pictures, weak groups and verdicts ...")
    context = {
        "title": title or f"Report: {', '.join(model.tasks_)}",
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": versions().get("ensemble_mm", "unknown version"),
        "answers": answers_of(model, rows, scores, new, shares, parts),
        "tasks": tasks_section(model),
        "views": view_rows(rows),
        "columns": schema_rows(model),
        "scores": scores,
        "new": new,
        "weights": weights_section(model, shares, parts),
        "hardest": hardest_section(rows, n_rows),
        "calibration": calibration_section(model),
        "timings": timings_section(model),
        "trust": trust_section(model, rows, scores, new, audit),
        "reproduce": reproduce_section(model, rows),
        "picture": picture_of,
        "made_of": _made_of(model),
    }
    folder = resources.files(__package__)
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({TEMPLATE: folder.joinpath(TEMPLATE).read_text(encoding="utf-8")}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = folder.joinpath("report.css").read_text(encoding="utf-8")
    # The policy names the one style sheet by its hash: nothing else on the page may style, run or load anything.
    context |= {"style": style, "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}
    page = environment.get_template(TEMPLATE).render(context).lstrip()
    write_atomic(path, page.encode("utf-8", errors="replace"))
    return path


def _made_of(model) -> str:
    """Return in a sentence what was fitted on what."""
    n = len(next(iter(model.targets_.values())))
    views = ", ".join(
        f"{view} ({plural(len(columns_read(model.view_columns_[view])), 'column') if view == modality else modality})"
        for view, modality in model.views_.items()
    )
    return f"Fitted on {plural(n, 'row')} with {plural(len(model.views_), 'view')}: {views}."
