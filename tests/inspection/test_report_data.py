"""Are the rows of a report those of the fit, and what is in them?"""

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import infer_schema
from ensemble_mm.inspection._report_data import ReportRows, schema_rows, view_rows


def labels(model):
    return pd.DataFrame({"stars": model.targets_["stars"]})


def test_rows_of_the_fit_are_known_by_their_labels(hand_made, data_of_hand_made):
    Y = labels(hand_made)
    assert ReportRows(hand_made, data_of_hand_made, Y).of_fit
    assert not ReportRows(hand_made, data_of_hand_made, Y + 1).of_fit
    assert not ReportRows(hand_made, data_of_hand_made[:200], Y[:200]).of_fit


def test_without_labels_they_are_known_by_what_is_missing(hand_made, data_of_hand_made):
    assert not ReportRows(hand_made, data_of_hand_made, None).of_fit  # other photos are missing
    hand_made.present_["photo"] = data_of_hand_made["photo"].notna().to_numpy()
    assert ReportRows(hand_made, data_of_hand_made, None).of_fit


def test_tasks_without_labels_are_left_out(hand_made, data_of_hand_made):
    assert list(ReportRows(hand_made, data_of_hand_made, labels(hand_made)).targets) == ["stars"]
    assert ReportRows(hand_made, data_of_hand_made, None).targets == {}


def test_as_many_labels_as_rows(hand_made, data_of_hand_made):
    with pytest.raises(ValueError, match="X has 240 rows, task 'stars' has 239 labels"):
        ReportRows(hand_made, data_of_hand_made, labels(hand_made)[1:])


def test_views_tell_what_is_there_now_and_was_there_in_the_fit(hand_made, data_of_hand_made):
    review, photo, noise = view_rows(ReportRows(hand_made, data_of_hand_made[:50], None))
    assert review["present"] == review["new_present"] == 1 and review["n_missing"] == 0
    assert photo["new_present"] == 0.8 and photo["n_missing"] == int((~hand_made.present_["photo"]).sum())
    assert [look.kind for look in photo["examples"]] == ["picture"] * 3  # the first row has none
    assert noise["columns"] == "a, b" and noise["examples"][0].content.startswith("a: ")
    assert view_rows(ReportRows(hand_made, None, None))[0]["examples"] == []


def test_rows_may_lack_a_whole_view(hand_made, data_of_hand_made):
    review, photo, _ = view_rows(ReportRows(hand_made, data_of_hand_made.drop(columns="photo")[:50], None))
    assert photo["new_present"] == 0 and photo["examples"] == [] and review["new_present"] == 1


def test_columns_are_shown_with_what_they_were_taken_for(hand_made):
    X = pd.DataFrame({"price": ["1,50", "2,75", None, "3,25"]})
    hand_made.schema_ = infer_schema(X)
    assert schema_rows(hand_made) == [
        ["price", "number", "its values read as numbers", "decimal comma", "25.0 %", "1,50, 2,75"]
    ]


def test_rows_are_called_by_a_column_or_by_names(hand_made, data_of_hand_made):
    X = data_of_hand_made.assign(article=[f"A{i}" for i in range(240)])
    assert (
        ReportRows(hand_made, X, None, "article").name_of(7) == "A7"
        and ReportRows(hand_made, X, None).name_of(7) == "row 7"
    )
    assert ReportRows(hand_made, X, None, np.arange(240) + 1000).name_of(7) == "1007"
    with pytest.raises(ValueError, match="no column 'artcle' to name the rows by. Did you mean 'article'"):
        ReportRows(hand_made, X, None, "artcle")
    with pytest.raises(ValueError, match="id has shape .3,., X has 240 rows"):
        ReportRows(hand_made, X, None, [1, 2, 3])
    with pytest.raises(ValueError, match="give X, too"):
        ReportRows(hand_made, None, None, "article")
