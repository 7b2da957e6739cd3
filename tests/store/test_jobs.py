"""A finished job comes back; a planted one is never unpickled."""

import io
import os
import pickle
import resource
import stat
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ensemble_mm.store import JobStore, content_key

KEY, OTHER = content_key("a"), content_key("b")


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "ensemble_mm" / "checkpoint.key"


@pytest.fixture
def store(tmp_path):
    return JobStore(tmp_path / "jobs")


class Planted:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return open, (self.trace, "w")


def test_results_come_back(store):
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    store.save(KEY, (model, np.arange(3.0), None))
    again, array, nothing = JobStore(store.folder).load(KEY)
    assert np.array_equal(again.coef_, model.coef_) and np.array_equal(array, np.arange(3.0)) and nothing is None
    assert store.load(OTHER) is None


def test_workers_may_be_sent_the_store(store, state):
    copy = pickle.loads(pickle.dumps(store))
    state.unlink()  # as on a machine with another home
    copy.save(KEY, 1)
    assert store.load(KEY) == 1


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "longer"])
def test_damage_counts_as_absent(store, damage):
    store.save(KEY, {"a": 1})
    path = next(store.folder.glob("*.job"))
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-3] ^= 1
    path.write_bytes({"cut": content[:-1], "empty": b"", "longer": content + b"x"}.get(damage, content))
    assert store.load(KEY) is None
    store.save(KEY, {"a": 2})
    assert store.load(KEY) == {"a": 2}


def test_a_planted_file_is_never_unpickled(store, tmp_path):
    trace = tmp_path / "trace"
    store.save(KEY, 1)
    path = next(store.folder.glob("*.job"))
    head = path.read_bytes()[:40]
    buffer = io.BytesIO()
    joblib.dump(Planted(trace), buffer)
    for content in (buffer.getvalue(), pickle.dumps(Planted(trace)), head + buffer.getvalue()):
        path.write_bytes(content)
        assert store.load(KEY) is None
    assert not trace.exists()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_counts_as_absent(store, make):
    """A pipe would be waited for without end."""
    make(store.folder / f"{KEY}.job")
    assert store.load(KEY) is None


@pytest.mark.parametrize("size", [3 * 2**30, 100])
def test_only_the_bytes_that_were_signed_are_read(store, size):
    """A planted file of gigabytes was read whole; here it even has the head of a result of ours."""
    store.save(KEY, 1)
    path = next(store.folder.glob("*.job"))
    for start in (path.read_bytes(), b""):
        with open(path, "wb") as file:
            file.write(start)
            file.truncate(size)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert store.load(KEY) is None
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_renamed_file_counts_as_absent(store):
    store.save(KEY, 1)
    path = next(store.folder.glob("*.job"))
    path.rename(path.with_name(f"{OTHER}.job"))
    assert store.load(OTHER) is None


def test_another_users_file_counts_as_absent(store, state):
    store.save(KEY, 1)
    state.unlink()
    assert JobStore(store.folder).load(KEY) is None


def test_the_key_is_private(store, state):
    assert stat.S_IMODE(state.stat().st_mode) == 0o600 and len(state.read_bytes()) == 32
    before = state.read_bytes()
    JobStore(store.folder)
    assert state.read_bytes() == before and os.listdir(state.parent) == ["checkpoint.key"]


def test_a_key_that_others_can_read_is_not_used(store, state, monkeypatch, tmp_path):
    store.save(KEY, 1)
    state.chmod(0o644)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "other"))
    with pytest.warns(UserWarning, match=f"{state} is open to other users: remove it, or run chmod go-rwx"):
        assert JobStore(store.folder).load(KEY) is None
    state.chmod(0o600)
    assert JobStore(store.folder).load(KEY) == 1  # what the words say helps
    state.chmod(0o644)
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(OSError, match="chmod"):
        JobStore(store.folder)


def test_the_key_never_lies_in_the_checkpoint_folder(state, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(state.parent))
    with pytest.raises(OSError, match="lies in the checkpoint folder"):
        JobStore(state.parent.parent)


def test_a_result_whose_class_is_gone_counts_as_absent(store, monkeypatch):
    class Gone:
        pass

    Gone.__qualname__ = "Gone"
    monkeypatch.setitem(globals(), "Gone", Gone)
    module = __import__("sys").modules
    monkeypatch.setitem(module, Gone.__module__, type("M", (), {"Gone": Gone}))
    store.save(KEY, Gone())
    monkeypatch.setitem(module, Gone.__module__, type("M", (), {}))
    assert store.load(KEY) is None


def test_nothing_is_written_beside_the_folder(store):
    store.save(KEY, 1)
    assert {Path(p).name for p in os.listdir(store.folder)} == {f"{KEY}.job"}
