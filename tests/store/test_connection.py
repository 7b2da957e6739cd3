"""A database that cannot be used is told in words, at once, and without its password."""

import logging
import sys

import pytest

from ensemble_mm.store import TaskDatabase
from ensemble_mm.store._connection import _quiet, _unsynced


@pytest.mark.parametrize("url", ["runs.db", "sqlite://", "sqlite:///:memory:", "postgresql://host/name"])
def test_urls_that_name_no_place_for_models_are_refused(url):
    with pytest.raises(ValueError, match="database URL|names no file|artifacts="):
        TaskDatabase(url)


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "bad.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(ValueError, match="cannot be used as a database"):
        TaskDatabase(f"sqlite:///{tmp_path}/bad.db").runs()


def test_a_server_that_is_away_is_told_without_the_password(tmp_path):
    db = TaskDatabase(f"postgresql://me:secret@localhost:1/runs?host={tmp_path}", artifacts=tmp_path)
    with pytest.raises(ValueError, match="cannot be used as a database of runs") as caught:
        db.runs()
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_driver_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    db = TaskDatabase("postgres://me:secret@localhost/runs", artifacts=tmp_path)
    with pytest.raises(ImportError, match=r"pip install 'ensemble_mm\[postgresql\]'"):
        db.runs()


def test_a_new_file_is_made_without_waiting_for_the_disk_and_used_with_it(tmp_path):
    """Two runs took 23 s, most of it spent on waiting for the disk at each of a hundred steps."""
    alchemy = pytest.importorskip("sqlalchemy")

    def level(engine):
        with engine.connect() as connection:
            return connection.execute(alchemy.text("PRAGMA synchronous")).scalar()

    kept, closed = (alchemy.create_engine(f"sqlite:///{tmp_path / name}.db") for name in ("kept", "closed"))
    usual = level(alchemy.create_engine(f"sqlite:///{tmp_path / 'usual.db'}"))
    with _unsynced(alchemy):
        assert level(kept) == level(closed) == 0 != usual
        closed.dispose()
    assert level(kept) == level(closed) == usual


def test_notes_are_held_back_whatever_levels_are_set_on_the_way(caplog):
    """Older versions of MLflow set those of alembic anew while they make tables."""
    logger = logging.getLogger("alembic.runtime.migration")
    with caplog.at_level(logging.INFO, logger=logger.name):
        with _quiet():
            logger.setLevel(logging.INFO)
            logger.info("Running upgrade")
            logger.warning("cannot upgrade")
        logger.info("after")
    assert [record.message for record in caplog.records] == ["cannot upgrade", "after"]
