"""Blends of scores within queries: one weight of at least 0 per member."""

from .._kinds import Ranking
from ._one_weight import EvenBlend, GreedyBlend


class MeanRanks(EvenBlend):
    """Give every member the same weight.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (1,)
        The score of a row without any member.

    Examples
    --------
    >>> from ensemble_mm.meta import MeanRanks
    >>> MeanRanks().fit([[0.0, 1.0]] * 3, [1.0, 2.0, 33.0]).predict([[0.0, 1.0]])
    array([[0.5]])
    """

    family = Ranking.family
    _kind = Ranking()


class GreedyRanks(GreedyBlend):
    """Add one member at a time, with replacement, while the NDCG of the blend grows.

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
    >>> from ensemble_mm.meta import GreedyRanks
    >>> relevance = np.arange(9.0)  # of one query
    >>> GreedyRanks().fit(np.c_[-relevance, relevance], relevance).weights_
    array([0., 1.])
    """

    family = Ranking.family
    _kind = Ranking()
