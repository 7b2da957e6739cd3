"""Files are whole or absent; the cache gives back what was put in, or nothing."""

import errno
import io
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from hashlib import blake2b
from multiprocessing import get_context

import numpy as np
import pytest
import scipy.sparse as sp

from ensemble_mm.store import FeatureCache, _arrays, content_key, row_keys, write_atomic

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


def hostile_entries():
    """Entries whose checksum is right, as anybody can make them."""
    keys, ones = np.array(["a", "b"], "S32"), np.ones((2, 3), np.float32)
    huge = io.BytesIO()  # says of itself that it has terabytes
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)})
    yield "no rows", _arrays._pack(b"EMMrows1", [keys[:0], ones[:0]])
    yield "other keys", _arrays._pack(b"EMMrows1", [keys.reshape(2, 1), ones])
    yield "other rows", _arrays._pack(b"EMMrows1", [keys, ones[:1]])
    yield "text", _arrays._pack(b"EMMrows1", [keys, np.array([["x"], ["y"]])])
    starts, ones = np.array([0, 1, 2]), np.ones(2)
    yield "indices", _arrays._pack(b"EMMspar1", [np.array([2, 2]), starts, np.array([0, 9**9]), ones])
    yield "shape", _arrays._pack(b"EMMspar1", [np.array([2**62, 2]), starts, np.array([0, 1]), ones])
    for magic in (b"EMMdens1", b"EMMrows1"):
        pickled = io.BytesIO()
        np.lib.format.write_array(pickled, np.array([Planted()], dtype=object), allow_pickle=True)
        for body in (pickled.getvalue(), huge.getvalue()):
            yield "signed", magic + body + blake2b(magic + body, digest_size=16).digest()


class Planted:
    """Ends the process when it is unpickled."""

    def __reduce__(self):
        return os._exit, (1,)


@pytest.mark.parametrize("content", [content for _, content in hostile_entries()])
def test_forged_entries_count_as_absent(cache, content):
    put_all(cache)
    for path in files_of(cache):
        path.write_bytes(content)
    array, rows, found = get_all(cache)
    assert not found.any() and (array is None or content.startswith((b"EMMdens1", b"EMMspar1")))
    put_all(cache)
    assert get_all(cache)[2].all()


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
    with pytest.raises(ValueError, match="allow_pickle"):
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
    old, new = tmp_path / "arrays" / ".x.part", tmp_path / "arrays" / ".y.part"
    old.parent.mkdir()
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    FeatureCache(tmp_path)
    assert not old.exists() and new.exists()


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
