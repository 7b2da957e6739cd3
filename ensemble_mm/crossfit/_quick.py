"""What fitted learners say of rows, without the checks that their own methods make first.

Of few rows those checks, and pools that start for a forest, are nearly all of the time. The numbers are the same, to
the bit: what is called is what the learners themselves call last. A learner that is not known here is asked as usual.
"""

import numpy as np
from scipy import sparse
from scipy.special import softmax
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import Pipeline

from ..learners import LogisticPath, RidgePath, ViewScaler


def predicted(model, X, method):
    """Return what `predict` or `predict_proba` of a fitted learner gives for an array or CSR matrix of its columns."""
    quick = _QUICK.get((type(model), method))
    out = None if quick is None else quick(model, X)
    # Where there is no number, the learner's own method says why.
    return getattr(model, method)(X) if out is None or not np.isfinite(out).all() else out


def _pipeline(method):
    def ask(model, X):
        for _, step in model.steps[:-1]:
            X = step.scaled(X) if type(step) is ViewScaler else step.transform(X)
        return predicted(model.steps[-1][1], X, method)

    return ask


def _forest(model, X):
    if sparse.issparse(X) or model.n_outputs_ > 1:
        return None
    X = np.ascontiguousarray(X, dtype=np.float32)
    total = np.zeros((len(X), getattr(model, "n_classes_", 1)))
    for tree in model.estimators_:
        total += tree.tree_.predict(X)
    total /= len(model.estimators_)
    return total if hasattr(model, "n_classes_") else total[:, 0]


def _ridge(model, X):
    return np.asarray(X @ model.coef_) + model.intercept_


def _logistic(model, X):
    scores = (np.asarray(X @ model.coef_.T) + model.intercept_).astype(np.float64)
    return softmax(np.c_[np.zeros(len(scores)), scores] if scores.shape[1] == 1 else scores, axis=1)


_QUICK = {
    (Pipeline, "predict"): _pipeline("predict"),
    (Pipeline, "predict_proba"): _pipeline("predict_proba"),
    (LogisticPath, "predict_proba"): _logistic,
    (RidgePath, "predict"): _ridge,
    **{(cls, "predict_proba"): _forest for cls in (ExtraTreesClassifier, RandomForestClassifier)},
    **{(cls, "predict"): _forest for cls in (ExtraTreesRegressor, RandomForestRegressor)},
}
