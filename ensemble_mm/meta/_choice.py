"""Which meta-learner and which members: by name, by cross-validation on the table, or the user's own."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags

from .._checks import check_choice, check_count
from ._columns import TINY, TableClassifier, TableRegressor, rows_of_numbers, split, spread, thinned
from ._greedy import GreedyClassifier, GreedyRegressor
from ._linear import LinearClassifier, LinearRegressor
from ._pruning import OrderedPruner
from ._scoring import SAME_AS_LOSS, scored
from ._weights import MeanClassifier, MeanRegressor, SimplexClassifier, SimplexRegressor
from ._wrapped import WrappedClassifier, WrappedRegressor

CLASSIFIERS = {
    "mean": MeanClassifier,
    "greedy": GreedyClassifier,
    "simplex": SimplexClassifier,
    "linear": LinearClassifier,
}
REGRESSORS = {"mean": MeanRegressor, "greedy": GreedyRegressor, "simplex": SimplexRegressor, "linear": LinearRegressor}
NAMES = (*CLASSIFIERS, "auto")
FEW_BAGS = 3  # of greedy selection where it is only judged
JUDGED_CELLS = 100_000  # of a table, rows times members, that are enough to judge on


class _Auto:
    def fit(self, X, y, sample_weight=None):
        """Choose and fit on a table of shape (n_samples, n_members * n_columns)."""
        rows = self._check(X, y, sample_weight)
        names = list(self._choices)
        if len(rows.y) > 1 and len(rows.order) > 1:
            table = self._flat(rows.cells)
            parts = {name: [] for name in names}
            most = min(max(500, JUDGED_CELLS // len(rows.order)), rows_of_numbers(rows.cells))
            for train, test in ((thinned(part, most) for part in split) for split in self._splits(rows, X, y)):
                if not len(train) or not len(test):
                    continue
                for name in names:
                    model = self._make(name, n_bags=FEW_BAGS)
                    model.fit(table[train], rows.y[train], sample_weight=rows.weight[train])
                    parts[name].append(self._judge(model, table[test], rows.y[test], rows.weight[test]))
            weight = np.concatenate([w for _, w in parts[names[0]]])
            losses = {name: np.concatenate([loss for loss, _ in parts[name]]) for name in names}
            self.losses_ = {name: float(np.average(loss, weights=weight)) for name, loss in losses.items()}
            self.choice_ = self._first_of_the_best(losses, weight)
        else:
            self.losses_, self.choice_ = dict.fromkeys(names, 0.0), names[0]
        self.chosen_ = self._make(self.choice_)
        if len(rows.y):
            self.chosen_.fit(self._flat(rows.cells), rows.y, sample_weight=rows.weight)
            order = np.argsort(rows.order)
            for name in ("weights_", "coef_"):
                if hasattr(self.chosen_, name):
                    setattr(self.chosen_, name, getattr(self.chosen_, name)[order])
            self.weights_ = self.chosen_.weights_
        else:
            self.chosen_, self.weights_ = None, rows.even
        return self

    def _splits(self, rows, X, y):
        """Return (train, test) positions among the rows that are fitted on."""
        if isinstance(self.cv, Integral):
            check_count("cv", self.cv, minimum=2)
            rng = check_random_state(self.random_state)
            # Neighbours in the order of y go to different folds: every fold gets its share of each class.
            fold, n_folds = np.empty(len(rows.y), dtype=int), min(self.cv, len(rows.y))
            fold[np.lexsort((rng.permutation(len(rows.y)), rows.y))] = np.arange(len(rows.y)) % n_folds
            return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(n_folds)]
        splits = check_cv(self.cv, y, classifier=bool(self._n_classes)).split(X, y)
        return [tuple(np.flatnonzero(np.isin(rows.where, part)) for part in split) for split in splits]

    def _first_of_the_best(self, losses, weight):
        """Return the first whose loss is within one standard error, of the paired difference, of the lowest."""
        best = min(losses, key=self.losses_.get)
        share = weight / weight.sum()
        for name, loss in losses.items():
            difference = loss - losses[best]
            mean = share @ difference
            error = np.sqrt(share @ (difference - mean) ** 2 / max(len(loss) - 1, 1))
            if name == best or mean <= error:
                return name

    def _judge(self, model, table, y, weight):
        """Return losses on held-out rows and their weights: a value a row, or one a fold where a metric asks for it."""
        n_classes = self._n_classes
        out = model.predict_proba(table) if n_classes else model.predict(table)[:, np.newaxis]
        if self.scoring not in SAME_AS_LOSS[bool(n_classes)] and self.scoring != "accuracy":
            return np.array([-scored(self.scoring, y, weight, n_classes)(out)]), np.array([weight.sum()])
        if self.scoring == "accuracy":
            return (out.argmax(axis=1) != y).astype(float), weight
        loss = -np.log(np.maximum(out[np.arange(len(y)), y], TINY)) if n_classes else (out[:, 0] - y) ** 2
        return loss, weight

    def _flat(self, cells):
        return cells[:, :, 1] if cells.shape[2] == 2 else cells.reshape(len(cells), -1)

    def _make(self, name, **of_greedy):
        settings = {}
        if name == "greedy":
            settings = {"scoring": self.scoring, "random_state": self.random_state, **of_greedy}
        if isinstance(self, TableClassifier):
            settings["n_classes"] = self._n_classes
        return self._choices[name](**settings)

    def _mix(self, cells):
        return super()._mix(cells) if self.chosen_ is None else self.chosen_._mix(cells)


class AutoClassifier(_Auto, TableClassifier):
    """Choose "greedy" or "linear" by cross-validation on the table.

    "greedy" stays unless "linear" is better by more than one standard error of the paired difference [1]_. The other
    meta-learners are near one of the two: "simplex" finds what "greedy" does, "mean" what "linear" does on few rows.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test), default=5
    scoring : None, str or callable, default=None
        What is maximised: a scorer, or None for minus the log loss.
    n_classes : int or None, default=None
        Number of classes when y holds their positions; None: two, of any labels.
    random_state : int, RandomState instance or None, default=0

    Attributes
    ----------
    choice_ : str
        Name of the meta-learner that was chosen.
    chosen_ : estimator
        The same, fitted on all rows.
    losses_ : dict of str to float
        Mean loss of each on held-out rows; minus the score where `scoring` is given.
    weights_ : ndarray of shape (n_members,)
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
    >>> AutoClassifier().fit(np.c_[np.where(y, 0.8, 0.2), np.where(y, 0.8, 0.2)], y).choice_
    'linear'
    """

    _choices = {name: CLASSIFIERS[name] for name in ("greedy", "linear")}

    def __init__(self, *, cv=5, scoring=None, n_classes=None, random_state=0):
        self.cv = cv
        self.scoring = scoring
        self.n_classes = n_classes
        self.random_state = random_state


class AutoRegressor(_Auto, TableRegressor):
    """Choose "greedy" or "linear" by cross-validation on the table; see `AutoClassifier`.

    Parameters
    ----------
    cv, scoring, random_state
        See `AutoClassifier`; without `scoring`, the squared error decides.

    Attributes
    ----------
    choice_, chosen_, losses_, weights_
        See `AutoClassifier`.
    prior_ : ndarray of shape (1,)

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import AutoRegressor
    >>> y = np.arange(50.0)
    >>> AutoRegressor().fit(np.c_[y + 1, y - 1], y).choice_
    'greedy'
    """

    _choices = {name: REGRESSORS[name] for name in ("greedy", "linear")}

    def __init__(self, *, cv=5, scoring=None, random_state=0):
        self.cv = cv
        self.scoring = scoring
        self.random_state = random_state


def make_meta_learner(spec, *, kind, n_classes=None, scoring=None, random_state=None):
    """Return an unfitted meta-learner for a task.

    Parameters
    ----------
    spec : {"greedy", "simplex", "linear", "mean", "auto"} or estimator
        Meta-learners of this package are cloned, and told the number of classes; any other estimator is wrapped.
    kind : {"binary", "multiclass", "regression"}
    n_classes : int or None, default=None
        Of a classification; y then holds class positions.
    scoring : None, str or callable, default=None
        What "greedy" and "auto" maximise.
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
    check_choice("kind", kind, ("binary", "multiclass", "regression"))
    classes = kind != "regression"
    if kind == "multiclass" and n_classes is None:
        raise ValueError('kind="multiclass" needs n_classes: the columns of a table do not tell it.')
    settings = {"n_classes": n_classes} if classes else {}
    if isinstance(spec, str):
        check_choice("meta_learner", spec, NAMES)
        if spec in ("greedy", "auto"):
            settings |= {"scoring": scoring, "random_state": random_state}
        if spec == "auto":
            return (AutoClassifier if classes else AutoRegressor)(**settings)
        return (CLASSIFIERS if classes else REGRESSORS)[spec](**settings)
    if isinstance(spec, type) or not hasattr(spec, "fit"):
        raise TypeError(
            f"meta_learner={spec!r} is no estimator: use one of {', '.join(NAMES)}, or an instance of a scikit-learn "
            "estimator."
        )
    if not (is_classifier(spec) if classes else is_regressor(spec)):
        wanted, found = ("classifier", "labels") if classes else ("regressor", "numbers")
        raise ValueError(
            f"meta_learner={spec!r} does not fit a {kind} task: give a {wanted}, which predicts {found}, or a dict by "
            "task or kind."
        )
    if isinstance(spec, TableClassifier | TableRegressor):
        if getattr(spec, "random_state", 0) is None:
            settings["random_state"] = random_state
        return clone(spec).set_params(**settings)
    return WrappedClassifier(spec, **settings) if classes else WrappedRegressor(spec)


def select_members(prune, X, y, *, kind, n_classes=None, seconds=None, names=None, random_state=None):
    """Return the sorted positions of the members to keep.

    Parameters
    ----------
    prune : None, "auto", int, float, selector or callable
        None keeps all; a number or a share in (0, 1) that many, of those that help each other most; "auto" half of
        them, since fewer cost accuracy on fresh rows more often than a table of few rows can tell. A selector of
        scikit-learn's kind is cloned and fitted on the table, and keeps a member when it keeps one of its columns. A
        callable gets (X, y) and returns positions or a mask of members.
    X : ndarray of shape (n_samples, n_members * n_columns)
        Table of one task.
    y : ndarray of shape (n_samples,)
        Class positions or numbers.
    kind : {"binary", "multiclass", "regression"}
    n_classes : int or None, default=None
        Of a classification.
    seconds : array-like of shape (n_members,) or None, default=None
        Handed to a selector that has a parameter `seconds` and no value for it.
    names : list of str or None, default=None
        Names of the members, for messages.
    random_state : int or None, default=None
        Handed to a selector that has a parameter `random_state` and no value for it.

    Returns
    -------
    list of int

    Examples
    --------
    >>> import numpy as np
    >>> from ensemble_mm.meta import select_members
    >>> y = np.arange(30.0)
    >>> select_members(1, np.c_[np.sin(y), y], y, kind="regression")
    [1]
    """
    check_choice("kind", kind, ("binary", "multiclass", "regression"))
    classes = (n_classes or 2) if kind != "regression" else None
    X = np.asarray(X, dtype=np.float64)
    width = classes if classes and classes > 2 else 1
    n_members = X.shape[1] // width
    y = np.asarray(y).astype(np.intp) if classes else np.asarray(y, dtype=np.float64)
    if prune is None or n_members == 1:
        return list(range(n_members))
    if isinstance(prune, str) and prune == "auto":
        found = OrderedPruner(n_classes=classes).fit(X, y).members_
    elif isinstance(prune, Real) and not isinstance(prune, bool):
        found = OrderedPruner(prune, n_classes=classes).fit(X, y).members_
    elif hasattr(prune, "fit") and not isinstance(prune, type):
        selector = clone(prune)
        known = selector.get_params(deep=False)
        given = {"n_classes": classes, "seconds": seconds, "random_state": random_state}
        # The number of classes is a fact of the task; the others are what the user left open.
        told = {k: v for k, v in given.items() if k in known and (k == "n_classes" or known[k] is None)}
        table = X if get_tags(selector).input_tags.allow_nan else _filled(X, y, classes or 0)
        selector.set_params(**told).fit(table, y)
        mask = np.asarray(selector.get_support() if hasattr(selector, "get_support") else selector.support_)
        if mask.dtype != bool:
            mask = np.isin(np.arange(X.shape[1]), mask)
        found = np.flatnonzero(mask.reshape(n_members, width).any(axis=1))
    elif callable(prune):
        found = np.asarray(prune(X, y))
        found = np.flatnonzero(found) if found.dtype == bool else np.unique(found)
    else:
        raise ValueError(f'prune={prune!r} is not known: use None, "auto", a number of members or a selector.')
    if not len(found):
        of = f" of {', '.join(map(str, names[:3]))}..." if names else ""
        raise ValueError(f"prune={prune!r} keeps no member{of}: loosen it.")
    return [int(m) for m in found]


def _filled(X, y, n_classes):
    """Return the table without holes: the mean of the row's other members, else the prior."""
    prior = np.bincount(y, minlength=n_classes) / len(y) if n_classes else np.atleast_1d(y.mean())
    cells = spread(split(X, n_classes))
    cells = np.where(np.isnan(cells), prior, cells)
    return cells[:, :, 1] if n_classes == 2 else cells.reshape(len(X), -1)
