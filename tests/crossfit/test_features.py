import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder

from ensemble_mm.crossfit._features import chunks, learns_from_labels, plan_extractions, split_stateless
from ensemble_mm.data import View


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


@pytest.mark.parametrize("n", [0, 1, 31, 256, 1000])
def test_chunks_hold_every_row_once(n):
    pieces = chunks(np.arange(n), 2)
    assert sum(map(len, pieces)) == n
    assert all(0 < len(piece) <= 256 for piece in pieces)
