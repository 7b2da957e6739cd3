"""Dates: how those of one column are written, learnt once and held to.

Nothing here looks at the clock, the locale or other values of a batch, as `pandas.to_datetime(format="mixed")`,
`dateutil` and skrub's `ToDatetime` do: these take "12:30" for a time of today and "10/12" for a day of this year, or
guess anew whether the day or the month comes first.
"""

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ._accents import digits_of_any_script
from ._blanks import is_blank, is_too_long
from ._each import each

ENOUGH = 0.9  # share of the values that must read as dates
ISO = "%Y-%m-%d"
FIRST = {"day first": "%d", "month first": "%m"}  # what may be said of dates
ONES = dict.fromkeys(map(ord, "023456789"), "1")
_NAMES = (  # of months, by language: of Western Europe, the North, the East, and Indonesia; as they stand in dates
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "januar februar marts april maj juni juli august september oktober november december",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta"
    " marraskuuta joulukuuta",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "január február március április május június július augusztus szeptember október november december",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου"
    " δεκεμβρίου",
    "januari februari maret april mei juni juli agustus september oktober november desember",
)
MONTHS: dict[str, int] = {}
for _line in _NAMES:
    _begins = Counter(_name[:n] for _name in map(str.casefold, _line.split()) for n in (3, 4) if len(_name) > n)
    for _place, _name in enumerate(map(str.casefold, _line.split()), 1):
        for _short in (_name, _name[:4], _name[:3]):
            if _short == _name or _begins[_short] < 2:  # jui is juin or juillet
                MONTHS.setdefault(_short, _place)
MONTHS |= {"mrz": 3, "mrt": 3}

ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "bst": 1, "wet": 0,
         "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "jst": 9}  # fmt: skip
_DAYS = "mon tue wed thu fri sat sun mo di mi do fr sa so lun mar mer jeu ven sam dim".split()
_WEEKDAY = rf"(?:(?:{'|'.join(_DAYS)})[^\W\d_]*\.?,?\s+)?"
_TIME = (
    r"(?:(?:[T :]|,\s*|\s+at\s+)(?P<H>\d{1,2}):(?P<M>[0-5]\d)(?::(?P<S>[0-5]\d)(?:[.,](?P<f>\d{1,9}))?)?"
    rf"(?:\s*(?P<half>[ap])\.?m\.?)?\s*(?P<zone>z|utc|gmt|{'|'.join(ZONES)}|[+-]\d{{2}}(?::?\d{{2}})?)?)?"
)
_ASCTIME = re.compile(
    r"(\w{3} \w{3} +\d{1,2}) (\d\d:\d\d:\d\d)( [+-]\d{4}| [A-Z]{3,4})? (\d{4})"
)  # the year stands last
_COMPACT = re.compile(r"(\d{8})[T_ ]?(\d\d)(\d\d)(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$")  # 20240205T143000Z
_POINTED = re.compile(r"^(\d{1,4})\. ?(\d{1,2})\. ?(\d{1,4})\.?(?!\d)")  # 5. 2. 2024, 2024. 2. 5.
_NO_DAY = re.compile(  # as databases write none
    r"(?=(?:[/.-]?0){4})[0/.-]+[T ]?[0:.]*Z?$|9999-12-31(?!\d)|31[./]12[./]9999|12/31/9999"
)
_KOREAN = re.compile(r"\s?([년월일])(?:(?<=[년월])\s)?")
_FIELDS = {
    "%Y": r"(?P<Y>\d{4})", "%y": r"(?P<y>\d{2})", "%m": r"(?P<m>\d{1,2})", "%d": r"(?P<d>\d{1,2})",
    "%b": r"(?P<b>[^\W\d_]{3,})\.?", "%q": r"(?P<q>[1-4])", "%V": r"(?P<w>[0-5]\d)", "%u": r"(?P<u>[1-7])",
}  # fmt: skip
_SHAPES = tuple(  # of a text, and how it may be written; {0} is what stands between
    (re.compile(pattern + _TIME, re.IGNORECASE), formats)
    for pattern, formats in (
        (r"\d{4}([-/.])\d{1,2}\1\d{1,2}", ("%Y{0}%m{0}%d",)),
        (r"\d{1,2}([-/.])\d{1,2}\1\d{4}", ("%m{0}%d{0}%Y", "%d{0}%m{0}%Y")),
        (r"\d{1,2}([-/.])\d{1,2}\1\d{2}", ("%m{0}%d{0}%y", "%d{0}%m{0}%y", "%y{0}%m{0}%d")),
        (r"\d{8}()", ("%Y%m%d",)),
        (_WEEKDAY + r"\d{1,2}(?:st|nd|rd|th|er|o|\.)?[ ./-]*(?:of |de )?[^\W\d_]{3,}\.?[ ,./-]*(?:of |de )?\d{4}()",
         ("%d %b %Y",)),
        (r"\d{1,2}[ ./-]{1,2}[^\W\d_]{3,}\.?[ ./-]{1,2}'?\d{2}()", ("%d-%b-%y",)),
        (_WEEKDAY + r"[^\W\d_]{3,}\.? ?\d{1,2}(?:st|nd|rd|th)?[ ,]+\d{4}()", ("%b %d %Y",)),
        (r"\d{4}[ ./-][^\W\d_]{3,}[ ./-]\d{1,2}()", ("%Y %b %d",)),
        (r"\d{4}-\d{2}()", ("%Y-%m",)),
        (r"\d{4}()", ("%Y",)),
        (r"\d{2}([/.])\d{4}", ("%m{0}%Y",)),
        (r"[^\W\d_]{3,}\.?[ .,/-]*\d{4}()", ("%b %Y",)),
        (r"[^\W\d_]{3}(?:-|\.? ?')\d{2}()", ("%b-%y",)),
        (r"\d{4}-?W\d{2}()", ("%Y-W%V",)),
        (r"\d{4}-?W\d{2}-?\d()", ("%Y-W%V-%u",)),
        (r"\d{4}[ -]?Q\d()", ("%Y Q%q",)),
        (r"Q\d[ /-]?\d{4}()", ("Q%q %Y",)),
        (r"\d{4}年\d{1,2}月\d{1,2}日()", ("%Y年%m月%d日",)),
        (r"\d{4}年\d{1,2}月()", ("%Y年%m月",)),
    )
)  # fmt: skip


@dataclass(frozen=True)
class DateRule:
    """How the dates of a column are written; a time of the day may stand behind each.

    Parameters
    ----------
    format : str, default="%Y-%m-%d"
        The date, as in `datetime.strptime`.
    partial : bool, default=False
        Whether the day, or the month too, may be left out.
    doubt, remedy : str, default=""
        What else the values may mean, and what then to say of the column.
    """

    noun: ClassVar[str] = "dates"
    strict: ClassVar[bool] = False
    format: str = ISO
    partial: bool = False
    doubt: str = ""
    remedy: str = ""

    def read(self, values: pd.Series) -> pd.Series:
        """Return the dates: hours are those of their own time zone; several time zones make a column of objects."""
        if isinstance(values.dtype, (np.dtype, pd.DatetimeTZDtype)) and values.dtype.kind == "M":
            return values
        if isinstance(values.dtype, pd.PeriodDtype):
            return values.dt.to_timestamp()
        found = each(values.to_numpy(object), self.value, None)
        zones = {item.utcoffset() for item in found if item is not None}
        if len(zones) > 1:
            read = pd.Series(found, index=values.index, dtype=object)
        elif zones - {None}:
            read = pd.to_datetime(pd.Series(found, index=values.index, dtype=object))
        else:
            read = pd.Series(np.array(found, dtype="datetime64[us]"), index=values.index)
        return read.rename(values.name)

    def form(self, item):
        """Return what decides whether a value can be read."""
        return item

    def value(self, item) -> datetime | None:
        """Return the date that a value stands for; None where it stands for none."""
        if isinstance(item, pd.Period):
            item = item.to_timestamp()
        if isinstance(item, np.datetime64):
            item = pd.Timestamp(item)
        if isinstance(item, pd.Timestamp):
            return item.to_pydatetime(warn=False) if 1 <= item.year <= 9999 else None
        if isinstance(item, datetime):
            return item
        if isinstance(item, date):
            return datetime(item.year, item.month, item.day)
        if not isinstance(item, str):
            item = _digits(item)
        return None if item is None or is_blank(item) or is_too_long(item) else self._parse(_usual(item))

    def _parse(self, text: str) -> datetime | None:
        if _NO_DAY.match(text):
            return None
        ways = (self.format, *_coarser(self.format)) if self.partial else (self.format,)
        return next((found for way in ways if (found := _parse(text, way)) is not None), None)

    def __str__(self) -> str:
        return self.format + (" or a part of it" if self.partial else "")


def learn_dates(counts: Counter, *, sure: bool = False, said: str | None = None) -> DateRule | None:
    """Return how the values of a column are written as dates; None where they are none.

    Parameters
    ----------
    counts : Counter
        The different values, and how often they are there.
    sure : bool, default=False
        Whether the user says that they are dates.
    said : {"day first", "month first"}, format or None, default=None
        How they are written, where the user says it.
    """
    if said is not None and "%" in said:
        return DateRule(re.split(r"[T ,]+%[HI]", said)[0].replace("%B", "%b"))
    typed, texts, total = _sorted_by_type(counts)
    if typed == total > 0:
        return DateRule(partial=pd.Period in map(type, counts))
    least = 0 if sure else ENOUGH * total - typed
    formats = _formats_said(texts, least, said)
    if not formats:
        return DateRule() if typed >= ENOUGH * total > 0 else None
    best = max(formats, key=lambda f: (f != "%Y") * formats[f])  # of equals, the first
    if best == "%Y" or not (sure or _is_likely(best, texts, formats[best] == total)):
        return None
    parts = sum(formats.get(way, 0) for way in _coarser(best)) if formats[best] > 0.5 * total else 0
    if formats[best] + parts < least:
        return None
    rule = DateRule(best, partial=parts > 0)
    return rule if said is not None else _with_short_years(rule, texts, formats) or _in_doubt(rule, texts, formats)


def _formats_said(texts: dict[str, int], least: float, said: str | None) -> dict[str, int]:
    """Return what enough of the texts may be written in, of the formats that are not against what the user says."""
    formats = _formats_of(texts, least)
    return formats if said is None else {f: n for f, n in formats.items() if f.startswith(FIRST[said])}


def _with_short_years(rule: DateRule, texts: dict[str, int], formats: dict[str, int]) -> DateRule | None:
    """Return another rule, in doubt, where years have two digits and stand elsewhere; None where they do not."""
    best = rule.format
    first = _of_short_years(best, texts, formats) if best.endswith("%y") else best
    if first == best:
        return None
    text = next(text for text in texts if _parse(text, first) != _parse(text, best))
    return DateRule(first, doubt=f"{text!r} and all others may be read as {first}, as here, or {best}", remedy=best)


def _of_short_years(best: str, texts: dict[str, int], formats: dict[str, int]) -> str:
    """Return the format that puts days nearest together: days that are taken for years lie far apart.

    What are the first or the last days of months, where they are no years, are such: series by month have no others.
    """
    alike = [way for way in formats if formats[way] == formats[best] and "%y" in way]
    years = {way: {day.year for text in texts if (day := _parse(text, way)) is not None} for way in alike}
    spans = {way: max(found) - min(found) for way, found in years.items()}
    nearest = min(alike, key=spans.__getitem__)
    ends = years[nearest] == {2001} or min(years[nearest]) >= 2028
    return best if spans[best] <= 3 * spans[nearest] + 3 or ends else nearest


def _sorted_by_type(counts: Counter) -> tuple[int, dict[str, int], int]:
    """Return how many values are dates by their type, those that are texts, and how many stand for a day."""
    typed = sum(n for item, n in counts.items() if isinstance(item, (date, np.datetime64, pd.Period)))
    texts: dict[str, int] = {}
    total = 0
    for item, n in counts.items():
        text = _usual(item) if isinstance(item, str) else _digits(item)
        if is_blank(item) or (text and _NO_DAY.match(text)):
            continue
        total += n
        if text:
            texts[text] = texts.get(text, 0) + n
    return typed, texts, total


def _usual(text: str) -> str:
    """Return a text with its parts as in most forms; "Wed Oct 10 20:19:24 +0000 2018" has the year last."""
    text = digits_of_any_script(text).strip()
    if not text.isascii():
        text = _KOREAN.sub(lambda found: "年月日"["년월일".index(found[1])], text)
    elif text[:8].isdecimal() and len(text) >= 14:
        text = _COMPACT.sub(r"\1 \2:\3:\4\5", text)
    elif text[-1:] == "." or ". " in text:
        text = _POINTED.sub(r"\1.\2.\3", text)
    return _ASCTIME.sub(r"\1 \4 \2\3", text)


def _in_doubt(rule: DateRule, texts: dict[str, int], formats: dict[str, int]) -> DateRule:
    """Return the rule of texts; where all read with day and month swapped, too, one of them tells what is in doubt."""
    best, rival = rule.format, _swapped(rule.format)
    alike = formats.get(rival) == formats[best]
    text = next((t for t in texts if _parse(t, best) != _parse(t, rival)), None) if alike else None
    if text is None:
        return rule
    if best[2:3] == ".":  # no country writes the month first with points
        return replace(rule, format=best if best.startswith("%d") else rival)
    first, other = ("month first", "day first") if best.startswith("%m") else ("day first", "month first")
    return replace(rule, doubt=f"{text!r} and all others may be read {first}, as here, or {other}", remedy=other)


def formats_of(counts: Counter) -> list[str]:
    """Return the formats of dates that are written in several, the most frequent first; else nothing."""
    texts = {_usual(item): n for item, n in counts.items() if isinstance(item, str) and not is_blank(item)}
    if len(texts) < len(counts) / 2:
        return []
    total = sum(texts.values())
    formats = {f: n for f, n in _formats_of(texts, ENOUGH * total).items() if "%d" in f and "%y" not in f}
    found: list[str] = []
    while formats:
        best = max(formats, key=lambda f: formats[f])
        found.append(best)
        texts = {text: n for text, n in texts.items() if _parse(text, best) is None}
        formats = {f: n for f in formats if (n := _n_read(texts, f))}
    return found if len(found) > 1 and sum(texts.values()) <= (1 - ENOUGH) * total else []


def _n_read(texts: dict[str, int], format: str) -> int:
    return sum(n for text, n in texts.items() if _parse(text, format) is not None)


def _formats_of(texts: dict[str, int], least: float) -> dict[str, int]:
    """Return the formats that some texts may be written in, and how many each reads."""
    formats: dict[str, int] = {}
    left = sum(texts.values()) - least  # that may be of no format
    for text, n in texts.items():
        found = [way for way in _ways(text.translate(ONES)) if _parse(text, way) is not None]
        for way in found:
            formats[way] = formats.get(way, 0) + n
        left -= 0 if found else n
        if left < 0:
            return {}
    return formats


@lru_cache(maxsize=1024)
def _ways(form: str) -> tuple[str, ...]:
    """Return the formats that a text may be written in, whatever its digits, which are all 1 here."""
    matches = ((shape.fullmatch(form), ways) for shape, ways in _SHAPES)
    return tuple(way.format(match[1] or "") for match, ways in matches if match is not None for way in ways)


def _coarser(format: str) -> tuple[str, ...]:
    """Return the formats of which the day, or the month too, is left out."""
    if "%b" in format and "%d" in format:
        return "%b %Y", "%Y"
    return ("%Y-%m", "%Y", "%Y Q%q") if format == ISO else ()


def _is_likely(format: str, texts: dict[str, int], every: bool) -> bool:
    """Tell whether texts that read as dates are some, and neither seasons, sizes nor other numbers."""
    if format == "%Y%m%d":
        return every and len(texts) >= 3 and all(text[:2] in ("19", "20") for text in texts)
    if "%b" in format and "%d" not in format and _are_codes(format, texts):
        return False
    if "%y" in format:
        return every and len(texts) >= 3
    if format in ("%m/%Y", "%m.%Y"):  # decimals have four digits, too
        return all(text[3:5] in ("19", "20") for text in texts)
    if format == "%Y-%m":  # 2010-11 is a season
        return not all(int(text[5:7]) == (int(text[:4]) + 1) % 100 for text in texts if _parse(text, format))
    return True


def _are_codes(format: str, texts: dict[str, int]) -> bool:
    """Tell whether one word stands before all numbers, as in LED-40, which are no years or which is no usual month."""
    found = [match for text in texts if (match := _pattern(format).fullmatch(text)) is not None]
    words = {match["b"].casefold() for match in found}
    if len(words) > 1:
        return False
    if "%Y" in format:
        return not all("1800" <= match["Y"] <= "2100" for match in found)
    (word,) = words  # a short name in English, or a whole one
    names = " ".join(_NAMES).casefold().split()
    return word not in names and not any(name.startswith(word) for name in names[:12])


def _swapped(format: str) -> str:
    """Return the format with day and month in each other's place."""
    if format.startswith(("%d", "%m")) and ("%m" in format and "%d" in format):
        return format.translate({ord("d"): "m", ord("m"): "d"})
    return ""


def _digits(item: Any) -> str | None:
    """Return a whole number of eight digits as a text, such as 20240205."""
    if isinstance(item, (int, float, np.integer, np.floating)) and 19000101 <= item <= 20991231 and item % 1 == 0:
        return str(int(item))
    return None


@lru_cache(maxsize=64)
def _pattern(format: str) -> re.Pattern:
    """Return the pattern of texts of a format, with a time behind the date or without."""
    if any(
        part in format for part in ("%b", "%q", "%V")
    ):  # the name tells the parts apart: what stands between them may be anything
        format = re.sub(r"[ .,-]", "@", format)
    body = ""
    for part in re.split(r"(%\w)", format):
        body += _FIELDS.get(part) or re.escape(part).replace("@", r"(?:st|nd|rd|th|er|o)?[\s.,/-]*'?(?:(?:of|de)\s)?")
    if format == "%Y%m%d":
        body = r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"
    return re.compile((_WEEKDAY if "%b" in format else "") + body + _TIME, re.IGNORECASE)


def _parse(text: str, format: str) -> datetime | None:
    """Return the date that a text of a format stands for, with its offset from UTC where it has one; else None."""
    if format == ISO and text[4:5] == text[7:8] == "-" and text[10:11] in ("", " ", "T"):
        with suppress(ValueError):
            return datetime.fromisoformat(text)  # many times as fast
    found = _pattern(format).fullmatch(text)
    if found is None:
        return None
    part = found.groupdict("")
    year = int(part["Y"]) if part.get("Y") else 1900 + int(part["y"]) + 100 * (int(part["y"]) < 69)
    with suppress(ValueError):  # there is no such day, or no such hour
        if part.get("w"):
            return datetime.fromisocalendar(year, int(part["w"]), int(part.get("u") or 1))
        minute, second, fraction = int(part["M"] or 0), int(part["S"] or 0), int(part["f"][:6].ljust(6, "0"))
        time = _hour(part), minute, second, fraction, _zone(part["zone"])
        return datetime(year, _month(part), int(part.get("d") or 1), *time)
    return None


def _month(part: dict[str, str]) -> int:
    """Return the month of a date, the first of a quarter, or 99 for a name of none."""
    if part.get("q"):
        return 3 * int(part["q"]) - 2
    return MONTHS.get(part["b"].casefold(), 99) if part.get("b") else int(part.get("m") or 1)


def _hour(part: dict[str, str]) -> int:
    """Return the hour of the day, or 99 for one that half a day does not have."""
    hour = int(part["H"] or 0)
    if not part["half"]:
        return hour
    return hour % 12 + 12 * (part["half"] in "pP") if 1 <= hour <= 12 else 99


def _zone(text: str) -> timezone | None:
    if not text:
        return None
    if text[0] not in "+-":
        return timezone(timedelta(hours=ZONES[text.casefold()])) if text.casefold() in ZONES else UTC
    minutes = int(text[1:3]) * 60 + int(text[3:].replace(":", "") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
