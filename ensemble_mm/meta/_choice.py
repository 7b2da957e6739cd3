"""Which meta-learner: by name, by cross-validation on the table, or the user's own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags

from .._checks import AT_LEAST_0, check_choice, check_param, having, whole
from .._inner_folds import inner_pairs
from .._kinds import KINDS, name_of_classes
from .._routing import row_params
from .._scorers import scored
from .._weights import mean_and_error
from ._columns import TableClassifier, TableMixin, TableRegressor, by_family, rows_of_numbers, thinned
from ._dynamic import DynamicClassifier, DynamicRegressor
from ._greedy import GreedyClassifier, GreedyRegressor, keys_of
from ._hazards import GreedyHazards, MeanHazards
from ._linear import LinearClassifier, LinearRegressor, MultinomialClassifier
from ._plain import (
    FixedClassifier,
    FixedHazards,
    FixedQuantiles,
    FixedRanks,
    FixedRegressor,
    MedianClassifier,
    MedianRegressor,
    RankClassifier,
    RankRegressor,
)
from ._quantiles import GreedyQuantiles, MeanQuantiles
from ._ranks import GreedyRanks, MeanRanks
from ._scoring import is_the_loss
from ._weights import MeanClassifier, MeanRegressor, SimplexClassifier, SimplexRegressor
from ._wrapped import WrappedClassifier, WrappedRegressor

# By name and family of tasks. More may be entered: subclasses of `TableClassifier` and `TableRegressor`, or any
# estimators of scikit-learn's kind, which are wrapped.
META_LEARNERS = {
    "mean": by_family(MeanClassifier, MeanRegressor, MeanQuantiles, MeanHazards, MeanRanks),
    "greedy": by_family(GreedyClassifier, GreedyRegressor, GreedyQuantiles, GreedyHazards, GreedyRanks),
    "simplex": by_family(SimplexClassifier, SimplexRegressor),
    "linear": by_family(LinearClassifier, LinearRegressor),
    "multinomial": by_family(MultinomialClassifier),
    "median": by_family(MedianClassifier, MedianRegressor),
    "dynamic": by_family(DynamicClassifier, DynamicRegressor),
    "rank": by_family(RankClassifier, RankRegressor),
}
FIXED = by_family(FixedClassifier, FixedRegressor, FixedQuantiles, FixedHazards, FixedRanks)
WRAPPED = by_family(WrappedClassifier, WrappedRegressor)
CANDIDATES = ("greedy", "linear", "mean")  # of "auto"
SIMPLE, RIVAL = "linear", "multinomial"  # which takes the place of the other where it is clearly better
MOST_TWINS = 10  # equal rows that may be one row that was repeated
FEW_BAGS = 3  # of greedy selection where it is only judged
JUDGED_CELLS = 20_000  # of a table, rows times members, that are enough to judge on


@dataclass(repr=False, eq=False, kw_only=True)
class _Auto:
    candidates: Iterable[str] | Mapping[str, float] = CANDIDATES
    tolerance: float = 2.0
    cv: Any = 5
    scoring: str | Callable | None = None
    random_state: int | np.random.RandomState | None = 0

    learns_weights = True
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "candidates": [Iterable],
        "tolerance": [AT_LEAST_0],
        "cv": [whole(2), having("split"), Iterable],
        "scoring": [None, str, callable],
        "random_state": ["random_state"],
    }

    @property
    def minds_the_loss(self):
        """Whether a fitted one was free to choose, and chose by the loss: a lower one is what was asked for."""
        return bool(self.losses_) and is_the_loss(self.scoring, self._kind)

    def check_settings(self):
        """Raise a ValueError unless the candidates are known, and one of them counts."""
        names, known = list(self.candidates), [name for name in _names(self.family) if name != "auto"]
        if not names or isinstance(self.candidates, str):
            raise ValueError(f"candidates={self.candidates!r} must hold names: some of {', '.join(known)}.")
        for name in names:
            check_choice("candidates", name, known)
        for name, share in self._given().items():
            check_param(f"candidates[{name!r}]", share, [AT_LEAST_0], type(self).__name__)
        if not sum(self._given().values()):
            raise ValueError(f"candidates={self.candidates!r} gives no meta-learner a share: one must be above 0.")

    def _given(self):
        return dict(self.candidates) if isinstance(self.candidates, Mapping) else {next(iter(self.candidates)): 1.0}

    def fit(self, X, y, sample_weight=None, groups=None):
        """Choose and fit on a table of shape (n_samples, n_members * n_columns).

        Rows of a group are held out together, and err together.
        """
        rows = self._check(X, y, sample_weight)
        group = None if groups is None else np.asarray(groups)[rows.where]
        names, given = list(self.candidates), self._given()
        self.losses_ = {}
        self.shares_ = {name: share / sum(given.values()) for name, share in given.items() if share > 0}
        n_apart = len(rows.y) if groups is None else len(np.unique(group))
        if not isinstance(self.candidates, Mapping) and min(n_apart, len(rows.order), len(names)) > 1:
            own = not isinstance(self.cv, Integral)
            splits = self._own_splits(rows, X, y, groups) if own else self._splits(rows, group)
            losses, weight = self._with_rival(names, rows, group, splits)
            self.losses_ = {name: float(np.average(loss, weights=weight)) for name, loss in losses.items()}
            self.shares_ = self._near_the_best(losses, weight)
        self.chosen_ = {name: self._fit_chosen(name, rows, group) for name in self.shares_} if len(rows.y) else {}
        parts = [share * self.chosen_[name].weights_ for name, share in self.shares_.items() if name in self.chosen_]
        self.weights_ = sum(parts) if parts else rows.even
        return self

    def _with_rival(self, names, rows, group, splits):
        """Return {name: losses on held-out rows} and the weights of these; a rival is in the place of what it beats."""
        has_rival = SIMPLE in names and RIVAL not in names and self._kind.n_classes > 2
        losses, weight = self._held_out([*names, RIVAL] if has_rival else names, rows, group, splits)
        if has_rival:
            gain, error = mean_and_error(losses[SIMPLE] - losses[RIVAL], weight)
            losses.pop(SIMPLE if gain > self.tolerance * error else RIVAL)
        return losses, weight

    def _fit_chosen(self, name, rows, group):
        """Return a candidate that is fitted on all rows, its members in the order of those of X."""
        model, order = self._make(name), np.argsort(rows.order)
        table = self._kind.flat(rows.cells)
        model.fit(table, rows.y, **row_params(model, sample_weight=rows.weight, groups=group))
        for values in ("weights_", "coef_", "means_", "matrix_"):
            if getattr(model, values, None) is not None:
                setattr(model, values, getattr(model, values)[order])
        if getattr(model, "relations_", None) is not None:
            model.relations_ = model.relations_[np.ix_(order, order)]
        return model

    def _held_out(self, names, rows, group, splits):
        """Return {name: losses on held-out rows, or of whole groups} and the weights of these."""
        table, judged = self._kind.flat(rows.cells), {name: [] for name in names}
        unit = _first_and_twins(rows)[1] if group is None else group
        most = min(max(500, JUDGED_CELLS // len(rows.order)), rows_of_numbers(rows.cells))
        for train, test in ((thinned(part, most) for part in pair) for pair in splits):
            if not len(train) or not len(test):
                continue
            fitted = {}
            for name in names:
                fitted[name] = model = self._make(name, n_bags=FEW_BAGS)
                self._fit_part(model, name, rows, table, train, group, fitted.get(SIMPLE))
                loss, weight = self._judge(model, table[test], rows.y[test], rows.weight[test])
                if len(loss) == len(test):
                    loss, weight = _by_unit(loss, weight, unit[test])
                judged[name].append((loss, weight))
        weight = np.concatenate([w for _, w in judged[names[0]]])
        return {name: np.concatenate([loss for loss, _ in judged[name]]) for name in names}, weight

    def _fit_part(self, model, name, rows, table, train, group, linear):
        """Fit a candidate on some rows."""
        whole = None if group is None else group[train]
        if name in (*CANDIDATES, RIVAL):
            given = {"linear": linear} if name == RIVAL else row_params(model, groups=whole)
            model.fit(rows.some(train), None, **given)
        else:  # it may read X by itself
            weight = rows.weight[train]
            model.fit(table[train], rows.y[train], **row_params(model, sample_weight=weight, groups=whole))

    def _splits(self, rows, group):
        """Return (train, test) positions among the rows that are fitted on."""
        rng = check_random_state(self.random_state)
        if group is not None:
            return inner_pairs(rows.y, self.cv, rng, classes=is_classifier(self), groups=group)
        # Neighbours in the order of y go to different folds: every fold gets its share of each class.
        first, twins = _first_and_twins(rows)
        fold, n_folds = np.empty(len(first), dtype=int), min(self.cv, len(first))
        fold[np.lexsort((rng.permutation(len(first)), rows.y[first]))] = np.arange(len(first)) % n_folds
        return [(np.flatnonzero(fold[twins] != f), np.flatnonzero(fold[twins] == f)) for f in range(n_folds)]

    def _own_splits(self, rows, X, y, groups):
        """Return what `_splits` does, of a splitter or a list of the user's."""
        splits = check_cv(self.cv, y, classifier=is_classifier(self)).split(X, y, groups)
        return [tuple(np.flatnonzero(np.isin(rows.where, part)) for part in split) for split in splits]

    def _near_the_best(self, losses, weight):
        """Return shares that fall from the lowest loss to nothing, `tolerance` errors of the difference above it.

        At twice the lowest loss, too, there is nothing: where one row is far off, its difference is its own error.
        """
        best = min(losses, key=self.losses_.get)
        share, near = weight / weight.sum(), {}
        for name, loss in losses.items():
            difference = loss - losses[best]
            mean = share @ difference
            error = np.sqrt(share @ (difference - mean) ** 2 / max(len(loss) - 1, 1))
            most = min(self.tolerance * error, abs(self.losses_[best]))
            near[name] = 1.0 if mean <= 0 else max(0.0, 1 - mean / most) if most > 0 else 0.0
        total = sum(near.values())
        return {name: float(value / total) for name, value in near.items() if value > 0}

    def _judge(self, model, table, y, weight):
        """Return losses on held-out rows and their weights: one per row, or per fold where a metric asks for it."""
        kind = self._kind
        out = kind.ask(model, table)
        if self.scoring == "accuracy":
            return (kind.decide(out) != y).astype(float), weight
        if is_the_loss(self.scoring, kind):
            return kind.loss(kind.picked(out, y), y), weight
        return np.array([-scored(self.scoring, y, weight, kind)(out)]), np.array([weight.sum()])

    def _make(self, name, **settings):
        settings |= {"scoring": self.scoring, "random_state": self.random_state, "n_classes": self._kind.n_classes}
        return _named(name, self.family, settings)

    def _mix(self, cells):
        if not self.chosen_:
            return super()._mix(cells)
        return sum(share * self.chosen_[name]._mix(cells) for name, share in self.shares_.items())

    def weighed(self):
        """Return which members have a weight, with each of the meta-learners that count: (n_chosen, n_members)."""
        if not self.chosen_:
            return np.ones((1, len(self.weights_)), dtype=bool)
        return np.concatenate([model.weighed() for model in self.chosen_.values()])


@dataclass(repr=False, eq=False, kw_only=True)
class AutoClassifier(_Auto, TableClassifier):
    """Average the meta-learners that cross-validation on the table cannot tell from the best.

    The one of the lowest loss counts most, the others the less the surer they are worse: what is two standard errors of
    the paired difference [1]_ above it, or twice it, does not count. On large tables one is left; on small ones the
    average leans on none that luck chose.

    Of three classes and more, "multinomial" takes the place of "linear" where it is clearly better: by `tolerance`
    standard errors.

    Parameters
    ----------
    candidates : sequence of names or dict, default=("greedy", "linear", "mean")
        Meta-learners to choose from; "simplex" finds nearly what "greedy" does. A dict says how much each counts: then
        nothing is judged.
    tolerance : float, default=2.0
        Standard errors above the lowest loss from which a candidate does not count; 0 keeps the best alone.
    cv : int, splitter or iterable of (train, test), default=5
    scoring : None, str or callable, default=None
        What is maximised: a scorer, or None for minus the log loss.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.
    random_state : int, RandomState instance or None, default=0

    Attributes
    ----------
    shares_ : dict of str to float
        How much each meta-learner that counts does; they sum to 1.
    chosen_ : dict of str to estimator
        The same, fitted on all rows.
    losses_ : dict of str to float
        Mean loss of each candidate on held-out rows; minus the score where `scoring` is given. Empty where nothing had
        to be judged.
    weights_ : ndarray of shape (n_members,)
        Weights of the members: the average of those of the meta-learners.
    prior_ : ndarray of shape (n_classes,)
    classes_ : ndarray of shape (n_classes,)

    References
    ----------
    .. [1] Breiman, L., Friedman, J., Olshen, R., Stone, C. (1984). Classification and regression trees, section 3.4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import AutoClassifier
    >>> y = np.array([0, 1] * 50)
    >>> AutoClassifier().fit(np.c_[np.where(y, 0.8, 0.2), np.where(y, 0.8, 0.2)], y).shares_
    {'linear': 1.0}
    """


class AutoRegressor(_Auto, TableRegressor):
    """Average the meta-learners that cross-validation on the table cannot tell from the best; see `AutoClassifier`.

    Parameters
    ----------
    candidates, tolerance, cv, scoring, random_state
        See `AutoClassifier`; without `scoring`, the squared error decides.

    Attributes
    ----------
    shares_, chosen_, losses_, weights_
        See `AutoClassifier`.
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import AutoRegressor
    >>> y = np.arange(50.0)
    >>> AutoRegressor().fit(np.c_[y, np.zeros(50)], y).shares_
    {'greedy': 1.0}
    """


def _first_and_twins(rows):
    """Return the positions of the first of equal rows, and for every row the place of its own among these.

    Equal rows are held out together: they count as one row of their weight. In a table of few different values, such as
    that of a small tree, equal rows are no repeated ones, and all stand for themselves.
    """
    _, first, code, counts = np.unique(keys_of(rows), return_index=True, return_inverse=True, return_counts=True)
    unlike = len(np.unique(keys_of(replace(rows, y=np.zeros_like(rows.y))))) < len(first)  # with different labels
    if unlike or counts.max() > MOST_TWINS:
        return np.arange(len(code)), np.arange(len(code))
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[code]


def _by_unit(loss, weight, unit):
    """Return the mean loss and the weight of each group, or of equal rows: they err together, as one."""
    different, codes = np.unique(unit, return_inverse=True)
    if len(different) == len(unit):
        return loss, weight
    total = np.bincount(codes, weight)
    return np.bincount(codes, weight * loss) / total, total


META_LEARNERS["auto"] = by_family(AutoClassifier, AutoRegressor, GreedyQuantiles, GreedyHazards, GreedyRanks)


def _names(family):
    return [name for name, made in META_LEARNERS.items() if family in made]


def _named(name, family, settings):
    """Return a meta-learner by its name."""
    return _set(META_LEARNERS[name][family](), family, settings)


def _set(model, family, settings):
    """Return a meta-learner, wrapped where it is none of ours, with those of the settings that it has."""
    model = model if isinstance(model, TableMixin) else WRAPPED[family](model)
    known = model.get_params(deep=False)
    return model.set_params(**{key: value for key, value in settings.items() if key in known})


def make_meta_learner(spec, *, kind, n_classes=None, scoring=None, random_state=None):
    """Return an unfitted meta-learner for a task.

    Parameters
    ----------
    spec : name in `META_LEARNERS`, dict of learner to weight, or estimator
        Meta-learners of this package are cloned, and told the number of classes; any other estimator is wrapped.
    kind : {"binary", "multiclass", "regression"}
    n_classes : int or None, default=None
        Of a classification; y then holds class positions.
    scoring : None, str or callable, default=None
        What those by name maximise, where they have such a parameter.
    random_state : int or None, default=None

    Returns
    -------
    estimator
        It takes a table and has `weights_` after fit.

    Examples
    --------
    >>> from ensemble_mm.meta import make_meta_learner
    >>> make_meta_learner("simplex", kind="regression")
    SimplexRegressor()
    """
    rules = rules_of(kind, n_classes)
    settings = {"n_classes": n_classes}
    if isinstance(spec, str):
        check_choice("meta_learner", spec, META_LEARNERS)
        if rules.family not in META_LEARNERS[spec]:
            raise ValueError(
                f"meta_learner={spec!r} does not fit a {kind} task: use one of {', '.join(_names(rules.family))}, or "
                f"name others by task or kind, as in {{{kind!r}: 'greedy', ...}}."
            )
        settings |= {"scoring": rules.scoring if scoring is None else scoring, "random_state": random_state}
        return _named(spec, rules.family, settings)
    if isinstance(spec, Mapping) and rules.family in FIXED:
        spec = FIXED[rules.family](dict(spec))
    if isinstance(spec, type) or not hasattr(spec, "fit"):
        raise TypeError(
            f"meta_learner={spec!r} is not an estimator: use one of {', '.join(_names(rules.family))}, or an "
            "instance of a scikit-learn estimator."
        )
    if get_tags(spec).estimator_type != rules.learner or not (isinstance(spec, TableMixin) or rules.family in WRAPPED):
        raise ValueError(
            f"meta_learner={spec!r} does not fit a {kind} task: give a {rules.learner}, or a dict by task or kind."
        )
    if isinstance(spec, TableMixin) and getattr(spec, "random_state", 0) is None:
        settings["random_state"] = random_state
    return _set(clone(spec), rules.family, settings)


def rules_of(name, n_classes):
    """Return the kind of a task by its name."""
    check_choice("kind", name, tuple(KINDS))
    kind = KINDS[name](n_classes or (2 if name == name_of_classes(2) else 0))
    if not kind.width:
        raise ValueError(f"kind={name!r} needs n_classes: the columns of a table do not tell it.")
    return kind
