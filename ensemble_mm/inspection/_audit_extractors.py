"""The check of an audit that looks at extractors: did they see rows that are held out?

An honest extractor that learns gives other features after a fit on other rows, and gives a row the same features
whatever stands beside it. One that was fitted beforehand (a frozen one, or one that holds a frozen part) does not
change; whether it was fitted on the rows of X is then found out by fitting its inner part on all rows and comparing.
"""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

from .._estimators import fitted_part, learns_from_labels
from ..data import present_rows, take_rows

PROBED = 40  # rows whose features are compared
FITTED_ON = 300  # of each half, at most


def check_extractor(view, problem, rows, rng):
    """Return the findings on the extractor of one view."""
    name, extractor, column = view.name, view.extractor, problem.columns[view.name]
    check, present = f"extractor of view {name!r}", present_rows(column)
    rows = rows[present[rows]]
    if len(rows) < 8:
        return [(check, "skip", np.nan, f"View {name!r} has {len(rows)} items in these rows: too few to tell.")]
    rows = rng.permutation(rows)
    half = min(len(rows) // 2, FITTED_ON)
    first, second, probe = rows[:half], rows[half : 2 * half], rows[:PROBED]
    target = next(iter(problem.targets.values()))
    try:
        inner = fitted_part(extractor)
        learns = _requires_fit(extractor)
        one = _fit(extractor, take_rows(column, first), target[first])
        features = _features(one, take_rows(column, probe))
        findings = [_judge_alone(check, one, column, probe, features)]
        if not learns and inner is None:
            findings.append((check, "pass", 0.0, f"The extractor of view {name!r} learns nothing from the rows."))
            return findings
        other = _features(_fit(extractor, take_rows(column, second), target[second]), take_rows(column, probe))
    except Exception as error:
        words = f"The extractor of view {name!r} could not be probed: {type(error).__name__}: {error}"
        return [(check, "skip", np.nan, words[:300])]
    changed = _difference(features, other)
    if changed > 0:
        words = f"Fitted on other rows, the extractor of view {name!r} gives other features: it learns in fit."
        findings.append((check, "pass", changed, words))
    elif inner is None:
        words = (
            f"The extractor of view {name!r} says that it must be fitted, but fits on different rows give the same "
            "features. If it was given something learned elsewhere, make sure that no row of X was in it."
        )
        findings.append((check, "warn", 0.0, words))
    else:
        findings.append(_judge_frozen(check, view, problem, inner, probe, features))
    return findings


def _judge_alone(check, fitted, column, probe, features):
    """Transform half of the probed rows on their own: their features must not change."""
    part = probe[: max(1, len(probe) // 2)]
    alone = _features(fitted, take_rows(column, part))
    changed = _difference(alone, features[: len(part)])
    check = f"{check}, row by row"
    if changed > 0:
        words = "Features of a row change with the rows beside it: held-out rows reach each other. Learn in fit only."
        return (check, "fail", changed, words)
    return (check, "pass", 0.0, "Features of a row do not depend on the rows beside it.")


def _judge_frozen(check, view, problem, inner, probe, features):
    """Fit the inner part of a frozen extractor on all rows: equal features prove that it saw them."""
    name, extractor, column = view.name, view.extractor, problem.columns[view.name]
    target, every = next(iter(problem.targets.values())), np.flatnonzero(present_rows(column))
    words = f"The extractor of view {name!r} was fitted before ({type(inner).__name__}) and stays as it is"
    known = every[~np.isnan(target[every])]
    for fitted_on, labels in ((every, None), (known, target[known])):
        try:
            again = with_inner(extractor, inner, _fit(inner, take_rows(column, fitted_on), labels))
            changed = _difference(_features(again, take_rows(column, probe)), features)
        except Exception:  # this way of fitting it does not work, so it was not the way
            continue
        if changed < 1e-6:
            words += ": fitted on all rows of X it gives the same features, so it saw held-out rows. Give a clone."
            return (check, "fail", 1.0, words)
    words += ". It was not fitted on exactly these rows; make sure that none of them was among those it saw."
    return (check, "warn", 0.0, words)


def _requires_fit(extractor):
    try:
        return bool(get_tags(extractor).requires_fit)
    except Exception:  # a transformer without tags
        return True


def with_inner(estimator, inner, fresh):
    """Return the estimator with `fresh` in the place of its fitted `inner` part, and of what froze that.

    None where it is not held by a `FrozenEstimator`: there is no telling how it would be put back.
    """
    if isinstance(estimator, FrozenEstimator):
        return fresh if estimator.estimator is inner else None
    params = estimator.get_params(deep=True)
    places = [k for k, v in params.items() if isinstance(v, FrozenEstimator) and v.estimator is inner]
    return clone(estimator).set_params(**dict.fromkeys(places, fresh)) if places else None


def _fit(extractor, column, target):
    fresh = clone(extractor)
    return fresh.fit(column, None) if target is None else _fit_with_labels(fresh, column, target)


def _fit_with_labels(fresh, column, target):
    """Fit with labels where the extractor wants them, without where it does not."""
    if not learns_from_labels(fresh):
        return fresh.fit(column, None)
    known = np.flatnonzero(~np.isnan(target))
    labels = target[known]
    return fresh.fit(take_rows(column, known), labels.astype(int) if np.all(labels % 1 == 0) else labels)


def _features(fitted, column):
    out = fitted.transform(column)
    if sparse.issparse(out):
        return out.toarray().astype(float)
    return np.asarray(out.to_numpy() if isinstance(out, (pd.DataFrame, pd.Series)) else out, dtype=float)


def _difference(a, b):
    """Return the largest difference of two feature matrices relative to their size; 1 when the shapes differ."""
    if a.shape != b.shape:
        return 1.0
    a, b = np.nan_to_num(a, nan=0.0), np.nan_to_num(b, nan=0.0)
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0), 1e-12)
    change = np.abs(a - b).max(initial=0) / scale
    return float(change) if change > 1e-5 else 0.0
