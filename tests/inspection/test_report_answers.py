"""The first screen: each answer is what the table says, and each step has a reason."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import DataWarning, infer_schema
from ensemble_mm.inspection._cells import cells_of
from ensemble_mm.inspection._contributions import view_contributions
from ensemble_mm.inspection._report_answers import Answers, _drives, _idle_views, _views_to_collect, answers_of
from ensemble_mm.inspection._report_data import ReportRows
from ensemble_mm.inspection._report_sections import new_rows_section
from ensemble_mm.inspection._scores import compare_choices


def score_of(model, name):
    """Return what the answers read of the scores of a task."""
    cells = cells_of(model, name)
    choices = compare_choices(cells, list(model.views_))
    found = {"name": name, "choices": choices, "metric": cells.metric.name, "n": len(cells.scored)}
    return found | {key: getattr(cells.scorer, key)(cells.ensemble) for key in ("is_right", "is_surer")}


def answered(model, *names, X=None, parts=None):
    """Return {task: answers} of the named tasks, and the steps."""
    model.tasks_ = {name: model.tasks_[name] for name in names}
    scores = [score_of(model, name) for name in names]
    shares = view_contributions(model, n_bootstrap=50, random_state=0)
    found = answers_of(model, ReportRows(model, X, None), scores, None, shares, parts)
    return {answers.task: answers for answers in found["tasks"]}, found["steps"]


def test_scores_are_told_in_the_unit_of_the_target_beside_a_guess(hand_made):
    tasks, _ = answered(hand_made, "liked", "stars")
    truth, out = hand_made.targets_["stars"], hand_made.oof_["stars"]
    assert tasks["stars"].good[0].startswith(f"Off by {np.abs(truth - out).mean():.3g} on average; ")
    assert tasks["stars"].good[0].endswith(" when always guessing the mean.")
    right = np.mean(hand_made.oof_["liked"].argmax(axis=1) == hand_made.targets_["liked"])
    assert tasks["liked"].good[0].startswith(f"Right in {100 * right:.0f} of 100; ")
    assert "it tells which is which in" in tasks["liked"].good[1]


def test_views_are_named_by_what_they_give_and_parts_below_them(hand_made):
    parts = pd.DataFrame({
        "task": "liked", "view": ["review", "review", "noise"],
        "part": ["“lovely”", "“a”", "b"], "moved": [0.2, 0.001, 1],
    })  # fmt: skip
    tasks, _ = answered(hand_made, "liked", parts=parts)
    assert tasks["liked"].drives[0].startswith("review (") and "No clear gain from noise." in tasks["liked"].drives
    assert tasks["liked"].drives[-1] == "Strongest in review: “lovely” (±20 points)."


def test_a_view_that_helps_no_task_is_a_step(hand_made):
    _, steps = answered(hand_made, "liked", "stars")
    assert [step for step in steps if "Fit once without" in step] == [
        "Fit once without noise: no target clearly gains from it, and the fit gets shorter."
    ]


def test_the_columns_of_a_table_are_named_in_the_place_of_their_view(hand_made):
    hand_made.views_["noise"], hand_made.view_columns_ = "tabular", {"noise": ["a", "b", "c", "d"]}
    tasks, _ = answered(hand_made, "liked")
    assert "No clear gain from the columns a, b and 2 more." in tasks["liked"].drives
    hand_made.views_["review"], hand_made.view_columns_ = "tabular", {"review": ["a", "b", "c"]}
    parts = pd.DataFrame({"task": "liked", "view": ["review"], "part": ["a"], "moved": [0.2]})
    tasks, _ = answered(hand_made, "liked", parts=parts)
    assert tasks["liked"].drives[0].startswith("The columns a, b, c (")
    assert tasks["liked"].drives[-1] == "Strongest columns: a (±20 points)."


def test_a_table_of_one_column_has_its_name(hand_made):
    """ "tabular" is a word of ours: a reader who has one plain column knows it by its own."""
    hand_made.views_ |= {"noise": "tabular", "review": "tabular"}
    hand_made.view_columns_ = {"noise": ["price"], "review": ["size"]}
    parts = pd.DataFrame({"task": "liked", "view": ["review"], "part": ["size"], "moved": [0.2]})
    tasks, steps = answered(hand_made, "liked", parts=parts)
    said = [*tasks["liked"].drives, *steps]
    assert tasks["liked"].drives[0].startswith("size (") and "No clear gain from price." in said
    assert any(step.startswith("Fit once without price: no target clearly gains from it") for step in steps)
    assert not any("noise" in words or "Strongest" in words for words in said)


def test_how_far_parts_move_predictions_is_not_told_of_rows_that_the_model_knows(hand_made, data_of_hand_made):
    parts = pd.DataFrame({"task": "liked", "view": ["review"], "part": ["“lovely”"], "moved": [0.2]})
    hand_made.present_["photo"] = ReportRows(hand_made, data_of_hand_made, None).present("photo")
    tasks, _ = answered(hand_made, "liked", parts=parts, X=data_of_hand_made)
    assert tasks["liked"].drives[-1] == "Strongest in review: “lovely”."


def test_a_group_and_a_class_that_are_worse_are_named(hand_made, data_of_hand_made):
    worse = np.arange(240) % 4 == 0
    X = data_of_hand_made.assign(a=np.where(worse, 9.0, np.linspace(0, 1, 240)))
    hand_made.schema_ = infer_schema(X[["a"]])
    hand_made.present_["photo"] = ReportRows(hand_made, X, None).present("photo")
    hand_made.oof_["stars"] = hand_made.targets_["stars"] + np.where(worse, 1.2, 0.1)
    wrong = hand_made.targets_["liked"] == 1
    hand_made.oof_["liked"] = np.where(wrong[:, np.newaxis], [[0.6, 0.4]], [[0.9, 0.1]])
    tasks, _ = answered(hand_made, "liked", "stars", X=X)
    assert (
        "60 rows where a is over " in tasks["stars"].fails[0] and "off by 1.2 on average, " in tasks["stars"].fails[0]
    )
    assert any(words.startswith("Class yes: 0 of its ") for words in tasks["liked"].fails)
    _, steps = answered(hand_made, "stars", X=X)
    assert any("Look at the 60 rows where a is over" in step for step in steps)


def test_groups_of_rows_that_the_fit_did_not_see_are_named(hand_made, data_of_hand_made):
    """Also where classes of some are none of the fit: these are wrong."""
    X, worse = data_of_hand_made[:120], np.arange(120) % 3 == 0
    X = X.assign(a=np.where(worse, 9, np.arange(120) % 5))
    hand_made.schema_ = infer_schema(X[["a"]])
    hand_made.tasks_ = {"liked": hand_made.tasks_["liked"]}
    rows = ReportRows(hand_made, X, pd.DataFrame({"liked": np.where(worse, "never", "yes")}))
    rows.predicted = {"liked": np.tile([0.1, 0.9], (120, 1))}
    scores = [score_of(hand_made, "liked") | {"n": 240}]
    shares = view_contributions(hand_made, n_bootstrap=50, random_state=0)
    with pytest.warns(DataWarning, match="count as wrong"):
        new = new_rows_section(rows)
    (found,) = answers_of(hand_made, rows, scores, new, shares, None)["tasks"]
    assert found.fails[0] == "40 of the other rows where a is over 6: right in 0 of 100, 67 of 100 overall."
    assert any(words.startswith("On 120 other rows: right in 67 of 100 (95") for words in found.good)


def test_what_is_no_better_than_a_guess_fails_in_no_group(hand_made, data_of_hand_made):
    X = data_of_hand_made.assign(a=np.arange(len(data_of_hand_made)) % 5)
    hand_made.schema_, worse = infer_schema(X[["a"]]), X["a"] == 4
    hand_made.oof_["stars"] = hand_made.targets_["stars"] + np.where(worse, 9.0, 3.0)
    tasks, _ = answered(hand_made, "stars", X=X)
    assert tasks["stars"].fails == ["Everywhere: it is not clearly better than a guess."]


def test_what_is_no_better_than_a_guess_comes_first(hand_made):
    hand_made.oof_["liked"] = np.tile([0.5001, 0.4999], (240, 1))
    tasks, steps = answered(hand_made, "liked")
    assert steps[0].startswith("liked: not clearly better than always guessing the most frequent")
    assert tasks["liked"].drives == ["Nothing clearly does."] and len(steps) <= 3


def test_probabilities_that_tell_more_than_a_guess_are_no_guess(hand_made):
    """Where one class is frequent, the most probable class is nearly always that one, whatever is known of a row."""
    truth = np.where(np.arange(240) % 8 == 0, 1.0, 0.0)
    hand_made.targets_["liked"] = truth
    hand_made.oof_["liked"] = np.c_[1 - 0.4 * truth, 0.4 * truth] * 0.98 + 0.01
    tasks, steps = answered(hand_made, "liked")
    assert any("may be chance, but its probabilities are better: they remove" in words for words in tasks["liked"].good)
    assert any("in 100 of 100 pairs" in words for words in tasks["liked"].good)
    assert tasks["liked"].fails[0].startswith("Class ") and not any("clearly better than always" in s for s in steps)
    said = str(hand_made.judged_by("liked").plain(hand_made.oof_["liked"]))
    assert said.endswith("so its answers are no better than this guess, but its probabilities are")


def test_unknown_labels_and_rows_that_are_new_are_steps(hand_made):
    hand_made.targets_["stars"][:100] = np.nan
    _, steps = answered(hand_made, "stars")
    assert "Label more rows: 100 of 240 have no stars." in steps
    assert steps[-1].startswith("Score the model on rows that it has never seen")


@pytest.mark.parametrize(("is_useful", "is_good"), [(True, True), (False, False), (False, True)])
def test_a_view_that_is_often_missing_is_worth_collecting_if_it_helps(hand_made, is_useful, is_good):
    """Rows that have it may be good by what learners of several views know of the others: that is not its worth."""
    name, view = "stars", "photo"
    truth, there = hand_made.targets_[name], np.arange(240) % 2 == 0
    member = next(m for m in hand_made.table_.members(name) if m.views == (view,))
    noise = np.random.default_rng(0).normal(size=240)
    cell = np.where(there, truth if is_useful else noise, np.nan)
    hand_made.table_[member][:, 0] = cell
    hand_made.present_[view] = there
    if is_good:
        hand_made.oof_[name] = np.where(there, truth, hand_made.oof_[name])
    _, steps = answered(hand_made, name)
    assert any("photo is missing in 50" in step and "stars has an error" in step for step in steps) is is_useful


def test_a_view_is_worth_collecting_for_all_its_tasks_in_one_step():
    def of(task, worth):
        return Answers(task, [], [], [], [], worth)

    found = [of("a", [("photo is missing.", "a has x")]), of("b", []), of("c", [("photo is missing.", "c has y")])]
    assert [*_views_to_collect(found)] == [
        (2, "photo is missing. Where it is there, a has x and c has y: collect more of it.")
    ]


def test_views_that_give_less_than_a_percent_drive_nothing(hand_made):
    index = pd.MultiIndex.from_product([["liked"], ["value", "low", "high"]], names=["task", "statistic"])
    rows = {"review": [0.3, 0.2, 0.4], "photo": [0.002, 0.001, 0.003], "noise": [0.0, -0.1, 0.1]}
    shares = pd.DataFrame(rows, index=index).T
    drives = list(_drives(hand_made, shares["liked"], None, cells_of(hand_made, "liked"), "liked", False))
    assert drives == ["review (30\u00a0%)", "No clear gain from photo, noise."]


def test_idle_views_are_left_out_together():
    index = pd.MultiIndex.from_product([["t"], ["low"]], names=["task", "statistic"])
    shares = pd.DataFrame({"a": [0.1], "b": [-0.1], "c": [-0.2]}, index=index).T
    model = SimpleNamespace(views_=dict.fromkeys("abc", "text"), view_columns_={})
    step = next(_idle_views(model, shares))
    assert step[1] == "Fit once without b, c: no target clearly gains from them, and the fit gets shorter."


def test_of_times_and_rankings_it_is_told_how_far_they_can_be_trusted(times_and_queries):
    _, model = times_and_queries
    tasks, _ = answered(model, "churn", "order")
    low = np.median(model.conformal_["churn"].interval(model.oof_["churn"], 0.9)[:, 0])
    assert f"Nine of ten have it later than their lower bound, which is {low:.3g} or more for half of them." in (
        tasks["churn"].good
    )
    share = model.conformal_["order"].sets(model.oof_["order"], 0.9).mean()
    assert any(words.startswith(f"{100 * share:.0f} of 100 rows may be the most") for words in tasks["order"].good)
    del model.conformal_["order"]  # as in files of before
    assert len(answered(model, "order")[0]["order"].good) == len(tasks["order"].good) - 1
