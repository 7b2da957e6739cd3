"""Intervals and sets that cover as often as they say, from out-of-fold predictions, by what a row has."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from .._checks import check_params, one_of
from .._weights import mean_and_error, rows_worth
from ._calibration import check_proba
from ._columns import TINY

FEWEST_ROWS = 50  # of an availability pattern that gets a quantile of its own
ROWS_PER_SIZE, MOST_SIZES = 40, 10  # to tell how large residuals are near a prediction
LEAST_SIZE = 0.1  # of the mean
N_PARTS = 5  # of the rows, each of which gets its size from the others
SIGNIFICANT = 1.645  # standard errors: one-sided, 5 %
MOST_SCORES = 2000  # that are kept of a pattern: the others lie between them


class ByPattern(BaseEstimator):
    """Scores of the out-of-fold rows, by which views the rows have; a rare pattern uses all rows.

    Patterns that were tried out (`add`) are bits of views: one that is not known takes the known one that has the most
    of its views and no other. The one that has all views takes all rows.
    """

    _worth = staticmethod(rows_worth)

    def _keep(self, scores, pattern, weight, groups):
        self.scores_, self.worth_, self.seen_, self.added_ = {}, {}, [], []
        weight = self._worth(weight, len(scores))
        self._put(None, *_ranked(scores, weight, groups))
        if pattern is not None:
            pattern = _check_pattern(pattern, len(scores))
            self.seen_ = np.unique(pattern[weight > 0]).tolist()
            for value in self.seen_:
                rows = pattern == value
                own = _ranked(scores[rows], weight[rows], None if groups is None else np.asarray(groups)[rows])
                if own[1][-1] >= FEWEST_ROWS:
                    self._put(value, *own)
        return self

    def _add(self, pattern, scores, weight, groups):
        """Keep scores of rows that were predicted as if they had a pattern, unless rows that have it are enough."""
        if pattern not in self.scores_ and len(scores):
            own = _ranked(scores, self._worth(weight, len(scores)), groups)
            if own[1][-1:].sum() >= min(FEWEST_ROWS, self.worth_[None][-1]):
                self._put(pattern, *own)
                self.added_.append(pattern)
        return self

    def _put(self, key, scores, worth):
        some = slice(None) if len(scores) <= MOST_SCORES else np.linspace(0, len(scores) - 1, MOST_SCORES).astype(int)
        self.scores_[key], self.worth_[key] = scores[some], worth[some]

    def _known(self, pattern):
        """Return the keys of the scores that stand for a pattern."""
        if pattern in self.scores_:
            return [pattern]
        if self.added_ and pattern in self.seen_ and all(key & ~pattern == 0 for key in self.seen_):
            return [None]  # it has every view that any row has: all rows tell more of it than what lacks some
        below = [key for key in self.scores_ if key is not None and key & ~pattern == 0] if self.added_ else []
        most = max((key.bit_count() for key in below), default=0)
        return [key for key in below if key.bit_count() == most] or [None]

    def _quantile(self, key, coverage):
        own, pooled = (finite_quantile(self.scores_[k], coverage, self.worth_[k]) for k in (key, None))
        # Too few rows of a pattern for this coverage: the pooled rows, but not below what was seen.
        return np.where(np.isinf(own) & (key is not None), np.maximum(pooled, self.scores_[key][-1:].sum()), own)

    def _quantiles(self, coverage, pattern, n_rows):
        """Return the score of each row that covers; `coverage` is one number, or one per row."""
        coverage = check_coverage(coverage, n_rows)
        if pattern is None:
            return self._quantile(None, coverage)
        pattern, out = _check_pattern(pattern, n_rows), np.empty(n_rows)
        for value in np.unique(pattern).tolist():
            rows = pattern == value
            out[rows] = np.max([self._quantile(key, coverage[rows]) for key in self._known(value)], axis=0)
        return out

    def _farthest(self, pattern):
        """Return the highest score that was seen, of all rows or as if they had the pattern of each row."""
        if pattern is None:
            return self.scores_[None][-1]
        values, places = np.unique(pattern, return_inverse=True)
        return np.array([max(self.scores_[k][-1] for k in (None, *self._known(v))) for v in values.tolist()])[places]

    def shares(self, oof, y, weight):
        """Return how often each row counts for itself and for others of which the truth is not known."""
        return np.ones(len(y))

    def _levels(self, scores, pattern):
        """Return the coverage at which each row is just covered, shape (n_rows,)."""
        pattern, out = _check_pattern(pattern, len(scores)), np.empty(len(scores))
        for value in np.unique(pattern).tolist():
            rows, key = pattern == value, self._known(value)[0]
            kept, worth = self.scores_[key], self.worth_[key]
            below = np.r_[0.0, worth][np.searchsorted(kept, scores[rows])]
            # Rows of one score are covered together, at the level of the first: one more row than lies below.
            out[rows] = np.minimum(below + 1, worth[-1]) / (worth[-1] + 1)
        return out


class ConformalIntervals(ByPattern):
    """Intervals from out-of-fold residuals: cross-conformal prediction [1]_, by availability pattern.

    An interval is the prediction plus and minus a quantile of the residuals, with the correction for a finite sample.
    Where errors grow with the prediction, as those of prices do, so does the width: residuals are divided by the size
    that they have near such a prediction [2]_. That is done where it pays on held-out rows: where intervals of 90 %
    have a significantly lower score, which adds up how wide they are and how far off the rest is [3]_.
    It assumes that new rows are drawn like those of `fit`.

    Attributes
    ----------
    scores_ : dict
        Sorted absolute residuals, divided by their size, of all rows (key None), of every pattern with at least 50
        rows, and of those that were added.
    sizes_ : ndarray of shape (2, n_points) or None
        Predictions, ascending, and the mean absolute residual near each. None: one size for all.
    worth_ : dict
        How many rows the scores up to each are worth.
    seen_, added_ : list
        The patterns of the rows of `fit`, and those that were added.

    References
    ----------
    .. [1] Vovk, V. (2015). Cross-conformal predictors. Annals of Mathematics and Artificial Intelligence 74, 9-28.
    .. [2] Papadopoulos, H., Gammerman, A., Vovk, V. (2008). Normalized nonconformity measures for regression conformal
       prediction. AIA.
    .. [3] Gneiting, T., Raftery, A. (2007). Strictly proper scoring rules, prediction, and estimation. JASA 102.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalIntervals
    >>> intervals = ConformalIntervals().fit(np.zeros(99), np.arange(99) / 99)
    >>> intervals.interval(np.array([0.0]), 0.9).round(2)
    array([[-0.9,  0.9]])
    """

    def fit(self, oof, y, pattern=None, sample_weight=None, groups=None):
        """Learn the residuals.

        Parameters
        ----------
        oof, y : array-like of shape (n_samples,)
            Out-of-fold predictions and true numbers, both without NaN.
        pattern : array-like of shape (n_samples,) or None, default=None
            One value per row that tells which views the row has.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How often each row counts.
        groups : array-like of shape (n_samples,) or None, default=None
            Rows of a group err together: all of them tell how sure a quantile is as one row does.
        """
        oof, y = _numbers(oof, "oof"), _numbers(y, "y")
        check_consistent_length(oof, y)
        scores, self.sizes_ = np.abs(y - oof), None
        weight = rows_worth(sample_weight, len(y))
        rows = np.flatnonzero(weight > 0)
        weight = weight[rows]
        groups_of = None if groups is None else np.unique(np.asarray(groups)[rows], return_inverse=True)[1]
        if (weight.sum() if groups is None else groups_of.max(initial=-1) + 1) >= 2 * ROWS_PER_SIZE:
            sizes = _held_out_sizes(oof[rows], scores[rows], weight, groups_of)
            one, other = (_interval_scores(scores[rows], size, weight) for size in (np.ones(len(rows)), sizes))
            gain, error = mean_and_error(one - other, weight, groups_of)
            if gain > SIGNIFICANT * error:
                self.sizes_, scores[rows] = _sizes(oof[rows], scores[rows], weight), scores[rows] / sizes
        return self._keep(scores, pattern, sample_weight, groups)

    def add(self, pattern, oof, y, sample_weight=None, groups=None):
        """Learn the residuals of rows that were predicted as if they had a pattern, whose bits tell the views."""
        return self._add(pattern, self._scores(oof, y), sample_weight, groups)

    def levels(self, oof, y, pattern):
        """Return the coverage at which the interval of each row just holds its true number, shape (n_samples,)."""
        return self._levels(self._scores(oof, y), pattern)

    def _scores(self, oof, y):
        return np.abs(np.asarray(y) - oof) / self._size(oof)

    def _size(self, prediction):
        sizes = getattr(self, "sizes_", None)  # an old file has none
        return 1.0 if sizes is None else np.interp(prediction, *sizes)

    def interval(self, prediction, coverage=0.9, pattern=None):
        """Return lower and upper bounds, shape (n_samples, 2); infinite where too few rows were seen for `coverage`."""
        check_is_fitted(self)
        prediction = _numbers(prediction, "prediction")
        half = self._quantiles(coverage, pattern, len(prediction)) * self._size(prediction)
        return np.c_[prediction - half, prediction + half]


def _sizes(prediction, residuals, weight):
    """Return predictions, ascending, and the mean residual near each, shape (2, n_points)."""
    values, place = np.unique(prediction, return_inverse=True)
    mass = np.bincount(place, weight)
    n_points = int(np.clip(mass.sum() // ROWS_PER_SIZE, 1, MOST_SIZES))
    point = ((mass.cumsum() - mass / 2) / mass.sum() * n_points).astype(np.intp).clip(max=n_points - 1)[place]
    total = np.bincount(point, weight)
    means = [np.bincount(point, weight * what)[total > 0] / total[total > 0] for what in (prediction, residuals)]
    return np.array([means[0], np.maximum(means[1], LEAST_SIZE * np.average(residuals, weights=weight))])


def _held_out_sizes(prediction, residuals, weight, groups):
    """Return the size of the residual of each row by what others say, of other groups where there are groups."""
    part = np.unique(prediction if groups is None else groups, return_inverse=True)[1] % N_PARTS
    out = np.ones(len(part))
    for own in range(N_PARTS):
        others = part != own
        if residuals[others].any():
            sizes = _sizes(prediction[others], residuals[others], weight[others])
            out[~others] = np.interp(prediction[~others], *sizes)
    return out


def _interval_scores(residuals, sizes, weight):
    """Return the score of the interval of 90 % of each row: its width, and 20 times what is missing to the truth."""
    scores, worth = _ranked(residuals / sizes, weight, None)
    half = min(finite_quantile(scores, 0.9, worth), scores[-1]) * sizes
    return 2 * half + 20 * np.maximum(residuals - half, 0)


class ConformalSets(ByPattern):
    """Sets of classes from out-of-fold probabilities, never empty, by availability pattern.

    The most probable class is always in the set: where a model is right more often than `coverage`, sets cover more.

    Parameters
    ----------
    method : {"lac", "adaptive"}, default="lac"
        "lac": the smallest sets on average, all classes above one probability [1]_. "adaptive": classes in order of
        probability until their sum reaches a level [2]_, which covers hard rows better and is larger on average.

    Attributes
    ----------
    scores_ : dict
        Sorted scores of the true classes of all rows (key None), of every pattern with at least 50 rows, and of
        those that were added.
    worth_ : dict
        How many rows the scores up to each are worth.
    seen_, added_ : list
        The patterns of the rows of `fit`, and those that were added.
    n_classes_ : int
    guesses_ : dict of int to ndarray of shape (n_classes,)
        What stands for the probabilities of all rows of a pattern whose views tell nothing.

    References
    ----------
    .. [1] Sadinle, M., Lei, J., Wasserman, L. (2019). Least ambiguous set-valued classifiers with bounded error levels.
       Journal of the American Statistical Association 114, 223-234.
    .. [2] Romano, Y., Sesia, M., Candes, E. (2020). Classification with valid and adaptive coverage. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import ConformalSets
    >>> proba = np.array([[0.9, 0.1], [0.2, 0.8]] * 20)
    >>> ConformalSets().fit(proba, [0, 1] * 20).sets(proba[:1], 0.9)
    array([[ True, False]])
    """

    _parameter_constraints = {"method": [one_of("lac", "adaptive")]}

    def __init__(self, *, method="lac"):
        self.method = method

    def fit(self, oof, y, pattern=None, sample_weight=None, groups=None, guesses=None):
        """Learn the scores of the true classes, given out-of-fold probabilities and class positions.

        Parameters
        ----------
        oof : array-like of shape (n_samples, n_classes)
        y, pattern, sample_weight, groups
            See `ConformalIntervals.fit`.
        guesses : dict of int to ndarray of shape (n_classes,) or None, default=None
            The probabilities of all rows of a pattern, in the place of `oof`: that of views which tell nothing. Their
            own differ by little but the model that made them, and a class would be in the set of all or of no row
            as this model happens to lie beside those of the folds.
        """
        check_params(self)
        oof, y = check_proba(oof, y)
        self.n_classes_, self.guesses_ = oof.shape[1], dict(guesses or {})
        return self._keep(self._of_truth(oof, y, pattern), pattern, sample_weight, groups)

    def add(self, pattern, oof, y, sample_weight=None, groups=None):
        """Learn the scores of rows that were predicted as if they had a pattern, whose bits tell the views."""
        return self._add(pattern, self._of_truth(oof, y, np.full(len(y), pattern)), sample_weight, groups)

    def levels(self, oof, y, pattern):
        """Return the coverage at which the set of each row just holds its true class, shape (n_samples,)."""
        levels = self._levels(self._of_truth(oof, y, pattern), pattern)
        likeliest = self._guessed(np.asarray(oof), pattern).argmax(axis=1)
        return np.where(likeliest == np.asarray(y), 0.0, levels)  # it is in every set

    def sets(self, proba, coverage=0.9, pattern=None):
        """Return which classes are in the set of each row: bool, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        proba = self._guessed(check_proba(proba, n_classes=self.n_classes_), pattern)
        limit = self._quantiles(coverage, pattern, len(proba))
        inside = self._scores(proba) <= limit[:, np.newaxis] + TINY
        inside[np.arange(len(proba)), proba.argmax(axis=1)] = True
        return inside

    def _guessed(self, proba, pattern):
        for value, guess in self.guesses_.items() if pattern is not None else ():
            proba = np.where((np.asarray(pattern) == value)[:, np.newaxis], guess, proba)
        return proba

    def _of_truth(self, proba, y, pattern):
        proba = self._guessed(np.asarray(proba), pattern)
        return self._scores(proba)[np.arange(len(y)), np.asarray(y).astype(np.intp)]

    def _scores(self, proba):
        """Return how unusual each class would be: 1 - p, or the probability of likelier classes and half its own."""
        if self.method == "lac":
            return 1 - proba
        order = np.argsort(-proba, axis=1, kind="stable")
        down = np.take_along_axis(proba, order, axis=1)
        scores = np.empty_like(proba)
        np.put_along_axis(scores, order, np.cumsum(down, axis=1) - down / 2, axis=1)
        return scores


class JointCoverage(ByPattern):
    """How far each task of a row must be covered so that all its tasks are at once, by availability pattern.

    The score of a row is the highest of the coverages at which its tasks are just covered. What tasks have in common
    is used so: where they err together, all are covered by little more than one.

    Attributes
    ----------
    scores_, worth_, seen_, added_ : as in `ConformalIntervals`
    n_tasks_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import JointCoverage
    >>> levels = np.arange(1, 100) / 100
    >>> JointCoverage().fit(np.c_[levels, levels], np.zeros(99)).of_each(0.9, np.zeros(1)).tolist()
    [0.9]
    """

    def fit(self, levels, pattern, sample_weight=None, groups=None):
        """Learn from levels of shape (n_samples, n_tasks), as `ConformalIntervals.levels` gives those of one task."""
        self.n_tasks_ = levels.shape[1]
        return self._keep(np.max(levels, axis=1), pattern, sample_weight, groups)

    def add(self, pattern, levels, sample_weight=None, groups=None):
        """Learn the levels of rows that were predicted as if they had a pattern, whose bits tell the views."""
        return self._add(pattern, np.max(levels, axis=1), sample_weight, groups)

    def of_each(self, coverage, pattern):
        """Return the coverage to ask of each task, shape (n_samples,): Bonferroni's bound where few rows were seen."""
        if self.worth_[None][-1:].sum() < FEWEST_ROWS:
            return 1 - (1 - check_coverage(coverage, len(pattern))) / self.n_tasks_
        return np.clip(self._quantiles(coverage, pattern, len(pattern)), TINY, 1 - TINY)


def finite_quantile(scores, coverage, worth):
    """Return the smallest of sorted scores that covers, corrected for a finite sample; infinite with too few rows.

    `worth` tells how many rows the scores up to each are worth. A new row is worth one [1]_.

    References
    ----------
    .. [1] Tibshirani, R., Foygel Barber, R., Candes, E., Ramdas, A. (2019). Conformal prediction under covariate
       shift. NeurIPS.
    """
    return np.r_[scores, np.inf][np.searchsorted(worth, (worth[-1:].sum() + 1) * coverage - 1e-9)]


def _ranked(scores, weight, groups):
    """Return the sorted scores of rows that have a weight, and how many rows the scores up to each are worth."""
    rows = np.flatnonzero(weight > 0)
    rows = rows[np.argsort(scores[rows], kind="stable")]
    worth = np.cumsum(weight[rows])
    if groups is not None:  # rows of a group err together: they tell as much as one does
        worth *= len(np.unique(np.asarray(groups)[rows])) / worth[-1:]
    return scores[rows], worth


def check_coverage(coverage, n_rows, name="coverage"):
    """Return the coverage, or the level, that is asked for each row."""
    values = np.asarray(coverage)
    if values.dtype.kind not in "iuf" or not ((values > 0) & (values < 1)).all():
        raise ValueError(f"{name}={coverage!r} must be a number above 0 and below 1.")
    return np.broadcast_to(values, n_rows)


def _numbers(values, name):
    values = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    if values.ndim != 1:
        raise ValueError(f"{name} has shape {values.shape}, expected one number per row.")
    return values


def _check_pattern(pattern, n_rows):
    pattern = np.asarray(pattern)
    if pattern.shape != (n_rows,):
        raise ValueError(f"pattern has shape {pattern.shape}, expected ({n_rows},): one value per row.")
    return pattern
