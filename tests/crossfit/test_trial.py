import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ensemble_mm import StackedRegressor


def test_a_trial_fits_on_few_rows_only_and_scales_what_it_measured():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 4)), rng.normal(size=5000)
    seen = []

    class Noted(Ridge):
        def fit(self, X, y, sample_weight=None):
            seen.append(len(X))
            return super().fit(X, y, sample_weight)

    views = [("plain", FunctionTransformer(), [0, 1]), ("scaled", StandardScaler(), [2, 3])]
    model = StackedRegressor(views, [("ridge", Noted())], cv=5)
    plan = model.plan(X, y, measure=True)
    assert max(seen) < 120 and len(seen) == 2
    assert set(plan.seconds) == {"read", "extract", "fit"} and all(s > 0 for s in plan.seconds.values())
    # float64 columns: two that are read once for all, two once for each of five folds and the refit.
    assert plan.bytes == 5000 * 8 * (2 + 2 * 6)
    assert "s of work" in str(plan) and "s of work" not in str(model.plan(X, y))
