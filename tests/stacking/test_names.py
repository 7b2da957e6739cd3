"""Views, tasks and learners may be called anything: what a member reads is known, not read from its name."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from ensemble_mm import MultiOutputStack, StackedRegressor, view_contributions

SETTINGS = {"n_estimators": 10, "min_samples_leaf": 3, "random_state": 0}
LEARNERS = [("trees", ExtraTreesRegressor(**SETTINGS)), ("classes", ExtraTreesClassifier(**SETTINGS))]


@pytest.fixture(scope="module")
def views():
    """A view that tells, and noise."""
    return np.random.default_rng(0).normal(size=(2, 240, 3))


@pytest.fixture(scope="module")
def Y(views):
    """A number, the same number that is known for few rows, and classes."""
    y = views[0].sum(axis=1) + views[0, :, 0] * views[0, :, 1]
    return y, np.where(np.arange(240) % 6, np.nan, y), y > 0


@pytest.mark.parametrize("strategy", ["stacked", "chain"])
def test_tasks_and_views_may_be_called_anything(views, Y, strategy):
    """A task called "hit@5" ended the fit with KeyError: 'hit'."""
    names = ["hit@1", "hit@5", "hit@9@chain0"]
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0, strategy=strategy, tasks={names[2]: "binary"})
    model.fit(dict(zip(["tasks", "all+chain0"], views, strict=True)), pd.DataFrame(dict(zip(names, Y, strict=True))))
    assert model.strategy_.loc["hit@5", "kept"]
    shares = model.task_contributions_["hit@5"]
    assert shares.drop("hit@5").sum() > 0 == shares["hit@5"]
    assert len(model.predict(dict(zip(model.views_, views[:, :9], strict=True)))) == 9


@pytest.mark.parametrize("name", ["tasks", "all", "chain0", "all+tasks", "x+tasks"])
def test_a_view_has_the_share_of_its_own_members(views, Y, name):
    """A view called "tasks" got a share of what the other views give."""
    model = StackedRegressor(learners=LEARNERS[:1], cv=3, random_state=0).fit(
        {"useful": views[0], name: views[1]}, Y[0]
    )
    found = view_contributions(model, n_bootstrap=0)["y"]
    assert found.loc["useful", "unique"] > 0.3 and abs(found.loc[name, "value"]) < 0.05
