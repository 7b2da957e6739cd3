"""A connection to MLflow's stores: quiet, without telemetry, and for SQLite one process at a time."""

import contextlib
import logging
import os
import re
import sqlite3
import threading
import warnings
from pathlib import Path

from .._checks import require

_DRIVERS = {"psycopg": "ensemble_mm[postgresql]"}
_LOCK = 0x656D6D  # any number that others are unlikely to lock


class Connection:
    """MLflow's client of a database, made when it is first used.

    Parameters
    ----------
    url : str
        A SQLAlchemy URL.

    Attributes
    ----------
    file : Path or None
        The SQLite file; None for other databases.
    url : str
        The URL with an absolute path, or with the driver named.
    client : MlflowClient or None
    """

    def __init__(self, url: str):
        self.file = _sqlite_file(url)
        # The driver is named, since SQLAlchemy's default is another one from version 2.1 on.
        self.url = (
            re.sub("^postgres(ql)?://", "postgresql+psycopg://", str(url)) if self.file is None
            else f"sqlite:///{self.file.as_posix()}"
        )  # fmt: skip
        self.client = None

    def __str__(self) -> str:
        """The URL as it may be shown: without a password."""
        return repr(str(self.file)) if self.file else repr(self.url.rpartition("@")[2])

    @contextlib.contextmanager
    def open(self):
        """Give MLflow's client, quiet, without telemetry, and for SQLite one process at a time.

        SQLite lets one writer in and turns others away after a while; here they queue, so that none is lost.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.quiet())
            if self.file is not None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(_one_at_a_time(self.file.with_name(self.file.name + ".lock")))
            if self.client is None:
                self.client = self._connect()
            yield self.client

    @contextlib.contextmanager
    def quiet(self):
        """Let MLflow say nothing, here and over the network."""
        with _without_telemetry(), _quiet():
            yield

    def _connect(self):
        alchemy = require("sqlalchemy", extra="store", caller="TaskDatabase")
        tracking = require("mlflow.tracking", extra="store", caller="TaskDatabase")
        errors = require("sqlalchemy.exc", extra="store", caller="TaskDatabase")
        try:
            # A server that is away is told at once: MLflow itself would try again for minutes.
            engine = alchemy.create_engine(self.url, poolclass=alchemy.pool.NullPool)
            with engine.connect() as connection:
                if engine.dialect.name == "postgresql":  # of several processes, one makes the tables
                    connection.execute(alchemy.text(f"SELECT pg_advisory_lock({_LOCK})"))
                new = self.file is not None and not self.file.stat().st_size
                with _unsynced(alchemy) if new else contextlib.nullcontext():
                    client = tracking.MlflowClient(tracking_uri=self.url, registry_uri=self.url)
                    client.search_experiments(max_results=1)
                return client
        except ModuleNotFoundError as error:
            package = _DRIVERS.get(error.name, error.name)
            raise ImportError(f"{self} needs the driver {error.name!r}: pip install {package!r}.") from error
        except (errors.SQLAlchemyError, mlflow_error()) as error:
            reason = str(error).splitlines()[0][:300]
            raise ValueError(f"{self} cannot be used as a database of runs: {reason}") from error


@contextlib.contextmanager
def _unsynced(alchemy):
    """Let SQLite not wait for the disk while MLflow makes a new file, in some hundred steps: there is nothing to lose
    yet, and the waiting took three quarters of the time."""
    here, levels = threading.get_ident(), []

    def relax(connection, _):
        if isinstance(connection, sqlite3.Connection) and threading.get_ident() == here:
            levels.append((connection, connection.execute("PRAGMA synchronous").fetchone()[0]))
            connection.execute("PRAGMA synchronous=OFF")

    alchemy.event.listen(alchemy.Engine, "connect", relax)
    try:
        yield
    finally:
        alchemy.event.remove(alchemy.Engine, "connect", relax)
        for connection, level in levels:
            with contextlib.suppress(sqlite3.Error):  # it was closed
                connection.execute(f"PRAGMA synchronous={level}")


def _sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for other databases."""
    scheme, separator, rest = str(url).partition("://")
    if not separator or not rest and scheme != "sqlite":
        raise ValueError(f"{url!r} is not a database URL: write, for example, sqlite:///runs.db.")
    if scheme.partition("+")[0] != "sqlite":
        return None
    path = rest.partition("?")[0][1:]
    if not path or path == ":memory:":
        raise ValueError(f"{url!r} names no file: write, for example, sqlite:///runs.db.")
    return Path(path).absolute()


def pages(search, **arguments) -> list:
    """Return what a search of MLflow finds, all pages of it."""
    page = search(max_results=1000, **arguments)
    items = list(page)
    while page.token:
        page = search(max_results=1000, page_token=page.token, **arguments)
        items += page
    return items


def mlflow_error():
    """Return the class of MLflow's errors."""
    return require("mlflow.exceptions", extra="store", caller="TaskDatabase").MlflowException


@contextlib.contextmanager
def worded(sentence: str):
    """Say `sentence` in the place of an error of MLflow."""
    try:
        yield
    except mlflow_error() as error:
        raise ValueError(f"{sentence}.") from error


@contextlib.contextmanager
def _without_telemetry():
    """MLflow reads its switch from the environment, at import and at each call: set for that long, then put back."""
    name = "MLFLOW_DISABLE_TELEMETRY"
    before = os.environ.get(name)
    os.environ.setdefault(name, "true")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _quiet():
    """Hold back MLflow's and alembic's notes on the tables they make, and what SQLAlchemy says to MLflow's authors of
    one of its calls; other warnings, and errors, come through."""
    # Of all loggers: some versions of MLflow set the levels of its own and alembic's anew, on the way.
    before = logging.root.manager.disable
    logging.disable(max(before, logging.INFO))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The ``noload`` loader strategy")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _one_at_a_time(path: Path, seconds: float = 600.0):
    """Queue the processes that use a file. The lock is SQLite's own on an empty file: it works on every
    system, and it goes with the process that held it."""
    connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()
