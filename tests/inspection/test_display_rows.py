"""The hardest rows are those with the largest loss, shown as what they are."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack, StackedRegressor
from ensemble_mm._plain_words import plain
from ensemble_mm.inspection import HardestRowsDisplay, MissingDisplay, hardest_rows
from ensemble_mm.inspection._display_errors import predictions_of


def test_hardest_rows_are_those_with_the_largest_loss(hand_made):
    rows = hardest_rows(hand_made, "liked", n_rows=240)
    truth = hand_made.targets_["liked"].astype(int)
    losses = -np.log(hand_made.oof_["liked"][np.arange(240), truth])
    assert rows["row"].tolist() == np.argsort(-losses, kind="stable").tolist()
    assert (rows["truth"] == np.array(["no", "yes"])[truth[rows["row"]]]).all()
    assert not set(range(20)) & set(hardest_rows(hand_made, "tone", 240)["row"])  # labels not known


def test_hardest_rows_show_pictures_and_texts(hand_made, data_of_hand_made, ax):
    display = HardestRowsDisplay.from_estimator(hand_made, data_of_hand_made, n_rows=3, ax=ax)
    for looks, row in zip(display.looks, display.rows["row"], strict=True):
        assert looks["photo"].kind == ("picture" if row % 5 else "absent")
        assert f"number {row}:" in looks["review"].content
    display.figure_.draw_without_rendering()


def test_hardest_rows_want_the_rows_of_the_fit(hand_made, data_of_hand_made):
    with pytest.raises(ValueError, match="give the X of the fit"):
        HardestRowsDisplay.from_estimator(hand_made, data_of_hand_made[:10])


def test_hardest_rows_of_other_rows_are_judged_by_their_labels(ax):
    X = np.linspace(0, 1, 60)[:, np.newaxis]
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=2).fit(X, 3 * X[:, 0])
    Y = 3 * X[:30, 0]
    Y[[7, 21]] = [9.0, np.nan]
    display = HardestRowsDisplay.from_estimator(model, X[:30], Y, n_rows=3, ax=ax)
    assert display.rows["row"].iloc[0] == 7 and 21 not in set(display.rows["row"])


def test_relevances_have_no_queries_and_times_say_until_when_nothing_had_happened(times_and_queries):
    """The label of a row of a query was a number of sixteen digits."""
    X, model = times_and_queries
    assert set(hardest_rows(model, "order", n_rows=120)["truth"]) == {0.0, 1.0}
    times = hardest_rows(model, "churn", n_rows=120).set_index("row")
    for row, time in enumerate(model.targets_["churn"]):
        truth = times.at[row, "truth"]
        assert truth == (time if time > 0 else f"later than {plain(-time)}")
    display = HardestRowsDisplay.from_estimator(model, X, task="churn", n_rows=2)
    display.figure_.draw_without_rendering()


def test_quantiles_are_no_probabilities():
    """The largest quantile was shown as how sure the model was: "293 %"."""
    X = np.linspace(0, 9, 60)[:, np.newaxis]
    learners = [("gbm", LGBMRegressor(n_estimators=5, verbose=-1))]
    model = MultiOutputStack(learners=learners, cv=2, tasks={"price": "quantile"}).fit(X, {"price": X[:, 0] + 0.5})
    assert hardest_rows(model, "price")["probability"].isna().all()


def test_other_rows_are_judged_by_tags_and_by_all_quantiles():
    """New rows had predictions of a column of tags, not of a tag, and of quantiles the median alone."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    Y = {"tags": [["red"] * int(a > 0) + ["new"] * int(b > 0) for a, b in X], "price": X[:, 0]}
    learners = [("linear", LogisticRegression()), ("gbm", LGBMRegressor(n_estimators=5, verbose=-1))]
    model = MultiOutputStack(learners=learners, cv=2, tasks={"price": "quantile"}, strategy="independent").fit(X, Y)
    for task in model.tasks_:
        _, _, prediction, _ = predictions_of(model, task, X, Y)
        assert prediction.shape == model.oof_[task].reshape(len(X), -1).shape
        assert HardestRowsDisplay.from_estimator(model, X, Y, task=task).rows["loss"].notna().all()
        assert MissingDisplay.from_estimator(model, X, Y, task=task, rates=(0, 0.5)).scores.notna().all(axis=None)
