"""Of which rows a stack says nothing: those whose set holds several classes, and those of which members differ."""

import numpy as np

from .._checks import PART, check_param, one_of
from ._regions import regions_of

COVERAGE = 0.9  # of the sets, where no other is given
MOST_DISSENT = 0.2  # of the weight, that members which say another class than the ensemble may have
REASONS = ("sets", "disagreement", "both")


def silenced(model, X, abstain):
    """Return predictions by task, the labels of the rows, and by task a mask of rows of which nothing is said."""
    check_param("abstain", abstain, [PART, one_of(*REASONS)], type(model).__name__)
    out, new = model._predict_tasks(X)
    silent = {
        name: np.zeros(len(p), dtype=bool) for name, p in out.items() if model.tasks_[name].rules.region == "sets"
    }
    if abstain != "disagreement":
        coverage = COVERAGE if isinstance(abstain, str) else abstain
        sets = regions_of(model, out, new.present, coverage, ("sets",))
        silent = {name: inside.sum(axis=1) > 1 for name, inside in sets.items()}
    if abstain in ("disagreement", "both"):
        for name, share in _dissent(model, X, out).items():
            silent[name] |= share > MOST_DISSENT
    return out, new.index, silent


def _dissent(model, X, out):
    """Return {task: share of the weight of a row's members that say another class than the ensemble does}."""
    found, table = {}, model.predict_members(X)
    for name, task in model.tasks_.items():
        weights = model.contributions_[name]  # with a final estimator: what moves it
        if task.rules.region != "sets":
            continue
        said, against, total = task.rules.decide(out[name]), np.zeros(len(out[name])), np.zeros(len(out[name]))
        for member in model.levels_[-1].columns[name]:
            weight = weights[member.reads, member.learner]
            block = table[member]
            there = np.isfinite(block).all(axis=1)
            total += weight * there
            against[there] += weight * (task.rules.decide(task.rules.whole(block[there])) != said[there])
        found[name] = against / np.maximum(total, np.finfo(float).tiny)
    return found
