"""What the cache and the checkpoint keep of a file is served while the file holds the same, and never after.

Files without a known suffix were keyed by their names, others by size and time of writing.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ensemble_mm import ImageExtractor, MultimodalData, StackedClassifier
from ensemble_mm._checks import as_items
from ensemble_mm.crossfit import _extract
from ensemble_mm.crossfit._extract import cached_chunk
from ensemble_mm.crossfit._features import merge_chunks
from ensemble_mm.inspection import audit
from ensemble_mm.store import FeatureCache

SMALL = ImageExtractor(features=["thumbnail"])


def paint(path, grey):
    """Write a picture of one colour; of those of any two colours size and time of writing are equal."""
    Image.new("L", (8, 8), grey).save(path, format="BMP")
    os.utime(path, ns=(10**18, 10**18))


def first_bytes(items):
    return np.array([[float(Path(item).read_bytes()[-1])] for item in np.ravel(items)], dtype=np.float32)


class Learned(TransformerMixin, BaseEstimator):
    """An extractor of a user's that needs a fit and opens files."""

    def fit(self, X, y=None):
        self.mean_ = first_bytes(X).mean()
        return self

    def transform(self, X):
        return first_bytes(X) - self.mean_


@pytest.mark.parametrize("name", ["1000", "x.picture", "x.bmp-v1", "x.bmp"])
@pytest.mark.parametrize(
    "extractor",
    {
        "own": SMALL,
        "pipeline": make_pipeline(SMALL, FunctionTransformer()),
        "union": FeatureUnion([("a", SMALL)]),
        "users": FunctionTransformer(first_bytes),
    }.values(),
)
def test_a_changed_file_is_read_again(tmp_path, name, extractor):
    cache, items = FeatureCache(tmp_path / "cache"), as_items([str(tmp_path / name)])
    for grey in (10, 200):
        paint(tmp_path / name, grey)
        for _ in range(2):
            found, _ = cached_chunk(extractor, cache, items)
            np.testing.assert_array_equal(found, extractor.transform(items))


@pytest.fixture
def pictures(tmp_path):
    """Twenty pictures whose names say nothing, in two classes by their brightness."""
    (tmp_path / "photos").mkdir()
    y = np.arange(20) % 2
    paths = [tmp_path / "photos" / str(1000 + i) for i in range(20)]
    for i, path in enumerate(paths):
        paint(path, 200 - 5 * i if y[i] else i)
    return paths, y


def stack(extractor=SMALL, **settings):
    learners = [("linear", LogisticRegression())]
    return StackedClassifier([("photo", extractor)], learners, cv=2, random_state=0, **settings)


@pytest.mark.parametrize("extractor", [SMALL, make_pipeline(SMALL, StandardScaler()), Learned()])
@pytest.mark.parametrize("container", [dict, pd.DataFrame, MultimodalData])
def test_a_fit_on_changed_files_is_a_fit_on_changed_files(tmp_path, pictures, container, extractor):
    paths, y = pictures
    X = container({"photo": list(map(str, paths))})
    kept = {"cache": tmp_path / "cache", "checkpoint": tmp_path / "jobs"}
    before = stack(extractor, **kept).fit(X, y)
    for i, path in enumerate(paths):
        paint(path, 200 - 5 * i if not y[i] else i)  # the classes change places
    after, plain = stack(extractor, **kept).fit(X, y), stack(extractor).fit(X, y)
    np.testing.assert_array_equal(after.table_.to_frame(), plain.table_.to_frame())
    np.testing.assert_array_equal(after.predict_proba(X), plain.predict_proba(X))
    if not isinstance(extractor, Learned):
        assert before.score(X, y) == 0 and after.score(X, y) == 1  # the old one reads the new files, too


def test_two_folders_with_equal_names_share_nothing(tmp_path, monkeypatch):
    cache, found = FeatureCache(tmp_path / "cache"), []
    for place, grey in (("a", 10), ("b", 200)):
        (tmp_path / place).mkdir()
        paint(tmp_path / place / "1", grey)
        monkeypatch.chdir(tmp_path / place)
        found.append(cached_chunk(SMALL, cache, as_items(["1"]))[0])
    assert not np.array_equal(*found)


def test_a_copy_under_another_name_is_found(tmp_path, monkeypatch):
    paint(tmp_path / "a.bmp", 10)
    shutil.copy(tmp_path / "a.bmp", tmp_path / "copy")
    cache = FeatureCache(tmp_path / "cache")
    first, _ = cached_chunk(SMALL, cache, as_items([str(tmp_path / "a.bmp")]))
    monkeypatch.setattr(_extract, "transform_chunk", None)  # nothing is extracted
    for path in (str(tmp_path / "copy"), tmp_path / "copy", tmp_path / "a.bmp"):
        found, _ = cached_chunk(SMALL, cache, as_items([path]))
        np.testing.assert_array_equal(found, first)


def test_an_extractor_of_a_users_may_read_the_name(tmp_path):
    paint(tmp_path / "aa", 10)
    paint(tmp_path / "b", 10)
    cache = FeatureCache(tmp_path / "cache")
    lengths = FunctionTransformer(lambda X: np.array([[float(len(x))] for x in X]))
    found = [cached_chunk(lengths, cache, as_items([str(tmp_path / name)]))[0] for name in ("aa", "b")]
    assert found[0] == found[1] + 1


def test_a_file_that_changes_while_it_is_read_is_not_kept(tmp_path):
    path, cache = tmp_path / "a", FeatureCache(tmp_path / "cache")
    path.write_bytes(b"1")
    kept = []
    cache.put_rows = lambda config, keys, rows: kept.append(config)

    def read_late(items):
        path.write_bytes(b"2")
        return first_bytes(items)

    for _ in range(2):  # the second time it holds the same before and after
        cached_chunk(FunctionTransformer(read_late), cache, as_items([str(path)]))
        kept.append("end")
    assert kept[0] == "end" and len(kept) == 3


def test_equal_files_under_other_names_are_told_by_the_audit(pictures):
    paths, y = pictures
    shutil.copy(paths[0], paths[1])
    shutil.copy(paths[0], paths[2])
    found = audit(stack(), {"photo": list(map(str, paths))}, y).set_index("check")
    assert found.loc["duplicated rows", "words"].startswith("3 of 20 held-out rows equal")


def test_rows_of_other_widths_are_told_with_what_to_do():
    pieces = [(np.ones((1, 3)), None), (np.ones((1, 5)), None)]
    with pytest.raises(ValueError, match="view 'v' have different numbers of features .3, 5.*cache"):
        merge_chunks([("v", np.array([0])), ("v", np.array([1]))], pieces, {"v": 2}, 2)
