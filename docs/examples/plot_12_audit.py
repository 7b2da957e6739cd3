"""
12 Is it too good to be true?
=============================

A leak audit looks for what slipped in with the data: rows that repeat across folds, groups that cross them, columns
that give the answer away, extractors that saw held-out rows.
"""

# %%
# Visits of patients. Each patient comes several times and has a constant value that identifies them. The column "bill"
# was filled in after the outcome was known.
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GroupKFold

import ensemble_mm as em

rng = np.random.default_rng(0)
patient = np.repeat(np.arange(60), 4)
ill = rng.random(60) < 0.5
X = pd.DataFrame(
    {
        "height": rng.normal(170, 10, 60)[patient].round(1),
        "pulse": rng.normal(75, 8, 240) + 3 * ill[patient],
        "bill": np.where(ill[patient], 900, 100) + rng.normal(scale=20, size=240),
    }
)
y = pd.Series(np.where(ill[patient], "ill", "well"), name="outcome")
model = em.StackedClassifier(learners=[("trees", ExtraTreesClassifier(60, min_samples_leaf=2))], cv=4, random_state=0)

# %%
# This stack does not know the patients. The audit looks at the folds that it used:
model.fit(X, y)
found = em.audit(model, X, y, groups=patient)
for _, line in found[found["verdict"].isin(["warn", "fail"])].iterrows():
    print(f"{line['verdict']}: {line['check']}\n    {line['words']}")

# %%
# Without this column, and with each patient's visits kept together, the score is what to expect for new patients.
scores = {
    "as it was": model,
    "without the bill": em.StackedClassifier(**model.get_params(deep=False)).fit(X.drop(columns="bill"), y),
    "and patients kept together": em.StackedClassifier(**{**model.get_params(deep=False), "cv": GroupKFold(4)}).fit(
        X.drop(columns="bill"), y, groups=patient
    ),
}
for name, fitted in scores.items():
    loss = fitted.leaderboard().set_index("learner").loc["ensemble", "loss"]
    print(f"{name:28s} log loss {loss:.3f}  (guessing: {np.log(2):.3f})")

# %%
em.ScoreDisplay.from_estimator(scores["and patients kept together"])
