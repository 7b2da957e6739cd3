"""What stands in front of learners: scaling, a map of a kernel, and a logarithm of targets.

Views differ in width by a factor of a thousand. `ViewScaler` brings all of them to rows of unit
mean squared norm, so that one penalty (`C`) and one kernel width (`gamma`) suit them all.
"""

from copy import copy

import numpy as np
from scipy import sparse
from scipy.stats import skew
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.utils import check_random_state
from sklearn.utils.extmath import row_norms, safe_sparse_dot
from sklearn.utils.validation import check_is_fitted, validate_data

from .._by_rows import boosts_by_rows, fit_by_rows
from .._checks import POSITIVE, check_params
from .._products import half
from .._rows import LazyRows, let_go, parts_of

HEAVY = 2.0  # skewness of a target above which few rows outweigh all others in a squared error
MOST_RESTORED = 3.0  # times that a mean is raised at most: one huge target must not rule all predictions
ROWS = 8192  # that are worked on at a time
CELLS = 2**24  # of sparse rows that are worked on at a time
LEAST_SIZE = 1e-6  # of a direction of a kernel's map: what lies in smaller ones is noise


class ViewScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardise dense columns; bring rows to unit mean squared norm.

    Dense columns are centred and divided by their standard deviation (constant ones become 0); those of two values,
    such as a category's, by half of the distance of the two [1]_: a rare value would else lie farther from the
    others than all numbers together could. Sparse input is left as it is but for one factor, so it stays sparse.
    Both then have rows whose squared norm is 1 on average over the rows seen in `fit`, whatever their number of
    columns. NaN is passed on.

    Parameters
    ----------
    clip : float or None, default=8.0
        Dense values farther than this many standard deviations from the mean are pulled to that
        bound, so that one outlier does not rule a linear model. None keeps them.
    half : bool, default=False
        Round dense rows to half precision: a learner that keeps rows takes half the room in a model file.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features_in_,) or None
        Mean of each column, in its own unit; None for sparse input.
    scale_ : ndarray of shape (n_features_in_,) or None
        What each column is divided by, in its own unit; None for sparse input.
    factor_ : float
        What all values are multiplied by at last. It has no unit.

    References
    ----------
    .. [1] Gelman, A. (2008). Scaling regression inputs by dividing by two standard deviations. Statistics in Medicine,
       27.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.learners import ViewScaler
    >>> rows = ViewScaler().fit_transform(np.array([[0.0, 1.0, 5.0], [2.0, 3.0, 5.0]]))
    >>> np.round((rows**2).sum(axis=1), 3)
    array([1., 1.])
    """

    _parameter_constraints = {"clip": [None, POSITIVE], "half": ["boolean"]}
    half = False  # of models of before it was there
    reads_by_rows = True

    def __init__(self, *, clip=8.0, half=False):
        self.clip = clip
        self.half = half

    def fit(self, X, y=None):
        """Learn means, deviations and the factor of an array or sparse matrix of shape (n_samples, n_features)."""
        check_params(self)
        X = self._check(X, reset=True)
        if sparse.issparse(X) or getattr(X, "is_sparse", False):
            self.mean_ = self.scale_ = None
            norm = _sum_of_squares(X) / X.shape[0]
            self.factor_ = 1.0 / np.sqrt(norm) if norm > 0 else 1.0
            return self
        self.mean_, self.scale_, shares = _scales(X)
        norm = float(np.sum(shares))
        self.factor_ = 1.0 / np.sqrt(norm) if norm > 0 else 1.0
        return self

    def transform(self, X):
        """Return scaled rows, an ndarray or CSR matrix, in single precision where X is."""
        check_is_fitted(self)
        return self.unchecked(self._check(X, reset=False))

    def unchecked(self, X):
        """Scale an array or CSR matrix of float32 or float64, as `transform` does when it has checked one."""
        if sparse.issparse(X) and self.mean_ is not None:
            X = X.toarray()
        if sparse.issparse(X) and X.indices.dtype == X.indptr.dtype == np.int32:
            scaled = copy(X)  # that shares the places, of which a product makes others: of wide ones those of 32 bits
            scaled.data = np.empty(X.data.shape, X.dtype)
            for some in _cells(X):
                np.multiply(X.data[some], X.dtype.type(self.factor_), out=scaled.data[some])
            return scaled
        if self.mean_ is None:
            return X * X.dtype.type(self.factor_)
        return by_rows(self._scaled, X, X.shape[1], X.dtype)

    def _scaled(self, X):
        X = X - self.mean_.astype(X.dtype)
        X /= self.scale_.astype(X.dtype)
        if self.clip is not None:
            np.clip(X, -self.clip, self.clip, out=X)
        X *= X.dtype.type(self.factor_)
        return half(X) if self.half else X

    def _check(self, X, *, reset):
        if isinstance(X, LazyRows):  # whose values are looked at when they are read
            return validate_data(self, X, reset=reset, skip_check_array=True)
        return validate_data(
            self, X, reset=reset, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite="allow-nan"
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _cells(X):
    """Yield the places of the values of a CSR matrix, some at a time; those that lie on disk are let go after that."""
    for start in range(0, max(X.nnz, 1), CELLS):
        yield slice(start, start + CELLS)
        if X.nnz > CELLS:
            let_go((X,))


def _sum_of_squares(X):
    """Return the sum of the squares of sparse rows."""
    if isinstance(X, LazyRows):
        return sum(float(np.square(part.data).sum()) for part in parts_of(X, ROWS))
    if not X.has_canonical_format:
        return float(X.multiply(X).sum())  # which copies the places, too
    return sum(float(np.square(X.data[some]).sum()) for some in _cells(X))


def _scales(X):
    """Return by column the mean, what it is divided by, and what it then adds to the squared norm of rows."""
    width = X.shape[1]
    count, total, squares = np.zeros(width), np.zeros(width), np.zeros(width)
    low, high, two = np.full(width, np.inf, X.dtype), np.full(width, -np.inf, X.dtype), np.ones(width, bool)
    for part in parts_of(X, ROWS):
        known = ~np.isnan(part)
        count += known.sum(axis=0)
        total += np.where(known, part, 0.0).sum(axis=0, dtype=np.float64)
        low = np.minimum(low, np.where(known, part, np.inf).min(axis=0))
        high = np.maximum(high, np.where(known, part, -np.inf).max(axis=0))
    mean, count = total / np.maximum(count, 1), np.maximum(count, 1)
    for part in parts_of(X, ROWS):
        known = ~np.isnan(part)
        squares += (np.where(known, part - mean, 0.0) ** 2).sum(axis=0)
        two &= ((part == low) | (part == high) | ~known).all(axis=0)
    variance = squares / count
    # A constant column of float32 shows rounding noise of about 1e-7 of its size.
    varies = variance > (1e-6 * np.maximum(np.abs(mean), 1e-30)) ** 2
    two &= varies
    scale = np.where(two, (high - low) / 2, np.where(varies, np.sqrt(variance), 1.0))
    return mean, scale, np.where(varies, variance / scale**2, 0.0)  # constant columns add nothing


def by_rows(call, X, width, dtype):
    """Return `call(X)`, of shape (n_rows, width), some rows at a time: what lies between takes little memory."""
    if X.shape[0] <= ROWS:
        return call(X)
    out = np.empty((X.shape[0], width), dtype)
    for start in range(0, X.shape[0], ROWS):
        out[start : start + ROWS] = call(X[start : start + ROWS])
    return out


class SampledKernel(Nystroem):
    """Nystroem's map of an RBF kernel, of all rows where there are fewer than components.

    It is worked out in double precision, and directions in which the sampled rows hardly differ are held down: in
    single precision they made a row's map depend on the rows beside it. The sampled rows are kept in half precision,
    which takes half the room in a model file, and the map is made of them.
    """

    most_rows = 100_000  # that teach what stands behind it: hundreds of columns of more take gigabytes, and add little

    def fit(self, X, y=None):
        """Sample the rows that span the map; `X` is of shape (n_samples, n_features), scaled."""
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        rows = check_random_state(self.random_state).permutation(X.shape[0])[: self.n_components]
        sampled = X[rows]
        if not sparse.issparse(X):
            sampled = half(sampled)
        vars(self).pop("_sampled", None), vars(self).pop("_spread", None)
        self.components_, self.component_indices_ = sampled, rows
        self._n_features_out = len(rows)
        return self

    def transform(self, X):
        """Return the map of rows, shape (n_samples, n_components), in their own precision."""
        check_is_fitted(self)
        return self.unchecked(validate_data(self, X, accept_sparse="csr", reset=False, dtype=[np.float64, np.float32]))

    def unchecked(self, X):
        """Return the map of an array or CSR matrix of floats, as `transform` does when it has checked one."""
        spread = self.spread()
        return by_rows(lambda rows: (self._likeness(rows) @ spread).astype(X.dtype), X, len(spread), X.dtype)

    def spread(self):
        """Return what the kernel of rows and the sampled rows is multiplied by, shape (n_components, n_components)."""
        if vars(self).get("_spread") is None:  # which model files leave out
            if "normalization_" in vars(self):  # as models of before kept it
                self._spread = self.normalization_.astype(np.float64)
            else:
                sizes, directions = np.linalg.eigh(self._likeness(self.components_))
                self._spread = directions / np.sqrt(np.maximum(sizes, LEAST_SIZE)) @ directions.T
        return self._spread

    def _likeness(self, X):
        """Return the kernel of rows and the sampled rows."""
        if "_sampled" not in vars(self):
            sampled = self.components_.astype(np.float64)
            self._sampled = sampled, row_norms(sampled, squared=True)
        sampled, norms = self._sampled
        X = X.astype(np.float64)
        squares = -2 * safe_sparse_dot(X, sampled.T, dense_output=True)
        squares += row_norms(X, squared=True)[:, np.newaxis]
        squares += norms
        gamma = 1 / X.shape[1] if self.gamma is None else self.gamma
        return np.exp(-gamma * np.maximum(squares, 0))

    def __getstate__(self):
        # Made of the sampled rows when it is wanted.
        return {name: value for name, value in super().__getstate__().items() if name != "_sampled"}


class NaiveBayesScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Weigh columns of counts, such as words, by how unevenly classes hold them; bring rows to unit mean squared norm.

    A column is multiplied by the largest, over the classes, of the absolute logarithm of the ratio between its share
    in the class and its share in the others, in how many rows it is not 0 [1]_. A linear model on such columns is
    naive Bayes that may be corrected.

    Parameters
    ----------
    smoothing : float, default=1.0
        Rows of every class that are taken to hold a column, beside those that do.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features_in_,)
        What each column is multiplied by, without unit.

    References
    ----------
    .. [1] Wang, S., Manning, C. D. (2012). Baselines and bigrams: simple, good sentiment and topic classification. ACL.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.learners import NaiveBayesScaler
    >>> X = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    >>> NaiveBayesScaler().fit(X, [0, 0, 1, 1]).weights_.tolist()
    [0.0, 0.0]
    """

    _parameter_constraints = {"smoothing": [POSITIVE]}

    def __init__(self, *, smoothing=1.0):
        self.smoothing = smoothing

    def fit(self, X, y):
        """Learn the weights from features of shape (n_samples, n_features) and labels of shape (n_samples,)."""
        check_params(self)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32])
        classes, codes = np.unique(y, return_inverse=True)
        present = sparse.csr_matrix(X != 0, dtype=np.float64)
        of_class = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
        counts = np.asarray((of_class @ present).todense()) + self.smoothing
        others = counts.sum(axis=0) - counts
        share, rest = (c / c.sum(axis=1, keepdims=True) for c in (counts, np.where(len(classes) > 1, others, counts)))
        self.weights_ = np.abs(np.log(share / rest)).max(axis=0)
        squares = X.power(2) if sparse.issparse(X) else X**2
        norm = float(np.sum(np.asarray(squares.sum(axis=0)).ravel() * self.weights_**2)) / X.shape[0]
        self.weights_ = self.weights_ / np.sqrt(norm) if norm > 0 else self.weights_
        return self

    def transform(self, X):
        """Return weighed rows, an ndarray or CSR matrix of shape (n_samples, n_features)."""
        check_is_fitted(self)
        return self.unchecked(validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32]))

    def unchecked(self, X):
        """Weigh an array or CSR matrix of floats, as `transform` does when it has checked one."""
        weights = self.weights_.astype(X.dtype)
        return sparse.csr_matrix(X @ sparse.diags_array(weights)) if sparse.issparse(X) else X * weights

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class TailScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Take the signed logarithm of columns with a heavy tail, and leave the others as they are.

    Made for targets, in front of a learner whose squared error few rows would rule: prices, counts, incomes.

    Attributes
    ----------
    units_ : ndarray of shape (n_features_in_,)
        What the values of a column are divided by before the logarithm: the median size of those that are not 0, in
        the column's own unit. 0 for columns that stay.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.learners import TailScaler
    >>> prices = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 1000])[:, np.newaxis]
    >>> TailScaler().fit_transform(prices)[[0, -1], 0].round(2).tolist()
    [0.17, 5.21]
    """

    def fit(self, X, y=None):
        """Find the columns of an array of shape (n_samples, n_features) whose tail a logarithm makes lighter."""
        X = validate_data(self, X, dtype=np.float64)
        size = np.abs(X)
        units = np.array([np.median(column[column > 0]) if column.any() else 0.0 for column in size.T])
        with np.errstate(all="ignore"):
            before, after = np.abs(skew(X)), np.abs(skew(_signed_log(X, np.where(units > 0, units, 1.0))))
            self.units_ = np.where((before > HEAVY) & (after < before), units, 0.0)
        return self

    def transform(self, X):
        """Return the columns, shape (n_samples, n_features), float64."""
        check_is_fitted(self)
        return self._where_heavy(validate_data(self, X, reset=False, dtype=np.float64), _signed_log)

    def inverse_transform(self, X):
        """Return what `transform` was given."""
        check_is_fitted(self)
        return self._where_heavy(np.asarray(X, dtype=np.float64), _signed_exp)

    def _where_heavy(self, X, change):
        out, heavy = X.copy(), self.units_ > 0
        out[:, heavy] = change(X[:, heavy], self.units_[heavy])
        return out


class TailRegressor(TransformedTargetRegressor):
    """Learn the logarithm of a target with a heavy tail, and predict with the mean of the training rows.

    What is right on average for a logarithm is too low for the target itself. Where a logarithm was taken of a target
    of one sign, predictions are multiplied by what brings their mean over the training rows to that of the target
    [1]_, if that is more than 1, and at most by 3.

    Parameters
    ----------
    regressor : estimator
        Learns the target as `TailScaler` gives it.

    Attributes
    ----------
    factor_ : float
        What predictions are multiplied by; 1 where no logarithm was taken, and for targets of both signs.

    References
    ----------
    .. [1] Duan, N. (1983). Smearing estimate: a nonparametric retransformation method. Journal of the American
       Statistical Association 78, 605-610.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from ensemble_mm.learners import TailRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 1))
    >>> prices = np.exp(X[:, 0] + rng.normal(size=500))
    >>> model = TailRegressor(Ridge()).fit(X, prices)
    >>> bool(np.isclose(model.predict(X).mean(), prices.mean()))
    True
    """

    _parameter_constraints = {"regressor": TransformedTargetRegressor._parameter_constraints["regressor"]}
    transformer, func, inverse_func, check_inverse = TailScaler(), None, None, False

    def __init__(self, regressor=None):
        self.regressor = regressor

    @property
    def reads_by_rows(self):
        """Whether `fit` takes `LazyRows`: where the regressor is boosting."""
        return boosts_by_rows(self.regressor)

    def fit(self, X, y, **fit_params):
        """Fit the regressor, and restore the mean; `fit_params` are those of the regressor, such as `sample_weight`."""
        check_params(self)
        self.factor_ = 1.0
        if isinstance(X, LazyRows):
            self._fit_by_rows(X, y, fit_params)
        else:
            super().fit(X, y, **fit_params)
        y = np.asarray(y, dtype=np.float64)
        if self.transformer_.units_.any() and y.min() * y.max() >= 0:
            weight = fit_params.get("sample_weight")
            mean, told = (np.average(v, axis=0, weights=weight).mean() for v in (y, self._said(X)))
            self.factor_ = float(np.clip(mean / told, 1.0, MOST_RESTORED)) if told else 1.0
        return self

    def _fit_by_rows(self, X, y, params):
        """Do what scikit-learn's class does, which would ask for an array."""
        columns = np.asarray(y, dtype=np.float64)[:, np.newaxis]
        self._training_dim, self.transformer_ = 1, clone(self.transformer).fit(columns)
        self.regressor_ = fit_by_rows(clone(self.regressor), X, self.transformer_.transform(columns)[:, 0], **params)

    def _said(self, X):
        if isinstance(X, LazyRows):
            return np.concatenate([self.predict(part) for part in parts_of(X, ROWS)])
        return self.predict(X)

    def predict(self, X, **predict_params):
        """Return the predicted values, shape (n_samples,)."""
        return super().predict(X, **predict_params) * self.factor_


def _signed_log(values, units):
    return np.sign(values) * np.log1p(np.abs(values) / units)


def _signed_exp(values, units):
    return np.sign(values) * np.expm1(np.abs(values)) * units
