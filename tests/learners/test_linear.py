from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss

from ensemble_mm.learners import LogisticPath, RidgePath, _linear
from ensemble_mm.learners._linear import _in_their_span, _rounded


@pytest.mark.parametrize("n_classes", [2, 4])
def test_logistic_path_is_logistic_regression_at_the_penalty_it_chose(n_classes):
    X, y = make_classification(300, 8, n_informative=6, n_classes=n_classes, random_state=0)
    model = LogisticPath(random_state=0, tol=1e-7).fit(X, y)
    plain = LogisticRegression(C=model.C_, tol=1e-8, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-3)
    assert model.C_ in model.Cs


def test_ridge_path_is_ridge_at_the_penalty_it_chose():
    X, y = make_regression(100, 5, noise=10.0, random_state=0)
    model = RidgePath(random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), Ridge(alpha=model.alpha_).fit(X, y).predict(X), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_of_many_rows_is_ridge_at_the_penalty_it_chose(weighted):
    """Of sums over the rows: columns that lie far from zero lose no digits."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9000, 20)) * np.exp(rng.normal(size=20)) + 1000
    y, weight = X @ rng.normal(size=20) + 50 * rng.normal(size=9000), rng.random(9000) if weighted else None
    model = RidgePath(random_state=0).fit(X, y, sample_weight=weight)
    plain = Ridge(alpha=model.alpha_).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-7)
    np.testing.assert_allclose(model.predict(X), plain.predict(X), rtol=1e-8)


def test_ridge_of_many_rows_chooses_its_penalty_on_whole_groups():
    """Rows that repeat in a group would speak for columns that tell the groups apart."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(300), 40)
    X, y = rng.normal(size=(300, 200))[groups], rng.normal(size=300)[groups]
    told, untold = (RidgePath(random_state=0).fit(X, y, groups=g).alpha_ for g in (groups, None))
    assert told == 100 > untold
    assert RidgePath(random_state=0).fit(X, y, groups=np.zeros(len(y))).alpha_ == 1


def test_noise_gets_a_strong_penalty_and_signal_a_weak_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 20))
    noise, signal = rng.normal(size=200), X @ rng.normal(size=20)
    assert RidgePath(random_state=0).fit(X, noise).alpha_ > RidgePath(random_state=0).fit(X, signal).alpha_
    strong = LogisticPath(random_state=0).fit(X, noise > 0).C_
    assert strong < LogisticPath(random_state=0).fit(X, signal > 0).C_


@pytest.mark.parametrize("kind", ["logistic", "ridge"])
def test_sparse_and_dense_input_agree(kind):
    rng = np.random.default_rng(0)
    X = sparse.random(150, 40, density=0.2, format="csr", random_state=0)
    y = X @ rng.normal(size=40)
    if kind == "logistic":
        y = (y > np.median(y)).astype(int)
        a, b = (LogisticPath(random_state=0, tol=1e-6).fit(Z, y).predict_proba(Z) for Z in (X, X.toarray()))
    else:
        a, b = (RidgePath(random_state=0).fit(Z, y).predict(Z) for Z in (X, X.toarray()))
    np.testing.assert_allclose(a, b, atol=1e-2)


def test_a_class_of_one_row_is_learned_without_complaint():
    X, y = make_classification(60, 5, random_state=0)
    y[0] = 2
    proba = LogisticPath(random_state=0).fit(X, y).predict_proba(X)
    assert proba.shape == (60, 3) and np.isfinite(proba).all()


@pytest.mark.parametrize("make", [sparse.csr_matrix, np.asarray])
@pytest.mark.parametrize("kind", ["logistic", "ridge"])
def test_long_rows_are_fitted_in_the_space_that_they_span(kind, make):
    """The weights of the columns are those of the plain model, whatever the space they were found in."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 400)) / 20
    X[:, 50:] *= rng.random((60, 350)) < 0.05
    X, weight, y = make(X), rng.uniform(0.5, 2, 60), X @ rng.normal(size=400)
    if kind == "logistic":
        y = np.digitize(y, np.quantile(y, [0.3, 0.6]))
        model = LogisticPath(random_state=0, tol=1e-8).fit(X, y, sample_weight=weight)
        plain = LogisticRegression(C=model.C_, tol=1e-8, max_iter=5000).fit(X, y, sample_weight=weight)
    else:
        model = RidgePath(random_state=0).fit(X, y, sample_weight=weight)
        plain = Ridge(alpha=model.alpha_, tol=1e-10, solver="auto").fit(X, y, sample_weight=weight)
    assert _in_their_span(X).shape == (60, 60)
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=2e-3 * np.abs(plain.coef_).max())
    np.testing.assert_allclose(model.intercept_, plain.intercept_, atol=1e-3)


def test_rare_columns_are_learned_to_the_end():
    """The gradient of a word of few texts is small from the start, which must not pass for convergence."""
    rng = np.random.default_rng(0)
    X = sparse.random(2000, 3000, density=0.01, format="csr", random_state=0)
    X.data[:] = 0.2
    odds = X @ rng.normal(size=3000) * 5
    y = (rng.random(2000) < 1 / (1 + np.exp(-odds))).astype(int)
    train, test = slice(1500), slice(1500, None)
    model = LogisticPath(random_state=0).fit(X[train], y[train])
    loss = log_loss(y[test], model.predict_proba(X[test]))
    best = min(
        log_loss(y[test], LogisticRegression(C=C, tol=1e-8).fit(X[train], y[train]).predict_proba(X[test]))
        for C in model.Cs
    )
    assert loss < best + 0.01


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
def test_a_penalty_is_chosen_on_some_of_many_rows_and_the_model_learns_from_all(make, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    y, weight, some = X[:, 0] + rng.normal(size=200), rng.uniform(0.5, 2, 200), np.linspace(0, 199, 120).astype(int)
    exact = partial(LogisticPath, tol=1e-8)
    for path, target, name in ((exact, (y > 0).astype(int), "C_"), (RidgePath, y, "alpha_")):
        if path is RidgePath and make is np.asarray:
            continue  # which is chosen by sums over all rows, or each row left out
        monkeypatch.setattr(_linear, "LEAVE_ONE_OUT", 50)
        monkeypatch.setattr(_linear, "CHOOSING_ROWS", 120)
        monkeypatch.setattr(_linear, "LONG", 180)
        model = path(random_state=0).fit(make(X), target, weight, groups=np.arange(200))
        few = path(random_state=0).fit(make(X[some]), target[some], weight[some], groups=some)
        monkeypatch.setattr(_linear, "LONG", 200)
        whole = path(random_state=0, **{"alphas" if path is RidgePath else "Cs": [getattr(few, name)]})
        assert getattr(model, name) == getattr(few, name)
        np.testing.assert_allclose(model.coef_, whole.fit(make(X), target, weight).coef_, rtol=1e-3)


@pytest.mark.parametrize(("shape", "solver"), [((5000, 40), "newton-cg"), ((50, 600), "lbfgs"), ((9**6, 40), "lbfgs")])
def test_newtons_method_does_not_copy_many_numbers(shape, solver):
    path = LogisticPath()
    path.classes_ = np.arange(2)
    assert path._model(1.0, SimpleNamespace(shape=shape)).solver == solver


def test_rows_of_nothing_are_learned_as_the_prior():
    X, y = np.zeros((20, 50)), np.arange(20) % 4 == 0
    np.testing.assert_allclose(LogisticPath(random_state=0).fit(X, y).predict_proba(X)[:, 1], 0.25, atol=1e-3)
    np.testing.assert_allclose(RidgePath(random_state=0).fit(X, y.astype(float)).predict(X), 0.25)


@pytest.mark.parametrize(("make", "strong"), [(LogisticPath, "C_ < 0.1"), (RidgePath, "alpha_ > 3")])
def test_rows_of_a_group_do_not_choose_the_penalty_for_each_other(make, strong):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 3)
    X, y = rng.normal(size=(40, 30))[groups], rng.integers(0, 2, 40)[groups]
    name, sign, limit = strong.split()
    apart, together = (getattr(make(random_state=0).fit(X, y, groups=g), name) for g in (None, groups))
    assert (apart > float(limit)) is (sign == "<")  # what it saw in a twin looks learned
    assert (together < float(limit)) is (sign == "<")


@pytest.mark.parametrize("make", [LogisticPath, RidgePath])
def test_a_single_group_chooses_no_penalty(make):
    rng = np.random.default_rng(0)
    model = make().fit(rng.normal(size=(20, 3)), np.tile([0, 1], 10), groups=np.zeros(20))
    assert getattr(model, "C_", None) == 1.0 or model.alpha_ == 1.0


@pytest.mark.parametrize(("size", "fits"), [(1.0, True), (1e-7, False), (1e6, False)])
def test_weights_of_words_are_rounded_where_half_precision_holds_them(size, fits):
    coef = (size * np.random.default_rng(0).normal(size=(2, 50))).astype(np.float32)
    rounded = _rounded(coef)
    assert np.array_equal(rounded, rounded.astype(np.float16).astype(np.float32)) == fits
    np.testing.assert_allclose(rounded, coef, rtol=2**-10)
