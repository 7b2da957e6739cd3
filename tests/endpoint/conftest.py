"""A model that is served by a process of its own, and a way to call it."""

import base64
import contextlib
import http.client
import io
import json
import re
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack, save

LEARNERS = {"classification": [("linear", LogisticRegression())], "regression": [("linear", Ridge())]}


def picture_of(shade, size=16):
    file = io.BytesIO()
    Image.new("RGB", (size, size), (shade, 0, 255 - shade)).save(file, "PNG")
    return file.getvalue()


def make_coats(n=60):
    rng = np.random.default_rng(0)
    good = rng.random(n) < 0.5
    X = pd.DataFrame(
        {
            "review": [
                f"a {'soft warm' if g else 'torn cold'} coat of the shop, number {i}" for i, g in enumerate(good)
            ],
            "photo": [picture_of(200 if g else 40) for g in good],
            "age": rng.integers(18, 80, n).astype(float),
            "shop": rng.choice(["north", "south"], n),
        }
    )
    return X, pd.DataFrame({"kind": np.where(good, "up", "down"), "stars": good + rng.normal(size=n, scale=0.1)})


@pytest.fixture(scope="session")
def coats(tmp_path_factory):
    """X, a fitted model of it with pictures and two tasks, and the file of that."""
    X, Y = make_coats()
    model = MultiOutputStack(learners=LEARNERS, cv=2, random_state=0, strategy="independent").fit(X, Y)
    path = tmp_path_factory.mktemp("endpoint") / "secret_folder" / "coats.emm"
    path.parent.mkdir()
    save(model, path)
    return X, model, path


class Served:
    """A running service: `call` asks it."""

    def __init__(self, process, port):
        self.process, self.port = process, port

    def call(self, path, body=None, kind="application/json", method=None, headers=()):
        """Return the status and the answer, of JSON where it is such."""
        body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            headers = {**({} if body is None else {"Content-Type": kind}), **dict(headers)}
            connection.request(method or ("GET" if body is None else "POST"), path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        is_json = answer.getheader("content-type", "").startswith("application/json")
        return answer.status, json.loads(content) if is_json else content.decode()


@contextlib.contextmanager
def run(path, *options, program=(sys.executable, "-m", "ensemble_mm"), ends=(0, -signal.SIGTERM), **how):
    """Give a `Served`, of a process that ends by itself when it is asked to."""
    command = [*program, "serve", str(path), "--port", "0", *options]
    process = subprocess.Popen(command, **how, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, line + process.stderr.read()
        yield Served(process, int(found[1]))
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) in ends
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def serving():
    """How to start a service: with serving(path, *options)."""
    return run


@pytest.fixture(scope="session")
def served(coats):
    """A service that several tests ask."""
    with run(coats[2], "--max-body", "300K") as service:
        yield service


@pytest.fixture
def picture():
    """How to make the bytes of a picture."""
    return picture_of


@pytest.fixture(scope="session")
def sent(coats):
    """The first rows of X as they are sent: pictures in base64."""
    return [{**row, "photo": base64.b64encode(row["photo"]).decode()} for row in coats[0][:6].to_dict("records")]
