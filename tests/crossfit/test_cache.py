"""The feature cache inside a fit: what was extracted once is not extracted again."""

import errno
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

from ensemble_mm import StackedClassifier, StackedRegressor, TextExtractor
from ensemble_mm.store import Cache, FeatureCache


class Counted(TransformerMixin, BaseEstimator):
    """Needs no fit; writes one line per row into a file, so that workers count too."""

    def __init__(self, log, kind="dense"):
        self.log = log
        self.kind = kind

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        items = [float(np.ravel(item)[0]) for item in np.asarray(X, dtype=object).ravel()]
        with open(self.log, "a") as file:
            file.writelines(f"{item}\n" for item in items)
        block = np.array([[item, item**2] for item in items])
        if self.kind == "sparse":
            return sparse.csr_matrix(block, dtype=np.float32)
        return block if self.kind == "double" else block.astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    number = rng.normal(size=60)
    words = np.array(["good fine", "bad poor"])[(number + rng.normal(size=60) > 0).astype(int)]
    return {"number": list(number[:, np.newaxis]), "words": list(words)}, (number > 0).astype(int)


def stack(log, cache, **settings):
    views = [("number", Counted(str(log), settings.pop("kind", "dense"))), ("words", TextExtractor())]
    return StackedClassifier(
        views, [("linear", LogisticRegression())], cv=3, cache=cache, meta_learner="mean", random_state=0, **settings
    )


def seen(log):
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("kind", ["dense", "sparse", "double"])
def test_a_second_fit_extracts_nothing_and_gives_the_same(data, tmp_path, kind):
    X, y = data
    log = tmp_path / "log"
    plain = stack(tmp_path / "other", None, kind=kind).fit(X, y)
    first = stack(log, tmp_path / "cache", kind=kind).fit(X, y)
    n = len(seen(log))
    assert n == 60
    second = stack(log, tmp_path / "cache", kind=kind).fit(X, y)
    assert len(seen(log)) == n
    for model in (first, second):
        np.testing.assert_array_equal(model.table_.to_frame(), plain.table_.to_frame())


def test_new_rows_alone_are_extracted(data, tmp_path):
    X, y = data
    log, cache = tmp_path / "log", tmp_path / "cache"
    fewer = {name: column[:40] for name, column in X.items()}
    stack(log, cache).fit(fewer, y[:40])
    model = stack(log, cache).fit(X, y)
    assert len(seen(log)) == 60
    model.predict(X)
    assert len(seen(log)) == 60


def test_fitted_extractions_of_a_grid_search_are_shared(data, tmp_path, monkeypatch):
    X, y = data
    calls = []
    fit = TextExtractor.fit_transform
    monkeypatch.setattr(TextExtractor, "fit_transform", lambda self, *a, **k: calls.append(1) or fit(self, *a, **k))
    from ensemble_mm import MultimodalData

    search = GridSearchCV(
        stack(tmp_path / "log", tmp_path / "cache"), {"linear__C": [0.1, 1.0, 10.0]}, cv=2, scoring="accuracy"
    )
    search.fit(MultimodalData(X), y)
    assert len(calls) == 2 * 4 + 4  # each outer fold, then all rows: three folds and the refit, for all candidates


def test_other_settings_find_nothing(data, tmp_path):
    X, y = data
    log, cache = tmp_path / "log", tmp_path / "cache"
    stack(log, cache).fit(X, y)
    stack(log, cache, kind="double").fit(X, y)
    assert len(seen(log)) == 120


def test_damaged_entries_are_computed_again(data, tmp_path):
    X, y = data
    log, cache = tmp_path / "log", tmp_path / "cache"
    first = stack(log, cache).fit(X, y)
    for path in cache.rglob("*"):
        if path.is_file():
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 255
            path.write_bytes(bytes(content))
    again = stack(log, cache).fit(X, y)
    assert len(seen(log)) == 120
    np.testing.assert_array_equal(first.table_.to_frame(), again.table_.to_frame())


def test_a_cache_without_room_costs_a_fit_nothing_but_a_warning(data, tmp_path, monkeypatch):
    X, y = data
    plain = stack(tmp_path / "other", None).fit(X, y)
    log, cache = tmp_path / "log", tmp_path / "cache"

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        patch.setattr(os, "fsync", full)
        model = stack(log, cache).fit(X, y)
    assert [f"Could not write to the cache in '{cache}' (No space left" in str(w.message) for w in heard] == [True]
    np.testing.assert_array_equal(model.table_.to_frame(), plain.table_.to_frame())
    assert not [path for path in cache.rglob("*") if path.is_file()]
    stack(log, cache).fit(X, y)
    assert len(seen(log)) == 120  # there is room now


def test_the_byte_limit_holds_for_all_entries(data, tmp_path):
    X, y = data
    stack(tmp_path / "log", FeatureCache(tmp_path / "cache", max_bytes=20_000)).fit(X, y)
    assert sum(p.stat().st_size for p in (tmp_path / "cache").rglob("*") if p.is_file()) <= 20_000


def test_columns_of_sparse_rows_in_any_order_do_not_crash_xgboost():
    """XGBoost 3.2 ends the process on CSR rows whose column numbers are not sorted."""
    rng = np.random.default_rng(0)
    X = sparse.csr_matrix(rng.normal(size=(42, 30)))
    shuffled = np.concatenate([start + rng.permutation(30) for start in X.indptr[:-1]])
    X = sparse.csr_matrix((X.data[shuffled], X.indices[shuffled], X.indptr), shape=X.shape)
    y = rng.normal(size=42)
    model = StackedRegressor(learners=[("xgb", XGBRegressor(n_estimators=30))], cv=3).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def fit_in_shared_folders(folder, seed):
    rng = np.random.default_rng(0)
    X = {"number": rng.normal(size=(60, 1)), "words": ["good fine", "bad poor"] * 30}
    views = [("number", StandardScaler()), ("words", TextExtractor())]
    settings = {} if folder is None else {"cache": folder / "cache", "checkpoint": folder / "jobs"}
    settings["meta_learner"] = "simplex"
    model = StackedClassifier(views, [("linear", LogisticRegression())], cv=3, random_state=seed, **settings)
    model.fit(X, X["number"][:, 0] + np.arange(60) % 2 > 0.5)
    return model.table_.to_frame().to_numpy().tobytes() + model.predict_proba(X).tobytes()


def test_fits_that_share_their_folders_do_not_change_each_other(tmp_path):
    """Three processes: two do the same work, and want to write the same files."""
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        found = list(pool.map(fit_in_shared_folders, [tmp_path] * 6, [0, 0, 1, 0, 1, 1]))
    zero, one = fit_in_shared_folders(None, 0), fit_in_shared_folders(None, 1)
    assert found == [zero, zero, one, zero, one, one] and zero != one
    assert not list(tmp_path.rglob("*.part"))


class Shelf:
    """A cache of a user's own: four methods, and no folder."""

    def __init__(self):
        self.values, self.rows = {}, {}

    def get(self, key):
        return self.values.get(key)

    def put(self, key, value):
        self.values[key] = value

    def get_rows(self, config_key, row_keys):
        known = [self.rows.get((config_key, key)) for key in row_keys]
        found = np.array([row is not None for row in known], dtype=bool)
        width = next((len(row) for row in known if row is not None), 0)
        rows = [np.full(width, np.nan) if row is None else row for row in known]
        return np.array(rows, dtype=np.float32).reshape(len(known), width), found

    def put_rows(self, config_key, row_keys, array):
        self.rows |= {(config_key, key): row for key, row in zip(row_keys, array, strict=True)}


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_any_object_with_the_methods_is_a_cache(data, tmp_path, kind):
    X, y = data
    log, shelf = tmp_path / "log", Shelf()
    assert isinstance(shelf, Cache)
    first, second = (stack(log, shelf, kind=kind).fit(X, y) for _ in range(2))
    assert len(seen(log)) == 60 and shelf.values and bool(shelf.rows) == (kind == "dense")
    np.testing.assert_array_equal(first.table_.to_frame(), second.table_.to_frame())
    assert second.predict(X).shape == (60,) and len(seen(log)) == 60
