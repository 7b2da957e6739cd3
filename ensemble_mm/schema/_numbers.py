"""Numbers: how those of one column are written, learnt once and held to.

A text is split into sign, unit and body; all bodies of a column have one decimal sign and one sign between thousands,
and all units are one, or of one scale. What is written otherwise is no number.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ._accents import digits_of_any_script
from ._blanks import is_blank, is_too_long
from ._dates import MONTHS
from ._each import each

ENOUGH = 0.9  # share of the values that must read as numbers
MANY = 10  # different numbers, from which one other word among them stands for what was not measured
SIGNS = ((".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
WORDS = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0}
SPLIT = re.compile(
    r"(?P<bound>[<>≤≥]=?)?\s*(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>[^\W\d_]{0,3}[^\w\s.,'()+-]|[^\W\d_]{2,3}\.?)?\s*(?P<minus>-)?\s*"
    r"(?P<body>[.,]?\d(?:[\d.,' ]*\d)?[.,]?(?:[eE][+-]?\d+)?)"
    r"(?P<gap>\s*)(?P<after>(?:/|out of|of|von|sur)\s*(?:5|10|100)(?:\s*stars?)?|[^\W\d_][^\d,()+]{0,19}[23]?|"
    r"[^\w\s.,'()+-]{1,2}[^\W\d_]{0,9}[23]?)?"
    r"\s*(?(open)\))"
)
OWED = re.compile(r"([^\w\s(]|[^\W\d_]{2,3})\s*\((.+)\)")  # $ (12.50), as accounts have it
BEHIND = re.compile(r"(.*\d[.,]\d+|\d{3,})-(?!.*\d)")  # 12.50-, which is no grade, as 2- is
NO_CENTS = re.compile(r"(?<=\d)(?:[.,][-\u2013\u2014]{1,2}|/-)(?=\D*$)")  # 12.-, 12,- €, Rs. 12/-
RATE = re.compile(r"(?:/|per |an? |pro |par )")  # behind a currency
TYPED = {0x2212: "-", 0x2013: "-", 0x2014: "-", 0x2019: "'", 0x66B: ".", 0x66C: ",", 0xB7: "."}
ADDRESS = re.compile(r"(?:(?:1?\d?\d|2[0-4]\d|25[0-5])(?:\.|$)){4}", re.ASCII)  # of a machine: four bytes
PLAIN = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)  # read as it is, whatever else a column holds
NINES = dict.fromkeys(map(ord, "012345678"), "9")
ZERO = re.compile(r"(?<![\d.,])0")  # in front
CURRENCIES = frozenset(
    "usd eur gbp jpy cny rmb chf inr aud cad sek nok dkk pln czk huf rub try brl zar mxn sgd hkd nzd krw ron ils aed"
    " thb idr php vnd kr rs rm fr zł kč ft lei руб 元 人民币 块 円 원 twd sar qar kwd bhd omr jod egp ngn kes ghs tzs"
    " ugx pkr bdt lkr npr mmk khr clp uyu ars uah byn kzt uzs azn bgn rsd mkd isk dzd tnd lbp iqd irr xof xaf".split()
)  # fmt: skip
ORDINALS = frozenset("st nd rd th er re ère e ème eme de o a am pm ad bc".split())
CASED = frozenset(["M", "mW", "MW", "mV", "MV", "mJ", "MJ", "mPa", "MPa"])  # of which capitals make other units
SCALES: tuple[dict[str, float], ...] = (  # units that one column may mix
    {"mg": 1e-6, "g": 1e-3, "kg": 1.0, "t": 1e3},
    {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3},
    {"ml": 1e-3, "cl": 1e-2, "l": 1.0},
    {"ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "mins": 60.0, "h": 3600.0, "hr": 3600.0, "hrs": 3600.0},
    {"day": 1.0, "days": 1.0, "week": 7.0, "weeks": 7.0},
    {"month": 1.0, "months": 1.0, "year": 12.0, "years": 12.0},
    {"byte": 1.0, "bytes": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12},
)
THOUSANDS: dict[str, float] = {
    "": 1.0, "k": 1e3, "thousand": 1e3, "tsd": 1e3, "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "M": 1e6, "m": 1e6,
    "mn": 1e6, "mio": 1e6, "million": 1e6, "cr": 1e7, "crore": 1e7, "crores": 1e7, "b": 1e9, "bn": 1e9, "mrd": 1e9,
    "billion": 1e9, "trillion": 1e12,
}  # fmt: skip
MYRIADS: dict[str, float] = {"": 1.0, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8}
UNITS = frozenset(
    "% ‰ ° °c °f lb lbs oz µm μm um nm mi ft in yd m2 m3 sqm sqft ha dl hl gal yr yrs wk hz khz mhz ghz w kw mw gw wh"
    " kwh mwh v mv kv ma mah ah ohm ω kj mj cal kcal pa hpa kpa bar mbar psi km/h kmh kph mph m/s kn rpm bpm hp ps cc"
    " px pt dpi mp mol mmol mmol/l mg/dl g/l ppm ppb db lm pcs pc kib mib gib kbps mbps gbps \" °k"
    " 万元 平方米 平米 ㎡ m² m³ 米 厘米 毫米 公里 千米 公斤 千克 克 吨 升 毫升 度 天 岁 人 小时 分钟 分 秒 个月"
    " 月 年 次 歳 個 時間 세 명".split()
).union(*SCALES)  # fmt: skip


@dataclass(frozen=True)
class NumberRule:
    """How the numbers of a column are written.

    Parameters
    ----------
    decimal : {".", ","}, default="."
    thousands : str, default=""
        The sign that may stand between groups of three digits.
    units : tuple of (str, float), default=()
        The units that may stand before or behind a number, and what each is worth.
    boolean : bool, default=False
        Whether the values are True and False, which may also be written as words.
    bounds : bool, default=False
        Whether some values are bounds, such as <0.1, which stand for themselves.
    doubt, remedy : str, default=""
        What else the values may mean, and what then to say of the column.
    """

    noun: ClassVar[str] = "numbers"
    strict: ClassVar[bool] = True
    decimal: str = "."
    thousands: str = ""
    units: tuple[tuple[str, float], ...] = ()
    boolean: bool = False
    bounds: bool = False
    doubt: str = ""
    remedy: str = ""

    @property
    def unit(self) -> str:
        """The unit of what is read, as people write it; "" where there is none."""
        unit = next((unit for unit, worth in self.units if worth == 1), "")
        codes = len(unit) == 3 and unit.isascii() and unit in CURRENCIES
        return unit.upper() if codes or unit in ("°c", "°f") else unit

    def read(self, values: pd.Series) -> pd.Series:
        """Return the numbers, NaN where they are infinite; those of a plain dtype as they are."""
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf":
            return without_infinite(values)
        if pd.api.types.is_numeric_dtype(values.dtype):  # nullable, of Arrow
            numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            numbers = np.asarray(each(values.to_numpy(object), self.value, np.nan), dtype=np.float64)
        return without_infinite(pd.Series(numbers, index=values.index, name=values.name))

    def form(self, item):
        """Return what decides whether a value can be read."""
        return form_of(item) if isinstance(item, str) else item

    def value(self, item) -> float:
        """Return the number that a value stands for; NaN where it stands for none."""
        if isinstance(item, str) and self.decimal == "." and PLAIN.fullmatch(item):
            return float(item)
        if _is_number(item):
            try:
                number = float(item)
            except (OverflowError, ValueError):  # what no float holds is told of all values at once
                return np.nan
            return number if isfinite(number) else np.nan
        if not isinstance(item, str) or is_blank(item):
            return np.nan
        if self.boolean and item.strip().casefold() in WORDS:
            return WORDS[item.strip().casefold()]
        parts = split_number(item)
        return np.nan if parts is None else self.of_parts(parts)

    def of_parts(self, parts: "Parts") -> float:
        """Return the number of a text that is split; NaN where the column writes its numbers in another way."""
        if parts.bound and not self.bounds:
            return np.nan
        factor = 1.0 if not self.units else dict(self.units).get(parts.unit)
        if not self.units and parts.unit:
            return np.nan
        if factor is None:
            if parts.unit or len(self.units) > 1:
                return np.nan
            factor = 1.0
        if not _body(self.decimal, self.thousands).fullmatch(parts.body):
            return np.nan
        body = parts.body.replace(self.thousands, "") if self.thousands else parts.body
        return parts.factor * float(body.replace(self.decimal, ".")) * factor

    def __str__(self) -> str:
        if self.boolean:
            return "True is 1, False is 0"
        words = "decimal comma" if self.decimal == "," else "decimal point"
        thousands = {"": "", " ": ", thousands by spaces"}.get(self.thousands, f", thousands by {self.thousands!r}")
        units = ", ".join(unit for unit, _ in self.units if unit)
        return words + thousands + (f", unit {units}" if units else "")


@dataclass(frozen=True)
class Parts:
    """A text that may be a number, in parts."""

    body: str
    factor: float = 1.0  # its sign, and what a letter behind it makes of it
    unit: str = ""
    spaced: bool = False  # whether a space stands between number and unit
    leads: bool = False  # whether the unit stands before the number
    bound: bool = False  # whether it is at most, or at least, so much


def split_number(text: str) -> Parts | None:
    """Return the parts of a text, or None where it is no number however it is written."""
    if is_too_long(text):
        return None
    text = text.strip()
    if not text.isascii():
        text = digits_of_any_script(text).translate(TYPED)
    text = BEHIND.sub(r"-\1", OWED.sub(r"(\1\2)", NO_CENTS.sub("", text)))
    found = SPLIT.fullmatch(text)
    if found is None:
        return None
    before, after = (_unit(found["before"]), _unit(found["after"]))
    factor = 1.0
    if before and after:  # $1.2M, $12/hr
        if not _is_currency(before) or not (after in THOUSANDS or RATE.match(after)):
            return None
        factor = THOUSANDS.get(after, 1.0)
        before, after = before if after in THOUSANDS else f"{before} {after}", ""
    negative = bool(found["open"]) + (found["sign"] == "-") + bool(found["minus"])
    if negative > 1:
        return None
    sign = -factor if negative else factor
    return Parts(found["body"], sign, before or after, bool(found["gap"]), bool(before), bool(found["bound"]))


def _unit(text: str | None) -> str:
    text = (text or "").strip().rstrip(".").replace("/ ", "/")
    return text if text in CASED else text.casefold()


def _is_currency(unit: str) -> bool:
    return unit.partition(" ")[0] in CURRENCIES or any(unicodedata.category(c) == "Sc" for c in unit)


def learn_numbers(counts: Counter, *, sure: bool = False, decimal: str | None = None) -> NumberRule | None:
    """Return how the values of a column are written as numbers; None where they are none.

    Parameters
    ----------
    counts : Counter
        The different values, and how often they are there.
    sure : bool, default=False
        Whether the user says that they are numbers.
    decimal : {".", ","} or None, default=None
        The decimal sign, where the user says it.
    """
    texts, others = _one_per_form(counts), [item for item in counts if not isinstance(item, str)]
    if not (texts or others) or not all(map(_is_number, others)):
        return None
    types = set(map(type, others))
    if not texts:
        return NumberRule(boolean=types <= {bool, np.bool_})
    parts = _parts_of(texts)
    n_others = _total(counts, others)
    least = 0 if sure else _enough(texts, parts, n_others, len(counts)) - n_others
    if _total(texts, parts) < least:
        return None
    if not parts:  # words beside numbers of a type
        return NumberRule() if others and not {bool, np.bool_} & types else None
    if not sure and _are_names(parts, texts, n_others):
        return None
    units = _learn_units(parts, texts, least, len(counts))
    return None if units is None else _learn_written(parts, texts, least, units, decimal)


def _parts_of(texts) -> dict:
    """Return the parts of those texts that are numbers."""
    split = {text: split_number(text) for text in texts}
    return {text: part for text, part in split.items() if part is not None}


def _learn_written(parts, texts, least, units, decimal) -> NumberRule | None:
    """Return how texts with these units are written as numbers; None where their signs do not agree."""
    bounds = _bounds(parts)
    known = NumberRule(units=units, bounds=bool(bounds))
    rule = _learn_signs(list(parts.items()), texts, least, known, decimal)
    return rule and _with_shares(_with_bounds(rule, bounds), parts)


def _total(counts: Mapping[Any, int], items: Iterable) -> int:
    return sum(map(counts.__getitem__, items))


def _bounds(parts: Mapping[str, Parts]) -> list[str]:
    return [text for text, part in parts.items() if part.bound]


def _are_names(parts: Mapping[str, Parts], texts: Mapping[str, int], n_others: int) -> bool:
    """Tell whether digits name what they stand for: codes, addresses, and classes such as <5 and <10."""
    if any(map(_is_code, parts.values())) or all(ADDRESS.fullmatch(part.body) for part in parts.values()):
        return True
    return 2 * _total(texts, _bounds(parts)) > sum(texts.values()) + n_others


def _with_shares(rule: NumberRule, parts: Mapping[str, Parts]) -> NumberRule:
    """Return a rule that tells where some values have a percent sign, and others look like shares of one."""
    percents = [rule.of_parts(part) for part in parts.values() if part.unit == "%"]
    shares = {text: rule.of_parts(part) for text, part in parts.items() if not part.unit}
    if rule.doubt or max(percents, default=0) <= 1 or not any(0 < share < 1 for share in shares.values()):
        return rule
    if not all(abs(share) <= 1 for share in shares.values()):
        return rule
    text, share = next((text, share) for text, share in shares.items() if 0 < share < 1)
    doubt = (
        f"{text!r}, which has no %, is read as {share:.12g} %; if it means {100 * share:.12g} %, write all alike, or"
    )
    return replace(rule, doubt=f"{doubt} to keep all as words", remedy="category")


def _with_bounds(rule: NumberRule, bounds: list[str]) -> NumberRule:
    """Return a rule that tells, besides its own doubts, how bounds are read."""
    if not bounds:
        return rule
    words = f"{bounds[0]!r} and other bounds are read as the numbers in them"
    if rule.doubt:
        return replace(rule, doubt=f"{words}, and {rule.doubt}")
    return replace(rule, doubt=f"{words}; to keep all as words", remedy="category")


def _enough(texts: dict[str, int], parts, n_others: int, distinct: int) -> float:
    """Return how many values must be numbers: nearly all, but for one word beside many numbers, such as "trace"."""
    total, read = sum(texts.values()) + n_others, _total(texts, parts) + n_others
    words = [text for text in texts if text not in parts]
    alone = len(words) == 1 and not any(map(str.isdigit, words[0])) and distinct > MANY and read >= total / 2
    return min(ENOUGH * total, read) if alone else ENOUGH * total


def without_infinite(values: pd.Series) -> pd.Series:
    """Return a column with missing values in the place of infinite numbers."""
    if not pd.api.types.is_float_dtype(values.dtype):
        return values
    infinite = np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return values.mask(infinite) if infinite.any() else values


def form_of(text: str) -> str:
    """Return what decides whether a text is a number, however its digits change."""
    return text.translate(NINES) + ("0" if ZERO.search(text) else "")


def _one_per_form(counts: Counter) -> dict[str, int]:
    """Return one text of each form that is not blank, and how often that form is there: the others are read alike."""
    first: dict[str, str] = {}
    found: Counter = Counter()
    for text, n in counts.items():
        if isinstance(text, str):
            found[first.setdefault(form_of(text), text)] += n
    return {text: n for text, n in found.items() if not is_blank(text)}


def _is_number(item) -> bool:
    return isinstance(item, (Real, Decimal, np.bool_))


def _is_code(part: Parts) -> bool:
    """Tell whether digits are a code: numbers are not written with leading zeros."""
    return len(part.body) > 1 and part.body[0] == "0" and part.body.isdecimal()


def units_of(counts: Counter) -> list[str]:
    """Return the units of numbers that have several, the most frequent first; else nothing."""
    n_of: Counter = Counter()
    for text, n in _one_per_form(counts).items():
        part = split_number(text)
        if part is None or not part.unit:
            return []
        n_of[part.unit] += n
    every = all(_is_currency(unit) or (unit in UNITS and len(unit) > 1) for unit in n_of)
    return [unit for unit, _ in n_of.most_common()] if len(n_of) > 1 and every else []


def _learn_signs(parts, texts, least, known, decimal) -> NumberRule | None:
    """Return the rule whose decimal sign and thousands read most, of what is known of it; of equals, the first."""
    ways = (replace(known, decimal=sign, thousands=between) for sign, between in SIGNS if decimal in (None, sign))
    n_read = dict.fromkeys(ways, 0)
    for rule in n_read:
        n_read[rule] = sum(texts[text] for text, part in parts if not np.isnan(rule.of_parts(part)))
    best = max(n_read, key=n_read.__getitem__)
    if not n_read[best] or n_read[best] < least:
        return None
    rival = next((rule for rule, n in n_read.items() if n == n_read[best] and rule.decimal != best.decimal), None)
    return best if decimal is not None or rival is None else _of_rivals(best, rival, parts)


def _of_rivals(best, rival, parts) -> NumberRule:
    """Return which of two rules that read as many values is right, with what is in doubt."""
    told = _doubtful(best, rival, parts)
    longest = max((len(part.body) for _, part in parts if part.body.isdecimal()), default=4)
    if told.doubt and longest <= 3:
        # Of 1.234 and 567 the first is above a thousand: as a decimal it would seldom have three digits each time.
        return best if best.thousands else _doubtful(rival, best, parts)
    return told


def _doubtful(best, rival, parts) -> NumberRule:
    """Return a rule that tells which value may mean another number."""
    for text, part in parts:
        here, there = best.of_parts(part), rival.of_parts(part)
        if here != there and not np.isnan(here) and not np.isnan(there):
            remedy = "decimal comma" if rival.decimal == "," else "decimal point"
            return replace(best, doubt=f"{text!r} is read as {here:.12g}; if it means {there:.12g}", remedy=remedy)
    return best


def _learn_units(parts, texts, least, distinct) -> tuple[tuple[str, float], ...] | None:
    """Return the units of a column; None where they make codes of it, or are of different scales."""
    n_of: Counter = Counter()
    for text, part in parts.items():
        n_of[part.unit] += texts[text]
    named = [unit for unit in n_of if unit]
    if not named:
        return ()
    if scale := _scale_of(n_of, named):
        return tuple(sorted((unit, scale[unit]) for unit in n_of))
    unit = max(named, key=lambda unit: n_of[unit])
    beside = [part for part in parts.values() if part.unit == unit]
    if n_of[unit] + n_of[""] >= least and (_is_unit(unit, beside) or (distinct > MANY and _stays(unit, parts))):
        return ((unit, 1.0),)
    return () if n_of[""] >= max(least, 1) else None


def _scale_of(n_of: Mapping[str, int], named: list[str]) -> Mapping[str, float] | None:
    """Return the scale whose steps the units of a column are; None where they are none, or it is one unit alone."""
    scale = next((scale for scale in (*SCALES, THOUSANDS, MYRIADS) if set(n_of) <= set(scale)), None)
    # 5 and 5 million are far apart; "m" and "b" may be metres and bytes.
    beside_plain = scale in (THOUSANDS, MYRIADS) and named[0] not in ("m", "b") and n_of.get("")
    return scale if len(named) > 1 or beside_plain else None


def _stays(unit: str, parts) -> bool:
    """Tell whether letters behind all of many numbers, the same, are no more than a unit that is not known."""
    ends = all(part.unit == unit and not part.leads for part in parts.values())
    return ends and unit.isalpha() and unit not in ORDINALS and unit not in MONTHS


def _is_unit(unit: str, parts: list[Parts]) -> bool:
    """Tell whether what stands beside numbers is a unit, and not part of a code, an ordinal or a name."""
    if _is_currency(unit):
        return True
    if parts[0].leads:
        return unit in ("~", "≈", "ca", "±", "%", "‰")
    if unit in ORDINALS or unit in MONTHS:
        return False
    if unit[0] == "/":  # 8/10 may be a day or a part
        return any(not part.body.isdecimal() for part in parts)
    if all(part.spaced for part in parts) or any(not part.body.isdecimal() for part in parts):
        return True
    return unit in UNITS and (len(unit) > 1 or not (unit.isascii() and unit.isalpha()))


@lru_cache(maxsize=64)
def _body(decimal: str, thousands: str) -> re.Pattern:
    """Return the pattern of a number with these signs; groups have three digits, or two as in India."""
    d, t = re.escape(decimal), re.escape(thousands)
    plain = rf"(?:\d+(?:{d}\d*)?|{d}\d+)(?:[eE][+-]?\d+)?"
    grouped = rf"(?:[1-9]\d{{0,2}}(?:{t}\d{{3}})+|[1-9]\d?(?:{t}\d{{2}})+{t}\d{{3}})(?:{d}\d*)?"
    return re.compile(f"{grouped}|{plain}" if thousands else plain)
