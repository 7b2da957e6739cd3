"""
05 Several tasks, most labels of one unknown
============================================

A costly measurement is known for few rows; a cheap one with the same cause is known for all. With `strategy="stacked"`
the estimates of the cheap task help the costly one. Tasks that they would not help stay as they are.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV

import ensemble_mm as em

rng = np.random.default_rng(0)
X = rng.normal(size=(500, 8))
cause = np.tanh(X[:, 0] * X[:, 1]) + np.abs(X[:, 2])
Y = pd.DataFrame(
    {
        "costly": cause + 0.1 * rng.normal(size=500),
        "cheap": 2 * cause + 0.1 * rng.normal(size=500),
        "unrelated": X[:, 5] + 0.3 * rng.normal(size=500),
    }
)
known = Y[:350].copy()
known.loc[60:, "costly"] = np.nan  # known for 60 of 350 rows
print(known.notna().sum())

# %%
scores = {}
for strategy in ("independent", "stacked", "chain"):
    model = em.MultiOutputStack(learners="fast", strategy=strategy, cv=4, random_state=0).fit(X[:350], known)
    scores[strategy] = model.evaluate(X[350:], Y[350:])["r2"]
    if strategy == "stacked":
        stacked = model
scores = pd.DataFrame(scores)
print(scores.round(3))

# %%
# What was kept, and how much each task uses the estimates of the others. A share shows that a task was used, not that
# it was needed.
print(stacked.strategy_.round(3))
em.TaskContributionDisplay.from_estimator(stacked)

# %%
ax = scores.plot.bar(rot=0, ylabel="R2 on 150 new rows", color=["#0072B2", "#E69F00", "#009E73"], figsize=(6.4, 3.6))
ax.legend(title="strategy", loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.tight_layout()

# %%
# A dict gives each kind of task its learners, and true values of other tasks are never inputs.
model = em.MultiOutputStack(learners={"regression": [("ridge", RidgeCV())]}, cv=4, random_state=0).fit(X[:350], known)
print(model.contributions_.round(2))

# %%
# One call sets single-task and multi-task ensembles (and, of several views, each view and their fusion) side by side:
comparison = em.compare_strategies(X[:350], known, learners="fast", cv=4, random_state=0)
em.StrategyDisplay(comparison=comparison).plot()
