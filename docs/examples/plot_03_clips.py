"""
03 Clips: what moves, where to and how fast
===========================================

Clips of a digit that moves, the digit spoken and a picture of it: four tasks of mixed kind, some labels unknown and
some items missing.
"""

# %%
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ensemble_mm as em

X, Y = em.load_demo("moving_digits")
print(X.isna().mean().rename("share missing").round(2))
print(Y.isna().mean().rename("share unknown").round(2))
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.3, random_state=0)

# %%
# The kinds of tasks are inferred from the labels: classes, and a number. Each kind has its learners: one linear model
# per view, and trees on all views side by side.
learners = {
    "classification": [
        ("linear", make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))),
        ("trees", ExtraTreesClassifier(100, min_samples_leaf=2), "all"),
    ],
    "regression": [
        ("linear", make_pipeline(StandardScaler(), RidgeCV(alphas=[100.0, 1000.0]))),
        ("trees", ExtraTreesRegressor(100, min_samples_leaf=2, max_features=0.2), "all"),
    ],
}
model = em.MultiOutputStack(learners=learners, cv=3, random_state=0).fit(X_train, Y_train)
for task in model.tasks_.values():
    print(task.name, task.kind)
print(model.evaluate(X_test, Y_test)[["n", "accuracy", "r2"]].round(3))

# %%
# Direction and speed come from the clip, the speaker from the sound, and the digit from all views:
em.ContributionDisplay.from_estimator(model)

# %%
# The speed with its interval: nine in ten of the true values should lie inside.
em.ResidualDisplay.from_estimator(model, task="speed", X=X_test, Y=Y_test)
