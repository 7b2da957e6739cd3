"""Rows that lack views are predicted by weights of their own, where rows that were held out say that these help."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss

import ensemble_mm as em
from ensemble_mm.crossfit import _patterns
from ensemble_mm.stacking import _by_pattern

LEARNERS = [("each", LogisticRegression()), ("all", LogisticRegression(), "all")]


def drawn(seed, n=500):
    """Return two views, of which one tells much and one little, and classes."""
    rng = np.random.default_rng(seed)
    X = {"strong": rng.normal(size=(n, 1)), "weak": rng.normal(size=(n, 1))}
    y = (4 * X["strong"][:, 0] + X["weak"][:, 0] + rng.normal(size=n) > -4).astype(int)
    return X, y


def of_rows(X, rows, *missing):
    return {name: np.full_like(view[rows], np.nan) if name in missing else view[rows] for name, view in X.items()}


TRAIN, TEST = slice(200), slice(200, None)


@pytest.mark.parametrize("holes", [0, 100])
def test_a_row_without_the_strong_view_is_not_as_sure_as_one_that_has_it(holes):
    X, y = drawn(0)
    X["strong"][:holes] = np.nan
    model = em.StackedClassifier(learners=LEARNERS, cv=3, random_state=0).fit(of_rows(X, TRAIN), y[TRAIN])
    blind = of_rows(X, TEST, "strong")
    loss = log_loss(y[TEST], model.predict_proba(blind))
    model.levels_[-1].apart = {}
    before = log_loss(y[TEST], model.predict_proba(blind))
    assert loss < 0.95 * before if not holes else loss <= before


class Fixed(ClassifierMixin, BaseEstimator):
    """Learn nothing: the numbers decide."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        proba = expit(np.nan_to_num(X).sum(axis=1) * 3)
        return np.c_[1 - proba, proba]

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


def test_what_serves_a_fold_did_not_see_its_labels():
    X, y = drawn(0, n=240)
    X["strong"][::2] = np.nan
    folds = [(np.setdiff1d(np.arange(240), np.arange(f, 240, 3)), np.arange(f, 240, 3)) for f in range(3)]
    model = em.StackedClassifier(
        learners=[("one", Fixed()), ("two", Fixed(), "all")], cv=folds, meta_learner="greedy", random_state=0
    )
    before = model.fit(X, y).oof_["y"]
    assert 2 in model.levels_[-1].apart["y"]
    for _, test in folds:
        turned, few = y.copy(), test[::5]  # so few that what is chosen for a pattern stays
        turned[few] = 1 - turned[few]
        np.testing.assert_array_equal(model.fit(X, turned).oof_["y"][test], before[test])


def test_complete_rows_have_weights_of_their_own_where_others_lack_a_view():
    """One set of weights for both is a compromise: of two views that tell the same, a row that has both is surer."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 900)
    X = {name: (y[:, np.newaxis] == np.arange(3)) + rng.normal(size=(900, 3)) for name in ("one", "other")}
    X["one"][:200], X["other"][200:400] = np.nan, np.nan
    train, test = np.arange(900) % 3 > 0, np.arange(900) % 3 == 0
    model = em.StackedClassifier(learners=LEARNERS[:1], cv=3, random_state=0).fit(of_rows(X, train), y[train])
    complete = test & (np.arange(900) >= 400)
    loss = log_loss(y[complete], model.predict_proba(of_rows(X, complete)))
    own = model.levels_[-1].apart["y"][3]
    np.testing.assert_allclose(model.contributions_["y"], own.meta.weights_)  # what is shown serves complete rows
    for settings in ({"meta_learner": "greedy"}, {"scoring": "accuracy"}):  # what the user named serves them
        named = em.StackedClassifier(learners=LEARNERS[:1], cv=3, random_state=0, **settings)
        assert 3 not in named.fit(of_rows(X, train), y[train]).levels_[-1].apart.get("y", {})
    model.levels_[-1].apart = {}
    assert loss < 0.98 * log_loss(y[complete], model.predict_proba(of_rows(X, complete)))


def test_rows_that_have_the_views_do_not_speak_for_few_that_lack_one_because_of_their_label():
    X, y = drawn(0, n=220)
    few = np.flatnonzero(y == 0)[:20]  # most rows are of class 1
    X["strong"][few] = np.nan
    model = em.StackedClassifier(learners=LEARNERS, cv=3, random_state=0).fit(X, y)
    assert 2 not in model.levels_[-1].apart.get("y", {})


def test_a_pattern_whose_rows_count_for_nothing_has_no_weights_of_its_own():
    X, y = drawn(0, n=120)
    X["weak"][30:], X["strong"][:30] = np.nan, np.nan  # only the first rows have the weak view, and no other
    weight = np.r_[np.zeros(30), np.ones(90)]
    model = em.StackedClassifier(learners=LEARNERS, cv=3, random_state=0).fit(X, y, sample_weight=weight)
    assert 2 not in model.levels_[-1].apart.get("y", {})


def test_complete_rows_and_meta_learners_that_learn_no_weights_stay_as_they_are():
    X, y = drawn(0)
    rows = of_rows(X, TRAIN)
    for meta in ("mean", LogisticRegression()):
        model = em.StackedClassifier(learners=LEARNERS, meta_learner=meta, cv=3, random_state=0).fit(rows, y[TRAIN])
        assert not model.levels_[-1].apart
    model = em.StackedClassifier(learners=LEARNERS, cv=3, random_state=0).fit(rows, y[TRAIN])
    assert set(model.levels_[-1].apart["y"]) <= {1, 2} and model.levels_[-1].apart["y"]
    table = model.predict_members(rows)
    block = np.column_stack([table[member][:, 0] for member in table.members()])
    np.testing.assert_allclose(model.predict_proba(rows), model.meta_learners_["y"].predict_proba(block))


def test_they_are_saved_and_a_row_alone_gets_what_it_gets_among_others(tmp_path):
    X, y = drawn(1)
    Y = pd.DataFrame({"kind": y, "size": 3 * X["strong"][:, 0] + X["weak"][:, 0]})
    learners = [*LEARNERS, ("ridge", Ridge()), ("ridge all", Ridge(), "all")]
    model = em.MultiOutputStack(learners=learners, cv=3, random_state=0).fit(of_rows(X, TRAIN), Y[TRAIN])
    assert "kind" in model.levels_[-1].apart
    mixed = {name: view[200:206].copy() for name, view in X.items()}
    mixed["strong"][::2], mixed["weak"][:2] = np.nan, np.nan
    whole = model.predict_proba(mixed)["kind"]
    em.save(model, tmp_path / "m.emm")
    again = em.load(tmp_path / "m.emm")
    for i in range(6):
        one = {name: view[i : i + 1] for name, view in mixed.items()}
        np.testing.assert_allclose(again.predict_proba(one)["kind"][0], whole[i], rtol=1e-6)
        np.testing.assert_allclose(model.compiled().predict_proba(one)["kind"][0], whole[i], rtol=1e-6)


def test_jobs_of_patterns_hold_the_rows_that_are_tried_out_alone(monkeypatch):
    """Of a million rows, each of dozens of jobs would else hold a table of its own."""
    held, make = [], _by_pattern.FitMeta
    monkeypatch.setattr(_patterns, "MOST_PREDICTIONS", 90)  # of three patterns
    monkeypatch.setattr(_by_pattern, "FitMeta", lambda *fields: held.append(len(fields[3])) or make(*fields))
    X, y = drawn(0)
    em.StackedClassifier(learners=LEARNERS, cv=3, random_state=0).fit(of_rows(X, TRAIN), y[TRAIN])
    assert held and set(held) == {30}
