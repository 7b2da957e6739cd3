"""MultiOutputStack: several tasks of mixed kinds, and which columns each task's second level may see."""

from __future__ import annotations  # the signatures of help() show the names of types

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_is_fitted

from .._checks import one_of
from ..crossfit import patterns_of
from ..data import (
    MAIN_OF_SETS,
    Quantiles,
    as_lists,
    classes_by_column,
    folded,
    kinds_by_column,
    labels_by_task,
    of_having,
)
from ._adding import fit_beside, joined
from ._base import BaseStack
from ._by_folds import fit_by_folds, plan_by_folds
from ._parameters import shared_words
from ._probabilities import Probabilities
from ._regions import said

STRATEGIES = ("independent", "stacked", "chain")


@shared_words
@dataclass(repr=False, eq=False)
class MultiOutputStack(BaseStack):
    """Predict several tasks of mixed kinds, with labels that are partly unknown, in one fit.

    All tasks share the views, their extraction and the folds. With `strategy="stacked"` (multi-target stacking
    [1]_) or "chain" a second level reads the out-of-fold estimates of other tasks beside the features; it is kept for
    a task only where the paired out-of-fold losses say that it helps.

    Parameters
    ----------
    {parameters}
    tasks : "auto" or dict of str to str or tuple, default="auto"
        Kind of some or all tasks. "auto": text, booleans and categories are classes, and so are integers with at most
        20 different values; other numbers are regressions, except floats that take only two whole values. Decimals,
        categories of numbers and text that reads as numbers are judged as these numbers. The kinds are:

        - "binary", "multiclass" and "regression";
        - "ordinal": classes in order (numbers or an ordered Categorical), of which the middle one is predicted;
        - "count": numbers from 0 on, with a Poisson loss;
        - "quantile": numbers of which the median is predicted, and other quantiles by `predict_quantiles`;
        - "labels": lists of tags, or text such as "drama|comedy"; inside, each tag is a task of two classes;
        - ("survival", time, event), two columns of Y: how long a row was watched, and whether the event had happened
          then. The logarithm of the hazard is predicted: the higher, the sooner;
        - ("ranking", relevance, query), two columns of Y: whole numbers from 0 on, and the group of rows that are put
          in order. Scores are predicted, of which only the order within a query counts;
        - ("count", count, exposure), two columns of Y: how often something occurred, and in how much of what, such as
          years. Counts per unit of exposure are predicted.
    strategy : {"independent", "stacked", "chain"}, default="stacked"
        Whether tasks may read each other's estimates, and how.
    task_weight : dict of str to float, default=None
        Weight of each task in `score`, and so in searches, by name or kind. Tasks without an entry have weight 1.

    Attributes
    ----------
    tasks_ : dict of str to Task
        Name, kind and classes of every task.
    classes_ : dict of str to ndarray
        Classes of every classification task.
    task_contributions_ : DataFrame of shape (n_tasks, n_tasks)
        How much the prediction of each task (column) depends on the estimates of each task (row): the weights of the
        members that read estimates, times the share of each estimate in what moves these members' predictions. Zero
        where the second level was not kept; a column sums to at most 1.
    {attributes}

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

    _: KW_ONLY
    tasks: str | Mapping[str, str | tuple[str, str, str]] = "auto"
    strategy: str = "stacked"
    task_weight: Mapping[str, float] | None = None

    _parameter_constraints = {
        "tasks": [one_of("auto"), dict],
        "strategy": [one_of(*STRATEGIES)],
        "task_weight": [None, dict],
    }

    @with_callbacks
    def fit(self, X, Y, sample_weight=None, groups=None, **metadata) -> Self:
        """Fit all tasks.

        Parameters
        ----------
        X : DataFrame, ChunkedData, dict of views, MultimodalData, or array-like of shape (n_samples, n_features)
        Y : DataFrame, 2-D array, or dict of 1-D columns
            One column per task; None or NaN where the label is not known. A column whose cells list tags is one
            binary task per tag inside, such as "tags=red", and lists again in what is predicted.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay in the same fold.
        **metadata : what learners ask for by `set_fit_request`, with scikit-learn's metadata routing
            What has one value per row is cut to the rows of each fit.

        Returns
        -------
        self
        """
        return self._fit(X, Y, sample_weight, groups, metadata)

    def _fit_problem(self, problem, members, *given):
        if not isinstance(self.cv, Mapping):
            return super()._fit_problem(problem, members, *given)
        return fit_by_folds(self, problem, members, *given)

    def _plan_of(self, problem, members, *given):
        if not isinstance(self.cv, Mapping):
            return super()._plan_of(problem, members, *given)
        return plan_by_folds(self, problem, members, *given)

    def add_task(self, X, Y, sample_weight=None, *, tasks="auto", **metadata) -> Self:
        """Return a stack that predicts further tasks; only these are fitted, and the others predict what they did.

        Parameters
        ----------
        X : as in `fit`
            The rows of the fit, in the same order: all tasks share the folds.
        Y : as in `fit`
            Labels of the new tasks alone.
        sample_weight, **metadata : as in `fit`, of the new tasks
        tasks : "auto" or dict, default="auto"
            Kind of some or all new tasks.

        Returns
        -------
        MultiOutputStack
            The model itself is left as it is. The new tasks may read each other's estimates, not those of the old.

        Raises
        ------
        ValueError
            If the rows are not those of the fit, or a task is there already.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from ensemble_mm import MultiOutputStack
        >>> X = np.random.default_rng(0).normal(size=(60, 2))
        >>> Y = pd.DataFrame({"size": X[:, 0], "side": np.where(X[:, 1] > 0, "left", "right")})
        >>> model = MultiOutputStack(learners=["linear"], cv=3, random_state=0).fit(X, Y[["size"]])
        >>> list(model.add_task(X, Y[["side"]]).predict(X[:1]).columns)
        ['size', 'side']
        """
        check_is_fitted(self)
        return joined(self, fit_beside(self, X, Y, sample_weight, tasks, metadata))

    # -- prediction ----------------------------------------------------------------------------------------------

    @property
    def classes_(self) -> dict[str, np.ndarray]:
        """Classes of every classification task, or tags: the columns of `predict_proba`."""
        check_is_fitted(self)
        return _ByTask(classes_by_column(self.tasks_))

    def predict(self, X, cascade=None, abstain=None) -> Any:
        """Return the predictions of all tasks: a DataFrame when Y had names, else shape (n_samples, n_tasks).

        Parameters
        ----------
        X : as in `fit`
        cascade : float in (0, 1), default=None
            Where all tasks are of classes: read the cheapest view of all rows, and further views, in the order of
            `view_seconds_`, only of rows in which the most probable class of some task is less probable than this.
            None: read all views.
        abstain : float in (0, 1), "sets", "disagreement" or "both", default=None
            Leave the class of unsure rows out: None, or NaN in a DataFrame of texts. A coverage: rows whose
            prediction set has several classes ("sets" is 0.9). "disagreement": rows where members with more than a
            fifth of the weight predict another class. "both": rows where either is the case. Numbers are always
            predicted.
        """
        check_is_fitted(self)
        out, index, silent = self._silent(X, abstain, cascade)
        columns = {name: said(self.tasks_[name].decode(p), silent.get(name)) for name, p in out.items()}
        columns = folded(columns, self.tasks_, as_lists)
        if self._named_tasks:
            return pd.DataFrame(columns, index=index)
        kinds = {"number" if column.dtype.kind in "iuf" else column.dtype.kind for column in columns.values()}
        return np.column_stack([c if len(kinds) == 1 else c.astype(object) for c in columns.values()])

    def predict_proba(self, X, cascade=None) -> Probabilities:
        """Return {task: class probabilities of shape (n_samples, n_classes)} of the classification tasks.

        `cascade` is that of `predict`. A prompt or a notebook shows the dict as one table with the names of the
        classes; its method `to_frame` returns this table.
        """
        check_is_fitted(self)
        out, index = self._predict_classes(X, cascade)
        proba = {name: p for name, p in out.items() if self.tasks_[name].rules.region == "sets"}
        return Probabilities(folded(proba, self.tasks_, of_having), self.classes_, index)

    def predict_quantiles(self, X, levels=(0.05, 0.25, 0.5, 0.75, 0.95)) -> dict[str, np.ndarray]:
        """Return {task: quantiles of shape (n_samples, n_levels)} of the tasks of kind "quantile", in their unit.

        They are corrected by out-of-fold predictions, so that a share of `level` of new rows lies below each, and none
        lies below one of a lower level.

        Parameters
        ----------
        X : as in `fit`
        levels : sequence of float in (0, 1)

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from ensemble_mm import MultiOutputStack
        >>> X = np.random.default_rng(0).normal(size=(90, 2))
        >>> Y = pd.DataFrame({"price": X[:, 0] + X[:, 1] ** 2})
        >>> model = MultiOutputStack(learners="fast", cv=3, random_state=0, tasks={"price": "quantile"}).fit(X, Y)
        >>> low, high = model.predict_quantiles(X, [0.1, 0.9])["price"].T
        >>> bool((low <= high).all())
        True
        """
        check_is_fitted(self)
        tasks = [name for name, task in self.tasks_.items() if isinstance(task.rules, Quantiles)]
        if not tasks:
            raise ValueError(
                "No task is of kind 'quantile': fit with tasks={name: \"quantile\"}, or use predict_interval."
            )
        if np.ndim(levels) != 1 or not len(levels):
            raise ValueError(f"levels={levels!r} must be a list of numbers above 0 and below 1, such as [0.1, 0.9].")
        out, new = self._predict_tasks(X)
        pattern = patterns_of(new.present)
        return {
            name: np.column_stack([self.conformal_[name].quantile(out[name], level, pattern) for level in levels])
            for name in tasks
        }

    def predict_interval(self, X, coverage=0.9, joint=False) -> dict[str, np.ndarray]:
        """Return {task: bounds of shape (n_samples, 2)} of the regression tasks and of times to an event.

        A time has a lower bound, in the unit of the times, and an upper one that is infinite.

        Parameters
        ----------
        X : as in `fit`
        coverage : float in (0, 1), default=0.9
            Share of rows whose number, or time, lies within the bounds, of each task.
        joint : bool, default=False
            Whether `coverage` is the share of rows in which the truths of **all** tasks are inside at once: numbers
            within these bounds, classes within the sets of `predict_set(X, coverage, joint=True)`. Rankings, which
            are not of single rows, keep theirs.
        """
        return self._regions(X, coverage, ("intervals",), joint)

    def predict_set(self, X, coverage=0.9, joint=False) -> dict[str, np.ndarray]:
        """Return {task: bool array (n_samples, n_classes)} of the classification tasks; of label sets what may be.

        Of a ranking an array (n_samples,) tells which rows may be the most relevant of their query; in the asked share
        of queries such a row is among them.

        Parameters
        ----------
        X : as in `fit`
        coverage : float in (0, 1), default=0.9
            Share of rows whose class is in the set, of each task.
        joint : bool, default=False
            Whether `coverage` is the share of rows in which the truths of **all** tasks are inside at once: classes
            in these sets, numbers within the bounds of `predict_interval(X, coverage, joint=True)`. Rankings, which
            are not of single rows, keep theirs.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from ensemble_mm import MultiOutputStack
        >>> X = np.random.default_rng(0).normal(size=(90, 2))
        >>> Y = pd.DataFrame({"a": np.where(X[:, 0] > 0, "x", "y"), "b": np.where(X[:, 1] > 0, "u", "v")})
        >>> model = MultiOutputStack(learners=["linear"], cv=3, random_state=0).fit(X, Y)
        >>> single, joint = model.predict_set(X)["a"], model.predict_set(X, joint=True)["a"]
        >>> bool((joint >= single).all())
        True
        """
        return folded(self._regions(X, coverage, ("sets", "shortlists"), joint), self.tasks_, of_having)

    def _labels(self, Y):
        return labels_by_task(self.tasks_, Y, named=self._named_tasks)

    def score(self, X, Y, sample_weight=None) -> float:
        """Return the mean over tasks of accuracy or R2, of label sets the macro F1; unknown labels are left out.

        Weights of rows are as in `evaluate`, those of tasks in `task_weight`.
        """
        frame, _ = self._scored(X, Y, sample_weight, warn=False)
        kinds, mains = kinds_by_column(self.tasks_), {name: task.rules.main for name, task in self.tasks_.items()}
        judged = [name for name in frame.index if name in kinds or self.tasks_[name].column not in frame.index]
        scores = np.array([frame.loc[name, mains.get(name, MAIN_OF_SETS)] for name in judged])
        given = self.task_weight or {}
        columns = [name if name in kinds else self.tasks_[name].column for name in judged]
        weights = np.array([given.get(name, given.get(kinds[name], 1.0)) for name in columns])
        known = ~np.isnan(scores) & (weights > 0)
        return float(np.average(scores[known], weights=weights[known])) if known.any() else np.nan

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        tags.target_tags.required = True
        return tags


class _ByTask(dict):
    """Classes by task. A function of scikit-learn that takes them for those of one task is told what to do."""

    def __getattr__(self, name):
        raise AttributeError(
            f"`classes_` of MultiOutputStack is a dict by task and has no {name!r}: what wants those of one task, "
            'as cross_val_predict(method="predict_proba") does, cannot take it. `oof_` of the fitted model holds '
            "out-of-fold probabilities of every task."
        )
