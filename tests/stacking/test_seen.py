import numpy as np
import pandas as pd
import pytest

from ensemble_mm.data import View, as_source, columns_of, infer_schema
from ensemble_mm.stacking._seen import marks_of

FRAME = pd.DataFrame({"note": ["warm", "cold", "warm", ""], "size": [1.5, -0.0, 1.5, np.nan]})
VIEWS = [View("t", "text", "note"), View("n", "tabular", ["size"])]


def marks(frame):
    source = as_source(frame)
    return marks_of(VIEWS, columns_of(source, VIEWS, infer_schema(FRAME)))


def test_equal_rows_have_equal_marks_and_others_have_not():
    found = marks(FRAME)
    assert found.dtype == np.uint64 and found[0] == found[2] and len(set(found.tolist())) == 3


@pytest.mark.parametrize(
    "change",
    [lambda frame: frame.astype({"size": np.float32}), lambda frame: frame[["size", "note"]],
     lambda frame: frame.assign(size=frame["size"] + 0.0), lambda frame: frame.assign(note=[*frame["note"][:3], None])],
    ids=["precision", "order of columns", "sign of zero", "another hole"],
)  # fmt: skip
def test_marks_do_not_depend_on_how_rows_are_held(change):
    np.testing.assert_array_equal(marks(change(FRAME)), marks(FRAME))


def test_one_value_changes_the_mark_of_its_row_alone():
    changed = marks(FRAME.assign(size=[1.5, 0.0, 2.5, np.nan])) != marks(FRAME)
    assert changed.tolist() == [False, False, True, False]


def test_numbers_that_only_float64_holds_are_marked_without_a_word(recwarn):
    assert len(marks(FRAME.assign(size=[1e300, 1e299, -1e300, 0.0]))) == 4 and not recwarn
