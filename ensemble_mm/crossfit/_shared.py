"""The job that fits one learner for several tasks at once, in the place of one job per task."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from .._estimators import seeded
from .._kinds import kind_of
from .._rows import assemble
from ._execute import Job
from ._jobs import FitMember, counted_classes


@dataclass(frozen=True)
class FitShared(Job):
    """Fit a learner of all tasks on the rows that any of some jobs of single tasks would learn from.

    Gives {task: what the job of this task would give}.
    """

    parts: tuple[FitMember, ...]

    @property
    def name(self):
        others = f" and of {len(self.parts) - 1} other tasks" if len(self.parts) > 1 else ""
        return f"{self.parts[0].name}{others}"

    @property
    def group(self):
        return self.parts[0].group

    @property
    def cost(self):
        return self.parts[0].cost * len(self.parts)

    def run(self):
        learned = [part for part in self.parts if len(np.unique(part.y[part.train])) >= kind_of(part.n_classes).least]
        out = {part.fit.member.task: (None, None, 0.0, []) for part in self.parts}
        left = dict(enumerate(learned))
        while left:  # once; but once per task where features were learned from its labels
            first = next(iter(left.values()))
            alike = {place: part for place, part in left.items() if _read_alike(first, part)}
            left = {place: part for place, part in left.items() if place not in alike}
            out |= self._fitted(first, alike, learned)
        return out

    def _fitted(self, first, alike, learned):
        """Return the outcomes of the parts that read the features of the first: of one fit to the labels of all."""
        rows = np.unique(np.concatenate([part.train for part in self.parts]))
        blocks = first.read()
        weights = [part.weight for part in learned if part.weight is not None]
        weight = np.mean(weights, axis=0)[rows] if weights else None
        model = first._unfitted(blocks, [], weight, rows)
        counted = {part.fit.member.task: _counted(part) for part in learned}
        if any(counted.values()):
            weight = np.column_stack([_weighed(part, counted[part.fit.member.task], rows) for part in learned])
        tasks = [part.fit.member.task for part in learned]
        model.estimator = seeded(first.fit.member.estimator, first.seed).weighing(tasks)
        model.estimator.fit(
            assemble(blocks, rows, model.fills, model.dense), np.column_stack([part.y[rows] for part in learned]),
            sample_weight=weight, groups=None if first.groups is None else first.groups[rows],
            sizes=[part.n_classes for part in learned],
        )  # fmt: skip
        return {
            part.fit.member.task: part.outcome(
                replace(model, estimator=model.estimator.head(place), n_classes=part.n_classes,
                        codes=list(range(part.n_classes)), counted=counted[part.fit.member.task]), blocks)
            for place, part in alike.items()
        }  # fmt: skip


def _counted(part):
    """Return what a row of each class of a task counts; empty: all the same."""
    if part.class_weight is None:
        return ()
    y, weight = part.y[part.train].astype(np.intp), None if part.weight is None else part.weight[part.train]
    return counted_classes(part.class_weight, y, part.n_classes, weight)


def _weighed(part, counted, rows):
    """Return the weights of rows in a task; rows without its label count nothing."""
    weight = np.ones(len(rows)) if part.weight is None else part.weight[rows].astype(float)
    known = ~np.isnan(part.y[rows])
    if counted:
        weight[known] *= np.take(counted, part.y[rows][known].astype(np.intp))
    return weight


def _read_alike(one, other):
    """Tell whether the jobs of two tasks read the same features."""
    return one.views == other.views and all(map(_equal, one.blocks, other.blocks))


def _equal(one, other):
    if one is other or one.shape != other.shape or sparse.issparse(one) != sparse.issparse(other):
        return one is other
    return (one != other).nnz == 0 if sparse.issparse(one) else np.array_equal(one, other, equal_nan=True)


def shared(parts):
    """Return the job of some jobs for a learner of all tasks, in an order that does not hang on that of the tasks."""
    parts = tuple(sorted(parts, key=lambda part: part.fit.member.task))
    return FitShared(parts, key=parts[0].key, required=any(part.required for part in parts))
