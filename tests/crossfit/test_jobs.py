import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ensemble_mm import StackedClassifier, TabularExtractor, TextExtractor
from ensemble_mm._estimators import seeded, thread_params
from ensemble_mm._rows import assemble
from ensemble_mm.crossfit import Fit, Member, _jobs
from ensemble_mm.crossfit._jobs import FitMember, drawn


def run(estimator, y, n_classes, *blocks, test=None, columns=None, threads=1):
    test = np.arange(0) if test is None else test
    train = np.setdiff1d(np.arange(len(y)), test)
    views = tuple(f"v{i}" for i in range(len(blocks)))
    fit = Fit(Member("y", "a", "all", views, estimator), 0)
    return FitMember(fit, 0, n_classes, y, None, train, test, views, blocks, columns, threads).run()[:2]


def test_probabilities_of_a_class_that_was_not_there_are_zero():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)).astype(np.float32), np.repeat([0.0, 2.0], 20)
    _, proba = run(LogisticRegression(), y, 3, X, test=np.arange(5, 35, 10))
    assert proba.shape == (3, 3)
    assert (proba[:, 1] == 0).all() and np.allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize("estimator", [LinearSVC(), KNeighborsClassifier(3), LogisticRegression()])
def test_every_classifier_gives_probabilities(estimator):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)).astype(np.float32)
    for n_classes in (2, 3):
        y = np.digitize(X[:, 0], [0] if n_classes == 2 else [-0.5, 0.5]).astype(float)
        _, proba = run(estimator, y, n_classes, X, test=np.arange(10))
        assert proba.shape == ((10,) if n_classes == 2 else (10, 3))
        assert ((proba >= 0) & (proba <= 1)).all()


def test_one_class_in_the_training_rows_abstains():
    assert run(LogisticRegression(), np.zeros(8), 2, np.ones((8, 1), np.float32), test=np.array([0])) == (None, None)


def test_counts_that_are_all_zero_are_predicted_as_zero():
    X, y = np.ones((6, 1), dtype=np.float32), np.array([0.0, 0, 0, 0, 0, 7])
    model, out = run(HistGradientBoostingRegressor(loss="poisson"), y, 0, X, test=np.array([5]))
    assert model.predict_columns([X], np.arange(2)).ravel().tolist() == [0, 0] and out.item() == 0


def test_a_missing_view_is_a_hole_or_the_training_mean():
    left, right = np.arange(6, dtype=np.float32)[:, np.newaxis], np.full((6, 1), np.nan, np.float32)
    right[:3] = [[1.0], [2.0], [6.0]]
    model, _ = run(Ridge(), np.arange(6.0), 0, left, right)
    assert model.fills[1] == pytest.approx(3.0)
    assert assemble([left, right], np.array([4]), model.fills, True).tolist() == [[4.0, 3.0]]
    from sklearn.ensemble import HistGradientBoostingRegressor

    model, _ = run(HistGradientBoostingRegressor(), np.arange(6.0), 0, left, right)
    assert model.fills == [None, None]


def test_seeds_and_threads_are_set_only_where_nothing_was_asked():
    pipe = make_pipeline(StandardScaler(), RandomForestClassifier())
    a, b, c = (seeded(pipe, s).get_params()["randomforestclassifier__random_state"] for s in (1, 1, 2))
    assert a == b != c
    assert seeded(RandomForestClassifier(random_state=7), 1).random_state == 7
    from lightgbm import LGBMClassifier

    assert seeded(LGBMClassifier(), 1).n_jobs == 1
    assert seeded(LGBMClassifier(n_jobs=2), 1).n_jobs == 2


def test_spare_threads_go_only_to_learners_whose_answer_does_not_depend_on_them():
    from lightgbm import LGBMRegressor

    pipe = make_pipeline(StandardScaler(), RandomForestClassifier())
    assert thread_params(pipe) == ["randomforestclassifier__n_jobs"]
    assert thread_params(RandomForestClassifier(n_jobs=1)) == []  # the user's own number
    assert thread_params(LGBMRegressor(deterministic=True)) == ["n_jobs"]
    assert thread_params(LGBMRegressor()) == thread_params(LogisticRegression()) == []


def test_spare_threads_do_not_reach_the_constant_that_stands_for_numbers_that_are_all_zero():
    model, _ = run(RandomForestRegressor(2), np.zeros(6), 0, np.arange(6.0)[:, np.newaxis], threads=4)
    assert isinstance(model.estimator, DummyRegressor)


def test_more_threads_give_the_same_model():
    from lightgbm import LGBMClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 20)).astype(np.float32)
    y = (X[:, 0] + rng.normal(size=300) > 0).astype(float)
    test = np.arange(60)
    for learner in (RandomForestClassifier(30), LGBMClassifier(deterministic=True, verbose=-1)):
        found = []
        for threads in (1, 4):
            model, predictions = run(learner, y, 2, X, test=test, threads=threads)
            assert model.estimator.n_jobs in (None, 1)
            found.append(predictions)
        np.testing.assert_array_equal(*found)


def test_boosting_stops_early_on_rows_of_its_own():
    from lightgbm import LGBMRegressor

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 3)).astype(np.float32), rng.normal(size=300)
    model, _ = run(LGBMRegressor(n_estimators=400, early_stopping_round=5, verbose=-1), y, 0, X, test=np.arange(50))
    assert model.estimator.best_iteration_ < 400


def test_predictions_that_are_no_numbers_are_an_error():
    class Broken(Ridge):
        def predict(self, X):
            return np.full(len(X), np.nan)

    with pytest.raises(ValueError, match="its predictions hold NaN"):
        run(Broken(), np.arange(6.0), 0, np.ones((6, 1), np.float32), test=np.array([1]))


def test_of_a_shared_block_a_job_reads_its_own_columns():
    rng = np.random.default_rng(0)
    X, shared, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 5)), rng.normal(size=30)
    model, predictions = run(Ridge(), y, 0, X, shared, test=np.arange(10), columns=[3, 1])
    _, own = run(Ridge(), y, 0, X, shared[:, [3, 1]], test=np.arange(10))
    np.testing.assert_array_equal(predictions, own)
    assert model.widths == [2, 2]


@pytest.mark.parametrize("n_classes", [0, 2])
@pytest.mark.parametrize("name", ["lightgbm.LGBM", "xgboost.XGB"])
def test_early_stopping_makes_no_noise(name, n_classes, recwarn, capfd):
    """LightGBM warned of our own call, and XGBoost printed a line per round."""
    library, _, start = name.partition(".")
    cls = getattr(pytest.importorskip(library), start + ("Classifier" if n_classes else "Regressor"))
    quiet = {"verbose": -1} if library == "lightgbm" else {}
    X = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    y = (X[:, 0] > 0).astype(float) if n_classes else X[:, 0].astype(float)
    run(cls(early_stopping_rounds=3, n_estimators=20, **quiet), y, n_classes, X, test=np.arange(10))
    assert not recwarn.list and capfd.readouterr() == ("", "")


class Own(LogisticRegression):
    """A subclass of the user's own."""


class OwnForest(RandomForestClassifier):
    """One whose n_jobs is of use."""


def test_classes_that_come_from_scikit_learn_keep_their_threads():
    """LogisticRegression warns when its n_jobs is set, in a subclass too."""
    assert seeded(Own(), 1).n_jobs is None and seeded(make_pipeline(Own()), 1)[0].n_jobs is None
    assert seeded(OwnForest(), 1).n_jobs is None


def test_trees_that_take_holes_read_texts_beside_a_table_with_holes():
    """They take NaN in arrays, and refuse it where texts make the columns sparse."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"review": ["warm coat", "torn seam"] * 20, "price": rng.normal(size=40)})
    views = [("review", TextExtractor(), "review"), ("facts", TabularExtractor(), ["price"])]
    model = StackedClassifier(views, [("trees", ExtraTreesClassifier(5, random_state=0), "all")], cv=2, random_state=0)
    for holes in (slice(0, 0), slice(0, 40, 3)):
        table = X.copy()
        table.loc[X.index[holes], "price"] = np.nan
        model.fit(table, [0, 1] * 20)
        assert np.isfinite(model.predict_proba(X.assign(price=np.nan))).all()


class Few(LogisticRegression):
    most_rows = 30

    def fit(self, X, y, sample_weight=None):
        self.rows_ = X[:, 0].copy()
        return super().fit(X, y, sample_weight)


def test_a_learner_that_asks_for_few_rows_gets_a_sample_with_all_classes():
    X = np.arange(400, dtype=np.float32)[:, np.newaxis]
    y = np.where(X[:, 0] == 7, 2.0, X[:, 0] % 2)
    models = [run(make_pipeline("passthrough", Few()), y, 3, X, test=np.arange(100, 110))[0] for _ in range(2)]
    rows = models[0].estimator[-1].rows_
    assert 30 <= len(rows) <= 33 and 7 in rows and models[0].codes == [0, 1, 2]
    assert (np.diff(rows) > 0).all() and not set(rows) & set(range(100, 110))
    np.testing.assert_array_equal(rows, models[1].estimator[-1].rows_)
    small, _ = run(Few(), y[:28], 3, X[:28])
    assert len(small.estimator.rows_) == 28


def test_drawn_numbers_are_spread_like_all():
    y = np.random.default_rng(0).exponential(size=10_000)
    some = y[drawn(y, 500, 1)]
    assert len(some) == 500 and np.allclose(
        np.quantile(some, [0.1, 0.5, 0.9]), np.quantile(y, [0.1, 0.5, 0.9]), rtol=0.02
    )


def test_rows_that_are_predicted_in_parts_are_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(50, 3)).astype(np.float32)
    words = sparse.random(50, 6, 0.5, "csr", np.float32, random_state=rng)
    y = (dense[:, 0] > 0).astype(float)
    for blocks in ((dense,), (words,), (dense, words)):
        model, whole = run(KNeighborsClassifier(5), y, 2, *blocks, test=np.arange(20))
        monkeypatch.setattr(_jobs, "ROWS", 7)
        np.testing.assert_array_equal(model.predict_columns(blocks, np.arange(20)), whole)
        monkeypatch.undo()


@pytest.mark.parametrize("weight", [None, np.arange(20.0)])
def test_means_of_columns_that_are_taken_in_parts_are_those_of_all_rows(monkeypatch, weight):
    block = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    block[::4, 1] = block[:, 2] = np.nan
    rows = np.arange(5, 25)
    known = ~np.isnan(block[rows])
    w = np.ones(20) if weight is None else weight
    wanted = np.nansum(block[rows] * w[:, np.newaxis], axis=0) / np.maximum(w @ known, 1e-9)
    monkeypatch.setattr(_jobs, "ROWS", 7)
    np.testing.assert_allclose(_jobs._column_means(block, rows, weight), wanted, rtol=1e-6)
