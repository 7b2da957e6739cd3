"""Which rows of a query may be its most relevant one, as often as is said, from out-of-fold scores."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._kinds import Ranking
from ._conformal import ByPattern


class ConformalShortlists(ByPattern):
    """Rows that may be the most relevant of their query: those whose score is high enough [1]_.

    A new query is one draw. The score from which on rows are listed is such that the asked share of queries has a most
    relevant row on the list. The others have a list without it, which may be empty. So a query need not be known to
    list its rows: scores of several queries are held against the same bound.

    Attributes
    ----------
    scores_, worth_, seen_, added_ : as in `ConformalIntervals`
        Of the most relevant rows of the queries.

    References
    ----------
    .. [1] Li, S., Park, S., Lee, I., Bastani, O. (2024). TRAQ: trustworthy retrieval augmented question answering via
       conformal prediction. NAACL. It lists passages so that the right one is among them.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalShortlists
    >>> lists = ConformalShortlists().fit(np.arange(99.0), 32 * np.arange(99) + 1)
    >>> lists.sets(np.array([8.0, 9.0]), 0.9)
    array([False,  True])
    """

    def fit(self, oof, y, pattern=None, sample_weight=None, groups=None):
        """Learn from out-of-fold scores of the most relevant rows; of equally relevant ones of a query the best counts.

        `y` are numbers of queries times 32, plus relevances, as `ensemble_mm._kinds.Ranking` has them.
        """
        given = [None if part is None else np.asarray(part) for part in (pattern, sample_weight, groups)]
        rows = _first_of_each(oof, y)
        return self._keep(-np.asarray(oof)[rows], *(None if part is None else part[rows] for part in given))

    def add(self, pattern, oof, y, sample_weight=None, groups=None):
        """Learn from rows that were predicted as if they had a pattern, whose bits tell the views."""
        rows, given = _first_of_each(oof, y), (sample_weight, groups)
        return self._add(
            pattern, -np.asarray(oof)[rows], *(None if part is None else np.asarray(part)[rows] for part in given)
        )

    def sets(self, prediction, coverage=0.9, pattern=None):
        """Return which rows may be the most relevant of their query: bool, shape (n_samples,)."""
        check_is_fitted(self)
        return -np.asarray(prediction) <= self._quantiles(coverage, pattern, len(prediction))


def _first_of_each(scores, y):
    """Return the row of each query that has the highest score."""
    query = Ranking().units(np.asarray(y, dtype=float))
    order = np.lexsort((-np.asarray(scores), query))
    return order[np.r_[True, np.diff(query[order]) > 0]] if len(order) else order
