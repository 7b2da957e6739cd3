"""The ensemble beside simpler choices: right numbers, paired differences, intervals that hold them."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, roc_auc_score

from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._scores import compare_choices, words_of

VIEWS = ["review", "photo", "noise"]


def test_scores_are_those_of_scikit_learn(hand_made):
    cells = cells_of(hand_made, "liked")
    first = compare_choices(cells, VIEWS, n_bootstrap=20).iloc[0]
    proba = hand_made.oof_["liked"]
    assert first["score"] == pytest.approx(accuracy_score(cells.truth, proba.argmax(axis=1)))
    assert first["second"] == pytest.approx(roc_auc_score(cells.truth, proba[:, 1]))
    cells = cells_of(hand_made, "stars")
    first = compare_choices(cells, VIEWS, n_bootstrap=20).iloc[0]
    assert first["score"] == pytest.approx(r2_score(cells.truth, hand_made.oof_["stars"]))
    assert first["second"] == pytest.approx(mean_absolute_error(cells.truth, hand_made.oof_["stars"]))


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


def test_a_wider_coverage_gives_wider_intervals_and_a_seed_the_same(hand_made):
    cells = cells_of(hand_made, "liked")
    narrow, again = (compare_choices(cells, VIEWS, coverage=0.5, random_state=1) for _ in range(2))
    wide = compare_choices(cells, VIEWS, coverage=0.99, random_state=1)
    assert narrow.equals(again)
    assert ((wide["high"] - wide["low"]) > (narrow["high"] - narrow["low"])).all()


def test_rows_count_by_their_weights(hand_made):
    weight = np.random.default_rng(0).integers(1, 4, 240).astype(float)
    hand_made.row_weights_ = dict.fromkeys(hand_made.tasks_, weight)
    cells = cells_of(hand_made, "stars")
    choices = compare_choices(cells, VIEWS, n_bootstrap=50)
    expected = r2_score(cells.truth, hand_made.oof_["stars"], sample_weight=weight)
    assert choices["score"].iloc[0] == pytest.approx(expected)
    assert choices["low"].iloc[0] < expected < choices["high"].iloc[0]
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
