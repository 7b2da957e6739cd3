"""What a report says of tasks, stages, views and parameters."""

import pandas as pd

from ensemble_mm.inspection._contributions import view_contributions
from ensemble_mm.inspection._report_data import ReportRows
from ensemble_mm.inspection._report_sections import (
    reproduce_section,
    tasks_section,
    timings_section,
    weights_section,
)


def test_tasks_tell_kinds_labels_and_how_many_are_known(hand_made):
    liked, tone, stars = tasks_section(hand_made)
    assert (liked["kind"], tone["kind"], stars["kind"]) == ("two classes", "several classes", "a number")
    assert tone["n_known"] == 220 and tone["n_rows"] == 240 and stars["labels"].startswith("from ")
    assert "yes (" in liked["labels"] and "no (" in liked["labels"]


def test_many_classes_are_counted_and_not_all_named(hand_made):
    hand_made.tasks_["tone"].classes.resize(12, refcheck=False)
    assert tasks_section(hand_made)[1]["labels"].endswith(" and 4 more")


def test_stages_views_and_parameters_are_listed(hand_made, data_of_hand_made):
    timings = timings_section(hand_made)
    assert timings["rows"][0] == ["extract", "12", "1.5", "0.1"]
    assert timings["words"].startswith("5.5 seconds in all")
    weights = weights_section(hand_made, view_contributions(hand_made, random_state=0))
    assert [row[0] for row in weights["views"]["rows"]] == ["review", "photo", "noise"]
    assert len(weights["pictures"]) == 3
    Y = pd.DataFrame({"stars": hand_made.targets_["stars"]})
    section = reproduce_section(hand_made, ReportRows(hand_made, data_of_hand_made, Y))
    assert "em.HandMadeStack()" in section["code"] and section["key"] and dict(section["versions"])["numpy"]
    assert reproduce_section(hand_made, ReportRows(hand_made, None, None))["key"] is None
