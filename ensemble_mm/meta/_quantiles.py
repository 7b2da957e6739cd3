"""Blends of quantiles: one weight of at least 0 per member, so that no quantile of a blend lies below a lower one."""

from .._kinds import Quantiles
from ._one_weight import EvenBlend, GreedyBlend


class MeanQuantiles(EvenBlend):
    """Give every member the same weight.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_levels,)
        Quantiles of y: the answer for a row without any member.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import MeanQuantiles
    >>> table = np.tile(np.r_[np.zeros(7), np.ones(7)], (3, 1))
    >>> MeanQuantiles().fit(table, [0.0, 1.0, 2.0]).predict(table[:1])
    array([[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]])
    """

    family = Quantiles.family
    _kind = Quantiles()


class GreedyQuantiles(GreedyBlend):
    """Add one member at a time, with replacement, while the mean pinball loss of the blend falls.

    Parameters
    ----------
    n_steps : int, default=50
        Most members that are added.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_levels,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import GreedyQuantiles
    >>> y = np.arange(30.0)
    >>> table = np.c_[np.tile(y[:, np.newaxis], 7), np.zeros((30, 7))]
    >>> GreedyQuantiles().fit(table, y).weights_
    array([1., 0.])
    """

    family = Quantiles.family
    _kind = Quantiles()
