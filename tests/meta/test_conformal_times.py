import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import PoissonRegressor

from ensemble_mm import MultiOutputStack
from ensemble_mm.meta import ConformalTimes

CENSORED = {
    "never": lambda rng, x: np.full(len(x), np.inf),
    "by chance": lambda rng, x: rng.exponential(1.5, len(x)),
    "often": lambda rng, x: rng.exponential(0.5, len(x)),
    "as hazards are": lambda rng, x: np.exp(-x) * rng.exponential(1.0, len(x)),
    "against hazards": lambda rng, x: np.exp(x) * rng.exponential(1.5, len(x)),
    "at one time": lambda rng, x: np.full(len(x), 0.8),
}


def draw(rng, n, watched):
    x = rng.normal(size=n)
    time, lost = np.exp(-x) * rng.weibull(0.8, n), watched(rng, x)
    return x, time, np.where(time <= lost, time, -lost)


@pytest.mark.parametrize("watched", CENSORED.values(), ids=CENSORED)
def test_bounds_hold_as_often_as_they_say(watched):
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        (x, _, y), (x_new, time, _) = draw(rng, 300, watched), draw(rng, 1000, watched)
        low, high = ConformalTimes().fit(x, y).interval(x_new, 0.9).T
        assert np.isposinf(high).all()
        held.append(np.mean(time >= low))
    assert 0.89 < np.mean(held) < 0.92


def test_what_treats_lost_rows_as_events_or_leaves_them_out_is_lower():
    rng = np.random.default_rng(0)
    x, _, y = draw(rng, 2000, CENSORED["often"])
    low = ConformalTimes().fit(x, y).interval(x[:1], 0.8)[0, 0]
    assert low > 1.5 * ConformalTimes().fit(x, np.abs(y)).interval(x[:1], 0.8)[0, 0]
    assert low > 1.5 * ConformalTimes().fit(x[y > 0], y[y > 0]).interval(x[:1], 0.8)[0, 0]


def test_a_weight_of_two_counts_as_two_rows():
    x, _, y = draw(np.random.default_rng(1), 200, CENSORED["by chance"])
    twice = np.arange(200) % 3 == 0
    rows = np.r_[np.arange(200), np.flatnonzero(twice)]
    weighed = ConformalTimes().fit(x, y, sample_weight=1.0 + twice).interval(x, 0.9)
    np.testing.assert_allclose(weighed, ConformalTimes().fit(x[rows], y[rows]).interval(x, 0.9))
    none = ConformalTimes().fit(x, y, sample_weight=1.0 - twice).interval(x, 0.9)
    np.testing.assert_allclose(none, ConformalTimes().fit(x[~twice], y[~twice]).interval(x, 0.9))


def test_few_rows_give_no_bound_and_groups_count_as_one_row():
    x, _, y = draw(np.random.default_rng(2), 100, CENSORED["by chance"])
    assert ConformalTimes().fit(x[:8], y[:8]).interval(x, 0.9)[:, 0].tolist() == [0.0] * 100
    grouped = ConformalTimes().fit(x, y, groups=np.arange(100) % 5)
    assert grouped.interval(x, 0.9)[:, 0].max() == 0 < grouped.interval(x, 0.7)[:, 0].min()


def times(rng, n, is_censored):
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"])
    time = np.exp(-X["a"]) * rng.weibull(1.5, n)
    lost = rng.exponential(1.5, n) if is_censored else np.full(n, np.inf)
    X.loc[rng.random(n) < 0.3, "a"] = np.nan
    return X, pd.DataFrame({"t": np.minimum(time, lost), "e": time <= lost, "size": X["b"] + rng.normal(size=n)}), time


@pytest.mark.slow
@pytest.mark.parametrize("is_censored", [False, True])
def test_bounds_of_a_stack_hold_with_and_without_a_view(is_censored):
    held = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        (X, Y, _), (X_new, Y_new, time) = times(rng, 150, is_censored), times(rng, 500, is_censored)
        model = MultiOutputStack(
            learners={"survival": [("a", PoissonRegressor(alpha=0.1))], "size": ["linear"]},
            views=[("a", "auto", ["a"]), ("b", "auto", ["b"])], tasks={"d": ("survival", "t", "e")}, cv=3,
            meta_learner="mean", strategy="independent", random_state=0,
        ).fit(X, Y)  # fmt: skip
        low = model.predict_interval(X_new, 0.9)["d"][:, 0]
        both = model.predict_interval(X_new, 0.8, joint=True)
        inside = (both["size"][:, 0] <= Y_new["size"]) & (Y_new["size"] <= both["size"][:, 1])
        absent, later = X_new["a"].isna(), time >= low
        held.append([later[absent].mean(), later[~absent].mean(), (inside & (time >= both["d"][:, 0])).mean()])
    assert (np.mean(held, axis=0) > [0.885, 0.885, 0.785]).all() and (np.mean(held, axis=0) < [0.95, 0.95, 0.87]).all()
