import pytest
from sklearn.linear_model import Lars
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble_mm.learners import default_space


def test_names_of_a_pipeline_carry_the_step():
    space = default_space(make_pipeline(StandardScaler(), KNeighborsClassifier()))
    assert "kneighborsclassifier__n_neighbors" in space


def test_a_subclass_has_its_parents_space():
    class Mine(KNeighborsClassifier):
        pass

    assert default_space(Mine()) == default_space(KNeighborsClassifier())


def test_an_unknown_learner_is_told():
    with pytest.raises(ValueError, match="No search space is known for Lars: give one"):
        default_space(Lars())
