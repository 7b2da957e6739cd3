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
