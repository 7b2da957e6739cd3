"""LightGBM and XGBoost that all workers of a Dask cluster fit together, each on some of the rows."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._checks import check_count, having, require


class SpreadLearner(MetaEstimatorMixin, BaseEstimator):
    """Let all workers of a Dask cluster fit one LightGBM or XGBoost, each on some of the rows.

    Use it for more rows than one worker can hold. The order of sums depends on the number of workers, so the model is
    not equal to the last bit to one that a single process, or another cluster, fits.

    Give the stack ``n_jobs=1`` and no Dask backend, so that one learner after the other uses the whole cluster. The
    process that fits needs a `distributed.Client`.

    Parameters
    ----------
    estimator : LGBMClassifier, LGBMRegressor, XGBClassifier or XGBRegressor
        Its settings are used in the fit.
    chunk_rows : int, default=100_000
        Rows that are sent at a time; fewer if workers would get nothing otherwise.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model, of the class of `estimator`. It needs no cluster.
    classes_ : ndarray of shape (n_classes,)
        Class labels, if `estimator` is a classifier.
    n_features_in_ : int

    Raises
    ------
    ValueError
        In `fit`, if the estimator is of another class, or there is no client.
    RuntimeError
        In `fit`, if it runs inside a worker: it would wait for workers that wait for it.

    References
    ----------
    `Distributed LightGBM <https://lightgbm.readthedocs.io/en/stable/Parallel-Learning-Guide.html#dask>`_ and
    `Distributed XGBoost <https://xgboost.readthedocs.io/en/stable/tutorials/dask.html>`_.

    Examples
    --------
    >>> from lightgbm import LGBMRegressor
    >>> from ensemble_mm.learners import SpreadLearner
    >>> learner = SpreadLearner(LGBMRegressor(n_estimators=50))
    >>> learner  # in `learners` of a stack that is fitted beside `Client("scheduler:8786")`
    SpreadLearner(estimator=LGBMRegressor(n_estimators=50))
    """

    reads_by_rows = True
    _parameter_constraints = {"estimator": [having("fit", "predict")]}

    def __init__(self, estimator, chunk_rows=100_000):
        self.estimator = estimator
        self.chunk_rows = chunk_rows

    def fit(self, X, y, sample_weight=None):
        """Fit to features of shape (n_samples, n_columns), dense or CSR."""
        check_count("chunk_rows", self.chunk_rows, minimum=1)
        spread, to_local = self._library()
        client, codes = _client(), np.asarray(y)
        if is_classifier(self.estimator):
            self.classes_, codes = np.unique(y, return_inverse=True)
        n, self.n_features_in_ = X.shape
        size = min(self.chunk_rows, -(-n // len(client.scheduler_info(n_workers=-1)["workers"])))
        starts = range(0, n, size)
        given = [_spread(client, array, starts, size) for array in (X, codes, sample_weight)]
        self.estimator_ = to_local(
            self.estimator, spread.set_params(client=client).fit(*given[:2], sample_weight=given[2])
        )
        return self

    def predict(self, X):
        """Return classes, or numbers, of shape (n_samples,)."""
        check_is_fitted(self)
        return (
            self.classes_[self.predict_proba(X).argmax(axis=1)] if is_classifier(self) else self.estimator_.predict(X)
        )

    @available_if(lambda self: is_classifier(self.estimator))
    def predict_proba(self, X):
        """Return probabilities, of shape (n_samples, n_classes)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    def _library(self):
        """Return the same estimator for a cluster, and the function that makes a plain one of it once it is fitted."""
        name = type(self.estimator).__name__
        if name in ("LGBMClassifier", "LGBMRegressor"):
            import lightgbm as library
        elif name in ("XGBClassifier", "XGBRegressor"):
            import xgboost.dask as library
        else:
            raise ValueError(f"estimator={self.estimator!r} has no form for a cluster: use LightGBM's or XGBoost's.")
        settings = self.estimator.get_params()
        settings.pop("n_jobs", None)  # each worker has threads of its own
        return getattr(library, f"Dask{name}")(**settings), _LOCAL[name[:3]]

    def __sklearn_tags__(self):
        return get_tags(self.estimator)


def _client():
    """Return the client of this process."""
    distributed = require("distributed", extra="dask", caller="SpreadLearner")
    try:
        distributed.get_worker()
    except ValueError:
        pass
    else:
        raise RuntimeError("SpreadLearner is fitted in a worker, and needs all workers: fit the stack with n_jobs=1, "
                           "outside of a Dask backend, where the client is.")  # fmt: skip
    try:
        return distributed.get_client()
    except ValueError as error:
        raise ValueError("SpreadLearner needs a cluster: make a distributed.Client before the fit.") from error


def _spread(client, array, starts, size):
    """Return an array as a Dask array whose parts go to the workers in turn; None stays None."""
    import dask.array as da

    if array is None:
        return None
    parts = []
    for start in starts:
        part = array[start : start + size]
        future = client.scatter(part, hash=False)
        meta = sparse.csr_matrix((0, 0), dtype=part.dtype) if sparse.issparse(part) else np.empty(0, part.dtype)
        parts.append(da.from_delayed(future, part.shape, part.dtype, meta))
    return da.concatenate(parts)


def _local_xgboost(estimator, spread):
    local = clone(estimator)
    local.load_model(spread.get_booster().save_raw("ubj"))
    return local


_LOCAL = {"LGB": lambda estimator, spread: spread.to_local(), "XGB": _local_xgboost}
