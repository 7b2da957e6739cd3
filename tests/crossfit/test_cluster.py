"""The same plan on a real Dask cluster of worker processes and on a real Ray."""

import os
import re
import signal
import threading

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from ensemble_mm import StackedClassifier

pytestmark = pytest.mark.slow


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 60)).astype(np.float32)
    return X, np.digitize(X[:, 0] + X[:, 1] ** 2, [0.3, 1.5])


@pytest.fixture
def client():
    distributed = pytest.importorskip("distributed")
    with distributed.Client(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as client:
        yield client


def stack():
    learners = [("linear", LogisticRegression()), ("trees", ExtraTreesClassifier(40, min_samples_leaf=2))]
    return StackedClassifier(learners=learners, cv=4, random_state=0)


def test_dask_gives_the_same_answer_and_features_travel_once(data, client, monkeypatch):
    X, y = data
    here = stack().fit(X, y).predict_proba(X)
    sent = []
    scatter = type(client).scatter

    def noted(self, item, *args, **kwargs):
        if getattr(item, "shape", ()) == X.shape:
            sent.append(item)
        return scatter(self, item, *args, **kwargs)

    monkeypatch.setattr(type(client), "scatter", noted)
    with parallel_config(backend="dask"):
        there = stack().fit(X, y)
    np.testing.assert_array_equal(here, there.predict_proba(X))
    assert len(sent) == 1 + there.n_extractions_ == 6  # X for the extractions, then the block of each for all learners


def test_a_dask_worker_that_dies_changes_nothing(data, client):
    X, y = data
    here = stack().fit(X, y).predict_proba(X)
    pids = list(client.run(os.getpid).values())
    killer = threading.Timer(0.5, os.kill, (pids[0], signal.SIGKILL))
    killer.start()
    with parallel_config(backend="dask"):
        there = stack().fit(X, y).predict_proba(X)
    killer.join()
    assert set(client.run(os.getpid).values()) != set(pids)  # its nanny started another
    np.testing.assert_array_equal(here, there)


class Faulty(LogisticRegression):
    """End its worker, or hang."""

    def __init__(self, fault="hang"):
        super().__init__()
        self.fault = fault

    def fit(self, X, y, sample_weight=None):
        if self.fault == "hang":
            re.match(r"(a+)+$", "a" * 60 + "b")  # never gives the interpreter back
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("hang", "it took longer than job_timeout=3"), ("crash", "its worker process died")],
)
def test_on_dask_too_a_learner_that_breaks_its_worker_is_named_and_left_out(data, client, fault, words):
    X, y = data
    linear, cv = ("linear", LogisticRegression()), [(np.arange(200), np.arange(200, 400))]
    settings = {"cv": cv, "refit": False, "random_state": 0}
    faulted = StackedClassifier(learners=[linear, ("bad", Faulty(fault))], on_error="drop", job_timeout=3, **settings)
    with parallel_config(backend="dask"), pytest.warns(UserWarning, match=f"Left out.*learner 'bad'.*{words}"):
        faulted.fit(X, y)
    alone = StackedClassifier(learners=[linear], **settings).fit(X, y)
    np.testing.assert_array_equal(faulted.predict_proba(X), alone.predict_proba(X))


def test_ray_gives_the_same_answer(data):
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    X, y = data
    here = stack().fit(X, y).predict_proba(X)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    try:
        with parallel_config(backend="ray"):
            there = stack().fit(X, y).predict_proba(X)
    finally:
        ray.shutdown()
    np.testing.assert_array_equal(here, there)


class SpreadLightGBM(ClassifierMixin, BaseEstimator):
    """As in the guide: one fit of it takes the whole cluster."""

    def __init__(self, n_estimators=100, chunk_rows=100_000):
        self.n_estimators = n_estimators
        self.chunk_rows = chunk_rows

    def fit(self, X, y):
        import dask.array as da
        from lightgbm import DaskLGBMClassifier

        model = DaskLGBMClassifier(n_estimators=self.n_estimators, verbose=-1)
        model.fit(da.from_array(X, (self.chunk_rows, X.shape[1])), da.from_array(y, self.chunk_rows))
        self.model_, self.classes_ = model.to_local(), np.unique(y)
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_a_learner_may_spread_over_the_cluster_itself(data, client):
    X, y = data
    learners = [("gbm", SpreadLightGBM(20, 200)), ("linear", LogisticRegression())]
    model = StackedClassifier(learners=learners, cv=2, n_jobs=1, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.8
