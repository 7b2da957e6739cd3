"""
13 An extractor and a learner of your own
=========================================

Any transformer is an extractor, any classifier or regressor a learner. One tag saves work: an extractor that learns
nothing runs once for all rows.
"""

# %%
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import RidgeCV

import ensemble_mm as em


class Spectrum(TransformerMixin, BaseEstimator):
    """Energy of a signal in a few bands; learns nothing.

    Parameters
    ----------
    n_bands : int, default=8
    """

    def __init__(self, n_bands=8):
        self.n_bands = n_bands

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Return shape (n_samples, n_bands), float32."""
        power = [np.abs(np.fft.rfft(signal)) ** 2 for signal in X]
        return np.array([[np.log1p(b.sum()) for b in np.array_split(p, self.n_bands)] for p in power], dtype=np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False  # so it runs once for all rows, and not once per fold
        return tags

    def __sklearn_is_fitted__(self):
        return True


# %%
# Machines that hum: the frequency tells the load, the age of the machine the wear.
rng = np.random.default_rng(0)
load, age = rng.random(200), rng.integers(1, 20, 200)
signals = [np.sin(np.arange(256) * (0.2 + 2 * f)) + 0.3 * rng.normal(size=256) for f in load]
X = pd.DataFrame({"hum": signals, "age": age})
Y = pd.DataFrame({"load": load, "wear": 0.5 * load + 0.05 * age + 0.05 * rng.normal(size=200)})

model = em.MultiOutputStack(
    views=[("hum", Spectrum(), "hum"), ("facts", em.TabularExtractor(), ["age"])],
    learners=[("ridge", RidgeCV()), ("fused", RidgeCV(), "all")],
    cv=4,
    random_state=0,
).fit(X[:150], Y[:150])
print(model.evaluate(X[150:], Y[150:])[["r2", "mae"]].round(3))
print("extractions:", model.n_extractions_)

# %%
# The parameter of the extractor goes by its name:
for n_bands in (2, 8, 32):
    score = model.set_params(hum__n_bands=n_bands).fit(X[:150], Y[:150]).evaluate(X[150:], Y[150:])["r2"]
    print(n_bands, score.round(3).to_dict())

# %%
em.ContributionDisplay.from_estimator(model)
