"""
07 Grid search over views, learners and the meta-learner
========================================================

Every part has a name, and every parameter a path to it, as in scikit-learn's composites. A view or a learner can be
dropped by the search.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

import ensemble_mm as em

rng = np.random.default_rng(0)
mood = rng.normal(size=200)
words = ["soft warm lovely bright".split(), "torn cold dull sad".split()]
good = rng.random((200, 6)) < 1 / (1 + np.exp(-2 * mood[:, None]))
X = pd.DataFrame(
    {
        "review": [" ".join(rng.choice(words[0] if g else words[1]) for g in row) for row in good],
        "price": 40 + 10 * mood + rng.normal(scale=15, size=200),
        "parcel": rng.integers(1000, 9999, size=200),
    }
)
y = np.where(mood + 0.5 * rng.normal(size=200) > 0, "kept", "returned")

model = em.StackedClassifier(
    views=[
        ("review", em.TextExtractor(), "review"),
        ("facts", em.TabularExtractor(), ["price"]),
        ("noise", em.TabularExtractor(), ["parcel"]),
    ],
    learners=[
        ("linear", LogisticRegression(max_iter=500)),
        ("trees", ExtraTreesClassifier(50, min_samples_leaf=3), "all"),
    ],
    cv=3,
    random_state=0,
)

# %%
# The search covers a penalty, whether a view helps, and the meta-learner.
search = GridSearchCV(
    model,
    {"linear__C": [0.1, 1.0], "noise": [em.TabularExtractor(), "drop"], "meta_learner": ["greedy", "simplex"]},
    scoring="neg_log_loss",
    cv=3,
).fit(X, y)
print(search.best_params_)

# %%
results = pd.DataFrame(search.cv_results_)
results["noise"] = results["param_noise"].map(lambda value: "dropped" if isinstance(value, str) else "read")
weights, strength = results["param_meta_learner"], results["param_linear__C"].astype(str)
results["setting"] = weights + ", C=" + strength + ", noise " + results["noise"]
ordered = results.sort_values("mean_test_score")
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.errorbar(ordered["mean_test_score"], ordered["setting"], xerr=ordered["std_test_score"], fmt="o", color="#0072B2")
ax.set_xlabel("minus the log loss (mean and spread over three folds)")
fig.tight_layout()
