"""MultiOutputStack: several tasks of mixed kinds, and which columns each task's second level may see."""

import numpy as np
import pandas as pd
from sklearn.callback import with_callbacks
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.utils.validation import check_is_fitted

from .._checks import check_choice
from ..crossfit import Member, key_of, seed_of
from ._base import BaseStack
from ._level import Level, availability_of, losses

STRATEGIES = ("independent", "stacked", "chain")
N_CHAINS = 3
METRICS = ["n", "accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "log_loss", "r2", "mae", "rmse"]


class MultiOutputStack(BaseStack):
    """Predict several tasks of mixed kinds, with labels that are partly unknown, in one fit.

    All tasks share the views, their extraction and the folds. With `strategy="stacked"` (multi-target stacking
    [1]_) or "chain" a second level reads the out-of-fold estimates of other tasks beside the features; it is kept for
    a task only where the paired out-of-fold losses say that it helps.

    Parameters
    ----------
    views, learners, meta_learner, scoring, cv, refit, prune, calibration : see `StackedClassifier`
        `meta_learner`, `scoring`, `calibration` and `prune` may be dicts by task (or kind).
    augment, on_error, on_bad, cache, checkpoint, time_budget, n_jobs, random_state, verbose : see `StackedClassifier`
    tasks : "auto" or dict of str to {"binary", "multiclass", "regression"}, default="auto"
        Kind of some or all tasks. Auto: text, booleans and categories are classes, integers with at most 20
        different values too; other numbers are regressions, but for floats that take only two whole values.
    strategy : {"independent", "stacked", "chain"}, default="stacked"
        Whether tasks may read each other's estimates, and how.

    Attributes
    ----------
    tasks_ : dict of str to Task
        Name, kind and classes of every task.
    strategy_ : DataFrame
        For every task: whether its second level was kept, the mean gain in out-of-fold loss and its standard error.
    task_contributions_ : DataFrame of shape (n_tasks, n_tasks)
        Share of what each task's (column) prediction owes to the estimates of each task (row).
    views_, table_, folds_, contributions_, cv_results_, n_extractions_, failures_, fit_report_
        See `StackedClassifier`.

    References
    ----------
    .. [1] Spyromitros-Xioufis, E. et al. (2016). Multi-target regression via input space expansion: treating
       targets as inputs. Machine Learning 104, 55-98.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from ensemble_mm import MultiOutputStack
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 4))
    >>> Y = pd.DataFrame({"size": X[:, 0] * 2, "kind": np.where(X[:, 1] > 0, "a", "b")})
    >>> Y.loc[:9, "kind"] = None
    >>> model = MultiOutputStack(learners="fast", cv=3, random_state=0).fit(X, Y)
    >>> list(model.predict(X).columns)
    ['size', 'kind']
    """

    def __init__(
        self,
        views="auto",
        learners="balanced",
        meta_learner="greedy",
        scoring=None,
        cv=5,
        refit=True,
        prune=None,
        calibration=None,
        augment=0,
        on_error="raise",
        on_bad="raise",
        cache=None,
        checkpoint=None,
        time_budget=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
        *,
        tasks="auto",
        strategy="stacked",
    ):
        self.views = views
        self.learners = learners
        self.meta_learner = meta_learner
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.prune = prune
        self.calibration = calibration
        self.augment = augment
        self.on_error = on_error
        self.on_bad = on_bad
        self.cache = cache
        self.checkpoint = checkpoint
        self.time_budget = time_budget
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.tasks = tasks
        self.strategy = strategy

    @with_callbacks
    def fit(self, X, Y, sample_weight=None, groups=None):
        """Fit all tasks.

        Parameters
        ----------
        X : DataFrame, dict of views, MultimodalData, or array-like of shape (n_samples, n_features)
        Y : DataFrame, 2-D array, or dict of 1-D columns
            A column a task; None or NaN where the label is not known.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay in the same fold.

        Returns
        -------
        self
        """
        check_choice("strategy", self.strategy, STRATEGIES)
        return self._fit(X, Y, sample_weight, groups)

    def _learn(self, run, members):
        first = self._first_level(run, members)
        names = list(run.tasks)
        kept = pd.Series(False, index=names)
        gain, error = pd.Series(0.0, index=names), pd.Series(np.nan, index=names)
        self.task_contributions_ = pd.DataFrame(0.0, index=names, columns=names)
        levels = [first]
        if self.strategy != "independent" and len(names) > 1 and not run.runner.is_over():
            second = self._second_level(run, first, members)
            kept, gain, error = self._guard(run, first, second)
            if kept.any():
                levels.append(self._merge(run, first, second, kept))
        self.strategy_ = pd.DataFrame({"strategy": self.strategy, "kept": kept, "gain": gain, "standard_error": error})
        self._finish(run, levels, levels[-1])

    def _second_level(self, run, first, members):
        estimates = first.estimates(first.oof)
        table, models, second = None, {}, []
        for step in self._steps(run, members):
            step = [member for member in step if all(name in estimates for name in member.inputs)]
            own, fitted = run.fit(
                step, estimates=estimates, stage="fit across tasks", refit=self.refit and self.prune is None,
                required=None if self.time_budget is None else (),
            )  # fmt: skip
            step = [member for member in step if key_of(member) in fitted]
            table = own if table is None else table.join(own)
            models |= fitted
            second += step
            if self.strategy == "chain":
                estimates = estimates | _chain_estimates(own, step, run.tasks)
        level = Level(second, table, models, below=first)
        level.late = estimates
        return level.weigh(run, self._meta_settings(run.tasks))

    def _steps(self, run, members):
        """Return the members of the second level, in lists that can be fitted at once."""
        names = list(run.tasks)
        if self.strategy == "stacked":
            return [[m for name in names for m in _across(name, members, [t for t in names if t != name], "tasks")]]
        rng = np.random.RandomState(seed_of(run.seed, "chains"))
        orders = [rng.permutation(names) for _ in range(min(N_CHAINS, len(names)))]
        steps = []
        for position in range(1, len(names)):
            step = []
            for c, order in enumerate(orders):
                before = [t if p == 0 else f"{t}@chain{c}" for p, t in enumerate(order[:position])]
                step += _across(str(order[position]), members, before, f"chain{c}", most=1)
            steps.append(step)
        return steps

    def _guard(self, run, first, second):
        """Keep the second level of a task where its paired out-of-fold losses are lower by more than their error."""
        kept, gains, errors = {}, {}, {}
        for name, task in run.tasks.items():
            y = run.targets[name]
            rows = ~np.isnan(y)
            for level in (first, second):
                rows &= np.isfinite(level.oof[name].reshape(len(y), -1)).all(axis=1)
            difference = losses(task, y[rows], first.oof[name][rows]) - losses(task, y[rows], second.oof[name][rows])
            gains[name] = float(difference.mean())
            errors[name] = float(difference.std(ddof=1) / np.sqrt(max(rows.sum(), 1))) if rows.sum() > 1 else np.inf
            kept[name] = gains[name] > errors[name]
        return pd.Series(kept), pd.Series(gains), pd.Series(errors)

    def _merge(self, run, first, second, kept):
        """Return the second level with the first level's meta-learners where the second is not kept."""
        useful = {name for name in kept.index if kept[name]}
        second.members = [member for member in second.members if member.task in useful or self.strategy == "chain"]
        keys = {key_of(member) for member in second.members}
        second.table = second.table.keep(keys)
        only = {n: second.whole.members(n) if n in useful else list(first.columns[n]) for n in run.tasks}
        if self.prune is not None:
            only = {n: [m for m in only[n] if m in first.columns[n] or (n, *m) in keys] for n in only}
        second.weigh(run, self._meta_settings(run.tasks), self.prune, only=only)
        if self.refit and self.prune is not None:
            second.members = second.used() if self.strategy == "stacked" else second.members
            second.table = second.table.keep({key_of(member) for member in second.members})
            second.models = run.refit_members(second.members, second.late)
        second.late = None
        for name in useful:
            self._share_out(name, second)
        return second

    def _share_out(self, name, second):
        """Add to `task_contributions_` what task `name` owes to each other task: its cross-task weight, shared evenly
        among the tasks that a member reads."""
        by_key = {key_of(member): member for member in second.members}
        for member, weight in zip(second.columns[name], second.metas[name].weights_, strict=True):
            reader = by_key.get((name, *member))
            for source in reader.inputs if reader else ():
                self.task_contributions_.loc[source.partition("@")[0], name] += weight / len(reader.inputs)

    def _run_levels(self, new):
        if self.strategy != "chain" or len(self.levels_) == 1:
            return super()._run_levels(new)
        first, second = self.levels_
        table = first.predict_table(new, self.tasks_, {})
        estimates = first.estimates(first.combine(table, self.tasks_))
        waiting = list(second.members)
        while waiting:
            ready = [m for m in waiting if all(name in estimates for name in m.inputs)]
            own = new.predict(ready, second.models, self.tasks_, estimates)
            table = table.join(own)
            estimates = estimates | _chain_estimates(own, ready, self.tasks_)
            waiting = [m for m in waiting if m not in ready]
        return table, second.combine(table, self.tasks_)

    # -- prediction ----------------------------------------------------------------------------------------------

    def predict(self, X):
        """Return the predictions of all tasks: a DataFrame when Y had names, else shape (n_samples, n_tasks)."""
        check_is_fitted(self)
        out, _ = self._predict_tasks(X)
        columns = {name: self.tasks_[name].decode(p) for name, p in out.items()}
        if self._named_tasks:
            return pd.DataFrame(columns, index=X.index if isinstance(X, pd.DataFrame) else None)
        if all(np.issubdtype(column.dtype, np.number) for column in columns.values()):
            return np.column_stack(list(columns.values()))
        return np.column_stack([column.astype(object) for column in columns.values()])

    def predict_proba(self, X):
        """Return {task: class probabilities of shape (n_samples, n_classes)} of the classification tasks."""
        check_is_fitted(self)
        out, _ = self._predict_tasks(X)
        return {name: p for name, p in out.items() if self.tasks_[name].is_classification}

    def predict_interval(self, X, coverage=0.9):
        """Return {task: bounds of shape (n_samples, 2)} of the regression tasks."""
        check_is_fitted(self)
        out, new = self._predict_tasks(X)
        pattern = availability_of(new.present)
        return {n: self.conformal_[n].interval(p, coverage, pattern=pattern) for n, p in out.items()
                if not self.tasks_[n].is_classification}  # fmt: skip

    def predict_set(self, X, coverage=0.9):
        """Return {task: bool array (n_samples, n_classes)} of the classification tasks."""
        check_is_fitted(self)
        out, new = self._predict_tasks(X)
        pattern = availability_of(new.present)
        return {n: self.conformal_[n].sets(p, coverage, pattern=pattern) for n, p in out.items()
                if self.tasks_[n].is_classification}  # fmt: skip

    def evaluate(self, X, Y):
        """Return the standard metrics of every task on rows whose label is known.

        Returns
        -------
        DataFrame
            One row a task; `n` labels counted; metrics of another kind are NaN.
        """
        check_is_fitted(self)
        out, _ = self._predict_tasks(X)
        targets = self._labels(Y)
        rows = {name: _metrics(self.tasks_[name], targets[name], out[name]) for name in self.tasks_ if name in targets}
        return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=METRICS)

    def score(self, X, Y, sample_weight=None):
        """Return the mean over tasks of accuracy or R2; unknown labels are left out."""
        frame = self.evaluate(X, Y)
        return float(frame["accuracy"].fillna(frame["r2"]).mean())

    def _labels(self, Y):
        if isinstance(Y, pd.DataFrame) or isinstance(Y, dict):
            columns = {str(name): Y[name] for name in Y}
        else:
            Y = np.asarray(Y)
            Y = Y[:, np.newaxis] if Y.ndim == 1 else Y
            columns = {name: Y[:, i] for i, name in enumerate(self.tasks_)}
        missing = [name for name in self.tasks_ if name not in columns]
        if len(missing) == len(self.tasks_):
            raise ValueError(f"Y has none of the tasks {', '.join(map(repr, self.tasks_))}: give at least one of them.")
        return {name: self.tasks_[name].encode(columns[name]) for name in self.tasks_ if name in columns}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        tags.target_tags.required = True
        return tags


def _across(name, members, inputs, label, most=2):
    """Return members of a task that read all views and the estimates of other tasks.

    One copy of each of the first `most` learners of the task, on every view that any of them reads.
    """
    own = [member for member in members if member.task == name]
    views = tuple(dict.fromkeys(view for member in own for view in member.views))
    fused = [m for m in own if m.views == views and m.form == "reduced"] or own
    learners = {}
    for member in fused:
        learners.setdefault(member.learner, member)
    chosen = list(learners.values())[:most]
    return [
        Member(name, m.learner, f"all+{label}", views, m.estimator, "reduced", tuple(map(str, inputs))) for m in chosen
    ]


def _chain_estimates(table, members, tasks):
    out = {}
    for member in members:
        block = table.block(member.task, {(member.learner, member.reads)})
        width = len(tasks[member.task].classes) if tasks[member.task].kind == "multiclass" else 1
        chain = member.reads.partition("+")[2]
        out[f"{member.task}@{chain}"] = block[:, 1:] if width > 1 else block
    return out


def _metrics(task, y, out):
    rows = ~np.isnan(y)
    y, out = y[rows], out[rows]
    found = {"n": int(rows.sum())}
    if not len(y):
        return found
    if not task.is_classification:
        found |= {"mae": mean_absolute_error(y, out), "rmse": root_mean_squared_error(y, out)}
        if len(y) > 1:
            found["r2"] = r2_score(y, out)
        return found
    y = y.astype(np.intp)
    labels = np.arange(len(task.classes))
    best = out.argmax(axis=1)
    found |= {
        "accuracy": accuracy_score(y, best),
        "f1_macro": f1_score(y, best, average="macro", zero_division=0),
        "log_loss": log_loss(
            y, np.clip(out, 1e-15, 1) / np.clip(out, 1e-15, 1).sum(axis=1, keepdims=True), labels=labels
        ),
    }
    found["balanced_accuracy"] = np.mean([np.mean(best[y == c] == c) for c in np.unique(y)])
    if len(np.unique(y)) == len(labels):
        proba = out[:, 1] if len(labels) == 2 else out / out.sum(axis=1, keepdims=True)
        found["roc_auc"] = roc_auc_score(y, proba, multi_class="ovr", labels=None if len(labels) == 2 else labels)
    return found
