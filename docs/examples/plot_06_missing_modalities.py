"""
06 Missing modalities
=====================

Any view may be missing in any row, at fit and at predict. Learners abstain, and the meta-learner spreads their weight.
"""

# %%
# Three views of the same cause, each with its own noise. Two of five items are missing.
import numpy as np
from sklearn.linear_model import Ridge

import ensemble_mm as em

rng = np.random.default_rng(0)
cause = rng.normal(size=1200)
noise = {"scan": 0.8, "lab": 1.2, "form": 2.0}
views = {name: cause[:, None] + scale * rng.normal(size=(1200, 4)) for name, scale in noise.items()}
holes = {name: rng.random(1200) < 0.4 for name in views}
with_holes = {name: np.where(holes[name][:, None], np.nan, view) for name, view in views.items()}
y = cause + 0.2 * rng.normal(size=1200)

data = em.MultimodalData(with_holes)
train, test = np.arange(900), np.arange(900, 1200)
model = em.StackedRegressor(learners=[("ridge", Ridge()), ("fused", Ridge(), "all")], cv=5, random_state=0)
model.fit(data[train], y[train])
print(f"R2 on rows with holes: {model.score(data[test], y[test]):.3f}")

# %%
# A learner that reads one view abstains where it is missing: NaN in the table.
table = model.table_.to_frame()["y"]
print(table.isna().mean().round(2))

# %%
# The score against the share of items that are missing:
em.MissingDisplay.from_estimator(model)

# %%
# Intervals depend on what is missing: they are wider with the worst view alone than with all views.
full = em.MultimodalData({name: view[test] for name, view in views.items()})
only_form = em.MultimodalData({n: v[test] if n == "form" else np.full_like(v[test], np.nan) for n, v in views.items()})
for name, rows in {"all views": full, "form only": only_form}.items():
    low, high = model.predict_interval(rows, coverage=0.9).T
    inside = np.mean((low <= y[test]) & (y[test] <= high))
    print(f"{name}: mean width {np.mean(high - low):.2f}, {inside:.0%} of the true values inside")
