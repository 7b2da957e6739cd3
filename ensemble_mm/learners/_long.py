"""Linear models of very many rows, which read some rows at a time, so that few are in memory.

Each starts from the weights of a fit on evenly spaced rows. Every step then reads all rows once, in their order.
"""

import numpy as np
from scipy import linalg, optimize, sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import expit, logsumexp

ROWS = 8192  # that are read at a time
SUMMED_COLUMNS = 160  # columns times classes, up to which Newton's method is quicker than L-BFGS
STEPS = 20  # of Newton's method, at most: two are usual
RIDGE_TOL = 1e-5  # residual, as a share of the right side, at which conjugate gradients end


def fit_logits(X, codes, weight, coef, *, C, tol, max_iter):
    """Fit logistic regression; return the weights of columns, with the intercept as the last, and the number of steps.

    Parameters
    ----------
    X : ndarray, CSR matrix or LazyRows of shape (n_rows, n_columns)
    codes : ndarray of shape (n_rows,)
        Places of the classes.
    weight : ndarray of shape (n_rows,) or None
    coef : ndarray of shape (n_logits, n_columns + 1)
        Where to start: one line per class, or of two classes one for the second.
    C : float
        Inverse penalty.
    tol : float
        The fit ends when no derivative of the mean loss is larger.
    max_iter : int
    """
    penalty = np.tile(np.r_[np.full(X.shape[1], 1 / C), 0.0], len(coef))
    if coef.size - len(coef) <= SUMMED_COLUMNS and not is_sparse(X):
        found = _newton(X, codes, weight, coef, penalty, tol)
        if found is not None:
            return found

    def loss(flat):
        value, slope, total, _ = _sums_of_logits(X, codes, weight, flat.reshape(coef.shape))
        return (value + penalty @ flat**2 / 2) / total, (slope + penalty * flat) / total

    options = {"gtol": tol, "maxiter": max_iter, "maxls": 50, "ftol": 64 * np.finfo(float).eps}
    found = optimize.minimize(loss, coef.ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(coef.shape), found.nit


def _newton(X, codes, weight, coef, penalty, tol):
    """Return what `fit_logits` does; None where whole steps do not get there, as from a beginning far from the end."""
    for step in range(1, STEPS + 1):
        _, slope, total, bend = _sums_of_logits(X, codes, weight, coef, curved=True)
        slope += penalty * coef.ravel()
        # The intercepts of several classes may all be shifted alike: of such steps the shortest.
        coef = coef - linalg.lstsq(bend + np.diag(penalty), slope, check_finite=False)[0].reshape(coef.shape)
        if np.abs(slope).max() <= tol * total:
            return coef, step
    return None


def _sums_of_logits(X, codes, weight, coef, curved=False):
    """Return the log loss, its derivatives by the weights, the total weight, and second derivatives where asked for."""
    n_logits, width = coef.shape
    loss, slope, total, bend = 0.0, np.zeros(coef.size), 0.0, np.zeros((coef.size, coef.size) if curved else 0)
    for some, rows in _parts(X):
        own = np.ones(len(codes[some])) if weight is None else weight[some]
        scores = rows @ coef.T[:-1] + coef[:, -1]
        logits = scores if n_logits > 1 else np.column_stack([np.zeros(len(scores)), scores])
        norms = logsumexp(logits, axis=1)
        loss += own @ (norms - np.take_along_axis(logits, codes[some, np.newaxis], axis=1)[:, 0])
        chances = np.exp(scores - norms[:, np.newaxis]) if n_logits > 1 else expit(scores)
        is_class = codes[some, np.newaxis] == (np.arange(n_logits) if n_logits > 1 else 1)
        errors = (chances - is_class) * own[:, np.newaxis]
        slope += np.column_stack([(rows.T @ errors).T, errors.sum(axis=0)]).ravel()
        total += own.sum()
        if curved:
            rows = np.column_stack([rows, np.ones(len(rows))])
            for a in range(n_logits):
                for b in range(n_logits):
                    share = own * chances[:, a] * ((a == b) - chances[:, b])
                    part = (rows * share[:, np.newaxis]).T @ rows
                    bend[a * width : (a + 1) * width, b * width : (b + 1) * width] += part
    return loss, slope, total, bend


def fit_ridge(X, y, weight, coef, *, alpha):
    """Fit ridge regression from the weights `coef` on; return the weights of columns, and the intercept."""
    weight = np.ones(len(y)) if weight is None else weight
    total, middle = weight.sum(), np.average(y, weights=weight)
    mean, right, squares = np.zeros((3, X.shape[1]))
    for some, rows in _parts(X):
        mean += rows.T @ weight[some] / total
        right += rows.T @ (weight[some] * (y[some] - middle))
        squares += (rows.multiply(rows) if sparse.issparse(rows) else rows * rows).T @ weight[some]

    def times(coef):
        out = alpha * coef - total * mean * (mean @ coef)
        for some, rows in _parts(X):
            out += rows.T @ (weight[some] * (rows @ coef))
        return out

    # Frequent and rare words differ in size: divided by that, 250,000 texts took 53 passes instead of 253.
    sizes = alpha + np.maximum(squares - total * mean**2, 0.0)
    whole, scaled = (
        LinearOperator((len(coef), len(coef)), call, dtype=np.float64) for call in (times, lambda coef: coef / sizes)
    )
    coef, _ = cg(whole, right, coef, rtol=RIDGE_TOL, M=scaled)
    return coef, float(middle - mean @ coef)


def is_sparse(X) -> bool:
    """Tell whether rows are sparse, also those that are not read yet."""
    return sparse.issparse(X) or getattr(X, "is_sparse", False)


def _parts(X):
    """Yield slices, and the rows of each in double precision."""
    for start in range(0, X.shape[0], ROWS):
        some = slice(start, start + ROWS)
        yield some, X[some].astype(np.float64)
