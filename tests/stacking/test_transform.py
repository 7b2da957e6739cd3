"""A stack as a transformer: what its members say, out of fold for the rows of the fit, as input of a next step."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, TimeSeriesSplit
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

import ensemble_mm as em

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(60, 4)), columns=list("abcd"), index=range(100, 160))
Y = pd.DataFrame({"size": X["a"] + X["b"] / 3, "kind": np.where(X["b"] > 0, "coat", "dress"),
                  "grade": np.digitize(X["c"] + X["d"] / 2, [-0.5, 0.5])})  # fmt: skip
Y.iloc[:9, 1] = None
LEARNERS = [("lin", LogisticRegression()), ("ridge", Ridge())]


@pytest.fixture
def memory(make):
    """Members say 1 of a row that they saw in fit, and 0 of others."""
    return em.StackedRegressor(learners=[("memory", make.memoriser())], cv=3, random_state=0, meta_learner="mean")


class Seeing(ClassifierMixin, BaseEstimator):
    """Keep the table that fit was given."""

    def fit(self, X, y):
        self.seen_, self.classes_ = X, np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@pytest.fixture(scope="module")
def model():
    return em.MultiOutputStack(learners=LEARNERS, cv=3, random_state=0, strategy="independent").fit(X, Y)


def test_rows_of_the_fit_get_what_was_said_of_them_out_of_fold_and_others_what_members_say(memory):
    stack = memory
    assert not stack.fit_transform(X, Y["size"]).any() and stack.predict_members(X).to_frame().all().all()
    both = pd.concat([X + 1, X[::-2]])  # new rows, and some of the fit in another order
    assert not stack.transform(both).any()


def test_rows_of_the_fit_are_known_by_their_content(model, tmp_path):
    table, some = model.transform(X), RNG.permutation(60)[:20]
    em.save(model, tmp_path / "model.emm")
    for other in (model, em.load(tmp_path / "model.emm")):
        np.testing.assert_array_equal(other.transform(X.iloc[some].reset_index(drop=True)), table[some])
    mixed = pd.concat([X[:3], X[:3] + 1])
    said = model.transform(mixed)
    np.testing.assert_array_equal(said[:3], table[:3])
    np.testing.assert_array_equal(said[3:], model.transform(X[:3] + 1))
    np.testing.assert_array_equal(said[3:], model.predict_members(X[:3] + 1).values)


def test_of_files_that_do_not_say_which_rows_they_know_all_are_new():
    model = em.StackedRegressor(learners=LEARNERS[1:], cv=3, random_state=0).fit(X, Y["size"])
    marks = model.row_marks_
    for before in (np.sort(marks), None):
        model.row_marks_ = before
        if before is None:
            del model.row_marks_
        np.testing.assert_array_equal(model.transform(X), model.predict_members(X).values)


def test_rows_from_which_nothing_was_learned_are_new():
    weights = np.r_[np.ones(50), np.zeros(10)]
    model = em.StackedRegressor(learners=LEARNERS[1:], cv=3, random_state=0).fit(X, Y["size"], weights)
    np.testing.assert_array_equal(model.transform(X)[50:], model.predict_members(X).values[50:])
    np.testing.assert_array_equal(model.transform(X)[:50], model.table_.values[:50])


def test_rows_of_an_update_are_known_too():
    new = X + 3
    more = em.StackedRegressor(learners=LEARNERS[1:], cv=3, random_state=0).fit(X, Y["size"]).update(new, Y["size"])
    np.testing.assert_array_equal(more.transform(pd.concat([X, new])), more.table_.values)


@pytest.mark.parametrize(
    "within",
    [
        lambda stack: stack,
        lambda stack: FeatureUnion([("stack", stack)]),
        lambda stack: make_column_transformer((stack, ["a", "b"])),
        lambda stack: make_pipeline(StandardScaler(), stack),
    ],
)
@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_what_follows_learns_from_predictions_out_of_fold(memory, within, output):
    """A next step that saw what members say of rows whose label they know would trust them."""
    pytest.importorskip("polars")
    pipe = make_pipeline(within(memory), Seeing()).set_output(transform=output)
    pipe.fit(X, Y["grade"])
    seen = pipe[-1].seen_
    assert not np.asarray(seen).any() and not np.asarray(pipe[:-1].transform(X)).any()
    if output != "default":
        assert list(seen.columns) == list(pipe[:-1].get_feature_names_out())
    if output == "pandas":
        assert seen.index.equals(X.index)


def test_columns_are_called_by_task_class_learner_and_reads(model):
    assert list(model.get_feature_names_out()) == [
        "size ridge(tabular)", "kind=dress lin(tabular)", "grade=0 lin(tabular)", "grade=1 lin(tabular)",
        "grade=2 lin(tabular)",
    ]  # fmt: skip
    flags = em.MultiOutputStack(learners=LEARNERS[:1], cv=3, random_state=0, meta_learner="mean")
    flags.fit(
        X,
        {
            "flag": X["a"] > 0,
            "tags": [["red"] * int(a > 0) + ["new"] * int(b > 0) for a, b in X[["a", "b"]].to_numpy()],
        },
    )
    assert {name.split()[0] for name in flags.get_feature_names_out()} == {"flag", "tags=new", "tags=red"}


def test_output_may_be_set_and_is_kept_by_copies_and_files(model, tmp_path):
    shown = em.StackedRegressor(learners=LEARNERS[1:], cv=3, random_state=0).set_output(transform="pandas")
    frame = shown.fit_transform(X, Y["size"])
    assert isinstance(frame, pd.DataFrame) and frame.index.equals(X.index)
    em.save(shown, tmp_path / "shown.emm")
    for other in (clone(shown).fit(X, Y["size"]), em.load(tmp_path / "shown.emm")):
        pd.testing.assert_frame_equal(other.transform(X[:5]), shown.transform(X[:5]))
    plain = model.transform(X)
    assert isinstance(plain, np.ndarray)
    with config_context(transform_output="pandas"):
        frame = model.transform(X)
    np.testing.assert_array_equal(frame, plain)
    assert list(frame.columns) == list(model.get_feature_names_out())


def test_members_that_are_not_kept_have_no_column_at_fit_nor_later():
    """A column that the next step learns from must be there for new rows, too."""
    learners = [("good", Ridge()), ("bad", DummyRegressor())]
    model = em.StackedRegressor(learners=learners, prune=1, cv=2, random_state=0)
    seen = model.fit_transform(X, Y["size"])
    assert [name.split()[1].split("(")[0] for name in model.get_feature_names_out()] == ["good"]
    assert seen.shape == model.transform(X + 1).shape == (60, 1) and np.isfinite(model.transform(X + 1)).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "chain"}, {"layers": 2}, {"cv": {"size": 2, "kind": KFold(3)}}, {"refit": False},
        {"passthrough": True, "meta_learner": "auto", "strategy": "independent"},
    ],
    ids=str,
)  # fmt: skip
def test_both_tables_have_the_columns_that_are_named(settings):
    model = em.MultiOutputStack(learners=LEARNERS, random_state=0, **{"cv": 3} | settings)
    seen, names = model.fit_transform(X, Y), model.get_feature_names_out()
    said = model.transform(X + 0.001)  # which are other rows, close to those of the fit
    assert seen.shape == said.shape == (60, len(names)) and len(set(names)) == len(names)
    assert np.isfinite(seen).all() and np.isfinite(said).all()
    for j in range(len(names)):
        assert np.corrcoef(seen[:, j], said[:, j])[0, 1] > 0.3, names[j]


def test_rows_without_a_prediction_are_nan():
    data = {"left": X[["a", "b"]].to_numpy(copy=True), "right": X[["c", "d"]].to_numpy()}
    data["left"][::4] = np.nan
    model = em.StackedClassifier(learners=LEARNERS[:1], cv=3, random_state=0, meta_learner="mean")
    others = {name: values + 1 for name, values in data.items()}
    for table in (model.fit_transform(em.MultimodalData(data), Y["grade"]), *map(model.transform, (data, others))):
        assert (np.isnan(table).all(axis=1) == np.isnan(table).any(axis=1)).sum() == 45  # 3 columns of "left" are NaN
        np.testing.assert_array_equal(np.isnan(table[:, :3]).all(axis=1), np.arange(60) % 4 == 0)
    ahead = em.StackedRegressor(learners=LEARNERS[1:], cv=TimeSeriesSplit(3)).fit_transform(X, Y["size"])
    np.testing.assert_array_equal(np.isnan(ahead).any(axis=1), np.arange(60) < 15)
    pipe = make_pipeline(model, HistGradientBoostingClassifier(max_iter=3))
    assert pipe.fit(em.MultimodalData(data), Y["grade"]).predict(em.MultimodalData(data)).shape == (60,)


def test_rows_on_disk_give_the_table_of_those_in_memory(model, tmp_path):
    for rows in (X + 1, X):
        rows.reset_index(drop=True).to_parquet(tmp_path / "rows.parquet")
        data = em.ChunkedData(tmp_path / "rows.parquet", chunk_rows=25)
        np.testing.assert_array_equal(model.transform(data), model.transform(rows))
    assert model.predict_members(data).to_frame().index.equals(pd.RangeIndex(60))


def test_weights_and_groups_reach_the_fit():
    weights, groups = np.r_[np.ones(30), np.zeros(30)], np.arange(60) % 10
    one, two = (em.StackedRegressor(learners=LEARNERS[1:], cv=3, random_state=0) for _ in range(2))
    seen = one.fit_transform(X, Y["size"], sample_weight=weights, groups=groups)
    np.testing.assert_array_equal(seen, two.fit(X, Y["size"], weights, groups).transform(X))
    np.testing.assert_array_equal(seen[:30], two.table_.values[:30])
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(clone(one).set_fit_request(sample_weight=True, groups=True), Seeing())
        pipe.fit(X, Y["grade"], sample_weight=weights, groups=groups)
        stack = clone(one).fit(X, Y["grade"], weights, groups)
    np.testing.assert_array_equal(pipe[-1].seen_, stack.transform(X))


def test_what_is_asked_wrongly_is_told(model):
    with pytest.raises(ValueError, match="input_features is not equal"):
        model.get_feature_names_out(["other"] * 4)
    with pytest.raises(ValueError, match="fitted"):
        clone(model).transform(X)
    with pytest.raises(ValueError, match="fitted"):
        clone(model).get_feature_names_out()
