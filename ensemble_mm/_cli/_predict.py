"""`predict`: a table of any length is read, predicted and written part by part."""

import contextlib
import json
import sys
import warnings
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from .._checks import BadItemsError, BadItemsWarning, did_you_mean
from ..endpoint import table_of
from ._growing import growing_table
from ._progress import counting_rows
from ._reading import load_model, media_of, split, texts_of
from ._tables import check_format, some, tell, with_few_digits

PART_ROWS = 5_000  # of a table, which are predicted at a time


def predict(args):
    """Predict a table part by part: the memory that is taken does not grow with it."""
    if args.out != "-" and "://" not in args.out:
        check_format(args.out)
    from ..data import read_parts

    model = load_model(args)
    is_text = not args.out.endswith(".parquet") and "://" not in args.out
    layout = {"sep": args.sep, "decimal": args.decimal, "encoding": args.encoding}
    parts = read_parts(args.data, args.root, n_rows=PART_ROWS, media=media_of(model), texts=texts_of(model), **layout)
    with growing_table(args.out, _made_of(args), args.resume) as (add, before), counting_rows(args.data) as advance:
        start = 0
        for part in parts:
            new = part.iloc[max(before - start, 0) :]
            if len(new):
                rows = _row_names(args, part, start).loc[new.index]
                found = _outputs(args, model, new, start)
                if is_text:
                    found = {name: with_few_digits(values) for name, values in found.items()}
                add(pd.DataFrame({rows.name: rows} | found))
            start += len(part)
            advance(len(part))
        if not start:
            raise ValueError(f"{'The standard input' if args.data == '-' else repr(args.data)} has no rows.")
    tell(f"{start} predictions: {args.out}", sys.stderr if args.out == "-" else None)


def _row_names(args, part, start):
    """Return what names the rows of a part of a table that begins with row `start`."""
    if args.id is None:
        return pd.Series(np.arange(start, start + len(part)), part.index, name="row")
    if args.id not in part:
        near = did_you_mean(args.id, part.columns)
        raise ValueError(f"There is no column {args.id!r} in {args.data!r} to name the rows by: {some(part)}.{near}")
    return part[args.id]


def _made_of(args) -> str:
    """Return what a file of predictions is made of, as far as it can be told without reading it all."""
    table = Path(args.data)
    state = [table.stat().st_size, table.stat().st_mtime_ns] if table.is_file() else []
    layout = [args.sep, args.decimal, args.encoding]
    told = [args.data, state, args.id, args.proba, args.interval, args.on_bad, str(args.root), *layout]
    return sha256(Path(args.model).read_bytes() + json.dumps(told).encode()).hexdigest()


def _outputs(args, model, part, start):
    """Return {name: values} of the prediction columns of a part of a table that begins with row `start`."""
    X, _ = split(model, part)
    with _row_numbers(start + int(part.index[0])):
        return dict(table_of(model, X, args.proba, args.interval))


@contextlib.contextmanager
def _row_numbers(start):
    """Count the rows that cannot be read from the first row of the table, not of its part."""

    def moved(error):
        return BadItemsError(error.what, [start + row for row in error.rows], error.reasons)

    with warnings.catch_warnings(record=True) as caught:
        try:
            yield
        except BadItemsError as error:
            raise moved(error) from None
    for warning in caught:
        bad = isinstance(warning.message, BadItemsWarning)
        warnings.warn(BadItemsWarning(moved(warning.message.error)) if bad else warning.message, stacklevel=1)
