"""Scorers of scikit-learn judge predictions that are known, as they judge a model that makes them."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, make_scorer, mean_absolute_error, roc_auc_score

from ensemble_mm._kinds import Classes, Counts, Numbers, OrderedClasses
from ensemble_mm._scorers import check_scorer, judges_decisions, metric_of, scored

Y = np.array([0, 1, 1, 0, 1, 0])
OUT = np.array([0.2, 0.7, 0.4, 0.1, 0.9, 0.6])
WEIGHT = np.array([1.0, 2.0, 1.0, 3.0, 1.0, 1.0])


@pytest.mark.parametrize(
    "scoring, expected",
    [
        ("roc_auc", roc_auc_score(Y, OUT, sample_weight=WEIGHT)),
        ("neg_brier_score", -brier_score_loss(Y, OUT, sample_weight=WEIGHT)),
        ("balanced_accuracy", balanced_accuracy_score(Y, OUT > 0.5, sample_weight=WEIGHT)),
        (make_scorer(balanced_accuracy_score), balanced_accuracy_score(Y, OUT > 0.5, sample_weight=WEIGHT)),
    ],
)
def test_known_probabilities_are_judged_as_a_model_is(scoring, expected):
    assert scored(scoring, Y, WEIGHT, Classes(2))(np.c_[1 - OUT, OUT]) == pytest.approx(expected)
    assert metric_of(scoring, Classes(2)).score(Y, OUT, WEIGHT) == pytest.approx(expected)


def test_known_numbers_are_judged_as_a_model_is():
    y, out = np.linspace(1, 3, 6), np.linspace(1, 2, 6)
    found = scored("neg_mean_absolute_error", y, WEIGHT, Numbers())(out[:, np.newaxis])
    assert found == pytest.approx(-mean_absolute_error(y, out, sample_weight=WEIGHT))
    assert metric_of(None, Counts()).name == "d2_poisson" and metric_of(None, Numbers()).name == "r2"


@pytest.mark.filterwarnings("ignore:Only one class is present")
def test_a_score_that_is_not_defined_is_nan_and_the_lowest():
    one, out = np.ones(3, dtype=int), np.full((3, 2), 0.5)
    assert np.isnan(metric_of("roc_auc", Classes(2)).score(one, out))
    assert scored("roc_auc", one, np.ones(3), Classes(2))(out) == -np.finfo(float).max


@pytest.mark.parametrize(
    "scoring, suited, others",
    [
        ("r2", [Numbers(), Counts()], [Classes(2), OrderedClasses(4)]),
        ("neg_mean_squared_error", [Numbers()], [Classes(2), Classes(4)]),
        ("roc_auc", [Classes(2)], [Classes(4), Numbers()]),
        ("f1_macro", [Classes(2), Classes(4), OrderedClasses(3)], [Numbers(), Counts()]),
        ("homogeneity_score", [Classes(4)], [Numbers()]),
    ],
)
def test_a_scorer_of_another_kind_of_target_is_refused(scoring, suited, others):
    for kind in suited:
        check_scorer(scoring, kind)
    for kind in others:
        with pytest.raises(ValueError, match=f"scoring='{scoring}' cannot judge {kind.words}"):
            check_scorer(scoring, kind)


def test_a_misspelt_scorer_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="threshold='balanced_acuracy' .* Did you mean 'balanced_accuracy'"):
        check_scorer("balanced_acuracy", Classes(2), "threshold")
    with pytest.raises(TypeError, match="is not a scorer"):
        check_scorer(3, Classes(2))


def test_decisions_and_probabilities_are_told_apart():
    assert judges_decisions("f1") and judges_decisions(None) and judges_decisions(lambda model, X, y: 0.0)
    assert not judges_decisions("roc_auc") and not judges_decisions("neg_log_loss")
