"""What rows of a weight count: one of weight two is two rows."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_array


def rows_worth(sample_weight, n_samples):
    """Return checked weights that sum to the number of rows that they are worth."""
    if sample_weight is None or isinstance(sample_weight, Real):
        return np.ones(n_samples)
    weight = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weight.shape != (n_samples,):
        raise ValueError(f"sample_weight has shape {weight.shape}, expected ({n_samples},): give every row one weight.")
    if (weight < 0).any() or not weight.any():
        raise ValueError("Negative values in data passed to `sample_weight`, or only zeros: weights are at least 0.")
    if (weight == np.round(weight)).all():
        return weight  # whole numbers count repeated rows
    # Kish's effective sample size does not change with the unit of the weights.
    return weight * weight.sum() / (weight @ weight)


def weighted_ranks(values, weight):
    """Return the share of the weight that lies below each value, and half of its own."""
    _, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weight)
    return (np.cumsum(mass) - mass / 2)[place]


def mean_and_error(values, weight=None, groups=None):
    """Return the weighted mean of one value per row, and its standard error.

    Rows of a group err together: the error is that of the groups' sums [1]_. Fewer than two rows or groups give
    (0, inf).

    References
    ----------
    .. [1] Liang, K.-Y., Zeger, S. (1986). Longitudinal data analysis using generalized linear models. Biometrika 73,
       13-22.
    """
    weight = np.ones(len(values)) if weight is None else np.asarray(weight, dtype=float)
    some = weight > 0  # the others, and groups that are of such rows alone, make nothing surer
    values, groups, weight = (None if part is None else np.asarray(part)[some] for part in (values, groups, weight))
    _, unit = np.unique(np.arange(len(values)) if groups is None else groups, return_inverse=True)
    if not weight.any() or (worth := rows_worth(weight, len(values)).sum() if groups is None else unit.max() + 1) < 2:
        return 0.0, np.inf
    share = weight / weight.sum()
    apart = values - (mean := share @ values)
    variance = share @ apart**2 / worth if groups is None else (np.bincount(unit, share * apart) ** 2).sum()
    return float(mean), float(np.sqrt(variance * worth / (worth - 1)))
