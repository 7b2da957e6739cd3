"""Whole columns for bench_fuzz.py: what is meant is known, and it must come out of every container and every file.

A column is drawn with its kind, its values as they are meant, and its cells as somebody wrote them. Truths that are
checked: the kind and the values come out; value and schema alone decide, so that a cell reads alone as among others,
in whatever order, time zone of the process or container; a file brings back what was put into it; and cells none of
which can be read are told.
"""

import datetime as dt
import io
import os
import sqlite3
import time
import warnings
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from PIL import Image
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import DataWarning, StackedClassifier, StackedRegressor, infer_schema, read_table
from ensemble_mm.data import as_source

FEWEST = 24  # rows from which what a column is must come out
BLANKS = [None, None, None, np.nan, "", " ", "-", "n/a", "?", "NULL"]


class Fault(Exception):
    """An answer that is wrong in silence."""


def check(truth, words):
    if not truth:
        raise Fault(words)


def pick(rng, items):
    return items[int(rng.integers(len(items)))]


def as_objects(items):
    out = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        out[place] = item
    return out


@dataclass
class Drawn:
    """A column: what it is, its values as they are meant (None where missing), and its cells as they are written."""

    kind: str  # "" where it may be several
    meant: list | None
    cells: list


# -- columns of every kind -----------------------------------------------------------------------------------------


def german(number):
    return f"{number:,.2f}".translate({44: 46, 46: 44})


def swiss(number):
    return f"{number:,.2f}".replace(",", "'")


def spaced(number):
    return f"{number:,.2f}".replace(",", "\u202f").replace(".", ",")


NUMBERS = {
    "plain": (lambda x: repr(float(x)), 3), "english": ("{:,.2f}".format, 2), "german": (german, 2),
    "swiss": (swiss, 2),
    "spaced": (spaced, 2), "dollars": ("${:,.2f}".format, 2), "euros": (lambda x: german(x) + " €", 2),
    "code before": ("EUR {:.2f}".format, 2), "percent": ("{:.1f} %".format, 1), "close": ("{:.1f}%".format, 1),
    "weight": ("{:.2f} kg".format, 2), "long": ("{:.2f} km/h".format, 2), "owed": ("({:,.2f})".format, 2),
    "decimal": (lambda x: Decimal(str(x)), 2), "float": (float, 3), "single": (np.float64, 3),
    "power": ("{:.4e}".format, 0), "quoted": (" {:.2f} ".format, 2), "minus": ("\u2212{:.2f}".format, 2),
    "degrees": ("{:.1f} °C".format, 1), "plus": ("+{:.2f}".format, 2), "yen": (lambda x: f"¥{x:,.0f}", 0),
}  # fmt: skip
NEGATED = {"owed", "minus"}
DATES = [
    "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%B %d, %Y", "%d-%b-%y",
    "%d.%m.%y", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p",
    "%a, %d %b %Y %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+02:00", "%Y年%m月%d日",
]  # fmt: skip
TYPED_DATES = [pd.Timestamp, dt.datetime.date, lambda d: d, np.datetime64, lambda d: pd.Period(d, "D")]
CLOCKS = {"%H:%M": 60, "%H:%M:%S": 1, "%I:%M %p": 60}


def numbers(rng, n):
    name = pick(rng, list(NUMBERS))
    form, digits = NUMBERS[name]
    size = 10.0 ** int(rng.integers(1, 6))
    meant = [round(x, digits) for x in rng.uniform(1, size, n)]
    if digits == 0:
        meant = [float(f"{x:.4e}") if name == "power" else float(round(x)) for x in meant]
    cells = [form(x) for x in meant]
    return Drawn("number", [-x for x in meant] if name in NEGATED else meant, cells)


def whole(rng, n):
    meant = rng.integers(-50, int(pick(rng, [3, 60, 10**6])), n).tolist()
    form = pick(rng, [int, str, float, Decimal, np.int32, "{:,}".format, "{} pcs".format, lambda x: str(float(x))])
    return Drawn("number", [float(x) for x in meant], [form(x) for x in meant])


def flags(rng, n):
    meant = (rng.random(n) < 0.5).tolist()
    return Drawn("number", [float(x) for x in meant], meant)


def dates(rng, n):
    start = dt.datetime(int(rng.integers(1971, 2030)), 1, 1)
    moments = [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 60 * 24 * 900, n)]
    form = pick(rng, [*DATES, *TYPED_DATES])
    cells = [d.strftime(form) if isinstance(form, str) else form(d) for d in moments]
    timed = "M" in form.replace("%m", "") if isinstance(form, str) else form in (TYPED_DATES[0], *TYPED_DATES[2:4])
    meant = moments if timed else [dt.datetime(d.year, d.month, d.day) for d in moments]
    if isinstance(form, str) and form != "%Y-%m-%d" and rng.random() < 0.2:
        cells = [cell.lower() for cell in cells] if "T" not in form else cells
    return Drawn("date", meant, cells)


def times(rng, n):
    form = pick(rng, [*CLOCKS, dt.time, dt.timedelta])
    seconds = rng.integers(0, 86400, n) // CLOCKS.get(form, 1) * CLOCKS.get(form, 1)
    moments = [dt.datetime(2000, 1, 1) + dt.timedelta(seconds=int(s)) for s in seconds]
    if isinstance(form, str):
        cells = [m.strftime(form) for m in moments]
    else:
        cells = [
            m.time() if form is dt.time else dt.timedelta(seconds=int(s)) for m, s in zip(moments, seconds, strict=True)
        ]
    return Drawn("time", [s / 3600 for s in seconds.tolist()], cells)


def categories(rng, n):
    pool = pick(rng, [["red", "blue", "green"], ["T1", "T2", "T3"], ["très", "ça", "où"], ["A+", "A-", "B"],
                      ["01", "02", "10"], ["10/12", "12/14"], ["yes", "no"], ["18-25", "26-35", "36+"],
                      ["1st", "2nd"], ["很好", "不好"], ["north, east", "south; west"], ["a|b", "c\td"],
                      ["XS", "S", "M", "L"], ['say "hi"', "it's"]])  # fmt: skip
    cells = [pick(rng, pool) for _ in range(n)]
    return Drawn("category", cells, cells)


def mixed(rng, n):
    pool = pick(rng, [[1, "1", 1.0, True, "a"], [1, 2.5, "x"], [True, "yes", 0], [(1, 2), (3,)], [b"a", "a"],
                      [frozenset("a"), "b"], [pd.Interval(0, 1), pd.Interval(1, 2)], ["1", 2, Decimal(3)],
                      [dt.date(2024, 1, 2), "soon"], [1 + 0j, "x"], [float("inf"), 1.0, "3"]])  # fmt: skip
    return Drawn("", None, [pick(rng, pool) for _ in range(n)])


def sentences(rng, n):
    words = pick(rng, ["a warm and soft coat torn at the seam again", "不 很 好 我们 酒店", "so happy 😀 🎉 today",
                       "le café était très bon à Noël", '<b>bold</b> &amp; "quoted", text; here'])  # fmt: skip
    words = words.split()
    return Drawn("text", None, [" ".join(rng.choice(words, 6)) + f" {i}" for i in range(n)])


def codes(rng, n):
    make = pick(rng, [
        lambda i: "".join(rng.choice(["CC", "c1", "N(", ")O", "=O", "[nH]"], 12)),
        lambda i: f"https://shop.org/{rng.choice(['coat', 'shoe'])}/{i}?q={rng.integers(99)}",
        lambda i: f"{rng.choice(['senior', 'lead'])} {rng.choice(['nurse', 'driver'])} {i}",
        lambda i: f"{rng.choice(['TV', 'PC'])}-{i:05d}",
        lambda i: f"{rng.choice(['Zoë', 'Ann'])} {rng.choice(['Müller', 'O’Neil'])} {rng.integers(9)}",
    ])  # fmt: skip
    return Drawn("", None, [make(i) for i in range(n)])


def identifiers(rng, n):
    make = pick(rng, ["{:06d}".format, "A-{:05d}".format, "user{}".format])
    return Drawn("", None, [make(i) for i in range(n)])


def vectors(rng, n):
    width = int(rng.integers(2, 40))
    form = pick(rng, [list, np.asarray, lambda v: str(list(map(float, v))), tuple])
    return Drawn("vector", None, [form(row) for row in rng.normal(size=(n, width)).round(3)])


def pictures(rng, n):
    def png(array):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG")
        return buffer.getvalue()

    form = pick(rng, [png, Image.fromarray, np.asarray, lambda a: bytearray(png(a)), lambda a: {"bytes": png(a)},
                      lambda a: io.BytesIO(png(a)), lambda a: memoryview(png(a))])  # fmt: skip
    arrays = [rng.integers(0, 256, (8, 9, 3)).astype(np.uint8) for _ in range(min(n, 6))]
    return Drawn("image", None, [form(arrays[i % len(arrays)]) for i in range(n)])


def names_of_files(rng, n):
    kind, suffixes = pick(rng, [("image", ["png", "JPG", "avif", "heic"]), ("audio", ["wav", "m4a", "wma"]),
                                ("video", ["mp4", "mov", "MKV"])])  # fmt: skip
    return Drawn(kind, None, [f"media/{i}.{pick(rng, suffixes)}" for i in range(n)])


def constants(rng, n):
    return Drawn("constant", None, [pick(rng, ["x", 1, True, "2024-01-01", 0.5])] * n)


def nothing(rng, n):
    return Drawn("", None, [pick(rng, [None, np.nan, "", pd.NaT, pd.NA]) for _ in range(n)])


KINDS = [numbers, numbers, whole, flags, dates, dates, times, categories, mixed, sentences, codes, identifiers, vectors,
         pictures, names_of_files, constants, nothing]  # fmt: skip
HELD = ("vector", "image", "audio", "video")


def column(rng, n):
    """Draw a column, perhaps with holes."""
    found = pick(rng, KINDS)(rng, n)
    if rng.random() < 0.4 and found.kind != "constant":
        # A word for nothing among texts; among values of a type, what that has for nothing.
        texts = found.kind in ("number", "date", "time") and all(isinstance(cell, str) for cell in found.cells)
        blanks = BLANKS if texts else BLANKS[:3]
        for row in np.flatnonzero(rng.random(n) < 0.15):
            found.cells[row] = pick(rng, blanks)
            if found.meant is not None:
                found.meant = [*found.meant[:row], None, *found.meant[row + 1 :]]
    return found


# -- containers and files ------------------------------------------------------------------------------------------


def containers(drawn, name):
    """Yield what holds a column, as other libraries do; those that cannot are left out."""
    cells, series = drawn.cells, pd.Series(as_objects(drawn.cells), name=name)
    makers = {
        "objects": lambda: series.to_frame(),
        "a dict": lambda: {name: cells},
        "a row each": lambda: [{name: cell} for cell in cells],
        "an odd index": lambda: series.set_axis(np.arange(len(cells))[::-1]).to_frame(),
        "types of pandas": lambda: pd.DataFrame({name: cells}),
        "types with NA": lambda: pd.DataFrame({name: cells}).convert_dtypes(),
        "polars": lambda: pl.DataFrame({name: pl.Series(cells, strict=True)}),
        "lazy polars": lambda: pl.LazyFrame({name: pl.Series(cells, strict=True)}),
        "Arrow": lambda: pa.table({name: pa.array(cells, from_pandas=True)}),
        "a dictionary of Arrow": lambda: pa.table({name: pa.array(cells, from_pandas=True).dictionary_encode()}),
        "pandas on Arrow": lambda: pa.table({name: pa.array(cells, from_pandas=True)}).to_pandas(
            types_mapper=pd.ArrowDtype
        ),
        "categories": lambda: series.astype("category").to_frame(),
    }
    for container, make in makers.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                X = make()
        except Exception:
            continue  # not every container holds every value
        yield container, X


def series_of(X, name):
    """Return a column of whatever holds it."""
    source = as_source(X)
    found = source[name] if isinstance(source, pd.DataFrame) else source.views[name]
    found = found[name] if isinstance(found, pd.DataFrame) else found
    return pd.Series(list(found) if getattr(found, "ndim", 1) > 1 else found).reset_index(drop=True)


def read_by(schema, X, name):
    """Return the values of a column, as its schema means them, in plain types; None where one is missing."""
    values, lost = record_of(schema, name).read(series_of(X, name))
    return [plain(value) for value in values], lost


def record_of(schema, name):
    return schema[name] if name in schema else schema[name, name]  # a view that is a table of one column


def plain(value):
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, (float, np.floating)) and value != value)
    ):
        return None
    if isinstance(value, dt.datetime):
        return pd.Timestamp(value).tz_localize(None).to_pydatetime(warn=False)
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        return float(value)
    return value


def same(one, other):
    return all(
        a == b or (isinstance(a, float) and isinstance(b, float) and np.isclose(a, b, rtol=1e-9, atol=1e-9))
        for a, b in zip(one, other, strict=True)
    )


def write_file(rng, drawn, name, folder):
    """Write a column into a file that has room for it, beside another; return its address and what it holds."""
    frame = pd.DataFrame({name: pd.Series(as_objects(drawn.cells)), "beside": np.arange(len(drawn.cells))})
    texts = all(cell is None or isinstance(cell, (str, float, int, bool)) for cell in drawn.cells)
    form = pick(rng, ["csv", "csv", "csv.gz", "tsv", "jsonl", "parquet", "xlsx", "db"] if texts else ["parquet", "csv"])
    path = folder / f"t.{form}"
    if form in ("csv", "csv.gz", "tsv"):
        sep = "\t" if form == "tsv" else pick(rng, [",", ";", "|", "\t"])
        quoting = 1 if "," in name else pick(rng, [0, 0, 1, 2])
        text = frame.to_csv(index=False, sep=sep, quoting=quoting, lineterminator=pick(rng, ["\n", "\r\n"]))
        codings = ["utf-8", "utf-8-sig", "utf-16"] + (["cp1252"] if text.isascii() else [])
        content = text.encode(pick(rng, codings))
        path.write_bytes(__import__("gzip").compress(content) if form == "csv.gz" else content)
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=bool(rng.random() < 0.5))
    elif form == "parquet":
        pd.DataFrame({name: drawn.cells, "beside": frame["beside"]}).to_parquet(path)
    elif form == "xlsx":
        frame.to_excel(path, index=False)
    else:
        with sqlite3.connect(path) as connection:
            frame.to_sql("t", connection, index=False)
        return form, f"sqlite:///{path}::t"
    return form, path


# -- the truths ----------------------------------------------------------------------------------------------------


def case_columns(rng, folder):
    n = int(pick(rng, [1, 2, 5, FEWEST, 40, 60]))
    drawn, name = column(rng, n), pick(rng, ["x", "größe", "a b", "x,y", "1"])
    schema = infer_schema(pd.DataFrame({name: pd.Series(as_objects(drawn.cells))}))
    repr(schema), schema.to_frame()
    whole = check_reading(rng, drawn, schema, name)
    check_containers(drawn, schema, name, whole)
    check_file(rng, drawn, schema, name, whole, folder)
    if rng.random() < 0.15 and n >= FEWEST:
        check_fit(rng, drawn, name)


def check_reading(rng, drawn, schema, name):
    """The kind and the values are those that were meant; a cell reads alone, and anywhere, as it does in its place."""
    record, cells = schema[name], pd.Series(as_objects(drawn.cells))
    known = 0 if drawn.meant is None else sum(value is not None for value in drawn.meant)
    varied = drawn.meant is not None and len(set(map(str, drawn.meant)) - {"None"}) > 2
    whole, lost = read_by(schema, pd.DataFrame({name: cells}), name)
    if known >= FEWEST // 2 and varied and drawn.kind not in HELD:
        allowed = {drawn.kind, "constant"} | ({"category"} if drawn.kind == "number" and record.notes else set())
        check(record.taken_as in allowed, f"{drawn.kind} {cells[0]!r} taken for {record.taken_as}: {record.because}")
        if record.taken_as == drawn.kind and drawn.kind in ("number", "date", "time"):
            off = [(c, m, w) for c, m, w in zip(cells, drawn.meant, whole, strict=True) if not same([m], [w])]
            check(not off or record.notes, f"(cell, meant, read): {off[:1]}")
    if drawn.kind in HELD and len(cells) >= FEWEST:
        check(record.taken_as == drawn.kind, f"{drawn.kind} taken for {record.taken_as}")
    order = rng.permutation(len(cells))
    shuffled, _ = read_by(schema, pd.DataFrame({name: cells[order].reset_index(drop=True)}), name)
    row = int(order[0])
    alone, _ = read_by(schema, pd.DataFrame({name: cells[[row]].reset_index(drop=True)}), name)
    if record.reading is not None:
        check(same([whole[i] for i in order], shuffled), f"{name} reads in another way in another order")
        check(same([whole[row]], alone), f"{cells[row]!r} is {whole[row]!r} among others, and {alone[0]!r} alone")
        with zone(pick(rng, ["Asia/Tokyo", "America/Lima"])):
            check(same(whole, read_by(schema, pd.DataFrame({name: cells}), name)[0]), "the time zone counts")
    strange = as_objects(["strange"] * 6)
    if record.reading is not None and record.taken_as in ("number", "date", "time"):
        try:
            read, lost = record.read(pd.Series(strange))
            check(record.trouble(read, lost), "cells none of which can be read are not told")
        except ValueError:
            pass
    return whole


class zone:
    """The time zone of the process is another one for a while."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.before = os.environ.get("TZ")
        os.environ["TZ"] = self.name
        time.tzset()

    def __exit__(self, *error):
        os.environ.pop("TZ")
        if self.before is not None:
            os.environ["TZ"] = self.before
        time.tzset()


def check_containers(drawn, schema, name, whole):
    record = schema[name]
    for container, X in containers(drawn, name):
        kind = record_of(infer_schema(X), name).taken_as
        said = container in ("categories", "a dictionary of Arrow") and kind == "category"  # as its dtype says
        alike = kind == record.taken_as or said or {kind, record.taken_as} <= {"number", "category", "constant"}
        check(alike or drawn.kind == "", f"{container}: taken for {kind}, among objects for {record.taken_as}")
        if record.reading is not None and drawn.kind in ("number", "date", "time", "category"):
            values, _ = read_by(schema, X, name)
            off = [(c, a, b) for c, a, b in zip(drawn.cells, whole, values, strict=True) if not same([a], [b])]
            check(not off, f"{container}: (cell, among objects, here) {off[:1]}")


def check_file(rng, drawn, schema, name, whole, folder):
    record = schema[name]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            form, path = write_file(rng, drawn, name, folder)
    except Exception:
        return  # not every file holds every value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        X, _ = read_table(path)
    check(len(X) == len(drawn.cells) and list(X) == [name, "beside"], f"{form}: {X.shape} {list(X)}")
    if record.reading is None or drawn.kind not in ("number", "date", "time", "category") or len(drawn.cells) < FEWEST:
        return
    found = infer_schema(X)[name]
    alike = found.taken_as == record.taken_as or {found.taken_as, record.taken_as} <= {"number", "category", "constant"}
    check(alike, f"{form}: taken for {found.taken_as}, in memory for {record.taken_as} ({drawn.cells[0]!r})")
    own, _ = read_by(infer_schema(X), X, name)
    values, _ = read_by(schema, X, name)
    for read in (own, values) if found.taken_as == record.taken_as else (values,):
        off = [(c, a, b) for c, a, b in zip(drawn.cells, whole, read, strict=True) if not same([a], [b])]
        check(not off, f"{form}: (cell, in memory, from the file) {off[:1]}")


def check_fit(rng, drawn, name):
    """A fit ends, and gives the same answers for a row alone, and for every container."""
    n = len(drawn.cells)
    X = pd.DataFrame({name: pd.Series(as_objects(drawn.cells)), "beside": rng.normal(size=n)})
    if drawn.kind in ("audio", "video") or (drawn.kind == "image" and isinstance(drawn.cells[0], str)):
        return  # names of files that are not there
    y = X["beside"].to_numpy() + rng.normal(size=n)
    if rng.random() < 0.5:
        model = StackedClassifier(learners=[("linear", LogisticRegression(max_iter=20))], cv=2, random_state=0)
        model.fit(X, y > np.median(y))
        answer = model.predict_proba
    else:
        model = StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0).fit(X, y)
        answer = model.predict
    whole = answer(X)
    check(np.isfinite(whole).all(), "answers that are not finite")
    row = int(rng.integers(n))
    check(np.allclose(answer(X.iloc[[row]])[0], whole[row], rtol=1e-5, atol=1e-7), "one row alone has another answer")
    for container, other in containers(drawn, name):
        if container in ("a dict", "a row each", "types with NA", "polars", "pandas on Arrow"):
            new = pd.DataFrame({name: series_of(other, name), "beside": X["beside"]})
            check(np.allclose(answer(new), whole, rtol=1e-5, atol=1e-7), f"{container}: other answers")
