"""Learners that read the rows of a fit some at a time, so that these never lie side by side in memory.

They are LightGBM and XGBoost, which keep one byte per number, and what says so by an attribute `reads_by_rows`: its
`fit` takes `LazyRows`. A pipeline is as its first step.
"""

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from ._rows import LazyRows, MadeRows

BATCH = 8192  # rows that boosting is given at a time
SPECIAL = ("class_weight", "callbacks", "enable_categorical", "feature_weights")  # what asks for scikit-learn's side
LONG = 150_000  # rows, above which linear models read some at a time
BINNED = 50_000  # rows that LightGBM makes its bins from, at most: more take gigabytes, and hardly move a bin


def reads_by_rows(learner) -> bool:
    """Tell whether `fit_by_rows` can fit a learner on `LazyRows`."""
    if isinstance(learner, Pipeline):
        first = learner.steps[0][1]
        return len(learner.steps) > 1 and learner.memory is None and getattr(first, "reads_by_rows", False)
    return boosts_by_rows(learner) or getattr(learner, "reads_by_rows", False)


def boosts_by_rows(learner) -> bool:
    """Tell whether a learner is boosting, of a target or of its logarithm, that can be fitted on `LazyRows`."""
    inner = getattr(learner, "regressor", None) if getattr(learner, "reads_by_rows", False) else learner
    return _boosting_of(inner) is not None


def fit_by_rows(learner, X, y, **params):
    """Fit a learner on an array, a CSR matrix or, where it `reads_by_rows`, on `LazyRows`; return it."""
    if isinstance(X, LazyRows) and _boosting_of(learner) is not None:
        return _boosted(learner, X, y, **params)
    if isinstance(X, LazyRows) and reads_to_the_end(learner):  # what stands between would be an array of all rows
        (_, first), (name, last) = learner.steps
        made = MadeRows(X, first.fit(X).unchecked)
        last.fit(made, y, **{key.removeprefix(f"{name}__"): value for key, value in params.items()})
        return learner
    return learner.fit(X, y, **params)


def reads_to_the_end(learner) -> bool:
    """Tell whether a pipeline of two steps never holds all rows, dense or sparse, where there are more than `LONG`."""
    two = isinstance(learner, Pipeline) and len(learner.steps) == 2 and reads_by_rows(learner)
    return two and getattr(learner.steps[1][1], "reads_by_rows", False)


def _boosting_of(learner):
    """Return the function that trains the booster of a plain learner of LightGBM or XGBoost; None for any other."""
    trained = _BOOSTING.get(f"{type(learner).__module__}.{type(learner).__name__}")
    if trained is None or callable(learner.objective):
        return None
    if trained is _xgboost and (learner.booster == "gblinear" or learner.tree_method not in (None, "auto", "hist")):
        return None  # these read no bins
    special = (getattr(learner, name, None) for name in SPECIAL)
    return trained if all(value is None or value is False for value in special) else None


def _boosted(learner, X, y, sample_weight=None):
    """Fit boosting. The model equals that of an array; for LightGBM, if it makes its bins from all rows."""
    labels, codes = np.unique(y, return_inverse=True) if is_classifier(learner) else (None, y)
    # scikit-learn's side of it is fitted on few rows: those of each class, or of the least and the largest number.
    few = np.unique(codes, return_index=True)[1] if labels is not None else [int(np.argmin(y)), int(np.argmax(y))]
    rounds = learner.n_estimators
    learner.set_params(n_estimators=1).fit(X[few], np.asarray(y)[few])
    learner.set_params(n_estimators=rounds)
    learner._Booster = _boosting_of(learner)(learner, X, codes, sample_weight)
    return learner


def _lightgbm(learner, X, y, weight):
    import lightgbm

    class Batches(lightgbm.Sequence):
        """Rows, single ones in rising order, to make bins, then batches."""

        batch_size = BATCH
        start, part = 0, ()

        def __len__(self):
            return len(X)

        def __getitem__(self, place):
            if isinstance(place, slice):
                return X[place]
            if not 0 <= place - self.start < len(self.part):
                self.start = place - place % BATCH
                self.part = X[self.start : self.start + BATCH].astype(np.float64)
            return self.part[place - self.start]

    params = learner._process_params(stage="fit")
    data = lightgbm.Dataset(Batches(), label=y, weight=weight, params=params)
    booster = lightgbm.train(params, data, num_boost_round=learner.n_estimators)
    booster.free_dataset()
    return booster


def _xgboost(learner, X, y, weight):
    import xgboost

    class Batches(xgboost.DataIter):
        start = 0

        def reset(self):
            self.start = 0

        def next(self, input_data):
            some = slice(self.start, self.start + BATCH)
            self.start = some.stop
            if some.start < len(X):
                input_data(data=X[some], label=y[some], weight=None if weight is None else weight[some])
            return some.start < len(X)

    params = learner.get_xgb_params()
    if getattr(learner, "n_classes_", 2) > 2:
        params["num_class"] = learner.n_classes_
    settings = {} if learner.max_bin is None else {"max_bin": learner.max_bin}
    with xgboost.config_context(verbosity=learner.verbosity):
        data = xgboost.QuantileDMatrix(Batches(), missing=learner.missing, nthread=learner.n_jobs, **settings)
        return xgboost.train(params, data, learner.get_num_boosting_rounds())


_BOOSTING = {f"lightgbm.sklearn.LGBM{kind}": _lightgbm for kind in ("Classifier", "Regressor")}
_BOOSTING |= {f"xgboost.sklearn.XGB{kind}": _xgboost for kind in ("Classifier", "Regressor")}
