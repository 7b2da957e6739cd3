"""The one place that fits a learner, be it a member's, a candidate's of a search, or one of those of several quantiles.

Boosting that stops early does so on rows of its own: a part of the rows that it is fitted on, in whole groups.
"""

import numpy as np
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import has_fit_parameter

from ._by_rows import fit_by_rows
from ._estimators import EARLY_STOPPING
from ._inner_folds import inner_pairs
from ._routing import MANY_ROWS, fit_params, whole_groups

ASIDE = 0.15  # share of the rows that is kept aside
# By the keyword of `fit` that takes these rows: what takes them, and their weights. LightGBM warns of its "eval_set".
KEYWORDS = {
    "eval_X": (("eval_X", "eval_y"), ("eval_sample_weight",)),
    "eval_set": (("eval_set",), ("sample_weight_eval_set", "eval_sample_weight")),
    "X_val": (("X_val", "y_val"), ("sample_weight_val",)),
}


def fit_learner(learner, X, y, weight, seed, groups=None, metadata=None):
    """Fit a learner; one that stops early does so on training rows of its own, and on whole groups.

    Of the metadata of these rows it is given what it asks for.
    """
    metadata = metadata and metadata.asked_by(learner)
    with config_context(enable_metadata_routing=metadata is not None):
        return _fitted(learner, X, y, weight, seed, groups, metadata)


def _fitted(learner, X, y, weight, seed, groups, metadata):
    name = judged_by(learner, len(y), groups)
    if name is None:
        with whole_groups(learner, y, groups, seed):
            params = fit_params(learner, sample_weight=weight, groups=groups, metadata=metadata)
            return fit_by_rows(learner, X, y, **params)
    inner, aside = rows_aside(y, is_classifier(learner), seed, groups)
    names, weighing = KEYWORDS[name]
    own = taken(X, aside), taken(y, aside)
    judged = dict(zip(names, ([own],) if len(names) == 1 else own, strict=True))
    if weight is not None:
        weight = np.asarray(weight)
        taking = next((keyword for keyword in weighing if has_fit_parameter(learner, keyword)), None)
        if taking is not None and weight[aside].any():
            judged[taking] = weight[aside] if name == "X_val" else [weight[aside]]
        weight = weight[inner]
    if has_fit_parameter(learner, "verbose"):  # XGBoost prints a line per round unless it is told not to
        judged["verbose"] = False
    params = fit_params(learner, sample_weight=weight, metadata=taken(metadata, inner))
    return learner.fit(taken(X, inner), taken(y, inner), **judged, **params)


def taken(part, rows):
    """Return some rows of what a fit is given; all for None."""
    if part is None or rows is None:
        return part
    return part.iloc[rows] if hasattr(part, "iloc") else part[rows]


def judged_by(learner, n_rows, groups) -> str | None:
    """Return the keyword of `fit` that takes the rows on which boosting stops early; None where it does not."""
    params = learner.get_params(deep=False)
    if any(params.get(name) for name in EARLY_STOPPING) and has_fit_parameter(learner, "eval_set"):
        return "eval_X" if has_fit_parameter(learner, "eval_X") else "eval_set"
    stops = params.get("early_stopping") is True or (params.get("early_stopping") == "auto" and n_rows > MANY_ROWS)
    # scikit-learn's holds rows aside by itself, but does not know of groups.
    return "X_val" if groups is not None and stops and has_fit_parameter(learner, "X_val") else None


def rows_aside(y, classes, seed, groups):
    """Return the rows that a learner is fitted on, and those on which it stops early."""
    y, rows = np.asarray(y), np.arange(len(y))
    if groups is not None:
        pairs = inner_pairs(y, round(1 / ASIDE), seed, classes=classes, groups=groups)
        return pairs[0] if pairs else (rows, rows)  # of a single group all are judged that are learned from
    counts = np.unique(y, return_counts=True)[1] if classes else None
    stratify = y if counts is not None and counts.min() >= 2 and ASIDE * len(y) >= len(counts) else None
    inner, aside = train_test_split(rows, test_size=ASIDE, random_state=seed, stratify=stratify)
    if counts is not None and len(np.unique(y[inner])) < len(counts):
        inner = rows  # a class with one row stays in
    return inner, aside
