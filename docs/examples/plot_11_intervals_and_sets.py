"""
11 Intervals and prediction sets
================================

How sure is a prediction? Conformal sets and intervals are made of the out-of-fold errors of the fit. They cover
what they promise, whatever the learners are.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split

import ensemble_mm as em

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = em.StackedRegressor(learners=[("ridge", RidgeCV())], cv=5, random_state=0).fit(X_train, y_train)
coverages = np.array([0.5, 0.7, 0.8, 0.9, 0.95])
found = []
for coverage in coverages:
    low, high = model.predict_interval(X_test, coverage=coverage).T
    found.append(np.mean((low <= y_test) & (y_test <= high)))

fig, ax = plt.subplots(figsize=(4.6, 4.2))
ax.plot([0.4, 1], [0.4, 1], color="#999999", linestyle="--", label="as promised")
ax.plot(coverages, found, "o-", color="#0072B2", label=f"on {len(y_test)} new rows")
ax.set_xlabel("coverage asked for")
ax.set_ylabel("true values inside")
ax.legend()
fig.tight_layout()

# %%
# For classes, a set: one class where the model is sure, more where it is not.
X, y = load_digits(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=4, size=X.shape)  # hard to read
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
model = em.StackedClassifier(
    learners=[("linear", LogisticRegression(C=0.001, max_iter=500))], calibration="temperature", cv=3, random_state=0
).fit(X_train, y_train)
sets = model.predict_set(X_test, coverage=0.9)
inside = sets[np.arange(len(y_test)), y_test]
print(f"the true class is inside for {inside.mean():.0%} of the rows")
size, count = np.unique(sets.sum(axis=1), return_counts=True)
print({int(s): int(c) for s, c in zip(size, count, strict=True)}, "rows by the number of classes in their set")

# %%
order = np.argsort(-sets.sum(axis=1), kind="stable")
fig, axes = plt.subplots(2, 5, figsize=(6.4, 4.6))
for ax, row in zip(axes.ravel(), [*order[:5], *order[-5:]], strict=True):
    ax.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"is {y_test[row]}\nset: " + " ".join(map(str, np.flatnonzero(sets[row]))), fontsize=8)
    ax.axis("off")
fig.suptitle("Least sure (above) and surest (below)")
fig.tight_layout()
