"""Rows that come five times, as groups: of noise every number is chance, and what is true of groups is found."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm import MultiOutputStack, StackedClassifier, TunedLearner, compare_strategies
from ensemble_mm.learners import LogisticPath

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
