"""Keys tell contents apart, and nothing else."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from ensemble_mm.store import content_key, row_keys, versions

try:
    import polars as pl
except ModuleNotFoundError:  # no extra brings it
    pl = None


def make_things():
    """Things that all differ."""
    table = pd.DataFrame({"a": ["x", "y", None], "b": [1.0, np.nan, 3.0], "c": pd.Categorical(["u", "v", "u"])})
    return {
        "none": None,
        "int": 1,
        "float": 1.0,
        "true": True,
        "text": "1",
        "bytes": b"1",
        "list": [1],
        "tuple": (1,),
        "nested": [[1]],
        "dict": {1: 2},
        "dict in another order": {"a": 1, "b": 2},
        "dict in one order": {"b": 2, "a": 1},
        "set": {"b", "a", 1},
        "array": np.arange(4.0),
        "array of other shape": np.arange(4.0).reshape(2, 2),
        "array of other type": np.arange(4, dtype=np.float32),
        "objects": np.array(["x", None, 3], dtype=object),
        "sparse": sp.csr_matrix(np.eye(3)),
        "frame": table,
        "frame with other names": table.rename(columns={"a": "z"}),
        "frame with other rows": table.set_axis([3, 4, 5]),
        "series": table["a"],
        "category": table["c"],
        **({"polars": pl.DataFrame({"a": ["x", "y", None]})} if pl else {}),
        "time": pd.Timestamp("2024-01-01"),
        "missing": pd.NA,
        "image": Image.new("RGB", (3, 2), "red"),
        "other image": Image.new("RGB", (3, 2), "blue"),
        "estimator": LogisticRegression(),
        "estimator with other parameters": LogisticRegression(C=2.0),
        "nested estimator": make_pipeline(TfidfVectorizer(), LGBMClassifier()),
        "function": np.mean,
        "ufunc": np.log,
        "partial": functools.partial(sorted, reverse=True),
        "class": LogisticRegression,
        "random state": np.random.RandomState(0),
        "other random state": np.random.RandomState(1),
        "generator": np.random.default_rng(0),
        "slice": slice(1, 2),
        "path": Path("no such file"),
    }


def test_different_things_have_different_keys():
    keys = {name: content_key(thing) for name, thing in make_things().items()}
    assert len(set(keys.values())) == len(keys)
    assert all(len(key) == 32 and key.isalnum() for key in keys.values())


def test_equal_things_have_equal_keys():
    first, second = make_things(), make_things()
    assert [name for name in first if content_key(first[name]) != content_key(second[name])] == []


@pytest.mark.slow
def test_keys_do_not_depend_on_the_process(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_keys import make_things;"
        "from ensemble_mm.store import content_key; print(content_key(make_things()))"
    )
    found = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code, str(Path(__file__).parent)]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(values, values)
def test_keys_are_equal_when_contents_are(a, b):
    assert (content_key(a) == content_key(b)) == (repr(a) == repr(b))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_neighbours_do_not_run_together(a, b):
    assert (content_key(*a) == content_key(*b)) == (a == b)


def make_function(source):
    space = {"__name__": "users_module"}
    exec(source, space)
    return space["f"]


def test_an_edited_function_has_another_key():
    one, same, other = (make_function(f"def f(x):\n    return x + {n}") for n in (1, 1, 2))
    assert content_key(one) == content_key(same) != content_key(other)


def test_an_edited_class_has_another_key():
    def make(n):
        class Users(BaseEstimator):
            def transform(self, X):
                return X + n if n == 1 else X - n

        return Users

    def make_other():
        class Users(BaseEstimator):
            def transform(self, X):
                return X * 2

        Users.__qualname__ = make(1).__qualname__
        return Users

    assert content_key(make(1)()) == content_key(make(1)())
    assert content_key(make(1)()) != content_key(make_other()())


def test_what_a_frozen_estimator_learned_counts():
    one, other = (Ridge().fit([[0.0], [1.0]], [0.0, y]) for y in (1.0, 2.0))
    assert content_key(one) == content_key(other)  # cloned before use
    assert content_key(FrozenEstimator(one)) != content_key(FrozenEstimator(other))


def test_what_has_no_content_is_refused(tmp_path):
    with open(tmp_path / "x", "w") as file, pytest.raises(TypeError, match="TextIOWrapper"):
        content_key([file])
    ring = []
    ring.append(ring)
    with pytest.raises(TypeError, match="holds itself"):
        content_key(ring)


@pytest.mark.parametrize(
    "rows",
    [
        np.array([[1.0, 2.0], [3.0, np.nan], [1.0, 2.0]]),
        sp.csr_matrix(np.array([[0.0, 2.0], [3.0, 0.0], [0.0, 2.0]])),
        pd.DataFrame({"a": ["x", "y", "x"], "b": [1, 2, 1]}),
        pd.DataFrame({"a": ["x", "y", "x"]}),
        pd.Series(["x", None, "x"]),
        *([pl.DataFrame({"a": ["x", "y", "x"], "b": [1, 2, 1]})] if pl else []),
        ["x", "y", "x"],
        [np.zeros(3), np.ones(3), np.zeros(3)],
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_rows_are_keyed_one_by_one(rows):
    keys = row_keys(rows)
    assert keys.dtype == "S32" and keys[0] == keys[2] != keys[1]
    part = rows[1:] if not hasattr(rows, "iloc") else rows.iloc[1:]
    assert (row_keys(part) == keys[1:]).all()


@pytest.mark.parametrize("X", [
    np.arange(12.0).reshape(4, 3), np.arange(12, dtype=">i2").reshape(3, 4).T, np.ones((2, 3, 2), bool),
    np.arange(12.0).reshape(4, 3)[::2, ::-1], np.full((2, 0), np.nan), np.matrix([[1.0, 2.0], [3.0, 4.0]]),
])  # fmt: skip
def test_the_key_of_a_row_of_numbers_is_that_of_the_row_alone(X):
    assert row_keys(X).tolist() == [content_key(row).encode() for row in X]


def test_versions_name_what_results_depend_on():
    assert {"python", "numpy", "scikit-learn", "lightgbm", "xgboost"} <= set(versions())
