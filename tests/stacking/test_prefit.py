"""Learners that were fitted before read columns as they are, and say what they say by themselves."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import ensemble_mm as em
from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor
from ensemble_mm.crossfit import JobError

N, OLD = 150, 60
NUMBERS = ["age", "price"]


@pytest.fixture(scope="module")
def data():
    """Old rows, that learners were fitted on, and new ones."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({
        "age": rng.normal(50, 10, N), "price": rng.normal(-3, 0.1, N), "shop": rng.choice(["a", "b", "c"], N),
        "review": rng.choice(["warm and soft wool", "torn at a seam again", "cold and thin cloth"], N),
    })  # fmt: skip
    good = (X["age"] - 50) / 10 + (X["price"] + 3) * 10 + 2 * (X["shop"] == "a") + X["review"].str.startswith("warm")
    return X, good, np.where(good > 1, "yes", "no")


def fitted(model, X, y, cv=3):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "These were fitted before")
        return model.set_params(cv=cv, random_state=0, meta_learner="mean", refit=True).fit(X, y)


def said_by(model, X, name="old"):
    table = model.predict_members(X)
    (member,) = [m for m in table.members() if m.learner == name]
    return table[member].ravel()


WHOLE = {
    "numbers": (NUMBERS, make_pipeline(StandardScaler(), LogisticRegression())),
    "array": (NUMBERS, LogisticRegression(C=9.0)),
    "names": (["price", "age"], LogisticRegression()),
    "mixed": (["age", "price", "shop"], make_pipeline(
        make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), ["shop"])), LogisticRegression())),
    "by place": (["shop"], make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_a_fitted_learner_says_what_it_says_by_itself(data, case, tmp_path):
    X, _, y = data
    columns, learner = WHOLE[case]
    given = X[columns].to_numpy() if case == "array" else X[columns]
    learner.fit(given[:OLD], y[:OLD])
    seen = X[NUMBERS] if case == "array" else X
    model = StackedClassifier(learners=[("old", FrozenEstimator(learner)), ("linear", LogisticRegression())])
    model = fitted(model, seen[OLD:], y[OLD:])
    own = learner.predict_proba(given)[:, 1]
    np.testing.assert_allclose(said_by(model, seen), own, atol=1e-12)
    np.testing.assert_allclose(said_by(model, seen[:1]), own[:1], atol=1e-12)
    em.save(model, tmp_path / "m.emm")
    np.testing.assert_array_equal(em.load(tmp_path / "m.emm").predict_proba(seen), model.predict_proba(seen))
    others = {view for m in model.table_.members() for view in m.views if m.learner == "linear"}
    assert others and "columns of old" not in others


def test_texts_are_read_by_a_fitted_pipeline(data):
    X, _, y = data
    words = make_pipeline(CountVectorizer(), LogisticRegression()).fit(X["review"][:OLD], y[:OLD])
    model = StackedClassifier(learners=[("old", FrozenEstimator(words), "review"), ("linear", LogisticRegression())])
    model = fitted(model, X[OLD:], y[OLD:])
    np.testing.assert_allclose(said_by(model, X), words.predict_proba(X["review"])[:, 1], atol=1e-12)


def test_one_of_several_views_is_found_by_its_width(data):
    X, _, y = data
    old = FrozenEstimator(LogisticRegression().fit(X[NUMBERS].to_numpy()[:OLD], y[:OLD]))
    for given in ({"facts": X[NUMBERS].to_numpy(), "review": X["review"]}, X[[*NUMBERS, "review"]], X):
        model = fitted(StackedClassifier(learners=[("old", old), ("linear", LogisticRegression())]), given, y)
        reads = {m.reads for m in model.table_.members() if m.learner == "old"}
        assert reads == {"columns of old"}


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_arrays_and_numbers(data, container):
    X, good, _ = data
    X = container(X[NUMBERS].to_numpy())
    old = Ridge().fit(X[:OLD], good[:OLD])
    model = fitted(StackedRegressor(learners=[("old", FrozenEstimator(old))]), X[OLD:], good[OLD:])
    np.testing.assert_allclose(said_by(model, X), old.predict(X))
    np.testing.assert_allclose(model.predict(X), old.predict(X))


class Watched(StandardScaler):
    """Notes the names of the columns that it is given."""

    seen: list = []

    def transform(self, X, copy=None):
        self.seen.append(list(X.columns) if hasattr(X, "columns") else None)
        return super().transform(X, copy)


@pytest.mark.parametrize("y_of", [lambda y: y, lambda y: (y == "yes").astype(int)], ids=["strings", "numbers"])
def test_parts_that_were_fitted_before_get_numbers_as_they_are(data, y_of):
    X, _, y = data
    X, y = X[NUMBERS], y_of(y)
    old, scaler = LogisticRegression().fit(X[:OLD], y[:OLD]), Watched().fit(X[:OLD])
    Watched.seen = []
    learners = [
        ("calibrated", CalibratedClassifierCV(FrozenEstimator(old))),
        ("scaled", make_pipeline(FrozenEstimator(scaler), LogisticRegression())),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "These were fitted before")
        model = fitted(StackedClassifier(learners=learners), X[OLD:], y[OLD:])
        said = said_by(model, X, "scaled")
    twin = make_pipeline(FrozenEstimator(scaler), LogisticRegression()).fit(X[OLD:], y[OLD:])
    np.testing.assert_allclose(said, twin.predict_proba(X)[:, 1], atol=1e-6)
    assert all(names == NUMBERS for names in Watched.seen)
    order = np.argsort(old.decision_function(X))
    assert (np.diff(said_by(model, X, "calibrated")[order]) >= -1e-9).all()


def test_classes_are_found_by_their_names(data):
    X, good, _ = data
    X = X[NUMBERS]
    rank = np.digitize(good, [0, 1.5])
    y = pd.Series(pd.Categorical.from_codes(rank, ["low", "mid", "high"], ordered=True))
    old = GaussianNB().fit(X[:OLD], y[:OLD].astype(str))  # in the order of letters
    few = GaussianNB().fit(X[:OLD], np.where(rank[:OLD] > 1, "high", "other"))
    learners = [("old", FrozenEstimator(old)), ("few", FrozenEstimator(few))]
    model = fitted(MultiOutputStack(learners=learners, tasks={"y": "ordinal"}), X[OLD:], pd.DataFrame({"y": y[OLD:]}))
    table = model.predict_members(X)
    by_name = {m.learner: table[m] for m in table.members()}
    places = [list(old.classes_).index(label) for label in model.classes_["y"]]
    np.testing.assert_allclose(by_name["old"], old.predict_proba(X)[:, places], atol=1e-12)
    np.testing.assert_allclose(by_name["few"][:, 2], 1.0, atol=1e-9)  # what it says of "other" is of no class


def test_classes_of_another_task_are_told(data):
    X, good, _ = data
    old = FrozenEstimator(GaussianNB().fit(X[NUMBERS], np.where(good > 0, "a", "b")))
    y = np.where(good > 0, "yes", "no")
    with pytest.raises(JobError, match="fitted before on the classes 'a', 'b', none of which its task has"):
        fitted(StackedClassifier(learners=[("old", old)]), X[NUMBERS], y)


def test_what_was_fitted_before_goes_on_with_no_new_rows(data):
    X, _, y = data
    X = X[NUMBERS]
    old = SGDClassifier(random_state=0, loss="log_loss").fit(X[:OLD], y[:OLD])
    learners = [("old", FrozenEstimator(old)), ("calibrated", CalibratedClassifierCV(FrozenEstimator(old)))]
    model = fitted(StackedClassifier(learners=learners, class_weight={"yes": 9.0, "no": 1.0}), X[:100], y[:100])
    with pytest.warns(UserWarning, match="cannot go on learning.*old.*calibrated"):
        more = model.update(X[100:], y[100:])
    np.testing.assert_array_equal(said_by(more, X), old.predict_proba(X)[:, 1])
    np.testing.assert_array_equal(said_by(more, X, "calibrated"), said_by(model, X, "calibrated"))


class Deciding(ClassifierMixin, BaseEstimator):
    """Says a class and no more."""

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.unique(y), np.shape(X)[1]
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > 50).astype(int)]


def test_one_that_says_classes_alone(data):
    X, _, y = data
    old = Deciding().fit(X[NUMBERS].to_numpy(), y)
    model = fitted(StackedClassifier(learners=[("old", FrozenEstimator(old))]), X[NUMBERS], y)
    np.testing.assert_array_equal(said_by(model, X[NUMBERS]), X["age"] > 50)


def test_what_was_fitted_before_is_told_and_looked_into(data):
    X, _, y = data
    old = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[NUMBERS], y)
    for learner in (FrozenEstimator(old), CalibratedClassifierCV(FrozenEstimator(old))):
        model = StackedClassifier(learners=[("old", learner)], cv=3, random_state=0)
        with pytest.warns(
            UserWarning, match=r"fitted before and stay as they are in every fold: learner 'old'"
        ) as told:
            model.fit(X, y)
        assert not any("scaled numbers" in str(w.message) or "extractor of view" in str(w.message) for w in told)
        findings = em.audit(model, X, y)
        assert "fail" in set(findings[findings["check"].str.contains("'old'")]["verdict"])


def test_views_that_are_listed_are_what_they_are(data):
    X, _, y = data
    old = LogisticRegression().fit(X[NUMBERS].to_numpy(), y)
    views = [("v", StandardScaler(), NUMBERS)]
    model = fitted(StackedClassifier(views, [("old", FrozenEstimator(old))]), X, y)
    scaled = StandardScaler().fit_transform(X[NUMBERS])
    np.testing.assert_allclose(said_by(model, X), old.predict_proba(scaled)[:, 1], atol=1e-6)


def test_plans_tasks_and_added_learners_know_of_it(data):
    X, good, y = data
    X = X[NUMBERS].assign(more=pd.array([None, 2] * (N // 2), dtype="Int64"))
    Y = pd.DataFrame({"kind": y, "good": good})
    old = FrozenEstimator(LogisticRegression().fit(X[NUMBERS], y))
    model = MultiOutputStack(learners=[("old", old), "linear", ("ridge", Ridge())])
    assert "columns of old" in str(model.plan(X, Y))
    model = fitted(model, X, Y[["kind"]])
    assert list(model.add_task(X, Y[["good"]]).predict(X).columns) == ["kind", "good"]
    second = FrozenEstimator(GaussianNB().fit(X[NUMBERS], y))
    with pytest.raises(ValueError, match="'new' was fitted before.*fit anew"):
        model.add_learner(X, Y[["kind"]], ("new", second))


def test_a_fitted_pipeline_abstains_where_it_cannot_read_what_is_missing(data, tmp_path):
    X, _, y = data
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    read = make_column_transformer((CountVectorizer(), "review"), (numbers, NUMBERS))
    pipeline = make_pipeline(read, LogisticRegression()).fit(X[:OLD], y[:OLD])
    model = StackedClassifier(learners=[("old", FrozenEstimator(pipeline), "all"), ("linear", LogisticRegression())])
    model, few = fitted(model, X[OLD:], y[OLD:]), X[:8].copy()
    few.loc[:2, "review"] = None
    few.loc[2:4, "age"] = np.nan  # which it can do without
    said = said_by(model, few)
    np.testing.assert_allclose(said[3:], pipeline.predict_proba(few[3:])[:, 1])
    assert np.isnan(said[:3]).all()
    alone = [said_by(model, few[row : row + 1])[0] for row in range(8)]
    np.testing.assert_array_equal(said, alone)
    assert np.isfinite(model.predict_proba(few)).all() and model.compiled().predict(few).shape == (8,)
    X = X.assign(review=X["review"].where(X.index % 4 > 0))
    again = fitted(model, X[OLD:], y[OLD:])
    assert np.isfinite(again.oof_["y"]).all()
