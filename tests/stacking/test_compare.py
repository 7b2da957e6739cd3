import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import compare_strategies


def test_strategies_are_compared_on_the_same_rows(reviews):
    X, Y = reviews
    learners = [("linear", LogisticRegression()), ("ridge", Ridge()), ("l2", LogisticRegression(C=0.1), "all"),
                ("r2", Ridge(alpha=9), "all")]  # fmt: skip
    table = compare_strategies(X, Y, learners=learners, cv=3, random_state=0)
    for name in Y:
        own = table.loc[name]
        assert list(own.index) == ["ensemble", "best single view", "early fusion", "late fusion", "multi-task"]
        assert own["n"].eq(160).all() and own.loc["ensemble", "difference"] == 0
        assert (own["low"] <= own["difference"]).all() and (own["difference"] <= own["high"]).all()
        assert np.allclose(own["loss"] - own.loc["ensemble", "loss"], own["difference"])
