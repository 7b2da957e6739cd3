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
        rows, *given = _of_queries(oof, y, pattern, sample_weight, groups)
        return self._keep(-np.asarray(oof)[rows], *given)

    def add(self, pattern, oof, y, sample_weight=None, groups=None):
        """Learn from rows that were predicted as if they had a pattern, whose bits tell the views."""
        rows, _, *given = _of_queries(oof, y, None, sample_weight, groups)
        return self._add(pattern, -np.asarray(oof)[rows], *given)

    def sets(self, prediction, coverage=0.9, pattern=None):
        """Return which rows may be the most relevant of their query: bool, shape (n_samples,)."""
        check_is_fitted(self)
        return -np.asarray(prediction) <= self._quantiles(coverage, pattern, len(prediction))


def _of_queries(scores, y, pattern, weight, groups):
    """Return the row of each query that has the highest score, and the pattern, weight and group of these.

    Where each query is a group by itself there are no groups: one of weight two counts as two.
    """
    query = Ranking().units(np.asarray(y, dtype=float))
    rows = np.lexsort((-np.asarray(scores), query))
    if len(rows):
        rows = rows[np.r_[True, np.diff(query[rows]) > 0]]
    pattern, weight, groups = (None if part is None else np.asarray(part)[rows] for part in (pattern, weight, groups))
    return rows, pattern, weight, None if groups is None or len(np.unique(groups)) == len(rows) else groups
