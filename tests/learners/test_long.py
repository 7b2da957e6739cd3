import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from ensemble_mm._by_rows import fit_by_rows
from ensemble_mm._rows import LazyRows
from ensemble_mm.learners import LogisticPath, RidgePath, ViewScaler, _linear, _long
from ensemble_mm.learners._long import fit_logits, fit_ridge, is_sparse


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [0, 2, 3])
@pytest.mark.parametrize("form", ["few columns", "many columns", "sparse"])
def test_very_many_rows_are_read_some_at_a_time(form, n_classes, weighted, monkeypatch):
    for name, value in (("CHOOSING_ROWS", 200), ("LONG", 300), ("LEAVE_ONE_OUT", 3)):
        monkeypatch.setattr(_linear, name, value)
    monkeypatch.setattr(_long, "ROWS", 70)
    monkeypatch.setattr(_long, "RIDGE_TOL", 1e-9)
    monkeypatch.setattr(_long, "SUMMED_COLUMNS", 3 if form == "many columns" else 160)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4)) * (rng.random((500, 4)) < 0.7)
    y = X @ [1, 0.5, 0, 0] + rng.normal(size=500)
    y = np.array(["a", "b", "c"])[np.digitize(y, [0, 1][: n_classes - 1])] if n_classes else y
    weight = rng.uniform(0, 2, 500) if weighted else None
    X = sparse.csr_matrix(X) if form == "sparse" else X
    path = LogisticPath(Cs=(0.1, 1.0), tol=1e-9, random_state=0) if n_classes else RidgePath(random_state=0)
    model = clone(path).fit(X, y, sample_weight=weight)
    exact = LogisticRegression(C=model.C_, tol=1e-10, max_iter=10_000) if n_classes else Ridge(model.alpha_, tol=1e-10)
    exact.fit(X, y, sample_weight=weight)
    said = "predict_proba" if n_classes else "predict"
    # The weights of words are rounded to half precision.
    rounded = 1e-3 if form == "sparse" and n_classes else 1e-6
    np.testing.assert_allclose(getattr(model, said)(X), getattr(exact, said)(X), atol=rounded)
    rows = LazyRows([X], np.arange(500), [None], dense=form != "sparse")
    params = {"linear__sample_weight": weight} if weighted else {}
    lazily = fit_by_rows(Pipeline([("scale", ViewScaler()), ("linear", clone(path))]), rows, y, **params)
    made = Pipeline([("scale", ViewScaler()), ("linear", clone(path))]).fit(X, y, **params)
    np.testing.assert_array_equal(lazily[-1].coef_, made[-1].coef_)


@pytest.mark.parametrize("n_logits", [1, 3])
@pytest.mark.parametrize("most", [0, 160])
def test_steps_from_any_beginning_end_at_the_same_weights(n_logits, most, monkeypatch):
    """By Newton's method or L-BFGS, where the derivative of the mean loss and its penalty is none."""
    monkeypatch.setattr(_long, "ROWS", 30)
    monkeypatch.setattr(_long, "SUMMED_COLUMNS", most)
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(100, 3)), rng.integers(0, max(n_logits, 2), 100)
    starts = np.zeros((n_logits, 4)), rng.normal(size=(n_logits, 4))
    (a, _), (b, n_steps) = (fit_logits(X, codes, None, coef, C=1.0, tol=1e-8, max_iter=500) for coef in starts)
    assert n_steps > 1
    # Intercepts of several classes may be shifted alike.
    a, b = (np.c_[coef[:, :-1], coef[:, -1] - coef[:, -1].mean() * (n_logits > 1)] for coef in (a, b))
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_ridge_of_rows_that_are_read_some_at_a_time_is_ridge(monkeypatch):
    monkeypatch.setattr(_long, "ROWS", 30)
    monkeypatch.setattr(_long, "RIDGE_TOL", 1e-10)
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(100, 4)) + 5, rng.uniform(0.5, 2, 100)
    y = X @ rng.normal(size=4) + rng.normal(size=100) + 7
    coef, intercept = fit_ridge(X, y, weight, np.zeros(4), alpha=3.0)
    exact = Ridge(3.0).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(np.r_[coef, intercept], np.r_[exact.coef_, exact.intercept_], rtol=1e-6)


@pytest.mark.parametrize("dense", [True, False])
def test_rows_that_are_not_read_yet_tell_whether_they_are_sparse(dense):
    rows = sparse.csr_matrix(np.eye(3))
    assert is_sparse(rows) and not is_sparse(np.eye(3))
    assert is_sparse(LazyRows([rows], np.arange(3), [None], dense=dense)) is not dense
