"""Checks of an audit that look for what comes twice: rows, texts and files that are equal, pictures that nearly are."""

import re

import numpy as np
import pandas as pd

from .._modalities import MODALITIES
from ..data import present_rows, take_rows
from ..store import content_key, row_keys, with_contents

TOLERATED = 0.01  # share of held-out rows with a twin among the training rows above which the score is in doubt
LONG_TEXT = 20  # characters; shorter texts repeat by chance
BY_CHANCE = 3.0  # times what independent columns would give, up to which repeated rows say nothing
SIDE = 16  # pixels of a picture in which near duplicates are alike
ALIKE = 0.99  # correlation of their pixels; of handwritten digits the nearest two reach .98
APART = 38.0  # grey levels by which their pixels may differ
PLAIN = 2.0  # grey levels of spread below which a picture shows nothing


def check_duplicates(views, columns, folds):
    """Look for held-out rows that equal a training row of the same fold: whole rows, and texts and files alone.

    `columns` maps a view to its items; two views of the same items, such as clips and their sound, are looked at once.
    """
    views = list({content_key(view.columns): view for view in reversed(views)}.values())[::-1]
    keys = {view.name: _keys(columns[view.name], view.modality) for view in views}
    whole = np.array(
        [b"".join(parts) for parts in zip(*(list(key) for key in keys.values()), strict=True)], dtype=object
    )
    chance = [_chance(columns[view.name], view.modality, keys[view.name]) for view in views]
    expected = np.prod(chance) * np.mean([len(train) for train, _ in folds])
    telling = [_are_short(columns[v.name], v.modality) for v, share in zip(views, chance, strict=True) if share == 0]
    whole[np.all(telling, axis=0) & bool(telling)] = None  # "great!" among long reviews
    checks = [_judge_twins("duplicated rows", "rows equal", whole, folds, strict=True, expected=expected)]
    for name, modality in ((view.name, view.modality) for view in views):
        if MODALITIES[modality].takes != "items" or len(views) == 1:
            continue
        check, items, here = f"repeated items of view {name!r}", keys[name].astype(object), present_rows(columns[name])
        short = _are_short(columns[name], modality)
        if here.any() and short[here].all():
            words = (
                f"Not looked at: the {here.sum()} texts, {len(set(items[here]))} of them different, have fewer than "
                f"{LONG_TEXT} characters and may repeat by chance. If they name persons or places, pass them as groups."
            )
            checks.append((check, "skip", np.nan, words))
            continue
        items[short | ~here] = None
        checks.append(_judge_twins(check, f"items of {name!r} equal", items, folds))
    return checks


def check_near_duplicates(view, column, folds, rows):
    """Look for held-out pictures, among some rows, that look like one of the training rows of their fold."""
    rows, look = rows[present_rows(column)[rows]], MODALITIES[view.modality].look
    check = f"near duplicates of view {view.name!r}"
    if MODALITIES[view.modality].takes != "items" or MODALITIES[view.modality].like == "words" or len(rows) < 2:
        return []
    try:
        shown = [look(item) for item in take_rows(column, rows)]
    except Exception as error:  # files that cannot be read are told where they are read
        words = f"The items of view {view.name!r} could not be looked at: {type(error).__name__}: {error}"
        return [(check, "skip", np.nan, words[:300])]
    if any(np.ndim(picture) != 3 for picture in shown):
        return []
    pixels = np.array([_shrunk(picture).ravel() for picture in shown])
    apart = pixels - pixels.mean(axis=1, keepdims=True)
    size = np.linalg.norm(apart, axis=1)
    size[size < PLAIN * pixels.shape[1] ** 0.5] = np.inf  # a plain picture is like no other
    apart /= size[:, np.newaxis]
    place = np.full(len(column), -1)
    place[rows] = np.arange(len(rows))
    twins, held_out = set(), set()
    for train, test in folds:
        train, test = (part[part >= 0] for part in (place[train], place[test]))
        likeness = apart[test] @ apart[train].T
        for one, other in np.argwhere(likeness > ALIKE):
            if np.sqrt(np.mean((pixels[test[one]] - pixels[train[other]]) ** 2)) < APART:
                twins.add(int(rows[test[one]]))
        held_out |= set(test.tolist())
    what = f"pictures of view {view.name!r} look like"
    return [_told(check, "warn", twins, len(held_out), what, "Remove them, or pass groups that keep them together.")]


def _keys(column, modality):
    if MODALITIES[modality].like == "words":
        column = np.array([_as_said(item) if isinstance(item, str) else item for item in column], object)
    return row_keys(with_contents(column, "content") if MODALITIES[modality].files else column)


def _as_said(text):
    """Return a text without what makes no other one: spaces and capitals, and signs between words, as "!" is."""
    words = text.casefold().split()
    said = [word for word in (re.sub(r"\W", "", word) for word in words) if word]
    return " ".join(said if len(said) > 1 else words)  # of one word, such as a molecule, signs tell


def _are_short(column, modality) -> np.ndarray:
    if MODALITIES[modality].like != "words":
        return np.zeros(column.shape[0] if hasattr(column, "shape") else len(column), dtype=bool)
    return np.array([len(str(item)) < LONG_TEXT for item in column])


def _chance(column, modality, keys) -> float:
    """Return how likely two rows say the same in a view by chance; 0 of long texts, media and vectors."""
    if isinstance(column, pd.DataFrame):
        return float(np.prod([_alike(column.iloc[:, place].map(str)) for place in range(column.shape[1])]))
    if MODALITIES[modality].like != "words" or _are_short(column, modality).mean() <= 0.5:
        return 0.0
    return _alike(keys)


def _alike(values) -> float:
    """Return the share of pairs of rows that have the same value."""
    return float(((np.unique(values, return_counts=True)[1] / len(values)) ** 2).sum())


def _judge_twins(check, what, keys, folds, strict=False, expected=0.0):
    """Count held-out rows whose key is also among the training rows of their fold."""
    twins, held_out = set(), set()
    keys = pd.Series(list(keys), dtype=object)
    codes = keys.factorize()[0]  # -1 for None: never a twin
    for train, test in folds:
        trained_on = np.unique(codes[train])
        twins |= set(np.asarray(test)[np.isin(codes[test], trained_on) & (codes[test] >= 0)].tolist())
        held_out |= set(np.asarray(test).tolist())
    if len(twins) <= BY_CHANCE * expected * len(held_out):
        return _told(check, "pass", twins, len(held_out), what, "So few or so short values repeat by chance.")
    verdict = "fail" if strict and len(twins) > TOLERATED * len(held_out) else "warn"
    remedy = "Remove them, or pass groups that keep equal rows together."
    return _told(check, verdict, twins, len(held_out), what, remedy)


def _told(check, verdict, twins, n_held_out, what, words):
    share = len(twins) / max(1, n_held_out)
    finding = f"{len(twins)} of {n_held_out} held-out {what} one of the training rows of their fold"
    if not twins:
        return (check, "pass", share, f"{finding}.")
    example = ", ".join(map(str, sorted(twins)[:5]))
    return (check, verdict, share, f"{finding} (rows {example} ...). {words}")


def _shrunk(picture) -> np.ndarray:
    """Return a picture as one of SIDE times SIDE pixels, each the mean of its area."""
    picture = np.asarray(picture, dtype=float)
    height, width = (_areas(length) for length in picture.shape[:2])
    return np.einsum("ih,hwc,jw->ijc", height, picture, width, optimize=True)


def _areas(length) -> np.ndarray:
    edges, pixel = np.linspace(0, length, SIDE + 1)[:, np.newaxis], np.arange(length)
    share = np.clip(np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel), 0, None)
    return share / share.sum(axis=1, keepdims=True)
