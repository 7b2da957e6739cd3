"""Weights: what they are on tables whose best blend is known, and what must not change them."""

from itertools import product

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from ensemble_mm.meta import (
    META_LEARNERS,
    GreedyClassifier,
    LinearClassifier,
    LinearRegressor,
    MeanClassifier,
    SimplexRegressor,
    WrappedClassifier,
    WrappedRegressor,
    make_meta_learner,
)

NAMES = list(META_LEARNERS)
KINDS = ["binary", "multiclass", "regression"]
EACH = [pair for pair in product(NAMES, KINDS) if pair != ("multinomial", "regression")]
N_CLASSES = {"binary": 2, "multiclass": 4, "regression": None}


def table_of(kind, n_rows=200, good=4, noise=3, holes=0.0, seed=0):
    """Return a table of `good` members that see a share of the truth and `noise` members that see nothing, and y."""
    rng = np.random.default_rng(seed)
    k = {"binary": 2, "multiclass": 4, "regression": 1}[kind]
    truth = rng.normal(size=(n_rows, k))
    if kind == "regression":
        y = truth[:, 0] + 0.3 * rng.normal(size=n_rows)
    else:
        y = (1.5 * truth + rng.gumbel(size=truth.shape)).argmax(axis=1)
    cells = []
    for m in range(good + noise):
        own = rng.normal(size=truth.shape)
        seen = truth + (0.3 + 0.2 * m) * own if m < good else 0.7 * own
        if kind != "regression":
            seen = np.exp(1.5 * seen)
            seen /= seen.sum(axis=1, keepdims=True)
        seen[rng.random(n_rows) < holes] = np.nan
        cells.append(seen[:, 1:] if kind == "binary" else seen)
    return np.hstack(cells), y


def make(name, kind, **settings):
    return make_meta_learner(name, kind=kind, n_classes=N_CLASSES[kind], random_state=0, **settings)


def out_of(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def loss_of(model, X, y):
    out = out_of(model, X)
    if out.ndim == 2:
        return -np.log(np.maximum(out[np.arange(len(y)), y], 1e-12)).mean()
    return ((out - y) ** 2).mean()


def shuffled_members(X, order, kind):
    width = 4 if kind == "multiclass" else 1
    return X.reshape(len(X), -1, width)[:, order].reshape(len(X), -1)


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_weights_are_shares_and_predictions_are_proper(name, kind):
    X, y = table_of(kind, holes=0.3)
    X[:3] = np.nan
    model = make(name, kind).fit(X, y)
    assert model.weights_.shape == (7,)
    assert (model.weights_ >= 0).all()
    assert model.weights_.sum() == pytest.approx(1)
    out = out_of(model, X)
    assert np.isfinite(out).all()
    if kind == "regression":
        assert out[:3] == pytest.approx(y.mean())
    else:
        assert out.shape == (200, N_CLASSES[kind])
        assert out.sum(axis=1) == pytest.approx(1)
        assert out[0] == pytest.approx(np.bincount(y) / len(y))


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_order_of_columns_and_rows_does_not_matter(name, kind):
    X, y = table_of(kind, n_rows=120, holes=0.1)
    model = make(name, kind).fit(X, y)
    order = np.random.default_rng(1).permutation(7)
    moved = make(name, kind).fit(shuffled_members(X, order, kind), y)
    np.testing.assert_array_equal(moved.weights_, model.weights_[order])
    np.testing.assert_allclose(out_of(moved, shuffled_members(X, order, kind)), out_of(model, X))
    if name != "auto":  # its folds are of rows
        rows = np.random.default_rng(2).permutation(len(y))
        np.testing.assert_allclose(make(name, kind).fit(X[rows], y[rows]).weights_, model.weights_, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["mean", "greedy", "simplex", "linear"])
def test_a_weight_of_two_is_a_row_twice_and_zero_is_no_row(name, kind):
    X, y = table_of(kind, n_rows=80)
    weight = np.random.default_rng(0).integers(0, 3, size=80)
    weighted = make(name, kind).fit(X, y, sample_weight=weight)
    repeated = make(name, kind).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.weights_, repeated.weights_, atol=1e-5)
    assert not np.allclose(weighted.prior_, make(name, kind).fit(X, y).prior_)


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_the_unit_of_weights_does_not_matter(name, kind):
    X, y = table_of(kind, n_rows=60)
    weight = np.random.default_rng(0).uniform(0.5, 1.5, size=60)
    one = make(name, kind).fit(X, y, sample_weight=weight)
    other = make(name, kind).fit(X, y, sample_weight=weight / 1000)
    np.testing.assert_allclose(one.weights_, other.weights_, atol=1e-5)


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_members_that_abstain_leave_their_weight_to_the_others(name, kind):
    X, y = table_of(kind)
    model = make(name, kind).fit(X, y)
    width = 4 if kind == "multiclass" else 1
    alone = np.full_like(X, np.nan)
    alone[:, :width] = X[:, :width]
    out = out_of(model, alone)
    if name in ("mean", "greedy", "simplex"):
        expected = {"binary": np.c_[1 - X[:, 0], X[:, 0]], "multiclass": X[:, :4], "regression": X[:, 0]}[kind]
        np.testing.assert_allclose(out, expected)
    assert np.isfinite(out).all()
    assert out.std() > 0.1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["greedy", "simplex", "linear", "auto"])
def test_fitting_uses_rows_with_holes(name, kind):
    """A member that is there for half of the rows only, and right there, must be found."""
    X, y = table_of(kind, n_rows=300, good=2, noise=2, holes=0.4)
    model = make(name, kind).fit(X, y)
    assert model.weights_[:2].sum() > 0.8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "n_rows"), [*product(["greedy", "simplex"], [60, 300, 1500]), ("auto", 60)])
def test_fresh_rows_are_predicted_as_well_as_by_the_best_member_and_the_mean(name, kind, n_rows):
    gaps = []
    for seed in range(8):
        X, y = table_of(kind, n_rows=n_rows + 2000, good=3, noise=8, seed=seed)
        train, test = slice(n_rows), slice(n_rows, None)
        model = make(name, kind).fit(X[train], y[train])
        width = 4 if kind == "multiclass" else 1
        members = [X[:, i * width : (i + 1) * width] for i in range(11)]
        fixed = [make("mean", kind).fit(m[train], y[train]) for m in members]
        best = np.argmin([loss_of(f, m[train], y[train]) for f, m in zip(fixed, members, strict=True)])
        rival = min(
            loss_of(fixed[best], members[best][test], y[test]),
            loss_of(make("mean", kind).fit(X[train], y[train]), X[test], y[test]),
        )
        gaps.append(loss_of(model, X[test], y[test]) / rival - 1)
    # The rival is picked knowing the fresh rows, which costs something with 60 rows and 11 members.
    assert np.mean(gaps) < (0.02 if n_rows == 60 else 0.0)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_simplex_weights_are_the_optimum_of_the_log_loss(kind):
    X, y = table_of(kind, n_rows=500)
    model = make("simplex", kind).fit(X, y)
    cells = np.stack([1 - X, X], axis=2) if kind == "binary" else X.reshape(len(X), -1, 4)
    gain = cells[np.arange(len(y)), :, y]
    slope = gain.T @ (1 / (gain @ model.weights_)) / len(y)  # at the optimum: 1 where w > 0, at most 1 elsewhere
    assert slope.max() < 1 + 1e-5
    assert slope[model.weights_ > 1e-4] == pytest.approx(1, abs=1e-4)


def test_simplex_regressor_is_least_squares_on_the_simplex():
    rng = np.random.default_rng(0)
    X, y = table_of("regression", n_rows=300)
    model = SimplexRegressor().fit(X, y)
    best = ((X @ model.weights_ - y) ** 2).mean()
    others = rng.dirichlet(np.full(7, 0.3), size=2000)
    assert (((X @ others.T - y[:, np.newaxis]) ** 2).mean(axis=0) >= best - 1e-12).all()
    residual = X - y[:, np.newaxis]
    slope = residual.T @ (residual @ model.weights_) / len(y)
    assert slope.min() >= best - 1e-9


def test_simplex_shrinkage_leans_on_the_mean():
    X, y = table_of("regression")
    assert SimplexRegressor(shrinkage=1).fit(X, y).weights_ == pytest.approx(1 / 7)
    assert SimplexRegressor(shrinkage=0.5).fit(X, y).weights_.min() >= 0.5 / 7 - 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_certain_and_wrong_probabilities_are_survived(name):
    y = np.array([0, 1] * 20)
    X = np.c_[y == 1, y == 0, np.full(40, 0.5)].astype(float)
    X[0] = [1, 0, 0.5]  # the first member is sure and wrong once
    model = make(name, "binary").fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    if name not in ("mean", "median", "rank"):  # these learn no weights
        assert model.weights_[0] > 0.5 > 0.2 > model.weights_[1]


@pytest.mark.parametrize(("name", "kind"), EACH)
def test_tiny_tables(name, kind):
    X, y = table_of(kind, n_rows=10)
    for rows in (10, 2, 1):
        model = make(name, kind).fit(X[:rows], y[:rows])
        assert model.weights_.sum() == pytest.approx(1)
        assert np.isfinite(out_of(model, X)).all()
    empty = make(name, kind).fit(np.full_like(X, np.nan), y)
    assert empty.weights_ == pytest.approx(1 / 7)
    assert np.isfinite(out_of(empty, X)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_class_that_no_row_has(name):
    X, y = table_of("multiclass")
    known = y != 2
    model = make(name, "multiclass").fit(X[known], y[known])
    assert model.predict_proba(X).shape == (200, 4)
    assert model.prior_[2] == 0
    assert list(model.classes_) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["greedy", "simplex", "linear"])
@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_one_member_and_a_thousand(name, kind):
    X, y = table_of(kind, good=1, noise=0)
    assert make(name, kind).fit(X, y).weights_ == pytest.approx([1])
    X, y = table_of(kind, n_rows=100, good=20, noise=980)
    model = make(name, kind).fit(X, y)
    assert model.weights_[:20].sum() > (0.5 if name != "linear" else 0.1)


def test_linear_uses_log_odds_and_can_be_surer_than_its_members():
    rng = np.random.default_rng(0)
    odds = rng.normal(size=4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(-2 * odds))).astype(int)
    timid = 1 / (1 + np.exp(-odds))
    model = LinearClassifier().fit(np.c_[timid, rng.random(4000)], y)
    assert model.coef_[0] == pytest.approx(2, abs=0.15)
    assert model.coef_[1] == pytest.approx(0, abs=0.05)
    assert (model.coef_ >= 0).all()


def test_linear_regressor_corrects_scale_and_level():
    y = np.random.default_rng(0).normal(size=300)
    model = LinearRegressor().fit(np.c_[y / 2 + 3, -y], y)
    assert model.weights_ == pytest.approx([1, 0], abs=0.02)
    assert model.predict([[3.5, -1.0]]) == pytest.approx([1.0], abs=0.05)


@pytest.mark.parametrize("penalty", [-1, np.inf, "a"])
def test_linear_says_what_is_wrong_with_the_penalty(penalty):
    with pytest.raises(ValueError, match="'alpha' parameter .* must be a float in the range .0.0, inf.. Got"):
        LinearRegressor(alpha=penalty).fit([[1.0], [2.0]], [1.0, 2.0])


def test_wrong_input_is_told():
    X, y = table_of("multiclass")
    with pytest.raises(ValueError, match="not a multiple of its 4 classes"):
        MeanClassifier(n_classes=4).fit(X[:, :-1], y)
    with pytest.raises(ValueError, match="must hold class positions from 0 to 2"):
        MeanClassifier(n_classes=3).fit(X[:, :6], y)
    with pytest.raises(ValueError, match="Give the number of classes"):
        MeanClassifier().fit(X, y)
    with pytest.raises(ValueError, match="one weight"):
        MeanClassifier(n_classes=4).fit(X, y, sample_weight=np.ones(3))


@parametrize_with_checks([WrappedClassifier(LogisticRegression()), WrappedRegressor(Ridge())])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_clone_keeps_settings():
    model = GreedyClassifier(n_steps=3, n_bags=0, shrinkage=0.2, scoring="roc_auc", n_classes=2, random_state=5)
    assert clone(model).get_params() == model.get_params()


def test_the_linear_stacker_of_numbers_takes_from_a_row_what_members_that_abstain_would_say():
    rng = np.random.default_rng(0)
    one, two, noise = rng.normal(size=(3, 400))
    y = 3 * one + two + 0.3 * noise
    parts, copies = np.c_[3 * one, two], np.c_[y + rng.normal(size=400), y + rng.normal(size=400)]
    for table, least in ((parts, np.std(y - 3 * one)), (copies, np.std(y - copies[:, 0]))):
        holes = np.where([False, True], np.nan, table)
        model = LinearRegressor().fit(table, y)
        assert np.std(y - model.predict(holes)) < 1.05 * least  # a part keeps its weight, a copy takes the other's
        with_holes = np.r_[table, holes[:200]]
        again = LinearRegressor().fit(with_holes, np.r_[y, y[:200]])
        assert np.std(y - again.predict(holes)) < 1.05 * least
        np.testing.assert_array_equal(model.predict(with_holes)[:400], model.predict(table))


def test_what_members_without_a_weight_say_does_not_matter_where_others_speak():
    """Their learners are not kept: whatever stands in their cells is no prediction."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    table = np.c_[y + 0.1 * rng.normal(size=300), y + 0.1 * rng.normal(size=300), -y]
    model = LinearRegressor().fit(table, y)
    assert model.coef_[2] == 0 < model.coef_[:2].min()
    holes = np.where([False, True, False], np.nan, table)
    np.testing.assert_array_equal(model.predict(holes), model.predict(np.where([False, False, True], 0.0, holes)))
