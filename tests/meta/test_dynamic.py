"""Weights of a row's own: used where they help, and not elsewhere."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from ensemble_mm import StackedRegressor, load, save
from ensemble_mm.meta import GreedyClassifier, GreedyRegressor, make_meta_learner

RNG = np.random.default_rng(0)
LEFT = np.arange(300) < 150


def halves(y):
    """Return a table of two members, each of which knows one half of the rows, and what the others say is near 0.5."""
    blurred = 0.5 + 0.02 * RNG.normal(size=300)
    return np.c_[np.where(LEFT, y, blurred), np.where(LEFT, blurred, y)]


def test_each_row_is_told_by_the_member_that_knows_its_like():
    y = RNG.integers(0, 2, 300)
    table = halves(0.1 + 0.8 * y)
    table[0, 0] = np.nan
    model, plain = (
        make_meta_learner("dynamic", kind="binary", n_classes=2, random_state=0).fit(table, y),
        GreedyClassifier().fit(table, y),
    )
    truth = np.arange(300), y
    assert model.is_dynamic_
    assert -np.log(model.predict_proba(table)[truth]).mean() < -0.7 * np.log(plain.predict_proba(table)[truth]).mean()
    np.testing.assert_array_equal(model.predict_proba(table[5:6])[0], model.predict_proba(table)[5])
    size = RNG.normal(size=300)
    table = halves(size)
    model, plain = make_meta_learner("dynamic", kind="regression").fit(table, size), GreedyRegressor().fit(table, size)
    assert np.mean((model.predict(table) - size) ** 2) < 0.5 * np.mean((plain.predict(table) - size) ** 2)


def test_where_nothing_is_local_rows_are_told_by_the_plain_blend():
    chance = RNG.random(300)
    y = (RNG.random(300) < chance).astype(int)
    table = np.clip(chance[:, np.newaxis] + 0.05 * RNG.normal(size=(300, 3)), 0.01, 0.99)
    model, plain = (
        make_meta_learner("dynamic", kind="binary", n_classes=2, random_state=0).fit(table, y),
        GreedyClassifier().fit(table, y),
    )
    assert not model.is_dynamic_
    np.testing.assert_array_equal(model.predict_proba(table), plain.predict_proba(table))


def test_rows_of_a_group_do_not_vouch_for_each_other():
    group = np.repeat(np.arange(30), 10)  # each group has a label and a place of its own: noise, to any other group
    y = RNG.integers(0, 2, 30)[group]
    table = RNG.random((30, 2))[group] + 0.001 * RNG.random((300, 2))
    assert make_meta_learner("dynamic", kind="binary", n_classes=2, random_state=0).fit(table, y).is_dynamic_
    assert (
        not make_meta_learner("dynamic", kind="binary", n_classes=2, random_state=0)
        .fit(table, y, groups=group)
        .is_dynamic_
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_stack_keeps_it(tmp_path):
    x = RNG.normal(size=(300, 3))
    X, y = {"a": x[:, [0, 1]], "b": x[:, [0, 2]]}, np.where(x[:, 0] > 0, x[:, 1], x[:, 2])
    learners = [("tree", DecisionTreeRegressor(max_depth=5)), ("ridge", Ridge())]
    model = StackedRegressor(learners=learners, meta_learner="dynamic", cv=3, random_state=0).fit(X, y)
    assert model.meta_learners_["y"].is_dynamic_
    save(model, tmp_path / "m.emm")
    np.testing.assert_array_equal(load(tmp_path / "m.emm").predict(X), model.predict(X))
