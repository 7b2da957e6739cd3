"""From the values of one column to its record: the first kind that fits all that is known of it."""

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._checks import did_you_mean, is_missing
from .._modalities import MODALITIES
from .._plain_words import written
from ._blanks import is_blank, is_no_text
from ._called import CODES, VERSIONS, is_called
from ._categories import CategoryRule, learn_categories
from ._column import IN_TABLE, STRINGS, Column
from ._dates import DateRule, formats_of, learn_dates
from ._doubts import doubts_of, is_mark_text
from ._numbers import NumberRule, learn_numbers, units_of, without_infinite
from ._strings import are_digits, kind_of_strings
from ._times import TimeRule, learn_times

LOOKED_AT = 500  # known items of a column that decide its modality
SAMPLE = 300  # items that are looked at first
LONGEST = 45  # characters of a number, a date or a time
SHOWN = 30  # characters of an example
SAID = "columns says so"
ENOUGH = 20  # values below which a categorical column is one whatever they are
LEARN: dict[str, Callable] = {  # how the values of a kind are written, in the order in which they are tried
    "date": learn_dates, "time": learn_times, "number": learn_numbers,
}  # fmt: skip
HOW: dict[str, tuple[str, dict]] = {  # what else may be said: a kind, and what is then known of the values
    "decimal comma": ("number", {"decimal": ","}), "decimal point": ("number", {"decimal": "."}),
    "day first": ("date", {"said": "day first"}), "month first": ("date", {"said": "month first"}),
}  # fmt: skip
DTYPES = {"b": "true or false", "i": "whole numbers", "u": "whole numbers", "f": "numbers", "M": "dates",
          "m": "lengths of time"}  # fmt: skip
LEAST_COUNTED = 50  # rows from which whole numbers that count them look like an id
UNNAMED = re.compile(r"Unnamed: 0$|$")  # of a first column without a name, as pandas writes its index
MOSTLY = 0.9  # share of strings from which the numbers among them are strings, too


def kinds() -> tuple[str, ...]:
    """Return what a column may be said to be."""
    media = [name for name, modality in MODALITIES.items() if modality.takes != "table" and name not in STRINGS]
    return (*(kind for kind in IN_TABLE if kind != "constant"), *STRINGS, *media, *HOW, "drop")


def check_kind(name, kind) -> None:
    """Raise a ValueError unless a column may be said to be of a kind."""
    known = kinds()
    if kind not in known and not (isinstance(kind, str) and "%" in kind):
        listed = ", ".join(map(repr, known))
        raise ValueError(
            f"columns={{{name!r}: {kind!r}}} is not known: use one of {listed}, or the format of a date such as "
            f"'%d.%m.%Y'.{did_you_mean(kind, known)}"
        )


def infer_column(values: pd.Series, name, *, within=None, taken_as=None, in_table=False) -> Column:
    """Return the record of a column.

    Parameters
    ----------
    values : Series
    name : hashable
    within : str or None, default=None
        The view of a dict whose table holds it.
    taken_as : str or None, default=None
        What the user says that it is.
    in_table : bool, default=False
        Whether it is read as part of a table, whatever it looks like.
    """
    values, told = _finite(values, name)
    known = None
    if taken_as is not None or not _is_typed(values):
        known = [item for item in values.to_numpy(object) if not is_missing(item)]
    counts = None if known is None else _counted(known)
    there: Any = values.dropna() if known is None else known
    different: Any = there.unique() if known is None else None  # which takes most of the time of a column of numbers
    if taken_as is not None:
        column = _said(known, counts, name, taken_as)
    elif known is None:
        column = _typed(values, there, different, name)
    else:
        column = _found(values, known, counts, name, in_table)
    shown = _shown_file if column.taken_as not in (*IN_TABLE, *STRINGS) else _shown
    example = ", ".join(map(_shown, different[:2])) if known is None else examples(known, shown)
    column = replace(column, within=within, example=example, notes=column.notes + told)
    if counts is None:
        distinct = None if different is None else len(different)
        return replace(column, missing=share_of(len(values) - len(there), len(values)), distinct=distinct)
    return _measured(column, counts, len(values))


def _finite(values, name) -> tuple[pd.Series, tuple[str, ...]]:
    """Return the values of a column with NaN in the place of infinite numbers, and what to tell of these."""
    finite = without_infinite(values)
    if finite is values:
        return values, ()
    n = int(values.notna().sum() - finite.notna().sum())
    words = f"{n} of {len(values)} values are infinite, and count as missing; to leave it out"
    return finite, (_note(words, name, "drop"),)


def _found(values, known, counts, name, in_table) -> Column:
    """Return the record of a column whose items say what it is."""
    if not known:
        return Column(name=name, taken_as="constant", because="every value is missing", reading=CategoryRule())
    if not in_table and (column := of_modality(known, name)) is not None:
        return column
    if counts is not None and len(counts) == 1 and len(known) == len(values) > 1:
        return Column(name=name, taken_as="constant", because="every value is the same", reading=CategoryRule())
    strings = not in_table and _are_strings(known)
    notes: tuple[str, ...] = ()
    if counts is not None and may_be_read(sampled(known)):
        if (column := _of_values(known, counts, name, strings)) is not None:
            return column
        notes = _mixture_notes(name, counts)
    if not strings:
        kind, because = "category", "its values are neither numbers nor dates"
        reading = learn_categories(_of_texts(known, counts))
        return Column(name=name, taken_as=kind, because=because, reading=reading, notes=notes)
    return _of_strings(known, counts, name, notes)


def of_modality(known, name) -> Column | None:
    """Return the record of a column whose items are known as those of a modality."""
    items = [item for item in known[:LOOKED_AT] if not (isinstance(item, str) and is_blank(item))]
    modality = MODALITIES.recognise(items) if items else None
    if modality is None:
        return None
    doubt = MODALITIES.doubt(modality, items)
    notes = () if doubt is None else (_note(doubt.words, name, doubt.instead),)
    return Column(name=name, taken_as=modality, because=f"its items are {modality} files or data", notes=notes)


def _of_values(known, counts, name, strings) -> Column | None:
    """Return the record of a column of which enough values read as dates, times or numbers."""
    for kind, learn in LEARN.items():
        rule = learn(counts)
        codes = kind == "number" and _are_codes(name, counts)
        if rule is not None and not (codes and strings):
            because = f"its values read as {rule.noun}"
            if rule.noun == "numbers" and UNNAMED.match(str(name)) and _are_names_of_rows(counts, len(known)):
                return _row_names(name)
            notes = _code_notes(name) if codes else _version_notes(name) if kind == "number" else ()
            return Column(name=name, taken_as=kind, because=because, reading=rule, notes=notes)
    return None


def _of_strings(known, counts, name, notes) -> Column:
    """Return the record of a column of strings."""
    texts = [text for text in map(str, known) if not is_no_text(text)] or [""]
    kind, because = kind_of_strings(texts)
    in_table = kind in IN_TABLE or (kind == "short text" and are_digits(texts)) or _repeat(texts, kind)
    reading = learn_categories(_of_texts(known, counts)) if in_table else None
    if all(text.startswith("[") and "..." in text for text in texts):
        notes = (_note("arrays that were printed, without most of their numbers (...); to leave it out", name, "drop"),)
    elif kind == "identifier":
        notes = (_note(f"left out as an identifier ({because}); to read it", name, "short text"),)
    return Column(name=name, taken_as=kind, because=because, reading=reading, notes=notes)


def _repeat(texts, kind) -> bool:
    """Tell whether strings are also values that come again, such as names: what labels each has had tells of the next.

    What comes again stands for what it is called, however it is spelled; runs of characters do not show that.
    """
    return kind in STRINGS and 2 * len(set(texts)) <= len(texts)


def _are_strings(known) -> bool:
    """Tell whether items are strings, or nearly all of them: some cells of a column of texts are numbers to a file."""
    n = sum(isinstance(item, str) or hasattr(item, "__fspath__") for item in known)
    if n < len(known):
        others = (item for item in known if not (isinstance(item, str) or hasattr(item, "__fspath__")))
        return n >= MOSTLY * len(known) and all(map(pd.api.types.is_number, others))
    return True


def _row_names(name) -> Column:
    """Return the record of the numbers of rows, which files have as a column without a name."""
    because = "it has no name, and numbers the rows"
    note = _note(f"left out as an identifier ({because}); to read it", name, "number")
    return Column(name=name, taken_as="identifier", because=because, reading=CategoryRule(), notes=(note,))


def _are_names_of_rows(counts, n) -> bool:
    return len(counts) == n > 1 and all(isinstance(item, str) or item % 1 == 0 for item in counts)


def _typed(values, there, different, name) -> Column:
    """Return the record of a column whose dtype says what it is; of its values some are there, and differ."""
    because = f"its values are {DTYPES.get(values.dtype.kind, f'of type {values.dtype}')}"
    constant = len(values) == len(there) > len(different) == 1
    if values.dtype.kind in "iu" and UNNAMED.match(str(name)) and len(values) > 1 and values.is_unique:
        return _row_names(name)
    kind, rule = _of_dtype(values, different)
    if constant:
        kind, because = "constant", "every value is the same"
    elif not len(there):
        because = "every value is missing"
    elif kind == "date" and rule.format == "%Y%m%d":
        because = "its numbers are days, such as 20240205"
    notes = _notes_of_numbers(values, name) if kind == "number" else ()
    return Column(name=name, taken_as=kind, because=because, reading=rule, notes=notes)


def _notes_of_numbers(values, name) -> tuple[str, ...]:
    """Return what to tell of a column whose dtype is one of numbers."""
    if _count_rows(values):
        words = "whole numbers that differ in every row, as those of an id do; to leave it out"
        return (_note(words, name, "identifier"),)
    if values.dtype.kind in "iuf" and _are_codes(name, values):
        return _code_notes(name)
    return _version_notes(name) + tuple(doubts_of(values, name))


def _count_rows(values) -> bool:
    """Tell whether whole numbers are all different and close together, as running numbers are."""
    if values.dtype.kind not in "iu" or len(values) < LEAST_COUNTED or values.isna().any():
        return False
    return int(values.max()) - int(values.min()) < 2 * len(values) and values.is_unique


def _of_dtype(values, different) -> tuple[str, Any]:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        counts = Counter(values.value_counts().to_dict())
        return "category", learn_categories(+counts)
    if dtype.kind == "M" or isinstance(dtype, pd.PeriodDtype):
        return "date", DateRule(partial=isinstance(dtype, pd.PeriodDtype))
    if dtype.kind == "m":
        return "time", TimeRule()
    if dtype.kind in "iuf" and _all_between(different, 19000101, 20991231):
        rule = learn_dates(Counter(different.tolist()))
        if rule is not None:
            return "date", rule
    return "number", NumberRule(boolean=dtype.kind == "b")


def _all_between(different, low, high) -> bool:
    numbers = np.asarray(different, dtype=np.float64)  # in which those of all dtypes compare
    return len(numbers) > 0 and low <= numbers.min() and numbers.max() <= high


def sampled(known):
    """Return the items that are looked at first, of some in their order."""
    return known[:: len(known) // SAMPLE + 1]


def may_be_read(sample) -> bool:
    """Tell whether some of the items are as short as numbers, dates and times are, and have digits as these."""
    sample = [item for item in sample if not is_blank(item)]
    return sum(_has_digits(item) for item in sample) >= 0.5 * len(sample)


def _has_digits(item) -> bool:
    return not isinstance(item, str) or (len(item) <= LONGEST and any(map(str.isdigit, item)))


def _are_codes(name, values) -> bool:
    """Tell whether numbers are called what codes are called, and are whole."""
    if not is_called(name, CODES):
        return False
    if isinstance(values, Counter):
        texts = [str(item).strip() for item in values if not is_blank(item)]
        return len(texts) > 2 and sum(map(str.isdecimal, texts)) >= 0.9 * len(texts)
    known = pd.unique(values.dropna().to_numpy())
    return bool(len(known) > 2 and (known % 1 == 0).all() and (known >= 0).all())


def _code_notes(name) -> tuple[str, ...]:
    return (_note("whole numbers under a name of codes, read as sizes; if they are codes", name, "category"),)


def _version_notes(name) -> tuple[str, ...]:
    """Return what to tell of numbers under a name of versions."""
    if not is_called(name, VERSIONS):
        return ()
    return (_note("numbers under a name of versions, of which 1.10 is 1.1; if they are versions", name, "category"),)


def _said(known, counts, name, said) -> Column:
    """Return the record of a column of which the user says what it is."""
    kind, how = HOW.get(said, (said, {}))
    if "%" in said:
        kind, how = "date", {"said": said}
    rule = None
    if kind in LEARN:
        rule = LEARN[kind](counts or Counter(), sure=True, **how)
        if rule is None:
            such = f", such as {known[0]!r}" if known else ""
            raise ValueError(
                f"columns={{{name!r}: {said!r}}}: its values cannot be read as {kind}s{such}. Correct them, or say "
                "what else it is."
            )
        rule = replace(rule, doubt="", remedy="") if getattr(rule, "doubt", "") and how else rule
    elif kind in IN_TABLE:
        rule = learn_categories(_of_texts(known, counts))
    return Column(name=name, taken_as=kind, because=SAID, reading=rule)


def _measured(column, counts, n_rows) -> Column:
    """Return a record with what is missing, how much there is, and what to tell of it."""
    rule, total = column.reading, sum(counts.values())
    if rule is None or column.is_string:
        blank = [item for item in counts if is_no_text(item)] if column.is_string else []
        missing = share_of(n_rows - total + sum(map(counts.__getitem__, blank)), n_rows)
        return replace(column, missing=missing, distinct=len(counts) - len(blank))
    if column.taken_as not in LEARN:
        word_of = {item: rule.word(item) for item in counts}
        blank = sum(counts[item] for item, word in word_of.items() if word is None)
        distinct = len({*word_of.values()} - {None})
        return replace(column, missing=share_of(n_rows - total + blank, n_rows), distinct=distinct)
    return _measured_values(column, counts, n_rows)


def _measured_values(column, counts, n_rows) -> Column:
    """Return the record of a column of numbers, dates or times with what is missing or lost, and what to tell of it."""
    rule, notes = column.reading, column.notes
    there = {item: n for item, n in counts.items() if not is_blank(item)}
    unread: dict = {}  # form -> whether it cannot be read
    lost = {item: n for item, n in there.items() if _is_lost(rule, item, unread)}
    if lost:
        item = next(iter(lost))
        words = f"{sum(lost.values())} of {sum(there.values())} values are not {rule.noun}, such as {item!r}, and count"
        notes += (_note(f"{words} as missing; to keep them", column.name, "category"),)
    if rule.doubt:
        notes += (_note(rule.doubt, column.name, rule.remedy),)
    if column.taken_as == "number" and column.because != SAID:
        notes += _doubts_of_texts(column.name, rule, there)
    n = sum(there.values()) - sum(lost.values())
    return replace(column, missing=share_of(n_rows - n, n_rows), distinct=len(there) - len(lost), notes=notes)


def _doubts_of_texts(name, rule, counts) -> tuple[str, ...]:
    """Return what to tell of the numbers that a rule reads: of all, where some of them give reason to look at them."""
    some = pd.Series([rule.value(item) for item in islice(counts, SAMPLE)], dtype=float)
    if not any(doubts_of(some, name)) and not any(map(is_mark_text, counts)):
        return ()
    numbers = pd.Series([rule.value(item) for item in counts], dtype=float)
    return tuple(doubts_of(numbers.repeat([*counts.values()]), name))


def _mixture_notes(name, counts) -> tuple[str, ...]:
    """Return what to tell of strings that would be dates or numbers, were they written in one way."""
    formats = formats_of(counts)
    if formats:
        kind = {"%d": "day first", "%m": "month first"}.get(formats[0][:2], formats[0])
        ways = " and ".join(formats[:3])
        return (
            _note(f"dates that are written in several ways ({ways}), read as strings; to read the first", name, kind),
        )
    units = units_of(counts)
    if units:
        ways = " and ".join(units[:3])
        return (_note(f"numbers in several units ({ways}), read as strings; to read the first", name, "number"),)
    return ()


def _note(words, name, kind) -> str:
    return f"{words}, write columns={{{name!r}: {kind!r}}}"


def _is_lost(rule, item, unread) -> bool:
    form = rule.form(item)
    if form not in unread:
        value = rule.value(item)
        unread[form] = value is None or value != value
    return unread[form]


def share_of(n, n_rows) -> float:
    return n / n_rows if n_rows else 0.0


def _is_typed(values) -> bool:
    """Tell whether the dtype of a column says what it holds.

    Texts of which few come twice are no categories: files keep any texts as a dictionary of them.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        n = int(values.notna().sum())
        return n < ENOUGH or 2 * values.nunique() <= n or not all(isinstance(c, str) for c in dtype.categories)
    if isinstance(dtype, pd.PeriodDtype | pd.DatetimeTZDtype):
        return True
    if isinstance(dtype, pd.ArrowDtype):
        return dtype.kind in "biuf" and pd.api.types.is_numeric_dtype(dtype)
    return dtype.kind in "biufmM" and not pd.api.types.is_object_dtype(dtype)


def _counted(known) -> Counter | None:
    """Return the different values and how often they are there; None where they do not compare, as arrays."""
    try:
        return Counter(known)
    except TypeError:
        return None


def _of_texts(known, counts) -> Counter:
    return Counter(map(str, known)) if counts is None else counts


def examples(known, shown=None) -> str:
    """Return one or two of the first known items, as they are written."""
    items = dict.fromkeys(map(shown or _shown, (v for v in known[:50] if not isinstance(v, str) or v.strip())))
    return ", ".join(map(_shown, [*items][:2]))


def _shown_file(item) -> str:
    """Return a file by its folder and name: where these lie on this machine says nothing."""
    return _shown("/".join(Path(item).parts[-2:]) if isinstance(item, str) and os.path.isabs(item) else item)


def _shown(item) -> str:
    text = f"array of shape {item.shape}" if isinstance(item, np.ndarray) else str(item)
    text = written(item) if isinstance(item, float) else text.removesuffix(" 00:00:00")  # of days
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
