"""Tables: numbers, categories, dates and booleans."""

from collections import Counter
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import TargetEncoder
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from .._checks import as_pandas, check_fitted, check_params, tell, whole
from .._routing import whole_groups
from ..schema import FewRows, Schema, are_digits, infer_column, read_few
from ._vector import MOST, ROWS

SKEWED = 2.0  # skewness above which a number is also given as its signed logarithm
MOST_CLASSES = 20  # labels of more different values, or of any that are not whole, are averaged as numbers


class TabularExtractor(TransformerMixin, BaseEstimator):
    """Turn a table of mixed columns into finite, standardised numbers.

    Missing numbers are filled with the median (a further column marks them) and standardised; skewed ones are given as
    their signed logarithm. Categories are one-hot for the most frequent values, with the frequency of the value
    beside them when there are more; a value not seen in fit is all zeros. Dates become year, month, weekday, hour and
    days elapsed, times hours. `fit` learns the type of each column and how its values are written (`schema_`). Values
    that cannot be read in this way give a warning that counts them, or an error where none can be read. Nothing is
    learned from labels, except with `target_encoding`.

    Parameters
    ----------
    max_categories : int, default=20
        Most one-hot columns per category.
    log_skewed : bool, default=True
        Take the logarithm of skewed numbers.
    target_encoding : bool, default=False
        Add the mean label of each value, shrunk towards the overall mean, to categories of more than `max_categories`
        values. For the rows of `fit_transform` it is taken over other rows (scikit-learn's TargetEncoder). The view is
        then extracted once per task.

    Attributes
    ----------
    schema_ : Schema
        What every column was taken for, why, and how its values are read.
    kinds_ : dict of column to {"number", "category", "date", "time", "constant"}
    n_features_in_ : int

    Examples
    --------
    >>> import pandas as pd
    >>> from ensemble_mm import TabularExtractor
    >>> X = pd.DataFrame({"age": [20.0, None, 40.0], "shop": ["north", "south", "north"]})
    >>> extractor = TabularExtractor().fit(X)
    >>> extractor.get_feature_names_out().tolist()
    ['age', 'age_missing', 'shop_north', 'shop_south']
    """

    _parameter_constraints = {"max_categories": [whole(1)], "log_skewed": ["boolean"], "target_encoding": ["boolean"]}
    takes_few = True  # reads `FewRows` as it reads a DataFrame

    def __init__(self, max_categories=20, log_skewed=True, target_encoding=False):
        self.max_categories = max_categories
        self.log_skewed = log_skewed
        self.target_encoding = target_encoding

    def fit(self, X, y=None, groups=None) -> Self:
        """Learn fills, scales and categories of a DataFrame or 2-D array of shape (n_samples, n_columns)."""
        self._fit(X, y, groups)
        return self

    def fit_transform(self, X, y=None, groups=None) -> np.ndarray:
        """Fit, and return the features of the same rows; averages of labels leave out a row's own, and its group's."""
        frame, crossed = self._fit(X, y, groups)
        out = self._features(frame)
        if crossed is not None:
            out[:, out.shape[1] - crossed.shape[1] :] = crossed
        return out

    def fit_columns(self, first, columns, y=None, groups=None) -> np.ndarray | None:
        """Learn from the columns of a table, which are read one after the other; return the averages of labels.

        Parameters
        ----------
        first : DataFrame
            Its first row.
        columns : iterator of (label, Series)
        y, groups : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_averages) or None
            For the rows of the fit, in the place of the last features; None: nothing is averaged.
        """
        self._frame(first, reset=True)
        return self._learn(columns, y, groups)

    def _fit(self, X, y, groups):
        """Fit; return the table as it is meant, and the averages of labels of its rows where there are some."""
        frame, read = self._frame(X, reset=True), {}
        crossed = self._learn(frame.items(), y, groups, read)
        if read:
            frame = frame.copy(deep=False)
            for place, values in read.items():
                frame.isetitem(place, values)
        return frame, crossed

    def _learn(self, columns, y, groups, read=None):
        """Learn from columns one by one; return averages of labels. `read` takes those that are meant otherwise."""
        check_params(self)
        vars(self).pop("_tables", None)
        records, words, self._columns, self._coded = [], [], [], []
        for place, (name, given) in enumerate(columns):
            records.append(infer_column(given, name, in_table=True))
            values, _ = records[-1].read(given)
            column = _MAKERS.get(records[-1].taken_as, _Category)(self).fit(values)
            if self.target_encoding and getattr(column, "shares", None):
                self._coded.append(place)
                words.append(np.array(_words(values), dtype=object))
            if read is not None and values is not given:
                read[place] = values
            self._columns.append(column)
        self.schema_ = Schema(tuple(records))
        self.kinds_ = {record.name: record.taken_as for record in records}
        if not self._coded:
            return None
        if y is None:
            raise ValueError("TabularExtractor with target_encoding=True requires y to be passed: give labels.")
        numbers = type_of_target(y) == "continuous" or len(np.unique(y)) > MOST_CLASSES
        folds = (KFold if numbers else StratifiedKFold)(5, shuffle=True, random_state=0)
        folds = folds if groups is None else 5
        self._encoder = TargetEncoder(target_type="continuous" if numbers else "auto", cv=folds)
        with whole_groups(self._encoder, y, groups):
            return self._encoder.fit_transform(np.column_stack(words), y)

    def transform(self, X) -> np.ndarray:
        """Return float32 features of shape (n_samples, n_features), all finite; a row without any value is NaN."""
        check_fitted(self, "kinds_")
        few = self._read_few(X) if isinstance(X, FewRows) else None
        if few is not None:
            return self._features(few)
        frame, told = self.schema_.read(self._frame(X, reset=False), again=True)
        tell(told)
        return self._features(frame)

    def transform_part(self, X) -> np.ndarray:
        """Return what `transform` does of some rows of a fit, of which all is told by then."""
        return self._features(self.schema_.read(self._frame(X, reset=False), again=True)[0])

    def _read_few(self, X):
        known = {column.name: column for column in self.schema_.columns}
        return read_few({label: values.tolist() for label, values in X.items()}, known)

    def _features(self, frame):
        if len(frame) <= ROWS:
            return self._features_of(frame)
        out = None
        for start in range(0, len(frame), ROWS):  # the steps between take several times the memory of the features
            part = self._features_of(frame.iloc[start : start + ROWS])
            out = np.empty((len(frame), part.shape[1]), part.dtype) if out is None else out
            out[start : start + ROWS] = part
        return out

    def _features_of(self, frame):
        columns = [values for _, values in frame.items()]
        # In single precision at once: all columns side by side in double precision would take twice the memory.
        parts = [
            np.asarray(column.transform(values), dtype=np.float32)
            for column, values in zip(self._columns, columns, strict=True)
        ]
        if self._coded:
            parts += [
                table[[places.get(word, -1) for word in _words(columns[i])]]
                for i, (places, table) in zip(self._coded, self._averages(), strict=True)
            ]
        if not any(part.shape[1] for part in parts):
            return np.zeros((len(frame), 1), dtype=np.float32)
        return np.hstack(parts)

    def _averages(self):
        """Return by coded column the place of each word, and the averages by place, float32; the last is of all others.

        They say what `transform` of the encoder does, whose checks take several times as long as all else of a row.
        """
        if "_tables" not in vars(self):  # of a saved model
            averages, means = iter(self._encoder.encodings_), np.atleast_1d(self._encoder.target_mean_)
            self._tables = []
            for words in self._encoder.categories_:
                table = np.vstack([np.column_stack([next(averages) for _ in means]), means], dtype=np.float32)
                self._tables.append((dict(zip(words, range(len(words)), strict=True)), table))
        return self._tables

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_tables"}

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns."""
        check_is_fitted(self, "kinds_")
        names = [f"{name}{suffix}" for name, c in zip(self.kinds_, self._columns, strict=True) for suffix in c.suffixes]
        for i in self._coded:
            width = len(self._encoder.encodings_) // len(self._coded)
            names += [f"{list(self.kinds_)[i]}_target{k if width > 1 else ''}" for k in range(width)]
        return np.array(names or ["constant"], dtype=object)

    def augment(self, X, random_state=None) -> pd.DataFrame | np.ndarray:
        """Return the table with noise of a twentieth of a standard deviation on its numbers."""
        rng = check_random_state(random_state)
        frame = X.copy() if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        for position in range(frame.shape[1]):
            column = frame.iloc[:, position]
            if pd.api.types.is_float_dtype(column):
                noise = rng.normal(scale=0.05 * (column.std() or 0.0), size=len(column))
                frame.isetitem(position, column + np.nan_to_num(noise))
        return frame if isinstance(X, pd.DataFrame) else frame.to_numpy()

    def _frame(self, X, reset):
        X = pd.DataFrame(X.columns) if isinstance(X, FewRows) else as_pandas(X)
        if isinstance(X, pd.Series):
            X = X.to_frame()
        if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == object:
            X = pd.DataFrame({"value": X}).infer_objects()
        if isinstance(X, pd.DataFrame):
            if reset or list(X.columns) != list(getattr(self, "feature_names_in_", ())):
                validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        array = X if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and _mixed(X) else None
        if array is None:
            array = validate_data(self, X, reset=reset, ensure_all_finite="allow-nan", dtype="numeric")
        else:
            validate_data(self, array, reset=reset, skip_check_array=True)
        return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])]).infer_objects()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.target_tags.required = bool(self.target_encoding)
        tags.input_tags.string = True
        return tags


class _Number:
    size = 1.0  # by which all are divided first

    def __init__(self, owner):
        self.owner = owner

    def fit(self, column):
        values = _numbers(column)
        known = values[~np.isnan(values)]
        largest = float(np.abs(known).max(initial=0.0))
        if not 1e-150 < largest < 1e150 and largest:
            self.size = largest  # squares of such numbers overflow, or are zero
        values, known = values / self.size, known / self.size
        self.fill = float(np.median(known)) if len(known) else 0.0
        self.holes = bool(len(known) < len(values))
        self.log = bool(self.owner.log_skewed and len(known) > 10 and not abs(_skew_of(known)) <= SKEWED)
        if self.log:
            size = np.abs(known)
            self.unit = float(np.median(size[size > 0])) if (size > 0).any() else 1.0
        scaled = self._shape(np.where(np.isnan(values), self.fill, values))
        self.mean, self.scale = (float(scaled.mean()), float(scaled.std())) if len(scaled) else (0.0, 0.0)
        self.constant = not self.scale > 1e-12 * max(abs(self.mean), 1e-300)
        self.suffixes = [*([] if self.constant else [""]), *(["_missing"] if self.holes else [])]
        return self

    def transform(self, column):
        with np.errstate(over="ignore"):
            values = _numbers(column) / self.size
        hole = np.isnan(values)
        parts = []
        if not self.constant:
            shaped = self._shape(np.where(hole, self.fill, values))
            parts.append(np.clip((shaped - self.mean) / self.scale, -MOST, MOST))
        if self.holes:
            parts.append(hole.astype(float))
        return np.column_stack(parts) if parts else np.zeros((len(values), 0))

    def _shape(self, values):
        values = np.clip(values, -1e150, 1e150)
        return np.sign(values) * np.log1p(np.abs(values) / self.unit) if self.log else values


def _skew_of(known) -> float:
    with np.errstate(all="ignore"):
        spread = known.std()
        return np.mean(((known - known.mean()) / spread) ** 3) if spread > 0 else 0.0


class _Category:
    def __init__(self, owner):
        self.owner = owner

    def fit(self, column):
        words = _words(column)
        counts = Counter(words)
        order = sorted(counts, key=lambda word: (-counts[word], word))
        few = len(order) <= self.owner.max_categories
        self.values = sorted(order) if few else [w for w in order[: self.owner.max_categories] if counts[w] > 1]
        if len(order) < 2 and column.notna().all():
            self.values = []  # constant
        self.shares = {} if few else {word: float(np.log1p(counts[word])) for word in order}
        self.top = max(self.shares.values(), default=1.0) or 1.0
        self.suffixes = [f"_{word or 'missing'}" for word in self.values] + (["_frequency"] if self.shares else [])
        known = [word for word in order if word]
        self.number = self._learned_number(words, known) if self.shares and are_digits(known) else None
        return self

    def _learned_number(self, words, known):
        """Return what reads codes of digits, such as postal codes, as numbers: near ones are near each other."""
        if 2 * len(known) > len(words):  # which hardly repeat
            self.values, self.shares, self.suffixes = [], {}, []
        number = _Number(self.owner).fit(pd.to_numeric(pd.Series(words), errors="coerce"))
        self.suffixes += [f"_number{suffix}" for suffix in number.suffixes]
        return number

    def transform(self, column):
        words, places = _words(column), {word: place for place, word in enumerate(self.values)}
        found = np.array([places.get(word, -1) for word in words], dtype=np.intp)
        rows, shown = np.flatnonzero(found >= 0), np.zeros((len(words), len(places)))
        shown[rows, found[rows]] = 1.0
        parts = [shown]
        if self.shares:
            parts.append(np.array([self.shares.get(word, 0.0) / self.top for word in words])[:, np.newaxis])
        if self.number is not None:
            parts.append(self.number.transform(pd.to_numeric(pd.Series(words), errors="coerce")))
        return np.hstack(parts)


class _Date:
    PARTS = ("year", "month", "weekday", "hour", "days")

    def __init__(self, owner):
        self.owner = owner

    def fit(self, column):
        self.parts = [_Number(self.owner).fit(pd.Series(values)) for values in self._split(column)]
        self.suffixes = [f"_{name}{s}" for name, p in zip(self.PARTS, self.parts, strict=True) for s in p.suffixes]
        return self

    def transform(self, column):
        values = self._split(column)
        return np.hstack([p.transform(pd.Series(v)) for p, v in zip(self.parts, values, strict=True)])

    def _split(self, column):
        """Return year, month, weekday and hour as they are in the time zone of each date, and days of one calendar."""
        here = column = pd.Series(column)
        if column.dtype == object:  # of several time zones
            here = pd.Series([item if item is None else item.replace(tzinfo=None) for item in column])
        elif isinstance(column.dtype, pd.DatetimeTZDtype):
            here = column.dt.tz_localize(None)
        here = pd.to_datetime(here)
        days = (pd.to_datetime(column, utc=True) - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)
        parts = (here.dt.year, here.dt.month, here.dt.day_of_week, here.dt.hour)
        return [*(part.astype(float) for part in parts), days]


class _Constant:
    suffixes: tuple[str, ...] = ()

    def __init__(self, owner):
        pass

    def fit(self, column):
        return self

    def transform(self, column):
        return np.zeros((len(column), 0))


_MAKERS = {"number": _Number, "time": _Number, "date": _Date, "constant": _Constant}


def _numbers(column):
    values = column if isinstance(column, np.ndarray) else column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = np.asarray(values, dtype=np.float64)
    return np.where(np.isinf(values), np.nan, values)


def _words(column):
    if isinstance(column, np.ndarray):
        return ["" if item is None else str(item) for item in column]
    return ["" if missing else str(item) for item, missing in zip(column.to_numpy(object), column.isna(), strict=True)]


def _mixed(X):
    return any(isinstance(item, str | pd.Timestamp | bool) for item in X[: min(len(X), 50)].ravel())
