import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder

from ensemble_mm import StackedClassifier, StackedRegressor
from ensemble_mm._checks import as_items
from ensemble_mm._estimators import learns_from_labels, split_stateless
from ensemble_mm.crossfit._execute import Runner
from ensemble_mm.crossfit._extract import FitExtractor, cached_chunk
from ensemble_mm.crossfit._features import augmented, chunks, plan_extractions
from ensemble_mm.data import View
from ensemble_mm.features import (
    ImageExtractor,
    TabularExtractor,
    TextExtractor,
    VectorExtractor,
    VideoExtractor,
    _ngrams,
)
from ensemble_mm.store import FeatureCache, content_key, row_keys, versions


def test_the_leading_steps_that_need_no_fit_are_split_off():
    first, rest = split_stateless(make_pipeline(HashingVectorizer(), FunctionTransformer(), TfidfTransformer()))
    assert [name for name, _ in first.steps] == ["hashingvectorizer", "functiontransformer"]
    assert [name for name, _ in rest.steps] == ["tfidftransformer"]
    assert split_stateless(FunctionTransformer())[1] is None
    assert split_stateless(StandardScaler())[0] is None


def test_extractions_are_counted_a_view_and_a_fold():
    views = [View("a", "vector", 0, StandardScaler()), View("b", "vector", 1, FunctionTransformer())]
    assert len(plan_extractions(views, 5, True, ["t", "u"])) == 6 + 1
    assert len(plan_extractions(views, 5, False, ["t", "u"])) == 5 + 1


def test_an_extractor_that_learns_from_labels_is_fitted_a_task():
    assert learns_from_labels(TargetEncoder()) and not learns_from_labels(StandardScaler())
    assert len(plan_extractions([View("a", "tabular", 0, TargetEncoder())], 5, True, ["t", "u"])) == 12


def test_views_that_take_long_are_extracted_first(monkeypatch):
    sent, own = [], Runner.run
    monkeypatch.setattr(Runner, "run", lambda self, stage, jobs, **k: sent.extend(jobs) or own(self, stage, jobs, **k))
    words = np.array(["a good film and long", "a bad film and short", "good and short it is"] * 10)
    X = pd.DataFrame({"size": np.arange(30.0) % 7, "weight": np.arange(30.0) % 5, "words": words})
    views = [("facts", TabularExtractor(), ["size", "weight"]), ("words", TextExtractor(), "words")]
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, views=views)
    model.fit(X, np.arange(30.0))
    read = [job.mark.view for job in sent if isinstance(job, FitExtractor)]
    assert read == ["words"] * 4 + ["facts"] * 4


class Selector(TransformerMixin, BaseEstimator):
    """Say by nothing but the signature of `fit` that labels are wanted."""

    def fit(self, X, y):
        return self

    def transform(self, X):
        return X


@pytest.mark.parametrize(
    "supervised",
    [SelectKBest(k=1), SelectKBest(lambda X, y: np.ones(X.shape[1])), LinearDiscriminantAnalysis(), Selector(),
     SelectFromModel(LogisticRegression()), RFE(LogisticRegression())],
    ids=lambda part: type(part).__name__,
)  # fmt: skip
def test_a_part_that_learns_from_labels_makes_the_whole_one_that_does(supervised):
    plain = StandardScaler()
    for whole in (
        make_pipeline(plain, supervised), make_pipeline(supervised, plain), make_union(plain, supervised),
        make_column_transformer((plain, [0]), (make_pipeline(plain, supervised), [1])),
    ):  # fmt: skip
        assert learns_from_labels(whole)
    for other in (make_union(plain, FunctionTransformer(np.abs)), make_column_transformer(("drop", [0]), (plain, [1]))):
        assert not learns_from_labels(other)


@pytest.mark.parametrize("n", [0, 1, 31, 256, 1000])
def test_chunks_hold_every_row_once(n):
    pieces = chunks(np.arange(n), 2)
    assert sum(map(len, pieces)) == n
    assert all(0 < len(piece) <= 256 for piece in pieces)


@pytest.mark.parametrize(
    ("extractor", "items"),
    [
        (ImageExtractor(), np.random.default_rng(0).integers(0, 256, size=(4, 100, 90, 3)).astype(np.uint8)),
        (VideoExtractor(), np.random.default_rng(0).integers(0, 256, size=(4, 6, 40, 30)).astype(np.uint8)),
        (VectorExtractor(), np.arange(8).reshape(4, 2)),
        (TextExtractor(), pd.DataFrame({"title": ["a b c d e f"] * 4, "body": ["g h i j k l"] * 4})),
    ],
    ids=["image arrays", "clip arrays", "whole numbers", "two text columns"],
)
def test_changed_copies_of_any_kind_of_column_are_read(extractor, items):
    """A changed picture is smaller than the array it comes from; joined texts are one item per row."""
    column = augmented(extractor, items, np.array([True, True, False, True]), 2, seed=0)
    assert len(column) == 12
    X = extractor.fit_transform(column)
    X = X.toarray() if sparse.issparse(X) else X
    assert np.isfinite(X).all() and not np.array_equal(X[0], X[4]) and not np.array_equal(X[4], X[8])
    np.testing.assert_array_equal(X[[6, 10]], X[[2, 2]])  # a row that is not there is not changed


@pytest.mark.parametrize("known", [[0], [0, 1]])
def test_rows_of_another_width_in_the_cache_are_not_mixed_in(tmp_path, known):
    """Whoever can write to the folder can put anything there; it must not end in a broken block."""
    cache, items = FeatureCache(tmp_path), np.array([np.full((8, 8), 50 * i, np.uint8) for i in range(3)])
    items = as_items(items)
    extractor = ImageExtractor(features=["thumbnail"])
    keys = row_keys(items)
    cache.put_rows(content_key("rows", extractor, versions()), keys[known], np.zeros((len(known), 5)))
    block, bad = cached_chunk(extractor, cache, items)
    np.testing.assert_array_equal(block, extractor.transform(items))
    assert bad is None


class Watching(Ridge):
    seen: list = []

    def fit(self, X, y, sample_weight=None):
        self.seen.append(X)
        return super().fit(X, y, sample_weight)


def test_a_copy_of_a_row_is_read_as_the_row_is():
    rng = np.random.default_rng(0)
    names = pd.DataFrame({"name": rng.permutation([f"n{i:02d}" for i in range(20)] * 3)})
    table = TabularExtractor(max_categories=5, target_encoding=True)
    StackedRegressor(
        views=[("t", table, ["name"])], learners=[("ridge", Watching(), "all")], cv=2, refit=False, augment=1,
        random_state=0,
    ).fit(names, rng.normal(size=60))  # fmt: skip
    for X in Watching.seen:
        np.testing.assert_array_equal(*np.split(X, 2))  # and not by its own label


class Wide(FunctionTransformer):
    """Counts letters, in CSR with places of 64 bits."""

    def transform(self, X):
        counts = sparse.csr_matrix([[text.count(letter) for letter in "abc"] for text in np.ravel(X)], dtype=np.float32)
        counts.indices, counts.indptr = counts.indices.astype(np.int64), counts.indptr.astype(np.int64)
        return counts


@pytest.mark.parametrize("extractor", [TextExtractor(), Wide()])
def test_learners_get_sparse_features_with_places_of_32_bits(extractor, monkeypatch):
    """Learners of scikit-learn take no others, whether texts are counted piece by piece or an extractor gives them."""
    monkeypatch.setattr(_ngrams, "PIECE", 8)
    X = pd.DataFrame({"text": [f"a{'b' * (row % 3)} c{row % 5} a" for row in range(30)]})
    model = StackedClassifier(
        learners=[("sgd", SGDClassifier(loss="log_loss"))], views=[("text", extractor, "text")], cv=2
    )
    assert model.fit(X, np.arange(30) % 2).predict(X).shape == (30,)
