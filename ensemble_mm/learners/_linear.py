"""Linear models that choose their own penalty.

The best penalty of a view depends on how much it says about the target: over the views of one set
it differs by a factor of a thousand, so no fixed value serves. A path of penalties, from strong to
weak, each fit started from the one before, costs little more than one fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .._by_rows import LONG
from .._checks import POSITIVE, check_params, check_sample_weight, whole
from .._inner_folds import inner_folds
from .._products import inner_products
from .._rows import LazyRows
from ._long import fit_logits, fit_ridge, is_sparse

LEAVE_ONE_OUT = 500  # rows (or columns, when dense) up to which ridge scores each row left out
PATIENCE = 2  # worse steps along the path before it stops
FEW_COLUMNS = 500  # up to which Newton's method is quicker than L-BFGS, also with two classes
FEW_NUMBERS = 2_000_000  # of columns and rows, up to which it may copy them in double precision, as it does
SPAN_ROWS = 2500  # rows up to which a model of wide rows is fitted in the space that these span
ROWS = 8192  # of dense data of few columns that ridge reads at a time, where there are more
CHOOSING_ROWS = 100_000  # that a penalty is chosen on, at most: more, evenly spaced, choose the same one


def _check_path(name, values):
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) == 0 or not (values > 0).all():
        raise ValueError(f"{name}={values!r} must be a list of positive numbers.")
    return values


def _thinned(X, *parts):
    """Return the rows that a penalty is chosen on, and what belongs to them: all, or evenly spaced ones of many."""
    if not _is_long(X):  # of few more rows a copy would take more than it saves
        return X, *parts
    some = np.linspace(0, X.shape[0] - 1, CHOOSING_ROWS).astype(np.intp)
    return X[some], *(None if part is None else np.asarray(part)[some] for part in parts)


def _read(estimator, X, y, **checks):
    """Return rows and labels, once they are known to be sound; the values of `LazyRows` are looked at when read."""
    if isinstance(X, LazyRows):
        validate_data(estimator, X, skip_check_array=True)
        return X, np.asarray(y)
    return validate_data(estimator, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], **checks)


def _is_long(X):
    """Tell whether there are so many rows that a penalty is chosen on some of them."""
    return X.shape[0] > LONG


def _usual(path):
    """Return losses by which the value next to 1 is best, where no rows can be held aside."""
    return np.where(path == path[np.argmin(np.abs(np.log(path)))], 0.0, 1.0)


def _ridge(alpha, X):
    """Return an unfitted ridge regression that copies no sparse rows, which it does not change."""
    return Ridge(alpha=alpha, copy_X=not sparse.issparse(X))


def _in_their_span(X):
    """Return rows as they are, or, where those are long, shorter ones with the same inner products.

    A penalised linear model depends on nothing else: its weights are a sum of rows. The shorter rows are those of the
    Cholesky factor of the Gram matrix.
    """
    n_rows, n_columns = X.shape
    length = X.nnz / max(n_rows, 1) * 10 if sparse.issparse(X) else n_columns / 2  # sparse sums are ten times as slow
    if not 1 < n_rows <= min(SPAN_ROWS, length):
        return X
    gram = inner_products(X.astype(np.float64))
    size = np.trace(gram) / n_rows
    if not size > 0:
        return X
    gram.flat[:: n_rows + 1] += 1e-6 * size
    return linalg.cholesky(gram, lower=True, overwrite_a=True).astype(X.dtype)


def _back_from_span(coef, rows, X):
    """Return the weights of the columns of X, of a model that was fitted on `_in_their_span(X)`."""
    if rows is X:
        return coef
    shares = linalg.solve_triangular(rows, np.atleast_2d(coef).T, lower=True, trans=1, check_finite=False)
    return np.asarray(X.T @ shares.astype(X.dtype)).T


def _ridge_of_sums(sums, alphas):
    """Return ridge regressions from the sums of products of all pairs of [columns, 1, y] over the rows.

    Each is a line [weights of the columns, intercept, -1]: its product with a row is what the model errs by.
    """
    total = max(sums[-2, -2], np.finfo(float).tiny)
    mean = sums[-2] / total
    spread = sums - total * np.outer(mean, mean)
    sizes, directions = linalg.eigh(spread[:-2, :-2])
    shares = directions.T @ spread[:-2, -1]
    coef = (shares / (np.maximum(sizes, 0) + np.reshape(alphas, (-1, 1)))) @ directions.T
    return np.column_stack([coef, mean[-1] - coef @ mean[:-2], np.full(len(coef), -1.0)])


def _rounded(coef):
    """Return weights, of many words, say, in half precision: model files hold them in half the room.

    They stay as they are where they are too large or too small for it.
    """
    with np.errstate(over="ignore"):
        rounded = coef.astype(np.float16).astype(coef.dtype)
    return rounded if np.abs(rounded - coef).max() <= 2**-11 * np.abs(coef).max() else coef


@dataclass(repr=False, eq=False, kw_only=True)
class LogisticPath(ClassifierMixin, BaseEstimator):
    """Logistic regression whose penalty is chosen on inner folds, by log loss.

    Parameters
    ----------
    Cs : sequence of float, default=(0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
        Inverse penalties to try, on rows of about unit norm (see `ViewScaler`). They are tried
        from small to large, until two in a row were worse than the best.
    n_folds : int, default=3
        Number of inner folds.
    max_rows : int, default=500
        From this many rows on, one inner fold is scored instead of all.
    max_iter : int, default=1000
        Iterations of a fit (Newton's method; of two classes and many columns or numbers, L-BFGS).
    tol : float, default=5e-4
        Largest gradient of the mean loss at which a fit stops.
    random_state : int, RandomState instance or None, default=None
        Draws the inner folds.

    Attributes
    ----------
    C_ : float
        The inverse penalty chosen.
    losses_ : ndarray of shape (n_tried,)
        Mean log loss of the held-out rows, in nats, for the first values of `Cs` in rising order.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Weights of the columns.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from ensemble_mm.learners import LogisticPath
    >>> X, y = load_iris(return_X_y=True)
    >>> LogisticPath(random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    Cs: Sequence[float] = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    n_folds: int = 3
    max_rows: int = 500
    max_iter: int = 1000
    tol: float = 5e-4
    random_state: int | np.random.RandomState | None = None

    reads_by_rows = True

    _parameter_constraints = {
        "Cs": ["array-like"],
        "n_folds": [whole(2)],
        "max_rows": [whole(1)],
        "max_iter": [whole(1)],
        "tol": [POSITIVE],
        "random_state": ["random_state"],
    }

    def fit(self, X, y, sample_weight=None, groups=None):
        """Choose the penalty, then fit all rows of X, (n_samples, n_features), to their labels.

        Weights of rows count in the fits and in the choice; rows of a group come into the same inner fold.
        """
        check_params(self)
        path = np.sort(_check_path("Cs", self.Cs))
        X, y = _read(self, X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("LogisticPath needs samples of at least 2 classes, but the data contains only one class.")
        weight = None if sample_weight is None else check_sample_weight(sample_weight, X)
        if _is_long(X):
            self._fit_long(X, codes, weight, path, groups)
            return self
        X = np.asarray(X) if isinstance(X, LazyRows) else X
        rows = _in_their_span(X)
        self.losses_ = self._score_path(rows, codes, weight, path, groups)
        self.C_ = float(path[np.argmin(self.losses_)])
        model = self._model(self.C_, rows).fit(rows, codes, sample_weight=weight)
        self.coef_, self.intercept_ = _back_from_span(model.coef_, rows, X), model.intercept_
        if sparse.issparse(X):
            self.coef_ = _rounded(self.coef_)
        self.n_iter_ = int(np.max(model.n_iter_))
        return self

    def _fit_long(self, X, codes, weight, path, groups):
        """Choose the penalty on evenly spaced rows, and go on from what they say, under one as strong, with all."""
        self.losses_ = self._score_path(X, codes, weight, path, groups)
        self.C_, n_classes = float(path[np.argmin(self.losses_)]), len(self.classes_)
        some, known, weights, _ = _thinned(X, codes, weight, None)
        first = self._model(self.C_ * len(known) / len(codes), some).fit(some, known, weights)
        coef = np.zeros((n_classes if n_classes > 2 else 1, X.shape[1] + 1))
        coef[first.classes_ if n_classes > 2 else slice(None)] = np.column_stack([first.coef_, first.intercept_])
        settings = {"C": self.C_, "tol": self.tol, "max_iter": self.max_iter}
        coef, self.n_iter_ = fit_logits(X, codes, weight, coef, **settings)
        self.coef_, self.intercept_ = coef[:, :-1].astype(X.dtype), coef[:, -1].astype(X.dtype)
        if sparse.issparse(some):
            self.coef_ = _rounded(self.coef_)

    def _model(self, C, X):
        # The second derivative is worth its cost where there are several classes, or few columns of not too many rows.
        is_large = X.shape[1] > FEW_COLUMNS or X.shape[0] * X.shape[1] > FEW_NUMBERS
        solver = "lbfgs" if len(self.classes_) == 2 and is_large else "newton-cg"
        return LogisticRegression(C=C, max_iter=self.max_iter, tol=self.tol, solver=solver)

    def _score_path(self, X, codes, weight, path, groups):
        if len(path) == 1:
            return np.zeros(1)
        X, codes, weight, groups = _thinned(X, codes, weight, groups)
        folds = inner_folds(codes, min(self.n_folds, len(codes)), self.random_state, classes=True, groups=groups)
        parts = []
        for fold in range(1 if len(codes) >= self.max_rows else folds.max() + 1):
            train = np.flatnonzero(folds != fold)
            known = np.isin(codes, codes[train])  # a class of one row cannot be learned without it
            test = np.flatnonzero((folds == fold) & known)
            if len(test) and len(np.unique(codes[train])) > 1:
                parts.append((X[train], train, X[test], test, self._model(1.0, X).set_params(warm_start=True)))
        if not parts:
            return _usual(path)
        losses = []
        for C in path:
            loss, total = 0.0, 0.0
            for X_train, train, X_test, test, model in parts:
                model.set_params(C=C).fit(X_train, codes[train], None if weight is None else weight[train])
                column = np.searchsorted(model.classes_, codes[test])
                proba = model.predict_proba(X_test)[np.arange(len(test)), column]
                w = np.ones(len(test)) if weight is None else weight[test]
                loss -= w @ np.log(np.maximum(proba, 1e-7))
                total += w.sum()
            losses.append(loss / max(total, 1e-300))
            if len(losses) - 1 - np.argmin(losses) >= PATIENCE:
                break
        return np.array(losses)

    def decision_function(self, X):
        """Return logits: shape (n_samples,) for two classes, else (n_samples, n_classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32])
        scores = np.asarray(X @ self.coef_.T) + self.intercept_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X):
        """Return class probabilities of shape (n_samples, n_classes)."""
        scores = self.decision_function(X).astype(np.float64)
        if scores.ndim == 1:
            scores = np.c_[np.zeros(len(scores)), scores]
        return softmax(scores, axis=1)

    def predict(self, X):
        """Return the most probable label of each row."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@dataclass(repr=False, eq=False, kw_only=True)
class RidgePath(RegressorMixin, BaseEstimator):
    """Ridge regression whose penalty is chosen on rows left out, by squared error.

    Up to 500 rows (or columns, when X is dense, of up to 8,192 rows) each row is left out once, which ridge
    regression has in closed form; larger data, and those with groups, are scored on inner folds. With many rows and
    few columns, the folds need only sums over the rows, which are read once, some at a time.

    Parameters
    ----------
    alphas : sequence of float, default=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
        Penalties to try, on rows of about unit norm (see `ViewScaler`).
    n_folds : int, default=3
        Number of inner folds for larger data.
    max_rows : int, default=500
        From this many rows on, one inner fold is scored instead of all, unless sums over the rows serve all.
    random_state : int, RandomState instance or None, default=None
        Draws the inner folds.

    Attributes
    ----------
    alpha_ : float
        The penalty chosen.
    coef_ : ndarray of shape (n_features,)
        Weights of the columns, in units of y per unit of the column.
    intercept_ : float
        Intercept, in units of y.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from ensemble_mm.learners import RidgePath
    >>> X, y = load_diabetes(return_X_y=True)
    >>> RidgePath().fit(X, y).score(X, y) > 0.5
    True
    """

    alphas: Sequence[float] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    n_folds: int = 3
    max_rows: int = 500
    random_state: int | np.random.RandomState | None = None

    reads_by_rows = True

    _parameter_constraints = {
        "alphas": ["array-like"],
        "n_folds": [whole(2)],
        "max_rows": [whole(1)],
        "random_state": ["random_state"],
    }

    def fit(self, X, y, sample_weight=None, groups=None):
        """Choose the penalty, then fit all rows; see `LogisticPath.fit`."""
        check_params(self)
        path = np.sort(_check_path("alphas", self.alphas))[::-1]
        X, y = _read(self, X, y, y_numeric=True)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, X)
        n_rows, n_columns = X.shape
        if n_rows > ROWS and not is_sparse(X) and n_columns <= LEAVE_ONE_OUT:
            self._fit_by_sums(X, y, weight, path, groups)
            return self
        if _is_long(X):
            self._fit_long(X, y, weight, path, groups)
            return self
        X = np.asarray(X) if isinstance(X, LazyRows) else X
        small = n_rows <= LEAVE_ONE_OUT or (not sparse.issparse(X) and n_columns <= LEAVE_ONE_OUT)
        rows = _in_their_span(X) if small else X
        if small and groups is None:
            model = RidgeCV(alphas=path).fit(rows.astype(np.float64), y, sample_weight=weight)
            self.alpha_ = float(model.alpha_)
        else:
            losses = self._score_path(rows, y, weight, path, groups)
            self.alpha_ = float(path[np.argmin(losses)])
            model = _ridge(self.alpha_, rows).fit(rows, y, sample_weight=weight)
        self.coef_, self.intercept_ = np.ravel(_back_from_span(model.coef_, rows, X)), float(model.intercept_)
        return self

    def _fit_long(self, X, y, weight, path, groups):
        """Do what `LogisticPath` does of very many rows."""
        self.alpha_ = float(path[np.argmin(self._score_path(X, y, weight, path, groups))])
        some, known, weights, _ = _thinned(X, y, weight, None)
        first = _ridge(self.alpha_ * len(known) / len(y), some).fit(some, known, weights)
        self.coef_, self.intercept_ = fit_ridge(X, y, weight, first.coef_.astype(np.float64), alpha=self.alpha_)

    def _fit_by_sums(self, X, y, weight, path, groups):
        """Choose the penalty on inner folds and fit, from sums over the rows of each fold."""
        folds = inner_folds(y, self.n_folds, self.random_state, classes=False, groups=groups)
        middle = np.r_[X[:ROWS].mean(axis=0, dtype=np.float64), 0.0, y.mean()]  # about: so that digits are not lost
        sums = np.zeros((folds.max() + 1, len(middle), len(middle)))
        for start in range(0, len(y), ROWS):
            some = slice(start, start + ROWS)
            rows = np.column_stack([X[some], np.ones(len(y[some])), y[some]]) - middle
            weighed = rows if weight is None else rows * weight[some, np.newaxis]
            for fold in range(len(sums)):
                own = folds[some] == fold
                sums[fold] += weighed[own].T @ rows[own]
        whole = sums.sum(axis=0)
        losses = _usual(path)
        if len(sums) > 1:
            fits = [(_ridge_of_sums(whole - own, path), own) for own in sums]
            losses = np.sum([np.einsum("ai,ij,aj->a", said, own, said) for said, own in fits], axis=0)
        self.alpha_ = float(path[np.argmin(losses)])
        *coef, intercept, _ = _ridge_of_sums(whole, [self.alpha_])[0]
        self.coef_, self.intercept_ = np.array(coef), float(intercept + middle[-1] - middle[:-2] @ coef)

    def _score_path(self, X, y, weight, path, groups):
        X, y, weight, groups = _thinned(X, y, weight, groups)
        folds = inner_folds(y, min(self.n_folds, len(y)), self.random_state, classes=False, groups=groups)
        if not folds.any():
            return _usual(path)
        parts = [
            (X[folds != fold], np.flatnonzero(folds != fold), X[folds == fold], np.flatnonzero(folds == fold))
            for fold in range(1 if len(y) >= self.max_rows else folds.max() + 1)
        ]
        losses = []
        for alpha in path:
            loss = 0.0
            for X_train, train, X_test, test in parts:
                model = _ridge(alpha, X).fit(X_train, y[train], None if weight is None else weight[train])
                error = (model.predict(X_test) - y[test]) ** 2
                loss += error.sum() if weight is None else error @ weight[test]
            losses.append(loss)
            if len(losses) - 1 - np.argmin(losses) >= PATIENCE:
                break
        return np.array(losses)

    def predict(self, X):
        """Return the predicted value of each row, shape (n_samples,)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32])
        return np.asarray(X @ self.coef_) + self.intercept_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
