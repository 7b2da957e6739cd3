"""Files are whole or absent; the cache gives back what was put in, or nothing."""

import errno
import math
import os
import pickle
import resource
from concurrent.futures import ProcessPoolExecutor
from hashlib import blake2b
from multiprocessing import get_context

import numpy as np
import pytest
import scipy.sparse as sp

from ensemble_mm.store import FeatureCache, JobStore, _arrays, content_key, row_keys, write_atomic

KEY, OTHER = content_key("a"), content_key("b")


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "cache")


def files_of(cache):
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "file"
    write_atomic(path, b"before")

    def half(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, half)
    assert path.read_bytes() == b"before" and os.listdir(path.parent) == ["file"]
    write_atomic(path, lambda file: file.write(b"after"))
    assert path.read_bytes() == b"after" and os.listdir(path.parent) == ["file"]


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, b"before")

    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left.*unchanged") as caught:
        write_atomic(path, full)
    assert caught.value.errno == errno.ENOSPC and path.read_bytes() == b"before"


@pytest.mark.parametrize("array", [np.ones((2, 3), np.float32), np.arange(3), np.empty((0, 4)), np.float64(2.5)])
def test_arrays_come_back(cache, array):
    cache.put(KEY, array)
    found = cache.get(KEY)
    assert found.dtype == array.dtype and found.shape == array.shape and np.array_equal(found, array)
    assert cache.get(OTHER) is None


def test_sparse_matrices_come_back(cache):
    matrix = sp.random(20, 9, 0.3, format="csr", random_state=0, dtype=np.float32)
    cache.put(KEY, matrix)
    found = cache.get(KEY)
    assert sp.issparse(found) and found.dtype == np.float32 and (found != matrix).nnz == 0


def test_rows_come_back_in_any_order(cache):
    features = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    keys = row_keys(np.arange(60)[:, np.newaxis])
    nothing, found = cache.get_rows(KEY, keys)
    assert nothing.shape == (60, 0) and not found.any()
    cache.put_rows(KEY, keys[:40], features[:40])
    cache.put_rows(KEY, keys[30:50], features[30:50])
    order = np.random.default_rng(1).permutation(60)
    rows, found = cache.get_rows(KEY, keys[order])
    assert rows.dtype == np.float32
    assert np.array_equal(found, order < 50) and np.array_equal(rows[found], features[order[found]])
    assert np.isnan(rows[~found]).all()
    assert not cache.get_rows(OTHER, keys)[1].any()


def test_many_small_batches_become_few_files(cache):
    keys = row_keys(np.arange(150)[:, np.newaxis])
    features = np.arange(150, dtype=np.float32)[:, np.newaxis]
    for i in range(150):
        cache.put_rows(KEY, keys[i : i + 1], features[i : i + 1])
    rows, found = cache.get_rows(KEY, keys)
    assert found.all() and np.array_equal(rows, features)
    assert len(files_of(cache)) <= cache.max_batches + 1


def put_all(cache):
    cache.put(KEY, np.arange(30.0))
    cache.put_rows(KEY, row_keys(["a", "b"]), np.ones((2, 3)))


def get_all(cache):
    rows, found = cache.get_rows(KEY, row_keys(["a", "b"]))
    return cache.get(KEY), rows, found


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "pickle", "foreign"])
def test_damage_is_noticed_and_removed(cache, damage):
    put_all(cache)
    for path in files_of(cache):
        content = bytearray(path.read_bytes())
        if damage == "flip":
            content[len(content) // 2] ^= 1
        other = {"cut": content[:-9], "empty": b"", "pickle": pickle.dumps([1]), "foreign": b"x" * 400}
        path.write_bytes(other.get(damage, content))
    array, rows, found = get_all(cache)
    assert array is None and not found.any() and files_of(cache) == []
    put_all(cache)
    array, rows, found = get_all(cache)
    assert np.array_equal(array, np.arange(30.0)) and found.all()


def closed(magic, *arrays):
    """An entry whose checksum is right, as anybody can make it; arrays are (type, shape, bytes)."""
    body = magic
    for kind, shape, content in arrays:
        body += _arrays._HEAD.pack(kind, len(shape)) + np.array(shape, "<i8").tobytes() + content
    return body + blake2b(body, digest_size=16).digest()


HOSTILE = {
    "no rows": _arrays.pack_arrays(b"EMMrows1", [np.empty(0, "S32"), np.ones((0, 3), np.float32)]),
    "other keys": _arrays.pack_arrays(b"EMMrows1", [np.array([["a"], ["b"]], "S32"), np.ones((2, 3), np.float32)]),
    "other rows": _arrays.pack_arrays(b"EMMrows1", [np.array(["a", "b"], "S32"), np.ones((1, 3), np.float32)]),
    "too wide": _arrays.pack_arrays(b"EMMrows1", [np.array(["a"], "S32"), np.ones((1, 2**18 + 1), np.float32)]),
    "other type": closed(b"EMMrows1", (b"|S32", (1,), bytes(32)), (b"|O8", (1, 1), bytes(8))),
    "objects": closed(b"EMMdens1", (b"|O8", (1,), bytes(8))),
    "empty items": closed(b"EMMdens1", (b"|V0", (2**40, 2**20), b"")),
    "terabytes": closed(b"EMMdens1", (b"<f8", (2**40,), bytes(64))),
    "terabytes, twice": closed(b"EMMdens1", (b"<f8", (2**33, 2**33), bytes(64))),
    "less than nothing": closed(b"EMMdens1", (b"<f8", (-1, -8), bytes(64))),
    "many axes": closed(b"EMMdens1", (b"<f8", (1,) * 200, bytes(8))),
    "no shape": closed(b"EMMdens1"),
    "more behind it": closed(b"EMMdens1", (b"<f8", (1,), bytes(16))),
    "indices": _arrays.pack_arrays(b"EMMspar1", [np.array([2, 2]), np.arange(3), np.array([0, 9**9]), np.ones(2)]),
    "rows": _arrays.pack_arrays(b"EMMspar1", [np.array([2**62, 2]), np.arange(3), np.array([0, 1]), np.ones(2)]),
    "columns": _arrays.pack_arrays(b"EMMspar1", [np.array([2, 2**31]), np.arange(3), np.array([0, 1]), np.ones(2)]),
    "shape": _arrays.pack_arrays(b"EMMspar1", [np.array([2]), np.arange(3), np.array([0, 1]), np.ones(2)]),
    "pickle": pickle.dumps([1]),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_forged_entries_count_as_absent(cache, content):
    put_all(cache)
    for path in files_of(cache):
        path.write_bytes(content)
    array, rows, found = get_all(cache)
    assert array is None and not found.any() and files_of(cache) == []
    put_all(cache)
    assert get_all(cache)[2].all()


@pytest.mark.parametrize("size", [2**28 + 1, 3 * 2**30])
def test_a_planted_file_of_gigabytes_is_not_read(cache, size):
    """It was read whole."""
    put_all(cache)
    for path in files_of(cache):
        with open(path, "wb") as file:
            file.truncate(size)  # holes: it takes no room on disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    array, rows, found = get_all(cache)
    assert array is None and not found.any() and files_of(cache) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_what_is_too_large_is_not_written(cache, monkeypatch):
    """So that what is read can be bounded; many rows are cut into files that may be read."""
    monkeypatch.setattr(cache, "most_read", 4000)
    cache.put(KEY, np.ones(1000))
    cache.put(OTHER, sp.csr_matrix((2, 2**31), dtype=np.float32))
    assert files_of(cache) == []
    keys, features = row_keys(np.arange(100)[:, np.newaxis]), np.arange(2000, dtype=np.float32).reshape(100, 20)
    cache.put_rows(KEY, keys, features)
    assert len(files_of(cache)) == math.ceil(100 / ((4000 - 1024) // 112))
    rows, found = cache.get_rows(KEY, keys)
    assert found.all() and np.array_equal(rows, features)


@pytest.mark.parametrize("place", ["", "file", "file/below", "a\0b", "x" * 300, 3, True])
@pytest.mark.parametrize("make", [FeatureCache, JobStore])
def test_an_impossible_place_is_told_with_what_to_do(make, place, tmp_path, monkeypatch):
    """Issue 17: `[Errno 20]` came raw."""
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    words = "^(The|No folder for the) (cache|checkpoint) .*Give the path"
    with pytest.raises((OSError, ValueError), match=words) as told:
        make(place)
    assert repr(place) in str(told.value) and "Errno" not in str(told.value)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_counts_as_absent(cache, make):
    """A pipe would be waited for without end."""
    put_all(cache)
    for path in files_of(cache):
        path.unlink()
        make(path)
    array, rows, found = get_all(cache)
    assert array is None and not found.any()


def test_a_link_out_of_the_folder_is_not_followed_when_written(cache, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    cache.put(KEY, np.ones(3))
    (path,) = files_of(cache)
    path.unlink()
    path.symlink_to(outside)
    assert cache.get(KEY) is None and outside.read_bytes() == b"mine"
    path.symlink_to(outside)
    cache.put(KEY, np.ones(3))
    assert cache.get(KEY).sum() == 3 and outside.read_bytes() == b"mine" and not path.is_symlink()


def test_object_arrays_are_never_kept(cache):
    with pytest.raises(ValueError, match="object values are not kept"):
        cache.put(KEY, np.array([{}], dtype=object))


def test_the_oldest_goes_first(tmp_path):
    cache = FeatureCache(tmp_path, max_bytes=3500)
    keys = [content_key(i) for i in range(5)]
    for age, key in enumerate(keys):
        cache.put(key, np.zeros(1000, dtype=np.uint8))
        path = tmp_path / "arrays" / f"{key}.npc"
        os.utime(path, ns=(age * 10**9, age * 10**9))
    assert [cache.get(key) is not None for key in keys] == [False, False, True, True, True]
    assert sum(path.stat().st_size for path in files_of(cache)) <= 3500
    cache.put(OTHER, np.zeros(10_000, dtype=np.uint8))  # larger than all that there may be
    assert cache.get(OTHER) is None and cache.get(keys[-1]) is not None


@pytest.mark.parametrize("key", ["../escape", "/etc/passwd", "a.b", "", "a" * 200, 3])
def test_keys_cannot_name_files_elsewhere(cache, key):
    with pytest.raises(ValueError, match="not a key"):
        cache.put(key, np.ones(2))
    with pytest.raises(ValueError, match="not a key"):
        cache.get_rows(key, row_keys(["a"]))


def test_what_killed_writers_left_is_swept(tmp_path):
    cache = FeatureCache(tmp_path)
    put_all(cache)
    paths = [*files_of(cache), JobStore(tmp_path / "fitted").folder / "a.job"]
    old, new = [[path.with_name(f".{path.name}.{i}.{'f' * 32}.part") for path in paths] for i in (1, 2)]
    users = [tmp_path / "film.part", tmp_path / "arrays" / ".film.part", tmp_path / "films" / old[0].name]
    (tmp_path / "films").mkdir()
    for path in [*old, *new, *users]:
        path.touch()
    for path in [*old, *users]:
        os.utime(path, (0, 0))
    FeatureCache(tmp_path)
    JobStore(tmp_path / "fitted")
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in [*new, *users])  # files of others stay, wherever the cache is put


def test_files_of_others_are_never_removed_for_room(tmp_path):
    users = [tmp_path / "mine.npc", tmp_path / "deep" / "nightly.job"]
    users[1].parent.mkdir()
    for path in users:
        path.write_bytes(bytes(5000))
    cache = FeatureCache(tmp_path, max_bytes=1000)
    cache.put(KEY, np.ones(10))
    cache.put(OTHER, {"any": "value"})
    assert all(path.exists() for path in users) and cache.get(KEY) is not None


def use_cache(folder, seed):
    cache = FeatureCache(folder, max_bytes=60_000)
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(25):
        ids = rng.integers(0, 60, 10)
        keys = row_keys(ids[:, np.newaxis])
        truth = np.repeat(ids[:, np.newaxis], 4, axis=1).astype(np.float32)
        rows, found = cache.get_rows(KEY, keys)
        wrong += bool(found.any() and not np.array_equal(rows[found], truth[found]))
        cache.put_rows(KEY, keys[~found], truth[~found])
        key = content_key(int(ids[0]))
        kept = cache.get(key)
        wrong += kept is not None and not (kept == ids[0]).all()
        cache.put(key, np.full(500, ids[0]))
    return wrong


def test_processes_share_a_folder(tmp_path):
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        assert sum(pool.map(use_cache, [tmp_path] * 3, range(3))) == 0
