"""What inside the views moves the predictions most: columns of a table, words of a text, regions of a picture."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._modalities import MODALITIES
from ..data import as_fitted, take_rows
from ._media import look_at

N_ROWS = 100  # that are looked at
MOST_COLUMNS = 40  # of a table
MOST_WORDS = 60
MIN_ROWS = 5  # that a word must stand in
ROWS_OF_WORD = 10
N_PICTURES = 12
REGIONS = [f"{row} {column}".replace("middle middle", "middle") for row in ("top", "middle", "bottom")
           for column in ("left", "middle", "right")]  # fmt: skip
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Change:
    """Some rows with a part of one view changed: which part, which rows, and the new items of the view.

    Without a part nothing is changed, but the items are given in another form: what follows is compared with these.
    """

    part: str | None
    rows: np.ndarray
    items: object


def strongest_parts(model, X, *, random_state=0) -> pd.DataFrame:
    """Say how far predictions move when a part of a view is taken away.

    The values of a column are shuffled, a word is taken out of the texts, a ninth of a picture is painted in its mean
    colour. No label is needed. What moves a prediction is what the model looks at; whether it helps, scores tell.
    Rows of the fit tell the order only: the model knows them, and predictions of new rows move further.

    Parameters
    ----------
    model : fitted stack
    X : rows, as for `predict`; some hundred of them are looked at
    random_state : int, default=0

    Returns
    -------
    DataFrame
        Columns: "task", "view", "part", and "moved": the mean change of the prediction, in the unit of the target, or
        the share of probability that goes to other classes; the largest first for each task and view.
    """
    source, rng = as_fitted(X, model), np.random.default_rng(random_state)
    rows = np.sort(rng.permutation(source.shape[0])[:N_ROWS])
    new = model._new_rows(take_rows(source, rows))
    base = model._run_levels(new)[1]
    found = []
    for view, modality in model.views_.items():
        record, column = MODALITIES[modality], new.columns[view]
        here = np.flatnonzero(new.present[view])
        changes = list(_changes(record)(column, here, modality, rng))
        if not changes:
            continue
        order = np.concatenate([change.rows for change in changes])
        out = model._run_levels(new.varied(order, view, _joined([change.items for change in changes])))[1]
        found += [(task, view, *moved) for task, info in model.tasks_.items()
                  for moved in _moved(changes, out[task], base[task], info)]  # fmt: skip
    frame = pd.DataFrame(found, columns=["task", "view", "part", "moved"])
    return frame.sort_values("moved", ascending=False, kind="stable", ignore_index=True)


def _moved(changes, out, base, task):
    """Yield each part that was changed, and how far the predictions of its rows moved."""
    before, stop = base.reshape(len(base), -1).copy(), 0
    for change in changes:
        start, stop = stop, stop + len(change.rows)
        after = out[start:stop].reshape(len(change.rows), -1)
        if change.part is None:
            before[change.rows] = after
        else:
            yield change.part, task.rules.plain.apart(after, before[change.rows]).mean()


def _joined(items):
    return pd.concat(items, ignore_index=True) if isinstance(items[0], pd.DataFrame) else np.concatenate(items)


def _items(values):
    items = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # pictures of one shape would be joined to one array
        items[i] = value
    return items


def _columns(column, rows, modality, rng) -> Iterator[Change]:
    if not isinstance(column, pd.DataFrame) or len(rows) < 2:
        return
    for label in column.columns[:MOST_COLUMNS]:
        shuffled = column.iloc[rows].copy()
        place = shuffled.columns.get_loc(label)
        shuffled.isetitem(place, shuffled.iloc[rng.permutation(len(rows)), place].set_axis(shuffled.index))
        yield Change(str(label), rows, shuffled)


def _words(column, rows, modality, rng) -> Iterator[Change]:
    texts = {row: column[row] for row in rows if isinstance(column[row], str)}
    holders: Counter = Counter()
    for text in texts.values():
        holders.update(set(map(str.casefold, WORD.findall(text))))
    for word, n in holders.most_common(MOST_WORDS):
        if n < MIN_ROWS:
            return
        pattern = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
        chosen = [row for row, text in texts.items() if pattern.search(text)][:ROWS_OF_WORD]
        if chosen:
            yield Change(f"“{word}”", np.array(chosen), _items([pattern.sub(" ", texts[row]) for row in chosen]))


def _regions(column, rows, modality, rng) -> Iterator[Change]:
    looks = {row: look_at(column[row], modality) for row in rows[:N_PICTURES]}
    pictures = {row: np.asarray(look.content) for row, look in looks.items() if look.kind == "picture"}
    if not pictures:
        return
    yield Change(None, np.array(list(pictures)), _items(pictures.values()))
    for place, region in enumerate(REGIONS):
        painted = [_painted(picture, *divmod(place, 3)) for picture in pictures.values()]
        yield Change(f"the {region}", np.array(list(pictures)), _items(painted))


def _painted(picture, row, column):
    painted = picture.copy()
    height, width = picture.shape[:2]
    part = (slice(row * height // 3, (row + 1) * height // 3), slice(column * width // 3, (column + 1) * width // 3))
    painted[part] = picture.mean(axis=(0, 1))
    return painted


def _changes(record) -> Callable:
    """Return what changes parts of the items of a modality."""
    if record.takes == "table":
        return _columns
    if record.like == "words":
        return _words
    return _regions if record.is_look else lambda *given: ()
