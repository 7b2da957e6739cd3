"""Which meta-learner: by name, by cross-validation, the user's own; and what greedy selection maximises."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, get_scorer, make_scorer, roc_auc_score
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble_mm.meta import (
    META_LEARNERS,
    AutoClassifier,
    AutoRegressor,
    GreedyClassifier,
    GreedyRegressor,
    MeanRegressor,
    make_meta_learner,
)


def binary_table(n_rows=200, seed=0):
    """Member 0 ranks best but its level is wrong; member 1 has the right level; member 2 is noise."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n_rows)
    y = (score + 0.3 * rng.normal(size=n_rows) > 0).astype(int)
    shifted = 1 / (1 + np.exp(-3 * score + 3))
    level = 1 / (1 + np.exp(-2 * (score + 0.7 * rng.normal(size=n_rows))))
    return np.c_[shifted, level, rng.random(n_rows)], y


@pytest.mark.parametrize("spec", [*META_LEARNERS, LogisticRegression(), RidgeClassifier()])
def test_names_and_estimators_of_every_kind(spec):
    X, y = binary_table()
    model = make_meta_learner(spec, kind="binary", n_classes=2, random_state=0).fit(X, y)
    assert model.predict_proba(X).shape == (200, 2)
    assert model.weights_.sum() == pytest.approx(1)
    assert accuracy_score(y, model.predict(X)) > 0.7


def test_a_meta_learner_of_ours_is_not_wrapped_and_told_the_classes():
    given = GreedyClassifier(n_bags=2, random_state=None)
    made = make_meta_learner(given, kind="multiclass", n_classes=3, random_state=7)
    assert isinstance(made, GreedyClassifier)
    assert (made.n_bags, made.n_classes, made.random_state) == (2, 3, 7)
    assert given.n_classes is None


@pytest.mark.parametrize(
    ("spec", "kind", "match", "error"),
    [
        ("gready", "binary", "meta_learner='gready' is not known: use one of 'mean', 'greedy'", ValueError),
        (LogisticRegression, "binary", "is not an estimator", TypeError),
        (Ridge(), "binary", "does not fit a binary task: give a classifier", ValueError),
        (LogisticRegression(), "regression", "does not fit a regression task: give a regressor", ValueError),
        ("mean", "classes", "kind='classes' is not known", ValueError),
        ("mean", "multiclass", "needs n_classes", ValueError),
    ],
)
def test_errors(spec, kind, match, error):
    with pytest.raises(error, match=match):
        make_meta_learner(spec, kind=kind)


@pytest.mark.parametrize("scoring", ["roc_auc", make_scorer(roc_auc_score, response_method="predict_proba")])
def test_greedy_maximises_what_is_asked(scoring):
    X, y = binary_table()
    ranks = GreedyClassifier(scoring=scoring, n_steps=8, n_bags=3, n_classes=2).fit(X, y)
    loss = GreedyClassifier(n_classes=2).fit(X, y)
    assert roc_auc_score(y, ranks.predict_proba(X)[:, 1]) >= roc_auc_score(y, loss.predict_proba(X)[:, 1])
    assert ranks.weights_[0] > loss.weights_[0]


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_brier_score", "balanced_accuracy"])
def test_a_quick_metric_is_the_slow_one(scoring):
    """The forms for many blends at once agree with scikit-learn's scorers."""
    X, y = binary_table(100)
    X[::7, 0] = np.nan
    weights = [
        GreedyClassifier(scoring=s, n_bags=0, n_steps=5, n_classes=2).fit(X, y).weights_
        for s in (scoring, lambda model, X, y: get_scorer(scoring)(model, X, y))
    ]
    np.testing.assert_allclose(*weights)


@pytest.mark.parametrize("scoring", ["neg_mean_absolute_error", "neg_median_absolute_error", "r2", "neg_max_error"])
def test_greedy_metrics_of_numbers(scoring):
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    X = np.c_[y + 0.5 * rng.normal(size=100), y + 0.5 * rng.normal(size=100), rng.normal(size=100)]
    X[::5, 1] = np.nan
    model = GreedyRegressor(scoring=scoring).fit(X, y, sample_weight=rng.uniform(0.5, 1, 100))
    assert model.weights_[2] < 0.2


def test_more_bags_choose_luck_less_often():
    """A member that only looks good on few rows gets less weight from bootstrap samples than from one selection."""
    gaps = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=2040)
        X = y[:, np.newaxis] + rng.normal(size=(2040, 12))
        one, bagged = (GreedyRegressor(n_bags=b).fit(X[:40], y[:40]) for b in (0, 20))
        gaps.append(((one.predict(X[40:]) - y[40:]) ** 2).mean() - ((bagged.predict(X[40:]) - y[40:]) ** 2).mean())
    assert np.mean(gaps) > 0


def test_seeds_decide_the_bags_only():
    X, y = binary_table(60)
    one, same, other = (GreedyClassifier(n_classes=2, random_state=s).fit(X, y).weights_ for s in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    np.testing.assert_allclose(one, other, atol=0.4)


def test_auto_averages_what_it_cannot_tell_apart():
    rng = np.random.default_rng(0)
    known = rng.normal(size=60)
    alike = known[:, np.newaxis] + 0.1 * rng.normal(size=(60, 3))
    y = known + rng.normal(size=60)
    auto = AutoRegressor().fit(alike, y)
    best = min(auto.losses_, key=auto.losses_.get)
    assert len(auto.shares_) > 1 and max(auto.shares_, key=auto.shares_.get) == best
    mixed = sum(share * auto.chosen_[name].predict(alike) for name, share in auto.shares_.items())
    np.testing.assert_allclose(auto.predict(alike), mixed)
    assert np.isclose(sum(auto.shares_.values()), 1) and np.isclose(auto.weights_.sum(), 1)
    assert AutoRegressor(tolerance=0).fit(alike, y).shares_ == {best: 1.0}
    alone = AutoRegressor(tolerance=0.01).fit(alike, y).shares_
    assert alone[best] > auto.shares_[best]


def test_auto_with_given_shares_judges_nothing():
    X, y = binary_table(60)
    auto = AutoClassifier(candidates={"simplex": 1, "mean": 3, "linear": 0}).fit(X, y)
    assert auto.losses_ == {}
    parts = [make_meta_learner(name, kind="binary", n_classes=2).fit(X, y) for name in ("simplex", "mean")]
    np.testing.assert_allclose(
        auto.predict_proba(X), 0.25 * parts[0].predict_proba(X) + 0.75 * parts[1].predict_proba(X)
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"candidates": ["mode"]}, "candidates='mode'"),
        ({"candidates": "mean"}, "candidates='mean' must hold names"),
        ({"candidates": []}, "must hold names"),
        ({"candidates": {"mean": -1}}, r"candidates\['mean'\].* Got -1"),
        ({"candidates": {"mean": 0}}, "gives no meta-learner a share"),
        ({"tolerance": -1}, "'tolerance' parameter .* Got -1"),
    ],
)
def test_auto_refuses_what_it_does_not_know(settings, words):
    with pytest.raises(ValueError, match=words):
        AutoRegressor(**settings).fit(np.eye(3), [1.0, 2.0, 3.0])


def test_auto_leaves_out_what_is_surely_worse():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    unequal = np.c_[y + 0.1 * rng.normal(size=300), rng.normal(size=(300, 4))]
    auto = AutoRegressor().fit(unequal, y)
    assert "mean" not in auto.shares_
    assert auto.weights_[0] > 0.9
    shrunk = AutoRegressor().fit(unequal / 2, y)  # their mean cannot reach y, weights whose sum is free can
    assert shrunk.shares_ == {"linear": 1.0}
    assert shrunk.losses_["linear"] < shrunk.losses_["greedy"]


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_auto_leaves_out_what_one_row_ruins(scoring):
    """Its loss is no two standard errors above the lowest: that row is the standard error."""
    y = np.random.default_rng(0).normal(size=90)
    table = np.c_[y + 0.01 * np.sin(9 * y), np.where(np.arange(90) == 3, 1e29, 0.1 * y)]
    auto = AutoRegressor(scoring=scoring).fit(table, y)
    assert "mean" not in auto.shares_
    np.testing.assert_allclose(auto.predict(table), y, atol=0.1)


def test_auto_takes_the_linear_one_when_members_are_timid():
    rng = np.random.default_rng(0)
    odds = rng.normal(size=1000)
    y = (rng.random(1000) < 1 / (1 + np.exp(-5 * odds))).astype(int)
    timid = 1 / (1 + np.exp(-odds - 0.1 * rng.normal(size=(3, 1000)))).T
    assert AutoClassifier().fit(timid, y).shares_ == {"linear": 1.0}


@pytest.mark.parametrize("scoring", [None, "accuracy", "roc_auc", "neg_brier_score"])
def test_auto_with_metrics_text_labels_and_splitters(scoring):
    X, y = binary_table(120)
    labels = np.array(["no", "yes"])[y]
    model = AutoClassifier(scoring=scoring, cv=KFold(3, shuffle=True, random_state=0)).fit(X, labels)
    assert set(model.predict(X)) == {"no", "yes"}
    assert set(model.losses_) == {"greedy", "linear", "mean"}


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(20, max_depth=3, random_state=0),
        KNeighborsClassifier(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
)
def test_contributions_of_any_estimator(estimator):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, size=150)
    good = np.eye(3)[y] * 0.6 + rng.dirichlet(np.ones(3), size=150) * 0.4
    X = np.hstack([rng.dirichlet(np.full(3, 5), size=150), good, np.full((150, 3), 1 / 3)])
    X[:10, :3] = np.nan
    model = make_meta_learner(estimator, kind="multiclass", n_classes=3).fit(X, y)
    assert model.weights_[1] > 0.6
    assert model.weights_.sum() == pytest.approx(1)


def test_an_estimator_sees_the_rows_others_in_the_place_of_holes():
    X = np.array([[1.0, 3.0], [2.0, np.nan], [np.nan, 5.0], [np.nan, np.nan]])
    model = make_meta_learner(LinearRegression(), kind="regression").fit(X[:3], [4.0, 4.0, 10.0])
    filled = np.array([[1.0, 3.0], [2.0, 2.0], [5.0, 5.0]])
    np.testing.assert_allclose(model.predict(X[:3]), LinearRegression().fit(filled, [4, 4, 10]).predict(filled))
    assert model.predict(X[3:]) == pytest.approx(6.0)


def test_an_estimator_that_lacks_a_class_leaves_its_place():
    rng = np.random.default_rng(0)
    X, y = rng.dirichlet(np.ones(4), size=40), rng.choice([0, 3], size=40)
    model = make_meta_learner(DummyClassifier(), kind="multiclass", n_classes=4).fit(X, y)
    assert model.predict_proba(X)[0, [1, 2]] == pytest.approx(0)


def test_nothing_to_fit_is_told():
    with pytest.raises(ValueError, match="there is nothing to fit"):
        make_meta_learner(Ridge(), kind="regression").fit(np.full((3, 2), np.nan), [1.0, 2.0, 3.0])
    assert MeanRegressor().fit(np.full((3, 2), np.nan), [1.0, 2.0, 3.0]).predict([[5.0, 7.0]]) == pytest.approx([6])


def test_auto_holds_out_and_bags_whole_groups():
    X, y = binary_table(60)
    groups = np.repeat(np.arange(12), 5)
    auto = AutoClassifier(cv=3)
    rows = auto._check(X, y, None)
    for train, test in auto._splits(rows, groups[rows.where]):
        assert len(train) and len(test) and not set(groups[train]) & set(groups[test])
    bags = list(GreedyClassifier()._bags(rows, 4, groups))
    assert all(len(set(bag[groups == group])) == 1 for bag in bags for group in range(12))
    assert len({tuple(bag) for bag in bags}) == 4


def test_auto_takes_the_groups_for_independent_not_their_rows():
    X, y = binary_table(40)
    one = AutoClassifier(cv=3).fit(X, y)
    many = AutoClassifier(cv=3).fit(np.repeat(X, 20, axis=0), np.repeat(y, 20), groups=np.repeat(np.arange(40), 20))
    assert set(many.shares_) == set(one.shares_)
    assert AutoClassifier().fit(X, y, groups=np.zeros(40)).losses_ == {}  # nothing can be held out


@pytest.mark.parametrize("name", ["greedy", "linear", "mean"])
@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_rows_that_are_checked_give_the_same_as_their_table(name, kind):
    table, y = binary_table()
    table[::7, 0] = np.nan
    model = make_meta_learner(name, kind=kind, n_classes=2 if kind == "binary" else None)
    if name == "greedy":
        model.set_params(n_bags=0)  # what is drawn depends on the order of the members
    whole, some, again = model._check(table, y, None), np.arange(0, 200, 3), clone(model)
    again.fit(whole.some(some), None)
    model.fit(table[some][:, whole.order], y[some])
    assert again.weights_ == pytest.approx(model.weights_)
    assert again.predict(table[:, whole.order]) == pytest.approx(model.predict(table[:, whole.order]))
