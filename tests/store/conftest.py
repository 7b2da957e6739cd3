"""A PostgreSQL server of its own for the tests that need one, and model files that nobody saved."""

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from ensemble_mm.store import read_manifest, save
from ensemble_mm.store._encoding import Encoder


@pytest.fixture
def forge(tmp_path):
    """A function that writes a model file with the state and the arrays that are given, right hashes and no signature.

    Its path is returned. A change of the manifest is a dict; `source` is a file whose parts and manifest are taken.
    """
    from sklearn.linear_model import Ridge

    def write(state=None, arrays=None, *, source=None, manifest=None, compression=zipfile.ZIP_DEFLATED):
        if source is None:
            source = tmp_path / "source.emm"
            save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), source)
        with zipfile.ZipFile(source) as archive:
            parts = {name: archive.read(name) for name in ("state.json", "arrays.bin")}
        if state is not None:
            parts["state.json"] = state if isinstance(state, bytes) else json.dumps(state).encode()
            parts["arrays.bin"] = b""
        if arrays is not None:
            parts["arrays.bin"] = arrays
        stated = read_manifest(source) | {
            "parts": {name: {"sha256": sha256(part).hexdigest(), "bytes": len(part)} for name, part in parts.items()}
        }
        path = tmp_path / "forged.emm"
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("manifest.json", json.dumps(stated | (manifest or {})))
            for name, part in parts.items():
                archive.writestr(name, part)
        return path

    return write


@pytest.fixture
def describe():
    """A function that returns the node of a thing, and the bytes of its arrays, for a test to change."""

    def encode(item):
        encoder = Encoder()
        return encoder.node(item), b"".join(encoder.blocks)

    return encode


@pytest.fixture(scope="session")
def server():
    """Start a server on an empty cluster; yield its URL, with a place for the name of a database.

    It listens on a socket only, and goes with the session. PostgreSQL refuses to run as root: then it runs as the
    user "postgres", outside pytest's folders, which are closed to other users.
    """
    found = [*sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))), shutil.which("initdb")]
    found = [path for path in found if path]
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    programs, folder = Path(found[0]).parent, Path(tempfile.mkdtemp(prefix="emm-"))
    (folder / "password").write_text("it's $ecret")
    as_user = []
    if os.geteuid() == 0:
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for place in (folder, folder / "password"):
            shutil.chown(place, "postgres", "postgres")

    def run(program, *args):
        done = subprocess.run([*as_user, programs / program, "-D", folder / "data", *args], cwd=folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)  # fmt: skip
        assert done.returncode == 0, done.stdout

    try:
        run("initdb", "-U", "tester", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-o", options, "-l", folder / "log", "-t", "300", "-w", "start")
        try:
            yield f"postgresql://tester:it%27s%20%24ecret@/{{}}?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(server):
    """A function that makes an empty database on the server and returns its URL."""
    psycopg = pytest.importorskip("psycopg")

    names = map("runs_{}".format, count())

    def make():
        name = next(names)
        with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.format(name)

    return make
