import numpy as np

from ensemble_mm.schema._each import each


def test_each_different_text_is_read_once_and_what_is_missing_never():
    asked = []
    items = np.array(["a", "b", "a", None, 3, float("nan"), 3], dtype=object)
    found = each(items, lambda item: asked.append(item) or item * 2, missing="-")
    assert found == ["aa", "bb", "aa", "-", 6, "-", 6] and asked == ["a", "b", 3, 3]
