"""The check of extractors: honest ones pass, those that saw held-out rows or look beside them are caught."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder

from ensemble_mm.data import MultimodalData, Problem, Task, View
from ensemble_mm.inspection._audit_extractors import _difference, check_extractor

CHECK, ALONE = "extractor of view 'v'", "extractor of view 'v', row by row"
TASKS = {"size": Task("size", "regression")}


class Ranker(TransformerMixin, BaseEstimator):
    """Rank the rows among those that are transformed."""

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X):
        return np.argsort(np.argsort(X, axis=0), axis=0).astype(float)


class Broken(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        raise RuntimeError("out of order")


def found(extractor, column, modality="vector"):
    n = len(column)
    rng = np.random.RandomState(0)
    view, target = View("v", modality, "v", extractor), rng.normal(size=n)
    problem = Problem(MultimodalData({"v": column}), (view,), TASKS, {"size": target}, {"size": None})
    rows = check_extractor(view, problem, np.arange(n), rng)
    return {check: verdict for check, verdict, *_ in rows}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(60, 3)) * [1, 2, 3]


@pytest.mark.parametrize(
    ("make", "verdicts"),
    [
        (lambda X: StandardScaler(), {ALONE: "pass", CHECK: "pass"}),
        (lambda X: FunctionTransformer(np.abs), {ALONE: "pass", CHECK: "pass"}),
        (lambda X: Ranker(), {ALONE: "fail", CHECK: "warn"}),
        (lambda X: FrozenEstimator(StandardScaler().fit(X)), {ALONE: "pass", CHECK: "fail"}),
        (lambda X: FrozenEstimator(StandardScaler().fit(X + 1)), {ALONE: "pass", CHECK: "warn"}),
        (lambda X: make_pipeline(FrozenEstimator(PCA(2).fit(X))), {ALONE: "pass", CHECK: "fail"}),
        (lambda X: Broken(), {CHECK: "skip"}),
    ],
    ids=["learns", "learns nothing", "looks beside", "saw all", "saw others", "a step saw all", "fails"],
)
def test_verdicts(X, make, verdicts):
    assert found(make(X), X) == verdicts


def test_rows_where_the_view_is_missing_are_not_read(X):
    X[20:40] = np.nan
    assert found(PCA(2), X) == {ALONE: "pass", CHECK: "pass"}
    X[7:] = np.nan
    assert found(PCA(2), X) == {CHECK: "skip"}


def test_texts_with_sparse_features():
    rng = np.random.default_rng(0)
    texts = np.array([" ".join(rng.choice(list("abcdefghij"), 6)) for _ in range(60)], dtype=object)
    words = TfidfVectorizer(token_pattern=r"\w")
    assert found(words, texts, modality="text") == {ALONE: "pass", CHECK: "pass"}


def test_an_extractor_that_wants_labels_gets_those_that_are_known(X):
    assert found(TargetEncoder(target_type="continuous"), np.round(X), modality="tabular")[CHECK] == "pass"


def test_differences():
    a = np.array([[1.0, 100.0]])
    assert _difference(a, a + 1e-4) == 0
    assert _difference(a, a + [[0, 1.0]]) == pytest.approx(1 / 101)
    assert _difference(a, np.ones((1, 3))) == 1
