import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import StackedClassifier, StackedRegressor


def test_no_cell_comes_from_a_model_that_saw_its_row(vectors, make):
    X, y = vectors
    model = StackedRegressor(learners=[("memory", make.memoriser())], cv=3).fit(X, y)
    assert not model.table_.to_frame().to_numpy().any()


def test_extraction_happens_once_a_fold_or_once_for_all(vectors, make):
    X, y = vectors
    learners = [(f"ridge{i}", Ridge(alpha=i + 1)) for i in range(4)]
    for extractor, expected in ((make.centre(), 5 + 1), (make.squares(), 1)):
        model = StackedRegressor(views=[("all", extractor, list(range(6)))], learners=learners, cv=5).fit(X, y)
        assert model.n_extractions_ == expected
    assert make.centre.fits == 6 and make.squares.rows == 150
    model.predict(X)
    assert make.squares.rows == 300


def test_identical_jobs_are_done_once(vectors, make):
    class Counted(Ridge):
        fits = 0

        def fit(self, X, y, sample_weight=None):
            type(self).fits += 1
            return super().fit(X, y, sample_weight)

    X, y = vectors
    a, b = Counted(random_state=0), Counted(random_state=0)
    StackedRegressor(learners=[("a", a), ("b", b), ("c", Counted(alpha=2.0))], cv=3).fit(X, y)
    assert Counted.fits == 2 * 4


def test_a_learner_abstains_where_its_view_is_missing(vectors):
    X, y = vectors
    data = {"left": X[:, :3].copy(), "right": X[:, 3:].copy()}
    data["left"][::4] = np.nan
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(data, y)
    (left,) = (model.table_[m].ravel() for m in model.table_.members() if m.views == ("left",))
    assert np.isnan(left[::4]).all() and np.isfinite(np.delete(left, np.s_[::4])).all()
    assert np.isfinite(model.predict(data)).all()


def test_a_row_without_any_view_gets_the_prior(vectors):
    X, y = vectors
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit({"v": X}, y)
    assert model.predict({"v": np.full((1, 6), np.nan)})[0] == np.mean(y)


def test_a_failing_learner_is_dropped_or_ends_the_fit(vectors, make):
    import pytest

    X, y = vectors
    learners = [("good", LogisticRegression()), ("bad", make.failing())]
    with pytest.raises(RuntimeError, match="learner 'bad' .*task 'y', fold 0 failed: RuntimeError: the learner's own"):
        StackedClassifier(learners=learners, cv=3).fit(X, y > 0)
    with pytest.warns(UserWarning, match="learner 'bad'"):
        model = StackedClassifier(learners=learners, cv=3, on_error="drop").fit(X, y > 0)
    assert [member.learner for member in model.table_.members()] == ["good"]
    assert {f["learner"] for f in model.failures_} == {"bad"}


def test_mean_of_fold_models_predicts_without_a_refit(vectors):
    X, y = vectors
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=4, refit=False, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9


def test_learners_that_all_want_few_columns_read_a_view_that_has_no_fewer(vectors):
    X, y = vectors
    model = StackedRegressor(learners=[("ridge", Ridge(), "each", "reduced")], cv=3, random_state=0).fit({"v": X}, y)
    assert model.score({"v": X}, y) > 0.9
