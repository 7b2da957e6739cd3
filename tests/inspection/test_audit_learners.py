"""The check of learners that were fitted before: those that saw the rows are caught, honest ones are looked at."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ensemble_mm import MultiOutputStack, StackedClassifier, audit

RNG = np.random.default_rng(0)
X, OTHERS, Y = RNG.normal(size=(90, 3)), RNG.normal(size=(90, 3)), RNG.integers(0, 2, 90)
VIEWS = [("v", FunctionTransformer())]  # what is read is what the old ones saw
FOREST = RandomForestClassifier(10, random_state=0)
WIDE, FAR = RNG.normal(size=(90, 200)), RNG.normal(size=(90, 3))
FAR[:, 0] += 3 * Y


def chosen(k, X, y=Y):
    return make_pipeline(FrozenEstimator(SelectKBest(k=k).fit(X, y)), LogisticRegression())


def verdicts(learner, X=X):
    model = StackedClassifier(
        learners=[("old", learner), ("new", LogisticRegression())], views=VIEWS, cv=3, random_state=0
    )
    found = audit(model, {"v": X}, Y)
    return found.loc[found["check"].str.startswith("learner"), "verdict"].tolist()


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        (FrozenEstimator(FOREST.fit(X, Y)), ["fail"]),
        (make_pipeline(FunctionTransformer(), FrozenEstimator(LogisticRegression().fit(X, Y))), ["fail"]),
        (FrozenEstimator(LogisticRegression().fit(OTHERS, Y)), ["warn"]),
        (make_pipeline(StandardScaler(), LogisticRegression()), []),
    ],
    ids=["saw all", "saw all, in a pipeline", "saw others", "fitted anew"],
)
def test_verdicts(learner, expected):
    assert verdicts(learner) == expected


@pytest.mark.parametrize(
    ("learner", "rows", "expected"),
    [
        (CalibratedClassifierCV(FrozenEstimator(FOREST.fit(X, Y))), X, "fail"),
        (CalibratedClassifierCV(FrozenEstimator(LogisticRegression().fit(OTHERS, Y))), X, "warn"),
        (chosen(3, WIDE), WIDE, "fail"),
        (chosen(3, RNG.normal(size=(90, 200))), WIDE, "warn"),
        (chosen(1, FAR), FAR, "warn"),
        (make_pipeline(FrozenEstimator(StandardScaler().fit(X)), LogisticRegression()), X, "fail"),
        (make_pipeline(FrozenEstimator(StandardScaler().fit(OTHERS)), LogisticRegression()), X, "warn"),
    ],
    ids=["calibrated", "calibrated, of others", "columns", "columns of others", "a column that all rows choose",
         "scale", "scale of others"],
)  # fmt: skip
def test_parts_that_saw_the_rows_are_caught_behind_what_hides_them(learner, rows, expected):
    """A calibrator makes sure ones unsure, and a choice of columns that is the same on any rows tells nothing."""
    assert verdicts(learner, rows) == [expected]


def test_each_task_is_looked_at_and_the_words_tell_the_errors():
    targets = np.c_[X[:, 0], OTHERS[:, 0]]
    seen = FrozenEstimator(Ridge(1e-3).fit(X, targets[:, 0]))
    model = MultiOutputStack(
        learners={"regression": [("old", seen), ("new", Ridge())]}, views=VIEWS, cv=3, random_state=0
    )
    found = audit(model, {"v": X}, targets)
    own = found[found["check"].str.startswith("learner 'old'")]
    assert own["verdict"].tolist() == ["fail", "warn"]
    assert "give a clone" in own["words"].iloc[0]
