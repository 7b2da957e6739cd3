"""
09 A database of tasks, runs and models
=======================================

Log fits to a SQLite file (or PostgreSQL), compare them fold by fold, and get models back by name.
"""

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV

import ensemble_mm as em

X, y = load_diabetes(return_X_y=True, as_frame=True)
linear = [("ridge", RidgeCV(alphas=np.logspace(-3, 1, 5)))]
trees = [("trees", ExtraTreesRegressor(80, min_samples_leaf=4))]

folder = tempfile.TemporaryDirectory()
db = em.TaskDatabase(f"sqlite:///{Path(folder.name) / 'runs.db'}")
runs = {}
for name, learners in {"linear": linear, "trees": trees, "both": linear + trees}.items():
    model = em.StackedRegressor(learners=learners, cv=5, random_state=0).fit(X, y)
    runs[name] = db.log(model, X, y, name="diabetes", tags={"learners": name})

# %%
# What is there:
print(db.tasks())
print(db.runs("diabetes").reset_index(drop=True)[["version", "tags", "seconds", "target r2"]].round(3))

# %%
# Two runs on the same folds are compared fold by fold. The interval accounts for training rows that folds share.
found = db.compare(runs["trees"], runs["both"])
print(found.T)

# %%
# The latest model of a name, or one with an alias:
again = db.load("diabetes")
print(again.predict(X[:3]).round(1))

# %%
pairs = {f"both against {name}": db.compare(runs[name], runs["both"]).iloc[0] for name in ("linear", "trees")}
fig, ax = plt.subplots(figsize=(6.4, 2.2))
for row, line in enumerate(pairs.values()):
    half = line["difference"] - line["low"]
    ax.errorbar(line["difference"], row, xerr=half, fmt="o", color="#0072B2", capsize=4)
ax.axvline(0, color="#666666", linewidth=1)
ax.set_yticks(range(len(pairs)), list(pairs))
ax.set_ylim(-0.6, len(pairs) - 0.4)
ax.set_xlabel("difference in R2, with its 95 % interval")
fig.tight_layout()
folder.cleanup()
