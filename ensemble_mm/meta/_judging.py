"""What predictions of held-out rows are worth: the one place where members, ensembles and baselines are scored.

A score is the mean over the folds of a metric on their test rows, where each fold counts by its rows. Where a metric
needs more rows than a fold has (R2 of one row, the area under the curve of one class), all rows are judged at once.

Intervals come from a jackknife over blocks of rows: each fold is cut into some blocks, of whole groups where there are
groups, and the score is taken again without each of them. That works for any metric, also for the difference of two
predictions of the same rows, and costs some twenty scores. It tells how far the score may be off by the choice of the
rows that were judged; that other training rows would have given other models is not in it. Where a fold cannot be
judged without one of its blocks, such as the one that holds its only row of a class, whole folds are the blocks.

Near a perfect score (or the worst, where there is one) errors go one way. So a score's interval is that of the
logarithm of its distance from perfect, as a share of that from the worst.

References
----------
Kott, P. S. (2001). The delete-a-group jackknife. Journal of Official Statistics 17, 521-526.
Pepe, M. S. (2003). The statistical evaluation of medical tests. Section 5.2.4, for the area under the curve.
"""

from copy import copy

import numpy as np
import pandas as pd
from scipy import stats

from .._plain_words import PlainScore
from .._scorers import Metric, metric_of
from .._weights import rows_worth
from ._alternatives import constant_of
from ._columns import TINY

MOST_LOG = 50.0  # of how many times a distance may be more or less
LEAST_GAIN = 0.02  # share of a guess's loss: the priors of folds lose a little to that of all rows
OF_COINS = ("f1", "fbeta", "jaccard", "precision", "recall")  # metrics by which a coin beats the most frequent class
N_BLOCKS = 20  # of all folds together; a fold has two at least
COLUMNS = ["n", "score_name", "score", "low", "high", "difference", "difference_low", "difference_high", "loss"]


class Judge:
    """Scores predictions of one task that were made for held-out rows.

    Parameters
    ----------
    kind : Kind
    metric : Metric
    y : ndarray of shape (n_rows,)
        Class positions or numbers; NaN where the label is not known.
    folds : list of (train, test)
    weight : ndarray of shape (n_rows,) or None, default=None
    groups : array-like of shape (n_rows,) or None, default=None
        Rows of a group err together.
    shown : callable or None, default=None
        Turns predictions into what the metric judges; losses are those of the predictions.
    guess : ndarray of shape (width,) or None, default=None
        What a constant guess says of rows that no fit saw; None: what training rows say.

    Attributes
    ----------
    prior : ndarray of shape (width,)
        The frequencies of the classes, or the mean.
    constant : ndarray of shape (n_rows, width)
        The prior of the training rows as the prediction of held-out rows: what any prediction must beat.
    """

    def __init__(self, kind, metric, y, folds, weight=None, groups=None, shown=None, guess=None):
        self.kind, self.metric, self.y, self.weight = kind, metric, y, weight
        self._shown, self._views = shown, {}
        self.folds = [test for _, test in folds]
        known = np.flatnonzero(~np.isnan(y))
        tested = np.zeros(len(y), dtype=bool)
        for test in self.folds:
            tested[test] = True
        self.known = known[tested[known]]
        own = None if weight is None else weight[known]
        self.prior = kind.prior(kind.encoded(y[known]), own) if len(known) else np.zeros(kind.width)
        usual = np.broadcast_to(self.prior if guess is None else guess, (len(y), kind.width))
        parts = [part for test in self.folds if len(part := self._among(test, self.known))]
        by_fold = np.isfinite([self._on(part, usual) for part in parts]).all()
        self.parts = self.folds if by_fold else [self.known]
        # Where all rows are judged at once, the priors of the folds tell the labels: each is lower for what it tests.
        # So do their means where folds are drawn again, since these differ within a fold.
        once = sum(map(len, self.folds)) == np.count_nonzero(tested)
        folded = by_fold and once and len(known) and guess is None
        self.constant = constant_of(y, kind, folds, weight) if folded else usual
        self.block, self.stratum = self._blocks(groups)
        self._seen, self._extremes = {}, {}

    def on_folds(self, out):
        """Return the score of the test rows of each fold; NaN where it is not defined."""
        rows = self.rows(out)
        return [self._on(self._among(test, rows), out) for test in self.folds]

    def score(self, out):
        """Return the score of all rows that have a label and a prediction."""
        return self._mean(*self._scores(out, self.rows(out)))

    def rows(self, out):
        """Return which rows have a label and a prediction, as positions."""
        return self.known[np.isfinite(out.reshape(len(self.y), -1)[self.known]).all(axis=1)]

    def of_new(self, kind, y, weight=None) -> "Judge":
        """Return what judges predictions of rows that the fit did not see; `kind` may know classes that it lacked."""
        guess = np.r_[self.prior, np.zeros(kind.width - len(self.prior))]
        metric = self.metric if self.metric.of_kind is None else self.metric.of_kind(kind)
        return Judge(kind, metric, y, [(np.arange(0), np.arange(len(y)))], weight, guess=guess)

    def plain(self, out) -> PlainScore:
        """Return how good predictions are in the unit of the target, beside a constant guess."""
        kind, rows, errors = self.kind, self.rows(out), copy(self)
        errors._seen, errors._extremes = {}, {}
        errors.metric = Metric("off", lambda y, out, w: -np.average(kind.off(y, out), weights=w))
        score, without = errors._jackknife(out, rows)
        error, high, low = (-value for value in (score, *errors._around(score, without, rows, 0.95)))
        guess = np.nan
        if len(rows):  # a guess says what is most frequent, whatever predictions are decided by
            off, weight = kind.off(self.y[rows], self.constant[rows], True), self.weight
            guess = np.average(off, weights=None if weight is None else weight[rows])
        is_surer = error >= guess and self.is_surer(out)
        return PlainScore(kind.plain, kind.usual, error, low, high, guess, is_surer)

    def is_surer(self, out) -> bool:
        """Return whether the probabilities of classes clearly have a lower loss than a constant guess.

        Where one class is frequent, they may tell much though the most probable class is nearly always that one.
        """
        kind, losses = self.kind, copy(self)
        if kind.region != "sets" or not len(self.rows(out)):  # of classes
            return False
        losses._shown, losses._views, losses._seen, losses._extremes = None, {}, {}, {}
        losses.metric = Metric("loss", lambda y, out, w: -kind.mean_loss(y, kind.whole(out), w))
        guess, own = losses.compare([self.constant, out]).to_dict("records")
        return bool(own["difference_low"] > 0 and own["difference"] > LEAST_GAIN * guess["loss"])

    def is_right(self, out) -> bool:
        """Return whether predictions are clearly better than a guess that reads nothing.

        By some metrics of decisions a coin is better than the most frequent class; by balanced accuracy none is.
        """
        if not self.compare([out, self.constant])["difference_high"].iloc[1] < 0:
            return False
        if not self.metric.name.startswith(OF_COINS):
            return True
        balanced = copy(self)
        balanced._seen, balanced._extremes = {}, {}
        balanced.metric = metric_of("balanced_accuracy", self.kind)
        return bool(balanced.compare([out, self.constant])["difference_high"].iloc[1] < 0)

    def compare(self, predictions, coverage=0.95) -> pd.DataFrame:
        """Judge predictions by themselves, and beside the first of them on the rows that both have.

        Parameters
        ----------
        predictions : list of ndarrays of shape (n_rows,) or (n_rows, n_columns)
            NaN where there is none for a row.
        coverage : float, default=0.95

        Returns
        -------
        DataFrame
            "n" rows that were scored, "score_name", "score" with its interval "low" and "high", the "difference" to the
            first prediction with "difference_low" and "difference_high" (above 0: better), and "loss": the mean log
            loss (nats) or squared error of these rows.
        """
        first, entries = predictions[0], []
        for out in predictions:
            rows = self.rows(out)
            both = np.intersect1d(rows, self.rows(first), assume_unique=True)
            score, without = self._jackknife(out, rows)
            low, high = self._around(score, without, rows, coverage)
            own = (score, without) if len(both) == len(rows) else self._jackknife(out, both)
            base = own if out is first else self._jackknife(first, both)
            difference = own[0] - base[0]
            apart = self._interval(difference, own[1] - base[1], both, coverage)
            weight = None if self.weight is None else self.weight[rows]
            loss = self.kind.mean_loss(self.y[rows], self._whole(out)[rows], weight) if len(rows) else np.nan
            entries.append((len(rows), self.metric.name, score, low, high, difference, *apart, loss))
        return pd.DataFrame(entries, columns=COLUMNS)

    def _whole(self, out):
        return self.kind.whole(out)

    # -- scores of parts of the rows -----------------------------------------------------------------------------

    def _among(self, test, rows):
        return test[np.isin(test, rows)]

    def _on(self, rows, out):
        weight = None if self.weight is None else self.weight[rows]
        return self.metric.score(self.y[rows], self.view(out)[rows], weight) if len(rows) else np.nan

    def view(self, out):
        """Return predictions of all rows as the metric judges them."""
        if self._shown is None:
            return out
        if id(out) not in self._views:
            self._views[id(out)] = self._shown(out), out  # which keeps its id taken
        return self._views[id(out)][0]

    def _n_units(self, rows):
        """Return how many independent rows, or groups, some rows are worth."""
        n = len(np.unique(self.units[rows]))
        if self.weight is None or n < len(rows) or not self.weight[rows].any():
            return n
        return rows_worth(self.weight[rows], n).sum()

    def _copies(self, rows):
        """Return how many rows one stands for on average: one of a whole weight for so many, as in `rows_worth`."""
        if self.weight is None or self._is_grouped or not (weight := self.weight[rows]).any():
            return 1.0
        return rows_worth(weight, len(rows)).sum() * (weight @ weight) / weight.sum() ** 2

    def _mass(self, rows):
        return float(len(rows)) if self.weight is None else self.weight[rows].sum()

    def _scores(self, out, rows):
        """Return the scores of the parts, and what these count."""
        parts = [self._among(part, rows) for part in self.parts]
        return np.array([self._on(part, out) for part in parts]), np.array([self._mass(part) for part in parts])

    @staticmethod
    def _mean(scores, mass):
        there = np.isfinite(scores) & (mass > 0)
        return float(np.average(scores[there], weights=mass[there])) if there.any() else np.nan

    # -- intervals -----------------------------------------------------------------------------------------------

    def _blocks(self, groups):
        """Return the block of every row, -1 for none, and the fold that each block is cut from."""
        self._is_grouped = groups is not None
        self.units = units = pd.factorize(np.asarray(groups))[0] if self._is_grouped else np.arange(len(self.y))
        home = np.full(units.max(initial=-1) + 1, -1)  # the first fold that tests a unit
        for part in range(len(self.parts) - 1, -1, -1):
            home[units[self._among(self.parts[part], self.known)]] = part
        own = home.copy()
        sizes = np.bincount(home[home >= 0], minlength=len(self.parts))
        if (sizes == 1).any():  # such as folds of one group each: blocks are drawn from all
            home[home >= 0], sizes = 0, np.array([sizes.sum()])
        per_part = max(2, -(-N_BLOCKS // max(1, np.count_nonzero(sizes))))
        block_of, stratum, rng = np.full(len(home), -1), [], np.random.RandomState(0)
        for part, size in enumerate(sizes):
            n = min(size, per_part)
            block_of[rng.permutation(np.flatnonzero(home == part))] = len(stratum) + np.arange(size) % max(n, 1)
            stratum += [part] * n
        block, fold = np.full((2, len(self.y)), -1)
        block[self.known], fold[self.known] = block_of[units[self.known]], own[units[self.known]]
        if len(self.parts) > 1 and not self._can_lose(block):
            return fold, np.zeros(len(self.parts), dtype=np.intp)
        return block, np.array(stratum, dtype=np.intp)

    def _can_lose(self, block):
        """Tell whether every fold can be judged without any of the blocks that are a part of it."""
        usual = np.broadcast_to(self.prior, (len(self.y), self.kind.width))
        for part in (self._among(part, self.known) for part in self.parts):
            for b in np.unique(block[part]):
                rest = part[block[part] != b]
                if len(rest) and not np.isfinite(self._on(rest, usual)):
                    return False
        return True

    def _jackknife(self, out, rows):
        """Return the score of some rows, and the scores without each of the blocks."""
        key = id(out), rows.tobytes()
        if key not in self._seen:
            parts = [self._among(part, rows) for part in self.parts]
            scores, mass = self._scores(out, rows)
            without = np.full(len(self.stratum), np.nan)
            for b in range(len(self.stratum)):
                some = scores.copy()
                for p, part in enumerate(parts):
                    rest = part[self.block[part] != b]
                    if len(rest) < len(part):
                        some[p] = self._on(rest, out)
                without[b] = self._mean(some, mass)  # a fold counts as it did: it stands for its rows without the block
            self._seen[key] = self._mean(scores, mass), without, out  # which keeps its id taken
        return self._seen[key][:2]

    def _around(self, score, without, rows, coverage):
        """Return the interval of a score; see above. None goes beyond what a perfect prediction scores."""
        low, high = self._interval(score, without, rows, coverage)
        perfect, worst, one_wrong = self._edges(rows)
        to_top, to_bottom = perfect - score, score - worst
        if not (np.isfinite(high) and np.isfinite(to_top)) or to_top < -TINY or to_bottom < -TINY:
            return low, high
        if min(to_top, to_bottom) <= TINY:  # nothing varies, and few rows prove little (Clopper and Pearson)
            edge = 1 - ((1 - coverage) / 2) ** one_wrong
            span = edge * (perfect - worst) if np.isfinite(worst) else 0.0
            return (perfect - span, perfect) if to_top <= TINY else (worst, worst + span)
        times = np.exp(min((high - score) * (1 / to_top + 1 / to_bottom), MOST_LOG))
        odds = to_top / to_bottom  # 0 where there is no worst
        return tuple(score + to_top * (1 - t) / (1 + odds * t) for t in (times, 1 / times))

    def _edges(self, rows):
        """Return the scores of perfect predictions and of those of wrong classes, and what share one wrong unit costs.

        It is one of the rarest class. There is no worst number.
        """
        if (key := rows.tobytes()) not in self._extremes:
            y, worst, one_wrong = np.nan_to_num(self.y), -np.inf, 1.0
            perfect, wrong = self.kind.perfect(y), self.kind.worthless(y)
            best = self._mean(*self._scores(perfect, rows))
            if (least := self._mean(*self._scores(wrong, rows))) < best:
                worst, one, codes = least, perfect.copy(), y[rows].astype(np.intp)
                worth = np.full(len(rows), self._n_units(rows) / len(rows))
                if self.weight is not None and not self._is_grouped:
                    worth = rows_worth(self.weight[rows], len(rows))
                counts = np.bincount(codes, worth)
                place = np.where(worth > 0, counts[codes], np.inf).argmin()
                one[rows[place]] = wrong[rows[place]]
                cost = (best - self._mean(*self._scores(one, rows))) / (best - worst)
                one_wrong = min(1.0, cost / worth[place])
            self._extremes[key] = best, worst, one_wrong
        return self._extremes[key]

    def _interval(self, value, without, rows, coverage):
        there = np.bincount(self.block[rows], minlength=len(self.stratum)) > 0
        variance, freedom = 0.0, 0
        for part in np.unique(self.stratum[there]):
            own = without[there & (self.stratum == part)]
            variance += (len(own) - 1) / len(own) * ((own - own.mean()) ** 2).sum()
            freedom += len(own) - 1
        if not freedom or not np.isfinite(variance):
            return np.nan, np.nan
        half = stats.t.ppf(0.5 + coverage / 2, freedom) * np.sqrt(variance / self._copies(rows))
        return value - half, value + half
