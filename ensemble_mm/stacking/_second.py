"""What lies on the first level: members that read estimates beside the views, and whether they help.

With `strategy="stacked"` or "chain" they read what is said of other tasks, with `layers=2` what each member of the
first level says. With `passthrough` the final estimator reads that, beside the views that it is to see.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from .._checks import did_you_mean, warn
from ..crossfit import ALL_ROWS, FIT_SHARE, MISSING, Estimate, Member, patterns_of, seed_of
from ..learners import OWN_LOSS, named_learner
from ..meta import TableClassifier, TableRegressor
from ._across import (
    chain_estimates,
    chain_orders,
    estimate_of,
    guard,
    member_estimates,
    members_reading,
    moved_by,
    promising,
)
from ._judged import parts
from ._level import Level
from ._members import facts_of
from ._parameters import meta_setting

FINAL = "meta_learner"  # what the member that is the final estimator is called
EVERY = 1000  # learners: a second layer has all of the first


class SecondLevelMixin:
    """The steps of a fit, and of a prediction, that lie on the first level."""

    learners: Any
    meta_learner: Any
    passthrough: Any
    layers: int
    refit: bool
    prune: Any
    tasks_: dict[str, Any]
    levels_: list[Level]

    def _learn(self, run, members):
        """Fit the members and the meta-learners of all levels, and keep what they say."""
        first, fitted = self._first_level(run, members)
        names = list(run.problem.tasks)
        found = pd.DataFrame({"kept": False, "gain": 0.0, "standard_error": np.nan}, index=names)
        if hasattr(self, "strategy"):  # several tasks
            self.task_contributions_ = pd.DataFrame(0.0, index=names, columns=names)
        levels, oof = [first], first.oof
        if self._reads_estimates(names) and not run.runner.is_over(FIT_SHARE):
            tried = self._tried(run, first)
            second, across, estimates = self._second_level(run, first, fitted, members, set().union(*tried.values()))
            if second is not None and self.passthrough:
                fitted, oof = across, second.oof
                levels.append(second)
            elif second is not None:
                found, kept = _where_it_helps(run, first, second, tried)
                if kept:
                    oof, mixed = self._mixed(run, second, fitted, across, kept)
                if found["kept"].any():
                    fitted = mixed
                    levels.append(self._merge(run, second, estimates, found.index[found["kept"]]))
        if hasattr(self, "strategy") or self.layers > 1:
            found.insert(0, "strategy", self._strategy)
            self.strategy_ = found
        self._finish(run, levels, oof, fitted)
        if self.passthrough and len(levels) > 1:
            self._share_final(run, levels[-1], estimates)

    def _tried(self, run, first):
        """Return the tasks whose second level is tried, by the fold whose rows are left out (None: none are)."""
        if self._strategy == "stacked" and not self._reads_members:
            return promising(run, first)
        # Members that read members gain by these, and the links of a chain hang together.
        return dict.fromkeys((None, *range(len(parts(run)))), list(run.problem.tasks))

    @property
    def _strategy(self):
        return getattr(self, "strategy", "independent")  # of one task there is no other

    @property
    def _reads_members(self):
        """Whether members of the second level read what those of the first say."""
        return bool(self.passthrough) or self.layers > 1

    def _reads_estimates(self, tasks):
        return self._reads_members or (self._strategy != "independent" and len(tasks) > 1)

    def _second_level(self, run, first, weighed, members, wanted):
        """Return the second level of some tasks, its meta-learners, and what its members read.

        The level is None where no task is wanted, or nothing could be fitted.
        """
        tasks = run.problem.tasks
        estimates, tried = self._estimates_of(run, first, weighed)
        table, models = None, {}
        for step in self._steps_in_time(run, [member for member in members if member in first.models], wanted):
            # The labels of a fold would reach the final estimator through members that learned from it.
            read = partial(_unheard, first.table, tasks, estimates) if self.passthrough else estimates
            for own, fitted in self._fit_step(run, step, read, estimates, tried):
                table = own if table is None else table.join(own)
                models |= fitted
                if self._strategy == "chain":
                    estimates = estimates | chain_estimates(own, tasks)
                    for pattern in tried:
                        tried[pattern] |= chain_estimates(run.cells(own, own.members(), pattern), tasks)
        if not models:
            if wanted and not run.runner.is_over(FIT_SHARE):
                self._warn_of_no_effect()
            return None, {}, estimates
        second = Level(table, models, below=first)
        settings = self._meta_settings({name: tasks[name] for name in tasks if name in wanted}, bool(self.passthrough))
        return second, second.weigh(run, settings), estimates

    def _steps_in_time(self, run, members, wanted):
        """Return the candidates of some tasks, those of a final estimator by the views that were extracted in time."""
        steps = self._steps(run.problem, run.seed, members)
        if self.passthrough:
            steps = [[run.readable(group) for group in step] for step in steps]
        return [[group for group in step if group and group[0].task in wanted] for step in steps]

    def _estimates_of(self, run, first, weighed):
        """Return what the second level can read: of the rows, and by pattern of views that they might lack."""
        tasks = run.problem.tasks
        estimates = first.estimates(first.oof, tasks)
        tried = {pattern: first.estimates(out, tasks) for pattern, out in first.tried(run, weighed).items()}
        if self._reads_members:
            estimates |= member_estimates(first.table, tasks)
            for pattern, known in tried.items():
                known |= member_estimates(run.cells(first.table, first.table.members(), pattern), tasks)
        return estimates, tried

    def _warn_of_no_effect(self):
        asked = f"layers={self.layers}" if self.layers > 1 else f"strategy={self._strategy!r}"
        warn(
            f"{asked} had no effect: no learner can read estimates beside its views. Add one that takes any columns, "
            "such as a linear one.",
            UserWarning,
        )

    def _fit_step(self, run, step, read, estimates, tried_estimates):
        """Fit the first candidates of each group; yield (table, models) of those that could be fitted.

        The second level is our idea, not the user's: a learner that fails here makes way for the next. A final
        estimator is the user's.
        """
        waiting = [[m for m in group if all(name in estimates for name in m.inputs)] for group in step]
        lacking = [self._n_across] * len(waiting)
        while members := [m for n, group in zip(lacking, waiting, strict=True) for m in group[:n]]:
            own, fitted = run.fit(
                members, estimates=read, tried=tried_estimates, stage="fit across tasks",
                refit=self.refit and (self.prune is None or bool(self.passthrough)), optional=not self.passthrough,
            )  # fmt: skip
            done = [sum(m in fitted for m in group[:n]) for n, group in zip(lacking, waiting, strict=True)]
            waiting = [group[n:] for n, group in zip(lacking, waiting, strict=True)]
            lacking = [n - k for n, k in zip(lacking, done, strict=True)]
            yield own, fitted
            if run.runner.is_over(FIT_SHARE):
                return

    def _members_across(self, problem, members):
        """Return the members that read estimates."""
        if not self._reads_estimates(problem.tasks):
            return []
        return [m for step in self._steps(problem, 0, members) for group in step for m in group[: self._n_across]]

    @property
    def _n_across(self):
        """How many learners of a task read estimates: a second layer has all of the first."""
        return EVERY if self.layers > 1 else 2 if self._strategy == "stacked" else 1

    def _steps(self, problem, seed, members):
        """Return the candidates of the second level: in steps, of which each waits for the one before, and groups.

        Of each group `_n_across` members are fitted, the first that can be.
        """
        names, chained = sorted(problem.tasks), self._strategy == "chain"  # the order of the columns does not matter
        own, others = self._own_inputs(names, members), self._inputs_across(names)
        if self.passthrough:
            return [[[self._final(problem, name, [*own[name], *others[name]])] for name in names]]
        if not isinstance(self.learners, str):  # a portfolio names the most useful first, a list of the user may not
            members = sorted(members, key=lambda member: member.learner)
        label = "+members" if self.layers > 1 else ""
        if not chained or len(names) == 1:
            label += "+tasks" if any(others.values()) else ""
            return [[members_reading(name, members, [*own[name], *others[name]], label) for name in names]]
        orders = chain_orders(names, np.random.RandomState(seed_of(seed, "chains")))
        return [_step_of_chains(orders, position, members, own, label) for position in range(1, len(names))]

    def _own_inputs(self, names, members):
        """Return what is read of a task that the members of the first level say of it, by task."""
        read = members if self._reads_members else []
        return {name: [estimate_of(member) for member in read if member.task == name] for name in names}

    def _inputs_across(self, names):
        """Return what is read of other tasks, by task."""
        if self._strategy == "independent":
            return dict.fromkeys(names, [])
        return {name: [Estimate(task) for task in names if task != name] for name in names}

    def _final(self, problem, name, inputs):
        """Return the final estimator of a task as a member that reads all that is said, and the views it is to see."""
        task, views = problem.tasks[name], passed(self.passthrough, problem)
        spec = _final_estimator(self, task, problem)
        return Member(name, FINAL, f"members+{'+'.join(views)}", tuple(views), spec, "native", tuple(inputs))

    def _mixed(self, run, second, fitted, across, wanted):
        """Let the second level keep the meta-learners of the first but where its own are wanted; return what they
        predict out of fold, and these meta-learners.

        `fitted` and `across` hold those of the first and of the second level, by task and by the fold that is left out;
        `wanted` lists where the second serves.
        """
        if self.prune is not None:
            own, names = second.table.members(), {name for name, _ in wanted}
            only = {(name, fold): [m for m in w.members if m in own or m in fitted[name, fold].members]
                    for (name, fold), w in across.items() if name in names}  # fmt: skip
            across = second.weigh(run, self._meta_settings(run.problem.tasks), self.prune, only)
        mixed = fitted | {key: across[key] for key in wanted if key in across}
        second.settle(run, mixed)
        return second.oof, mixed

    def _merge(self, run, second, estimates, useful):
        """Return the second level with the members that the tasks in `useful` need, fitted on all rows if pruned."""
        chained = any(member.chain is not None for member in second.table.members())
        members = [m for m in second.table.members() if m.task in useful or chained]
        if self.refit and self.prune is not None:
            members = members if chained else second.used()
            second.models = run.refit_members([m for m in members if m in second.models], estimates)
        second.table = second.table.keep(members)
        for name in useful:
            self._share_out(run, name, second, estimates)
        return second

    def _share_out(self, run, name, second, estimates):
        """Add to `task_contributions_` what task `name` owes to each other task: the weights of the members that read
        them, times the share of each task in what moves their predictions."""
        for member, weight in second.weights(name).items():
            if member not in second.models or weight == 0:
                continue
            moved = moved_by(run, member, second.models[member], estimates)
            for source, share in zip(member.inputs, moved, strict=True):
                if source.task not in (name, MISSING.task):
                    self.task_contributions_.loc[source.task, name] += weight * share

    def _share_final(self, run, last, estimates):
        """Say in `contributions_` what moves a final estimator: each member, and the features, which count as its own.

        What it owes to estimates of other tasks goes to `task_contributions_`.
        """
        for member, models in last.models.items():
            shares = pd.Series(moved_by(run, member, models, estimates), index=list(member.inputs))
            for source, share in shares.items():
                if source.learner is not None:
                    self.contributions_.loc[(source.reads, source.learner), member.task] = share
                else:
                    self.task_contributions_.loc[source.task, member.task] = share
            own = 1.0 - sum(share for source, share in shares.items() if source.learner is not None)
            self.contributions_.loc[(member.reads, member.learner), member.task] = own

    def _run_levels(self, new):
        """Return the joined table of all levels and the predictions {task: array} of the last."""
        estimates, table, out, patterns = {}, None, None, patterns_of(new.present)
        for level in self.levels_:
            waiting = level.table.members()
            while waiting:  # the links of a chain wait for those before them
                ready = [m for m in waiting if all(name in estimates or name == MISSING for name in m.inputs)]
                own = new.predict(ready, level.models, self.tasks_, estimates)
                table = own if table is None else table.join(own)
                estimates = estimates | chain_estimates(own, self.tasks_)
                waiting = [m for m in waiting if m not in ready]
            out = level.combine(table, self.tasks_, patterns)
            if level is not self.levels_[-1]:
                estimates = level.estimates(out, self.tasks_) | member_estimates(table, self.tasks_)
        return table, out


def _where_it_helps(run, first, second, tried):
    """Return what the second level gains by task, and where it serves: (task, fold that is left out, or None).

    `tried` lists the tasks that it may help, by the fold that is left out.
    """
    by_fold = {f: guard(run, first, second, f, names) for f, names in tried.items()}
    return by_fold[None], [(name, f) for f, helps in by_fold.items() for name in helps.index[helps["kept"]]]


def check_final(model, problem):
    """Raise a ValueError unless the final estimators of a stack can see the views that they are to."""
    if not model.passthrough:
        return
    words, names = f"passthrough={model.passthrough!r}", [view.name for view in problem.views]
    for name in passed(model.passthrough, problem):
        if name not in names:
            raise ValueError(
                f"{words} names {name!r}, which is not a view: use some of {', '.join(map(repr, names))}, or True for "
                f"all.{did_you_mean(name, names)}"
            )
    if model.layers > 1 or model.prune is not None:
        other = "layers" if model.layers > 1 else "prune"
        raise ValueError(f"{words} and {other}={getattr(model, other)!r} do not go together: leave one of them out.")
    for task in problem.tasks.values():
        spec = meta_setting(model.meta_learner, task)
        is_blend = isinstance(spec, (TableClassifier, TableRegressor)) or (
            spec not in ("auto", None) and not hasattr(spec, "fit")
        )
        if task.rules.family in OWN_LOSS:
            raise ValueError(
                f"{words} needs a final estimator for every task, and task {task.name!r} of kind {task.kind!r} has "
                "none: leave passthrough out, or predict this task with a stack of its own."
            )
        if is_blend or not task.rules.suits(_final_estimator(model, task, problem)):
            raise ValueError(
                f"{words} gives features to the final estimator, but meta_learner={spec!r} of task {task.name!r} reads "
                f"predictions of kind {task.kind!r} only: use any {task.rules.learner} of scikit-learn's kind, or "
                '"auto", which takes a linear one.'
            )


def _final_estimator(model, task, problem):
    """Return the final estimator of a task: the one that is given, else a linear one."""
    spec = meta_setting(model.meta_learner, task)
    return spec if hasattr(spec, "fit") else named_learner("linear", **facts_of(model, task, problem))[1]


def _unheard(table, tasks, estimates, fold):
    """Return estimates as if the members of a table had not seen the rows of a fold."""
    return estimates if fold == ALL_ROWS else estimates | member_estimates(table, tasks, fold)


def passed(passthrough, problem):
    """Return the views that the final estimator sees, as a list."""
    if passthrough is True:
        return [view.name for view in problem.views]
    return [passthrough] if isinstance(passthrough, str) else list(passthrough)


def _step_of_chains(orders, position, members, own, label):
    """Return the candidates for the task at one place of each chain: they read the estimates of those before it."""
    step = []
    for c, order in enumerate(orders):
        name = order[position]
        before = [Estimate(task, c if place else None) for place, task in enumerate(order[:position])]
        step.append(members_reading(name, members, [*own[name], *before], f"{label}+chain{c}", chain=c))
    return step
