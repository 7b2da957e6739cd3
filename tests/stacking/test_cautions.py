import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from ensemble_mm import StackedClassifier, VectorExtractor
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


def test_a_fitted_learner_that_reads_a_listed_view_is_told_so_and_can_read_numbers_as_they_are():
    X = pd.DataFrame(np.random.default_rng(0).normal(5, 3, size=(90, 3)), columns=list("abc"))
    y = X["a"] > 5
    fitted = LogisticRegression().fit(X.to_numpy()[:40], y[:40])
    views = [("facts", "auto", list("abc"))]
    model = StackedClassifier(views, learners=[("old", FrozenEstimator(fitted))], meta_learner="mean", cv=3)
    with pytest.warns(UserWarning, match="Learners read the features that extractors make, such as scaled numbers"):
        model.fit(X, y)
    model.set_params(views=[("facts", VectorExtractor(standardize=False), list("abc"))])
    with pytest.warns(UserWarning, match="fitted before"):
        said = model.fit(X, y).predict_members(X).to_frame().iloc[:, 0]
    np.testing.assert_allclose(said, fitted.predict_proba(X.to_numpy())[:, 1], atol=1e-6)
