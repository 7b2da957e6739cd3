"""CSV and TSV files of anyone: encoding, separator, quotes and decimal sign are found, and told where they are unusual.

The separator is the one by which most rows have as many cells as the first. `csv.Sniffer` is not used: it raises an
error where there is one column. Nothing that is read as usual is told.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from .._checks import DataWarning, printable, warn

SEPARATORS = (",", ";", "\t", "|")
NOTHING = "\x1f"  # what separates the cells of a table of one column: it stands in none
SAMPLE = 2**16  # characters that are looked at
BEGINNING = 2**20  # bytes of a file that is read in parts, by which its encoding is found
ROWS = 200  # rows that are looked at
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
# Of the encodings that are tried: those of the most people. Near relatives, such as cp1250, would take their texts.
ENCODINGS = ["cp1252", "cp1251", "gb18030", "big5", "cp932", "cp949"]
RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчй"  # small letters: other encodings of the same script read them as capitals
OF_RUSSIAN = ("cp1251", "koi8_r", "cp866", "iso8859_5")
OFTEN = "оеаинтсрвлОЕАИНТСРВЛ"  # two thirds of the letters of a text, and a third of those of one that is misread
# Their most frequent letters: two bytes are a letter in each of these, but seldom a frequent one in more than one.
FREQUENT = {
    "gb18030": (
        "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
        "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日"
        "很间酒店房服务价格便宜不错"
    ),
    "big5": (
        "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡"
        "用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心本前開但因只從想實日"
        "很間酒店房服務價格便宜錯"
    ),
    "cp932": (
        "のにはをたがでてとしれさあいうえおかきくけこすせそちつなぬねひふへほまみむめもやゆよらりるろわんっゃ"
        "ゅょーンスルトリアイクラフレド日本人大年"
    ),
    "cp949": (
        "이다는을의에가고하지로기도한서사리나대시어자은인들있것수를해보정그부라일전게아장무소상과적니요주우으"
        "여제만성오공동원여행방좋습합입호텔"
    ),
}
FREQUENT["euc_jp"] = FREQUENT["cp932"]
ALPHABETS = dict.fromkeys(OF_RUSSIAN, RUSSIAN) | {
    "cp1253": "αοιετσνηυρπκμλςωγδχθφίόάέήύώ",
    "cp1255": "".join(map(chr, range(0x5D0, 0x5EB))),
    "cp1256": "اليمنورتبةدسعهفكقحجى",
    "tis_620": "านรกอเงมยลวดทสตะปบคหีิัใไแ่้์ุู",
}
LEAST_FREQUENT = 0.25  # share of the letters beyond ASCII that are frequent in a text that is read as it was written
LEAST_OF_ALPHABET = 0.7  # the same, of scripts with few letters
LEAST_OFTEN = 0.55  # the same, of the most frequent letters
# A run of bytes beyond ASCII, and the letters beside it; single bytes that are letters or signs of the west in cp1252.
HIGH_BYTES = re.compile(rb"([A-Za-z]?)([\x80-\xff]+)([A-Za-z]?)")
SINGLES = set("€£¥¢§°²³½¼¾«»“”‘’„–—…´¿¡ªº±µ·×÷©®™‰ŠŒŽšœžŸ\xa0".encode("cp1252")) | set(range(0xC0, 0x100))
CYRILLIC = set(range(0xC0, 0x100)) | set("ЁёІіЇїЄєҐґЎў".encode("cp1251"))
RUNS = 100_000  # that are looked at
FIRST_LINE = re.compile(r'"?sep=(.)"?\r?\n')  # which Excel writes and reads
COMMA = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*")
THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")
POINTS = re.compile(r"\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*")
NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d+)?\s*")
WHOLE = re.compile(r"\s*[+-]?\d+\s*")
CODE = re.compile(r"\s*0\d+\s*")
WORDS_KEPT: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
NO_FIT = (0.0, 1)  # of rows by a separator: each is one cell
FEWEST = 3  # cells of most rows, from which one cell alone is a title


@dataclass(frozen=True)
class Layout:
    """How a table is written; None is found out.

    Parameters
    ----------
    sep : str of one character or None, default=None
    decimal : {".", ","} or None, default=None
    encoding : str or None, default=None
    """

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None

    def __post_init__(self):
        for name, value in (("sep", self.sep), ("decimal", self.decimal)):
            if value is not None and (not isinstance(value, str) or len(value) != 1):
                raise ValueError(f"{name}={value!r} must be one character, such as {';' if name == 'sep' else ','!r}.")
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except (LookupError, TypeError):
                raise ValueError(
                    f"encoding={self.encoding!r} is not known: give one such as 'utf-8', 'cp1252'."
                ) from None


def read_delimited(path: Path, content: bytes, layout: Layout, usual: str) -> pd.DataFrame:
    """Return the table that a file holds; its separator is the usual one unless it, or its user, says otherwise."""
    encoding = layout.encoding or _encoding_of(content)
    text = content.decode(encoding)
    options, found = _options_of(text, layout, usual)
    frame = pd.read_csv(io.StringIO(text, newline=""), decimal=layout.decimal or ".", low_memory=False, **options)
    _keep_words(frame, text, options)
    signs = options["sep"] + options["quotechar"]
    if re.search(rf"(?:^|[\s{re.escape(signs)}])0\d", text):  # before a look at cells, which costs more
        _keep_codes(frame, text, options)
    in_doubt = _read_commas(frame) if layout.decimal is None and options["sep"] not in (",", NOTHING) else []
    points = _points_in_doubt(frame, text, options) if layout.decimal is None and options["sep"] == ";" else []
    told = [_encoding_told(encoding, layout), _signs_told("commas", in_doubt), _signs_told("points", points)]
    _tell(path, [*found, *told])
    return frame


def read_delimited_in_parts(name, file, layout: Layout, usual: str, n_rows: int, texts) -> Iterator[pd.DataFrame]:
    """Yield the rows of an open binary file, `n_rows` at a time.

    How it is written is found out from its beginning, and once; decimal commas by each part. The cells of the columns
    `texts` stay texts, so that a part reads as the whole does.
    """
    start = file.read(BEGINNING) + file.readline()
    encoding = layout.encoding or _encoding_of(start)
    options, found = _options_of(start.decode(encoding, "replace"), layout, usual)
    _tell(name, [*found, _encoding_told(encoding, layout)])
    whole = io.TextIOWrapper(io.BufferedReader(_Chained(start, file)), encoding, newline="")
    options |= {"decimal": layout.decimal or ".", "dtype": dict.fromkeys(texts, str), **WORDS_KEPT}
    for part in pd.read_csv(whole, chunksize=n_rows, **options):
        if layout.decimal is None and options["sep"] not in (",", NOTHING):
            _read_commas(part, but=texts)
        yield part


class _Chained(io.RawIOBase):
    """A file whose beginning was read before."""

    def __init__(self, start: bytes, rest):
        self._start, self._rest = start, rest

    def readable(self):
        return True

    def readinto(self, buffer):
        content = self._start[: len(buffer)] or self._rest.read1(len(buffer))
        self._start = self._start[len(content) :]
        buffer[: len(content)] = content
        return len(content)


def _options_of(text: str, layout: Layout, usual: str) -> tuple[dict[str, Any], list[str]]:
    """Return the options of `read_csv` for a text, and what of them is not as usual."""
    first = FIRST_LINE.match(text)
    sample = text[first.end() if first else 0 :][:SAMPLE]
    sep, quote, is_sure = _separator_of(sample, layout.sep or (first and first[1]), usual)
    rows = _rows_of(sample, sep, quote)
    titles, width = _titles(rows), _width_of(rows)
    rows = rows[titles:]
    more = _cells_without_names(rows, width)
    options = _cells(sample, sep, quote) | {"sep": sep, "quotechar": quote, "skiprows": bool(first) + titles}
    unnamed = more == 1 and any(row[-1].strip() for row in rows[1:] if len(row) == width)
    if unnamed:
        options |= {"names": ["Unnamed: 0", *rows[0]], "header": 0}
    elif more == 1:
        options["index_col"] = False  # a separator at the end of each row
    found = {
        f"the separator {sep!r}": not (is_sure or sep == usual),
        f"the quotes {quote}": quote != '"',
        f"the lines left out that stand above the names ({titles})": titles,
        "a first column without a name, for there is one name less than cells": unnamed,
        "its first line, which looks like a row, as the names of the columns": _is_row(rows),
        "quotes behind backslashes": _has_escapes(sample, quote),
        "each line as one cell": sep == NOTHING and len(max(_rows_of(sample, usual, quote), key=len, default=())) > 1,
    }
    return options, [words for words, there in found.items() if there]


def _cells_without_names(rows: list[list[str]], width: int) -> int:
    """Return how many cells rows have beyond the names, at most one; raise a ValueError where none can be left out."""
    more = width - len(rows[0]) if rows else 0
    if more == 0 and len(rows) > 1 and len(rows[1]) > width:  # pandas would take its first cell for a name of the row
        raise ValueError(
            f"its first row has {len(rows[1])} cells ({printable(str(rows[1])[:80])}), but there are {width} names: "
            "put quotes around a cell that holds the separator, or correct the row"
        )
    if more > 1:
        raise ValueError(
            f"its first line names {len(rows[0])} columns, but most rows have {width} cells: give each column a name"
        )
    return more


def _is_row(rows: list[list[str]]) -> bool:
    """Tell whether the first row names nothing: it has a number, and all else of it stands below again."""
    if len(rows) < FEWEST:
        return False
    numbers = [cell for cell in rows[0] if NUMBER.fullmatch(cell)]
    others = [place for place, cell in enumerate(rows[0]) if not NUMBER.fullmatch(cell)]
    again = all(any(row[place : place + 1] == rows[0][place : place + 1] for row in rows[1:]) for place in others)
    return again and bool(numbers) and (bool(others) or any("." in cell for cell in numbers))


def _has_escapes(sample: str, quote: str) -> bool:
    """Tell whether a backslash stands before quotes within cells."""
    return re.search(rf"[^\\]\\{quote}\s*[^\s,;|]", sample) is not None


def _is_spaced(sample: str, sep: str) -> bool:
    """Tell whether a space stands behind each separator of the first line."""
    line = sample.partition("\n")[0]
    return 0 < line.count(sep) == line.count(f"{sep} ")


def _cells(sample: str, sep: str, quote: str) -> dict[str, Any]:
    """Return what else tells how cells are written."""
    options: dict[str, Any] = {"escapechar": "\\"} if _has_escapes(sample, quote) else {}
    return options | ({"skipinitialspace": True} if _is_spaced(sample, sep) else {})


def _rows_of(sample: str, sep: str, quote: str) -> list[list[str]]:
    """Return the cells of the first rows of a text."""
    lines = io.StringIO(sample, newline=None)  # a line may end in one of three ways
    reader = csv.reader(lines, delimiter=sep, quotechar=quote, **_cells(sample, sep, quote))
    try:
        rows = list(islice(reader, ROWS))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    rows = [row for row in rows if row]
    return rows[:-1] if len(sample) == SAMPLE and len(rows) > 2 else rows  # the sample ends within the last


def _width_of(rows: list[list[str]]) -> int:
    """Return how many cells most rows below the first have."""
    return Counter(map(len, rows[1:] or rows)).most_common(1)[0][0] if rows else 0


def _titles(rows: list[list[str]]) -> int:
    """Return how many lines stand above the names of the columns: comments, and titles of one cell."""
    width = _width_of(rows)
    n = 0
    for row in rows:
        if not (row[0].lstrip()[:1] == "#" and len(row) != width or len(row) == 1 and width >= FEWEST):
            break
        n += 1
    return n


def _encoding_told(encoding: str, layout: Layout) -> str:
    return "" if layout.encoding or encoding in ("utf-8", *MARKS.values()) else f"the encoding {encoding}"


def _signs_told(signs: str, names: list) -> str:
    some = ", ".join(map(repr, names[:5])) + (" and others" if len(names) > 5 else "")
    return f"decimal {signs} in {some}" if names else ""


def _tell(name, found: list[str]) -> None:
    if any(found):
        warn(
            f"{printable(name)} was read with {'; '.join(filter(None, found))}. If that is wrong, say sep=, decimal= "
            "or encoding= (--sep, --decimal, --encoding).",
            DataWarning,
        )


def _encoding_of(content: bytes) -> str:
    """Return the encoding of a file: by its mark, UTF-8 where it can be read as that, else the most likely one."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding
    zeros = [content[place:BEGINNING:2].count(0) for place in (0, 1)]
    if max(zeros) > len(content[:BEGINNING]) / 5 and min(zeros) < max(zeros) / 10:  # two bytes per letter, unmarked
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return "cp1252" if _is_western(content) else _likely_encoding(content)


def _likely_encoding(content: bytes) -> str:
    """Return the encoding of one byte per letter in which the letters are those of an alphabet, and as frequent."""
    for letters, least in ((ALPHABETS, LEAST_OF_ALPHABET), (FREQUENT, LEAST_FREQUENT)):
        shares = {encoding: _share_of_frequent(content, encoding, letters[encoding]) for encoding in letters}
        likely = max(shares, key=lambda encoding: shares[encoding])
        if shares[likely] >= least:
            return _russian_of(content) or likely if likely in OF_RUSSIAN else likely
    if _is_cyrillic(content):
        return "cp1251"
    from charset_normalizer import from_bytes

    found = from_bytes(content, cp_isolation=ENCODINGS).best()
    return "cp1252" if found is None else found.encoding


def _share_of_frequent(content: bytes, encoding: str, frequent: str) -> float:
    """Return the share of the letters beyond ASCII that are frequent ones of an encoding; 0 where it cannot be read."""
    try:
        letters = [letter for letter in content.decode(encoding) if letter > "\x7f"][:RUNS]
    except UnicodeDecodeError:
        return 0.0
    return sum(letter in frequent for letter in letters) / max(len(letters), 1)


def _russian_of(content: bytes) -> str | None:
    """Return the encoding of Russian in small or capital letters: each reads the capitals of one as small letters."""
    often = {encoding: _share_of_frequent(content, encoding, OFTEN) for encoding in OF_RUSSIAN}
    best = max(often, key=lambda encoding: often[encoding])
    return best if often[best] >= LEAST_OFTEN else None


def _is_western(content: bytes) -> bool:
    """Tell whether bytes beyond ASCII are accented letters within words, or single signs, as in "Köln" and "5 €".

    Other scripts have long runs of such bytes. Guesses by the frequency of letters alone take short German or French
    cells with prices for Cyrillic.
    """
    western = others = 0
    for run in islice(HIGH_BYTES.finditer(content), RUNS):
        before, high, after = run.groups()
        fits = high[0] in SINGLES if len(high) == 1 else len(high) == 2 and bool(before or after) and min(high) >= 0xC0
        western, others = western + fits * len(high), others + (not fits) * len(high)
    return western > 4 * others


def _is_cyrillic(content: bytes) -> bool:
    """Tell whether nearly all bytes of longer runs beyond ASCII are letters of cp1251, which guesses take for accents.

    Characters of two bytes have many others as their second one.
    """
    runs = [run[2] for run in islice(HIGH_BYTES.finditer(content), RUNS) if len(run[2]) > 2]
    return bool(runs) and sum(map(CYRILLIC.__contains__, b"".join(runs))) > 0.95 * sum(map(len, runs))


def _separator_of(sample: str, said: str | None, usual: str) -> tuple[str, str, bool]:
    """Return the separator, by which most rows have as many cells as the first; the quotes; and whether it is sure.

    Of equals it is the usual one. It is sure where it fits nearly all rows, and no other one fits half of them.
    """
    quote = _quote_of(sample)
    if said:
        return said, quote, True
    fits = {sep: _fit_of(_rows_of(sample, sep, quote)) for sep in (usual, *SEPARATORS)}
    best = max(fits, key=fits.__getitem__)
    if fits[best] == NO_FIT:
        # Commas in lines of texts are no separators where the first line has none.
        texts = _width_of(_rows_of(sample, usual, quote)) == 1
        return (NOTHING, quote, True) if texts else (usual, quote, False)
    return best, quote, fits[best][0] >= 0.9 and max(share for sep, (share, _) in fits.items() if sep != best) < 0.5


def _fit_of(rows: list[list[str]]) -> tuple[float, int]:
    """Return the share of rows that have as many cells as the names, and how many these are."""
    width = len(rows[_titles(rows)]) if rows else 0
    return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else NO_FIT


def _quote_of(sample: str) -> str:
    """Return the quotes of cells: single ones where most lines have them at an end, and nothing has double ones."""
    lines = sample.splitlines()[:ROWS]
    quoted = sum(line[:1] == "'" or line[-1:] == "'" for line in lines[1:])  # names often have none
    single = quoted > max(1, 0.8 * len(lines[1:]))
    return "'" if single and '"' not in sample else '"'


def _keep_words(frame, text, options) -> None:
    """Make words that stand for nothing among numbers, such as NA and None, words again in columns of texts.

    What they are there, the rest of the column says.
    """
    names = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name]) and frame[name].hasnans]
    if names:
        texts = pd.read_csv(io.StringIO(text, newline=""), usecols=names, dtype=str, **WORDS_KEPT, **options)
        for name in names:
            if texts[name].count() > frame[name].count() and frame[name].count():
                frame[name] = texts[name]


def _keep_codes(frame, text, options) -> None:
    """Make columns of digits some of which begin with 0, such as 00501, texts again."""
    numbers = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    if numbers:
        texts = pd.read_csv(io.StringIO(text, newline=""), usecols=numbers, dtype=str, **options)
        for name in numbers:
            known = texts[name].dropna()
            if known.map(lambda cell: CODE.fullmatch(cell) is not None).any() and known.str.strip().str.isdigit().all():
                frame[name] = texts[name]


def _read_commas(frame, but=()) -> list:
    """Make columns of numbers with decimal commas numbers; return the names of those that may be thousands as well."""
    in_doubt = []
    for name in frame.columns:
        if name in but or pd.api.types.is_numeric_dtype(frame[name]):
            continue
        known = frame[name].dropna()
        if not all(isinstance(cell, str) for cell in known):  # of True, False and empty cells
            continue
        if any(map(COMMA.fullmatch, known)) and all(COMMA.fullmatch(cell) or WHOLE.fullmatch(cell) for cell in known):
            frame[name] = pd.to_numeric(frame[name].str.replace(",", "."))
            if all(THOUSANDS.fullmatch(cell) or WHOLE.fullmatch(cell) for cell in known):
                in_doubt.append(name)
    return in_doubt


def _points_in_doubt(frame, text, options) -> list:
    """Return the columns of numbers with three digits behind each point, which may part thousands, as in 1.234."""
    names = [name for name in frame.columns if pd.api.types.is_float_dtype(frame[name])]
    if not names or not re.search(r"\.\d{3}(?!\d)", text):
        return []
    texts = pd.read_csv(io.StringIO(text, newline=""), usecols=names, dtype=str, **options)
    known = {name: texts[name].dropna() for name in names}
    return [name for name, cells in known.items() if any(map(POINTS.fullmatch, cells))
            and all(POINTS.fullmatch(cell) or WHOLE.fullmatch(cell) for cell in cells)]  # fmt: skip
