"""What fitted learners say of rows, without the checks that their own methods make first.

Of few rows those checks, and pools that start for a forest, are nearly all of the time. The numbers are the same, to
the bit: what is called is what the learners themselves call last. A learner that is not known here is asked as usual.
"""

import numpy as np
from scipy import sparse

from .._products import times

FEW = 64  # rows, up to which checks take longer than the prediction


def predicted(model, X, method):
    """Return what `predict` or `predict_proba` of a fitted learner gives for an array or CSR matrix of its columns."""
    quick = _QUICK.get((f"{type(model).__module__}.{type(model).__name__}", method))
    out = None if quick is None else quick(model, X)
    # Where there is no number, the learner's own method says why.
    return getattr(model, method)(X) if out is None or not np.isfinite(out).all() else out


def _pipeline(method):
    def ask(model, X):
        for step in [step for _, step in model.steps[:-1] if step not in (None, "passthrough")]:
            X = step.unchecked(X) if "unchecked" in vars(type(step)) else step.transform(X)  # not what inherits it
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


def _transformed(model, X):
    out = model.transformer_.inverse_transform(predicted(model.regressor_, X, "predict").reshape(X.shape[0], -1))
    return out.squeeze(axis=1) if model._training_dim == 1 and out.shape[1] == 1 else out


def _ridge(model, X):
    return times(X, model.coef_) + model.intercept_


def _logistic(model, X):
    scores = (times(X, model.coef_.T) + model.intercept_).astype(np.float64)
    scores = np.hstack([np.zeros((len(scores), 1)), scores]) if scores.shape[1] == 1 else scores
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def _lightgbm(model, X):
    if X.shape[0] > FEW:
        return None
    others = {name: value for name, value in model._other_params.items() if "pred" in name}
    return model.booster_.predict(X, **others, num_threads=1)


def _lightgbm_classes(model, X):
    out = None if callable(model.objective) else _lightgbm(model, X)
    return np.column_stack([1.0 - out, out]) if out is not None and out.ndim == 1 else out


_QUICK = {  # by name: what no model needs is not imported
    ("sklearn.pipeline.Pipeline", "predict"): _pipeline("predict"),
    ("sklearn.pipeline.Pipeline", "predict_proba"): _pipeline("predict_proba"),
    ("ensemble_mm.learners._linear.LogisticPath", "predict_proba"): _logistic,
    ("ensemble_mm.learners._linear.RidgePath", "predict"): _ridge,
    ("lightgbm.sklearn.LGBMClassifier", "predict_proba"): _lightgbm_classes,
    ("lightgbm.sklearn.LGBMRegressor", "predict"): _lightgbm,
    ("sklearn.compose._target.TransformedTargetRegressor", "predict"): _transformed,
    ("ensemble_mm.learners._scaling.TailRegressor", "predict"): lambda model, X: _transformed(model, X) * model.factor_,
    ("sklearn.ensemble._forest.ExtraTreesClassifier", "predict_proba"): _forest,
    ("sklearn.ensemble._forest.RandomForestClassifier", "predict_proba"): _forest,
    ("sklearn.ensemble._forest.ExtraTreesRegressor", "predict"): _forest,
    ("sklearn.ensemble._forest.RandomForestRegressor", "predict"): _forest,
}
