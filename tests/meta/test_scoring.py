"""What a blend is worth: many blends at once as one by one, and metrics with and without weights."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, make_scorer

from ensemble_mm._scorers import scored
from ensemble_mm.data import Classes, Numbers
from ensemble_mm.meta._scoring import Objective


def cells_of(n_classes, n_rows=40, n_members=3, seed=0):
    rng = np.random.default_rng(seed)
    if not n_classes:
        return rng.normal(size=(n_rows, n_members, 1)), rng.normal(size=n_rows)
    if n_classes == 2:
        return Classes(2).cells(rng.random((n_rows, n_members))), rng.integers(0, 2, n_rows)
    return rng.dirichlet(np.ones(n_classes), size=(n_rows, n_members)), rng.integers(0, n_classes, n_rows)


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_trials_are_the_losses_of_the_means(n_classes):
    cells, y = cells_of(n_classes)
    weight = np.random.default_rng(1).integers(1, 4, len(y)).astype(float)
    kind = Classes(n_classes) if n_classes else Numbers()
    found = Objective(cells, y, weight, kind).trials(np.array([2.0, 0, 1]), np.array([0, 1]))
    for loss, counts in zip(found, ([3, 0, 1], [2, 1, 1]), strict=True):
        blend = np.average(cells, axis=1, weights=counts)
        if n_classes:
            expected = log_loss(y, blend, labels=np.arange(n_classes), sample_weight=weight)
        else:
            expected = np.average((blend[:, 0] - y) ** 2, weights=weight)
        assert loss == pytest.approx(expected)


def test_a_member_that_abstains_does_not_count():
    cells, y = cells_of(0)
    cells[::2, 1] = np.nan
    objective = Objective(cells, y, np.ones(40), Numbers())
    pair = np.where(np.isnan(cells[:, 1, 0]), cells[:, 0, 0], cells[:, :2, 0].mean(axis=1))
    assert objective.trials(np.array([1.0, 0, 0]), np.array([1]))[0] == pytest.approx(((pair - y) ** 2).mean())
    alone = np.where(np.isnan(cells[:, 1, 0]), np.var(y), (cells[:, 1, 0] - y) ** 2)  # the prior where it is not there
    assert objective.alone()[1] == pytest.approx(alone.mean())


def test_the_plain_loss_decides_where_a_metric_ties():
    cells, y = cells_of(2)
    cells[:, 0] = np.eye(2)[y] * 0.4 + 0.3  # both always right, the second surer
    cells[:, 1] = np.eye(2)[y] * 0.8 + 0.1
    assert Objective(cells, y, np.ones(40), Classes(2), "accuracy").alone().argmin() == 1


def test_a_metric_that_knows_no_weights_goes_without_and_one_that_fails_says_so():
    y = np.array([0, 1, 1])
    plain = make_scorer(lambda y, p: float((y == p).mean()))
    assert scored(plain, y, np.array([1.0, 2.0, 3.0]), Classes(2))(np.eye(2)[y]) == 1
    broken = make_scorer(lambda y, p: y.nothing)
    with pytest.raises(AttributeError):
        scored(broken, y, np.ones(3), Classes(2))(np.eye(2)[y])
    with pytest.raises(TypeError, match="scoring=3 is not a scorer"):
        scored(3, y, np.ones(3), Classes(2))


def test_a_score_that_is_not_a_number_is_the_worst():
    score = scored(make_scorer(lambda y, p: np.nan), np.array([0.0, 1.0]), np.ones(2), Numbers())
    assert score(np.zeros((2, 1))) < -1e300
