"""Hyperparameter search as a base learner.

Inside a stack a `TunedLearner` is fitted on a fold's training rows like any other learner, so its
search never sees a row that it is judged on.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Self

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, indexable

from .._checks import InvalidParameterError, check_params, having, one_of, whole
from .._inner_folds import inner_pairs
from .._kinds import Classes, Numbers
from .._metadata import Metadata, asking_for, check_asked
from .._routing import keyword
from .._scorers import check_scorer
from ._search import SearchRows, search_listed, search_with_optuna
from ._spaces import default_space

SEARCHES = ("grid", "random", "halving", "optuna")


def negative_log_loss(estimator, X, y, sample_weight=None):
    """Score probabilities in nats; a class that the estimator has not seen gets 1e-7."""
    codes = {label: i for i, label in enumerate(estimator.classes_)}
    proba = estimator.predict_proba(X)
    picked = [proba[row, codes[label]] if label in codes else 0.0 for row, label in enumerate(np.asarray(y))]
    return float(np.average(np.log(np.maximum(picked, 1e-7)), weights=sample_weight))


def _delegates(name):
    def check(self):
        getattr(getattr(self, "best_estimator_", self.learner), name)
        return True

    return check


class TunedLearner(MetaEstimatorMixin, BaseEstimator):
    """A learner whose parameters are searched on inner folds each time it is fitted.

    The learner as it is given is always the first candidate, so the search rarely ends below it.

    Parameters
    ----------
    learner : estimator
        Classifier or regressor, a Pipeline too.
    space : dict of str to list or scipy distribution, default=None
        What to try for each parameter; None takes the space shipped for the learner's class
        (see `default_space`).
    search : {"grid", "random", "halving", "optuna"}, default="random"
        "grid" tries all combinations (three quantiles of a distribution); "random" draws
        `n_trials`; "halving" draws them too, and fits the better half on twice as many rows, twice; "optuna"
        lets a tree-structured Parzen estimator propose (needs the extra `tuning`).
    n_trials : int, default=30
        Number of candidates; "grid" does not use it.
    cv : int or list of (train, test), default=3
        Number of inner folds, or the folds. Classes are spread evenly over folds; a class of a
        single row is always trained on.
    scoring : str, callable or None, default=None
        Score to maximise. None: negative log loss (accuracy without `predict_proba`), or
        negative mean squared error.
    random_state : int, RandomState instance or None, default=None
        Draws folds and candidates, and seeds the learner where it has no seed.
    storage : str or None, default=None
        Database of Optuna, for example "sqlite:///search.db". A search that was stopped goes on
        from there, and processes that fit the same rows share it.

    Attributes
    ----------
    best_estimator_ : estimator
        The learner with the best parameters, fitted on all rows.
    best_params_ : dict
        The best parameters; empty when the learner was best as given.
    best_score_ : float
        Mean score of the choice over the inner folds: each fold scores the candidate that is best on the other folds.
        The mean score of the best candidate, in `cv_results_`, is too optimistic: on noise, the luckiest of many is
        better than chance.
    cv_results_ : dict of str to array
        "params", "mean_test_score", "std_test_score" of each candidate that was fitted on the folds; "share_of_rows",
        too, except with "optuna".
    classes_ : ndarray of shape (n_classes,)
        Class labels, when the learner is a classifier.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from ensemble_mm.learners import TunedLearner
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TunedLearner(Ridge(), {"alpha": [0.1, 1000.0]}, search="grid", random_state=0).fit(X, y)
    >>> model.best_params_
    {'alpha': 0.1}
    """

    fits_whole_groups = "learner"  # the parameter of what is fitted with whole groups, whatever it holds aside
    _parameter_constraints = {
        "learner": [having("fit", "get_params")],
        "space": [None, Mapping],
        "search": [one_of(*SEARCHES)],
        "n_trials": [whole(1)],
        "cv": [whole(2), Iterable, having("split")],
        "scoring": [None, str, callable],
        "random_state": ["random_state"],
        "storage": [None, str],
    }

    def __init__(
        self, learner, space=None, search="random", *, n_trials=30, cv=3, scoring=None, random_state=None, storage=None
    ):
        self.learner = learner
        self.space = space
        self.search = search
        self.n_trials = n_trials
        self.cv = cv
        self.scoring = scoring
        self.random_state = random_state
        self.storage = storage

    def fit(self, X, y, sample_weight=None, groups=None, **metadata) -> Self:
        """Search, then fit the best candidate on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as the learner takes them.
        y : array-like of shape (n_samples,)
            Labels or values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, in the fits and in the scores of metrics that know weights.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group come into the same inner fold.
        **metadata : what the learner asks for by `set_fit_request`, with scikit-learn's metadata routing

        Returns
        -------
        self : TunedLearner
            The fitted search.
        """
        check_params(self)
        check_asked(metadata, [("learner", self.learner)], sample_weight=sample_weight, groups=groups)
        X, y = self._checked(X, y)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(np.iinfo(np.int32).max))
        space = self._space()
        learner = _seeded(self.learner, seed)
        if sample_weight is not None and keyword(learner, "sample_weight") is None:
            raise ValueError(f"{type(learner).__name__} takes no sample_weight: leave the weights out.")
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        groups = None if groups is None else np.asarray(groups)
        folds = self._folds(X, np.asarray(y), groups, seed)
        told = Metadata.of(metadata, len(y))
        rows = SearchRows(learner, X, y, weight, groups, folds, self._scorer(learner), seed, told)
        with config_context(enable_metadata_routing=False):
            search = search_with_optuna if self.search == "optuna" else search_listed
            self.best_params_, self.best_score_, self.cv_results_ = search(self, rows, space, seed)
            self.best_estimator_ = rows.fitted(self.best_params_)
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(self.best_estimator_, name):
                setattr(self, name, getattr(self.best_estimator_, name))
        return self

    def get_metadata_routing(self):
        """Return what `fit` takes beside X and y: weights, groups, and what the learner asks for."""
        return asking_for(super().get_metadata_routing(), [self.learner])

    def _checked(self, X, y):
        """Return rows and labels that can be searched on."""
        if y is None:
            raise ValueError("TunedLearner requires y to be passed, but the target y is None.")
        if not hasattr(X, "shape"):
            X = np.asarray(X)
        X, y = indexable(X, y if hasattr(y, "shape") else np.asarray(y))
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)
        if is_classifier(self.learner):
            check_classification_targets(y)
        if np.ndim(y) == 0 or len(y) < 2:
            raise ValueError(f"TunedLearner needs at least 2 rows to search, found n_samples = {np.size(y)}.")
        return X, y

    def check_settings(self) -> None:
        """Raise an error where a parameter cannot be used; a stack asks before anything is fitted."""
        check_scorer(self.scoring, Classes(2) if is_classifier(self.learner) else Numbers())
        if self.storage is not None and self.search != "optuna":
            raise ValueError(f"storage is for search='optuna', but search={self.search!r}: leave it out.")
        space, known = self._space(), self.learner.get_params()
        for name, values in space.items():
            self._check_values(name, values)
            parts = str(name).split("__")
            if name in known or any("__".join(parts[:i]) in space for i in range(1, len(parts))):
                continue  # the second: a parameter of a part that the space puts in
            try:  # LightGBM and XGBoost take names that they do not list
                clone(self.learner).set_params(**{name: None})
            except (ValueError, TypeError, AttributeError) as error:
                near = get_close_matches(str(name), known, cutoff=0.4) or sorted(known)[:10]
                raise ValueError(
                    f"space names {name!r}, which is not a parameter of {type(self.learner).__name__}: use one that "
                    f"it has, such as {', '.join(map(repr, near))}."
                ) from error

    def _check_values(self, name, values) -> None:
        """Raise a ValueError unless there are values of a parameter to try, of which the learner takes some."""
        if hasattr(values, "rvs"):
            tried = [*values.support(), *values.rvs(5, random_state=0)] if hasattr(values, "support") else []
            tried = [value for value in tried if np.isfinite(value)]
        else:
            tried = [] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
            if not tried:
                raise ValueError(
                    f"space has {values!r} for {name!r}: give a list of values, or a distribution such as "
                    "scipy.stats.loguniform(0.01, 100)."
                )
        owner, wrong = clone(self.learner), []
        for value in tried:
            try:
                owner.set_params(**{name: value})
                part = owner
                for step in str(name).split("__")[:-1]:
                    part = part.get_params(deep=False)[step]
                check = getattr(part, "_validate_params", None)
                if check is not None:
                    check()
            except InvalidParameterError as error:
                wrong.append((value, error))
            except (ValueError, TypeError, AttributeError, KeyError):  # of names, which is told of with others
                return
        if len(wrong) == len(tried) and wrong:
            raise ValueError(f"space has {values!r} for {name!r}, of which nothing can be used: {wrong[0][1]}")

    def _space(self):
        return default_space(self.learner) if self.space is None else self.space

    def _folds(self, X, y, groups, seed):
        """Return the inner folds as (train, test) positions."""
        if hasattr(self.cv, "split"):
            return list(self.cv.split(X, y, groups))
        if not np.isscalar(self.cv):
            return list(self.cv)
        classes = is_classifier(self.learner) and y.ndim == 1
        codes = np.unique(y, return_inverse=True)[1] if classes else np.arange(len(y))
        pairs = inner_pairs(codes, min(self.cv, len(y)), seed, classes=classes, groups=groups)
        if not pairs:
            what = "Every class has one row" if groups is None else "Every class, or every row, is in one group"
            raise ValueError(f"{what}: there is nothing to search on. Use the learner itself.")
        return pairs

    def _scorer(self, learner):
        if self.scoring is not None:
            return check_scoring(learner, scoring=self.scoring)
        if not is_classifier(learner):
            return check_scoring(learner, scoring="neg_mean_squared_error")
        return negative_log_loss if hasattr(learner, "predict_proba") else check_scoring(learner, scoring="accuracy")

    @available_if(_delegates("predict"))
    def predict(self, X):
        """Predict with the best candidate."""
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    @available_if(_delegates("predict_proba"))
    def predict_proba(self, X):
        """Return class probabilities of the best candidate."""
        check_is_fitted(self)
        return self.best_estimator_.predict_proba(X)

    @available_if(_delegates("decision_function"))
    def decision_function(self, X):
        """Return decision values of the best candidate."""
        check_is_fitted(self)
        return self.best_estimator_.decision_function(X)

    def score(self, X, y, sample_weight=None) -> float:
        """Return accuracy or R2 of the best candidate."""
        check_is_fitted(self)
        return self.best_estimator_.score(X, y, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.learner)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        tags.input_tags, tags.target_tags = inner.input_tags, inner.target_tags
        return tags


def _seeded(learner, seed):
    learner = clone(learner)
    names = [
        key
        for key, value in learner.get_params().items()
        if value is None and (key == "random_state" or key.endswith("__random_state"))
    ]
    return learner.set_params(**dict.fromkeys(names, seed))
