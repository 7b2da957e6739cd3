import re
import time
import warnings
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, TimeSeriesSplit
from sklearn.preprocessing import FunctionTransformer

from ensemble_mm import (
    DataWarning,
    MultimodalData,
    MultiOutputStack,
    StackedClassifier,
    StackedRegressor,
    TabularExtractor,
    TextExtractor,
)
from ensemble_mm.crossfit import ALL_ROWS, _execute
from ensemble_mm.learners._scaling import SampledKernel
from ensemble_mm.stacking import _base
from ensemble_mm.stacking._parameters import INNER

VIEWS = [("review", TextExtractor(), "review"), ("facts", TabularExtractor(), ["age", "price", "shop"])]
LINEAR = [("linear", LogisticRegression())]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"views": [("review", TextExtractor(), "body")]}, "View 'review' reads the column 'body'"),
        ({"views": [*VIEWS, VIEWS[0]]}, "View names must differ, but 'review' is used more than once"),
        ({"views": [("review", 3, "review")]}, "The extractor of view 'review' is 3"),
        ({"views": [("review", "drop", "review")]}, "Every view is dropped"),
        ({"views": "all"}, "views='all' is not known"),
        ({"learners": "turbo"}, "learners='turbo' is not known"),
        ({"learners": [("ridge", Ridge())]}, "No learner serves task 'recommended'"),
        ({"on_error": "ignore"}, "'on_error' parameter .* must be a str among {'raise', 'drop'}. Got 'ignore'"),
        ({"augment": -1}, "'augment' parameter .* must be an int in the range .0, 1000.. Got -1"),
        ({"time_budget": 0}, "'time_budget' parameter .* must be None or a float in the range .0.0, inf.. Got 0"),
        ({"job_timeout": "1m"}, "'job_timeout' parameter .* must be None or a float .* Got '1m'"),
        ({"meta_learner": "best"}, "meta_learner='best' is not known"),
        ({"calibration": "platt"}, "calibration='platt' is not known"),
        ({"cv": 1}, "cv=1 must be at least 2"),
    ],
)
def test_errors_say_what_is_wrong(reviews, change, words):
    X, Y = reviews
    model = StackedClassifier(views=VIEWS, learners=LINEAR, cv=3).set_params(**change)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(X, Y["recommended"])


def test_bad_input_is_found_before_anything_is_fitted(reviews, make):
    X, Y = reviews
    model = StackedClassifier(learners=[("bad", make.failing())], cv=3)
    with pytest.raises(ValueError, match="X is empty"):
        model.fit(X[:0], Y["recommended"][:0])
    with pytest.raises(ValueError, match="X has 160 rows, task 'recommended' has 159 labels"):
        model.fit(X, Y["recommended"][:159])
    with pytest.raises(ValueError, match="one class only"):
        model.fit(X, np.full(160, "yes"))


def test_forward_chaining_and_groups(vectors):
    X, y = vectors
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=TimeSeriesSplit(4)).fit(X, y)
    assert np.isnan(model.table_.values[:30]).all() and np.isfinite(model.table_.values[30:]).all()
    groups = np.arange(150) // 10
    for cv in (3, GroupKFold(3)):
        model = StackedRegressor(learners=[("ridge", Ridge())], cv=cv).fit(X, y, groups=groups)
        assert all(not set(groups[a]) & set(groups[b]) for a, b in model.folds_)


def test_groups_are_routed_through_a_grid_search(vectors):
    """Each outer fold's fit gets the groups of its own rows, so that its folds keep them together, too."""
    X, y = vectors
    groups = np.arange(150) // 10

    class Watched(Ridge):
        seen = []

        def fit(self, X, y, sample_weight=None):
            type(self).seen.append(frozenset(np.asarray(X)[:, 0]))
            return super().fit(X, y, sample_weight)

    views = [("v", FunctionTransformer(), list(range(6)))]
    with config_context(enable_metadata_routing=True):
        model = StackedRegressor(views, [("ridge", Watched())], cv=GroupKFold(3)).set_fit_request(groups=True)
        search = GridSearchCV(model, {"ridge__alpha": [1.0]}, cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert np.isfinite(search.best_score_)
    assert len(Watched.seen) == 4 * 4  # three outer fits and the last, of three folds and the refit each
    for rows in Watched.seen:
        part = np.array([value in rows for value in X[:, 0]])
        assert all(part[groups == g].all() or not part[groups == g].any() for g in range(15))


def test_plan_computes_nothing(vectors, make):
    X, y = vectors
    model = StackedRegressor(views=[("v", make.centre(), [0, 1])], learners=[("ridge", Ridge())], cv=5)
    plan = model.plan(X, y)
    assert (len(plan.extractions), len(plan.fits)) == (6, 6) and make.centre.fits == 0
    assert "6 extractions" in str(plan) and not hasattr(model, "table_")


def test_a_checkpoint_resumes_to_the_same_model_and_serves_nothing_stale(reviews, tmp_path):
    X, Y = reviews

    def fit(folder, y):
        model = StackedClassifier(VIEWS, LINEAR, cv=3, meta_learner="simplex", random_state=0, checkpoint=folder)
        return model.fit(X, y)

    whole = fit(None, Y["tone"]).predict_proba(X)
    fit(tmp_path, Y["tone"])
    np.testing.assert_array_equal(fit(tmp_path, Y["tone"]).predict_proba(X), whole)
    other = fit(tmp_path, Y["tone"].sample(frac=1, random_state=0).to_numpy())
    assert not np.array_equal(other.predict_proba(X), whole)


def test_a_time_budget_leaves_a_whole_model(reviews):
    X, Y = reviews
    learners = [*LINEAR, ("strong", LogisticRegression(C=0.1)), ("third", LogisticRegression(C=9.0))]
    model = StackedClassifier(views=VIEWS, learners=learners, cv=3, time_budget=1e-3).fit(X, Y["tone"])
    assert len(model.table_.members("tone")) == 1
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.fit_report_["left_out"].str.contains("third").any()


def test_every_task_has_a_learner_however_short_the_time(reviews):
    X, Y = reviews
    learners = [*LINEAR, ("other", LogisticRegression(C=0.1)), ("ridge", Ridge()), ("more", Ridge(2.0))]
    with pytest.warns(UserWarning, match="The time budget of 0.001 s was over .* view 'review'"):
        model = MultiOutputStack(VIEWS, learners, cv=3, time_budget=1e-3).fit(X, Y)
    assert list(model.views_) == ["facts"]  # the cheap view comes first
    assert {name: len(model.table_.members(name)) for name in Y} == dict.fromkeys(Y, 1)
    assert not model.predict(X).isna().any().any()


def test_fold_models_serve_when_the_refit_comes_too_late(vectors):
    X, y = vectors

    class Slow(Ridge):
        def fit(self, X, y, sample_weight=None):
            time.sleep(1.0)
            return super().fit(X, y, sample_weight)

    learners = [("quick", Ridge()), ("slow", Slow()), ("late", Ridge(2.0))]
    with pytest.warns(UserWarning, match="'slow'.*'late'|'late'.*'slow'"):
        model = StackedRegressor(learners=learners, cv=3, time_budget=3.6, n_jobs=1).fit(X, y)
    assert [member.learner for member in model.table_.members()] == ["quick", "slow"]
    folds = {member.learner: set(models) for member, models in model.levels_[0].models.items()}
    assert folds["quick"] == {ALL_ROWS} and folds["slow"] == {0, 1, 2}
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(("reading", "kept"), [(0.0, ["a", "b"]), (99.0, ["a"])])
def test_reading_the_table_takes_of_the_time_budget(vectors, monkeypatch, reading, kept):
    X, y = vectors
    model = StackedRegressor(learners=[("a", Ridge()), ("b", Ridge(2.0))], cv=3, time_budget=90.0)
    problem, late = model._problem, 0.0

    def slow(*args):
        nonlocal late
        late = reading
        return problem(*args)

    monkeypatch.setattr(model, "_problem", slow)
    clock = SimpleNamespace(**vars(time) | {"time": lambda: time.time() + late})
    monkeypatch.setattr(_base, "time", clock)
    monkeypatch.setattr(_execute, "time", clock)
    with warnings.catch_warnings(action="ignore"):
        model.fit(X, y)
    assert [member.learner for member in model.table_.members()] == kept


@pytest.mark.parametrize(("refit", "folds"), [(True, {ALL_ROWS}), (False, {0, 1, 2})])
def test_a_fitted_stack_holds_only_the_extractors_that_its_models_read(reviews, refit, folds):
    X, Y = reviews
    learners = [("words", LogisticRegression(), "review", "native"), ("facts", LogisticRegression(), "facts")]
    model = StackedClassifier(VIEWS, learners, cv=3, refit=refit).fit(X, Y["recommended"])
    fitted = model.readers_["review"].fitted
    assert {fold for fold, _ in fitted} == folds
    assert all(reducer is None for _, reducer in fitted.values())  # nobody reads the texts reduced
    assert model.score(X, Y["recommended"]) > 0.8


def test_a_long_time_budget_changes_nothing(reviews):
    X, Y = reviews
    plain, timed = (
        MultiOutputStack(
            VIEWS, [*LINEAR, ("ridge", Ridge())], cv=3, meta_learner="mean", random_state=0, time_budget=budget
        ).fit(X, Y)
        for budget in (None, 1000.0)
    )
    pd.testing.assert_frame_equal(plain.predict(X), timed.predict(X))
    assert timed.fit_report_["left_out"].eq("").all()


def test_augmented_copies_never_reach_held_out_rows(reviews):
    X, Y = reviews
    settings = {"views": VIEWS, "learners": LINEAR, "cv": 3, "meta_learner": "mean", "random_state": 0}
    model = StackedClassifier(augment=2, **settings).fit(X, Y["tone"])
    assert model.table_.values.shape[0] == 160 and np.isfinite(model.table_.values).all()
    plain = StackedClassifier(**settings).fit(X, Y["tone"])
    assert not np.array_equal(model.table_.values, plain.table_.values)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"augment": 10**6}, "'augment' .* 1000.. Got 1000000"), ({"n_jobs": "2"}, "'n_jobs' .* Got '2'"),
     ({"augment": True}, "'augment' .* Got True"),
     ({"n_jobs": 0}, "'n_jobs' .* Got 0"), ({"n_jobs": 1.5}, "'n_jobs' .* Got 1.5"),
     ({"refit": np.array([])}, "'refit' .* must be an instance of 'bool'"), ({"views": 3}, "views=3 must be"),
     ({"views": LogisticRegression}, "views=.* must be"), ({"meta_learner": np.array([])}, "meta_learner")],
)  # fmt: skip
def test_parameters_of_another_type_are_told(parameters, words):
    with pytest.raises((ValueError, TypeError), match=words):
        StackedClassifier(learners=[("l", LogisticRegression())], **parameters).fit([[0.0], [1.0]] * 6, [0, 1] * 6)


@pytest.mark.parametrize("y", [{"a": [0, 1] * 6, "b": [1, 0] * 6}, [[0, 1], [1, 0]] * 6])
def test_one_task_means_one(y):
    """It was found out at predict only."""
    with pytest.raises(ValueError, match="y should be a 1d array, got the 2 tasks .*: use MultiOutputStack"):
        StackedClassifier(learners=[("l", LogisticRegression())]).fit([[0.0], [1.0]] * 6, y)


def test_new_rows_without_a_column_are_told():
    X = pd.DataFrame({"a": [0.0, 1.0] * 6, "b": [1.0, 0.0] * 6})
    views, learners = [("v", TabularExtractor(), ["a"])], [("l", LogisticRegression())]
    model = StackedClassifier(views, learners, cv=2).fit(X, [0, 1] * 6)
    with pytest.raises(ValueError, match="View 'v' reads the column 'a', which X does not have. X has: 'c', 'b'"):
        model.predict(X.rename(columns={"a": "c"}))
    for new in (X.to_numpy(), X.to_numpy().tolist(), csr_matrix(X), X.rename(columns={"a": 0, "b": 1})):
        with pytest.warns(DataWarning, match="X does not have valid feature names, but StackedClassifier was fitted"):
            np.testing.assert_array_equal(model.predict_proba(new), model.predict_proba(X))
        with pytest.raises(ValueError, match="X has 1 features, but StackedClassifier is expecting 2 .* 'a', 'b'"):
            model.predict(np.zeros((3, 1)))


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_a_model_of_an_array_reads_frames_too():
    X, y = np.random.default_rng(0).normal(size=(12, 2)), [0, 1] * 6
    model = StackedClassifier(learners=[("l", LogisticRegression())], cv=2, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(pd.DataFrame(X, columns=["a", "b"])), model.predict_proba(X))


def test_a_listed_learner_that_repeats_another_is_named():
    X, y = np.eye(8, 2), [0, 1] * 4
    learners = [("one", LogisticRegression(random_state=0)), ("again", LogisticRegression(random_state=0), "all")]
    with pytest.warns(UserWarning, match=r"left out: 'again'\. There is one view to read"):
        model = StackedClassifier(learners=learners, cv=2).fit(X, y)
    assert [member.learner for member in model.table_.members()] == ["one"]


@pytest.mark.parametrize("listed", [list, lambda pairs: {"classification": pairs}])
def test_a_learner_that_serves_no_task_is_named(vectors, listed):
    """A regressor beside classifiers was passed over without a word."""
    X, y = vectors
    model = StackedClassifier(learners=listed([("linear", LogisticRegression()), ("ridge", Ridge())]), cv=2)
    with pytest.warns(UserWarning, match=r"learn none of the tasks: 'ridge' \(Ridge\)"):
        model.fit(X, y > 0)


@pytest.mark.parametrize("container", [pd.DataFrame, dict], ids=["frame", "dict"])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (1j, "complex numbers"),
        (("a", "b"), "several values in one place, such as the tuple"),
        ({"a"}, "several values in one place, such as the set"),
        (Decimal("sNaN"), "not a number"),
        (10**400, "too large for any float"),
        ("a\ud800", "half of a character"),
        ("a few words with \ud800 among them", "half of a character"),
    ],
)
def test_cells_that_cannot_be_read_are_told_before_anything_is(container, bad, words):
    """They ended in the words of numpy and pandas, or passed, as complex numbers did."""
    column = pd.Series([None] * 20, dtype=object)
    for row in range(10):
        column.iat[row] = bad
    X = container({"code": column, "size": pd.Series(np.arange(20.0), name="size")})
    with pytest.raises(ValueError, match=f"View '(tabular|code)'.* holds .*{words}.* Correct it"):
        StackedRegressor(learners=[("ridge", Ridge())], cv=2).fit(X, np.arange(20.0))


@pytest.mark.parametrize("make", [np.asarray, csr_matrix])
def test_complex_views_are_told(make):
    X = {"v": make(np.ones((20, 2)) * 1j), "size": np.arange(20.0)}
    with pytest.raises(ValueError, match="View 'v' holds complex numbers"):
        StackedRegressor(learners=[("ridge", Ridge())], cv=2).fit(X, np.arange(20.0))


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
def test_no_rows_are_told(reviews):
    X, Y = reviews
    model = StackedClassifier(learners=[("prior", DummyClassifier())], cv=2, random_state=0).fit(X, Y.iloc[:, 0])
    for what in (model, model.compiled()):
        with pytest.raises(ValueError, match="X has no rows .*give at least one"):
            what.predict(X[:0])


def test_another_container_than_in_fit_is_read_or_refused():
    """Views that could not be found were read as missing, and every row got the same answer."""
    frame = pd.DataFrame({"n": np.arange(20.0), "m": np.arange(20.0) % 3})
    forms = {
        "frame": frame, "views": {"n": frame["n"], "m": list(frame["m"])}, "array": frame.to_numpy(),
        "sparse": csr_matrix(frame), "rows": frame.to_numpy().tolist(), "records": frame.to_dict("records"),
    }  # fmt: skip
    places, texts = ("array", "sparse", "rows"), ["some words in a row"] * 20
    for form, X in forms.items():
        model = StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0).fit(X, np.arange(20.0))
        for other, new in forms.items():
            if form == "views" and other in places:  # two views may lie in them in any order
                with pytest.raises(ValueError, match="X has 2 features|give a dict with 'n', 'm'"):
                    model.predict(new)
            else:
                np.testing.assert_allclose(model.predict(new), model.predict(X), rtol=1e-6, err_msg=other)
        others = [] if form in places else [{"N": frame["n"], "M": frame["m"]}]
        for wrong in (texts, {"k": frame["n"]}, frame.to_numpy()[:, :1], *others):
            with pytest.raises(ValueError, match="expecting 2|reads the column 'n'|could not convert string to float"):
                model.predict(wrong)
    part = StackedRegressor(learners=[("ridge", Ridge())], cv=2).fit(forms["views"], np.arange(20.0))
    with pytest.warns(DataWarning, match="none of the columns of these views, .* view 'm' "):
        assert part.predict({"n": frame["n"]}).shape == (20,)


@pytest.mark.parametrize("container", [pd.DataFrame, dict, MultimodalData, lambda X: X["review"]])
def test_the_index_of_X_is_that_of_predictions(reviews, container):
    X, Y = reviews
    X = X.set_axis(np.arange(len(X)) + 1000)[["review", "age"]]
    model = MultiOutputStack(learners=[*LINEAR, ("ridge", Ridge())], cv=2, meta_learner="mean", random_state=0)
    model.fit(container(X), Y[["stars", "tone"]])
    assert model.predict(container(X)).index.equals(X.index)
    assert model.predict_members(container(X[:9])).to_frame().index.equals(X.index[:9])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_fit_that_fails_leaves_the_model_of_the_fit_before(vectors, monkeypatch, error):
    """`n_features_in_` was that of the failed fit, beside the old model."""
    X, y = vectors
    frame = pd.DataFrame(X[:, :4], columns=list("abcd"))
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=2).fit(frame, y)
    before, predicted = dict(vars(model)), model.predict(frame)

    def fail(*args):
        raise error("in the middle of it")

    monkeypatch.setattr(StackedRegressor, "_learn", fail)
    with pytest.raises(error, match="in the middle"):
        model.fit(X, -y)
    assert vars(model) == before and model.n_features_in_ == 4
    np.testing.assert_array_equal(model.predict(frame), predicted)
    fresh = StackedRegressor(learners=[("ridge", Ridge())], cv=2)
    with pytest.raises(error, match="in the middle"):
        fresh.fit(X, y)
    assert not any(name.endswith("_") for name in vars(fresh))


def test_a_meta_learner_is_seeded_as_every_learner(vectors):
    """Two fits with one seed differed by .24 in a probability."""
    X, y = vectors
    learners, meta = [("linear", LogisticRegression()), ("other", LogisticRegression(C=0.01))], ExtraTreesClassifier(3)
    one, two = (
        StackedClassifier(learners=learners, meta_learner=meta, cv=3, random_state=0).fit(X, y > 0) for _ in range(2)
    )
    np.testing.assert_array_equal(one.oof_["y"], two.oof_["y"])
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_the_output_that_transformers_are_set_to_changes_nothing(reviews, output):
    pytest.importorskip("polars")
    X, Y = reviews
    model = StackedClassifier(VIEWS, LINEAR, cv=3, random_state=0)
    plain = model.fit(X, Y["tone"]).predict_proba(X)
    with config_context(transform_output=output):
        np.testing.assert_array_equal(model.fit(X, Y["tone"]).predict_proba(X), plain)
        members = model.predict_members(X).values
    np.testing.assert_array_equal(model.predict_members(X).values, members)


def test_members_that_were_pruned_say_nothing_of_new_rows(vectors):
    X, y = vectors
    learners = [("good", Ridge()), ("bad", DummyRegressor())]
    model = StackedRegressor(learners=learners, prune=1, cv=2, random_state=0).fit(X, y)
    told = model.predict_members(X).to_frame().isna().all()
    assert told.groupby("learner").all().to_dict() == {"bad": True, "good": False}


def test_what_a_fit_sets_and_users_see_is_documented():
    model = MultiOutputStack(learners=[("ridge", Ridge())], cv=2).fit(
        np.eye(20), pd.DataFrame({"y": np.arange(20) / 3})
    )
    fitted = {name for name in dir(model) if name.endswith("_") and not name.startswith("_")}
    told = set(re.findall(r"^ *(\w+_) : ", type(model).__doc__, re.MULTILINE))
    assert fitted <= told and len(fitted) < 20
    assert not fitted & INNER and all(hasattr(model, name) for name in INNER)


def test_a_plan_tells_of_learners_that_are_fitted_on_a_sample(vectors, monkeypatch):
    X, y = vectors
    monkeypatch.setattr(SampledKernel, "most_rows", 20)
    assert "learner 'kernel' is fitted on at most 20 rows" in str(StackedRegressor(learners=["kernel"]).plan(X, y))
