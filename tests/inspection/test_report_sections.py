"""What a report says: its words for numbers, what it warns of, and what it does not."""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._report_data import Rows
from ensemble_mm.inspection._report_sections import (
    _drift,
    number,
    percent,
    reproduce_section,
    score_text,
    scores_section,
    summary_of,
    tasks_section,
    timings_section,
    warnings_section,
    weights_section,
)


def warned(model, X=None, new=None, scores=(), audit=None):
    return " ".join(words for _, words in warnings_section(model, Rows(model, X, None), scores, new, audit)["found"])


@pytest.mark.parametrize(
    "said, expected",
    [
        (percent(0.8312), "83.1\u00a0%"), (percent(-0.2), "−20.0\u00a0%"), (percent(None), "–"), (percent(np.nan), "–"),
        (number(1234.567), "1.23e+03"), (number(1234.567, 6), "1234.57"), (number(None), "–"), (number(np.inf), "–"),
        (score_text("accuracy", 0.5), "50.0\u00a0%"), (score_text("r2", -0.0001), "0.000"),
        (score_text("r2", -0.25), "−0.250"), (score_text("r2", np.nan), "–"),
    ],
)  # fmt: skip
def test_numbers_are_told_in_words(said, expected):
    assert said == expected


def test_tasks_tell_kinds_labels_and_how_many_are_known(hand_made):
    liked, tone, stars = tasks_section(hand_made)
    assert (liked["kind"], tone["kind"], stars["kind"]) == ("two classes", "several classes", "a number")
    assert tone["n_known"] == 220 and tone["n_rows"] == 240 and stars["labels"].startswith("from ")
    assert "yes (" in liked["labels"] and "no (" in liked["labels"]


def test_many_classes_are_counted_and_not_all_named(hand_made):
    hand_made.tasks_["tone"].classes.resize(12, refcheck=False)
    assert tasks_section(hand_made)[1]["labels"].endswith(" and 4 more")


def test_a_sound_fit_has_no_warnings(hand_made, data_of_hand_made):
    assert warned(hand_made, data_of_hand_made, scores=scores_section(hand_made)) == ""


def test_failures_few_labels_and_rare_views_are_told(hand_made):
    hand_made.failures_ = [{"learner": "gbm", "reads": "all", "task": "tone", "error": "out of memory"}]
    hand_made.targets_["liked"][:100] = np.nan
    hand_made.present_["photo"][:200] = False
    hand_made.random_state = None
    words = warned(hand_made)
    for expected in ("(gbm, all, tone): out of memory", "Task 'liked': only 58.3", "View 'photo' is missing in",
                     "random_state was not set"):  # fmt: skip
        assert expected in words


def test_an_ensemble_that_is_no_better_than_a_constant_is_told(hand_made):
    hand_made.oof_["liked"] = np.tile([0.5001, 0.4999], (240, 1))
    scores = scores_section(hand_made)
    assert "Task 'liked': the ensemble is not clearly better than the most frequent" in warned(hand_made, scores=scores)
    assert "'review' with 'linear' scores better than the ensemble" in warned(hand_made, scores=scores)
    rows = Rows(hand_made, None, None)
    told = summary_of(hand_made, rows, scores, None)
    assert told[0].startswith("The model was fitted on 240 rows. It reads 3 views: review (text)")
    assert "No better than a constant" in told[1] and "No better than a constant" not in told[3]


def test_a_view_that_other_rows_lack_is_told(hand_made, data_of_hand_made):
    fewer = data_of_hand_made[:100].assign(photo=None)
    assert "View 'photo' is there in 0.0\u00a0% of the other rows" in warned(hand_made, fewer)


def test_predictions_that_drift_are_told_and_chance_is_not(hand_made):
    cells = cells_of(hand_made, "stars")
    rng = np.random.default_rng(0)
    alike = [_drift(cells, rng.choice(cells.ensemble, 80)) for _ in range(50)]
    assert not any(alike)
    shifted = cells.ensemble[:80] + 2
    assert _drift(cells, shifted) > 0.5 and _drift(cells, shifted[:0]) == 0 and _drift(cells, shifted[:2]) == 0
    new = {"rows": [{"task": "stars", "n": 80, "value": 0.8, "score": "0.800", "prediction": shifted}], "n": 80}
    words = warned(hand_made, scores=scores_section(hand_made), new=new)
    assert "Predictions of task 'stars' are spread differently" in words


def test_a_score_that_falls_on_other_rows_is_told(hand_made):
    new = {"rows": [{"task": "liked", "n": 80, "value": 0.4, "score": "40 %",
                     "prediction": hand_made.oof_["liked"][:80]}], "n": 80}  # fmt: skip
    assert "clearly below its interval in the fit" in warned(hand_made, scores=scores_section(hand_made), new=new)


def test_the_audit_is_handed_on(hand_made):
    audit = pd.DataFrame([("rows", "fail", 1.0, "They repeat.")], columns=["check", "verdict", "value", "words"])
    rows = warnings_section(hand_made, Rows(hand_made, None, None), (), None, audit)["audit"]
    assert rows == [{"check": "rows", "verdict": "fail", "value": 1.0, "words": "They repeat."}]


def test_stages_views_and_parameters_are_listed(hand_made, data_of_hand_made):
    timings = timings_section(hand_made)
    assert timings["rows"][0] == ["extract", "12", "1.5", "0.1"]
    assert timings["words"].startswith("5.5 seconds in all")
    weights = weights_section(hand_made, 0)
    assert [row[0] for row in weights["views"]["rows"]] == ["review", "photo", "noise"]
    assert len(weights["pictures"]) == 3
    Y = pd.DataFrame({"stars": hand_made.targets_["stars"]})
    section = reproduce_section(hand_made, Rows(hand_made, data_of_hand_made, Y))
    assert "em.HandMadeStack()" in section["code"] and section["key"] and dict(section["versions"])["numpy"]
    assert reproduce_section(hand_made, Rows(hand_made, None, None))["key"] is None
