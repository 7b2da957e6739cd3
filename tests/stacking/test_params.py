import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge

from ensemble_mm import StackedRegressor, VectorExtractor


def stack():
    return StackedRegressor([("x", VectorExtractor(), [0])], [("ridge", Ridge()), ("line", LinearRegression(), "all")])


def test_parts_are_reached_by_name():
    model = stack().set_params(ridge__alpha=3.0)
    params = model.get_params()
    assert params["ridge__alpha"] == 3.0 and params["x"] is model.views[0][1]
    assert "ridge__alpha" not in model.get_params(deep=False)


def test_a_part_is_replaced_and_the_users_list_stays():
    learners = [("ridge", Ridge()), ("line", LinearRegression(), "all")]
    model = StackedRegressor(learners=learners).set_params(line="drop", ridge=LinearRegression())
    assert model.learners[1] == ("line", "drop", "all")
    assert isinstance(learners[0][1], Ridge)


def test_a_new_list_and_a_setting_of_its_part_go_together():
    model = stack().set_params(learners=[("other", Ridge())], other__alpha=2.0)
    assert model.learners[0][1].alpha == 2.0


def test_clones_share_nothing():
    model = stack()
    copy = clone(model).set_params(ridge__alpha=9.0)
    assert model.learners[0][1].alpha == 1.0 and copy.learners[0][1].alpha == 9.0


def test_dicts_by_task_are_reached_too():
    model = StackedRegressor(learners={"regression": [("ridge", Ridge())]}).set_params(ridge__alpha=4.0)
    assert model.learners["regression"][0][1].alpha == 4.0


def test_an_unknown_name_is_told():
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        stack().set_params(nothing=1)


@pytest.mark.parametrize("name", ["cv", "learners", "views", "n_jobs", "meta_learner"])
def test_a_part_that_is_called_like_a_parameter_leaves_it_alone(name):
    """A view called "cv" took the place of the number of folds in `get_params`, and `set_params(cv=5)` replaced it."""
    for part, lists in ((VectorExtractor(), "views"), (Ridge(alpha=2.0), "learners")):
        model = StackedRegressor(**{lists: [(name, part)]})
        assert model.get_params()[name] is getattr(model, name)
        setting, value = next(iter(part.get_params())), 3
        copy = clone(model).set_params(**{f"{name}__{setting}": value})
        assert copy.get_params()[f"{name}__{setting}"] == value != part.get_params()[setting]
        assert getattr(copy, lists)[0][1].get_params()[setting] == value
    assert StackedRegressor(learners=[("cv", Ridge())]).set_params(cv=4).cv == 4
