"""Prediction with a fitted stack: of rows in memory, of few rows, and of rows on disk.

New rows climb as those of a fit did: X -> views -> features -> members -> table -> meta-learners.
"""

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._checks import check_feature_names_in, tell
from ..crossfit import NewRows
from ..data import ChunkedData, ColumnsOnDisk, as_fitted, columns_of, columns_of_few, columns_read, take_rows, views_of
from ._abstaining import silenced
from ._cascade import cascaded
from ._predictor import Predictor
from ._regions import regions_of
from ._seen import places_in_fit

# What steps hand on to each other are arrays, whatever `set_config` says of the output of transformers.
PLAIN_OUTPUT = partial(config_context, transform_output="default")


class PredictionMixin(TransformerMixin):
    """What the estimators do with new rows."""

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
            raise ValueError("X has no rows (0 sample(s)): give at least one.")
        tell(told)
        return columns, getattr(source, "index", None)

    def predict_members(self, X):
        """Return the table of the members' predictions for new rows, with the columns of `table_`.

        Members that are not kept, because their weight is 0, are NaN. `transform` leaves them out.
        """
        check_is_fitted(self, "levels_")
        if isinstance(X, ChunkedData):
            first, *others = map(self.predict_members, self._chunks(X))
            return first.followed_by(others)
        return self._said_by_members(self._new_rows(X))

    def _said_by_members(self, new):
        kept = self._kept()
        with PLAIN_OUTPUT():
            table = self._run_levels(new)[0]
        for member in table.members():
            if member not in kept:
                table[member][:] = np.nan
        return table

    def _kept(self):
        """Return the members that have models, in the order of `table_`."""
        models = {member: fitted.values() for level in self.levels_ for member, fitted in level.models.items()}
        return [
            member for member in self.table_.members()
            if any(model is not None and model.estimator is not None for model in models.get(member, ()))
        ]  # fmt: skip

    def transform(self, X) -> np.ndarray:
        """Return what the members predict for rows that they did not see, as input of a next step.

        Rows of the fit are known by their content: of these it is what they say out of fold, as in `table_`. A next
        step would trust predictions of models that saw the labels too much.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_columns), or the DataFrame that `set_output` asks for
            Of each member that is kept, the number, the probability of the second of two classes, or those of all
            classes. `get_feature_names_out` names the columns. NaN where a row lacks the views that a member reads, or
            is of the fit and no fold tested it.
        """
        check_is_fitted(self, "levels_")
        parts = self._chunks(X) if isinstance(X, ChunkedData) else [X]
        return np.vstack([self._transformed(part) for part in parts])

    def _transformed(self, X):
        (columns, _), members = self._read(X), self._kept()
        places = places_in_fit(self, columns)
        said, new = self.table_.block(members, rows=places), np.flatnonzero(places < 0)
        if len(new):
            columns = {name: take_rows(column, new) for name, column in columns.items()}
            rows = NewRows(self.readers_, columns, self._runner(), self._cache())
            said[new] = self._said_by_members(rows).block(members)
        return said

    def fit_transform(self, X, y, sample_weight=None, groups=None, **metadata) -> np.ndarray:
        """Fit, and return `transform` of the same rows: what the members say of them out of fold."""
        return self.fit(X, y, sample_weight, groups, **metadata).transform(X)

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return names of the columns of `transform`, such as "mood=good linear(review)": task, class, learner, reads.

        `input_features` is there for scikit-learn: None, or the names that X had.
        """
        check_is_fitted(self, "levels_")
        check_feature_names_in(self, input_features, generate_names=False)
        return np.array(self.table_.names(self._kept()), dtype=object)

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

    def _silent(self, X, abstain, cascade):
        """Return predictions by task, the labels of the rows, and by task a mask of rows of which nothing is said."""
        if abstain is None:
            return *self._predict_classes(X, cascade), {}
        if cascade is not None:
            raise ValueError(
                "abstain needs all views of a row, and cascade skips some: give abstain or cascade, not both."
            )
        out, index, silent = silenced(self, X, abstain)
        words = "rows is answered, since each may be of several classes. A smaller `abstain` answers more."
        none = {name: len(rows) for name, rows in silent.items() if rows.all() and len(rows) > 1}
        tell(f"{name}: none of {n} {words}" for name, n in none.items())
        return out, index, silent

    def _predicted(self, new):
        out = self._run_levels(new)[1]
        return {name: self.levels_[-1].calibrated(name, p) for name, p in out.items()}

    def predict_chunks(self: Any, data) -> Iterator[Any]:
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

    def _regions(self, X, coverage, wanted, joint=False):
        check_is_fitted(self)
        out, new = self._predict_tasks(X)
        return regions_of(self, out, new.present, coverage, wanted, joint)
