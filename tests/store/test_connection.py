"""A database that cannot be used is told in words, at once, and without its password."""

import sys

import pytest

from ensemble_mm.store import TaskDatabase


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
