"""A ranking within queries is a kind of task: no fold parts a query, and scores are of the order within queries."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRanker, LGBMRegressor
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import ndcg_score
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

import ensemble_mm as em
from ensemble_mm._cli._arguments import make_parser
from ensemble_mm._kinds import GRADES, Ranking
from ensemble_mm.data import labels_by_task, resolve_targets
from ensemble_mm.inspection._report_sections import tasks_section
from ensemble_mm.learners import RankLearner, portfolio

N_QUERIES, EACH = 40, 8
KIND = {"fit": ("ranking", "grade", "query")}


def searches(seed=0):
    """Return X and Y; what a query is about moves all its rows, and says nothing of their order."""
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(N_QUERIES), EACH)
    X = pd.DataFrame(rng.normal(size=(len(query), 3)), columns=list("abc"))
    X["topic"] = 3 * rng.normal(size=N_QUERIES)[query]
    grade = np.digitize(X["a"] + X["topic"] / 6 + rng.normal(size=len(X)) / 2, [0, 1, 2])
    Y = pd.DataFrame({"grade": grade, "query": [f"q{q}" for q in query], "size": X["b"] + rng.normal(size=len(X)) / 9})
    order = rng.permutation(len(X))
    return X.iloc[order].reset_index(drop=True), Y.iloc[order].reset_index(drop=True)


def encoded(Y):
    return resolve_targets(Y[["grade", "query"]], KIND)[1]["fit"]


def by_query(y_true, score, query, k=None):
    found = [ndcg_score([y_true[query == q]], [score[query == q]], k=k) for q in np.unique(query)
             if len(np.unique(y_true[query == q])) > 1]  # fmt: skip
    return np.mean(found)


def test_the_ndcg_is_that_of_scikit_learn():
    _, Y = searches()
    score, kind, y = np.round(np.random.default_rng(1).normal(size=len(Y)), 1), Ranking(), encoded(Y)  # with ties
    for name, k in (("ndcg", None), ("ndcg_at_10", 10)):
        expected = by_query(Y["grade"].to_numpy(), score, Y["query"].to_numpy(), k)
        assert kind.metric(name, y, score) == pytest.approx(expected)
    assert kind.metric("ndcg", y, kind.perfect(y)) == pytest.approx(1) == kind.metric("concordance", y, kind.perfect(y))
    assert kind.off(y, score).mean() == pytest.approx(1 - kind.metric("concordance", y, score))
    losses = kind.losses(y, score)
    assert losses.mean() == pytest.approx(1 - kind.metric("ndcg", y, score), abs=0.03)  # queries are as long as others
    weight = (Y["query"] == "q3").to_numpy(float)
    assert kind.metric("ndcg", y, score, weight) == pytest.approx(1 - losses[weight > 0][0])
    assert np.isnan(kind.metric("ndcg", np.arange(5) * GRADES, np.arange(5.0)))


def test_a_ranking_stands_beside_other_tasks(tmp_path):
    X, Y = searches()
    Y.loc[:9, "grade"] = np.nan
    new = searches(1)
    learners = [("rank", LGBMRanker(n_estimators=20, num_leaves=4, verbose=-1)), ("ridge", Ridge())]
    model = em.MultiOutputStack(learners=learners, cv=4, strategy="independent", tasks=KIND, random_state=0).fit(X, Y)
    for train, test in model.folds_:
        assert not {*Y["query"][train]} & {*Y["query"][test]}
    assert {m.learner for m in model.table_.members("fit")} == {"rank", "ridge"}
    assert {m.learner for m in model.table_.members("size")} == {"ridge"}
    out = model.predict(new[0])
    found = model.evaluate(*new)
    expected = by_query(new[1]["grade"].to_numpy(), out["fit"].to_numpy(), new[1]["query"].to_numpy())
    assert found.loc["fit", "ndcg"] == pytest.approx(expected) and expected > 0.9
    assert {*model.leaderboard()["score_name"]} == {"ndcg", "r2"}
    assert "which of two rows of a query is more relevant is told in" in model.summary()
    assert list(model.predict_interval(new[0])) == ["size"]
    em.save(model, tmp_path / "model.emm")
    again = em.load(tmp_path / "model.emm")
    pd.testing.assert_frame_equal(again.compiled().predict(new[0]), out)
    assert again.evaluate(*new).loc["fit", "ndcg"] == expected
    (entry,) = (entry for entry in tasks_section(model) if entry["name"] == "fit")
    assert entry["labels"].startswith("relevances 0 (") and entry["labels"].endswith(f"in {N_QUERIES} queries")
    words = ["fit", "a.csv", "--targets", "grade,query", "--kind", "fit=ranking:grade:query", "--out", "a.emm"]
    assert make_parser().parse_args(words).kind == [("fit", KIND["fit"])]


def test_where_only_a_ranking_is_learned_there_are_no_intervals():
    X, Y = searches()
    model = em.MultiOutputStack(learners=[("ridge", Ridge())], cv=3, tasks=KIND).fit(X, Y[["grade", "query"]])
    assert model.predict_interval(X) == {} and list(model.predict_set(X)) == ["fit"]
    model.conformal_ = {}  # as in a file of before there were lists
    for ask in (model.predict_interval, model.predict_set):
        with pytest.raises(ValueError, match="'fit' is a ranking within queries, for which there are neither"):
            ask(X)


@pytest.mark.parametrize("regressor", [
    Ridge(), make_pipeline(StandardScaler(), Ridge()), LGBMRegressor(n_estimators=20, num_leaves=4, verbose=-1),
    XGBRegressor(n_estimators=20, max_depth=2), LGBMRegressor(n_estimators=9, early_stopping_round=2, verbose=-1),
])  # fmt: skip
@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_regressors_become_rankers(regressor, form):
    X, Y = searches()
    if form is csr_matrix and hasattr(regressor, "steps"):
        return
    model = RankLearner.around(regressor)
    assert Ranking().suits(model)
    y, half = encoded(Y), len(X) // 2
    model.fit(form(X.to_numpy()[:half]), y[:half])
    score = model.predict(form(X.to_numpy()[half:]))
    best = by_query(Y["grade"].to_numpy()[half:], X["a"].to_numpy()[half:], Y["query"].to_numpy()[half:])
    assert by_query(Y["grade"].to_numpy()[half:], score, Y["query"].to_numpy()[half:]) > best - 0.05


def test_what_is_no_regressor_is_left_as_it_is():
    assert isinstance(RankLearner.around(LogisticRegression()), LogisticRegression)
    names = [name for name, *_ in portfolio("balanced", "ranking", n_rows=900)]
    assert {"linear", "gbm", "xgb", "trees"} <= {*names}


def test_weights_count_whole_queries_in_rankers_of_xgboost():
    X, Y = searches()
    y, some = encoded(Y), Y["query"].isin([f"q{i}" for i in range(30)]).to_numpy()
    for learner in (Ridge(), XGBRegressor(n_estimators=9, max_depth=2, base_score=0.0)):
        all_rows = RankLearner(learner).fit(X.to_numpy(), y, some.astype(float))
        few = RankLearner(learner).fit(X.to_numpy()[some], y[some])
        a, b = all_rows.predict(X.to_numpy()), few.predict(X.to_numpy())
        assert np.corrcoef(a, b)[0, 1] > 0.98


@pytest.mark.parametrize("learner", [
    Ridge(), LGBMRegressor(n_estimators=9, verbose=-1), XGBRegressor(n_estimators=9, max_depth=2),
])  # fmt: skip
def test_rows_of_weight_zero_teach_nothing(learner):
    X, Y = searches()
    y, weight = encoded(Y), (np.arange(len(X)) % 3 > 0).astype(float)
    some = weight > 0
    all_rows = RankLearner(learner).fit(X.to_numpy(), y, weight).predict(X.to_numpy())
    few = RankLearner(learner).fit(X.to_numpy()[some], y[some]).predict(X.to_numpy())
    np.testing.assert_allclose(all_rows, few, rtol=1e-5)


class Judged(HistGradientBoostingRegressor):
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        self.apart_ = {*X[:, -1]}.isdisjoint(X_val[:, -1])
        return super().fit(X, y, sample_weight, X_val=X_val, y_val=y_val)


def test_a_regressor_that_stops_early_is_judged_on_whole_queries():
    X, Y = searches()  # the last column tells the query
    learner = RankLearner(Judged(max_iter=3, early_stopping=True)).fit(X.to_numpy(), encoded(Y))
    assert learner.estimator_.apart_


def test_strategies_are_compared_by_queries():
    X, Y = searches()
    views = [("one", em.TabularExtractor(), ["a"]), ("two", em.TabularExtractor(), ["b", "c"])]
    settings = {"views": views, "learners": [("ridge", Ridge(), "each")], "cv": 3, "tasks": KIND, "random_state": 0}
    found = em.compare_strategies(X, Y[["grade", "query"]], **settings)
    given = em.compare_strategies(X, Y[["grade", "query"]], groups=Y["query"], **settings)
    pd.testing.assert_frame_equal(found, given)
    assert found["high"].gt(found["low"]).any()


def test_queries_of_one_name_are_one_whatever_their_type():
    _, Y = searches()
    number = Y["query"].str[1:].astype(int)
    plain = encoded(Y.assign(query=number))
    holes = Y.assign(query=number.astype(float).mask(Y.index == 3))
    tasks, target, _ = resolve_targets(holes[["grade", "query"]], KIND)
    known = np.arange(len(Y)) != 3
    np.testing.assert_array_equal(target["fit"][known], plain[known])
    assert np.isnan(target["fit"][3])
    np.testing.assert_array_equal(Ranking().relevance(plain), Y["grade"])
    again = labels_by_task(tasks, Y.assign(query=number)[["query", "grade"]].iloc[::-1])
    np.testing.assert_array_equal(tasks["fit"].encode(again["fit"])[::-1], plain)


def test_groups_and_queries_are_both_kept_whole():
    X, Y = searches()
    groups = Y["query"].str[1:].astype(int) // 2
    model = em.MultiOutputStack(learners=[("ridge", Ridge())], cv=3, tasks=KIND, random_state=0)
    folds = model.fit(X, Y, groups=groups).folds_
    assert all(not {*groups[train]} & {*groups[test]} for train, test in folds)
    with pytest.raises(ValueError, match="ranks within queries, and fold 0 of cv has rows of one query both"):
        model.set_params(cv=KFold(3)).fit(X, Y)
    model.set_params(cv=GroupKFold(3)).fit(X, Y)


def test_a_ranking_learns_from_new_queries_and_is_added_later():
    X, Y = searches()
    new, labels = searches(1)
    model = em.MultiOutputStack(learners=[("ridge", Ridge())], cv=3, tasks=KIND, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="are of queries of the fit"):
        model.update(new, labels)
    labels["query"] = "new " + labels["query"]
    more = model.update(new, labels, old=X)
    assert len(more.oof_["fit"]) == 2 * len(X) and len(np.unique(more.groups_)) == 2 * N_QUERIES
    plain = em.MultiOutputStack(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(X, Y[["size"]])
    with pytest.raises(ValueError, match="ranks within queries"):
        plain.add_task(X, Y[["grade", "query"]], tasks=KIND)
    bigger = model.add_learner(X, Y, ("gbm", LGBMRegressor(n_estimators=9, verbose=-1)))
    assert {m.learner for m in bigger.table_.members("fit")} == {"ridge", "gbm"}


def test_extractors_learn_relevances_and_no_queries():
    """The averages of labels of 60 codes tell the order, which the numbers of queries would hide."""
    rng = np.random.default_rng(0)
    code, query = rng.integers(0, 60, 600), rng.permutation(np.repeat(np.arange(60), 10))
    X, Y = pd.DataFrame({"code": [f"c{i}" for i in code]}), pd.DataFrame({"grade": code % 4, "query": query})
    views = [("facts", em.TabularExtractor(max_categories=1, target_encoding=True), ["code"])]
    model = em.MultiOutputStack(views=views, learners=[("ridge", Ridge())], cv=3, tasks=KIND, random_state=0)
    assert model.fit(X, Y).leaderboard().set_index("learner").loc["ridge", "score"] > 0.97


def test_an_audit_shuffles_within_queries_and_finds_a_column_that_tells_the_relevance():
    X, Y = searches()
    model = em.MultiOutputStack(learners=[("ridge", Ridge())], cv=3, tasks=KIND, random_state=0)
    found = em.audit(model, X.assign(leak=Y["grade"] * 2.5), Y, random_state=0).set_index("check")["verdict"]
    assert found["shuffled labels of 'fit'"] == found["single columns for 'size'"] == "pass"
    assert found["column 'leak' tells 'fit'"] == "fail"
    assert any(
        "leak: tells the target 'fit' exactly" in note
        for note in model.plan(X.assign(leak=Y["grade"]), Y).problem.schema.notes
    )


@pytest.mark.parametrize("change, kind, words", [
    ({"grade": 0.5}, KIND, "relevances such as 0.5: give whole numbers"),
    ({"grade": 40}, KIND, "relevances such as 40: give whole numbers"),
    ({"grade": "good"}, KIND, "relevances that are not numbers"),
    ({"grade": 1}, KIND, "no query has rows of different relevance"),
    ({"query": np.arange(N_QUERIES * EACH)}, KIND, "no query has rows of different relevance"),
    ({}, {"grade": "ranking"}, 'needs queries: give \\("ranking", column of relevances, column of queries\\)'),
    ({}, {"fit": ("ranking", "grade")}, '"ranking", column of relevances, column of queries'),
    ({}, {"fit": ("ranking", "grade", "quary")}, "needs the column 'quary', but Y has the columns .*mean 'query'"),
])  # fmt: skip
def test_what_is_no_ranking_is_told(change, kind, words):
    with pytest.raises(ValueError, match=words):
        resolve_targets(searches()[1].assign(**change), kind)


@pytest.mark.parametrize("ranker", [LGBMRanker, LGBMRegressor, XGBRegressor])
@pytest.mark.parametrize("weighted", [False, True])
def test_rankers_stop_early_on_queries_of_their_own(ranker, weighted, capfd):
    X, Y = searches()
    y, settings = encoded(Y), {"verbose": -1} if ranker is not XGBRegressor else {}
    learner = RankLearner(ranker(n_estimators=300, early_stopping_rounds=5, **settings))
    weight = np.where(np.arange(len(y)) % 9, 1.0, 0.0) if weighted else None
    model = learner.fit(X.to_numpy(), y, sample_weight=weight)
    name = "best_iteration" if ranker is XGBRegressor else "best_iteration_"
    best = getattr(model.estimator_, name)
    assert 0 <= best < 250
    groups = np.unique(Y["query"], return_inverse=True)[1] // 4
    learner.fit(X.to_numpy(), y, sample_weight=weight, groups=groups)
    assert by_query(Y["grade"].to_numpy(), learner.predict(X.to_numpy()), Y["query"].to_numpy()) > 0.85
    lone = np.flatnonzero(Y["query"] == "q3")
    learner.fit(X.to_numpy()[lone], y[lone])
    assert not capfd.readouterr().out


def test_rankers_get_the_metadata_that_they_ask_for():
    from sklearn import config_context

    X, Y = searches()
    with config_context(enable_metadata_routing=True):
        ranker = LGBMRanker(n_estimators=5, verbose=-1, early_stopping_rounds=2).set_fit_request(init_score=True)
        known = RankLearner(ranker).fit(X.to_numpy(), encoded(Y), init_score=9.0 * Y["grade"].to_numpy())
    plain = RankLearner(clone(ranker)).fit(X.to_numpy(), encoded(Y))
    assert not np.allclose(known.predict(X.to_numpy()), plain.predict(X.to_numpy()))
