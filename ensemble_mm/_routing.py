"""What a fit is told of its rows beside X and y: their weights, and the groups that must stay whole.

An estimator that can take them gets them, by the keyword of its own or of what it holds. scikit-learn's estimators that
cross-validate inside their fit by a number of folds get folds that keep groups whole.
"""

from contextlib import contextmanager
from numbers import Integral

import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import has_fit_parameter

from ._checks import BaseSearchCV
from ._inner_folds import inner_folds
from ._metadata import hands_on, known_names

HOLDERS = {  # hand what their fit does not know on to this parameter of theirs
    TransformedTargetRegressor: "regressor",
    BaseSearchCV: "estimator",
    FixedThresholdClassifier: "estimator",
    TunedThresholdClassifierCV: "estimator",
}
COMMITTEES = (StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor)
ROWS_KEPT = {Pipeline: "steps", FeatureUnion: "transformer_list", ColumnTransformer: "transformers"}
USUAL_FOLDS = 5  # of scikit-learn, where cv is None
MANY_ROWS = 10_000  # above which early_stopping="auto" of scikit-learn stops early


def keyword(estimator, name) -> str | None:
    """Return the keyword by which `fit` takes "sample_weight" or "groups", None if it takes none."""
    requests = getattr(estimator, "_metadata_request", None)  # which is there once something was asked for
    if requests is not None and requests.fit.requests.get(name) not in (None, True):
        return None  # it wants none, or others in their place
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        inner = keyword(last, name) if hasattr(last, "fit") else None
        return f"{step}__{inner}" if inner else None
    if has_fit_parameter(estimator, name) or (name == "groups" and isinstance(estimator, BaseSearchCV)):
        return name
    if isinstance(estimator, COMMITTEES):
        return name if all(has_fit_parameter(part, name) for part in _sitting(estimator)) else None
    held = getattr(estimator, _entry(HOLDERS, estimator) or "", None)
    return None if held is None else keyword(held, name)


def _sitting(committee) -> list:
    """Return the estimators of a stack or a vote of scikit-learn, the final one with them."""
    parts = [part for _, part in committee.estimators] + [getattr(committee, "final_estimator", None)]
    return [part for part in parts if part is not None and not isinstance(part, str)]


def _entry(table, estimator) -> str | None:
    """Return what a table by class says of an estimator; None where it is of none of these classes."""
    return next((name for cls, name in table.items() if isinstance(estimator, cls)), None)


def row_params(estimator, *, sample_weight=None, groups=None) -> dict:
    """Return the keyword arguments of `fit` that tell an estimator what it can take of its rows."""
    given = {"sample_weight": sample_weight, "groups": groups}
    named = {keyword(estimator, name): value for name, value in given.items() if value is not None}
    if sample_weight is not None and isinstance(estimator, Pipeline):  # steps of ours that learn from labels
        steps = [step for step, part in estimator.steps[:-1] if getattr(part, "weighs_rows", False)]
        named |= {f"{step}__sample_weight": sample_weight for step in steps}
    return {key: value for key, value in named.items() if key is not None}


def fit_params(estimator, *, sample_weight=None, groups=None, metadata=None) -> dict:
    """Return the keyword arguments of `fit`, with the metadata that an estimator asks for.

    A pipeline or a search of scikit-learn that hands metadata on does so with weights, too, which its parts ask for.
    """
    if metadata is None:
        return row_params(estimator, sample_weight=sample_weight, groups=groups)
    if not hands_on(estimator):
        return row_params(estimator, sample_weight=sample_weight, groups=groups) | metadata.params
    known = known_names(estimator)
    given = {"sample_weight": sample_weight, "groups": groups}
    return {name: value for name, value in given.items() if value is not None and name in known} | metadata.params


@contextmanager
def whole_groups(estimator, y, groups, random_state=0):
    """Inside the context, parts of an estimator that cross-validate do so by folds that keep groups whole.

    `y` and `groups` are those of the rows that it is fitted on. A splitter or a list of folds stays as it is.
    """
    before = (
        {} if groups is None else {key: cv for key, cv, part in _cross_validating(estimator) if _is_number(cv, part)}
    )
    for key, cv in before.items():
        share = cv if isinstance(cv, float) else None  # of the rows, which are judged once
        n_folds = round(1 / share) if share else cv or USUAL_FOLDS
        folds = inner_folds(y, max(2, n_folds), random_state, classes=_has_classes(estimator, y), groups=groups)
        pairs = [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(folds.max() + 1)]
        if len(pairs) > 1:
            estimator.set_params(**{key: pairs[:1] if share else pairs})
    try:
        yield
    finally:
        if before:
            estimator.set_params(**before)  # the folds are no part of a model


def splits_groups(estimator, n_rows) -> bool:
    """Tell whether a part of an estimator holds rows aside by itself without regard to groups."""
    if (held := getattr(estimator, "fits_whole_groups", None)) is not None:
        return _ignores_groups(getattr(estimator, "cv", None)) or splits_groups(getattr(estimator, held), n_rows)
    if _has_untold(estimator):
        return True
    reached = {key for key, _, _ in _cross_validating(estimator)}
    params = estimator.get_params(deep=True)
    for key, value in params.items():
        owner, _, last = key.rpartition("__")
        part = params[owner] if owner else estimator
        if not _is_of_sklearn(part):
            continue
        if last == "early_stopping" and _stops_early(value, n_rows):
            return bool(owner) or not has_fit_parameter(part, "X_val")
        if _waits(part, last, value):
            return True
        if last == "cv" and (_ignores_groups(value) or (key not in reached and _is_number(value, part))):
            return True
    return False


def _has_untold(estimator) -> bool:
    """Tell whether a part takes groups and is not told them, as a search inside of a search is not."""
    told = set(map(id, _told_groups(estimator)))
    parts = (value for value in estimator.get_params(deep=True).values() if getattr(value, "fit", None))
    return any(has_fit_parameter(part, "groups") and id(part) not in told for part in parts)


def _stops_early(value, n_rows) -> bool:
    """Tell whether a value of early_stopping holds rows aside."""
    return value is True or (value == "auto" and n_rows > MANY_ROWS)


def _is_of_sklearn(part) -> bool:
    return type(part).__module__.startswith("sklearn.")


def _told_groups(estimator):
    """Yield the parts of an estimator to which its `fit` hands groups on."""
    if isinstance(estimator, Pipeline):
        yield from _told_groups(estimator.steps[-1][1])
    elif has_fit_parameter(estimator, "groups"):
        yield estimator
    elif isinstance(estimator, COMMITTEES):
        yield from _sitting(estimator) if keyword(estimator, "groups") else ()
    elif (held := _entry(HOLDERS, estimator)) and not isinstance(estimator, BaseSearchCV):
        yield from _told_groups(getattr(estimator, held))


def _ignores_groups(cv) -> bool:
    """Tell whether a splitter of scikit-learn takes no groups."""
    if not (hasattr(cv, "split") and _is_of_sklearn(cv)):
        return False
    return not cv.get_metadata_routing().split.requests.get("groups")


def _waits(part, name, value) -> bool:
    """Tell whether a parameter ends a fit after some rounds without a gain, on rows that the part holds aside."""
    return name == "n_iter_no_change" and value is not None and "early_stopping" not in part.get_params(deep=False)


def _cross_validating(estimator, prefix=""):
    """Yield (key of the parameter cv, its value, part) of every part that is fitted on the same rows."""
    if _is_of_sklearn(estimator) and "cv" in estimator.get_params(deep=False):
        yield f"{prefix}cv", estimator.cv, estimator
    if isinstance(estimator, TransformedTargetRegressor):
        yield from _cross_validating(estimator.regressor, f"{prefix}regressor__")
    listed = _entry(ROWS_KEPT, estimator)
    for name, part, *_ in getattr(estimator, listed) if listed else ():
        if hasattr(part, "get_params"):
            yield from _cross_validating(part, f"{prefix}{name}__")


def _is_number(cv, part) -> bool:
    if cv is None:
        return not getattr(part, "store_cv_results", False)  # ridge keeps results of rows left out only
    if isinstance(cv, float):
        return 0 < cv < 1 and isinstance(part, TunedThresholdClassifierCV)
    return isinstance(cv, Integral) and not isinstance(cv, bool)


def _has_classes(estimator, y) -> bool:
    return is_classifier(estimator) or np.asarray(y).dtype.kind not in "fc"
