import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from ensemble_mm.crossfit import LearnerSpec, Member
from ensemble_mm.data import Task
from ensemble_mm.stacking._cautions import idle_learners, left_out, repeated_learners, unweighted

TASKS = {"size": Task("size", "regression")}
LISTED = {
    "size": [LearnerSpec("ridge", Ridge()), LearnerSpec("again", Ridge()), LearnerSpec("log", LogisticRegression())]
}


def test_a_learner_is_idle_or_repeats_another_but_not_both():
    kept = [Member("size", "ridge", "v", ("v",), Ridge())]
    (idle,), (again,) = list(idle_learners(LISTED, TASKS)), list(repeated_learners(LISTED, TASKS, kept))
    assert "'log' (LogisticRegression)" in idle and "'again'" not in idle
    assert "left out: 'again'. " in again
    assert not list(repeated_learners({}, TASKS, kept))


def test_learners_that_take_no_weights_are_named_once():
    learners = [("near", KNeighborsClassifier()), ("near", KNeighborsClassifier()), ("log", LogisticRegression())]
    (words,) = unweighted(learners)
    assert words.endswith("without them: near.") and not list(unweighted(learners[2:]))


def test_what_a_time_budget_left_out_is_listed():
    report = pd.DataFrame({"left_out": ["", "a on v", "view 'w'"]})
    assert "60 s was over" in left_out(report, 60) and "a on v; view 'w'. Give" in left_out(report, 60)
    assert left_out(report[:1], 60) == ""
