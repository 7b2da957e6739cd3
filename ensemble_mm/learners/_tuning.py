"""Hyperparameter search as a base learner.

Inside a stack a `TunedLearner` is fitted on a fold's training rows like any other learner, so its
search never sees a row that it is judged on.
"""

import warnings
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Self

import numpy as np
from joblib import hash as content_hash
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, ParameterSampler, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, has_fit_parameter, indexable

from .._checks import check_params, having, one_of, require, whole
from .._kinds import Classes, Numbers
from .._scorers import check_scorer
from ._linear import inner_folds
from ._spaces import default_space

SEARCHES = ("grid", "random", "halving", "optuna")
WORST = -1e12  # score of a candidate that fails


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
        `n_trials`; "halving" draws `n_trials` and gives more rows to the better ones; "optuna"
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
        Mean score of the best candidate over the inner folds.
    cv_results_ : dict of str to array
        "params", "mean_test_score" and "std_test_score" a candidate; for "halving", scikit-learn's.
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

    def fit(self, X, y, sample_weight=None) -> Self:
        """Search, then fit the best candidate on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features, as the learner takes them.
        y : array-like of shape (n_samples,)
            Labels or values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, for the fits; scores are not weighted.

        Returns
        -------
        self : TunedLearner
            The fitted search.
        """
        check_params(self)
        if y is None:
            raise ValueError("TunedLearner requires y to be passed, but the target y is None.")
        if not hasattr(X, "shape"):
            X = np.asarray(X)
        X, y = indexable(X, y)
        if np.ndim(y) == 2 and np.shape(y)[1] == 1:
            y = column_or_1d(y, warn=True)
        if is_classifier(self.learner):
            check_classification_targets(y)
        if np.ndim(y) == 0 or len(y) < 2:
            raise ValueError(f"TunedLearner needs at least 2 rows to search, found n_samples = {np.size(y)}.")
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(np.iinfo(np.int32).max))
        space = self._space()
        learner = _seeded(self.learner, seed)
        folds = self._folds(np.asarray(y), seed)
        params = _weights(learner, sample_weight)
        with config_context(enable_metadata_routing=False):
            search = {"optuna": self._optuna, "halving": self._halving}.get(self.search, self._listed)
            result = search(learner, space, X, y, folds, params, seed)
            self.best_params_, self.best_score_, self.cv_results_ = result
            self.best_estimator_ = clone(learner).set_params(**clone(self.best_params_, safe=False))
            self.best_estimator_.fit(X, y, **params)
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            if hasattr(self.best_estimator_, name):
                setattr(self, name, getattr(self.best_estimator_, name))
        return self

    def check_settings(self) -> None:
        """Raise an error where a parameter cannot be used; a stack asks before anything is fitted."""
        check_scorer(self.scoring, Classes(2) if is_classifier(self.learner) else Numbers())
        if self.storage is not None and self.search != "optuna":
            raise ValueError(f"storage is for search='optuna', but search={self.search!r}: leave it out.")
        space, known = self._space(), self.learner.get_params()
        for name in space:
            parts = str(name).split("__")
            if name in known or any("__".join(parts[:i]) in space for i in range(1, len(parts))):
                continue  # the second: a parameter of a part that the space puts in
            try:  # LightGBM and XGBoost take names that they do not list
                clone(self.learner).set_params(**{name: None})
            except (ValueError, TypeError, AttributeError) as error:
                near = get_close_matches(str(name), known, cutoff=0.4) or sorted(known)[:10]
                raise ValueError(
                    f"space names {name!r}, which is no parameter of {type(self.learner).__name__}: use one of those "
                    f"that it has, such as {', '.join(map(repr, near))}."
                ) from error

    def _space(self):
        return default_space(self.learner) if self.space is None else self.space

    def _folds(self, y, seed):
        if not np.isscalar(self.cv):
            return self.cv if hasattr(self.cv, "split") else list(self.cv)
        n_folds = min(self.cv, len(y))
        if not is_classifier(self.learner) or y.ndim > 1:
            numbers = inner_folds(np.arange(len(y)), n_folds, seed, classes=False)
            return [(np.flatnonzero(numbers != f), np.flatnonzero(numbers == f)) for f in range(n_folds)]
        codes, counts = np.unique(y, return_inverse=True, return_counts=True)[1:]
        numbers = inner_folds(codes, n_folds, seed, classes=True)
        alone = counts[codes] == 1
        pairs = [
            (np.flatnonzero((numbers != f) | alone), np.flatnonzero((numbers == f) & ~alone)) for f in range(n_folds)
        ]
        pairs = [pair for pair in pairs if len(pair[0]) and len(pair[1])]
        if not pairs:
            raise ValueError("Every class has one row: there is nothing to search on. Use the learner itself.")
        return pairs

    def _scorer(self, learner):
        if self.scoring is not None:
            return check_scoring(learner, scoring=self.scoring)
        if not is_classifier(learner):
            return check_scoring(learner, scoring="neg_mean_squared_error")
        return negative_log_loss if hasattr(learner, "predict_proba") else check_scoring(learner, scoring="accuracy")

    def _listed(self, learner, space, X, y, folds, params, seed):
        """Score the learner as given, then a grid or random draws."""
        if self.search == "grid":
            candidates = [{}, *ParameterGrid(_grid(space))]
        else:
            n_drawn = min(self.n_trials - 1, _size(space))
            candidates = [{}, *(ParameterSampler(space, n_drawn, random_state=seed) if n_drawn else [])]
        scorer = self._scorer(learner)
        scores = np.array([_tried(learner, c, X, y, scorer, folds, params) for c in candidates])
        means = scores.mean(axis=1)
        best = int(np.argmax(means))
        results = {"params": candidates, "mean_test_score": means, "std_test_score": scores.std(axis=1)}
        return candidates[best], float(means[best]), results

    def _halving(self, learner, space, X, y, folds, params, seed):
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
        from sklearn.model_selection import HalvingRandomSearchCV

        n_rows = len(y)
        search = HalvingRandomSearchCV(
            learner,
            space,
            n_candidates=min(self.n_trials, _size(space)),
            min_resources=min(n_rows, max(20, n_rows // 4)),
            factor=2,
            random_state=seed,
            scoring=self._scorer(learner),
            cv=folds,
            refit=False,
            error_score=WORST,  # scikit-learn warns of it, with the candidate's own words
        )
        search.fit(X, y, **params)
        as_given = _cross_validated(learner, {}, X, y, self._scorer(learner), folds, params).mean()
        if as_given >= search.best_score_:
            return {}, float(as_given), search.cv_results_
        return search.best_params_, float(search.best_score_), search.cv_results_

    def _optuna(self, learner, space, X, y, folds, params, seed):
        optuna = require("optuna", extra="tuning", caller="TunedLearner(search='optuna')")
        scorer = self._scorer(learner)
        name = None
        if self.storage is not None:  # the same learner, space, rows and folds: the same search
            parts = (repr(learner), repr(sorted(_describe(space).items())), str(self.scoring), X, np.asarray(y), folds)
            name = "tuned-" + content_hash(parts)
        # Optuna tells of every new study on the screen.
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            study = optuna.create_study(
                storage=self.storage, study_name=name, direction="maximize", load_if_exists=True,
                sampler=optuna.samplers.TPESampler(seed=seed),
            )  # fmt: skip
            done = _complete(study)
            if done:  # a resumed search must not draw again what it drew before
                study.sampler = optuna.samplers.TPESampler(seed=(seed + len(done)) % (2**31))
            if not any(trial.user_attrs.get("as_given") for trial in done):
                trial = study.ask()
                trial.set_user_attr("as_given", True)
                _tell(study, trial, _cross_validated(learner, {}, X, y, scorer, folds, params))
            while len(_complete(study)) < self.n_trials:
                trial = study.ask()
                drawn = {key: _suggest(trial, key, value) for key, value in space.items()}
                trial.set_user_attr("as_given", False)
                _tell(study, trial, _tried(learner, drawn, X, y, scorer, folds, params))
            trials = _complete(study)
        finally:
            optuna.logging.set_verbosity(verbosity)
        candidates = [{} if t.user_attrs.get("as_given") else _chosen(t, space) for t in trials]
        means = np.array([t.value for t in trials])
        results = {
            "params": candidates,
            "mean_test_score": means,
            "std_test_score": np.array([t.user_attrs["std"] for t in trials]),
        }
        best = int(np.argmax(means))
        return candidates[best], float(means[best]), results

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


def _weights(learner, sample_weight):
    if sample_weight is None:
        return {}
    name, last = "sample_weight", learner
    while isinstance(last, Pipeline):
        step, last = last.steps[-1]
        name = f"{step}__sample_weight" if name == "sample_weight" else name.replace("sample", f"{step}__sample")
    if not has_fit_parameter(last, "sample_weight"):
        raise ValueError(f"{type(last).__name__} takes no sample_weight: leave the weights out.")
    return {name: np.asarray(sample_weight, dtype=float)}


def _cross_validated(learner, drawn, X, y, scorer, folds, params):
    model = clone(learner).set_params(**drawn)
    result = cross_validate(model, X, y, scoring=scorer, cv=folds, params=params, error_score="raise")
    return result["test_score"]


def _tried(learner, drawn, X, y, scorer, folds, params):
    """Return the scores of a candidate; one that fails gets the worst there is, but for the learner as given."""
    try:
        return _cross_validated(learner, drawn, X, y, scorer, folds, params)
    except Exception as error:
        if not drawn:
            raise
        warnings.warn(f"The candidate {drawn} failed and is left out: {error}", UserWarning, stacklevel=2)
        return np.full(folds.get_n_splits(X, y) if hasattr(folds, "split") else len(folds), WORST)


def _complete(study):
    return [
        trial for trial in study.get_trials(deepcopy=False) if trial.value is not None and "std" in trial.user_attrs
    ]


def _tell(study, trial, scores):
    trial.set_user_attr("std", float(np.std(scores)))
    study.tell(trial, float(np.mean(scores)))


def _is_distribution(values):
    return hasattr(values, "rvs") and hasattr(values, "ppf")


def _size(space):
    if any(_is_distribution(values) for values in space.values()):
        return np.iinfo(np.int32).max
    return len(ParameterGrid({key: list(values) for key, values in space.items()}))


def _grid(space):
    """Return lists: those of the space, or three quantiles of a distribution."""
    grid = {}
    for key, values in space.items():
        quantiles = values.ppf([0.1, 0.5, 0.9]) if _is_distribution(values) else None
        if quantiles is None:
            grid[key] = list(values)
        else:
            grid[key] = [int(q) for q in quantiles] if _is_discrete(values) else [float(q) for q in quantiles]
    return grid


def _is_discrete(distribution):
    return hasattr(distribution.dist, "pmf")


def _describe(space):
    return {
        key: (v.dist.name, v.args, sorted(v.kwds.items())) if _is_distribution(v) else list(v)
        for key, v in space.items()
    }


def _suggest(trial, key, values):
    if not _is_distribution(values):
        values = list(values)
        return values[trial.suggest_categorical(key, list(range(len(values))))]
    low, high = (float(bound) for bound in values.support())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"The distribution of {key!r} has no bounds: use uniform, loguniform or randint.")
    if _is_discrete(values):
        return trial.suggest_int(key, int(low), int(high))
    return trial.suggest_float(key, low, high, log=values.dist.name in ("loguniform", "reciprocal"))


def _chosen(trial, space):
    return {
        key: trial.params[key] if _is_distribution(values) else list(values)[trial.params[key]]
        for key, values in space.items()
    }
