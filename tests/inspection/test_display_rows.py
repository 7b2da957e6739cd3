"""The hardest rows are those with the largest loss, shown as what they are."""

import numpy as np
import pytest

from ensemble_mm.inspection import HardestRowsDisplay, hardest_rows


def test_hardest_rows_are_those_with_the_largest_loss(hand_made):
    rows = hardest_rows(hand_made, "liked", n_rows=240)
    truth = hand_made.targets_["liked"].astype(int)
    losses = -np.log(hand_made.oof_["liked"][np.arange(240), truth])
    assert rows["row"].tolist() == np.argsort(-losses, kind="stable").tolist()
    assert (rows["truth"] == np.array(["no", "yes"])[truth[rows["row"]]]).all()
    assert not set(range(20)) & set(hardest_rows(hand_made, "tone", 240)["row"])  # labels not known


def test_hardest_rows_show_pictures_and_texts(hand_made, data_of_hand_made, ax):
    display = HardestRowsDisplay.from_estimator(hand_made, data_of_hand_made, n_rows=3, ax=ax)
    for looks, row in zip(display.looks, display.rows["row"], strict=True):
        assert looks["photo"].kind == ("picture" if row % 5 else "absent")
        assert f"number {row}:" in looks["review"].content
    display.figure_.draw_without_rendering()


def test_hardest_rows_want_the_rows_of_the_fit(hand_made, data_of_hand_made):
    with pytest.raises(ValueError, match="hand over the X of the fit"):
        HardestRowsDisplay.from_estimator(hand_made, data_of_hand_made[:10])
