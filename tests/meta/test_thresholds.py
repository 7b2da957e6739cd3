import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, make_scorer

from ensemble_mm.meta import decision_threshold, decision_weights

METRICS = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1_macro": lambda y, said, sample_weight=None: f1_score(y, said, average="macro", sample_weight=sample_weight),
}


@pytest.mark.parametrize("scoring", ["f1", "balanced_accuracy", "accuracy"])
def test_threshold_is_the_best_there_is(scoring):
    rng = np.random.default_rng(0)
    y = (rng.random(150) < 0.15).astype(int)
    proba = np.clip(0.1 + 0.25 * y + 0.1 * rng.normal(size=150), 0, 1)
    best = decision_threshold(proba, y, scoring)
    if scoring == "f1":
        assert f1_score(y, proba >= best) + 1e-9 >= max(f1_score(y, proba >= t) for t in np.linspace(0, 1, 101))
        assert f1_score(y, proba >= best) > f1_score(y, proba >= 0.5) + 0.2
    assert decision_threshold(np.c_[1 - proba, proba], y, scoring) == pytest.approx(best)


def test_a_threshold_counts_rows_by_their_weights():
    proba, y = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 0, 1])
    assert decision_threshold(proba, y, sample_weight=[1, 9, 1, 1]) < 0.2
    assert decision_threshold(proba, y, sample_weight=[1, 1, 9, 1]) > 0.3


@pytest.mark.parametrize("metric", METRICS)
def test_counts_choose_what_the_scorer_chooses(metric):
    rng = np.random.default_rng(0)
    proba = rng.dirichlet([1, 2, 4], 80)
    y, weight = np.array([rng.choice(3, p=row) for row in proba]), rng.uniform(0.5, 2, 80)
    own = make_scorer(METRICS[metric])
    found = [decision_weights(rule, proba, y, np.arange(3), weight) for rule in (metric, own)]
    assert found[0] == pytest.approx(found[1]) and sum(found[0]) == pytest.approx(1)
    score = METRICS[metric]
    best = score(y, (proba * found[0]).argmax(axis=1), sample_weight=weight)
    assert best >= score(y, proba.argmax(axis=1), sample_weight=weight) - 0.01


def test_costs_and_numbers_need_no_rows():
    nothing = np.empty((0, 2)), np.empty(0), np.array(["no", "yes"])
    assert decision_weights(0.3, *nothing) == pytest.approx((0.3, 0.7))
    assert decision_weights({"yes": 3}, *nothing) == pytest.approx((0.25, 0.75))


def test_what_is_best_for_no_row_or_for_all_is_so_for_new_ones_beyond():
    proba, y = np.array([0.31, 0.3, 0.3, 0.31]), np.array([1, 0, 1, 0])
    assert decision_threshold(proba, y, "f1") == pytest.approx(0.15)
    assert decision_threshold(proba, [0, 0, 0, 1], "accuracy", [1, 1, 1, 0.5]) == pytest.approx(0.655)
    assert decision_weights("accuracy", np.c_[[0.0, 0.1, 0.2], [1.0, 0.9, 0.8]], [1, 1, 1], np.arange(2))[1] > 0.5
