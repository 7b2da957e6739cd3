"""Products of rows and matrices."""

import numpy as np
from scipy import sparse


def times(X, matrix):
    """Return the product of an array or CSR matrix and an array, of one or two dimensions, as an array.

    Of one sparse row only the lines that it meets are looked at, in the same order: SciPy copies the whole matrix where
    it does not lie row by row in memory.
    """
    if not sparse.issparse(X) or X.shape[0] > 1 or not X.nnz:
        return np.asarray(X @ matrix)
    values = X.data if matrix.ndim == 1 else X.data[:, np.newaxis]
    return np.multiply(values, matrix[X.indices], order="C").cumsum(axis=0)[-1:]
