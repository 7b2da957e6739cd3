"""What came of a fit, in scores: the leaderboard, the metrics of new rows, and what decides."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._checks import DataWarning, tell
from .._lines import say
from .._plain_words import Words, plural
from ..data import evaluate_sets, folded, task_weights
from ..meta import Judge
from ..store import content_key
from ._board import fold_scores, head_of, judge_of, leaderboard
from ._seen import told_of_seen


class ResultsMixin:
    """The methods of a fitted stack that score it."""

    tasks_: dict[str, Any]
    table_: Any
    levels_: list[Any]
    oof_: dict[str, Any]
    views_: dict[str, str]
    refit: bool
    scoring: Any
    threshold: Any

    def leaderboard(self) -> pd.DataFrame:
        """Compare the ensemble with its members, the best single view and a constant guess, on held-out rows.

        Every row is scored by models that did not see it. The metric is the one that `scoring` names for the task, or
        accuracy for classes, R2 for numbers and the like. The score is the mean over the folds, as in `cv_results_`.

        Returns
        -------
        DataFrame
            Sorted by task and "difference". Its columns are:

            - "learner": the name of a learner, "ensemble", "best single view" (the ensemble of the learners of one
              view, which is chosen on other folds) or "constant" (class frequencies, or the mean, of training rows);
            - "reads": what the learner reads; "n": rows that were scored, which are those that have what it reads;
            - "score_name", "score", and its 95 % interval "low" to "high";
            - "difference", "difference_low", "difference_high": the score minus that of the ensemble **on the same
              rows**, with its interval; above 0, the learner is better than the ensemble;
            - "loss": the mean log loss (nats) or squared error.

        Notes
        -----
        Intervals come from a jackknife over blocks of rows within the folds, or over groups where the fit had groups.
        They show how far a score may be off by the choice of rows, not what other training rows would have given.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from ensemble_mm import StackedRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = StackedRegressor(learners=[("ridge", Ridge(0.1))], cv=3, random_state=0).fit(X, y)
        >>> board = model.leaderboard().set_index("learner")
        >>> bool(board.loc["constant", "difference_high"] < 0)
        True
        """
        check_is_fitted(self)
        if not self._knows_board():
            say(self, "comparing the ensemble with its members, the best single view and a constant ...")
            self._board = self._board_key(), leaderboard(self)
        return self._board[1].copy()

    def _score_folds(self):
        """Set `cv_results_` of what was fitted, and forget the leaderboard of what was there before."""
        vars(self).pop("_board", None)
        self.cv_results_ = fold_scores(self)

    def _board_key(self) -> str | None:
        """Return a key of what a leaderboard depends on beside the fit; None where something has no contents to tell.

        Scorers of equal text may be of functions that are not: a notebook writes one again under its name.
        """
        try:
            return content_key(_contents(self.scoring), _contents(self.threshold))
        except TypeError:
            return None

    def _knows_board(self) -> bool:
        key = self._board_key() if hasattr(self, "_board") else None
        return key is not None and self._board[0] == key

    def summary(self, X=None, Y=None) -> Words:
        """Say how good the predictions are, in the unit of each target, beside what a constant guess reaches.

        Parameters
        ----------
        X, Y : as in `evaluate`, default=None
            Rows that the fit did not see. None: the rows of the fit, as they were held out.

        Returns
        -------
        str
            One line per task, with a 95 % interval. Without X and Y also the views, and below the head of the
            leaderboard.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from ensemble_mm import StackedRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = StackedRegressor(learners=[("ridge", Ridge(0.1))], cv=3, random_state=0).fit(X[:300], y[:300])
        >>> model.summary(X[300:], y[300:])
        y (142 rows): off by 41.2 on average (95 % interval 35.1 to 48.5); 65.4 when always guessing the mean
        """
        if (X is None) != (Y is None):
            raise ValueError("Give both X and Y, or neither: then the rows of the fit serve, as they were held out.")
        if X is not None:
            return Words("\n".join(self._scored(X, Y)[1]))
        board = head_of(self.leaderboard())
        views = ", ".join(
            name if name == modality else f"{name} ({modality})" for name, modality in self.views_.items()
        )
        rows, targets = plural(len(self.oof_[next(iter(self.tasks_))]), "row"), plural(len(self.tasks_), "target")
        lines = [f"{rows}, {plural(len(self.views_), 'view')}: {views}; {targets}"]
        lines += [f"{name}: {self.judged_by(name).plain(self.oof_[name])}" for name in self.tasks_]
        return Words("\n".join([*lines, board]))

    def evaluate(self, X, Y, sample_weight=None) -> pd.DataFrame:
        """Return the standard metrics of every task on rows whose label is known.

        Parameters
        ----------
        X, Y : as in `fit`
            Of several tasks the columns of Y go by name, and Y may lack some; without names they go in the order of
            `tasks_`, and all must be there. A class that `fit` did not see counts as wrong.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Columns in the order of `tasks_`; a row of weight zero is left out.

        Returns
        -------
        DataFrame
            One row per task, and one per column of label sets; `n` labels counted, and the metrics of their kinds: NaN
            for tasks of another.

        Warns
        -----
        DataWarning
            If rows were in the fit: scores on them are too good.
        """
        return self._scored(X, Y, sample_weight)[0]

    def _scored(self, X, Y, sample_weight=None, warn=True):
        """Return the metrics of new rows, one row per task, and how good predictions are in words, a line per task."""
        check_is_fitted(self)
        labels = self._labels(Y)
        out, new = self._predict_tasks(X)
        if warn:
            tell(told_of_seen(self, new.columns))
        weights = task_weights(sample_weight, self.tasks_, len(next(iter(out.values()))), Y)
        rows = {name: self.tasks_[name].evaluate(column, out[name], weights[name]) for name, column in labels.items()}
        whole = [name for name, task in self.tasks_.items() if task.column is not None and name in labels]
        sets = folded(
            {name: name for name in whole},
            self.tasks_,
            lambda names, _: evaluate_sets(
                *([by[name] for name in names] for by in (self.tasks_, labels, out, weights))
            ),
        )
        lines = (_plain_line(self, name, column, out[name], weights[name]) for name, column in labels.items())
        return pd.DataFrame([*sets.values(), *rows.values()], index=[*sets, *rows]), lines

    def learner(self, name, *, task=None, reads=None) -> Any:
        """Return a fitted learner.

        Parameters
        ----------
        name : str
        task, reads : str, default=None
            Which task it serves and what it reads, as in `table_`; they may be left out where there is one.

        Returns
        -------
        estimator or list of estimators
            A list, one per fold, where the stack was fitted without `refit`.

        Raises
        ------
        ValueError
            If there is no such learner, there are several, or it never counts and was not kept.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from ensemble_mm import StackedRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = StackedRegressor(learners=[("ridge", Ridge(0.1))], cv=3, random_state=0).fit(X, y)
        >>> model.learner("ridge").coef_.shape
        (10,)
        """
        check_is_fitted(self)
        asked = [m for m in self.table_.members()
                 if m.learner == name and task in (None, m.task) and reads in (None, m.reads)]  # fmt: skip
        if len(asked) != 1:
            some = ", ".join(map(str, (asked or self.table_.members())[:8]))
            words = (
                "There are several: say task= and reads= of one of" if asked else "There is no such learner: there are"
            )
            raise ValueError(f"learner({name!r}, task={task!r}, reads={reads!r}): {words} {some}.")
        found = [model.estimator for level in self.levels_ for model in level.models.get(asked[0], {}).values()
                 if model is not None and model.estimator is not None]  # fmt: skip
        if not found:
            raise ValueError(f"The {asked[0]} was not kept, because its weight is 0.")
        return found[0] if self.refit else found

    def judged_by(self, task) -> Judge:
        """Return what scores predictions of a task, by its name, that were made for held-out rows of the fit."""
        check_is_fitted(self)
        return judge_of(self, task)

    @property
    def thresholds_(self) -> dict:
        """Rule by which each task chooses a class, where `threshold` or `class_weight` was given.

        For two classes it is the probability above which the second class is predicted. For more classes it is one
        weight per class: the class with the largest product of weight and probability is predicted.
        """
        check_is_fitted(self, "levels_")
        chosen = {name: np.array(task.decision) for name, task in self.tasks_.items() if task.decision is not None}
        return {name: float(weights[0]) if len(weights) == 2 else weights for name, weights in chosen.items()}

    def __str__(self):
        """Return what `repr` does and, of a fitted stack, the head of its leaderboard.

        The best single view takes fits of meta-learners: it is there once `leaderboard` or `summary` has looked at it.
        """
        if not hasattr(self, "cv_results_"):
            return repr(self)
        board = self.leaderboard() if self._knows_board() else leaderboard(self, whole=False)
        return f"{self!r}\n{head_of(board)}"


def _contents(setting):
    """Return a setting, by task or for all, with what a scorer is made of in its place."""
    if isinstance(setting, dict):
        return {key: _contents(value) for key, value in setting.items()}
    return vars(setting) if hasattr(setting, "_score_func") else setting


def _plain_line(model, name, y, out, weight):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of classes that the fit did not see: the metrics have told it
        rules, y, out, weight = model.tasks_[name].judged(y, out, weight)
    if not len(y):
        return f"{name}: no label is known"
    return f"{name} ({plural(len(y), 'row')}): {judge_of(model, name).of_new(rules, y, weight).plain(rules.whole(out))}"
