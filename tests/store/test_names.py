"""Whatever the user says is one name of MLflow's kind, and different names stay different."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_mm.store._names import check_tags, metric_name, model_name


@given(name=st.text(min_size=1, max_size=60))
def test_a_model_has_a_name_without_paths_and_quotes(name):
    spelt = model_name(name)
    assert spelt and not set(spelt) & set("/:\\'\"%") and not spelt.startswith(".")


@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=2, unique=True))
def test_two_models_have_two_names(names):
    assert model_name(names[0]) != model_name(names[1])


@given(name=st.text(max_size=300))
def test_a_metric_has_a_name_that_is_no_path(name):
    spelt = metric_name(name)
    assert 0 < len(spelt) <= 400 and all(c.isalnum() or c in "_-. /" for c in spelt)
    assert not {"", ".", ".."} & set(spelt.split("/"))


@pytest.mark.parametrize("key", ["", "mlflow.user", "ensemble_mm.data", "/a", "a/", ".", " a", "a=b", 3])
def test_keys_of_tags_are_the_users_own(key):
    with pytest.raises(ValueError, match="cannot name a tag"):
        check_tags({key: 1})
    assert check_tags({"season / year": 2026}) == {"season / year": "2026"}
