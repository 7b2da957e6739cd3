"""Products of rows and matrices, and the numbers in them."""

import numpy as np
from scipy import sparse

LARGEST = float(np.finfo(np.float16).max)


def times(X, matrix):
    """Return the product of an array or CSR matrix and an array, of one or two dimensions, as an array.

    Of one sparse row only the lines that it meets are looked at, in the same order: SciPy copies the whole matrix where
    it does not lie row by row in memory.
    """
    if not sparse.issparse(X) or X.shape[0] > 1 or not X.nnz:
        return np.asarray(X @ matrix)
    values = X.data if matrix.ndim == 1 else X.data[:, np.newaxis]
    return np.multiply(values, matrix[X.indices], order="C").cumsum(axis=0)[-1:]


def inner_products(X):
    """Return the inner products of the rows of an array or CSR matrix: an array of shape (n_rows, n_rows).

    Columns that many rows have are multiplied as an array: sparse sums are ten times as slow.
    """
    if not sparse.issparse(X):
        return X @ X.T
    full = X.getnnz(axis=0) > X.shape[0] / 10
    dense, rare = X[:, full].toarray(), X[:, ~full]
    return dense @ dense.T + (rare @ rare.T).toarray()


def half(values):
    """Return an array or CSR matrix with its numbers rounded to half precision: model files keep them in two bytes.

    Numbers that are too large for it become the largest that it has.
    """
    if sparse.issparse(values):
        return sparse.csr_matrix((half(values.data), values.indices, values.indptr), values.shape)
    return np.clip(values, -LARGEST, LARGEST).astype(np.float16).astype(values.dtype)
