"""Answers of several kinds of tasks, as JSON can hold them."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from ensemble_mm import MultiOutputStack
from ensemble_mm.endpoint._answers import answer, table_of
from ensemble_mm.endpoint._bodies import Options
from ensemble_mm.endpoint._schema import _made_up_answer


def test_label_sets_are_lists_in_all_answers():
    X = np.random.default_rng(0).normal(size=(60, 2))
    tags = [["red"] * int(a > 0) + ["new"] * int(b > 0) for a, b in X]
    learners = [("linear", LogisticRegression(C=100))]
    model = MultiOutputStack(learners=learners, cv=3, strategy="independent", random_state=0).fit(X, {"tags": tags})
    found = answer(model.compiled(), model.tasks_, X[:4], Options(probabilities=True, set=True))
    for row, (a, b) in enumerate(X[:4]):
        assert found["predictions"][row] == {"tags": ["new"] * int(b > 0) + ["red"] * int(a > 0)}
        chances = found["probabilities"][row]["tags"]
        assert list(chances) == ["new", "red"] and (chances["red"] > 0.5) == (a > 0)
        assert set(found["sets"][row]["tags"]) <= {"new", "red"}
    shown = {"predictions": [{"tags": ["new"]}], "probabilities": [{"tags": {"new": 0.5, "red": 0.5}}]}
    assert _made_up_answer(model) == shown
    assert [name for name, _ in table_of(model, X[:4], probabilities=True)] == ["tags", "tags=new", "tags=red"]


def test_times_have_lower_bounds_and_of_queries_it_is_told_which_rows_may_be_first(times_and_queries):
    X, model = times_and_queries
    found = answer(model, model.tasks_, X[:8], Options(interval=True, set=True, coverage=0.8))
    low, high = model.predict_interval(X[:8], 0.8)["churn"].T
    assert [row["churn"] for row in found["intervals"]] == [[bound, None] for bound in low] and (low > 0).all()
    assert [row["order"] for row in found["sets"]] == model.predict_set(X[:8], 0.8)["order"].tolist()
    table = dict(table_of(model, X[:8], coverage=0.8))
    assert list(table) == ["churn", "churn low", "churn high", "order", "order may be first"]
    assert np.isinf(high).all() and table["order may be first"].dtype == bool
