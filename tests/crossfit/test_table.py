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


@pytest.fixture
def here_and_there(tmp_path, monkeypatch):
    """Two tables of the same numbers, the second on disk, which is read 300 rows at a time, and what it lets go."""
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
        yield here, there, members, gone


def test_members_of_a_table_on_disk_are_read_in_turn(here_and_there):
    here, there, members, gone = here_and_there
    for (member, own), (other, read) in zip(here.each(members), there.each(members), strict=True):
        assert member == other and np.array_equal(own, read)
        assert not np.shares_memory(own, here.values) and not np.shares_memory(read, there.values)
    assert len(gone) == 4 * len(members)


@pytest.mark.parametrize(
    ("rows", "stretches"),
    [
        (slice(None), 4),
        (np.arange(1000) % 3 == 0, 4),
        (np.array([3, 4, 350, 590]), 2),
        (np.array([999, 3, 350, -1, 3]), 4),
        (np.array([], int), 1),
    ],
)
def test_rows_of_a_table_on_disk_are_read_a_stretch_at_a_time(here_and_there, rows, stretches):
    here, there, members, gone = here_and_there
    own, read = (table.block(members, rows=rows) for table in (here, there))
    assert np.array_equal(own, read) and read.flags.c_contiguous
    assert np.array_equal(read, here.values[rows])
    assert len(gone) == stretches


def test_rows_of_a_block_lie_one_after_the_other(table):
    table, members = table
    kept = table.keep(members[1:])
    assert kept.values.flags.f_contiguous and kept.block(members[1:]).flags.c_contiguous


def test_rows_of_a_table_on_disk_are_covered_where_a_member_says_something(here_and_there):
    here, there, members, _ = here_and_there
    for table in (here, there):
        table[members[0]][100:] = np.nan
        table[members[1]][:650] = np.nan
        assert np.array_equal(table.covered(members), (np.arange(1000) < 100) | (np.arange(1000) >= 650))
        assert not table.covered([]).any()
