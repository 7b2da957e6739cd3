"""
10 Tuned learners, and fewer of them
====================================

A `TunedLearner` searches its settings on each fold's training rows. Pruning keeps the members that the ensemble needs.
"""

# %%
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ensemble_mm as em

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
neighbors = make_pipeline(StandardScaler(), KNeighborsClassifier())
learners = [
    ("tuned", em.TunedLearner(linear, {"logisticregression__C": [0.01, 0.1, 1.0, 10.0]}, search="grid", cv=3)),
    ("near", em.TunedLearner(neighbors, {"kneighborsclassifier__n_neighbors": [3, 7, 15]}, search="grid", cv=3)),
    ("trees", ExtraTreesClassifier(100, min_samples_leaf=2)),
    ("naive", GaussianNB()),
    ("linear", linear),
]

# %%
# All members, and the two that are worth keeping. Pruned members are not refitted and not run at predict.
for prune in (None, "auto", 2):
    model = em.StackedClassifier(learners=learners, cv=4, prune=prune, random_state=0).fit(X_train, y_train)
    used = model.contributions_[(model.contributions_ > 0).any(axis=1)]
    print(f"prune={prune!r}: {len(used)} members, accuracy {model.score(X_test, y_test):.3f}")

# %%
# The score against the number of members, from the table of the whole stack:
whole = em.StackedClassifier(learners=learners, cv=4, random_state=0).fit(X_train, y_train)
em.PruningDisplay.from_estimator(whole)

# %%
# The greedy selection, step by step. The score on the rows that choose is too good; the score on held-out rows tells
# when to stop.
em.SelectionDisplay.from_estimator(whole)

# %%
# How alike the members' errors are: a member whose errors equal those of another adds little.
em.TableDisplay.from_estimator(whole)
