import numpy as np
import pytest
from scipy import sparse

from ensemble_mm._products import times


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_row_gives_what_it_gives_among_others(dtype):
    rng = np.random.default_rng(0)
    X = sparse.random(4, 300, 0.4, "csr", dtype, rng)
    X[2] = 0
    X.eliminate_zeros()
    for matrix in (
        rng.normal(size=300),
        rng.normal(size=(300, 1)),
        rng.normal(size=(300, 7)),
        rng.normal(size=(7, 300)).T,
    ):
        matrix = matrix.astype(dtype)
        wanted = X @ matrix
        for row in range(4):
            np.testing.assert_array_equal(times(X[row], matrix), wanted[row : row + 1])
