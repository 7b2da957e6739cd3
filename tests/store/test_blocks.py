import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from ensemble_mm._rows import let_go, whole_of
from ensemble_mm.store import BlockFolder, _blocks, named, shown


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch):
    monkeypatch.setattr(_blocks, "LEAST", 1)


@pytest.mark.parametrize("shape", [(6, 3), (6, 0)])
def test_blocks_come_back_equal_and_go_with_the_folder(shape, tmp_path):
    dense = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with BlockFolder(tmp_path / "new") as folder:
        kept = folder.keep(dense)
        np.testing.assert_array_equal(kept, dense)
        assert folder.keep(kept) is kept and folder.keep(kept[1:]).base is not None
        assert folder.free > 0 and folder.path.parent == tmp_path / "new"
    assert not any((tmp_path / "new").iterdir())


def test_sparse_blocks_lie_on_disk_too(tmp_path):
    block = sparse.random(20, 9, 0.3, "csr", dtype=np.float32, random_state=0)
    with BlockFolder(tmp_path) as folder:
        kept = folder.keep(block)
        assert isinstance(kept.data, np.memmap) and folder.keep(kept) is kept
        for rows in ([3, 3, 0], slice(2, 9)):
            assert (kept[rows] != block[rows]).nnz == 0
        kept.sort_indices()  # as learners ask for
        empty = sparse.csr_matrix((3, 2), dtype=np.float32)
        assert folder.keep(empty) is empty


def test_a_change_stays_in_memory(tmp_path):
    with BlockFolder(tmp_path) as folder:
        kept = folder.keep(np.zeros(4))
        kept[:] = 1.0
        (file,) = folder.path.iterdir()
        np.testing.assert_array_equal(np.load(file), 0.0)


def test_rows_are_put_into_a_block_on_disk(tmp_path, monkeypatch):
    with BlockFolder(tmp_path) as folder:
        room = folder.room((5, 2), np.float32)
        room[1:3] = 1.0
        block = folder.sealed(room)
        assert isinstance(block, np.memmap) and block.dtype == np.float32 and folder.keep(block) is block
        np.testing.assert_array_equal(block[1:3], 1.0)
        assert np.isnan(block[[0, 3, 4]]).all()
        block[:] = 2.0  # in memory alone
        np.testing.assert_array_equal(np.load(block.filename)[1], 1.0)
        monkeypatch.setattr(BlockFolder, "free", 10)
        small = folder.room((5, 2), np.float32)
        assert not isinstance(small, np.memmap) and np.isnan(small).all() and folder.sealed(small) is small


def test_a_disk_that_fills_up_is_told_in_words(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with BlockFolder(tmp_path) as folder, pytest.raises(OSError, match="cannot take features .*: name a workdir"):
        folder.keep(np.zeros(4))


def test_what_a_checkpoint_kept_is_written_anew(tmp_path):
    with BlockFolder(tmp_path) as folder:
        kept = pickle.dumps(folder.keep(np.arange(3)))
    with BlockFolder(tmp_path) as folder:
        again = folder.keep(pickle.loads(kept))
        np.testing.assert_array_equal(again, np.arange(3))
        assert again.filename is not None


def test_another_process_writes_into_the_folder_and_leaves_it(tmp_path):
    with BlockFolder(tmp_path) as folder:
        there = pickle.loads(pickle.dumps(folder))
        np.testing.assert_array_equal(there.keep(np.arange(3)), np.arange(3))
        del there
        assert len(list(folder.path.iterdir())) == 1


def test_blocks_travel_by_the_names_of_their_files(tmp_path):
    """A cluster sent all their numbers, to each worker and back."""
    whole = np.random.default_rng(0).normal(size=(500, 3))
    words = sparse.random(500, 9, 0.3, "csr", dtype=np.float32, random_state=0)
    np.save(tmp_path / "mine.npy", whole)
    mine = np.load(tmp_path / "mine.npy", mmap_mode="c")  # of a user, who may have changed it in memory
    with BlockFolder(tmp_path) as folder:
        dense, sparse_ = folder.keep(whole), folder.keep(words)
        sent = pickle.dumps(named(("model", None, [dense], {"reduced": sparse_})))
        assert len(sent) < 1000
        model, nothing, (first,), blocks = shown(pickle.loads(sent))
        assert model == "model" and nothing is None and isinstance(first, np.memmap)
        assert isinstance(blocks["reduced"].indptr, np.memmap) and (blocks["reduced"] != words).nnz == 0
        np.testing.assert_array_equal(first, whole)
        assert folder.keep(first) is first and folder.keep(blocks["reduced"]) is blocks["reduced"]
        for part in (dense[1:], mine, whole, words, None):
            assert named(part) is part and shown(part) is part
        there = named(dense)
    with pytest.raises(FileNotFoundError, match="a file of features, is not there: name a workdir that all workers"):
        shown(there)


def test_a_matrix_is_on_disk_as_a_whole(tmp_path):
    block = sparse.random(20, 9, 0.3, "csr", dtype=np.float32, random_state=0)
    with BlockFolder(tmp_path) as folder:
        block.data = folder.keep(block.data)
        kept = folder.keep(block)
        assert kept.data is block.data and isinstance(kept.indices, np.memmap) and isinstance(kept.indptr, np.memmap)


def test_small_blocks_stay_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_blocks, "LEAST", 1000)
    with BlockFolder(tmp_path) as folder:
        block = np.zeros(10)
        assert folder.keep(block) is block and isinstance(folder.keep(np.zeros(200)), np.memmap)


def test_blocks_stay_in_memory_where_the_disk_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(BlockFolder, "free", 100)
    with BlockFolder(tmp_path) as folder:
        block = np.zeros(10)
        assert folder.keep(block) is block


def test_memory_that_shows_a_file_is_let_go_and_what_a_user_changed_is_kept(tmp_path):
    mine = np.lib.format.open_memmap(tmp_path / "mine.npy", "w+", shape=(4,))
    mine = np.load(tmp_path / "mine.npy", mmap_mode="c")
    mine[:] = 5.0
    with BlockFolder(tmp_path) as folder:
        dense, words = folder.keep(np.ones(4)), folder.keep(sparse.csr_matrix(np.eye(3)))
        assert let_go([mine, dense[1:], words, np.ones(2), None]) and not let_go([mine, np.ones(2)])
        assert mine.tolist() == [5.0] * 4 and dense.tolist() == [1.0] * 4 and words.sum() == 3
        dense[0] = 7.0
        let_go([dense])  # it shows its file again
        assert dense[0] == 1.0


def test_a_folder_that_cannot_take_features_is_told(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match=r"file cannot take features \(.*\): name a workdir"):
        BlockFolder(tmp_path / "file")


def test_a_block_without_a_name_outlasts_the_folder(tmp_path):
    with BlockFolder(tmp_path) as folder:
        room = folder.room((6, 3), float)
        room[2:] = 1.0
        kept, other = folder.unnamed(np.asarray(room)), np.ones(3)
        assert folder.unnamed(other) is other
    assert not any(tmp_path.iterdir())
    assert np.isnan(kept[:2]).all() and (kept[2:] == 1.0).all()
    assert not isinstance(whole_of(kept), np.memmap)  # by whose name joblib would send it
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(kept)), kept)


def test_a_block_that_is_not_read_any_more_leaves_the_folder(tmp_path):
    own = np.lib.format.open_memmap(tmp_path / "own.npy", "w+", np.float32, (3, 2))
    with BlockFolder(tmp_path) as folder:
        first, second = folder.keep(np.ones((3, 2))), folder.keep(np.zeros((3, 2)))
        for block in (first, own, np.ones(2), sparse.eye_array(2), None):
            folder.forget(block)
        assert [path.name for path in folder.path.iterdir()] == [Path(second.filename).name]
        assert (first == 1).all() and (tmp_path / "own.npy").exists()
