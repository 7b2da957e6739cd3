from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import RepeatedKFold

from ensemble_mm import MultiOutputStack, compare_strategies
from ensemble_mm._scorers import metric_of
from ensemble_mm.data import Problem, Task
from ensemble_mm.meta import Judge
from ensemble_mm.stacking._compare import _table


def test_strategies_are_compared_on_the_same_rows(reviews):
    X, Y = reviews
    learners = [("linear", LogisticRegression()), ("ridge", Ridge()), ("l2", LogisticRegression(C=0.1), "all"),
                ("r2", Ridge(alpha=9), "all")]  # fmt: skip
    table = compare_strategies(X, Y, learners=learners, meta_learner="mean", cv=3, random_state=0)
    for name in Y:
        own = table.loc[name]
        simple = ["ensemble", "best single view", "early fusion", "late fusion"]
        assert list(own.index) == [*simple, "stacked", "chain", "layered"]
        assert own["n"].eq(160).all() and own.loc["ensemble", "difference"] == 0
        assert (own["low"] <= own["difference"]).all() and (own["difference"] <= own["high"]).all()
        assert np.allclose(own["loss"] - own.loc["ensemble", "loss"], own["difference"])


def test_weights_and_groups_count():
    rng = np.random.default_rng(0)
    y, ensemble, other = rng.normal(size=(3, 40))
    weight, y[5] = rng.random(40), np.nan
    tasks, rows = {"size": Task("size", "regression", None)}, np.arange(40)
    problem = Problem(np.zeros((40, 1)), (), tasks, {"size": y}, {"size": weight})
    found = {"size": {"ensemble": ensemble, "other": other}}
    kind = tasks["size"].rules
    judges = {"size": Judge(kind, metric_of(None, kind), y, [(rows, rows)], weight)}
    row, there = _table(problem, found, judges).loc[("size", "other")], rows != 5
    assert row["loss"] == pytest.approx(np.average((other - y)[there] ** 2, weights=weight[there]))
    assert row["score"] == pytest.approx(r2_score(y[there], other[there], sample_weight=weight[there]))
    grouped = _table(replace(problem, groups=rows // 20), found, judges).loc[("size", "other")]
    assert grouped["difference"] == row["difference"] and grouped["high"] != row["high"]


def test_scores_are_those_of_the_leaderboard_under_the_metric_of_the_user(reviews):
    X, Y = reviews
    settings = {"learners": [("linear", LogisticRegression())], "cv": 3, "scoring": "roc_auc", "random_state": 0}
    settings["meta_learner"] = "mean"
    table = compare_strategies(X, Y[["recommended"]], **settings).loc["recommended"]
    board = MultiOutputStack(**settings).fit(X, Y[["recommended"]]).leaderboard().set_index("learner")
    for name in ("ensemble", "best single view"):
        assert table.loc[name, "score"] == pytest.approx(board.loc[name, "score"])
    assert set(table["score_name"]) == {"roc_auc"}


@pytest.mark.parametrize("strategy", ["independent", "stacked"])
def test_scores_are_those_of_the_leaderboard_on_noise_and_where_folds_repeat(strategy):
    rng = np.random.default_rng(0)
    X, y = {name: rng.normal(size=(60, 2)) for name in "abcd"}, rng.normal(size=60)
    folds = RepeatedKFold(n_splits=4, n_repeats=2, random_state=0)
    settings = {"learners": [("ridge", Ridge())], "meta_learner": "linear", "random_state": 0}
    for cv, Y in ((4, pd.DataFrame({"y": y, "z": rng.normal(size=60)})), (folds, pd.DataFrame({"y": y}))):
        table = compare_strategies(X, Y, cv=cv, strategy=strategy, **settings).loc["y"]
        board = MultiOutputStack(cv=cv, strategy="independent", **settings).fit(X, Y).leaderboard()
        board = board[board["task"] == "y"].set_index("learner")
        for name in ("ensemble", "best single view"):
            assert table.loc[name, "score"] == pytest.approx(board.loc[name, "score"])
