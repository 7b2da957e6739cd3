"""StackedClassifier and StackedRegressor: one task, as scikit-learn's estimators have it."""

import warnings

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import check_is_fitted

from ._base import BaseStack
from ._level import availability_of


class _SingleStack(BaseStack):
    """What a stack of one task adds: y is one column and predictions are one array."""

    def __init__(
        self,
        views="auto",
        learners="balanced",
        meta_learner="auto",
        scoring=None,
        cv=5,
        refit=True,
        prune=None,
        calibration=None,
        augment=0,
        on_error="raise",
        on_bad="raise",
        cache=None,
        checkpoint=None,
        time_budget=None,
        job_timeout=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.views = views
        self.learners = learners
        self.meta_learner = meta_learner
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.prune = prune
        self.calibration = calibration
        self.augment = augment
        self.on_error = on_error
        self.on_bad = on_bad
        self.cache = cache
        self.checkpoint = checkpoint
        self.time_budget = time_budget
        self.job_timeout = job_timeout
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _one_column(self, y):
        shape = getattr(y, "shape", ())
        if len(shape) == 2 and shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected: pass y of shape (n_samples,).",
                DataConversionWarning,
                stacklevel=3,
            )
            return y.iloc[:, 0] if hasattr(y, "iloc") else np.ravel(y)
        if len(shape) == 2:
            raise ValueError(
                f"y should be a 1d array, got an array of shape {shape}: use MultiOutputStack for several."
            )
        return y

    def _only_prediction(self, X):
        check_is_fitted(self)
        out, new = self._predict_tasks(X)
        (name,) = out
        return name, out[name], new


class StackedClassifier(ClassifierMixin, _SingleStack):
    """Classify from several views with a cross-fitted ensemble.

    Every view is turned into features by its extractor, base learners are cross-fitted on them, and a
    meta-learner combines their out-of-fold predictions (stacked generalization [1]_).

    Parameters
    ----------
    views : "auto" or list of (name, extractor, column(s)), default="auto"
        Inputs; "auto" infers them from X. An extractor is any transformer; "drop" leaves a view out, "auto"
        takes the default extractor of what the column holds.
    learners : {"fast", "balanced", "best"}, list of (name, estimator[, reads[, form]]), or dict, default="balanced"
        Base learners. `reads` is "each" (a copy a view, the default), "all" (one copy on all views side by side)
        or a list of views. `form` is "native" (features as extracted, the default) or "reduced" (sparse text as
        few dense columns). A dict gives a list by task or kind.
    meta_learner : {"greedy", "simplex", "linear", "mean", "auto"} or estimator, default="auto"
        Combines the columns of the table.
    scoring : None, str, callable or dict by task, default=None
        What the weights maximise; None: log loss (squared error for numbers).
    cv : int, splitter or list of (train, test), default=5
        Folds, drawn once. A number is stratified and shuffled, and keeps `groups` together when they are given.
    refit : bool, default=True
        Refit on all rows; False predicts with the mean of the fold models.
    prune : None, "auto", int or selector, default=None
        Members to keep; dropped ones are neither refitted nor run at predict.
    calibration : {None, "temperature", "isotonic"}, default=None
        Calibrates the probabilities on the out-of-fold predictions.
    augment : int, default=0
        Augmented copies of every training row; never of held-out rows.
    on_error : {"raise", "drop"}, default="raise"
        What a failing learner does: end the fit, or be left out (see `failures_`).
    on_bad : {"raise", "missing"}, default="raise"
        What an unreadable file does: end the fit, or count as missing.
    cache : path or None, default=None
        Folder of the feature cache.
    checkpoint : path or None, default=None
        Folder where finished jobs are kept, so that a killed fit can go on.
    time_budget : float or None, default=None
        Seconds after which no further job is started: cheap views and learners come first, and a warning and
        `fit_report_` tell what was left out. The cheapest learner of every task is fitted in any case.
    job_timeout : float or None, default=None
        Seconds that one job (a fit of a learner on a fold, say) may take; one that takes longer has failed, and
        `on_error` tells what follows. Jobs then run in worker processes, even one at a time.
    n_jobs : int or None, default=None
        Jobs at the same time, as in joblib; None obeys `joblib.parallel_config`.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and learners.
    verbose : int, default=0
        1 prints a line for every stage, and on the way how long it will still take, to standard error.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    views_ : dict of str to str
        Modality of every view.
    table_ : Table
        Out-of-fold predictions; `table_.to_frame()` has columns (task, learner, reads, class), NaN where a
        learner abstained.
    folds_ : list of (train, test)
    contributions_ : DataFrame of shape (n_members, 1)
        Weight of every (reads, learner); they sum to 1.
    cv_results_ : DataFrame
        Scores of every member and of the ensemble on every fold.
    n_extractions_ : int
    failures_ : list of dict
    fit_report_ : DataFrame
        Seconds and bytes of every stage.
    n_features_in_ : int
        Columns of X, or views of a dict.

    References
    ----------
    .. [1] Wolpert, D. (1992). Stacked generalization. Neural Networks 5, 241-259.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ensemble_mm import StackedClassifier
    >>> X = pd.DataFrame({"review": [f"a {mood} coat, number {i}" for i in range(20) for mood in ("good", "bad")]})
    >>> y = ["up", "down"] * 20
    >>> model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0).fit(X, y)
    >>> model.views_
    {'review': 'text'}
    >>> model.predict(X[:2]).tolist()
    ['up', 'down']
    """

    _only = "classification"

    @with_callbacks
    def fit(self, X, y, sample_weight=None, groups=None):
        """Fit the ensemble.

        Parameters
        ----------
        X : DataFrame, dict of views, MultimodalData, or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Classes; None or NaN where the label is not known.
        sample_weight : array-like of shape (n_samples,), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay in the same fold.

        Returns
        -------
        self
        """
        self._fit(X, self._one_column(y), sample_weight, groups)
        (task,) = self.tasks_.values()
        self.classes_ = task.classes
        return self

    def predict_proba(self, X):
        """Return class probabilities, shape (n_samples, n_classes), in the order of `classes_`."""
        return self._only_prediction(X)[1]

    def predict(self, X):
        """Return the most probable classes, shape (n_samples,)."""
        proba = self.predict_proba(X)
        return self.classes_[np.argmax(proba, axis=1)]

    def predict_set(self, X, coverage=0.9):
        """Return the classes that hold the true one with probability `coverage`: bool (n_samples, n_classes)."""
        name, proba, new = self._only_prediction(X)
        return self.conformal_[name].sets(proba, coverage, pattern=availability_of(new.present))


class StackedRegressor(RegressorMixin, _SingleStack):
    """Predict a number from several views with a cross-fitted ensemble.

    Parameters and attributes are those of `StackedClassifier`, without classes and `calibration`'s effect.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from ensemble_mm import StackedRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(X, y)
    >>> model.predict_interval(X[:2], coverage=0.9).shape
    (2, 2)
    """

    _only = "regression"

    @with_callbacks
    def fit(self, X, y, sample_weight=None, groups=None):
        """Fit the ensemble.

        Parameters
        ----------
        X : DataFrame, dict of views, MultimodalData, or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Numbers; NaN where the label is not known.
        sample_weight : array-like of shape (n_samples,), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay in the same fold.

        Returns
        -------
        self
        """
        return self._fit(X, self._one_column(y), sample_weight, groups)

    def predict(self, X):
        """Return numbers in the unit of y, shape (n_samples,)."""
        return self._only_prediction(X)[1]

    def predict_interval(self, X, coverage=0.9):
        """Return bounds that hold the true number with probability `coverage`: shape (n_samples, 2)."""
        name, values, new = self._only_prediction(X)
        return self.conformal_[name].interval(values, coverage, pattern=availability_of(new.present))
