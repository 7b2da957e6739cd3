"""Input checks and their wording, and what is private in scikit-learn.

Everything above imports from here; this module imports nothing of ours. An error says what is
wrong, what was found and what to do.
"""

import os
import re
import sys
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from difflib import SequenceMatcher
from importlib import import_module
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.model_selection._search import BaseSearchCV  # noqa: F401
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,  # noqa: F401
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock  # noqa: F401
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in  # noqa: F401
from sklearn.utils.validation import _check_sample_weight as check_sample_weight  # noqa: F401
from sklearn.utils.validation import check_is_fitted

LIKE = 1.1  # of names that may have been meant; 2 is the same name
LONGEST_SLIP = 200  # characters of a name that may be a slip of the pen: longer ones take long to compare
SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*", re.IGNORECASE)  # an amount of memory


NOT_HERE = "there is no such file in the working folder"
ENGINES = (__name__.partition(".")[0], "sklearn", "joblib")  # whose lines tell a person nothing


class BadItemsError(ValueError):
    """Some items of a media column cannot be read.

    Parameters
    ----------
    what : str
        What the items are, such as "images".
    rows : list of int
        Their positions.
    reasons : list of str
        For each, the path (or what else names it) and why it cannot be read.
    """

    SHOWN = 10

    def __init__(self, what: str, rows: list[int], reasons: list[str]):
        self.what, self.rows, self.reasons = what, list(rows), list(reasons)
        remedy = 'Repair or remove these files, or pass on_bad="missing" to treat them as missing.'
        if any(reason.endswith(NOT_HERE) for reason in self.reasons):
            here = printable(str(Path.cwd()))
            remedy = (
                f"That folder is {here}: give whole paths, or use read_table, which looks beside the table.\n{remedy}"
            )
        super().__init__(f"{self.listed()}\n{remedy}")

    def listed(self) -> str:
        """Return how many there are, and the first of them, one per line."""
        reasons = map(printable, self.reasons)
        lines = [f"  row {row}: {why}" for row, why in zip(self.rows[: self.SHOWN], reasons, strict=False)]
        more = [f"  and {len(self.rows) - self.SHOWN} more"] if len(self.rows) > self.SHOWN else []
        return "\n".join([f"{len(self.rows)} of the {self.what} cannot be read:", *lines, *more])

    def __reduce__(self):
        return type(self), (self.what, self.rows, self.reasons)


class BadItemsWarning(UserWarning):
    """Some items of a media column cannot be read and are taken as missing; `error` lists them."""

    def __init__(self, error: BadItemsError):
        self.error = error
        super().__init__(f"{error.listed()}\nThey are taken as missing.")


class DataWarning(UserWarning):
    """A warning about data: a guess that may be wrong, or values that cannot be read.

    Examples
    --------
    >>> import warnings
    >>> import pandas as pd
    >>> from ensemble_mm import DataWarning, TabularExtractor
    >>> extractor = TabularExtractor().fit(pd.DataFrame({"price": [1.5, 2.5]}))
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     _ = extractor.transform(pd.DataFrame({"price": ["cheap", "2.5"]}))
    >>> caught[0].category is DataWarning
    True
    """


def warn(words: str | Warning, category: type[Warning] | None = None) -> None:
    """Warn at the line of a person's own code that led here: the innermost one beyond this package and its engines."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ENGINES:
        frame, level = frame.f_back, level + 1
    warnings.warn(words, category, stacklevel=level)


def tell(lines: Iterable[str]) -> None:
    """Warn once of all that a person should know."""
    lines = list(dict.fromkeys(lines))
    if lines:
        warn("\n".join(lines), DataWarning)


# What moves a cursor, recolours or reorders a terminal: control characters, lone surrogates, marks of direction.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text, *, keep: str = "") -> str:
    r"""Return a text of a file or of the user that a terminal shows and does not obey.

    Parameters
    ----------
    text : object
        What is put into a message by its `str`; `repr` does as much, in quotes.
    keep : str, default=""
        Characters that stay as they are, such as line breaks.

    Examples
    --------
    >>> print(printable("\x1b[2Jred"))
    \x1b[2Jred
    """
    return _UNPRINTABLE.sub(lambda match: match[0] if match[0] in keep else ascii(match[0])[1:-1], str(text))


def require(module: str, *, extra: str, caller: str):
    """Import `module`, or tell the user which extra of ours brings it."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise  # installed but broken: its own error says more than ours
        raise ImportError(
            f"{caller} needs {package!r}, which is not installed. Install it with: pip install 'ensemble_mm[{extra}]'"
        ) from error


def is_missing(item) -> bool:
    """Tell whether one item of a view is absent: None, NaN, NaT, "", or an array of size 0."""
    if item is None or item is pd.NA or item is pd.NaT:
        return True
    if isinstance(item, (str, bytes)):
        return len(item) == 0
    if isinstance(item, Real):
        return item != item
    if isinstance(item, Decimal):
        return item.is_nan()
    if isinstance(item, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(item))
    return isinstance(item, np.ndarray) and item.size == 0


def as_pandas(X):
    """Return a frame or a column of another library as one of pandas; anything else as it is.

    Frames that are computed when asked for (of polars and Dask, and data sets of Arrow) are. polars is read column by
    column: its own conversion wants pyarrow. What an array hides behind a mask is NaN, or None where it has no numbers.
    """
    if isinstance(X, (pd.DataFrame, pd.Series)):
        return X
    if isinstance(X, np.ma.MaskedArray) and X.dtype.names is None:
        return _unmasked(X)
    if isinstance(X, (pd.Index, pd.api.extensions.ExtensionArray)):
        return pd.Series(X)
    for lazy in ("collect", "compute", "to_table"):
        if hasattr(X, lazy) and not hasattr(X, "to_pandas"):
            return as_pandas(getattr(X, lazy)())
    if hasattr(X, "get_columns"):
        return pd.DataFrame({column.name: _from_polars(column) for column in X.get_columns()})
    if hasattr(X, "to_arrow") and hasattr(X, "to_list"):
        return _from_polars(X)
    if not hasattr(X, "to_pandas"):
        return X
    days = {"date_as_object": False} if type(X).__module__.startswith("pyarrow") else {}
    found = X.to_pandas(**days)
    return found if isinstance(found, (pd.DataFrame, pd.Series)) else pd.Series(found)


def _unmasked(X):
    if X.dtype.kind in "iuf":
        return X.astype(np.float64).filled(np.nan)
    return np.where(np.ma.getmaskarray(X), None, X.data.astype(object))


def _from_polars(column) -> pd.Series:
    dtype, name = column.dtype, column.name or None
    kind = type(dtype).__name__
    if dtype.is_nested() and hasattr(dtype, "inner") and dtype.inner.is_numeric():  # vectors
        return pd.Series([cell if cell is None else np.asarray(cell) for cell in column.to_list()], name=name)
    if not (dtype.is_numeric() or dtype.is_temporal()) or kind in ("Decimal", "Time"):
        return pd.Series(column.to_list(), name=name, dtype="category" if kind in ("Categorical", "Enum") else None)
    series = pd.Series(column.to_numpy(), name=name)
    zone = getattr(dtype, "time_zone", None)
    return series if zone is None else series.dt.tz_localize("UTC").dt.tz_convert(zone)


def name_of(label) -> str:
    """Return the name of a column: its label as text, the levels of several joined by "_", accents written one way."""
    levels = label if isinstance(label, tuple) else (label,)
    return unicodedata.normalize("NFC", "_".join(str(level) for level in levels if level != ""))


def as_items(X) -> np.ndarray:
    """Return the items of a one-column input as a 1-D object array, one item per row.

    Lists (of paths, bytes, strings, arrays, PIL images), pandas and polars columns, 1-D arrays,
    one-column frames, and n-D arrays (one item per leading index) are taken.
    """
    if hasattr(X, "to_numpy"):  # pandas 3 keeps strings as Arrow arrays, polars as its own
        X = X.to_numpy(object) if isinstance(X, (pd.Series, pd.DataFrame)) else X.to_numpy()
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == object:
        return X
    if isinstance(X, (str, bytes, set, frozenset, dict)) or not hasattr(X, "__len__"):
        raise ValueError(f"Expected a column of items, found one {type(X).__name__}: put it in a list.")
    items = np.empty(len(X), dtype=object)
    for i, item in enumerate(X):
        items[i] = item.item() if isinstance(item, np.generic) else item
    return items


class Number(Interval):
    """Constraint of a parameter that is a number, which True and False are not."""

    def is_satisfied_by(self, val):
        return not isinstance(val, bool) and super().is_satisfied_by(val)


POSITIVE = Number(Real, 0, None, closed="neither")
SHARE = Number(Real, 0, 1, closed="both")
AT_LEAST_0 = Number(Real, 0, None, closed="left")
PART = Number(RealNotInt, 0, 1, closed="neither")


def one_of(*names: str) -> StrOptions:
    """Return the constraint of a parameter that is one of these names."""
    return StrOptions(dict.fromkeys(names).keys())  # in this order in its error


def whole(minimum: int, maximum: int | None = None) -> Number:
    """Return the constraint of a parameter that is a whole number."""
    return Number(Integral, minimum, maximum, closed="left" if maximum is None else "both")


def having(*methods: str) -> HasMethods:
    """Return the constraint of a parameter that is an object with these methods."""
    return HasMethods(list(methods))


class ConstraintsMixin:
    """Give a class the constraints of its bases beside its own: scikit-learn looks at those of the class alone."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        declared = (vars(base).get("_parameter_constraints", {}) for base in reversed(cls.__mro__))
        cls._parameter_constraints = {name: rule for rules in declared for name, rule in rules.items()}


def check_fitted(estimator, name: str) -> None:
    """Raise a NotFittedError unless `fit` set an attribute; scikit-learn's own check asks for all tags each time."""
    if name not in vars(estimator):
        check_is_fitted(estimator, name)


def check_params(estimator) -> None:
    """Raise a ValueError unless the parameters are such as classes declare in `_parameter_constraints`.

    A method `check_settings` tells what one parameter alone does not. The parameters of learners, extractors and steps
    that the estimator holds are checked too.
    """
    params = estimator.get_params(deep=True)
    for part in [estimator, *params.values()]:
        if isinstance(part, type):
            continue
        if hasattr(part, "_parameter_constraints"):
            own = (
                part.get_params(deep=False)
                if part is not estimator
                else {n: params[n] for n in params if "__" not in n}
            )
            for name, value in own.items():
                check_param(name, value, part._parameter_constraints.get(name, "no_validation"), type(part).__name__)
        if hasattr(part, "check_settings"):
            part.check_settings()


def check_param(name: str, value, constraints, caller: str) -> None:
    """Raise a ValueError unless a value satisfies one of some constraints of scikit-learn."""
    try:
        validate_parameter_constraints({name: constraints}, {name: value}, caller)
    except InvalidParameterError as error:
        names = [option for part in constraints if isinstance(part, StrOptions) for option in part.options]
        raise InvalidParameterError(f"{error}{did_you_mean(value, names)}") from None


def nearest(value, names: Iterable) -> str | None:
    """Return the name that may have been meant by a value, None where no name is near."""
    if not isinstance(value, str) or len(value) > LONGEST_SLIP:
        return None

    def likeness(name):  # in this order of letters, and in any
        a, b = value.casefold(), name.casefold()
        return sum(SequenceMatcher(None, *pair).ratio() for pair in ((a, b), (sorted(a), sorted(b))))

    known = (name for name in names if isinstance(name, str) and len(name) <= LONGEST_SLIP)
    near = max(known, key=likeness, default=None)
    return None if near is None or likeness(near) < LIKE else near


def did_you_mean(value, names: Iterable) -> str:
    """Return a sentence that asks for the nearest of some names, or nothing where none is near."""
    near = nearest(value, names)
    return "" if near is None else f" Did you mean {near!r}?"


def check_path(path, call: str) -> None:
    """Refuse what names no file, such as arguments in another order than `call` has them."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be the name of a file, found a {type(path).__name__}: write {call}.")


def check_folder(path) -> None:
    """Refuse a file in a folder that does not exist: its name is more often misspelt than wanted."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"The folder {str(folder)!r} does not exist: make it, or name another one.")


def shown(value) -> str:
    """Return a value as it is shown in messages."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def listed(words: Iterable[str], most: int) -> str:
    """Return the first of some words, and how many more there are."""
    words = list(words)
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def first_names(names: Iterable) -> str:
    """Return the first ten of some names, quoted."""
    names = list(names)
    return ", ".join(map(repr, names[:10])) + (" ..." if len(names) > 10 else "")


def check_choice(name: str, value, choices) -> None:
    """Raise a ValueError unless `value` is one of `choices`."""
    if not any(value is choice or (type(value) is type(choice) and value == choice) for choice in choices):
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"{name}={value!r} is not known: use one of {listed}.{did_you_mean(value, choices)}")


def check_fraction(name: str, value) -> None:
    """Raise a ValueError unless `value` is a number between 0 and 1."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) <= 1:
        raise ValueError(f"{name}={value!r} must be a number from 0 to 1.")


def check_count(name: str, value, *, minimum: int = 0) -> None:
    """Raise a ValueError unless `value` is a whole number of at least `minimum`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"{name}={value!r} must be a whole number of at least {minimum}.")


@contextmanager
def writing_into(folder, what: str) -> Iterator[None]:
    """Say in words that a folder, or the system's for what is temporary (None), cannot take something."""
    try:
        yield
    except Exception as error:
        is_full = "os error 28" in str(error)  # as polars says it
        if isinstance(error, FileNotFoundError) or not (isinstance(error, OSError) or is_full):
            raise
        shown = "The system's folder for what is temporary" if folder is None else printable(folder)
        reason = printable(getattr(error, "strerror", None) or error)
        words = f"{shown} cannot take {what} ({reason}): name a workdir that can be written to and has room."
        raise OSError(words) from error


def bytes_of(name: str, value) -> int:
    """Return an amount of memory, a number of bytes or a text such as "4GB", in bytes."""
    found = SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        value = float(found[1]) * 1000 ** "BKMGT".index(found[2].upper() or "B")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ValueError(f'{name}={value!r} is not an amount of memory: give a text such as "4GB" or "500MB".')
    return int(value)


def check_unique(what: str, names) -> None:
    """Raise a ValueError when a name is used twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} names must differ, but {twice[0]!r} is used more than once: rename one of them.")
