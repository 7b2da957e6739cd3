"""A folder with tables, a fitted model and a database, and a way to run commands in it."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm._cli import main

FIT = (
    "fit train.csv --targets stars,kind --drop id --learners fast --cv 2 --strategy independent --meta-learner mean "
    "--out model.emm"
)
WORDS = {"good": "soft lovely warm perfect bright", "bad": "torn awful cold dull broken"}


def make_table(n, seed):
    rng = np.random.default_rng(seed)
    mood = rng.random(n) < 0.5
    pools = [WORDS["good"] if good else WORDS["bad"] for good in mood]
    return pd.DataFrame(
        {
            "id": [f"=id{i}" for i in range(n)],
            "review": [" ".join(rng.choice(pool.split(), 7)) + " dress of the shop" for pool in pools],
            "age": rng.integers(18, 80, n),
            "shop": rng.choice(["north", "south"], n),
            "stars": np.where(mood, 4.0, 2.0) + rng.normal(scale=0.3, size=n),
            "kind": np.where(mood, "=good", "+bad"),
        }
    )


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with tables, a fitted model, and a database with two runs."""
    folder = tmp_path_factory.mktemp("cli")
    make_table(60, 0).to_csv(folder / "train.csv", index=False)
    make_table(20, 1).to_csv(folder / "test.csv", index=False)
    make_table(20, 1).drop(columns=["stars", "kind"]).to_csv(folder / "new.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for _ in range(2):
            assert main([*FIT.split(), "--db", "sqlite:///runs.db", "--name", "dresses"]) == 0
    return folder


@pytest.fixture
def run(place, monkeypatch, capsys):
    monkeypatch.chdir(place)

    def run(*args):
        code = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return run
