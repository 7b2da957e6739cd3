"""Gaussian process regression that fits its kernel quietly and briefly.

scikit-learn's regressor with a kernel fitted here: one length per column (for few columns), bounded
steps, columns whose length runs off to infinity left there without a warning.
"""

from copy import copy
from numbers import Real

import numpy as np
from scipy.linalg import LinAlgError, cholesky
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import Options, check_params, whole

JITTER = 1e-8  # on the diagonal of the covariance
TINY = 1e-6  # the least distance of two rows
FEW = 100  # rows that tell where to begin


class GaussianProcess(RegressorMixin, BaseEstimator):
    """Gaussian process regression for tables of up to some thousand rows.

    The kernel is a Matern kernel plus noise; its lengths, its height and the noise maximise the
    marginal likelihood.

    Parameters
    ----------
    smoothness : {0.5, 1.5, 2.5, inf}, default=1.5
        The parameter nu of the Matern kernel; `numpy.inf` gives the RBF kernel.
    anisotropic : bool, default=True
        One length for each column; False: one for all. Tables of more than `max_lengths`
        columns always get one for all.
    max_lengths : int, default=20
        Columns up to which each gets a length of its own.
    max_iter : int, default=60
        Steps of the optimiser.
    max_rows : int, default=500
        Rows that the kernel is fitted on, evenly spaced among those given: a step of the optimiser costs their cube.
        The process itself takes all rows.

    Attributes
    ----------
    regressor_ : GaussianProcessRegressor
        The fitted process.
    n_iter_ : int
        Steps of the optimiser in the last climb.
    log_marginal_likelihood_ : float
        Its log marginal likelihood, in nats, of the standardised targets.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.learners import GaussianProcess
    >>> X = np.linspace(0, 3, 20)[:, np.newaxis]
    >>> model = GaussianProcess().fit(X, np.sin(X[:, 0]))
    >>> bool(abs(model.predict([[1.6]])[0] - np.sin(1.6)) < 0.01)
    True
    """

    _parameter_constraints = {
        "smoothness": [Options(Real, {0.5, 1.5, 2.5, np.inf})],
        "anisotropic": ["boolean"],
        "max_lengths": [whole(0)],
        "max_iter": [whole(1)],
        "max_rows": [whole(2)],
    }

    def __init__(self, *, smoothness=1.5, anisotropic=True, max_lengths=20, max_iter=60, max_rows=500):
        self.smoothness = smoothness
        self.anisotropic = anisotropic
        self.max_lengths = max_lengths
        self.max_iter = max_iter
        self.max_rows = max_rows

    def fit(self, X, y):
        """Fit the kernel, then the process; X has features of about unit variance or unit row norm."""
        check_params(self)
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        n_rows, n_columns = X.shape
        some = np.linspace(0, n_rows - 1, min(n_rows, self.max_rows)).astype(int)
        few = np.linspace(0, n_rows - 1, min(len(some), FEW)).astype(int)
        own = self.anisotropic and 1 < n_columns <= self.max_lengths
        spread = np.sqrt(2 * X.var(axis=0).sum()) or 1.0  # the usual distance of two rows
        kernel = self._kernel(spread, spread)
        # A quiet and a noisy beginning: the likelihood often has an optimum for each. Few rows tell which is better.
        starts = [np.r_[kernel.theta[:-1], np.log(noise)] for noise in (0.01, 0.3)]
        first, sample = (X[few], y[few]), (X[some], y[some])
        best = min((self._maximise(kernel, start, *first, self.max_iter) for start in starts), key=lambda f: f.fun)
        if len(some) > len(few):
            best = self._maximise(kernel, best.x, *sample, self.max_iter)
        if own:  # few steps from the common length: enough to find columns that matter, too few to fit noise
            height, length, noise = best.x
            kernel = self._kernel(np.full(n_columns, spread), spread)
            start = np.r_[height, np.full(n_columns, length), noise]
            best = self._maximise(kernel, start, *sample, max(1, self.max_iter // 3))
        process = GaussianProcessRegressor(
            kernel.clone_with_theta(best.x), optimizer=None, normalize_y=True, alpha=JITTER
        )
        self.regressor_ = process.fit(X, y)
        self.n_iter_ = max(1, int(best.nit))
        self.log_marginal_likelihood_ = float(self.regressor_.log_marginal_likelihood_value_)
        return self

    def _kernel(self, length, spread):
        shape = Matern(length, (spread * 1e-2, spread * 1e3), nu=float(self.smoothness))
        return ConstantKernel(1.0, (1e-2, 1e3)) * shape + WhiteKernel(0.1, (1e-6, 2.0))

    def _maximise(self, kernel, start, X, y, max_iter):
        z = (y - y.mean()) / (y.std() or 1.0)

        def negative(theta):
            try:
                return _negative_likelihood(theta, X, z, self.smoothness)
            except LinAlgError:
                return 1e25, np.zeros_like(theta)

        return minimize(
            negative, start, jac=True, method="L-BFGS-B", bounds=kernel.bounds, options={"maxiter": max_iter}
        )

    def predict(self, X, return_std=False):
        """Return the mean of each row, and its standard deviation when asked for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        return_std : bool, default=False
            Also return the standard deviation of a new observation, in units of y.

        Returns
        -------
        ndarray of shape (n_samples,), or a pair of them
            Predictions.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        process = self.regressor_
        if return_std and not hasattr(process, "L_"):
            covariance = process.kernel_(process.X_train_)
            covariance[np.diag_indices_from(covariance)] += process.alpha
            process.L_ = cholesky(covariance, lower=True, check_finite=False)
        return process.predict(X, return_std=return_std)

    def __getstate__(self):
        """Return the state without the factor of the covariance: many numbers, which only deviations need."""
        state = super().__getstate__()
        if "regressor_" not in state:
            return state
        process = copy(state["regressor_"])
        vars(process).pop("L_", None)
        return state | {"regressor_": process}


def _negative_likelihood(theta, X, z, smoothness):
    """Return minus the log marginal likelihood of standardised targets, and its slope in `theta`.

    That holds the logarithms of the height, of one length or one per column, and of the noise, as the kernel of
    scikit-learn does. Its own likelihood, which makes an array of all rows times rows times parameters, takes five
    times as long.
    """
    height, *lengths, noise = np.exp(theta)
    scaled = X / lengths
    norms = (scaled**2).sum(axis=1)
    squares = np.maximum(norms[:, np.newaxis] + norms - 2 * scaled @ scaled.T, 0.0)
    shape, slope = _matern(squares, smoothness)
    covariance = height * shape
    covariance.flat[:: len(z) + 1] += noise + JITTER
    lower = cholesky(covariance, lower=True, check_finite=False)
    inverse = dpotri(lower, lower=1)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = inverse @ z
    value = 0.5 * z @ weights + np.log(np.diag(lower)).sum() + 0.5 * len(z) * np.log(2 * np.pi)
    inverse -= np.outer(weights, weights)
    moved = inverse * slope * height
    if len(lengths) == 1:
        by_length = [0.5 * np.vdot(moved, squares)]
    else:  # the sum of each column's squared distances, without an array of them
        by_length = moved.sum(axis=1) @ scaled**2 - (scaled * (moved @ scaled)).sum(axis=0)
    return value, np.r_[0.5 * height * np.vdot(inverse, shape), by_length, 0.5 * noise * np.trace(inverse)]


def _matern(squares, smoothness):
    """Return a Matern kernel of squared distances, and what its slope in the logarithm of a length is, by such one."""
    if smoothness == np.inf:
        shape = np.exp(-squares / 2)
        return shape, shape
    distance = np.sqrt(2 * smoothness * squares)
    fall = np.exp(-distance)
    if smoothness == 0.5:
        return fall, fall / np.maximum(distance, TINY)
    if smoothness == 1.5:
        return (1 + distance) * fall, 3 * fall
    return (1 + distance + distance**2 / 3) * fall, 5 / 3 * (1 + distance) * fall
