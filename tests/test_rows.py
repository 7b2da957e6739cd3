import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm import _rows
from ensemble_mm._by_rows import fit_by_rows, reads_by_rows, reads_to_the_end
from ensemble_mm._rows import LazyRows, keeping_free
from ensemble_mm.learners import LogisticPath, RidgePath, SpreadLearner, TailRegressor, ViewScaler

BOOSTED = {"n_estimators": 10, "verbose": -1, "n_jobs": 1, "deterministic": True, "force_col_wise": True}


TREES = {"n_estimators": 5, "max_depth": 3, "n_jobs": 1, "tree_method": "hist", "verbosity": 0}


class Watched(LazyRows):
    """Notes how many rows are asked for at once."""

    most = 0

    def __getitem__(self, some):
        part = super().__getitem__(some)
        self.most = max(self.most, len(part))
        return part


@pytest.fixture(scope="module")
def many():
    """Rows of two blocks, of which one is sparse and one has holes, and two targets."""
    rng = np.random.default_rng(0)
    A, S = rng.normal(size=(24_000, 3)).astype(np.float32), sparse.random(24_000, 5, 0.3, "csr", np.float32, rng)
    A[rng.random(24_000) < 0.1] = np.nan
    X = Watched((A, S), np.flatnonzero(rng.random(24_000) < 0.8), [None, None])
    y = np.nan_to_num(np.asarray(X)[:, 0]) + rng.normal(size=len(X))
    X.most = 0
    return X, y


@pytest.mark.parametrize(
    ("learner", "of"),
    [
        (LGBMRegressor(subsample=0.8, subsample_freq=1, random_state=0, **BOOSTED), lambda y: y),
        (LGBMRegressor(objective="poisson", **BOOSTED), lambda y: np.floor(np.exp(y))),
        (TailRegressor(LGBMRegressor(**BOOSTED)), lambda y: np.exp(2 * y)),
        (LGBMClassifier(**BOOSTED), lambda y: np.where(y > 0, "b", "a")),
        (LGBMClassifier(**BOOSTED), lambda y: np.digitize(y, [-1, 1])),
        (XGBRegressor(subsample=0.8, max_bin=32, random_state=0, **TREES), lambda y: y),
        (XGBRegressor(objective="count:poisson", **TREES), lambda y: np.floor(np.exp(y))),
        (XGBClassifier(**TREES), lambda y: (y > 0).astype(int)),
        (XGBClassifier(**TREES), lambda y: np.digitize(y, [-1, 1])),
    ],
)
def test_boosting_by_parts_is_boosting_of_an_array_to_the_bit(many, learner, of):
    X, y = many
    weight = np.random.default_rng(0).random(len(y))
    whole, by_rows = clone(learner).fit(np.asarray(X), of(y), sample_weight=weight), clone(learner)
    X.most = 0
    assert reads_by_rows(learner) and fit_by_rows(by_rows, X, of(y), sample_weight=weight) is by_rows
    assert X.most <= 8192
    said = "predict_proba" if hasattr(whole, "predict_proba") else "predict"
    np.testing.assert_array_equal(*(getattr(model, said)(np.asarray(X)) for model in (whole, by_rows)))
    assert whole.get_params().keys() == by_rows.get_params().keys()
    assert len({getattr(model, "regressor_", model).n_estimators for model in (whole, by_rows)}) == 1


@pytest.mark.parametrize("last", [LogisticPath(random_state=0), RidgePath(random_state=0)])
def test_scaling_by_parts_is_scaling_of_an_array(last):
    rng = np.random.default_rng(0)
    X = Watched((rng.normal(size=(20_000, 3)), rng.integers(0, 2, (20_000, 1)) * 1.0), np.arange(19_000), [None, None])
    y = np.asarray(X)[:, 0] + np.asarray(X)[:, 3] + rng.normal(size=len(X)) > 0.5
    X.most, learner = 0, make_pipeline(ViewScaler(), last)
    assert reads_by_rows(learner)
    by_rows = clone(learner).fit(X, y)
    assert X.most <= 8192
    np.testing.assert_array_equal(
        by_rows.predict(np.asarray(X)), clone(learner).fit(np.asarray(X), y).predict(np.asarray(X))
    )


@pytest.mark.parametrize("learner", [LogisticPath(random_state=0), RidgePath(random_state=0)])
@pytest.mark.parametrize("n_rows", [300, 9000])
def test_what_says_so_reads_by_rows_without_a_scaler_too(learner, n_rows):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    y = X[:, 0] + rng.normal(size=n_rows) > 0
    assert reads_by_rows(learner)
    lazily = fit_by_rows(clone(learner), LazyRows((X,), np.arange(n_rows), [None]), y)
    np.testing.assert_array_equal(lazily.predict(X), clone(learner).fit(X, y).predict(X))


@pytest.mark.parametrize(
    "learner", [SpreadLearner(LGBMRegressor()), make_pipeline(ViewScaler(), SpreadLearner(Ridge()))]
)
def test_a_learner_of_a_cluster_reads_by_rows(learner):
    assert reads_by_rows(learner) and reads_to_the_end(learner) == hasattr(learner, "steps")


def test_infinite_values_are_refused_in_parts_too():
    X = np.ones((9000, 2))
    X[8500, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        ViewScaler().fit(LazyRows((X,), np.arange(9000), [None]))


OTHERS = [
    Ridge(),
    LGBMClassifier(class_weight="balanced"),
    LGBMRegressor(objective=lambda y, p: (p - y, y)),
    XGBClassifier(enable_categorical=True),
    XGBRegressor(booster="gblinear"),
    XGBRegressor(tree_method="exact"),
    XGBClassifier(tree_method="approx"),
    TailRegressor(Ridge()),
    make_pipeline(Ridge()),
]


@pytest.mark.parametrize("learner", OTHERS, ids=lambda learner: type(learner).__name__)
def test_others_get_an_array(learner):
    assert not reads_by_rows(learner)


@pytest.mark.parametrize(("told", "asked"), [("65536", [2**26, 2**25, 65_536, 2**17]), ("often", []), (None, [])])
def test_memory_is_kept_for_a_while_where_it_is_given_back_at_once(monkeypatch, told, asked):
    """Dask has its workers give back what they free at once: texts took twice the time."""
    seen = []
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    if told is not None:
        monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", told)
    monkeypatch.setattr(_rows, "_of_c_library", lambda name: lambda *given: seen.extend(given[1:]))
    with keeping_free():
        assert seen == asked[:2]
    assert seen == asked
    monkeypatch.setattr(_rows, "_of_c_library", lambda name: None)  # as outside of Linux
    with keeping_free():
        assert seen == asked


@pytest.mark.parametrize(("step", "times"), [(1, 0), (50, 4)])
def test_what_lies_between_rows_counts_as_read(monkeypatch, step, times):
    """A page of a file holds many rows: one row of each brings all of it into memory."""
    X, gone = np.zeros((10_000, 8)), []
    monkeypatch.setattr(_rows, "SHOWN", X.nbytes / 5)
    monkeypatch.setattr(_rows, "let_go", gone.append)
    rows = LazyRows((X,), np.arange(0, 200 * step, step), [None])
    for start in range(0, 200, 10):
        assert rows[start : start + 10].shape == (10, 8)
    assert len(gone) == times


@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix])
def test_rows_far_apart_are_read_in_turn(monkeypatch, made):
    X, gone = made(np.random.default_rng(0).normal(size=(10_000, 8))), []
    monkeypatch.setattr(_rows, "SHOWN", 10_000 * 8 * 8 / 5)
    monkeypatch.setattr(_rows, "let_go", gone.append)
    far = np.arange(0, 10_000, 100)
    for places, some in ((np.arange(10_000), far), (far, slice(None))):
        gone.clear()
        part = LazyRows((X,), places, [None], dense=False)[some]
        assert sparse.issparse(part) == sparse.issparse(X) and (part != X[far]).sum() == 0
        assert 5 <= len(gone) <= 10
