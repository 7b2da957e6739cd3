"""
08 The same fit on a cluster
============================

A fit is one flat list of jobs. Whatever `joblib.parallel_config` says runs it, and the answer is the same, bit for bit.
"""

# %%
# A plan is plain data: look at it before anything runs.
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client
from joblib import parallel_config
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import RidgeCV

import ensemble_mm as em

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 10))
Y = np.c_[X[:, 0] + X[:, 1] ** 2, X[:, 2] * X[:, 3]] + 0.1 * rng.normal(size=(300, 2))
model = em.MultiOutputStack(
    learners=[("ridge", RidgeCV()), ("trees", ExtraTreesRegressor(60, min_samples_leaf=2))], cv=4, random_state=0
)
print(model.plan(X, Y))

# %%
here = model.fit(X, Y).predict(X)

# %%
# `Client()` starts workers on this machine; give it the address of a scheduler to use those of a cluster.
if __name__ == "__main__":
    with Client(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None):
        with parallel_config(backend="dask"):
            there = model.fit(X, Y).predict(X)
    print("the same predictions:", bool((here == there).all()))

# %%
# Where the seconds went:
report = model.fit_report_
print(report)
ax = report["seconds"].plot.barh(color="#0072B2", figsize=(6.4, 2.8))
ax.set_xlabel("seconds")
plt.tight_layout()
