"""Meta-learners with one weight a member: mean, greedy selection, and exact weights on the simplex.

All weights are non-negative and sum to one, so that they can be read as what each member contributes.
"""

import numpy as np
from scipy.optimize import nnls
from sklearn.metrics import get_scorer
from sklearn.utils import check_random_state

from .._checks import check_count, check_fraction
from ._columns import TINY, TableClassifier, TableRegressor, blend, spread


class MeanClassifier(TableClassifier):
    """Give every member the same weight.

    Parameters
    ----------
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None reads them from y.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_classes,)
        Class frequencies: the answer for a row without any member.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import MeanClassifier
    >>> table = np.array([[0.2, 0.4], [0.9, np.nan], [0.1, 0.3]])
    >>> MeanClassifier().fit(table, [0, 1, 0]).predict_proba(table)[:, 1].round(2)
    array([0.3, 0.9, 0.2])
    """

    def __init__(self, *, n_classes=None):
        self.n_classes = n_classes

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members * n_columns)."""
        *_, n_members = self._check(X, y, sample_weight)
        self.weights_ = np.full(n_members, 1 / n_members)
        return self


class MeanRegressor(TableRegressor):
    """Give every member the same weight; see `MeanClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import MeanRegressor
    >>> MeanRegressor().fit([[1.0, 3.0], [2.0, 4.0]], [2.0, 3.0]).predict([[0.0, 1.0], [5.0, np.nan]])
    array([0.5, 5. ])
    """

    def fit(self, X, y, sample_weight=None):
        """Fit to a table of shape (n_samples, n_members)."""
        *_, n_members = self._check(X, y, sample_weight)
        self.weights_ = np.full(n_members, 1 / n_members)
        return self


class _Greedy:
    def fit(self, X, y, sample_weight=None):
        """Choose the weights on a table of shape (n_samples, n_members * n_columns)."""
        check_count("n_steps", self.n_steps, minimum=1)
        check_count("n_bags", self.n_bags, minimum=1)
        check_fraction("shrinkage", self.shrinkage) if self.shrinkage is not None else None
        cells, y, weight, n_members = self._check(X, y, sample_weight)
        uniform = np.full(n_members, 1 / n_members)
        if not len(y) or n_members == 1:
            self.weights_ = uniform
            return self
        loss = self._loss(cells, y, weight)
        alone = np.array([loss(np.eye(n_members)[[m]][0]) for m in range(n_members)])
        # Bags are drawn by rank, so that the order of the columns does not matter.
        ranked = np.lexsort((np.arange(n_members), alone))
        rng = check_random_state(self.random_state)
        weights = np.zeros(n_members)
        n_bags = self.n_bags if n_members > 3 else 1
        for bag in range(n_bags):
            # The first bag holds all members, the others a random half of them.
            pool = ranked if bag == 0 else ranked[np.sort(rng.permutation(n_members)[: (n_members + 1) // 2])]
            weights += self._select(cells, y, weight, pool) / n_bags
        shrinkage = self.shrinkage
        if shrinkage is None:
            # With few rows the selection fits noise: lean on the plain mean in proportion to members a row.
            shrinkage = 0.5 * n_members / (n_members + weight.sum())
        self.weights_ = (1 - shrinkage) * weights + shrinkage * uniform
        return self

    def _loss(self, cells, y, weight):
        if self.scoring is not None:
            score = scored(self.scoring, y, weight, self._n_classes)
            return lambda weights: -score(self._with_prior(blend(cells, weights)))
        gain, here = relevant(cells, y, self._n_classes)
        return lambda weights: _mean_loss(gain @ weights, here @ weights, y, weight, self._n_classes)

    def _select(self, cells, y, weight, pool):
        """Return the counts of a greedy selection with replacement, cut at its best length, as weights."""
        n_members, steps = cells.shape[1], []
        if self.scoring is None:
            gain, here = relevant(cells[:, pool], y, self._n_classes)
            total, count = np.zeros(len(y)), np.zeros(len(y))
            losses = []
            for _ in range(self.n_steps):
                trial = _mean_loss(
                    total[:, np.newaxis] + gain, count[:, np.newaxis] + here, y[:, np.newaxis], weight[:, np.newaxis],
                    self._n_classes,
                )  # fmt: skip
                best = int(np.argmin(trial))
                total, count = total + gain[:, best], count + here[:, best]
                steps.append(pool[best])
                losses.append(trial[best])
        else:
            loss, losses = self._loss(cells, y, weight), []
            counts = np.zeros(n_members)
            for _ in range(self.n_steps):
                trial = []
                for m in pool:
                    counts[m] += 1
                    trial.append(loss(counts / counts.sum()))
                    counts[m] -= 1
                best = int(np.argmin(trial))
                counts[pool[best]] += 1
                steps.append(pool[best])
                losses.append(trial[best])
        length = int(np.argmin(losses)) + 1
        return np.bincount(steps[:length], minlength=n_members) / length


class GreedyClassifier(_Greedy, TableClassifier):
    """Select members greedily with replacement, by the score of their mean [1]_.

    Parameters
    ----------
    n_steps : int, default=30
        Most selections; the best prefix counts.
    n_bags : int, default=10
        Selections, each from a random half of the members but the first, whose weights are averaged.
    shrinkage : float in [0, 1] or None, default=None
        Share of the weight that is spread evenly; None: less, the more rows a member there are.
    scoring : None, str or callable, default=None
        What is maximised; None: minus the log loss.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None reads them from y.
    random_state : int, RandomState instance or None, default=0

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        They sum to 1.
    prior_ : ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Caruana, R. et al. (2004). Ensemble selection from libraries of models. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import GreedyClassifier
    >>> y = np.array([0, 1] * 50)
    >>> table = np.c_[np.where(y, 0.8, 0.2), np.full(100, 0.5)]
    >>> bool(np.argmax(GreedyClassifier().fit(table, y).weights_) == 0)
    True
    """

    def __init__(self, *, n_steps=30, n_bags=10, shrinkage=None, scoring=None, n_classes=None, random_state=0):
        self.n_steps = n_steps
        self.n_bags = n_bags
        self.shrinkage = shrinkage
        self.scoring = scoring
        self.n_classes = n_classes
        self.random_state = random_state


class GreedyRegressor(_Greedy, TableRegressor):
    """Select members greedily with replacement, by the squared error of their mean; see `GreedyClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import GreedyRegressor
    >>> y = np.arange(50.0)
    >>> GreedyRegressor(shrinkage=0).fit(np.c_[y, np.zeros(50)], y).weights_
    array([1., 0.])
    """

    def __init__(self, *, n_steps=30, n_bags=10, shrinkage=None, scoring=None, random_state=0):
        self.n_steps = n_steps
        self.n_bags = n_bags
        self.shrinkage = shrinkage
        self.scoring = scoring
        self.random_state = random_state


class SimplexClassifier(TableClassifier):
    """Blend probabilities with the weights on the simplex that minimise the log loss of the blend.

    The loss is convex in the weights; they are found by expectation maximisation for a mixture with known
    components, which stays on the simplex.

    Parameters
    ----------
    shrinkage : float in [0, 1], default=0.0
        Share of the weight that is spread evenly over the members.
    max_iter : int, default=500
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None reads them from y.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
    prior_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import SimplexClassifier
    >>> y = np.array([0, 1] * 50)
    >>> table = np.c_[np.where(y, 0.8, 0.2), np.full(100, 0.5)]
    >>> SimplexClassifier().fit(table, y).weights_.round(2)
    array([1., 0.])
    """

    def __init__(self, *, shrinkage=0.0, max_iter=500, n_classes=None):
        self.shrinkage = shrinkage
        self.max_iter = max_iter
        self.n_classes = n_classes

    def fit(self, X, y, sample_weight=None):
        """Find the weights on a table of shape (n_samples, n_members * n_columns)."""
        check_fraction("shrinkage", self.shrinkage)
        cells, y, weight, n_members = self._check(X, y, sample_weight)
        weights = np.full(n_members, 1 / n_members)
        if len(y):
            gain, here = relevant(cells, y, self._n_classes)
            gain = np.maximum(gain, TINY * here)
            share = weight / weight.sum()
            for _ in range(self.max_iter):
                # A row's blend is gain @ w / here @ w: where no member abstains this is the step of EM.
                up = gain.T @ (share / np.maximum(gain @ weights, TINY))
                down = here.T @ (share / np.maximum(here @ weights, TINY))
                new = weights * up / np.maximum(down, TINY)
                new /= new.sum()
                done = np.abs(new - weights).max() < 1e-9
                weights = new
                if done:
                    break
            weights = np.where(weights < 1e-6, 0, weights)
            weights /= weights.sum()
        self.weights_ = (1 - self.shrinkage) * weights + self.shrinkage / n_members
        return self


class SimplexRegressor(TableRegressor):
    """Blend predictions with weights that are non-negative and sum to one [1]_.

    Parameters
    ----------
    shrinkage : float in [0, 1], default=0.0
        Share of the weight that is spread evenly over the members, as a guard against few rows. 0 gives least
        squares, 1 the plain mean.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        Weight of each member; they sum to 1 and have no unit.

    References
    ----------
    .. [1] Breiman, L. (1996). Stacked regressions. Machine Learning 24, 49-64.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import SimplexRegressor
    >>> table = np.array([[0.0, 2.0], [1.0, 3.0], [2.0, 4.0]])
    >>> SimplexRegressor().fit(table, [0.5, 1.5, 2.5]).weights_.round(2)
    array([0.75, 0.25])
    """

    def __init__(self, *, shrinkage=0.0):
        self.shrinkage = shrinkage

    def fit(self, X, y, sample_weight=None):
        """Find the weights on a table of shape (n_samples, n_members)."""
        check_fraction("shrinkage", self.shrinkage)
        cells, y, weight, n_members = self._check(X, y, sample_weight)
        weights = np.full(n_members, 1 / n_members)
        if len(y):
            never = np.isnan(cells[:, :, 0]).all(axis=0)
            residuals = (spread(cells)[:, :, 0] - y[:, np.newaxis]) * np.sqrt(weight)[:, np.newaxis]
            residuals /= np.linalg.norm(residuals) or 1.0
            # When the weights sum to 1, table @ w - y is residuals @ w. One extra row asks for that sum;
            # whatever sum NNLS settles on, only its direction matters, and that is exact.
            target = np.r_[np.zeros(len(y)), 1.0]
            found, _ = nnls(np.vstack([residuals, np.ones(n_members)])[:, ~never], target)
            if found.sum() > 0:
                weights = np.zeros(n_members)
                weights[~never] = found / found.sum()
        self.weights_ = (1 - self.shrinkage) * weights + self.shrinkage / n_members
        return self


def relevant(cells, y, n_classes):
    """Return what decides the loss: each member's probability of the true class (or number), and where it is there."""
    picked = cells[np.arange(len(y)), :, y.astype(np.intp)] if n_classes else cells[:, :, 0]
    here = ~np.isnan(picked)
    return np.where(here, picked, 0.0), here.astype(float)


def _mean_loss(total, count, y, weight, n_classes):
    """Return the weighted mean loss over rows of blends `total / count`; a row without a member costs the most."""
    empty = count <= TINY
    mixed = total / np.where(empty, 1.0, count)
    if n_classes:
        loss = -np.log(np.clip(np.where(empty, 1 / n_classes, mixed), TINY, 1))
    else:
        spread_of_y = np.average((y - np.average(y, weights=weight, axis=0)) ** 2, weights=weight, axis=0)
        loss = np.where(empty, spread_of_y, (mixed - y) ** 2)
    return (loss * weight).sum(axis=0) / weight.sum()


class _Given:
    """An estimator whose predictions are given: lets any scikit-learn scorer judge a blend."""

    def __init__(self, out, classes):
        self.out, self.classes_ = out, classes
        self._estimator_type = "classifier" if classes is not None else "regressor"

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.out[:, 0] if self.classes_ is None else self.classes_[self.out.argmax(axis=1)]

    def predict_proba(self, X):
        return self.out

    def __sklearn_tags__(self):
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        kind = "regressor" if self.classes_ is None else "classifier"
        tags = Tags(estimator_type=kind, target_tags=TargetTags(required=True))
        tags.classifier_tags = ClassifierTags() if kind == "classifier" else None
        tags.regressor_tags = RegressorTags() if kind == "regressor" else None
        return tags


def scored(scoring, y, weight, n_classes):
    """Return a function from blends, shape (n_samples, n_classes or 1), to the score that a scikit-learn scorer gives."""
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    classes = np.arange(n_classes) if n_classes else None
    even = np.all(weight == weight[0])

    def score(out):
        weights = {} if even else {"sample_weight": weight}
        return scorer(_Given(out, classes), np.zeros((len(y), 1)), y, **weights)

    return score
