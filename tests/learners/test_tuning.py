import warnings

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from scipy.stats import poisson, uniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from ensemble_mm import StackedRegressor, TunedLearner
from ensemble_mm.learners._search import SearchRows

SEARCHES = ["grid", "random", "halving", "optuna"]


@pytest.fixture
def curve():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 6, size=(120, 1))
    return X, np.sin(X[:, 0]) + 0.2 * rng.normal(size=120)


@pytest.mark.parametrize("search", SEARCHES)
def test_it_finds_a_better_setting_than_a_bad_one(curve, search):
    X, y = curve
    bad = KNeighborsRegressor(n_neighbors=70)
    tuned = TunedLearner(bad, {"n_neighbors": [1, 5, 9, 70]}, search=search, n_trials=8, random_state=0).fit(X, y)
    assert tuned.best_params_["n_neighbors"] in (5, 9)
    assert tuned.score(X, y) > bad.fit(X, y).score(X, y) + 0.2


@pytest.mark.parametrize("search", SEARCHES)
def test_the_seed_decides(curve, search):
    X, y = curve
    one, same = (
        TunedLearner(DecisionTreeRegressor(), {"max_depth": list(range(1, 12))}, search=search, n_trials=5,
                     random_state=1).fit(X, y) for _ in range(2)
    )  # fmt: skip
    assert one.best_params_ == same.best_params_
    np.testing.assert_array_equal(one.predict(X), same.predict(X))


def test_the_learner_as_given_is_a_candidate(curve):
    X, y = curve
    tuned = TunedLearner(KNeighborsRegressor(n_neighbors=7), {"n_neighbors": [55]}, search="grid", cv=2).fit(X, y)
    assert tuned.best_params_ == {}
    assert tuned.best_estimator_.n_neighbors == 7


@pytest.mark.parametrize("search", SEARCHES)
def test_a_candidate_that_fails_is_not_chosen(curve, search):
    X, y = curve
    space = {"n_neighbors": [5, 500]}  # more neighbours than rows
    with pytest.warns(UserWarning, match="500|failed"):
        tuned = TunedLearner(KNeighborsRegressor(), space, search=search, n_trials=6, random_state=0).fit(X, y)
    assert tuned.best_estimator_.n_neighbors == 5


def test_a_learner_that_always_fails_says_why(curve):
    X, y = curve
    with pytest.raises(ValueError, match="n_neighbors = 500"):
        TunedLearner(KNeighborsRegressor(n_neighbors=500), {"n_neighbors": [400]}, search="grid").fit(X, y)


def test_a_search_goes_on_where_it_was_stopped(curve, tmp_path):
    X, y = curve
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    settings = {"search": "optuna", "random_state": 0, "storage": storage}
    space = {"n_neighbors": list(range(1, 30))}
    TunedLearner(KNeighborsRegressor(), space, n_trials=4, **settings).fit(X, y)
    longer = TunedLearner(KNeighborsRegressor(), space, n_trials=6, **settings).fit(X, y)
    assert len(longer.cv_results_["params"]) == 6


def long_pipeline(n_neighbors, middle):
    """Of two that differ in the middle `repr` says the same."""
    many = [(f"scale{i}", StandardScaler(with_mean=False, with_std=False)) for i in range(40)]
    many[20] = ("scale20", StandardScaler(with_mean=middle, with_std=False))
    return Pipeline([*many, ("last", KNeighborsRegressor(n_neighbors=n_neighbors))])


def test_learners_whose_text_is_cut_are_told_apart(curve, tmp_path):
    X, y = curve
    one, other = (long_pipeline(5, middle) for middle in (True, False))
    assert repr(one) == repr(other)
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    settings = {"search": "optuna", "random_state": 0, "storage": storage, "n_trials": 2}
    for learner in (one, other, one):
        TunedLearner(learner, {"last__n_neighbors": [5, 6]}, **settings).fit(X, y)
    import optuna

    assert len(optuna.get_all_study_names(storage)) == 2


def test_a_candidate_whose_text_is_cut_may_fail_beside_one_that_does_not(curve):
    X, y = curve
    fails = clone(long_pipeline(5, True)).set_params(scale20=KNeighborsRegressor())  # which transforms nothing
    space = {"whole": [Pipeline([("a", fails)]), Pipeline([("a", long_pipeline(5, True))])]}
    with pytest.warns(UserWarning, match="left out"):
        tuned = TunedLearner(Pipeline([("whole", KNeighborsRegressor())]), space, search="grid").fit(X, y)
    assert (np.array(tuned.cv_results_["mean_test_score"]) > -1).tolist() == [True, False, True]


def test_classes_spread_over_folds_and_a_lone_one_stays():
    X, y = make_classification(60, 5, random_state=0)
    y[0] = 2
    model = TunedLearner(LogisticRegression(), {"C": [0.1, 1.0]}, search="grid").fit(X, y)
    assert list(model.classes_) == [0, 1, 2]


def test_inside_a_stack_it_sees_training_rows_only():
    """A learner that would be chosen only by someone who knows the held-out rows is not chosen."""
    X, _ = make_regression(80, 5, random_state=0)
    y = np.random.default_rng(0).normal(size=80)  # nothing to learn
    tuned = TunedLearner(Ridge(), {"alpha": [1e-3, 1e6]}, search="grid", random_state=0)
    model = StackedRegressor(learners=[("tuned", tuned)], cv=4, random_state=0).fit(X, y)
    oof = model.table_.to_frame().to_numpy()[:, 0]
    assert ((oof - y) ** 2).mean() > 0.9 * y.var()


def test_wrong_calls_are_told(curve):
    X, y = curve
    with pytest.raises(ValueError, match="search"):
        TunedLearner(Ridge(), {"alpha": [1]}, search="best").fit(X, y)
    with pytest.raises(ValueError, match="storage is for search='optuna'"):
        TunedLearner(Ridge(), {"alpha": [1]}, storage="sqlite:///x.db").fit(X, y)


@pytest.mark.parametrize("search", SEARCHES)
def test_a_name_that_the_learner_does_not_have_is_an_error(search, curve):
    """It was fitted untuned, with a warning for every candidate."""
    with pytest.raises(ValueError, match="space names 'CC', which is not a parameter of LogisticRegression.*'C'"):
        TunedLearner(LogisticRegression(), {"CC": [1, 2]}, search=search).fit(*curve)


def test_a_stack_knows_of_wrong_names_before_it_fits(curve):
    X, y = curve
    learners = [("first", Untouched()), ("tuned", TunedLearner(Ridge(), {"alhpa": [1.0]}))]
    with pytest.raises(ValueError, match="'alhpa'.*such as 'alpha'"):
        StackedRegressor(learners=learners).fit(X, y)


class Untouched(Ridge):
    def fit(self, X, y):
        raise AssertionError("this was fitted")


def test_parts_that_the_space_puts_in_have_parameters_of_their_own(curve):
    X, y = curve
    pipe = Pipeline([("model", Ridge())])
    space = {"model": [KNeighborsRegressor()], "model__n_neighbors": [5]}
    assert TunedLearner(pipe, space, search="grid").fit(X, y).best_params_["model__n_neighbors"] == 5


def test_learners_that_take_any_name_keep_that(curve):
    tuned = TunedLearner(LGBMRegressor(n_estimators=2, verbose=-1), {"bagging_freq": [0, 1]}, search="grid")
    tuned.fit(*curve)


@pytest.mark.parametrize("search", SEARCHES)
def test_rows_of_a_group_do_not_choose_for_each_other(search):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(24), 5)
    X, y = rng.normal(size=(24, 1))[groups], rng.normal(size=24)[groups]
    space = {"max_depth": [1, None]}
    tuned = TunedLearner(DecisionTreeRegressor(max_depth=1), space, search=search, n_trials=3, random_state=0)
    assert tuned.fit(X, y).best_estimator_.max_depth is None  # it remembers the twins
    assert tuned.fit(X, y, groups=groups).best_estimator_.max_depth == 1


def test_weights_count_in_the_choice():
    X = np.repeat([[0.0], [1.0]], 30, axis=0)
    y = np.r_[np.zeros(30), np.tile([0, 0, 1], 10)]
    weight = np.r_[np.ones(30), np.tile([1.0, 1.0, 9.0], 10)]
    times = weight.astype(int)
    folds = [(np.arange(60) % 6 > 2, np.arange(60) % 6 < 3), (np.arange(60) % 6 < 3, np.arange(60) % 6 > 2)]
    folds = [tuple(map(np.flatnonzero, pair)) for pair in folds]
    place = np.repeat(np.arange(60), times)
    twice = [tuple(np.flatnonzero(np.isin(place, part)) for part in pair) for pair in folds]
    space = {"max_depth": [1, 2]}
    weighted = TunedLearner(DecisionTreeRegressor(max_depth=1), space, search="grid", cv=folds).fit(X, y, weight)
    repeated = TunedLearner(DecisionTreeRegressor(max_depth=1), space, search="grid", cv=twice).fit(X[place], y[place])
    assert weighted.best_score_ == pytest.approx(repeated.best_score_)


class Guess(ClassifierMixin, BaseEstimator):
    """Say what a coin says that is tossed with a seed; 0 is no coin, but right."""

    def __init__(self, seed=1):
        self.seed = seed

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.random.RandomState(self.seed).randint(0, 2, len(X)) if self.seed else (X[:, 0] > 0).astype(int)


def test_the_score_is_that_of_the_choice_not_of_the_luckiest():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 1)), rng.integers(0, 2, 60)
    guesses = {"seed": list(range(1, 20))}
    lucky = TunedLearner(Guess(), guesses, search="grid", scoring="accuracy", random_state=0).fit(X, y)
    assert lucky.cv_results_["mean_test_score"].max() > 0.58 > lucky.best_score_
    right = TunedLearner(Guess(), {"seed": [0, 5, 9]}, search="grid", scoring="accuracy", random_state=0)
    assert right.fit(X, (X[:, 0] > 0).astype(int)).best_score_ == 1


def test_the_score_of_a_choice_among_guesses_is_chance():
    rows, rng = SearchRows(None, None, None, None, None, [()] * 3, None, 0), np.random.default_rng(0)
    scores = [rows.score_of_choice(rng.normal(size=(30, 3))) for _ in range(300)]
    assert abs(np.mean(scores)) < 3 * np.std(scores) / 300**0.5 < 0.2


@pytest.mark.parametrize("space, words", [
    ({"alpha": []}, r"space has \[\] for 'alpha': give a list"),
    ({"alpha": 5}, "space has 5 for 'alpha': give a list"),
    ({"alpha": "abc"}, "space has 'abc' for 'alpha': give a list"),
    ({"alpha": ["a", -1]}, "of which nothing can be used: The 'alpha' parameter of Ridge must be"),
    ({"alpha": uniform(-5, 1)}, "of which nothing can be used"),
])  # fmt: skip
def test_a_space_without_values_to_try_is_an_error_before_a_fit(space, words, curve):
    learners = [("first", Untouched()), ("tuned", TunedLearner(Ridge(), space))]
    with pytest.raises(ValueError, match=words):
        StackedRegressor(learners=learners).fit(*curve)


def test_draws_of_whole_numbers_are_a_space(curve):
    tuned = TunedLearner(KNeighborsRegressor(), {"n_neighbors": poisson(3)}, n_trials=4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # 0 is none of its values
        assert tuned.fit(*curve).best_params_.get("n_neighbors", 5) > 0


@pytest.mark.parametrize("search", SEARCHES)
def test_a_space_of_which_every_candidate_fails_is_an_error(search, curve):
    tuned = TunedLearner(KNeighborsRegressor(), {"n_neighbors": [500, 600]}, search=search, n_trials=4, random_state=0)
    with pytest.raises(ValueError, match="Every candidate of the space failed. The candidate .*500|600"):
        tuned.fit(*curve)


def test_candidates_that_fail_are_told_once(curve):
    tuned = TunedLearner(KNeighborsRegressor(), {"n_neighbors": [5, 500, 600]}, search="grid")
    with pytest.warns(UserWarning, match=r"\(So did 1 more.\)") as told:
        tuned.fit(*curve)
    assert len(told) == 1
