"""Learners that go on learning from new rows, and those that are fitted anew on old and new ones."""

from copy import copy, deepcopy
from dataclasses import dataclass, replace
from inspect import signature

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from .._estimators import EARLY_STOPPING, is_fitted_whole, known_before
from .._metadata import Metadata
from .._routing import keyword
from .._rows import assemble
from .._stopping import fit_learner
from ._execute import Job
from ._jobs import FittedMember
from ._plan import Fit

BOOSTERS = {"lightgbm": ("init_model", "booster_"), "xgboost": ("xgb_model", "get_booster")}


@dataclass(frozen=True)
class UpdateMember(Job):
    """Let one fitted learner learn from new rows: it goes on where it can, or is fitted anew where old rows are given.

    `blocks` and `y` hold the old rows, if there are any, then the new ones. Gives a FittedMember, or None where the
    learner can do neither.
    """

    fit: Fit
    model: FittedMember
    blocks: tuple
    rows: np.ndarray  # of the blocks: those that are learned from
    y: np.ndarray  # of these
    weight: np.ndarray | None
    new: np.ndarray  # which of these are new
    share: float  # of the new rows in those that were learned from before
    seed: int
    groups: np.ndarray | None = None  # of these
    metadata: Metadata | None = None  # of these, of which a learner is given what it asks for

    @property
    def name(self):
        return f"update of {self.fit}"

    def run(self):
        model = self.model
        if is_fitted_whole(model.estimator) or known_before(model.estimator)[1] is not None:
            return None  # it was fitted before the stack, and stays so
        known = np.isin(self.y, model.codes) if model.codes else np.ones(len(self.y), dtype=bool)
        some = known & self.new
        if some.any():
            learner = continued(model.estimator, *self._rows(some), self.share, self.metadata and self.metadata[some])
            if learner is not None:
                return replace(model, estimator=learner)
        if self.new.all() or not known.any() or not hasattr(model.estimator, "fit"):  # as what a network says of a task
            return None
        learner = clone(model.estimator)
        groups, metadata = (part if part is None else part[known] for part in (self.groups, self.metadata))
        fit_learner(learner, *self._rows(known), self.seed, groups, metadata)
        return replace(model, estimator=learner)

    def _rows(self, some):
        """Return what is learned from some rows, of classes that the learner knows."""
        X = assemble(list(self.blocks), self.rows[some], self.model.fills, self.model.dense)
        target = self.y[some] if not self.model.codes else np.searchsorted(self.model.codes, self.y[some])
        return X, target, self.model.weighed(target, None if self.weight is None else self.weight[some])


def continued(learner, X, y, weight, share, metadata=None):
    """Return a copy of a fitted learner that went on with new rows; None where it cannot.

    Boosting adds as many trees per row as it has, on all classes or not at all.
    """
    if isinstance(learner, Pipeline):
        X = learner[:-1].transform(X) if len(learner) > 1 else X
        last = continued(learner[-1], X, y, weight, share, metadata)
        if last is None:
            return None
        whole = copy(learner)
        whole.steps = [*learner.steps[:-1], (learner.steps[-1][0], last)]
        return whole
    package = type(learner).__module__.partition(".")[0]
    if package in BOOSTERS:
        return _boosted(learner, X, y, weight, share, metadata)
    if not hasattr(learner, "partial_fit"):
        return None
    more = deepcopy(learner)
    weights = {"sample_weight": weight} if "sample_weight" in signature(more.partial_fit).parameters else {}
    return more.partial_fit(X, y, **weights, **_asked(metadata, learner, "partial_fit"))


def _asked(metadata, learner, method):
    """Return the metadata that a method of a learner asks for, as keyword arguments."""
    known = metadata and metadata.asked_by(learner, method)
    return known.params if known else {}


def _boosted(learner, X, y, weight, share, metadata):
    before, booster = BOOSTERS[type(learner).__module__.partition(".")[0]]
    if is_classifier(learner) and len(np.unique(y)) < len(learner.classes_):
        return None
    params = learner.get_params(deep=False)
    trees = max(1, round(min(share, 1.0) * (params.get("n_estimators") or 100)))
    more = clone(learner).set_params(n_estimators=trees, **{n: None for n in EARLY_STOPPING if params.get(n)})
    found = getattr(learner, booster)
    weights = {} if weight is None or keyword(more, "sample_weight") is None else {"sample_weight": weight}
    known = _asked(metadata, learner, "fit")
    more.fit(X, y, **{before: found() if callable(found) else found}, **weights, **known)
    if booster == "booster_":
        # LightGBM's holds on to the model that it went on from: it has all trees of it.
        more._Booster = type(more.booster_)(model_str=more.booster_.model_to_string())
    return more
