"""A fitted stack that is asked for few rows at a time, as a service is."""

from copy import copy
from threading import RLock
from typing import Any

from sklearn.utils.metaestimators import available_if


def _has(method):
    return available_if(lambda self: hasattr(self._stack, method))


class Predictor:
    """A fitted stack for quick predictions of few rows. It starts no processes, and cannot be fitted.

    `model.compiled()` makes one. It gives what the methods of the stack that predict give, to 1e-6. Any number of
    threads may call it: they wait for one another.

    Parameters
    ----------
    stack : fitted StackedClassifier, StackedRegressor or MultiOutputStack
        It is not changed; a later fit of it does not reach the predictor.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ensemble_mm import StackedClassifier
    >>> X, y = [[0.0], [1.0]] * 20, ["low", "high"] * 20
    >>> model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0).fit(X, y)
    >>> model.compiled().predict([[0.1]]).tolist()
    ['low']
    """

    def __init__(self, stack):
        self._stack, self._lock = copy(stack), RLock()
        self._stack.set_params(n_jobs=1, cache=None)

    def predict(self, X) -> Any:
        """Return what `predict` of the stack does."""
        return self._call("predict", X)

    @_has("predict_proba")
    def predict_proba(self, X) -> Any:
        """Return what `predict_proba` of the stack does."""
        return self._call("predict_proba", X)

    @_has("predict_interval")
    def predict_interval(self, X, coverage=0.9, **joint) -> Any:
        """Return what `predict_interval` of the stack does."""
        return self._call("predict_interval", X, coverage, **joint)

    @_has("predict_quantiles")
    def predict_quantiles(self, X, levels=(0.05, 0.25, 0.5, 0.75, 0.95)) -> Any:
        """Return what `predict_quantiles` of the stack does."""
        return self._call("predict_quantiles", X, levels)

    @_has("predict_set")
    def predict_set(self, X, coverage=0.9, **joint) -> Any:
        """Return what `predict_set` of the stack does."""
        return self._call("predict_set", X, coverage, **joint)

    def _call(self, method, *args, **settings):
        with self._lock:  # extractors tell of bad items by warnings, which are caught for the whole process
            return getattr(self._stack, method)(*args, **settings)

    def __reduce__(self):
        return Predictor, (self._stack,)  # a lock stays where it is

    def __repr__(self):
        return f"Predictor({type(self._stack).__name__} of {', '.join(self._stack.views_)})"
