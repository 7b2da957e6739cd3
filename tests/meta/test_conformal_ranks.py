import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from ensemble_mm import MultiOutputStack
from ensemble_mm._kinds import GRADES, Ranking
from ensemble_mm.meta import ConformalShortlists


def draw(rng, n_queries, per_query=6):
    X = pd.DataFrame(rng.normal(size=(n_queries * per_query, 2)), columns=["a", "b"])
    query = np.repeat(np.arange(n_queries), per_query)
    wanted = X["a"] + X["b"] / 2 + rng.normal(size=len(X)) / 2
    X.loc[rng.random(len(X)) < 0.2, "a"] = np.nan
    return X, pd.DataFrame({"grade": np.clip(np.round(wanted + 1), 0, 3).astype(int), "query": query})


def share_listed(inside, Y):
    """Return the share of queries, of those with anything to order, that have a most relevant row on the list."""
    best = Ranking().decisive(Y["query"].to_numpy() * GRADES + Y["grade"].to_numpy())
    found = pd.Series(inside[best]).groupby(Y["query"].to_numpy()[best]).any()
    return found.mean()


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_lists_hold_a_most_relevant_row_as_often_as_they_say(coverage):
    shares = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        (X, Y), (X_new, Y_new) = draw(rng, 80), draw(rng, 300)
        y = Y["query"].to_numpy() * GRADES + Y["grade"].to_numpy()
        best = Ranking().decisive(y)
        lists = ConformalShortlists().fit(X["b"].to_numpy()[best], y[best])
        shares.append(share_listed(lists.sets(X_new["b"].to_numpy(), coverage), Y_new))
    assert coverage - 0.01 < np.mean(shares) < coverage + 0.03


@pytest.mark.slow
def test_lists_of_a_stack_hold_a_most_relevant_row_and_are_short():
    shares, lengths = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        (X, Y), (X_new, Y_new) = draw(rng, 60), draw(rng, 300)
        model = MultiOutputStack(
            learners=[("ridge", Ridge())], views=[("a", "auto", ["a"]), ("b", "auto", ["b"])], cv=3,
            tasks={"order": ("ranking", "grade", "query")}, strategy="independent", meta_learner="mean", random_state=0,
        ).fit(X, Y)  # fmt: skip
        inside = model.predict_set(X_new, 0.9)["order"]
        assert inside.shape == (len(X_new),) and inside.dtype == bool and not model.predict_interval(X_new)
        shares.append(share_listed(inside, Y_new))
        lengths.append(inside.mean() * 6)
    assert 0.88 < np.mean(shares) < 0.94 and np.mean(lengths) < 4.5


def test_of_equal_rows_the_best_counts_and_queries_without_an_order_do_not():
    y = np.array([2.0, 2, 1, GRADES + 1, GRADES + 1, 2 * GRADES])
    assert Ranking().decisive(y).tolist() == [True, True, False, False, False, False]
    lists = ConformalShortlists().fit([5.0, 7.0], y[:2])
    assert lists.scores_[None].tolist() == [-7.0]
    assert lists.sets(np.array([-100.0]), 0.9).all()  # one query tells nothing of nine in ten
    weighed = ConformalShortlists().fit(np.arange(30.0), np.arange(30) * GRADES + 1, sample_weight=np.full(30, 2))
    assert weighed.worth_[None][-1] == 60
