"""Rows that come five times, as groups: of noise every number is chance, and what is true of groups is found."""

import warnings
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, StackingClassifier
from sklearn.linear_model import LassoCV, LogisticRegression, LogisticRegressionCV, PoissonRegressor, Ridge, RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    BaseCrossValidator,
    BaseShuffleSplit,
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    RandomizedSearchCV,
    StratifiedGroupKFold,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, TunedLearner, compare_strategies
from ensemble_mm.learners import LogisticPath, RidgePath

LEARNERS = [
    ("path", LogisticPath()),
    ("tree", DecisionTreeClassifier()),
    ("tuned", TunedLearner(DecisionTreeClassifier(), {"max_depth": [1, 3]}, search="grid")),
    ("boosted", LGBMClassifier(n_estimators=30, early_stopping_round=3, min_child_samples=3, verbose=-1)),
]


def numbers_of(signal, seed, meta_learner):
    """Return the accuracy and the area under the curve out of fold, of rows that come five times."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(30), 5)
    X, y = rng.normal(size=(30, 3)), np.tile([0, 1], 15)
    X[:, 0] += signal * y
    model = StackedClassifier(learners=LEARNERS, cv=3, random_state=seed, meta_learner=meta_learner, refit=False)
    model.fit(X[groups], y[groups], groups=groups)
    accuracy = model.cv_results_.set_index("learner").loc["ensemble", "mean"]
    return accuracy, roc_auc_score(y[groups], model.oof_["y"][:, 1])


@pytest.mark.slow
@pytest.mark.parametrize("meta_learner", [None, GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]})], ids=str)
def test_noise_is_chance_and_signal_is_found(meta_learner):
    noise = np.array([numbers_of(0, seed, meta_learner) for seed in range(8)])
    error = noise.std(axis=0, ddof=1) / len(noise) ** 0.5
    assert (noise.mean(axis=0) < 0.5 + 3 * error).all()
    assert min(numbers_of(4, 0, meta_learner)) > 0.8


@pytest.mark.slow
def test_what_is_compared_of_noise_in_groups_is_chance_and_intervals_hold_it():
    """Rows come five times: taken for rows of their own they would tell of a signal."""
    found, held = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        groups, y = np.repeat(np.arange(30), 5), np.tile([0, 1], 15)
        X = {name: rng.normal(size=(30, 2))[groups] for name in "ab"}
        y = pd.DataFrame({"noise": rng.permutation(y), "other": rng.permutation(y)}).iloc[groups]
        settings = {"learners": LEARNERS[1:2], "cv": 3, "scoring": "roc_auc", "random_state": seed}
        settings["meta_learner"] = "simplex"
        table = compare_strategies(X, y, groups=groups, strategy="stacked", **settings)
        found.append(table["score"].unstack("strategy").mean())
        board = MultiOutputStack(strategy="independent", **settings).fit(X, y, groups=groups).leaderboard()
        own = board[board["learner"] == "ensemble"]
        held.append(((own["low"] <= 0.5) & (own["high"] >= 0.5)).mean())
    found = pd.DataFrame(found)
    assert (found.mean() < 0.5 + 3 * found.std(ddof=1) / len(found) ** 0.5).all(), found.mean()
    assert np.mean(held) > 0.8


class Asking(ClassifierMixin, BaseEstimator):
    """Keep the groups that fit was given."""

    def fit(self, X, y, groups=None):
        self.classes_, self.groups_, self.names_ = np.unique(y), groups, X[:, 0]
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


def test_whatever_takes_groups_gets_those_of_its_rows():
    groups = np.repeat(["x", "y", "z", "w"], 4)
    X = np.unique(groups, return_inverse=True)[1][:, np.newaxis].astype(float)
    model = StackedClassifier(learners=[("asking", Asking())], cv=2, refit=False, meta_learner="mean")
    model.fit(X, np.tile([0, 1], 8), groups=groups)
    fitted = [member.estimator for models in model.levels_[0].models.values() for member in models.values()]
    assert len(fitted) == 2
    for learner in fitted:
        assert len(np.unique(learner.groups_)) == len(np.unique(learner.names_)) == 2
        assert len(np.unique(np.c_[learner.groups_, learner.names_], axis=0)) == 2


def test_learners_that_split_groups_and_take_no_weights_are_named():
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), np.tile([0, 1], 20)
    model = StackedClassifier(
        learners=[("net", MLPClassifier(3, max_iter=2, early_stopping=True))],
        cv=2, refit=False, meta_learner=KNeighborsClassifier(),
    )  # fmt: skip
    with pytest.warns(UserWarning) as told:
        model.fit(X, y, sample_weight=np.ones(40), groups=np.repeat(np.arange(20), 2))
    words = [str(warning.message) for warning in told]
    assert any("hold rows aside by themselves" in text and "net" in text for text in words)
    assert any("take no sample weights" in text and "KNeighborsClassifier" in text for text in words)


LOOKED: list[np.ndarray] = []  # for every look at rows that were not learned from: which are of groups that were


def _look(learned, rows):
    """Rows tell their number in the first column, and their group in the second."""
    new = ~np.isin(rows[:, 0], learned[:, 0])
    LOOKED.append(np.isin(rows[new, 1], learned[:, 1]))


def watched(base, **params):
    """Return an estimator that looks at what it is given to learn from, to stop early on and to predict."""

    class Watched(base):
        def fit(self, X, y, sample_weight=None, **others):
            self._learned = np.asarray(X)[:, :2]
            aside = others.get("eval_X", others.get("X_val"))
            aside = others["eval_set"][0][0] if "eval_set" in others else aside
            if aside is not None:
                _look(self._learned, np.asarray(aside))
            return super().fit(X, y, sample_weight=sample_weight, **others)

        def predict(self, X, **others):
            _look(self._learned, np.asarray(X))
            return super().predict(X, **others)

        if hasattr(base, "predict_proba"):

            def predict_proba(self, X, **others):
                _look(self._learned, np.asarray(X))
                return super().predict_proba(X, **others)

    Watched.__init__, Watched.__name__ = base.__init__, base.__name__  # boosting is known by its name
    Watched.fit.__signature__ = signature(base.fit)
    return Watched(**params)


STOP = {"n_estimators": 4, "random_state": 0}
BOOSTED = {
    "classes": [
        watched(LGBMClassifier, early_stopping_round=2, verbose=-1, **STOP),
        watched(XGBClassifier, early_stopping_rounds=2, **STOP),
        watched(HistGradientBoostingClassifier, max_iter=4, early_stopping=True, random_state=0),
    ],
    "numbers": [
        watched(LGBMRegressor, early_stopping_round=2, verbose=-1, **STOP),
        watched(XGBRegressor, early_stopping_rounds=2, **STOP),
        watched(HistGradientBoostingRegressor, max_iter=4, early_stopping=True, random_state=0),
    ],
}


def searchers(plain, space):
    return [
        TunedLearner(plain, space, search="grid"),
        TunedLearner(plain, space, search="halving", n_trials=3),
        TunedLearner(make_pipeline("passthrough", GridSearchCV(plain, space, cv=2)), {}, search="grid"),
        GridSearchCV(plain, space),
        RandomizedSearchCV(plain, space, n_iter=2, cv=2),
    ]


LOGISTIC, RIDGE = watched(LogisticRegression), watched(Ridge)
OF_CLASSES = [
    *BOOSTED["classes"], *searchers(LOGISTIC, {"C": [0.1, 1.0]}), LogisticPath(),
    LogisticRegressionCV(cv=3, scoring="neg_log_loss", l1_ratios=(0.0,), use_legacy_attributes=False),
    TunedLearner(BOOSTED["classes"][0], {"max_depth": [2]}, search="grid"), CalibratedClassifierCV(LOGISTIC, cv=3),
    TunedThresholdClassifierCV(LOGISTIC, cv=0.2, thresholds=3),
    StackingClassifier([("a", LOGISTIC)], cv=3),
]  # fmt: skip
OF_NUMBERS = [
    *BOOSTED["numbers"], *searchers(RIDGE, {"alpha": [0.1, 1.0]}), RidgePath(), LassoCV(cv=3), RidgeCV(cv=3),
    TransformedTargetRegressor(GridSearchCV(RIDGE, {"alpha": [0.1, 1.0]}, cv=2)),
]  # fmt: skip
OF_COUNTS = [*BOOSTED["numbers"], TunedLearner(watched(PoissonRegressor), {"alpha": [0.1, 1.0]}, search="grid")]


@pytest.mark.parametrize(
    ("kind", "learners", "settings"),
    [
        ("binary", OF_CLASSES, {"calibration": "isotonic", "threshold": "f1"}),
        pytest.param("multiclass", OF_CLASSES, {"calibration": "temperature", "prune": "auto"}, marks=pytest.mark.slow),
        ("ordinal", OF_CLASSES[3:5], {"meta_learner": "dynamic"}),
        ("labels", OF_CLASSES[:4], {"threshold": {"tags": "f1"}, "strategy": "independent"}),
        ("regression", OF_NUMBERS, {"prune": 2}),
        ("count", OF_COUNTS, {}),
        ("quantile", BOOSTED["numbers"], {}),
        ("survival", OF_COUNTS[:3], {}),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_no_group_crosses_a_split_of_any_learner_or_searcher(kind, learners, settings, monkeypatch):
    """Of scikit-learn's splitters only those that draw the outer folds of groups may be used at all."""
    splitters = []
    for base in (BaseCrossValidator, BaseShuffleSplit):
        split = base.split
        monkeypatch.setattr(base, "split", lambda self, *args, _split=split, **others: (
            splitters.append(type(self).__name__), _split(self, *args, **others))[1])  # fmt: skip
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(30), 4))
    own = rng.normal(size=(30, 2))[groups]
    X = np.c_[np.arange(120), groups, own]
    y = {
        "binary": own[:, 0] > 0, "multiclass": np.digitize(own[:, 0], [-0.5, 0.5]).astype(str),
        "ordinal": np.digitize(own[:, 0], [-0.5, 0.5]), "count": rng.poisson(np.exp(own[:, 0] / 2)),
        "labels": [["new"] * int(a > 0) + ["red"] * int(b > 0) for a, b in own],
    }.get(kind, own[:, 0] + rng.normal(size=120))  # fmt: skip
    Y, tasks = {"tags": y}, {"tags": kind}
    if kind == "survival":
        Y, tasks = {"t": np.exp(own[:, 0]), "e": rng.random(120) < 0.8}, {"end": ("survival", "t", "e")}
    LOOKED.clear()
    learners = [(f"learner{i}", learner) for i, learner in enumerate(learners)]
    settings = {"meta_learner": "mean", "cv": 2, "refit": False, "random_state": 0} | settings
    model = MultiOutputStack(learners=learners, tasks=tasks, **settings)
    with pytest.warns(UserWarning) as told:  # of learners that take no weights or the like
        warnings.warn("one", UserWarning, stacklevel=1)
        model.fit(X, Y, groups=groups)
    assert not any("hold rows aside by themselves" in str(warning.message) for warning in told)
    assert set(splitters) <= {"GroupKFold", "StratifiedGroupKFold"}
    assert sum(map(len, LOOKED)) > 120
    assert not np.concatenate(LOOKED).any()


@pytest.mark.parametrize(
    "meta_learner",
    ["auto", "dynamic", GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}),
     pytest.param(
         LogisticRegressionCV(scoring="neg_log_loss", l1_ratios=(0.0,), use_legacy_attributes=False),
         marks=pytest.mark.slow,
     ),
     CalibratedClassifierCV(LogisticRegression()),
     pytest.param(TunedThresholdClassifierCV(LogisticRegression(), cv=0.2), marks=pytest.mark.slow),
     HistGradientBoostingClassifier(max_iter=4, early_stopping=True),
     LGBMClassifier(early_stopping_round=2, verbose=-1, **STOP)],
    ids=lambda spec: spec if isinstance(spec, str) else type(spec).__name__,
)  # fmt: skip
def test_no_group_crosses_a_split_of_a_meta_learner(meta_learner, monkeypatch):
    def refuse(self, *args, **others):
        raise AssertionError(f"{type(self).__name__} knows of no groups")

    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(30), 4))
    X, y = rng.normal(size=(30, 2))[groups], rng.integers(0, 2, 30)[groups]
    learners = [("tree", DecisionTreeClassifier(max_depth=2)), ("linear", LogisticRegression())]
    folds = [(np.flatnonzero(groups % 3 != f), np.flatnonzero(groups % 3 == f)) for f in range(3)]
    model = StackedClassifier(learners=learners, cv=folds, meta_learner=meta_learner, random_state=0)
    for base in (BaseCrossValidator, BaseShuffleSplit):
        monkeypatch.setattr(base, "split", refuse)
    model.set_params(prune=1, calibration="temperature", threshold="f1", refit=False).fit(X, y, groups=groups)
    assert np.isfinite(model.oof_["y"]).all()


TREE = watched(DecisionTreeClassifier, max_depth=2)
AT_RANDOM = {
    "meta_learner": ["auto", "greedy", "linear", "mean", "dynamic"], "refit": [True, False],
    "strategy": ["stacked", "chain", "independent"], "layers": [1, 1, 2], "prune": [None, None, 2, "auto"],
    "calibration": [None, {"kind": "isotonic"}, {"kind": "temperature"}],
    "threshold": [None, {"kind": "balanced_accuracy"}],
    "cv": [2, 3, 5, GroupKFold(3), StratifiedGroupKFold(3), GroupShuffleSplit(3, random_state=0)],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_no_group_crosses_a_split_whatever_is_set(seed):
    """Two tasks, in half of the fits with a class that has one row; then a task or a learner is added, and rows."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(20), rng.integers(1, 6, 20)))
    own = rng.normal(size=(20, 2))[groups]
    X, kind = np.c_[np.arange(len(groups)), groups, own], np.digitize(own[:, 0], [-0.5, 0.5]).astype(str).astype(object)
    kind[0] = "rare" if seed % 2 else kind[0]
    kind[rng.permutation(len(kind) - 1)[:9] + 1] = None
    Y = pd.DataFrame({"kind": kind, "size": own[:, 1] + rng.normal(size=len(kind))})
    given = {name: values[rng.integers(len(values))] for name, values in AT_RANDOM.items()}
    if seed % 4 == 3:
        given |= {"passthrough": True, "meta_learner": "auto", "layers": 1, "strategy": "independent", "prune": None}
    searches = [TunedLearner(TREE, {"max_depth": [1, 2]}, search=search, n_trials=2) for search in ("grid", "halving")]
    learners = {
        "classification": [("search", searches[seed % 2]), ("boosted", BOOSTED["classes"][seed % 3])],
        "regression": [("ridge", RIDGE), ("search", GridSearchCV(RIDGE, {"alpha": [0.1, 1.0]}))],
    }
    LOOKED.clear()
    model = MultiOutputStack(learners=learners, random_state=0, **given).fit(X, Y, groups=groups)
    if "passthrough" not in given:
        model.add_learner(X, Y, ("extra", TREE))
        model.add_task(X, pd.DataFrame({"other": Y["size"] ** 2}))
    if given["refit"]:
        model.update(X + [1000, 1000, 0.1, 0.1], Y, groups=groups + 1000)
    assert sum(map(len, LOOKED)) > 120
    assert not np.concatenate(LOOKED).any()
