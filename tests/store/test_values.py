import datetime
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from ensemble_mm.store._values import FROM_TEXT, as_text

STAMP = pd.Timestamp("2020-02-29 23:59:59.123456789", tz="Europe/Berlin")


@pytest.mark.parametrize(
    "value",
    [Decimal("1.10"), Fraction(-2, 3), uuid.UUID(int=7), STAMP, STAMP.tz_localize(None), pd.Timedelta(-1, "ns"),
     pd.Period("2020-02", freq="M"), datetime.datetime(2020, 1, 2, 3), datetime.date(2020, 1, 2), datetime.time(4, 5),
     datetime.timedelta(-1, 2, 3), Path("a/b"), pd.NA, pd.NaT],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_comes_back_as_it_was(value):
    ((tag, text),) = as_text(value).items()
    back = FROM_TEXT[tag](text)
    assert back is value or (back == value and str(back) == str(value))
    assert getattr(back, "tzinfo", None) == getattr(value, "tzinfo", None)


def test_other_things_have_no_such_text():
    assert as_text("a") is None and as_text(1.5) is None and as_text([Decimal(1)]) is None


@pytest.mark.parametrize(
    ("tag", "text"),
    [("fraction", "1.5"), ("fraction", "__import__('os')"), ("timestamp", "2020-01-01 dateutil//etc/passwd")],
)
def test_a_forged_text_is_refused(tag, text):
    with pytest.raises(ValueError, match="is not a fraction|a type is invalid"):
        FROM_TEXT[tag](text)
