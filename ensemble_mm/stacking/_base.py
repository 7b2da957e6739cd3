"""What the three estimators share: checks of input, the two levels of a fit, and prediction.

`BaseStack._fit` is the flow of the whole package: X -> views -> features -> members -> table -> meta-learners.
"""

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import as_pandas, bytes_of, check_choice, check_params, tell
from .._modalities import MODALITIES, VECTOR
from ..crossfit import (
    ALL_ROWS,
    MISSING_VIEWS,
    CrossFit,
    Fit,
    LearnerSpec,
    NewRows,
    Plan,
    Runner,
    by_content,
    check_learners,
    draw_folds,
    in_time_order,
    measured,
    members_of,
    needs_within,
    patterns_of,
    plan_extractions,
)
from ..data import (
    ChunkedData,
    ColumnsOnDisk,
    Names,
    Quantiles,
    as_fitted,
    as_source,
    columns_of,
    columns_of_few,
    columns_read,
    has_names,
    is_lazy,
    present_rows,
    read_problem,
    views_of,
)
from ..learners import PORTFOLIOS, named_learner, portfolio, quantile_learner
from ..meta import parts_of
from ..store import BlockFolder, FeatureCache, JobStore, content_key, versions
from ._adding import with_learner
from ._by_pattern import adapted, losses_by_views
from ._cascade import cascaded, measured_views
from ._cautions import (
    fitted_before,
    idle_learners,
    left_out,
    repeated_learners,
    sampled_learners,
    splitting_groups,
    unweighted,
)
from ._decisions import decided, with_class_weights
from ._diagram import diagram
from ._level import Level, calibrator_of, forget_idle, meta_setting, setting_of
from ._parameters import INNER, StackParameters, check_settings, check_weights
from ._params import NamedParamsMixin
from ._predictor import Predictor
from ._progress import Progress
from ._regions import fit_regions, regions_of
from ._results import ResultsMixin
from ._seen import marks_of

# What steps hand on to each other are arrays, whatever `set_config` says of the output of transformers.
PLAIN_OUTPUT = partial(config_context, transform_output="default")


class BaseStack(NamedParamsMixin, ResultsMixin, StackParameters, CallbackSupportMixin, BaseEstimator):
    """Base of the estimators; see `StackedClassifier` for the parameters."""

    _only: ClassVar[str | None] = None  # "classification" or "regression" for the estimators of one task

    def _fit(self, X, Y, sample_weight, groups):
        before = self._fitted()
        try:
            with PLAIN_OUTPUT():
                return self._fit_anew(X, Y, sample_weight, groups)
        except BaseException:  # an interrupt, too: the model of a fit before stays whole
            for name in self._fitted():
                delattr(self, name)
            vars(self).update(before)
            raise

    def _check_params(self):
        check_params(self)
        if self.memory is not None:
            bytes_of("memory", self.memory)

    def _fitted(self):
        """Return what a fit sets."""
        return {k: v for k, v in vars(self).items() if k.endswith("_") or k in ("_names", "_named_tasks", "_board")}

    def _fit_anew(self, X, Y, sample_weight, groups):
        started = time.time()
        self._check_params()
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self, X=X, y=Y)
        problem = self._problem(X, Y, sample_weight, groups)
        check_settings(self, problem.tasks)
        problem = with_class_weights(self.class_weight, problem)
        seed, told = self._seed(), [*problem.notes, *problem.schema.notes]
        folds = draw_folds(self.cv, problem, seed, told)
        tell(told, stacklevel=5)
        members = self._members(problem)
        check_weights(self.meta_learner, problem.tasks, members)
        for words in (*self._untold(members, problem, sample_weight), *fitted_before(members, problem.views)):
            warnings.warn(words, UserWarning, stacklevel=5)
        runner = self._runner(Progress(context, self), started)
        run = self._crossfit(problem, folds, seed, runner)
        with self._on_disk(run, members):
            run.extract(members)
            self._learn(run, run.readable(members))
        forget_idle(self.levels_)
        self.tasks_ = decided(self.threshold, problem, self.oof_)
        self.targets_, self._named_tasks = problem.targets, problem.named
        self.row_weights_, self.folds_ = problem.weights, folds
        self.groups_ = problem.group_codes
        self._score_folds()
        views = [view for view in problem.views if view.name in run.features.readers]  # those extracted in time
        self.views_ = {view.name: view.modality for view in views}
        self.view_seconds_ = measured_views(self.views_, runner)
        self.schema_, self.row_marks_ = problem.schema, np.sort(marks_of(views, problem.columns))
        self.view_columns_ = {view.name: view.columns for view in views}
        self.present_ = run.features.present
        self.readers_ = {name: reader.only(self._reads(name)) for name, reader in run.features.readers.items()}
        self.n_extractions_ = run.features.n_extractions
        self.failures_ = run.failures
        self.fit_report_ = runner.to_frame()
        if words := left_out(self.fit_report_, self.time_budget):
            warnings.warn(words, UserWarning, stacklevel=5)
        context.call_on_fit_task_end(estimator=self, X=X, y=Y)
        return self

    @contextmanager
    def _on_disk(self, run, members):
        """Let the features of a run lie on disk where memory is limited, X is there, too, or jobs get them as files."""
        if self.memory is None and not isinstance(run.problem.source, ChunkedData) and not run.runner.sends_files:
            yield
            return
        with BlockFolder(self.workdir) as run.folder:
            if self.memory is not None:
                run.runner.n_jobs = self._needs(run, members).n_jobs
            yield
            run.features.blocks.clear()  # a removed file takes room until nothing shows it

    def _needs(self, run, members):
        return needs_within(bytes_of("memory", self.memory), run, members)

    def _crossfit(self, problem, folds, seed, runner):
        return CrossFit(
            problem, folds, bool(self.refit), seed, runner, on_error=self.on_error, on_bad=self.on_bad,
            n_copies=self.augment, cache=self._cache(),
            keys=self._keys(problem, folds, seed) if self.checkpoint is not None else None,
        )  # fmt: skip

    def _learn(self, run, members):
        """Fit the members and the meta-learners of the first level, and keep what they say."""
        level, fitted = self._first_level(run, members)
        self._finish(run, [level], level.oof, fitted)

    def _first_level(self, run, members):
        """Return the first level, and its meta-learners by task and by the fold that is left out."""
        required = None
        if self.time_budget is not None:
            members, required = in_time_order(members)
        late_refit = self.refit and self.prune is not None
        table, models = run.fit(members, refit=self.refit and not late_refit, required=required)
        level = Level(table, models)
        fitted = level.weigh(run, self._meta_settings(run.problem.tasks), self.prune)
        if late_refit:
            level.models = run.refit_members(level.used())
        return level, fitted

    def _finish(self, run, levels, oof, fitted):
        """Set the attributes that describe the fitted levels, the last of which holds the final meta-learners.

        `fitted` holds these by task and by the fold that is left out.
        """
        self.levels_ = levels
        table = levels[0].table
        for level in levels[1:]:
            table = table.join(level.table)
        for level in levels:
            level.table = table.part(level.table.members())  # one copy of the numbers
            level.seconds = {m: run.seconds[m] for m in level.table.members() if m in run.seconds}
        self.table_ = table
        last = levels[-1]
        self.meta_learners_ = last.metas
        self.contributions_ = last.contributions()
        oof, tried = self._by_pattern(run, last, oof, fitted)
        told = last.told(run, self._meta_settings(run.problem.tasks), fitted, oof)
        oof, tried, self.oof_ = last.calibrate(run, self.calibration, oof, tried, told)
        self.conformal_, self.joint_ = fit_regions(run, oof, tried)
        self.losses_by_views_ = losses_by_views(run, tried)
        self.calibrators_ = last.calibrators

    def _by_pattern(self, run, last, oof, fitted):
        """Return out-of-fold predictions, and those of the patterns of missing views that are tried out."""
        tried = last.tried(run, fitted)
        # Where it tells something which views are missing, rows that have them cannot stand for rows that lack them.
        if run.runner.is_over() or self.missing_indicator:
            return oof, tried
        fitted = adapted(last, run, fitted, tried)
        if any(weighed.apart for weighed in fitted.values()):
            oof, tried = last.adapt(run, fitted, oof), last.tried(run, fitted)
        return oof, tried

    def _reads(self, view):
        """Return the (fold, task, form) in which the models that are kept read a view: after a refit, one fold only."""
        return {
            (fold, member.task, member.form)
            for level in self.levels_
            for member, models in level.models.items()
            for fold, model in models.items()
            if model is not None and view in model.views
        }

    def add_learner(self, X, Y, entry) -> Self:
        """Return a stack with one more learner; only this one and the meta-learners are fitted.

        Members that are there are not fitted again: what they predict stays the same to the bit. The meta-learners of
        the tasks in Y weigh them and the new ones anew. The model itself is left as it is.

        Parameters
        ----------
        X : as in `fit`
            The rows of the fit, in the same order: all learners share the folds.
        Y : as in `fit`
            The labels of the fit; of several tasks those that the learner is to serve.
        entry : str or (name, estimator[, reads[, form]])
            As in the parameter `learners`.

        Returns
        -------
        estimator
            Of the same class. Its new members read views, not estimates of other tasks. Intervals and sets of rows that
            lack views which the old members read together come from rows that lack more.

        Raises
        ------
        ValueError
            If rows or labels are not those of the fit, the name is taken, or no task can be learned.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from ensemble_mm import StackedRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = StackedRegressor(learners=[("ridge", Ridge(0.1))], cv=3, random_state=0).fit(X, y)
        >>> bigger = model.add_learner(X, y, ("tree", DecisionTreeRegressor(max_depth=3)))
        >>> [learner for learner, reads in bigger.table_.members()]
        ['ridge', 'tree']
        """
        check_is_fitted(self)
        with PLAIN_OUTPUT():
            return with_learner(self, X, Y, entry)

    # -- input ---------------------------------------------------------------------------------------------------

    def _problem(self, X, Y, sample_weight=None, groups=None):
        """Return what X and Y ask for; nothing in it is changed later."""
        if Y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None: give labels."
            )
        return read_problem(
            self._source(X), Y, views=self.views,
            encoded=isinstance(self.learners, str) and self.learners != "fast", columns=self.columns,
            kinds=getattr(self, "tasks", "auto"), only=self._only, rare=self.rare, sample_weight=sample_weight,
            groups=groups,
        )  # fmt: skip

    def _seed(self):
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _source(self, X):
        """Return X of a fit, and keep how its columns are called."""
        if self.memory is not None and is_lazy(X):
            X = ChunkedData(X, workdir=self.workdir)
        X = X if isinstance(X, ChunkedData) else as_pandas(X)
        source = as_source(X)
        self._names = Names.of(source, has_names(X))
        if self._names.container == "array":
            return self._checked(source, reset=True)
        for what, n in zip(("sample", "feature"), source.shape, strict=True):
            if not n:
                raise ValueError(
                    f"Found array with 0 {what}(s) (shape={source.shape}) while a minimum of 1 is required: X is empty."
                )
        self.n_features_in_ = len(self._names.columns)
        vars(self).pop("feature_names_in_", None)
        if self._names.container == "frame" and self._names.given:
            self.feature_names_in_ = np.asarray(self._names.columns, dtype=object)
        return source

    def _checked(self, array, reset):
        return validate_data(
            self, array, reset=reset, accept_sparse="csr", ensure_all_finite="allow-nan", dtype="numeric"
        )

    # -- learners ------------------------------------------------------------------------------------------------

    def _learners_of(self, task, problem):
        learners = self.learners
        if isinstance(learners, dict):
            for key in (task.name, task.kind, task.rules.family):
                if key in learners:
                    learners = learners[key]
                    break
            else:
                raise ValueError(
                    f"learners has no entry for task {task.name!r} (nor for {task.kind!r}): add one, or give one list."
                )
        kind, n_rows = task.rules, int((~np.isnan(problem.targets[task.name])).sum())
        natures = {view.name: MODALITIES[view.modality].nature(view.extractor) for view in problem.views}
        natures |= dict.fromkeys(self._told_missing(problem), MODALITIES[VECTOR].like)
        facts = {"kind": task.kind, "n_rows": n_rows, "n_classes": kind.n_classes, "views": natures}
        if isinstance(learners, str):
            check_choice("learners", learners, PORTFOLIOS)
            return [LearnerSpec(*entry) for entry in portfolio(learners, **facts)]
        if isinstance(learners, (list, tuple)):
            learners = [named_learner(entry, **facts) if isinstance(entry, str) else entry for entry in learners]
        specs = check_learners(learners)
        if isinstance(kind, Quantiles):
            specs = [replace(spec, estimator=quantile_learner(spec.estimator)) for spec in specs]
        return specs

    def _told_missing(self, problem):
        """Return what learners may read beside the views, as a list: which of them a row lacks, if any row does."""
        lacking = self.missing_indicator and not all(present_rows(column).all() for column in problem.columns.values())
        if lacking and any(view.name == MISSING_VIEWS for view in problem.views):
            raise ValueError(f"With missing_indicator no view may be called {MISSING_VIEWS!r}: give it another name.")
        return [MISSING_VIEWS] if lacking else []

    def _members(self, problem):
        names, tasks = [view.name for view in problem.views] + self._told_missing(problem), problem.tasks
        listed = {name: self._learners_of(task, problem) for name, task in tasks.items()}
        members = [member for name, task in tasks.items() for member in members_of(task, listed[name], names)]
        own = self.learners.values() if isinstance(self.learners, dict) else [self.learners]
        asked = {} if any(isinstance(learners, str) for learners in own) else listed  # portfolios repeat by design
        for words in (*idle_learners(listed, tasks), *repeated_learners(asked, tasks, members)):
            warnings.warn(words, UserWarning, stacklevel=6)
        return members

    def _untold(self, members, problem, sample_weight):
        """Yield what to tell of learners and meta-learners that take no weights of rows, or split groups."""
        given = (meta_setting(self.meta_learner, task) for task in problem.tasks.values())
        learners = [(member.learner, member.estimator) for member in members]
        learners += [(type(meta).__name__, meta) for meta in given if hasattr(meta, "fit")]
        if sample_weight is not None:
            yield from unweighted(learners)
        elif any(task.class_weight is not None for task in problem.tasks.values()):
            yield from unweighted((m.learner, m.estimator) for m in members if problem.tasks[m.task].class_weight)
        if problem.groups is not None:
            yield from splitting_groups(learners, problem.n_rows)

    def _meta_settings(self, tasks):
        """Return what `Level.weigh` needs to make the meta-learner of each task."""
        return {
            name: {"spec": meta_setting(self.meta_learner, task), "scoring": setting_of(self.scoring, task)}
            for name, task in tasks.items()
        }

    # -- running -------------------------------------------------------------------------------------------------

    def _runner(self, progress=None, started=None):
        store = JobStore(self.checkpoint) if progress is not None and self.checkpoint is not None else None
        deadline = started + self.time_budget if started is not None and self.time_budget else None
        limit = None if progress is None else self.job_timeout
        return Runner(
            n_jobs=self.n_jobs, store=store, deadline=deadline, started=started, job_timeout=limit, progress=progress
        )

    def _cache(self):
        if isinstance(self.cache, (str, os.PathLike)):
            return FeatureCache(self.cache)
        return copy(self.cache)  # of this fit alone: one that could not be written to is tried again by the next

    def _keys(self, problem, folds, seed):
        """Return the function that names a job's kept result: data, parameters and library versions decide."""
        cache = self._cache()  # where digests of files are kept
        columns = {
            view.name: content_key(by_content(view.extractor, problem.columns[view.name], cache))
            for view in problem.views
        }
        data = content_key(
            columns, [view.extractor for view in problem.views], problem.targets, problem.weights,
            problem.group_codes, folds, seed,
            self.augment, self.on_bad, self.refit, [task.class_weight for task in problem.tasks.values()], versions(),
        )  # fmt: skip

        def key(job, *rest):
            member = getattr(job, "member", None)
            return content_key(data, str(job), member and (member.estimator, member.form, member.inputs), *rest)

        return key

    def plan(self, X, y, groups=None, *, sample_weight=None, measure=False) -> Plan:
        """Return what `fit` would compute, without computing it.

        With `memory` a trial extraction of 120 rows tells what it takes of memory and disk; what does not fit is an
        error here as it is in `fit`.

        Parameters
        ----------
        X, y, groups, sample_weight : as in `fit`
        measure : bool, default=False
            Estimate seconds and bytes too, by two short trials on at most 60 and 240 rows.

        Returns
        -------
        Plan
            `str(plan)` counts what is fitted; `plan.extractions`, `plan.fits` (of learners, those across tasks too),
            `plan.meta_learners` and `plan.calibrations` list it; `plan.seconds` and `plan.bytes` are there after a
            trial.
        """
        return clone(self)._planned(X, y, groups, sample_weight, measure)  # as it keeps how columns are called

    def _planned(self, X, y, groups, sample_weight, measure):
        self._check_params()
        problem, seed = self._problem(X, y, sample_weight, groups), self._seed()
        check_settings(self, problem.tasks)
        folds = draw_folds(self.cv, problem, seed)
        members = self._members(problem)
        across = self._members_across(problem.tasks, members)
        all_folds = [*range(len(folds)), *([ALL_ROWS] if self.refit else [])]
        parts = parts_of(folds, problem.n_rows, problem.group_codes, once=bool(self.refit))
        rows = ["all rows", *(f"fold {fold}" for fold in range(len(parts)))]
        levels = ["", ", across tasks"] if across else [""]
        names = list(problem.tasks)
        plan = Plan(
            problem,
            folds,
            tuple(plan_extractions(problem.views, len(folds), self.refit, names)),
            tuple(Fit(member, fold) for member in [*members, *across] for fold in all_folds),
            tuple(f"meta-learner of task {name!r}, {part}{of}" for of in levels for name in names for part in rows),
            tuple(self._calibrations(problem.tasks)),
            tuple(sampled_learners(members, problem.n_rows)),
        )
        if self.memory is not None:
            run = CrossFit(problem, folds, bool(self.refit), seed, self._runner(), n_copies=self.augment)
            with BlockFolder(self.workdir) as run.folder:
                plan = replace(plan, notes=(*plan.notes, str(self._needs(run, members))))
        return measured(plan, seed, self._runner().n_workers, self.job_timeout) if measure else plan

    def _members_across(self, tasks, members):
        """Return members that read the estimates of other tasks: those of `MultiOutputStack`."""
        return []

    def _calibrations(self, tasks):
        """Yield what is fitted on the predictions of each task."""
        for name, task in tasks.items():
            calibrator = calibrator_of(self.calibration, task)
            if calibrator is not None:
                yield f"{calibrator} calibration of task {name!r}"
            yield f"prediction {task.rules.region} of task {name!r}"

    # -- prediction ----------------------------------------------------------------------------------------------

    def _new_rows(self, X):
        columns, index = self._read(X)
        return NewRows(self.readers_, columns, self._runner(), self._cache(), index)

    def _read(self, X):
        """Return what the views read of X, by view, and the labels of its rows."""
        check_is_fitted(self, "levels_")
        source = as_fitted(X, self)
        if self._names.container == "array":
            source = self._checked(source, reset=False)
        told = []
        columns = columns_of(source, views_of(self), self.schema_, told=told)
        if not next(iter(columns.values())).shape[0]:
            raise ValueError(f"X has no rows (0 sample(s)): a {type(self).__name__} predicts at least one.")
        tell(told, stacklevel=6)
        return columns, getattr(source, "index", None)

    def predict_members(self, X):
        """Return the table of the members' predictions for new rows, with the columns of `table_`.

        Members that never count, whose learners are not kept, are NaN.
        """
        new = self._new_rows(X)
        with PLAIN_OUTPUT():
            table = self._run_levels(new)[0]
        for level in self.levels_:
            for member in level.table.members():  # of a second level some may have models only
                models = level.models.get(member, {}).values()  # none of one that was pruned, whose column is NaN
                if any(model is not None and model.estimator is None for model in models):
                    table[member][:] = np.nan
        return table

    def _run_levels(self, new):
        """Return the joined table of all levels and the predictions {task: array} of the last."""
        estimates, table, out = {}, None, None
        for level in self.levels_:
            own = level.predict_table(new, self.tasks_, estimates)
            table = own if table is None else table.join(own)
            out = level.combine(table, self.tasks_, patterns_of(new.present))
            estimates = level.estimates(out, self.tasks_)
        return table, out

    def _few_rows(self, X):
        """Return few rows that are read without what takes most of their time; None where they are not plain."""
        columns = columns_of_few(X, self) if hasattr(self, "levels_") else None
        return columns and NewRows(self.readers_, columns, self._runner(), self._cache(), X.index)

    def _predict_tasks(self, X):
        """Return predictions by task, and of their rows which views they have, their labels and what views read."""
        if isinstance(X, ChunkedData):
            return self._predict_on_disk(X)
        new = self._few_rows(X) or self._new_rows(X)
        with PLAIN_OUTPUT():
            return self._predicted(new), new

    def _predict_on_disk(self, data):
        """Return what `_predict_tasks` does of data on disk, of which one chunk at a time is in memory."""
        parts = [(out, new.present) for out, new in map(self._predict_tasks, self._chunks(data))]
        out, present = (
            {name: np.concatenate([part[name] for part in several]) for name in several[0]}
            for several in zip(*parts, strict=True)
        )
        whole = self._columns_read() <= {*data.columns}
        columns = ColumnsOnDisk(data, views_of(self), self.schema_) if whole else self._read(data)[0]
        return out, SimpleNamespace(present=present, index=pd.RangeIndex(len(data)), columns=columns)

    def _chunks(self, data):
        """Return an iterator over chunks of data on disk, with the columns that the views read."""
        read = self._columns_read()
        return data.chunks([name for name in data.columns if name in read] or None)

    def _columns_read(self):
        """Return the columns that the views read."""
        return {name for columns in self.view_columns_.values() for name in columns_read(columns)}

    def _predict_classes(self, X, cascade):
        """Return predictions {task: array} and the labels of the rows; `cascade` reads dear views only where needed."""
        if cascade is None:
            out, new = self._predict_tasks(X)
            return out, new.index
        columns, index = self._read(X)
        with PLAIN_OUTPUT():
            return cascaded(self, columns, cascade), index

    def _silent(self, X, coverage, cascade):
        """Return predictions by task, the labels of the rows, and by task a mask of rows of which nothing is said."""
        if coverage is None:
            return *self._predict_classes(X, cascade), {}
        if cascade is not None:
            raise ValueError(
                "Sets of classes are those of rows of which all is read: give abstain or cascade, not both."
            )
        out, new = self._predict_tasks(X)
        sets = regions_of(self, out, new.present, coverage, "sets")
        return out, new.index, {name: inside.sum(axis=1) > 1 for name, inside in sets.items()}

    def _predicted(self, new):
        out = self._run_levels(new)[1]
        return {name: self.levels_[-1].calibrated(name, p) for name, p in out.items()}

    def predict_chunks(self, data) -> Iterator[Any]:
        """Return an iterator over the predictions of a table that stays on disk, chunk by chunk.

        Parameters
        ----------
        data : ChunkedData, or what it is made of
            A path of Parquet files, a pyarrow Dataset, a polars LazyFrame or a Dask DataFrame; its columns are found by
            name, as in `predict`.

        Yields
        ------
        DataFrame or ndarray
            What `predict` returns of the rows of a chunk; a DataFrame has their places in the table as labels.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import pandas as pd
        >>> from ensemble_mm import ChunkedData, MultiOutputStack
        >>> X = pd.DataFrame({"age": np.arange(60.0)})
        >>> model = MultiOutputStack(learners=["linear"], cv=3, random_state=0).fit(X, {"size": 2 * X["age"]})
        >>> file = pathlib.Path(tempfile.mkdtemp(), "rows.parquet")
        >>> X.to_parquet(file)
        >>> [len(part) for part in model.predict_chunks(ChunkedData(file, chunk_rows=25))]
        [25, 25, 10]
        """
        check_is_fitted(self, "levels_")
        return map(self.predict, self._chunks(data if isinstance(data, ChunkedData) else ChunkedData(data)))

    def compiled(self) -> Predictor:
        """Return a predictor for few rows at a time, as a service wants it, with the methods that predict."""
        check_is_fitted(self, "levels_")
        return Predictor(self)

    def _regions(self, X, coverage, region, joint=False):
        check_is_fitted(self)
        out, new = self._predict_tasks(X)
        return regions_of(self, out, new.present, coverage, region, joint)

    def __dir__(self):
        """Return the names that are for users."""
        return [name for name in super().__dir__() if name not in INNER]

    def _sk_visual_block_(self):
        return diagram(self)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "levels_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        return tags
