"""What the three estimators share: checks of input, the two levels of a fit, and prediction.

`BaseStack._fit` is the flow of the whole package: X -> views -> features -> members -> table -> meta-learners.
"""

import os
import time
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import as_pandas, bytes_of, check_params, tell, warn
from .._metadata import Metadata, asking_for, check_asked
from .._rows import give_back
from ..crossfit import (
    FREE_SHARE,
    CrossFit,
    Plan,
    Runner,
    by_content,
    draw_folds,
    each_by,
    free_memory,
    in_time_order,
    is_large,
    needs_disk,
    needs_within,
)
from ..data import ChunkedData, Names, as_source, has_names, is_lazy, read_problem, setting_of
from ..store import BlockFolder, FeatureCache, JobStore, content_key, versions
from ._adding import with_learner
from ._by_pattern import adapted, losses_by_views
from ._cascade import measured_views
from ._cautions import check_requests, fitted_before, left_out
from ._decisions import decided, with_class_weights
from ._diagram import diagram
from ._level import Level, forget_idle, outlasting
from ._members import members_of_fit, untold
from ._parameters import INNER, StackParameters, check_settings, check_weights, meta_setting
from ._params import NamedParamsMixin
from ._planning import plan_of
from ._prediction import PLAIN_OUTPUT, PredictionMixin
from ._prefit import with_own_views
from ._progress import Progress
from ._regions import fit_regions
from ._results import ResultsMixin
from ._second import FINAL, SecondLevelMixin, check_final
from ._seen import marks_of
from ._updating import updated


class BaseStack(
    NamedParamsMixin, SecondLevelMixin, PredictionMixin, ResultsMixin, StackParameters, CallbackSupportMixin,
    BaseEstimator,
):  # fmt: skip
    """Base of the estimators; see `StackedClassifier` for the parameters."""

    _only: ClassVar[str | None] = None  # "classification" or "regression" for the estimators of one task

    def _fit(self, X, Y, sample_weight, groups, metadata):
        before = self._fitted()
        try:
            with PLAIN_OUTPUT():
                return self._fit_anew(X, Y, sample_weight, groups, metadata)
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

    def _fit_anew(self, X, Y, sample_weight, groups, metadata):
        started = time.time()
        self._check_params()
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self, X=X, y=Y)
        problem = self._problem(X, Y, sample_weight, groups, metadata)
        check_settings(self, problem.tasks)
        told = [*problem.notes, *problem.schema.notes]
        problem = with_class_weights(self.class_weight, problem)
        members = members_of_fit(self, problem)
        check_weights(self.meta_learner, problem.tasks, members)
        check_final(self, problem)
        self._fit_problem(problem, members, told, sample_weight, self._seed(), Progress(context, self), started)
        context.call_on_fit_task_end(estimator=self, X=X, y=Y)
        return self

    def _fit_problem(self, problem, members, told, sample_weight, seed, progress, started):
        folds = draw_folds(self._folds, problem, seed, told)
        tell(told)
        metas = {name: meta_setting(self.meta_learner, task) for name, task in problem.tasks.items()}
        for words in (*untold(members, metas, problem, sample_weight), *fitted_before(members, problem.views, metas)):
            warn(words, UserWarning)
        runner = self._runner(progress, started)
        run = self._crossfit(problem, folds, seed, runner)
        with self._on_disk(run, members) as members:
            run.extract([*members, *(self._members_across(problem, members) if self.passthrough else [])])
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
        self.schema_, self.row_marks_ = problem.schema, marks_of(views, problem.columns, each_by(self._runner()))
        self.view_columns_ = {view.name: view.columns for view in views}
        self.present_ = run.features.present
        self.readers_ = {name: reader.only(self._reads(name)) for name, reader in run.features.readers.items()}
        self.n_extractions_ = run.features.n_extractions
        self.failures_ = run.failures
        self.fit_report_ = runner.to_frame()
        if words := left_out(self.fit_report_, self.time_budget):
            warn(words, UserWarning)

    @contextmanager
    def _on_disk(self, run, members):
        """Let the features of a run lie on disk where memory is limited, X is there, too, or jobs get them as files.

        So they do where they would not fit into what is free. Gives the members whose fits are small enough.
        """
        by_disk = isinstance(run.problem.source, ChunkedData) or run.runner.sends_files
        free = free_memory() if self.memory is None and is_large(run) else None
        if self.memory is None and free is None and not by_disk:
            yield members
            return
        with BlockFolder(self.workdir) as run.folder:
            if self.memory is not None:
                needs = self._needs(run, members)
                run.runner.n_jobs, members = needs.n_jobs, list(needs.members)
            elif free is not None and not needs_disk(FREE_SHARE * free, run, members) and not by_disk:
                run.folder = None
            give_back()  # what is left of reading columns to learn what they hold
            yield members
            run.features.blocks.clear()  # a removed file takes room until nothing shows it
            if run.folder is not None:
                self.table_ = outlasting(run.folder, self.table_, self.levels_)
            give_back()  # what is left of the table's copies

    def _needs(self, run, members):
        return needs_within(bytes_of("memory", self.memory), run, members)

    def _crossfit(self, problem, folds, seed, runner):
        return CrossFit(
            problem, folds, bool(self.refit), seed, runner, on_error=self.on_error, on_bad=self.on_bad,
            n_copies=self.augment, cache=self._cache(),
            keys=self._keys(problem, folds, seed) if self.checkpoint is not None else None,
        )  # fmt: skip

    def _first_level(self, run, members):
        """Return the first level, and its meta-learners by task and by the fold that is left out."""
        required = None
        if self.time_budget is not None:
            members, required = in_time_order(members)
        late_refit = self.refit and self.prune is not None and not self._reads_members  # which reads them all
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
        fitted, oof, tried = self._by_pattern(run, last, oof, fitted)
        self.contributions_ = last.contributions()
        told = last.told(run, self._meta_settings(run.problem.tasks), fitted, oof)
        oof, tried, self.oof_ = last.calibrate(run, self.calibration, oof, tried, told)
        self.conformal_, self.joint_ = fit_regions(run, oof, tried)
        self.losses_by_views_ = losses_by_views(run, tried)
        self.calibrators_ = last.calibrators

    def _by_pattern(self, run, last, oof, fitted):
        """Return meta-learners, out-of-fold predictions, and those of the patterns of missing views that are tried."""
        tried = last.tried(run, fitted)
        # Where it tells something which views are missing, rows that have them cannot stand for rows that lack them.
        if run.runner.is_over() or self.missing_indicator:
            return fitted, oof, tried
        fitted = adapted(last, run, fitted, tried, oof)
        if any(weighed.apart for weighed in fitted.values()):
            oof, tried = last.adapt(run, fitted, oof), last.tried(run, fitted)
        return fitted, oof, tried

    def _reads(self, view):
        """Return the (fold, task, form) in which the models that are kept read a view: after a refit, one fold only."""
        return {
            (fold, member.task, member.form)
            for level in self.levels_
            for member, models in level.models.items()
            for fold, model in models.items()
            if model is not None and view in model.views
        }

    def add_learner(self, X, Y, entry, **metadata) -> Self:
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
        **metadata : as in `fit`
            What the new learner asks for.

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
            return with_learner(self, X, Y, entry, metadata)

    def update(self, X, Y, sample_weight=None, groups=None, *, old=None, **metadata) -> Self:
        """Return a stack that has learned from new rows, too, without the rows of its fit.

        The new rows are one more fold: the fitted models predict them before they learn from them. Then learners with
        `partial_fit` learn on, and LightGBM and XGBoost add trees. The others stay as they are, or are fitted again on
        old and new rows if `old` is given. Meta-learners, calibration, thresholds, intervals and scores come from all
        rows. Extractors, learners of a second level, the final estimator of `passthrough` and this model do not change.

        Parameters
        ----------
        X, Y, sample_weight : as in `fit`
            New rows, with classes that the fit knows.
        groups : as in `fit`
            Needed if the fit had groups. The groups of new rows must be others.
        old : as X in `fit`, default=None
            The rows of the fit, in the same order, for learners that cannot go on.
        **metadata : as in `fit`
            What learners ask for, by `set_partial_fit_request` of those that learn on by it. If `old` is given, what
            has a value per row has those of the old rows first.

        Returns
        -------
        estimator
            Of the same class.

        Warns
        -----
        UserWarning
            If learners can neither learn on nor be fitted again. The warning names them; they get new weights.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import SGDRegressor
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from ensemble_mm import StackedRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> linear = make_pipeline(StandardScaler(), SGDRegressor())
        >>> model = StackedRegressor(learners=[("linear", linear)], cv=3, random_state=0).fit(X[:300], y[:300])
        >>> model.update(X[300:], y[300:]).oof_["y"].shape
        (442,)
        """
        check_is_fitted(self)
        with PLAIN_OUTPUT():
            return updated(self, X, Y, sample_weight, groups, old, metadata)

    # -- input ---------------------------------------------------------------------------------------------------

    def _problem(self, X, Y, sample_weight=None, groups=None, metadata=None):
        """Return what X and Y ask for; nothing in it is changed later."""
        check_asked(metadata, self._named_parts("learners"), sample_weight=sample_weight, groups=groups)
        check_requests(self)
        if Y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None: give labels."
            )
        problem = read_problem(
            self._source(X), Y, views=self.views,
            encoded=isinstance(self.learners, str) and self.learners != "fast", columns=self.columns,
            kinds=getattr(self, "tasks", "auto"), only=self._only, rare=self.rare, sample_weight=sample_weight,
            groups=groups, each=each_by(self._runner()),
        )  # fmt: skip
        if self.views == "auto":
            problem = with_own_views(problem, self._listed("learners"))
        return replace(problem, metadata=Metadata.of(metadata, problem.n_rows)) if metadata else problem

    def get_metadata_routing(self):
        """Return what `fit` takes beside X and y: weights, groups, and what learners ask for by `set_fit_request`."""
        learners = [learner for _, learner in self._named_parts("learners")]
        return asking_for(super().get_metadata_routing(), learners)

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

    def _meta_settings(self, tasks, final=False):
        """Return what `Level.weigh` needs to make the meta-learner of each task; a final estimator predicts alone."""
        return {
            name: {
                "spec": {FINAL: 1.0} if final else meta_setting(self.meta_learner, task),
                "scoring": setting_of(self.scoring, task),
            }
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
            problem.group_codes, problem.metadata, folds, seed,
            self.augment, self.on_bad, self.refit, [task.class_weight for task in problem.tasks.values()], versions(),
        )  # fmt: skip

        def key(job, *rest):
            member = getattr(job, "member", None)
            return content_key(data, str(job), member and (member.estimator, member.form, member.inputs), *rest)

        return key

    def plan(self, X, y, groups=None, *, sample_weight=None, measure=False, **metadata) -> Plan:
        """Return what `fit` would compute, without computing it.

        With `memory`, a trial extraction of 120 rows estimates the memory and disk that are needed. What does not fit
        is an error here, too.

        Parameters
        ----------
        X, y, groups, sample_weight, **metadata : as in `fit`
        measure : bool, default=False
            Estimate seconds and bytes, too, by short trials on 60 rows, 240, and more while a trial takes seconds.

        Returns
        -------
        Plan
            `str(plan)` counts what is fitted; `plan.extractions`, `plan.fits` (of learners, on both levels),
            `plan.meta_learners` and `plan.calibrations` list it; `plan.seconds` and `plan.bytes` are there after a
            trial. With `strategy="stacked"` the second level may turn out not to be worth trying for some tasks.
        """
        return clone(self)._planned(
            X, y, groups, sample_weight, metadata, measure
        )  # as it keeps how columns are called

    def _planned(self, X, y, groups, sample_weight, metadata, measure):
        self._check_params()
        problem, seed = self._problem(X, y, sample_weight, groups, metadata), self._seed()
        check_settings(self, problem.tasks)
        members = members_of_fit(self, problem)
        check_weights(self.meta_learner, problem.tasks, members)
        check_final(self, problem)
        return self._plan_of(problem, members, seed, measure)

    def _plan_of(self, problem, members, seed, measure):
        return plan_of(self, problem, members, seed, measure)

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
