import pytest

from ensemble_mm.schema._called import CODES, DATES, VERSIONS, is_called


@pytest.mark.parametrize(("name", "words"), [
    ("zip", CODES), ("Zip Code", CODES), ("shopZipCode", CODES), ("customer-id", CODES), ("app_version", VERSIONS),
    ("appVersion", VERSIONS), ("App Version", VERSIONS), ("orderDate", DATES), ("Order Date", DATES),
    ("DATE", DATES), ("event.timestamp", DATES),
])  # fmt: skip
def test_words_are_found_however_they_are_set_apart(name, words):
    assert is_called(name, words)


@pytest.mark.parametrize(("name", "words"), [
    ("update", DATES), ("conversions", VERSIONS), ("aversion", VERSIONS), ("idea", CODES), ("zipper", CODES),
    (3, CODES),
])  # fmt: skip
def test_words_within_words_are_not(name, words):
    assert not is_called(name, words)
