"""The ensemble beside simpler choices: right numbers, paired differences, intervals that hold them."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score

from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._scores import compare_choices, words_of

VIEWS = ["review", "photo", "noise"]


def mean_of(function, y, out, folds, weight=None):
    """Return the mean over the folds, which count by their weights."""
    weight = np.ones(len(y)) if weight is None else weight
    tests = [test for _, test in folds]
    scores = [function(y[test], out[test], sample_weight=weight[test]) for test in tests]
    return pytest.approx(np.average(scores, weights=[weight[test].sum() for test in tests]))


def test_scores_are_those_of_scikit_learn(hand_made):
    cells, proba, folds = cells_of(hand_made, "liked"), hand_made.oof_["liked"], hand_made.folds_
    first = compare_choices(cells, VIEWS).iloc[0]
    assert first["score"] == mean_of(accuracy_score, cells.truth, proba.argmax(axis=1), folds)
    assert first["second"] == mean_of(roc_auc_score, cells.truth, proba[:, 1], folds)
    cells, out = cells_of(hand_made, "stars"), hand_made.oof_["stars"]
    first = compare_choices(cells, VIEWS).iloc[0]
    assert first["score"] == mean_of(r2_score, cells.truth, out, folds)
    assert first["second"] == mean_of(mean_absolute_error, cells.truth, out, folds)


def test_the_metric_of_the_user_is_shown(hand_made):
    hand_made.scoring = {"liked": "roc_auc"}
    cells = cells_of(hand_made, "liked")
    first = compare_choices(cells, VIEWS).iloc[0]
    assert first["score_name"] == "roc_auc" and first["score"] == first["second"]
    assert compare_choices(cells_of(hand_made, "stars"), VIEWS)["score_name"].eq("r2").all()


def test_what_a_view_that_is_missing_scores_is_compared_on_its_own_rows(hand_made):
    choices = compare_choices(cells_of(hand_made, "liked"), VIEWS).set_index("choice")
    assert choices.loc["only 'photo'", "n"] == hand_made.present_["photo"].sum() < choices.loc["ensemble", "n"]


def test_the_best_view_is_named(hand_made):
    best = compare_choices(cells_of(hand_made, "stars"), VIEWS).set_index("choice").loc["best single view"]
    assert best["learner"] == "review"


@pytest.mark.parametrize("task", ["liked", "tone", "stars"])
def test_a_good_view_beats_noise_and_intervals_hold_the_scores(hand_made, task):
    choices = compare_choices(cells_of(hand_made, task), VIEWS).set_index("choice")
    told = choices.iloc[:-1]  # of its own rows no constant has an R2 above 0, nor of their resamples
    assert (told["low"] <= told["score"]).all() and (told["score"] <= told["high"]).all()
    assert choices.loc["only 'review'", "low"] > choices.loc["only 'noise'", "high"]
    assert choices["difference"].iloc[0] == choices["difference_low"].iloc[0] == 0
    assert choices.loc["only 'noise'", "difference_high"] < 0
    assert choices.index[-1] == ("always the mean" if task == "stars" else "always the most frequent")
    assert choices["gain"].iloc[-1] == pytest.approx(0)


def test_paired_differences_are_surer_than_the_scores(hand_made):
    """Both choices are drawn on the same rows, so what is hard for both cancels out."""
    row = compare_choices(cells_of(hand_made, "stars"), VIEWS).set_index("choice").loc["only 'review'"]
    assert row["difference_high"] - row["difference_low"] < row["high"] - row["low"]


def test_a_wider_coverage_gives_wider_intervals(hand_made):
    cells = cells_of(hand_made, "liked")
    narrow, again = (compare_choices(cells, VIEWS, coverage=0.5) for _ in range(2))
    wide = compare_choices(cells, VIEWS, coverage=0.99)
    assert narrow.equals(again)
    assert ((wide["high"] - wide["low"]) > (narrow["high"] - narrow["low"])).all()


def test_rows_count_by_their_weights(hand_made):
    weight = np.random.default_rng(0).integers(1, 4, 240).astype(float)
    hand_made.row_weights_ = dict.fromkeys(hand_made.tasks_, weight)
    cells = cells_of(hand_made, "stars")
    choices = compare_choices(cells, VIEWS)
    assert choices["score"].iloc[0] == mean_of(r2_score, cells.truth, hand_made.oof_["stars"], cells.folds, weight)
    assert choices["low"].iloc[0] < choices["score"].iloc[0] < choices["high"].iloc[0]
    assert choices["gain"].iloc[-1] == pytest.approx(0) and cells.prior == np.average(cells.truth, weights=weight)
    repeated = cells.take(np.repeat(np.arange(240), weight.astype(int)))
    assert cells.mean(cells.losses(cells.ensemble)) == pytest.approx(
        np.mean(repeated.losses(repeated.ensemble)), rel=1e-9
    )


def test_no_label_at_all_gives_no_score(hand_made):
    hand_made.targets_["stars"][:] = np.nan
    choices = compare_choices(cells_of(hand_made, "stars"), VIEWS)
    assert choices[["score", "low", "high"]].isna().all(axis=None)


def test_scores_have_names():
    assert words_of("accuracy") == "share right" and words_of("pinball") == "pinball"
