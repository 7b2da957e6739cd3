"""Hyperparameter search as a base learner.

Inside a stack a `TunedLearner` is fitted on a fold's training rows like any other learner, so its
search never sees a row that it is judged on.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

import numpy as np
from joblib import hash as content_hash
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, indexable

from .._checks import check_params, having, one_of, require, whole
from .._inner_folds import inner_pairs
from .._kinds import Classes, Numbers
from .._routing import keyword, row_params, whole_groups
from .._scorers import check_scorer, weighted_score
from ._spaces import default_space

SEARCHES = ("grid", "random", "halving", "optuna")
WORST = -1e12  # score of a candidate that fails
HALVING = (0.25, 0.5)  # shares of the rows that halving fits candidates on, before all
FEWEST_ROWS = 20  # on which halving tries candidates


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
        Mean score of the choice over the inner folds: each scores the candidate that is best on the others. The mean of
        the best candidate, which is in `cv_results_`, flatters: on noise the luckiest of many is better than chance.
    cv_results_ : dict of str to array
        "params", "mean_test_score", "std_test_score" and, but for "optuna", "share_of_rows" of each candidate that was
        fitted on the folds.
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

    def fit(self, X, y, sample_weight=None, groups=None) -> Self:
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
        X, y = indexable(X, y if hasattr(y, "shape") else np.asarray(y))
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
        if sample_weight is not None and keyword(learner, "sample_weight") is None:
            raise ValueError(f"{type(learner).__name__} takes no sample_weight: leave the weights out.")
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        groups = None if groups is None else np.asarray(groups)
        folds = self._folds(X, np.asarray(y), groups, seed)
        rows = _Rows(learner, X, y, weight, groups, folds, self._scorer(learner), seed)
        with config_context(enable_metadata_routing=False):
            search = self._optuna if self.search == "optuna" else self._listed
            self.best_params_, self.best_score_, self.cv_results_ = search(rows, space, seed)
            self.best_estimator_ = rows.fitted(self.best_params_)
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

    def _listed(self, rows, space, seed):
        """Score the learner as given, then a grid or random draws; of some rows, the better half goes on to more."""
        if self.search == "grid":
            drawn = list(ParameterGrid(_grid(space)))
        else:
            n_drawn = min(self.n_trials - 1, _size(space))
            drawn = list(ParameterSampler(space, n_drawn, random_state=seed)) if n_drawn else []
        shares = [s for s in HALVING if s * len(rows.y) >= FEWEST_ROWS] if self.search == "halving" else []
        candidates, told = [{}, *drawn], []
        for share in [*shares, 1.0]:
            scores = np.array([rows.tried(candidate, share) for candidate in candidates])
            means = rows.mean(scores)
            told += zip(candidates, means, scores.std(axis=1), [share] * len(candidates), strict=True)
            if share < 1:
                better = np.sort(np.argsort(-means[1:], kind="stable")[: max(1, len(candidates) // 2)]) + 1
                candidates = [{}, *(candidates[i] for i in better)]
        best = int(np.argmax(means))
        names = ("params", "mean_test_score", "std_test_score", "share_of_rows")
        params, *numbers = zip(*told, strict=True)
        results = dict(zip(names, [list(params), *map(np.array, numbers)], strict=True))
        return candidates[best], rows.score_of_choice(scores), results

    def _optuna(self, rows, space, seed):
        optuna = require("optuna", extra="tuning", caller="TunedLearner(search='optuna')")
        name = None
        if self.storage is not None:  # the same learner, space, rows and folds: the same search
            given = (part for part in (rows.weight, rows.groups) if part is not None)
            space_and_metric = repr(sorted(_describe(space).items())), str(self.scoring)
            parts = (repr(rows.learner), *space_and_metric, rows.X, np.asarray(rows.y), rows.folds, *given)
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
                _tell(study, trial, rows, rows.tried({}))
            while len(_complete(study)) < self.n_trials:
                trial = study.ask()
                drawn = {key: _suggest(trial, key, value) for key, value in space.items()}
                trial.set_user_attr("as_given", False)
                _tell(study, trial, rows, rows.tried(drawn))
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
        return candidates[best], rows.score_of_choice([t.user_attrs["scores"] for t in trials]), results

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


@dataclass(frozen=True)
class _Rows:
    """The rows of a search, and how a candidate is fitted and scored on them."""

    learner: Any
    X: Any
    y: Any
    weight: np.ndarray | None
    groups: np.ndarray | None
    folds: list
    scorer: Any
    seed: int

    def fitted(self, drawn, rows=None):
        """Return the learner with some parameters, fitted on some rows; None: all."""
        model = clone(self.learner).set_params(**clone(drawn, safe=False))
        X, y, weight, groups = (_taken(part, rows) for part in (self.X, self.y, self.weight, self.groups))
        with whole_groups(model, y, groups, self.seed):
            return model.fit(X, y, **row_params(model, sample_weight=weight, groups=groups))

    def mean(self, scores, but=None):
        """Return means over the folds (the last axis), but for one of them; they count by the weights of their rows."""
        folds = [f for f in range(len(self.folds)) if f != but]
        weights = None if self.weight is None else [self.weight[self.folds[f][1]].sum() for f in folds]
        return np.average(np.asarray(scores)[..., folds], axis=-1, weights=weights)

    def score_of_choice(self, scores):
        """Return the mean over the folds of the candidate that is best on the others; `scores` has a row per candidate.

        A lone fold has no others: there it is the score of the best.
        """
        scores, n_folds = np.asarray(scores), len(self.folds)
        if n_folds == 1:
            return float(scores.max())
        return float(self.mean([scores[self.mean(scores, but=f).argmax(), f] for f in range(n_folds)]))

    def tried(self, drawn, share=1.0):
        """Return the scores of a candidate on the folds, fitted on a share of the rows.

        One that fails gets the worst there is, but for the learner as given.
        """
        try:
            return np.array([self._score(drawn, self._some(train, share), test) for train, test in self.folds])
        except Exception as error:
            if drawn:
                warnings.warn(f"The candidate {drawn} failed and is left out: {error}", UserWarning, stacklevel=2)
            elif share == 1:
                raise
            return np.full(len(self.folds), WORST)

    def _score(self, drawn, train, test):
        model = self.fitted(drawn, train)
        X, y, weight = (_taken(part, test) for part in (self.X, self.y, self.weight))
        return weighted_score(self.scorer, model, X, y, weight)

    def _some(self, train, share):
        """Return a share of the rows, with their share of each class."""
        if share == 1:
            return train
        order = np.random.RandomState(self.seed).permutation(train)
        if is_classifier(self.learner):
            order = order[np.argsort(np.unique(_taken(self.y, order), return_inverse=True)[1], kind="stable")]
        return order[np.linspace(0, len(order) - 1, int(np.ceil(share * len(order)))).astype(int)]


def _taken(part, rows):
    if part is None or rows is None:
        return part
    return part.iloc[rows] if hasattr(part, "iloc") else part[rows]


def _complete(study):
    return [
        trial for trial in study.get_trials(deepcopy=False) if trial.value is not None and "scores" in trial.user_attrs
    ]


def _tell(study, trial, rows, scores):
    trial.set_user_attr("std", float(np.std(scores)))
    trial.set_user_attr("scores", [float(score) for score in scores])
    study.tell(trial, float(rows.mean(scores)))


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
