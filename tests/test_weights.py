"""A weight of two counts as two equal rows, and none as no row, in every number that a model gives."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, PoissonRegressor, QuantileRegressor, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

import ensemble_mm as em
from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._scores import compare_choices
from ensemble_mm.meta import AutoClassifier

LEARNERS = {
    "classification": [
        ("linear", LogisticRegression(tol=1e-10, max_iter=5000)),
        ("bayes", GaussianNB()),
        ("both", LogisticRegression(C=0.01, tol=1e-10, max_iter=5000), "all"),
    ],
    "regression": [("weak", Ridge()), ("strong", Ridge(100.0)), ("both", Ridge(), "all")],
}
SETTINGS = [
    ("regression", {"meta_learner": "simplex"}),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in [
            ("classification", {"meta_learner": AutoClassifier(candidates=["linear", "mean"])}),
            ("classification", {"meta_learner": "greedy", "calibration": "isotonic", "scoring": "accuracy"}),
            ("classification", {"meta_learner": LogisticRegression(tol=1e-10), "calibration": "temperature"}),
            ("classification", {"meta_learner": "linear", "threshold": "balanced_accuracy", "prune": "auto"}),
            ("regression", {"meta_learner": "mean", "prune": 3, "scoring": "neg_mean_absolute_error"}),
        ]
    ),
]


def rows_and_folds():
    """Return two views, one with holes, labels of both kinds, times that each row counts, and three folds."""
    rng = np.random.default_rng(0)
    X = {"a": rng.normal(size=(60, 3)), "b": rng.normal(size=(60, 2))}
    X["b"][::4] = np.nan
    y = {
        "classification": (X["a"][:, 0] + rng.normal(size=60) > 0).astype(int),
        "regression": 2 * X["a"][:, 1] + rng.normal(size=60),
    }
    fold = np.arange(60) % 3
    return X, y, rng.integers(0, 4, 60), [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(3)]


def numbers_of(model, X):
    """Yield (what it is, array) of all that a fitted model says of itself and of rows."""
    yield "contributions", model.contributions_
    yield "members", model.predict_members(X).to_frame()
    yield "folds", model.cv_results_.drop(columns=["task", "learner", "reads", "score_name"])
    yield "board", model.leaderboard()[["score", "difference", "loss"]]
    yield "views", em.view_contributions(model, n_bootstrap=0)
    choices = compare_choices(cells_of(model), list(model.views_))
    yield "choices", choices[["score", "difference", "second", "gain"]]
    yield "missing", em.MissingDisplay.from_estimator(model).scores
    yield "pruning", em.PruningDisplay.from_estimator(model).path.drop(columns=["reads", "learner"])
    yield "selection", em.SelectionDisplay.from_estimator(model, n_steps=3).path.drop(columns=["reads", "learner"])
    if hasattr(model, "classes_"):
        yield "probabilities", model.predict_proba(X)
        yield "decisions", model.predict(X)
        yield "sets", model.predict_set(X, 0.8)
        yield "reliability", next(iter(em.ReliabilityDisplay.from_estimator(model).curves.values()))
        risk = em.RiskCoverageDisplay.from_estimator(model).curve
        yield "risk", risk[risk["certain"].round(6).diff() != 0]
        yield "confusion", em.ConfusionDisplay.from_estimator(model, normalize=None).confusion_matrix
    else:
        yield "predictions", model.predict(X)
        yield "intervals", model.predict_interval(X, 0.8)
        display = em.ResidualDisplay.from_estimator(model, coverage=0.8)
        yield "covered", np.array([display.covered_, display.high[0]])


@pytest.mark.parametrize(("kind", "settings"), SETTINGS, ids=str)
def test_a_weight_is_so_many_equal_rows_in_every_number(kind, settings):
    X, y, times, folds = rows_and_folds()
    place = np.repeat(np.arange(len(times)), times)
    repeated = [tuple(np.flatnonzero(np.isin(place, part)) for part in pair) for pair in folds]
    stack = {"classification": em.StackedClassifier, "regression": em.StackedRegressor}[kind]
    model = stack(learners=LEARNERS[kind], cv=folds, random_state=0, **settings)
    one = model.fit(X, y[kind], sample_weight=times)
    found = dict(numbers_of(one, X))
    np.testing.assert_array_equal(one.targets_["y"][times > 0], y[kind][times > 0])
    out = one.oof_["y"][place]
    model = stack(learners=LEARNERS[kind], cv=repeated, random_state=0, **settings)
    two = model.fit({name: view[place] for name, view in X.items()}, y[kind][place])
    np.testing.assert_allclose(out, two.oof_["y"], atol=1e-4)
    for what, numbers in numbers_of(two, X):
        np.testing.assert_allclose(found[what], numbers, atol=1e-4, err_msg=what)
    plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["stacked", "chain"])
def test_a_weight_is_so_many_equal_rows_across_tasks(strategy):
    X, y, times, folds = rows_and_folds()
    Y, place = pd.DataFrame(y), np.repeat(np.arange(len(times)), times)
    Y["copy"] = Y["regression"] + 0.1 * X["a"][:, 2]
    repeated = [tuple(np.flatnonzero(np.isin(place, part)) for part in pair) for pair in folds]
    settings = {"learners": LEARNERS, "strategy": strategy, "meta_learner": "linear", "random_state": 0}

    def numbers(X_fit, Y_fit, cv, weight):
        model = em.MultiOutputStack(**settings, cv=cv).fit(X_fit, Y_fit, sample_weight=weight)
        yield "strategy", model.strategy_[["gain", "standard_error"]]
        yield "tasks", model.task_contributions_
        for name, bounds in model.predict_interval(X, 0.8, joint=True).items():
            yield f"joint intervals of {name}", bounds
        yield "joint sets", model.predict_set(X, 0.8, joint=True)["classification"]
        yield "evaluation", model.evaluate(X_fit, Y_fit, weight).drop(columns="n")
        compared = em.compare_strategies(X_fit, Y_fit, sample_weight=weight, cv=cv, **settings)
        yield "compared", compared[["score", "loss", "difference", "low", "high"]]

    one = dict(numbers(X, Y, folds, times))
    for what, two in numbers({n: view[place] for n, view in X.items()}, Y.iloc[place], repeated, None):
        # What an input moves is seen by shuffled rows, which are others here.
        np.testing.assert_allclose(one[what], two, atol=0.05 if what == "tasks" else 1e-4, err_msg=what)


def test_a_row_without_weight_is_none_where_strategies_are_compared():
    X, y, times, folds = rows_and_folds()
    Y, there = pd.DataFrame(y), np.flatnonzero(times)
    place = np.searchsorted(there, np.arange(len(times)))
    fewer = [tuple(place[part[times[part] > 0]] for part in pair) for pair in folds]
    settings = {"learners": LEARNERS, "strategy": "independent", "meta_learner": "mean", "random_state": 0}
    one = em.compare_strategies(X, Y, cv=folds, sample_weight=times, **settings)
    some = {name: view[there] for name, view in X.items()}
    two = em.compare_strategies(some, Y.iloc[there], cv=fewer, sample_weight=times[there], **settings)
    columns = ["score", "loss", "difference", "low", "high", "n"]
    np.testing.assert_allclose(one[columns], two[columns], atol=1e-4)


EXACT = {"solver": "newton-cholesky", "tol": 1e-12, "max_iter": 500}
KINDS = {
    "ordinal": (["grade"], "ordinal", [LogisticRegression(**EXACT), DecisionTreeClassifier(max_depth=2)]),
    "count": (["visits"], "count", [PoissonRegressor(**EXACT), PoissonRegressor(alpha=100.0, **EXACT)]),
    "survival": (["end", "event"], ("survival", "end", "event"), [PoissonRegressor(**EXACT)]),
    "quantile": (["size"], "quantile", [QuantileRegressor(alpha=0.0)]),
}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("count", {"meta_learner": "linear"}),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ("count", {"layers": 2}),
                ("count", {"prune": 2, "meta_learner": "greedy"}),
                ("ordinal", {"calibration": "isotonic", "threshold": "balanced_accuracy"}),
                ("ordinal", {"layers": 2, "prune": 2}),
                ("survival", {"layers": 2}),
                ("survival", {"prune": 2}),
                ("quantile", {}),
            ]
        ),
    ],
    ids=str,
)
def test_a_weight_is_so_many_equal_rows_of_every_kind(kind, settings):
    X, _, times, folds = rows_and_folds()
    rng, (columns, declared, learners) = np.random.default_rng(0), KINDS[kind]
    size = X["a"][:, 0] + 0.5 * rng.normal(size=60)
    Y = pd.DataFrame({
        "size": size, "grade": np.digitize(size, [-0.7, 0.7]), "visits": rng.poisson(np.exp(size / 2)),
        "end": 0.05 + np.exp(-size) * rng.exponential(size=60), "event": rng.random(60) < 0.7,
    })[columns]  # fmt: skip
    place = np.repeat(np.arange(60), times)
    repeated = [tuple(np.flatnonzero(np.isin(place, part)) for part in pair) for pair in folds]
    entries = [(f"learner{i}", learner) for i, learner in enumerate(learners)] + [("both", learners[0], "all")]

    def numbers(X_fit, Y_fit, cv, weight, rows):
        name = columns[0] if isinstance(declared, str) else "task"
        model = em.MultiOutputStack(learners=entries, tasks={name: declared}, cv=cv, random_state=0, **settings)
        model.fit(X_fit, Y_fit, sample_weight=weight)
        yield "out of fold", model.oof_[name][rows]
        yield "contributions", model.contributions_
        yield "board", model.leaderboard()[["score", "difference", "loss"]]
        yield "folds", model.cv_results_.select_dtypes("number")
        yield "evaluation", model.evaluate(X_fit, Y_fit, weight).drop(columns="n")
        yield "predictions", model.predict(X).to_numpy(float)
        if kind == "ordinal":
            yield "sets", model.predict_set(X, 0.8)[name]
        else:
            yield "intervals", model.predict_interval(X, 0.8)[name]

    one = dict(numbers(X, Y, folds, times, place))
    fitted_on = {name: view[place] for name, view in X.items()}, Y.iloc[place].reset_index(drop=True)
    for what, two in numbers(*fitted_on, repeated, None, slice(None)):
        np.testing.assert_allclose(one[what], two, atol=1e-4, err_msg=what)


def test_a_weight_is_so_many_equal_queries():
    rng = np.random.default_rng(0)
    query, times = np.repeat(np.arange(60), 3), rng.integers(0, 4, 60)
    X = rng.normal(size=(180, 3))
    Y = pd.DataFrame({"grade": np.clip(np.round(X[:, 0] + rng.normal(size=180)), 0, 3), "query": query})
    place = np.concatenate([np.tile(np.flatnonzero(query == q), n) for q, n in enumerate(times)]).astype(int)
    folds = [(np.flatnonzero(query % 3 != f), np.flatnonzero(query % 3 == f)) for f in range(3)]
    repeated = [tuple(np.flatnonzero(np.isin(place, part)) for part in pair) for pair in folds]

    def numbers(rows, query, cv, weight):
        model = em.MultiOutputStack(
            learners=[("weak", Ridge()), ("strong", Ridge(100.0))], tasks={"order": ("ranking", "grade", "query")},
            cv=cv, random_state=0,
        ).fit(X[rows], Y.iloc[rows].assign(query=query), sample_weight=weight)  # fmt: skip
        yield "board", model.leaderboard()[["score", "difference", "loss"]]
        yield "predictions", model.predict(X).to_numpy(float)
        for coverage in (0.5, 0.8):
            yield f"lists of {coverage}", model.predict_set(X, coverage)["order"]

    one = dict(numbers(np.arange(180), query, folds, times[query]))
    for what, two in numbers(place, np.arange(len(place)) // 3, repeated, None):
        np.testing.assert_allclose(one[what], two, atol=1e-4, err_msg=what)
