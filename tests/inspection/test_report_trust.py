"""What a report says of whether its numbers can be trusted."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._report_data import ReportRows
from ensemble_mm.inspection._report_trust import _drift, trust_section
from ensemble_mm.inspection._scores import compare_choices


def scores_of(model, name):
    cells = cells_of(model, name)
    judged = {what: getattr(cells.scorer, what)(cells.ensemble) for what in ("is_right", "is_surer")}
    return [{"name": name, "choices": compare_choices(cells, list(model.views_)), **judged}]


def trusted(model, X=None, new=None, scores=(), audit=None):
    """Return {question: verdict}, and the notes joined."""
    found = trust_section(model, ReportRows(model, X, None), scores, new, audit)
    return {verdict.question: verdict for verdict in found["verdicts"]}, " ".join(found["notes"])


def warned(*args, **settings):
    verdicts, notes = trusted(*args, **settings)
    return " ".join([notes, *(words for verdict in verdicts.values() for words in verdict.words)])


def test_a_sound_fit_has_no_complaints(hand_made, data_of_hand_made):
    hand_made.oof_["liked"], hand_made.oof_["tone"] = (np.full((240, n), 1 / n) for n in (2, 3))
    hand_made.targets_ |= {"liked": np.arange(240) % 2.0, "tone": np.arange(240) % 3.0}  # calibrated, then
    hand_made.present_["photo"] = ReportRows(hand_made, data_of_hand_made, None).present("photo")
    verdicts, notes = trusted(hand_made, data_of_hand_made)
    assert notes == "" and all(verdict.is_good and not verdict.words for verdict in verdicts.values())


def test_failures_few_labels_and_rare_views_are_told(hand_made):
    hand_made.failures_ = [{"learner": "gbm", "reads": "all", "task": "tone", "error": "out of memory"}]
    hand_made.targets_["liked"][:100] = np.nan
    hand_made.present_["photo"][:200] = False
    hand_made.random_state = None
    verdicts, notes = trusted(hand_made)
    assert "(gbm, all, tone): out of memory" in verdicts["Did all learners finish?"].words[0]
    for expected in ("Only 58.3", "photo is missing in", "random_state was not set"):
        assert expected in notes


def test_an_ensemble_that_is_no_better_than_a_constant_is_told(hand_made):
    hand_made.oof_["liked"] = np.tile([0.5001, 0.4999], (240, 1))
    verdicts, _ = trusted(hand_made, scores=scores_of(hand_made, "liked"))
    better = verdicts["Is it better than a guess?"]
    assert not better.is_good and len(better.words) == 1
    assert better.words[0].startswith("liked: the ensemble is not clearly better than the most frequent")
    words = verdicts["Is the ensemble at least as good as its parts?"].words
    assert "liked: only 'review' scores better." in words and len(words) == len(set(words))


def test_probabilities_that_are_too_sure_are_told_and_chance_is_not(hand_made):
    question, rng = "Can probabilities be taken at their word?", np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 240)
    hand_made.tasks_ = {"liked": hand_made.tasks_["liked"]}
    hand_made.targets_["liked"], hand_made.oof_["liked"] = (rng.random(240) < p) * 1.0, np.c_[1 - p, p]
    assert trusted(hand_made)[0][question].is_good
    hand_made.oof_["liked"] = np.c_[p < 0.5, p >= 0.5] * 0.98 + 0.01
    words = trusted(hand_made)[0][question].words[0]
    assert words.startswith("liked: probabilities are off by")
    assert words.endswith("calibration='temperature' may help.")  # it was not tried


def test_rows_that_repeat_fail_and_a_text_that_repeats_is_a_note(hand_made, data_of_hand_made):
    question, rng = "Are held-out rows new to the models?", np.random.default_rng(0)
    X = data_of_hand_made.assign(a=rng.normal(size=240), photo=None)
    hand_made.present_["photo"][:] = False
    verdicts, notes = trusted(hand_made, X.assign(review="the very same long text in every row"))
    assert verdicts[question].is_good and "items of 'review' equal" in notes
    twice = X.iloc[np.arange(240) // 2].reset_index(drop=True)
    assert not trusted(hand_made, twice)[0][question].is_good
    assert trusted(hand_made)[0][question].is_good is None


def test_a_view_that_other_rows_lack_is_told(hand_made, data_of_hand_made):
    fewer = data_of_hand_made[:100].assign(photo=None)
    assert "View 'photo' is there in 0.0\u00a0% of the other rows" in warned(hand_made, fewer, new={"rows": []})


def test_predictions_that_drift_are_told_and_chance_is_not(hand_made):
    cells = cells_of(hand_made, "stars")
    rng = np.random.default_rng(0)
    alike = [_drift(cells, rng.choice(cells.ensemble, 80)) for _ in range(50)]
    assert not any(alike)
    shifted = cells.ensemble[:80] + 2
    assert _drift(cells, shifted) > 0.5 and _drift(cells, shifted[:0]) == 0 and _drift(cells, shifted[:2]) == 0
    quantiles = replace(cells, ensemble=cells.ensemble + np.linspace(0, 1, 7))
    assert _drift(quantiles, shifted[:, :1]) > 0.5  # of which new rows are told the medians, which come first
    new = {"rows": [{"task": "stars", "n": 80, "value": 0.8, "score": "0.800", "prediction": shifted}], "n": 80}
    words = warned(hand_made, data_of(hand_made), scores=scores_of(hand_made, "stars"), new=new)
    assert "Predictions of stars are spread differently" in words


def test_a_score_that_falls_on_other_rows_is_told(hand_made):
    new = {"rows": [{"task": "liked", "n": 80, "value": 0.4, "score": "40 %",
                     "prediction": hand_made.oof_["liked"][:80]}], "n": 80}  # fmt: skip
    words = warned(hand_made, data_of(hand_made), scores=scores_of(hand_made, "liked"), new=new)
    assert "clearly below its interval in the fit" in words


def data_of(model):
    return pd.DataFrame({"review": ["text"] * 80, "photo": [None] * 80, "a": 0.0, "b": 0.0})


def test_the_audit_is_handed_on(hand_made):
    audit = pd.DataFrame([("rows", "fail", 1.0, "They repeat.")], columns=["check", "verdict", "value", "words"])
    found = trust_section(hand_made, ReportRows(hand_made, None, None), (), None, audit)
    assert found["audit"] == [{"check": "rows", "verdict": "fail", "value": 1.0, "words": "They repeat."}]
    (verdict,) = (v for v in found["verdicts"] if v.question == "Did the leak audit pass?")
    assert verdict.answer == "no" and verdict.words == ["They repeat."]
