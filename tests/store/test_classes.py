"""The names of a model file: each of ours is found, and no estimator of ours was forgotten."""

import pkgutil
from importlib import import_module

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import ensemble_mm
from ensemble_mm.store import _classes
from ensemble_mm.store._classes import Finder, name_of

NOT_IN_MODELS = {  # bases of others, and what lives within one call
    "BaseStack", "ByPattern", "EvenBlend", "GreedyBlend", "ImageNetworkLearner", "MediaExtractor", "NetworkLearner",
    "TableClassifier", "TableRegressor", "TextNetworkLearner", "_Compared", "_GivenClassifier",
    "_GivenRegressor", "_Pruner", "_SingleStack",
}  # fmt: skip


def estimators():
    for info in pkgutil.walk_packages(ensemble_mm.__path__, "ensemble_mm."):
        if not info.name.endswith("__main__"):
            for item in vars(import_module(info.name)).values():
                if isinstance(item, type) and issubclass(item, BaseEstimator) and item.__module__ == info.name:
                    yield item


@pytest.mark.parametrize("name", sorted(_classes._MODULE_OF))
def test_every_name_of_ours_is_found(name):
    finder = Finder()
    found = finder.find_class(f"ensemble_mm.{name}")
    assert isinstance(found, type) and found.__name__ == name and not finder.refused
    assert name_of(found) == f"ensemble_mm.{name}"


@pytest.mark.parametrize("name", sorted(_classes._KNOWN | _classes._CALLED))
def test_every_other_name_is_found(name):
    assert callable(_classes._may_be_built(name) or _classes._may_be_called(name))


def test_no_estimator_was_forgotten():
    missing = {cls.__name__ for cls in estimators()} - set(_classes._MODULE_OF) - NOT_IN_MODELS
    assert not missing, f"add them to ensemble_mm/store/_classes.py: {missing}"


def test_nothing_of_ours_is_a_function_that_a_file_may_name():
    assert not [name for name in _classes._CALLED if name.startswith("ensemble_mm")]


@pytest.mark.parametrize("item", [np.log1p, np.mean, np.float32, str, BaseEstimator])
def test_names_lead_back(item):
    assert _classes._get(name_of(item)) is item


def test_what_has_no_name_is_told():
    with pytest.raises(ValueError, match="cannot be found again"):
        name_of(lambda: None)
