"""A leak audit: is the score of a stack earned, or did something see what it should not?"""

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from .._checks import check_count
from .._inner_folds import folds_of
from .._lines import say
from .._plain_words import percent
from ..data import ChunkedData, MultimodalData
from ._audit_extractors import check_extractor
from ._audit_learners import check_learners, fitted_twin
from ._audit_repeats import check_duplicates, check_near_duplicates
from ._audit_rows import check_classes, check_groups, check_single_columns
from ._cells import cells_of

COLUMNS = ["check", "verdict", "value", "words"]


class Findings(pd.DataFrame):
    """What an audit found: a table that prints a line per finding, with all of its words."""

    def __str__(self):
        """Return the lines."""
        return "\n".join(f"{row.verdict:4}  {row.check}: {row.words}" for row in self.itertuples())

    __repr__ = __str__

    def _repr_html_(self):
        with pd.option_context("display.max_colwidth", None):
            return pd.DataFrame(self)._repr_html_()


def audit(model, X, Y, *, groups=None, sample_weight=None, n_rows=1000, cv=3, random_state=0) -> pd.DataFrame:
    """Look for leaks: shuffled labels, repeated rows, groups, what was fitted on held-out rows, giveaway columns.

    Parameters
    ----------
    model : StackedClassifier, StackedRegressor or MultiOutputStack, fitted or not
        Left as it is: clones are fitted. Folds are those of the fitted model when it was fitted on as many rows
        as X has, else those that its `cv` draws.
    X, Y, sample_weight : as in the model's fit
    groups : array-like of shape (n_samples,), default=None
        What must not cross folds: person, patient, session.
    n_rows : int, default=1000
        At most so many rows (drawn at random) are used by the checks that fit something.
    cv : int, default=3
        Folds of the refit on shuffled labels; a model whose `cv` is a list or a splitter keeps it.
    random_state : int, RandomState or None, default=0

    Returns
    -------
    DataFrame
        One row per finding; printed, it is a line with all words per finding. "check": what was looked at; "verdict":
        "pass", "warn" (look at it), "fail" (a leak was measured) or "skip" (could not be looked at); "value": what
        was measured, a share from 0 to 1 or a count, told in "words" together with what to do.

    Notes
    -----
    - *shuffled labels*: a clone is cross-fitted on permuted labels. Its ensemble must not predict them: a share of
      a constant guess's loss removed of more than 2 % and more than three standard errors is a leak.
    - *duplicated rows*: rows whose every item equals that of a training row of their fold, unless these say so little
      that rows repeat by chance; long texts and media files that repeat are looked at on their own too.
    - *near duplicates*: pictures and clips that look like one of a training row of their fold: resized, saved anew,
      brighter, or a little cropped.
    - *groups*: groups with rows on both sides of a fold.
    - *extractors*: the same extractor fitted on two halves must give different features of the same rows
      (else it was fitted before, and on what?), and a row's features must not depend on the other rows.
    - *learners*: one that was fitted before (frozen) predicts held-out rows as well as a like one predicts rows that it
      was fitted on, and better than that predicts rows that it was not fitted on: it saw them.
    - *single columns*: one column (its being missing, or a few words of a text) that tells a task by itself, by a
      small tree under three-fold cross-validation.
    - *classes*: classes with fewer rows than there are folds.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ensemble_mm import StackedClassifier, audit
    >>> X = pd.DataFrame({"age": range(60), "answer": [0.0, 1.0] * 30})
    >>> model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0)
    >>> found = audit(model, X, pd.Series(["no", "yes"] * 30, name="bought"))
    >>> found.loc[found["verdict"] == "fail", "check"].tolist()
    ["column 'answer' tells 'bought'"]
    """
    check_count("n_rows", n_rows, minimum=20)
    check_count("cv", cv, minimum=2)
    rng, X = check_random_state(random_state), X.to_pandas() if isinstance(X, ChunkedData) else X
    plan = model.plan(X, Y, groups, sample_weight=sample_weight)  # the views and folds of a fit
    problem, folds, n = plan.problem, plan.folds, plan.problem.n_rows
    fitted = getattr(model, "targets_", None)
    if fitted and len(next(iter(fitted.values()))) == n:
        folds = folds_of(model.folds_)
    rows = np.arange(n) if n <= n_rows else np.sort(rng.choice(n, n_rows, replace=False))
    checks = []
    say(model, f"audit, 1 of 4: a fit on shuffled labels, {len(rows)} of {n} rows; this takes longest ...")
    checks += _check_shuffled(model, problem, rows, cv, folds, rng)
    say(model, "audit, 2 of 4: rows, texts and files that repeat ...")
    checks += check_duplicates(problem.views, problem.columns, folds)
    checks += check_groups(groups, folds)
    for view in problem.views:
        checks += check_near_duplicates(view, problem.columns[view.name], folds, rows)
    say(model, "audit, 3 of 4: extractors and learners ...")
    for view in problem.views:
        checks += check_extractor(view, problem, rows, rng)
    within = problem.take(rows), _folds_within(model, rows, cv, folds, n)
    checks += check_learners(model, list(dict.fromkeys(plan.members)), *within)
    say(model, "audit, 4 of 4: single columns and classes ...")
    checks += check_single_columns(_as_read(problem), problem.tasks, problem.targets, rows)
    checks += check_classes(problem.tasks, problem.targets, folds, model.cv)
    return Findings(checks, columns=COLUMNS)


def _as_read(problem):
    """Return the columns that the views read, with the values that they read: not "1,50 EUR" but 1.5."""
    source, columns = problem.source, problem.columns
    if isinstance(source, MultimodalData):
        return MultimodalData(columns)
    if not isinstance(source, pd.DataFrame):
        return source
    tables = {name: column for name, column in columns.items() if isinstance(column, pd.DataFrame)}
    read = {label: table[label] for table in tables.values() for label in table.columns}
    for view in problem.views:
        for label in [view.columns] if isinstance(view.columns, str) else view.columns:
            read.setdefault(label, source[label])
    return pd.DataFrame({label: np.asarray(values, dtype=object) for label, values in read.items()}).infer_objects()


def _check_shuffled(model, problem, rows, cv, folds, rng):
    """Refit a clone on permuted labels: what it still predicts, it cannot have learned from the views."""
    part, order = problem.take(rows), rng.permutation(len(rows))
    orders = {name: _within(part.tasks[name].rules.units(target), order) for name, target in part.targets.items()}
    shuffled = replace(part, targets={name: target[orders[name]] for name, target in part.targets.items()})
    try:
        twin = fitted_twin(model, shuffled, _folds_within(model, rows, cv, folds, problem.n_rows), refit=False)
    except Exception as error:
        words = f"The refit on shuffled labels failed: {type(error).__name__}: {error}"
        return [("shuffled labels", "skip", np.nan, words[:300])]
    return [_judge_shuffled(name, cells_of(twin, name if name in twin.tasks_ else None)) for name in part.tasks]


def _within(units, order):
    """Return an order of rows in which those that belong together, such as those of a query, change places alone."""
    if units is None:
        return order
    out = np.empty_like(order)
    out[np.argsort(units, kind="stable")] = order[np.argsort(units[order], kind="stable")]
    return out


def _folds_within(model, rows, cv, folds, n_rows):
    """Return the `cv` of a fit on some of the rows."""
    if isinstance(model._folds, (int, np.integer)):
        return min(cv, int(model._folds))
    if hasattr(model.cv, "split"):
        return model.cv
    place = np.full(n_rows, -1)
    place[rows] = np.arange(len(rows))
    pairs = [tuple(place[part][place[part] >= 0] for part in pair) for pair in folds]
    return [pair for pair in pairs if all(map(len, pair))]


def _judge_shuffled(name, cells):
    cells = cells.take(cells.scored)
    prior = cells.losses(cells.constant)
    gains = (prior - cells.losses(cells.ensemble)) / max(cells.mean(prior), 1e-12)
    gain, error = cells.mean(gains), cells.error(gains)
    check = f"shuffled labels of {name!r}"
    finding = f"With shuffled labels {percent(gain)} of a constant guess's loss is removed ({len(gains)} rows)"
    if gain > max(0.02, 3 * error):
        words = f"{finding}: held-out labels reach the model. Look at extractors, learners and folds."
        return (check, "fail", gain, words)
    return (check, "pass", gain, f"{finding}: no better than chance.")
