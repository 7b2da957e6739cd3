"""LightGBM and XGBoost over a real Dask cluster of two worker processes."""

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm import StackedClassifier, load, save
from ensemble_mm._rows import LazyRows
from ensemble_mm.learners import SpreadLearner

LIGHT = {"n_estimators": 20, "verbose": -1}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 6)).astype(np.float32)
    return X, np.array(["ash", "elm", "oak"])[np.digitize(X[:, 0] + X[:, 1] ** 2, [0.3, 1.5])], 2 * X[:, 0] + X[:, 1]


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with distributed.Client(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [LGBMClassifier(**LIGHT), XGBClassifier(n_estimators=20)])
@pytest.mark.parametrize("made", [np.asarray, sparse.csr_matrix, lambda X: LazyRows([X], np.arange(len(X)), [None])])
def test_classes_are_told_as_well_as_by_one_process(data, client, estimator, made):
    X, y, _ = data
    model = SpreadLearner(estimator, chunk_rows=300).fit(made(X), y)
    assert type(model.estimator_) is type(estimator)
    assert list(model.classes_) == ["ash", "elm", "oak"]
    alone = type(estimator)(**estimator.get_params()).fit(X, np.unique(y, return_inverse=True)[1])
    mine, other = model.predict_proba(X), alone.predict_proba(X)
    assert np.abs(mine - other).mean() < 0.03  # two workers sum in another order, and make other bins
    assert (model.predict(X) == y).mean() > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [LGBMRegressor(**LIGHT), XGBRegressor(n_estimators=20)])
def test_weights_of_numbers_count(data, client, estimator):
    X, _, y = data
    high = X[:, 2] > 0
    weight = np.where(high, 1.0, 1e-6)  # of the others the contrary is true, and hardly counts
    model = SpreadLearner(estimator).fit(X, np.where(high, y, -y), sample_weight=weight)
    assert np.corrcoef(model.predict(X[high]), y[high])[0, 1] > 0.95
    spoilt = SpreadLearner(estimator).fit(X[:, :2], np.where(high, y, -y))
    assert np.corrcoef(spoilt.predict(X[high][:, :2]), y[high])[0, 1] < 0.95


@pytest.mark.slow
def test_a_stack_that_holds_one_is_saved_and_predicts_without_a_cluster(data, client, tmp_path):
    X, y, _ = data
    learners = [("gbm", SpreadLearner(LGBMClassifier(**LIGHT))), ("linear", LogisticRegression())]
    model = StackedClassifier(learners=learners, cv=3, n_jobs=1, random_state=0).fit(X, y)
    save(model, tmp_path / "model.emm")
    np.testing.assert_array_equal(load(tmp_path / "model.emm").predict_proba(X), model.predict_proba(X))
    assert (model.predict(X) == y).mean() > 0.95


@pytest.mark.slow
def test_inside_a_worker_it_says_where_it_belongs(data, client):
    X, y, _ = data
    with pytest.raises(RuntimeError, match="fit the stack with n_jobs=1"):
        client.submit(SpreadLearner(LGBMClassifier(**LIGHT)).fit, X, y).result()


def test_only_boosting_has_a_form_for_a_cluster(data):
    X, y, _ = data
    with pytest.raises(ValueError, match="no form for a cluster: use LightGBM's or XGBoost's"):
        SpreadLearner(LogisticRegression()).fit(X, y)


def test_without_a_client_it_asks_for_one(data, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def gone(*args, **kwargs):
        raise ValueError("No clients found")

    monkeypatch.setattr(distributed, "get_client", gone)  # another test of this process may have made one
    X, y, _ = data
    with pytest.raises(ValueError, match=r"make a distributed\.Client before the fit"):
        SpreadLearner(LGBMClassifier(**LIGHT)).fit(X, y)
