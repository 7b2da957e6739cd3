"""Answers do not depend on the machine's settings; numbers at the edge give right answers, or errors that say why."""

import hashlib
import locale
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor


def mixed():
    """Words, numbers, categories and dates, with two tasks."""
    rng = np.random.default_rng(0)
    n = 60
    X = pd.DataFrame({
        "note": [f"word{a} word{b} it was 1.5 Ding" for a, b in rng.integers(0, 9, (n, 2))],
        "size": rng.normal(size=n),
        "shop": rng.choice(["north", "söuth", "west"], n),
        "day": pd.Timestamp("2025-03-29 22:00") + pd.to_timedelta(rng.integers(0, 90, n), unit="h"),
        "text day": [f"2025-10-2{d} 02:30" for d in rng.integers(0, 9, n)],
    })  # fmt: skip
    score = X["size"] + (X["shop"] == "west")
    return X, pd.DataFrame({"score": score, "kind": np.where(score > 0, "auf", "ab")})


def answer():
    """Return a digest of the table and the predictions of a fit."""
    X, Y = mixed()
    learners = {"regression": [("ridge", Ridge())], "classification": [("linear", LogisticRegression())]}
    model = MultiOutputStack(learners=learners, cv=3, random_state=0).fit(X, Y)
    said = model.table_.to_frame().to_csv() + model.predict(X).to_csv() + str(model.predict_proba(X)["kind"].tolist())
    return hashlib.sha256(said.encode()).hexdigest()


@pytest.fixture(scope="module")
def usual():
    return answer()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_working_folder_does_not_matter(usual, elsewhere):
    assert answer() == usual and not list(elsewhere.iterdir())


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="no time zones to set here")
def test_the_time_zone_does_not_matter(usual, monkeypatch):
    """The dates go through the hours that summer time skips and repeats there."""
    try:
        monkeypatch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        assert answer() == usual
    finally:
        monkeypatch.undo()
        time.tzset()


def answer_of(locales):
    """Print the decimal point of a process, and its answer."""
    if locales:
        locale.setlocale(locale.LC_NUMERIC, "comma")
    print(locale.localeconv()["decimal_point"], answer())


@pytest.mark.slow
def test_hash_seed_threads_and_a_decimal_comma_do_not_matter(usual, tmp_path):
    """All at once, in another process; see the tests above for which it is. Where locales can be made, one is."""
    here, maker = os.path.dirname(__file__), shutil.which("localedef")
    if maker:
        source = tmp_path / "source"
        source.write_text('LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3\nEND LC_NUMERIC\n')
        subprocess.run([maker, "-c", "-i", source, "-f", "ANSI_X3.4-1968", tmp_path / "comma"], capture_output=True)
    made = (tmp_path / "comma" / "LC_NUMERIC").exists()
    code = f"import sys; sys.path.insert(0, {here!r}); import test_numbers; test_numbers.answer_of({made})"
    settings = {"PYTHONHASHSEED": "4321", "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "LOCPATH": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True)
    assert done.stdout.split() == ["," if made else ".", usual], done.stderr


def test_threads_of_blas_do_not_matter():
    """On matrices that are wide enough for BLAS to share them out."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 120))
    y = X[:, :5].sum(axis=1) + rng.normal(size=600)
    found = []
    for threads in (1, 3):
        with threadpool_limits(threads):
            learners = [("ridge", Ridge()), ("strong", Ridge(100.0))]
            model = StackedRegressor(learners=learners, meta_learner="linear", cv=3, random_state=0).fit(X, y)
            found.append((model.table_.values, model.predict(X), model.contributions_.to_numpy()))
    for one, three in zip(*found, strict=True):
        np.testing.assert_array_equal(one, three)


def test_predictions_do_not_depend_on_what_is_predicted_beside_them():
    X, Y = mixed()
    model = MultiOutputStack(learners="fast", cv=3, random_state=0).fit(X, Y)
    whole, chances = model.predict(X), model.predict_proba(X)["kind"]
    for cuts in ([1, 8, 30], [59]):
        parts = np.split(np.arange(60), cuts)
        pieces = pd.concat([model.predict(X.iloc[rows]) for rows in parts])
        np.testing.assert_allclose(pieces["score"], whole["score"], rtol=1e-6)
        assert (pieces["kind"].to_numpy() == whole["kind"].to_numpy()).all()
        some = np.concatenate([model.predict_proba(X.iloc[rows])["kind"] for rows in parts])
        np.testing.assert_allclose(some, chances, atol=1e-6)


# -- numbers at the edge -------------------------------------------------------------------------------------------

LEARNERS = {"regression": [("ridge", Ridge(1e-3))], "classification": [("linear", LogisticRegression(C=100.0))]}


def numbers():
    """Return 90 rows of four numbers, of which the first tells the targets."""
    X = np.random.default_rng(0).normal(size=(90, 4))
    return X, X[:, 0].copy()


def as_form(form, X):
    return {"array": X, "frame": pd.DataFrame(X, columns=list("abcd")), "dict": {"l": X[:, :2], "r": X[:, 2:]}}[form]


EDGES = {
    "holes": lambda X: X.__setitem__((slice(None, None, 3), 1), np.nan),
    "a column of holes": lambda X: X.__setitem__((slice(None), 1), np.nan),
    "huge": lambda X: X.__setitem__((slice(None), 1), X[:, 1] * 1e300),
    "one huge": lambda X: X.__setitem__((3, 3), 1e300),
    "all tiny": lambda X: X.__imul__(1e-200),
    "all denormal": lambda X: X.__imul__(1e-310),
    "constant": lambda X: X.__setitem__((slice(None), 1), 3.0),
    "far from zero": lambda X: X.__iadd__(1e6),
}


@pytest.mark.parametrize("form", ["array", "frame", "dict"])
@pytest.mark.parametrize("edge", EDGES)
def test_features_at_the_edge_leave_the_answer_right(edge, form):
    X, y = numbers()
    EDGES[edge](X)
    X = as_form(form, X)
    settings = {"cv": 3, "meta_learner": "simplex", "random_state": 0}
    model = StackedRegressor(learners=LEARNERS["regression"], **settings).fit(X, y)
    assert model.score(X, y) > 0.95
    if form != "frame":
        model = StackedClassifier(learners=LEARNERS["classification"], **settings).fit(X, y > 0)
        assert model.score(X, y > 0) > 0.9 and np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("form", ["array", "dict"])
def test_infinite_features_are_an_error(form):
    X, y = numbers()
    X[3, 1] = np.inf
    with pytest.raises((ValueError, RuntimeError), match="contains infinity"):
        StackedRegressor(learners=LEARNERS["regression"], cv=3).fit(as_form(form, X), y)


def test_columns_of_huge_or_tiny_numbers_tell_what_others_tell():
    X, y = numbers()
    model = StackedRegressor(learners=LEARNERS["regression"], cv=3, random_state=0)
    plain = model.fit(as_form("frame", X), y).predict(as_form("frame", X))
    for factor in (1e-200, 1e200, 1e305):
        frame = as_form("frame", X * factor)
        np.testing.assert_allclose(model.fit(frame, y).predict(frame), plain, rtol=1e-5, atol=1e-6)


def test_an_infinite_cell_of_a_table_counts_as_missing():
    X, y = numbers()
    X[3, 1] = np.inf
    frame, other = as_form("frame", X), as_form("frame", X).replace(np.inf, np.nan)
    models = [StackedRegressor(learners=LEARNERS["regression"], cv=3, random_state=0).fit(A, y) for A in (frame, other)]
    np.testing.assert_array_equal(models[0].predict(frame), models[1].predict(other))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: y * 1e300, "largest number of task 'y' is .*e\\+300.*another unit"),
        (lambda y: y * 1e-310, "largest number of task 'y' is .*e-310.*another unit"),
        (lambda y: np.where(y > 1, np.inf, y), "task 'y' holds infinite values"),
        (lambda y: np.full(90, np.nan), "no known label|known"),
    ],
    ids=["huge", "denormal", "infinite", "unknown"],
)
def test_targets_that_cannot_be_learned_are_an_error(change, words):
    X, y = numbers()
    with pytest.raises(ValueError, match=words):
        StackedRegressor(learners="fast", cv=3).fit(X, change(y))


@pytest.mark.parametrize("factor", [1e-25, 1e25])
def test_the_unit_of_a_target_does_not_matter(factor):
    X, y = numbers()
    model = StackedRegressor(learners=[("ridge", Ridge()), ("weak", Ridge(100.0))], cv=3, random_state=0)
    plain = model.fit(X, y).predict(X)
    np.testing.assert_allclose(model.fit(X, y * factor).predict(X), plain * factor, rtol=1e-4, atol=1e-4 * factor)


def test_a_constant_target_is_predicted():
    X, y = numbers()
    model = StackedRegressor(learners=LEARNERS["regression"], cv=3).fit(X, np.full(90, 2.5))
    np.testing.assert_allclose(model.predict(X), 2.5)
    with pytest.raises(ValueError, match="class"):
        StackedClassifier(learners=LEARNERS["classification"], cv=3).fit(X, np.full(90, "a"))


def test_duplicated_rows_are_rows():
    """Ten rows, nine times each: their own target, whatever the folds hold."""
    X, y = numbers()
    rows = np.arange(90) % 10
    model = StackedRegressor(learners=LEARNERS["regression"], cv=3, random_state=0).fit(X[rows], y[rows])
    assert model.score(X[rows], y[rows]) > 0.95


def test_rows_of_weight_zero_count_as_rows_that_are_not_there():
    X, y = numbers()
    weight = np.ones(90)
    weight[60:] = 0
    wrong = np.where(weight > 0, y, 1e6)
    folds = [(np.setdiff1d(np.arange(90), test), test) for test in np.array_split(np.arange(90), 3)]
    one = StackedRegressor(learners=LEARNERS["regression"], cv=folds).fit(X, y, sample_weight=weight)
    two = StackedRegressor(learners=LEARNERS["regression"], cv=folds).fit(X, wrong, sample_weight=weight)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    with pytest.raises(ValueError, match="All sample weights of task 'y' are zero"):
        StackedRegressor(learners=LEARNERS["regression"], cv=3).fit(X, y, sample_weight=np.zeros(90))
