import numpy as np
import pytest

from ensemble_mm.crossfit import Member, Table, _table
from ensemble_mm.data import Task
from ensemble_mm.store import BlockFolder, _blocks


@pytest.fixture
def table():
    tasks = {
        "size": Task("size", "regression"),
        "flag": Task("flag", "binary", np.array(["no", "yes"])),
        "kind": Task("kind", "multiclass", np.array(["a", "b", "c"])),
    }
    members = [Member(task, "linear", "view", ("view",), None) for task in tasks]
    members.append(Member("kind", "tree", "view", ("view",), None))
    return Table(4, members, tasks), members


def test_columns_follow_the_kind_of_the_task(table):
    table, _ = table
    assert table.to_frame().columns.tolist() == [
        ("size", "linear", "view", ""),
        ("flag", "linear", "view", "yes"),
        *[("kind", learner, "view", c) for learner in ("linear", "tree") for c in "abc"],
    ]
    assert table.block(table.members("kind")).shape == (4, 6) and table.block([]).shape == (4, 0)
    assert [member.learner for member in table.members("kind")] == ["linear", "tree"]


def test_a_cell_written_twice_is_averaged_and_one_never_written_is_nan(table):
    table, members = table
    table.write(members[0], [(np.array([0, 1]), np.array([1.0, 2.0])), (np.array([1, 2]), np.array([4.0, 5.0]))])
    np.testing.assert_array_equal(table.values[:, 0], [1.0, 3.0, 5.0, np.nan])
    assert np.isnan(table.values[:, 1:]).all()


def test_a_cell_written_once_keeps_the_first(table):
    table, members = table
    pieces = [(np.array([0, 1]), np.array([1.0, 2.0])), (np.array([2, 1]), np.array([4.0, 5.0]))]
    table.write(members[0], pieces, once=True)
    np.testing.assert_array_equal(table.values[:, 0], [1.0, 2.0, 4.0, np.nan])


def test_keep_and_join_give_back_the_same_columns(table):
    table, members = table
    table.write(members[2], [(np.arange(4), np.arange(12.0).reshape(4, 3))])
    left, right = table.keep([members[0], members[2]]), table.keep([members[1], members[3]])
    joined = left.join(right)
    assert sorted(joined.columns) == sorted(table.columns)
    for member in members:
        np.testing.assert_array_equal(joined[member], table[member])


def test_members_of_a_table_on_disk_are_read_in_turn(tmp_path, monkeypatch):
    tasks = {"kind": Task("kind", "multiclass", np.array(["a", "b", "c"]))}
    members = [Member("kind", learner, "view", ("view",), None) for learner in ("linear", "tree")]
    monkeypatch.setattr(_blocks, "LEAST", 1)
    monkeypatch.setattr(_table, "ROWS", 300)
    with BlockFolder(tmp_path) as folder:
        here, there = Table(1000, members, tasks), Table(1000, members, tasks, folder=folder)
        for table in (here, there):
            table.values[:] = np.random.default_rng(0).normal(size=table.values.shape)
        gone = []
        monkeypatch.setattr(_table, "let_go", gone.append)
        for (member, own), (other, read) in zip(here.each(members), there.each(members), strict=True):
            assert member == other and np.array_equal(own, read)
            assert np.shares_memory(own, here.values) and not np.shares_memory(read, there.values)
        assert len(gone) == 4 * len(members)
