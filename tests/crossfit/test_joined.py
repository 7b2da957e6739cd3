import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ensemble_mm.crossfit import _joined
from ensemble_mm.crossfit._joined import as_block, joined_parts, joined_rows, spread_rows, stacked
from ensemble_mm.store import BlockFolder, _blocks


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([1, 2, 3], np.array([[1], [2], [3]], np.float32)),
        (np.ones((2, 2, 2)), np.ones((2, 4))),
        (np.ones((2, 1), np.float16), np.ones((2, 1), np.float32)),
        (pd.DataFrame({"a": [1, 2]}), np.array([[1], [2]], np.float32)),
        (sparse.coo_array(np.eye(2, dtype=int)), np.eye(2, dtype=np.float32)),
        (sparse.csc_matrix(np.eye(2)), np.eye(2)),
    ],
)
def test_what_extractors_give_becomes_rows_of_floats(given, wanted):
    block = as_block(given)
    assert block.dtype == wanted.dtype and (not sparse.issparse(given) or block.format == "csr")
    np.testing.assert_array_equal(block.toarray() if sparse.issparse(block) else block, wanted)


def test_features_go_back_to_their_own_rows():
    features = np.arange(4, dtype=np.float32)[:, np.newaxis]
    rows = np.array([2, 0, 3, 1])
    for given in (features, sparse.csr_matrix(features)):
        block = spread_rows(given, rows, 4)
        block = block.toarray() if sparse.issparse(block) else block
        assert block[rows].ravel().tolist() == [0, 1, 2, 3]
    partly = spread_rows(features[:2], np.array([3, 1]), 4)
    np.testing.assert_array_equal(partly.ravel(), [np.nan, 1, np.nan, 0])


@pytest.mark.parametrize("at_once", [8192, 3])
@pytest.mark.parametrize("n_first", [0, 1, 12, 30])
def test_sparse_parts_are_put_in_their_places(monkeypatch, at_once, n_first):
    monkeypatch.setattr(_joined, "ROWS", at_once)
    rows = np.random.default_rng(0).permutation(30)
    places = [np.sort(rows[:n_first]), rows[n_first:25]]  # five rows are nowhere
    parts = [sparse.random(len(own), 6, 0.4, "csr", np.float32, n_first) for own in places]
    joined = joined_rows(parts, places, 30)
    expected = np.zeros((30, 6), np.float32)
    for part, own in zip(parts, places, strict=True):
        expected[own] = part.toarray()
    assert joined.has_sorted_indices and joined.dtype == np.float32 and joined.nnz == sum(part.nnz for part in parts)
    np.testing.assert_array_equal(joined.toarray(), expected)


PARTS = [slice(0, 4), np.array([6, 4]), slice(7, 10)]


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_parts_of_some_rows_become_one_block(tmp_path, monkeypatch, is_sparse, on_disk):
    """Of the second part nothing is known where it is None, and of row 5 in any case."""
    monkeypatch.setattr(_joined, "ROWS", 2)
    monkeypatch.setattr(_blocks, "LEAST", 1)
    features = np.arange(1, 21, dtype=np.float32).reshape(10, 2)
    made = sparse.csr_matrix if is_sparse else np.asarray
    with BlockFolder(tmp_path) as folder:
        for known in (True, False):
            parts = [(rows, made(features[rows]) if known or rows is not PARTS[1] else None) for rows in PARTS]
            found = joined_parts(iter(parts), 10, folder if on_disk else None)
            empty = [5] if known else [4, 5, 6]
            wanted = features.copy()
            wanted[empty] = 0 if is_sparse else np.nan
            assert isinstance(found.data if is_sparse else found, np.memmap) == on_disk
            np.testing.assert_array_equal(found.toarray() if is_sparse else found, wanted)


def test_where_nothing_is_known_all_is_missing():
    assert np.isnan(joined_parts([(slice(0, 3), None)], 3, None)).all()


@pytest.mark.parametrize("most", [2**31 - 1, 10])
@pytest.mark.parametrize("on_disk", [False, True])
def test_parts_of_sparse_features_are_written_one_behind_the_other(tmp_path, monkeypatch, on_disk, most):
    monkeypatch.setattr(_joined, "MOST", most)
    monkeypatch.setattr(_joined, "LONG", 7)
    wanted = sparse.random_array((30, 8), density=0.3, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
    wanted = sparse.csr_matrix(wanted)
    wanted.data[wanted.indptr[10] : wanted.indptr[20]] = 0
    wanted.eliminate_zeros()
    parts = [(slice(0, 10), wanted[:10]), (slice(10, 20), None), (slice(20, 40), wanted[20:])]
    with BlockFolder(tmp_path) as folder:
        found = stacked(iter(parts), 30, folder if on_disk else None)
        assert isinstance(found.data, np.memmap) == on_disk
        assert (found.indptr.dtype == np.int64) == (most == 10) == (found.indices.dtype == np.int64)
        np.testing.assert_array_equal(found.toarray(), wanted.toarray())
