"""What a fitted stack scores on the rows that were held out, beside its members and what is simpler."""

from dataclasses import replace
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd

from .._inner_folds import folds_of
from ..meta import Judge, alternatives, for_members, simpler
from ._decisions import honest, metric_for

BEST_VIEW, CONSTANT = BASELINES = "best single view", "constant"


def judge_of(model, name):
    """Return the `Judge` of one task of a fitted stack."""
    task = model.tasks_[name]
    metric = replace(metric_for(model, task), of_kind=partial(metric_for, model, task))
    given = model.targets_[name], folds_of(model.folds_, name), model.row_weights_[name], model.groups_
    return Judge(task.rules, metric, *given, honest(model, name))


def fold_scores(model):
    """Return the scores of every member and of the ensemble on every fold."""
    rows = []
    for name in model.tasks_:
        judge, last = judge_of(model, name), model.levels_[-1]
        members = ((m.learner, m.reads, out) for m, out in model.table_.each(last.columns[name]))
        for learner, reads, out in chain(members, [("ensemble", "", model.oof_[name])]):
            scores = judge.on_folds(out)
            std = np.nanstd(scores) if np.isfinite(scores).any() else np.nan
            rows.append((name, learner, reads, judge.metric.name, judge.score(out), std, *scores))
    names = ["task", "learner", "reads", "score_name", "mean", "std"]
    folds = [f"fold_{f}" for f in range(max(map(len, rows)) - len(names))]  # some tasks may have fewer
    return pd.DataFrame([dict(zip([*names, *folds], row, strict=False)) for row in rows], columns=[*names, *folds])


def leaderboard(model, *, whole=True):
    """Return one row per task and ensemble, member or baseline; see `BaseStack.leaderboard`.

    Without the `whole` the best single view is not among them, which takes fits of meta-learners.
    """
    return pd.concat([_board_of(model, name, whole) for name in model.tasks_], ignore_index=True)


def head_of(board, n_members=3):
    """Return the head of a leaderboard as text: for each task the ensemble, its best members and the baselines."""
    blocks = []
    for name, own in board.groupby("task", sort=False):
        fixed = own["learner"].isin(["ensemble", *BASELINES])
        shown = own[fixed | own.index.isin(own.index[~fixed][:n_members])]
        shown = shown.sort_values("learner", key=lambda learner: learner != "ensemble", kind="stable")
        rows = [
            ("learner", "reads", "rows", own["score_name"].iloc[0], "95 % interval", "minus the ensemble on these rows")
        ]
        rows += [
            (_short(row.learner), _short(row.reads), str(row.n), _number(row.score),
             f"{_number(row.low)} to {_number(row.high)}", "" if row.learner == "ensemble" else _apart(row))
            for row in shown.itertuples()
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        left_out = len(own) - len(shown)
        blocks.append(
            "\n  ".join(
                [
                    f"{name}: scores of rows that were held out; members by their difference to the ensemble",
                    *lines,
                    *([f"and {left_out} more"] if left_out else []),
                ]
            )
        )
    return "\n".join(blocks)


def _apart(row):
    """Return how far a row of a leaderboard is from the ensemble, and whether that may be chance."""
    sure = row.difference_low > 0 or row.difference_high < 0
    return f"{_number(row.difference, sign='+')}{'' if sure else ', may be chance'}"


def _number(value, sign=""):
    if not np.isfinite(value):
        return "-"
    return f"{value:{sign}.3f}" if abs(value) < 100 else f"{value:{sign}.4g}"


def _short(text):
    return text if len(text) <= 24 else text[:21] + "..."


def _board_of(model, name, whole):
    entries = [("ensemble", "", model.oof_[name])]
    entries += [(member.learner, member.reads, model.table_[member]) for member in model.table_.members(name)]
    entries += _simpler(model, name) if whole else []
    judge = judge_of(model, name)
    entries.append((CONSTANT, "", judge.constant))
    names = pd.DataFrame([(name, *entry[:2]) for entry in entries], columns=["task", "learner", "reads"])
    board = names.join(judge.compare([out for *_, out in entries]))
    return board.sort_values("difference", ascending=False, kind="stable")


def _simpler(model, name):
    """Yield (learner, reads, out-of-fold predictions) of the best single view."""
    level, given = model.levels_[0], (model.targets_[name], model.tasks_[name].rules, folds_of(model.folds_, name))
    members = level.table.members(name)
    apart = alternatives([member.views for member in members], list(model.views_))
    apart = {names: some for names, some in apart.items() if len(names) == 1}
    _, best = simpler(
        lambda some: for_members(level.metas[name], [members[m] for m in some]),
        lambda some, fold: level.table.block([members[m] for m in some], fold), apart, *given,
        model.row_weights_[name], model.groups_,
    )  # fmt: skip
    if best is not None:
        yield BEST_VIEW, *best
