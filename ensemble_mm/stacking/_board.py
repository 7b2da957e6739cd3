"""What a fitted stack scores on the rows that were held out, beside its members and what is simpler."""

import numpy as np
import pandas as pd

from .._scorers import metric_of
from ..meta import Judge, alternatives, best_alone, constant_of, cross_fitted
from ._level import setting_of


def judge_of(model, name):
    """Return the `Judge` of one task of a fitted stack."""
    task = model.tasks_[name]
    metric = metric_of(setting_of(model.scoring, task), task.rules)
    return Judge(task.rules, metric, model.targets_[name], model.folds_, model.row_weights_[name], model.groups_)


def fold_scores(model):
    """Return the scores of every member and of the ensemble on every fold."""
    rows = []
    for name in model.tasks_:
        judge, last = judge_of(model, name), model.levels_[-1]
        entries = [(member.learner, member.reads, model.table_[member]) for member in last.columns[name]]
        for learner, reads, out in [*entries, ("ensemble", "", model.oof_[name])]:
            scores = judge.on_folds(out)
            std = np.nanstd(scores) if np.isfinite(scores).any() else np.nan
            rows.append((name, learner, reads, judge.metric.name, judge.score(out), std, *scores))
    folds = [f"fold_{f}" for f in range(len(model.folds_))]
    return pd.DataFrame(rows, columns=["task", "learner", "reads", "score_name", "mean", "std", *folds])


def leaderboard(model):
    """Return one row per task and ensemble, member or baseline; see `BaseStack.leaderboard`."""
    return pd.concat([_board_of(model, name) for name in model.tasks_], ignore_index=True)


def _board_of(model, name):
    entries = [("ensemble", "", model.oof_[name])]
    entries += [(member.learner, member.reads, model.table_[member]) for member in model.table_.members(name)]
    entries += _simpler(model, name)
    names = pd.DataFrame([(name, *entry[:2]) for entry in entries], columns=["task", "learner", "reads"])
    board = names.join(judge_of(model, name).compare([out for *_, out in entries]))
    return board.sort_values("difference", ascending=False, kind="stable")


def _simpler(model, name):
    """Return (learner, reads, out-of-fold predictions) of the best single view and of a constant."""
    kind, level = model.tasks_[name].rules, model.levels_[0]
    y, folds, weight = model.targets_[name], model.folds_, model.row_weights_[name]
    members = level.table.members(name)
    alone = {}
    for names, some in alternatives([member.views for member in members], list(model.views_)).items():
        if len(names) == 1:
            block = level.table.block([members[m] for m in some])
            _, alone[names[0]] = cross_fitted(level.metas[name], block, y, kind, folds, weight, model.groups_)
    if alone:
        best, out = best_alone(alone, y, kind, folds, weight, model.groups_)
        yield "best single view", best, out
    yield "constant", "", constant_of(y, kind, folds, weight)
