"""Files count by what they hold, and each is read once for that."""

import os
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator

from ensemble_mm import ImageExtractor, StackedClassifier, TextExtractor
from ensemble_mm.store import FeatureCache, _files, content_key, data_key, row_keys, with_contents


@pytest.fixture(autouse=True)
def hashed(monkeypatch):
    """The paths that were hashed, in order; nothing is known at first, and files of a moment ago count as settled."""
    paths, hash_one = [], _files._hashed
    monkeypatch.setattr(_files, "_known", {})
    monkeypatch.setattr(_files, "SETTLED", -(10**18))
    monkeypatch.setattr(_files, "_hashed", lambda path, key: paths.append(path) or hash_one(path, key))
    return paths


def keys_of(items, named="content", cache=None):
    return row_keys(with_contents(items, named, cache)).tolist()


def replace_unseen(path, content):
    """Write other bytes of the same number, and set the time of writing back, as `cp -p` and `rsync -t` do."""
    before = path.stat()
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("as_path", [str, Path])
@pytest.mark.parametrize("name", ["1000", "x.picture", "x.bmp-v1", "x.bmp", "with space", "ü.png", ".png"])
def test_files_are_keyed_by_content_whatever_their_name(tmp_path, name, as_path, hashed):
    """Names without a known suffix were keyed by their text, others by size and time of writing."""
    path, copy = tmp_path / name, tmp_path / "copy"
    path.write_bytes(b"one")
    (first,) = keys_of([as_path(path)])
    replace_unseen(path, b"two")
    (second,) = keys_of([as_path(path)])
    path.rename(copy)
    (absent,) = keys_of([as_path(path)])
    assert len({first, second, absent}) == 3
    assert keys_of([str(copy)]) == [second]
    assert keys_of([str(copy)], "path") != [second]


def test_only_the_suffix_of_a_name_counts_for_sounds_and_clips(tmp_path):
    for name in ("a.mp4", "b.MP4", "b.wav", ".mp4", "c", "d.mp4/e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    keys = keys_of([str(tmp_path / name) for name in ("a.mp4", "b.MP4", ".mp4", "b.wav", "c", "d.mp4/e")], "suffix")
    assert len(set(keys[:3])) == 1 and keys[4] == keys[5] and len(set(keys)) == 3


def test_a_file_is_hashed_once_in_a_process_and_once_for_a_cache(tmp_path, hashed, monkeypatch):
    paths = [str(tmp_path / name) for name in "abc"]
    for i, path in enumerate(paths):
        Path(path).write_bytes(bytes([i]))
    cache = FeatureCache(tmp_path / "cache")
    first = keys_of(paths, cache=cache)
    assert keys_of(paths) == keys_of(paths, "content", cache) == first and hashed == paths
    monkeypatch.setattr(_files, "_known", {})  # as in another process
    assert keys_of(paths, cache=FeatureCache(tmp_path / "cache")) == first and hashed == paths
    Path(paths[1]).write_bytes(b"x")
    assert [a == b for a, b in zip(keys_of(paths, cache=cache), first, strict=True)] == [True, False, True]
    assert hashed == [*paths, paths[1]]


def test_a_file_of_a_moment_ago_is_hashed_each_time(tmp_path, hashed, monkeypatch):
    """Another change within a tick of the file system's clock would leave its times as they are."""
    monkeypatch.setattr(_files, "SETTLED", 3600 * 10**9)
    path = tmp_path / "a"
    path.write_bytes(b"1")
    assert keys_of([str(path)]) == keys_of([str(path)]) and len(hashed) == 2


def test_the_memory_of_digests_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "MOST_KNOWN", 3)
    for i in range(10):
        (tmp_path / str(i)).write_bytes(b"1")
        keys_of([str(tmp_path / str(i))])
    assert len(_files._known) <= 3


@pytest.mark.parametrize("width", [8, 3])
def test_planted_digests_that_are_none_are_not_taken(tmp_path, width, hashed):
    path, cache = tmp_path / "a", FeatureCache(tmp_path / "cache")
    path.write_bytes(b"1")
    cache.put_rows("files", [_files._identity(path)], np.full((1, width), np.nan))
    assert keys_of([str(path)], cache=cache) == keys_of([str(path)]) and hashed == [str(path)]


def test_what_is_no_file_keeps_its_words(tmp_path, hashed):
    """A pipe would be waited for without end."""
    os.mkfifo(tmp_path / "pipe")
    items = ["", "no such file", "a\0b", "x" * 5000, str(tmp_path / "pipe"), str(tmp_path), None, b"bytes", 3.5]
    assert with_contents(items, "content") == items and hashed == []
    keys_of([tmp_path / "pipe"])


@dataclass
class Changed:
    item: object
    seed: int


@pytest.mark.parametrize("wrap", [lambda p: (p, 16_000), lambda p: [p, p], lambda p: Changed(p, 1)])
def test_paths_within_items_count_by_content_too(tmp_path, wrap):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = keys_of([wrap(str(path)), "other"])
    path.write_bytes(b"2")
    after = keys_of([wrap(str(path)), "other"])
    assert before[0] != after[0] and before[1] == after[1]


def test_columns_of_numbers_come_back_as_they_are():
    for column in (np.ones((2, 3)), sp.csr_matrix(np.eye(2)), np.zeros((2, 4, 4, 3), np.uint8)):
        assert with_contents(column, "path") is column


def test_texts_of_a_frame_are_replaced_and_the_frame_is_not_changed(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    kind = pd.Categorical([str(path), "b"])
    frame = pd.DataFrame({"file": [str(path), None], "kind": kind, "n": [1, 2]}, index=[5, 6])
    before, copy = content_key(with_contents(frame, "path")), frame.copy(deep=True)
    path.write_bytes(b"2")
    assert content_key(with_contents(frame, "path")) != before
    pd.testing.assert_frame_equal(frame, copy)


class Reader(BaseEstimator):
    def __init__(self, place=None, cache=None):
        self.place = place
        self.cache = cache


def test_a_text_parameter_is_a_text_and_a_path_is_what_lies_there(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes(b"1")
    before = [content_key(Reader(place)) for place in (str(path), path, tmp_path)]
    path.write_bytes(b"2")
    after = [content_key(Reader(place)) for place in (str(path), path, tmp_path)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, False]
    assert content_key(Reader(cache=tmp_path)) == content_key(Reader(cache=str(tmp_path)))  # changes no answer


def test_a_folder_that_links_to_itself_ends(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"1")
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    before = content_key(tmp_path)
    (tmp_path / "deep" / "file").write_bytes(b"2")
    assert content_key(tmp_path) != before


@pytest.mark.parametrize("make", [TextExtractor, ImageExtractor, lambda **k: FrozenEstimator(ImageExtractor(**k))])
def test_changed_weights_of_an_encoder_change_the_key(tmp_path, make):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "weights").write_bytes(b"one")
    first = content_key(make(encoder=str(folder)))
    replace_unseen(folder / "weights", b"two")
    second = content_key(make(encoder=str(folder)))
    assert first != second == content_key(pickle.loads(pickle.dumps(make(encoder=str(folder)))))
    shutil.move(folder / "weights", folder / "other")
    assert content_key(make(encoder=str(folder))) not in (first, second)


def test_pictures_of_other_colours_have_other_keys():
    """A picture with a palette holds numbers of colours alone."""
    pictures = [Image.new("P", (2, 2), 1) for _ in range(4)]
    for picture, colour in zip(pictures, [(255, 0, 0), (0, 0, 255), (0, 0, 255), (0, 0, 255)], strict=True):
        picture.putpalette([0, 0, 0, *colour])
    pictures[2].info["transparency"] = 1
    pictures[3].getexif()[0x0112] = 6  # to be turned
    assert len({content_key(picture) for picture in pictures}) == 4
    assert content_key(pictures[0]) == content_key(pictures[0].copy())


def test_a_damaged_picture_has_a_key(tmp_path):
    Image.effect_noise((64, 64), 50).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:500])
    assert content_key(Image.open(tmp_path / "a.png"))


@pytest.mark.parametrize("container", [pd.DataFrame, dict, lambda views: list(views["photo"])])
def test_the_key_of_the_data_of_a_run_follows_its_files(tmp_path, container):
    path = tmp_path / "1000"
    path.write_bytes(b"1")
    model = StackedClassifier()
    X = container({"photo": [str(path)]})
    model.views_, model.view_columns_ = {"v": "image"}, {"v": "x" if isinstance(X, list) else "photo"}
    before = data_key(model, X)
    path.write_bytes(b"2")
    assert data_key(model, X) != before
