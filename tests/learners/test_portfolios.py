import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification, make_regression
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error

from ensemble_mm import MultiOutputStack
from ensemble_mm.learners import PORTFOLIOS, Entry, default_space, portfolio

VIEWS = {"words": "words", "facts": "table"}
SIZES = [(40, 2), (40, 8), (300, 3), (3000, 10), (100_000, 2), (100_000, 5000)]


@pytest.mark.parametrize("name", PORTFOLIOS)
@pytest.mark.parametrize(("n_rows", "n_classes"), SIZES)
def test_entries_are_whole_and_their_names_differ(name, n_rows, n_classes):
    for kind in ("classification", "regression"):
        entries = portfolio(name, kind, n_rows=n_rows, n_classes=n_classes, views=VIEWS)
        names = [entry[0] for entry in entries]
        assert len(set(names)) == len(names) >= (1 if n_classes == 5000 else 2)
        for _, estimator, reads, form in entries:
            assert is_classifier(estimator) == (kind == "classification")
            named = [view for part in reads for view in part] if isinstance(reads[0], list) else reads
            assert reads in ("each", "all") or set(named) <= set(VIEWS)
            assert form in ("native", "reduced")
            clone(estimator)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_more_time_means_more_learners(kind):
    sizes = [len(portfolio(name, kind, n_rows=400, n_classes=3, views=VIEWS)) for name in PORTFOLIOS]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_no_forest_may_memorise_a_row(name):
    for kind in ("classification", "regression"):
        for _, estimator, _, _ in portfolio(name, kind, n_rows=500, n_classes=3, views=VIEWS):
            if "min_samples_leaf" in estimator.get_params():
                assert estimator.get_params()["min_samples_leaf"] >= 2


def test_learners_leave_the_cores_to_the_stack():
    for kind in ("classification", "regression"):
        for _, estimator, _, _ in portfolio("best", kind, n_rows=500, n_classes=3, views=VIEWS):
            threads = {value for key, value in estimator.get_params().items() if key.rpartition("__")[2] == "n_jobs"}
            assert threads <= {1, None}


@pytest.mark.parametrize("n_rows", [40, 400])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_every_learner_beats_the_constant(kind, n_rows):
    """On easy data; a learner whose settings do not suit the number of rows gives a constant, or worse."""
    if kind == "classification":
        X, y = make_classification(n_rows + 500, 6, n_informative=4, n_redundant=0, class_sep=1.5, random_state=0)
    else:
        X, y = make_regression(n_rows + 500, 6, noise=5.0, random_state=0)
    a, b, ya, yb = X[:n_rows], X[n_rows:], y[:n_rows], y[n_rows:]
    entries = portfolio("best", kind, n_rows=n_rows, n_classes=2, views={"x": "vector"}, random_state=0)
    for name, estimator, _, _ in entries:
        model = clone(estimator)
        if "n_jobs" in model.get_params():
            model.set_params(n_jobs=1)  # as the stack does
        model.fit(a, ya)
        if kind == "classification":
            constant = log_loss(yb, DummyClassifier(strategy="prior").fit(a, ya).predict_proba(b))
            assert log_loss(yb, model.predict_proba(b)) < constant, name
        else:
            constant = mean_squared_error(yb, DummyRegressor().fit(a, ya).predict(b))
            assert mean_squared_error(yb, model.predict(b)) < 0.9 * constant, name


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_a_space_is_shipped_for_every_learner(kind):
    for n_rows, n_classes in SIZES:
        for _, estimator, _, _ in portfolio("best", kind, n_rows=n_rows, n_classes=n_classes, views=VIEWS):
            space = default_space(estimator)
            assert set(space) <= set(estimator.get_params())


@pytest.mark.slow
def test_the_seed_reaches_every_learner_and_decides():
    one, same = (portfolio("best", "regression", n_rows=100, views=VIEWS, random_state=3) for _ in range(2))
    X, y = make_regression(100, 5, noise=1.0, random_state=0)
    for (_, a, _, _), (_, b, _, _) in zip(one, same, strict=True):
        np.testing.assert_array_equal(a.fit(X, y).predict(X), b.fit(X, y).predict(X))


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_words_are_read_sparse_and_never_as_whitened_directions(kind):
    """Learners that scale columns must not read the reduced form of a text view: that inflates its noise."""
    views = {"words": "words", "meaning": "sentences", "facts": "table"}
    for name in PORTFOLIOS:
        for learner, estimator, reads, form in portfolio(name, kind, n_rows=400, n_classes=2, views=views):
            scales = hasattr(estimator, "steps") and "all" not in reads
            own = list(views) if reads == "each" else [v for part in reads for v in np.atleast_1d(part)]
            assert not (scales and "words" in own and form == "reduced"), learner


def test_sentence_vectors_stand_beside_the_words_they_come_from():
    views = {"words": "words", "meaning": "sentences"}
    entries = portfolio("best", "classification", n_rows=400, n_classes=2, views=views)
    assert ("linear_text", ["words", "meaning"], "native") in [(n, r, f) for n, _, r, f in entries]


@pytest.mark.parametrize("kind", ["binary", "count", "regression"])
def test_more_rounds_of_boosting_are_for_best_only(kind):
    """They took "balanced" two thirds longer and gained nothing beside its other members."""

    def boosting(name):
        entries = portfolio(name, kind, n_rows=400, n_classes=2)
        return repr({name: estimator for name, estimator, *_ in entries}["gbm"])

    assert boosting("balanced") == boosting("fast")
    assert boosting("best") != boosting("fast")


@pytest.mark.parametrize("views", [{"a": "table"}, {"a": "words"}, {"a": "media"}])
def test_boosting_reads_one_view_once(views):
    """What is boosted with all views side by side is not boosted alone, too, where there is one view."""
    names = [name for name, *_ in portfolio("balanced", "binary", n_rows=400, views=views)]
    assert "gbm" in names and not {"gbm_tables", "gbm_media"} & {*names}
    several = views | {"b": "table", "c": "media"}
    names = [name for name, *_ in portfolio("balanced", "binary", n_rows=400, views=several)]
    assert {"gbm", "gbm_media"} <= {*names}


def test_wrong_calls_are_told():
    with pytest.raises(ValueError, match="portfolio"):
        portfolio("quick", "regression", n_rows=10)
    with pytest.raises(ValueError, match="kind"):
        portfolio("fast", "sorting", n_rows=10)
    with pytest.raises(ValueError, match="views='tabular' is not known: use one of 'words'"):
        portfolio("fast", "regression", n_rows=10, views={"x": "tabular"})


def test_trees_look_at_more_columns_of_texts_and_tables_than_of_media():
    def share(nature):
        views = {"item": nature, "other": nature}
        entries = portfolio("fast", "classification", n_rows=2000, n_classes=2, views=views)
        return {name: estimator for name, estimator, _, _ in entries}["gbm"].colsample_bytree

    assert share("words") > 2 * share("media") == 2 * share("states")


@pytest.mark.parametrize("other", ["words", "media"])
def test_fast_boosts_tables_that_stand_beside_other_views_on_their_own(other):
    for views in ({"facts": "table"}, {"facts": "table", "item": other}):
        entries = portfolio("fast", "classification", n_rows=2000, n_classes=2, views=views)
        readers = {name: reads for name, _, reads, _ in entries}
        beside_words = "words" in views.values()
        assert readers["gbm"] == (["facts"] if "media" in views.values() else "all")
        assert readers.get("gbm_tables") == ([["facts"]] if beside_words else None)
        assert ("kernel" in readers) == ("media" in views.values())
        assert ("gbm_random" in readers) == (len(views) == 1)


@pytest.mark.parametrize("name", ["balanced", "best"])
def test_kernels_leave_tables_of_many_rows_beside_other_views_to_boosting(name):
    beside = {"facts": "table", "sizes": "vector", "note": "words"}
    for n_rows, kept in ((900, [["facts"], ["sizes"]]), (2000, [["sizes"]])):
        reads = {n: r for n, _, r, _ in portfolio(name, "regression", n_rows=n_rows, views=beside)}
        assert reads["kernel"] == reads["svr"] == kept
    alone = {n for n, *_ in portfolio(name, "regression", n_rows=2000, views={"facts": "table"})}
    assert {"kernel", "svr"} <= alone


def test_fast_has_two_kinds_of_boosting_for_a_table_of_many_rows():
    for n_rows, names in ((900, {"linear", "kernel", "gbm", "trees"}), (2000, {"linear", "gbm", "gbm_random"})):
        for kind in ("regression", "classification"):
            entries = portfolio("fast", kind, n_rows=n_rows, n_classes=2, views={"facts": "table"})
            assert {name for name, *_ in entries} == names


def test_fast_saves_trees_only_on_tables_alone():
    def n_trees(kind, views):
        entries = portfolio("fast", kind, n_rows=700, n_classes=2, views=views)
        return next(estimator for name, estimator, _, _ in entries if name == "trees").n_estimators

    alone, beside = {"facts": "table"}, {"facts": "table", "name": "words"}
    assert n_trees("regression", alone) == n_trees("classification", alone) < 60
    assert n_trees("regression", beside) == n_trees("classification", beside) == 60


def test_fast_has_trees_of_each_of_several_vectors():
    def trees(**views):
        entries = portfolio("fast", "classification", n_rows=700, n_classes=3, views=views)
        return next((reads, estimator.n_estimators) for name, estimator, reads, _ in entries if name == "trees")

    assert trees(a="vector", b="vector") == trees(a="vector", b="table") == ("each", 60)
    assert trees(a="vector") == trees(a="table", b="table") == ("all", 20)
    assert trees(a="vector", b="media") == ([["a"]], 60)


def test_logistic_models_try_more_penalties_on_what_is_no_table():
    def n_penalties(nature):
        entries = portfolio("balanced", "binary", n_rows=700, views={"x": nature})
        return [len(e[-1].Cs) for name, e, *_ in entries if name in ("linear", "kernel")]

    assert n_penalties("table") == [4, 3]
    assert n_penalties("media") == [8, 7]


@pytest.mark.parametrize("heavy", [True, False])
def test_boosting_learns_the_logarithm_of_heavy_tails_only(heavy):
    X = np.random.default_rng(0).normal(size=(300, 1))
    y = np.exp(3 * X[:, 0]) if heavy else X[:, 0]
    learners = {name: estimator for name, estimator, _, _ in portfolio("fast", "regression", n_rows=300)}
    model = learners["gbm"].fit(X, y)[-1]
    assert (model.transformer_.units_[0] > 0) == heavy
    assert abs(np.corrcoef(np.log(model.predict(X)) if heavy else model.predict(X), X[:, 0])[0, 1]) > 0.95


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_tables_beside_media_keep_learners_of_their_own(kind):
    """What suits hundreds of columns of a picture does not suit the ten of a table."""
    views = {"photo": "media", "states": "states", "facts": "table"}
    beside = portfolio("balanced", kind, n_rows=400, n_classes=2, views=views)
    alone = portfolio("balanced", kind, n_rows=400, n_classes=2, views={"facts": "table"})
    settings = {name: estimator.get_params() for name, estimator, _, _ in alone}
    read = {name: reads for name, _, reads, _ in beside}
    for name, reads in {"gbm": ["facts"], "xgb": [["facts"]], "trees": [["facts"]]}.items():
        assert read[name] == reads
        # Parts are compared by their own parameters, which stand beside them.
        expected, found = (
            {key: value for key, value in params.items() if key != "steps" and not hasattr(value, "get_params")}
            for params in (settings[name], dict((n, e) for n, e, _, _ in beside)[name].get_params())
        )
        assert found == pytest.approx(expected, nan_ok=True)
    assert read["gbm_media"] == [["photo"]] and "gbm_tables" not in read  # which "gbm" is already


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_no_learner_is_fitted_twice_on_the_only_view(kind):
    for nature in ("table", "vector", "words", "media"):
        names = [entry[0] for entry in portfolio("best", kind, n_rows=400, n_classes=2, views={"x": nature})]
        assert not {"linear_all", "kernel_all", "linear_text"} & set(names)


def test_a_portfolio_of_ones_own_is_a_list_of_entries(monkeypatch):
    mine = [
        Entry("dummy", lambda facts: DummyRegressor() if facts.regression else DummyClassifier(), "each", "native"),
        Entry("large", lambda facts: DummyClassifier(), when=lambda facts: facts.n_rows > 1000),
    ]
    monkeypatch.setitem(PORTFOLIOS, "mine", mine)
    ((name, estimator, reads, form),) = portfolio("mine", "regression", n_rows=100)
    assert (name, type(estimator), reads, form) == ("dummy", DummyRegressor, "each", "native")
    assert [entry[0] for entry in portfolio("mine", "binary", n_rows=2000)] == ["dummy", "large"]


def test_learners_are_called_by_their_names():
    """One list serves tasks of both kinds; names that are not known are refused with the nearest."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = {"size": X[:, 0], "kind": np.where(X[:, 1] > 0, "a", "b")}
    learners = ["lightgbm", "ridge", ("own", LogisticRegression())]
    model = MultiOutputStack(learners=learners, strategy="independent", cv=2, random_state=0).fit(X, Y)
    members = {task: [m.learner for m in model.table_.members(task)] for task in Y}
    assert members == {"size": ["lightgbm", "ridge"], "kind": ["lightgbm", "ridge", "own"]}
    assert model.get_params()["learners"] == learners and "lightgbm" in model._repr_html_()
    with pytest.raises(ValueError, match="lightgmb.*lightgbm"):
        MultiOutputStack(learners=["lightgmb"], cv=2).fit(X, Y)


@pytest.mark.parametrize("name", PORTFOLIOS)
def test_boosting_of_all_views_reads_media_only_where_there_is_nothing_else(name):
    def reads(views):
        return next(e[2] for e in portfolio(name, "regression", n_rows=500, views=views) if e[0] == "gbm")

    assert reads({"photo": "media", "facts": "table", "note": "words"}) == ["facts", "note"]
    assert reads({"photo": "media", "sound": "media"}) == reads({"facts": "table", "note": "words"}) == "all"
