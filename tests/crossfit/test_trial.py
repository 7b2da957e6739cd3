import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ensemble_mm import StackedRegressor
from ensemble_mm.crossfit import _trial
from ensemble_mm.crossfit._trial import _scaled


@pytest.fixture
def noted():
    """A learner, and the numbers of rows that it and its copies were fitted on."""
    seen = []

    class Noted(Ridge):
        def fit(self, X, y, sample_weight=None):
            seen.append(len(X))
            return super().fit(X, y, sample_weight)

    return Noted(), seen


@pytest.mark.parametrize(("longest", "fitted"), [(0.0, [48, 192]), (np.inf, [48, 192, 768, 3072])])
def test_trials_fit_on_few_rows_while_they_take_little_and_scale_what_they_measured(
    longest, fitted, noted, monkeypatch
):
    ridge, seen = noted
    monkeypatch.setattr(_trial, "LONGEST", longest)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 4)), rng.normal(size=5000)
    views = [("plain", FunctionTransformer(), [0, 1]), ("scaled", StandardScaler(), [2, 3])]
    model = StackedRegressor(views, [("ridge", ridge)], cv=5)
    plan = model.plan(X, y, measure=True)
    assert seen == [n for n in fitted for _ in range(2)]
    assert set(plan.seconds) == {"read", "extract", "fit"} and all(s > 0 for s in plan.seconds.values())
    # float64 columns: two that are read once for all, two once for each of five folds and the refit.
    assert plan.bytes == 5000 * 8 * (2 + 2 * 6)
    assert "s of work" in str(plan) and "s of work" not in str(model.plan(X, y))


@pytest.mark.parametrize(("n_rows", "fitted"), [(40, [32]), (100, [48, 80]), (300, [48, 192])])
def test_a_trial_has_no_more_rows_than_there_are(n_rows, fitted, noted):
    ridge, seen = noted
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_rows, 2)), rng.normal(size=n_rows)
    StackedRegressor(learners=[("ridge", ridge)], cv=5).plan(X, y, measure=True)
    assert seen == fitted


def test_what_a_job_costs_however_few_rows_it_has_is_not_scaled_with_the_rows():
    """Linear models on some dozens of rows take nearly as long as on a thousand."""
    spent = {60: {"fit": 1.0, "read": 0.6}, 240: {"fit": 1.3, "read": 2.4}}
    assert _scaled(spent, "read", 6000) == pytest.approx(60.0)
    assert _scaled(spent, "fit", 1140) == pytest.approx(2.8)
    # Learners grow faster on few rows than on many, so the last two trials tell.
    assert _scaled({60: {"fit": 1.0}, 240: {"fit": 2.0}, 960: {"fit": 2.72}}, "fit", 1960) == pytest.approx(3.72)
    assert _scaled({60: {"fit": 1.0}, 240: {"fit": 0.5}}, "fit", 6000) == 0.5
    assert _scaled({50: {"fit": 1.0}}, "fit", 50) == 1.0
