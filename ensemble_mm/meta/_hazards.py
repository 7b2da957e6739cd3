"""Blends of logarithms of hazards, for times to an event: one weight of at least 0 per member."""

from .._kinds import Survival
from ._one_weight import EvenBlend, GreedyBlend


class MeanHazards(EvenBlend):
    """Give every member the same weight.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)
        Logarithm of events per unit of time: the answer for a row without any member.

    Examples
    --------
    >>> from ensemble_mm.meta import MeanHazards
    >>> MeanHazards().fit([[0.0, 1.0]] * 3, [1.0, 2.0, -3.0]).predict([[0.0, 1.0]])
    array([[0.5]])
    """

    family = Survival.family
    _kind = Survival()


class GreedyHazards(GreedyBlend):
    """Add one member at a time, with replacement, while the deviance of the blend falls.

    Parameters
    ----------
    n_steps : int, default=50
        Most members that are added.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import GreedyHazards
    >>> times = np.arange(1.0, 30.0)
    >>> GreedyHazards().fit(np.c_[-np.log(times), np.log(times)], times).weights_
    array([1., 0.])
    """

    family = Survival.family
    _kind = Survival()
