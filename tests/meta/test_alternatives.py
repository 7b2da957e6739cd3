"""What a stack is compared with: members by the views that they read, and ensembles of them."""

import numpy as np

from ensemble_mm.data import Classes, Numbers
from ensemble_mm.meta import MeanRegressor, SimplexClassifier, alternatives, cross_fitted


def test_members_are_found_by_the_views_they_read():
    reads = [("a",), ("b",), ("b", "a"), (), ("a",), ("a", "c")]
    assert alternatives(reads, ["a", "b"]) == {("a",): [0, 4], ("b",): [1], ("a", "b"): [2]}
    assert alternatives(reads, ["a"]) == {("a",): [0, 4]}


def test_out_of_fold_predictions_do_not_see_their_row():
    rng = np.random.default_rng(0)
    table, y = rng.random((30, 3)), np.arange(30) % 2.0
    folds = [(np.setdiff1d(np.arange(30), np.arange(f, 30, 3)), np.arange(f, 30, 3)) for f in range(3)]
    _, out = cross_fitted(SimplexClassifier(n_classes=2), lambda fold: table, y, Classes(2), folds)
    for f, (_, test) in enumerate(folds):
        turned = y.copy()
        turned[test] = 1 - turned[test]
        _, again = cross_fitted(SimplexClassifier(n_classes=2), lambda fold: table, turned, Classes(2), folds)
        assert np.array_equal(out[test], again[test]), f


def test_rows_without_label_are_predicted_and_those_without_member_or_fold_are_not():
    table, y = np.array([[1.0], [2.0], [np.nan], [4.0]]), np.array([1.0, np.nan, 3.0, 4.0])
    whole, out = cross_fitted(MeanRegressor(), lambda fold: table, y, Numbers(), [(np.array([0, 3]), np.array([1, 2]))])
    assert out[:, 0].tolist()[1] == 2 and np.isnan(out[[0, 2, 3], 0]).all()
    assert whole.prior_ == [2.5]
