"""What estimators hand to compiled code is refused where it would lead beyond an array."""

import copy

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from scipy.sparse import csc_matrix, csr_matrix
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ensemble_mm.store import ModelFileError, load, save
from ensemble_mm.store._handed import check_object

X = np.random.default_rng(0).normal(size=(80, 4))
y = np.arange(80) % 3
BY_CATEGORY = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2, categorical_features=[0, 2])
CATEGORIES = np.c_[y, X[:, 0], np.arange(80) % 7]


def test_boosting_by_category_comes_back(tmp_path):
    model = copy.deepcopy(BY_CATEGORY).fit(CATEGORIES, y)
    save(model, tmp_path / "file")
    assert np.array_equal(load(tmp_path / "file").predict_proba(CATEGORIES), model.predict_proba(CATEGORIES))


class LikeAMatrix(Ridge):
    """Has what compiled code asks of a sparse matrix."""

    shape, data, indices, indptr = (80, 4), X[:, 0], np.zeros(80, np.int32), np.full(81, 2**30, np.int32)


def forged_tree(field, value, place=0):
    def change(model):
        tree = model.tree_
        state = tree.__getstate__()
        state["nodes"] = state["nodes"].copy()
        state["nodes"][field][place] = value
        tree.__setstate__(state)

    return DecisionTreeRegressor(random_state=0).fit(X, y), change


def set_to(name, value):
    def change(model):
        vars(model)[name] = value(model) if callable(value) else value

    return change


def with_predictor(change):
    def to(model):
        predictor = next(p for stage in model._predictors for p in stage if len(p.nodes) > 1)
        change(predictor)

    return to


def put(name, value, where=0):
    def change(predictor):
        predictor.nodes = predictor.nodes.copy()
        predictor.nodes[name][where] = value

    return with_predictor(change)


def categorical_to(value):
    def change(model):
        for predictor in (p for stage in model._predictors for p in stage):
            predictor.nodes = predictor.nodes.copy()
            predictor.nodes["bitset_idx"][(predictor.nodes["is_categorical"] == 1)] = value

    return change


def fitted(model):
    rows = CATEGORIES if model is BY_CATEGORY else X
    return copy.deepcopy(model).fit(rows, y)


FORGED = {
    "left": forged_tree("left_child", 9999),
    "right": forged_tree("right_child", 0),
    "feature": forged_tree("feature", 77),
    "negative feature": forged_tree("feature", -5),
    "no threshold": forged_tree("threshold", np.nan),
    "columns of the tree": (DecisionTreeClassifier().fit(X, y), set_to("n_features_in_", 1)),
    "columns of a forest": (fitted(RandomForestClassifier(3)), set_to("n_features_in_", 1)),
    "a forest of others": (fitted(RandomForestClassifier(3)), set_to("estimators_", lambda m: [KMeans()])),
    "a forest in a tuple": (fitted(RandomForestClassifier(3)), set_to("estimators_", lambda m: tuple(m.estimators_))),
    "other trees": (
        fitted(RandomForestClassifier(3)),
        set_to("estimators_", lambda m: [DecisionTreeClassifier().fit(np.c_[X, X], y)]),
    ),
    "stages": (
        fitted(GradientBoostingClassifier(n_estimators=2)),
        set_to("estimators_", lambda m: np.c_[m.estimators_, m.estimators_]),
    ),
    "fewer classes": (
        fitted(GradientBoostingClassifier(n_estimators=2)),
        lambda m: set_to("class_prior_", np.ones(2) / 2)(m.init_),
    ),
    "binary loss": (
        fitted(GradientBoostingClassifier(n_estimators=2)),
        set_to("_loss", lambda m: GradientBoostingClassifier(n_estimators=1).fit(X, y > 0)._loss),
    ),
    "isolation": (
        fitted(IsolationForest(n_estimators=3, max_features=2)),
        set_to("estimators_features_", lambda m: [np.array([0, 9])] * 3),
    ),
    "isolation of all": (fitted(IsolationForest(n_estimators=3, max_features=2)), set_to("_max_features", 4)),
    "histogram left": (fitted(HistGradientBoostingRegressor(max_iter=2)), put("left", 10_000)),
    "histogram round": (fitted(HistGradientBoostingRegressor(max_iter=2)), put("right", 0)),
    "histogram feature": (fitted(HistGradientBoostingRegressor(max_iter=2)), put("feature_idx", 50)),
    "histogram threshold": (fitted(HistGradientBoostingRegressor(max_iter=2)), put("num_threshold", np.nan)),
    "histogram columns": (fitted(HistGradientBoostingRegressor(max_iter=2)), set_to("n_features_in_", 9)),
    "histogram stages": (
        fitted(HistGradientBoostingRegressor(max_iter=2)),
        set_to("_predictors", lambda m: [stage * 2 for stage in m._predictors]),
    ),
    "categories": (fitted(BY_CATEGORY), categorical_to(2**31)),
    "a number by category": (fitted(HistGradientBoostingRegressor(max_iter=2)), put("is_categorical", 1)),
    "no categories": (fitted(BY_CATEGORY), lambda m: set_to("is_categorical_", np.zeros(3, np.uint8))(m._bin_mapper)),
    "a start of no columns": (
        fitted(GradientBoostingRegressor(n_estimators=2)),
        lambda m: vars(m.init_).update(n_outputs_=0),
    ),
    "a start of its own": (
        fitted(GradientBoostingClassifier(n_estimators=2)),
        set_to("init_", lambda m: LogisticRegression().fit(X, y)),
    ),
    "a method": (fitted(SVR()), set_to("predict", lambda m: np.mean)),
    "a question of scikit-learn": (fitted(SVR()), set_to("__sklearn_is_fitted__", lambda m: np.mean)),
    "another machine": (fitted(SVR()), set_to("_impl", "c_svc")),
    "a size that is counted": (fitted(SVC()), set_to("_probA", range(4))),
    "vectors by column": (
        SVC().fit(csr_matrix(X), y),
        set_to("support_vectors_", lambda m: csc_matrix(m.support_vectors_)),
    ),
    "vectors of no matrix": (SVC().fit(csr_matrix(X), y), set_to("support_vectors_", LikeAMatrix())),
    "labels of neighbours": (fitted(KNeighborsClassifier()), set_to("_y", np.full(80, 2**30))),
    "few labels of neighbours": (fitted(KNeighborsClassifier()), set_to("_y", np.zeros(1, int))),
    "labels in a radius": (fitted(RadiusNeighborsClassifier(9.0)), set_to("_y", np.full(80, -9))),
    "columns of neighbours": (fitted(KNeighborsClassifier()), set_to("n_features_in_", 999)),
    "codes": (OneHotEncoder().fit(CATEGORIES[:, :1]), set_to("categories_", [np.arange(99.0)])),
    "codes of seldom words": (
        OneHotEncoder(min_frequency=13).fit(CATEGORIES[:, 2:]),
        set_to("_default_to_infrequent_mappings", [np.full(7, 999)]),
    ),
    "dropped codes": (
        OneHotEncoder(drop="first").fit(CATEGORIES[:, :1]),
        set_to("_drop_idx_after_grouping", np.array([-5], object)),
    ),
    "places of names": (DictVectorizer().fit([{"a": 1}]), set_to("vocabulary_", {"a": 10**9})),
    "no places": (HashingVectorizer(), set_to("n_features", 0)),
    "files": (CountVectorizer().fit(["ab cd"]), set_to("input", "filename")),
    "a result that is written": (FunctionTransformer(np.log1p).fit(X), set_to("kw_args", {"out": np.zeros(3)})),
    "columns that are not checked": (
        LGBMRegressor(n_estimators=1, verbose=-1).fit(X, y),
        set_to("_other_params", {"predict_disable_shape_check": True}),
    ),
    "a word within another": (
        LGBMRegressor(n_estimators=1, verbose=-1).fit(X, y),
        set_to("boosting_type", "gbdt predict_disable_shape_check=1"),
    ),
    "vectors": (fitted(SVC()), set_to("_n_support", lambda m: m._n_support * 9)),
    "coefficients": (fitted(SVC()), set_to("_dual_coef_", lambda m: m._dual_coef_[:1])),
    "intercepts": (fitted(SVC()), set_to("_intercept_", lambda m: m._intercept_[:1])),
    "width of vectors": (fitted(SVR()), set_to("n_features_in_", 9)),
    "vocabulary": (CountVectorizer().fit(["ab cd", "ef"]), set_to("vocabulary_", {"ab": 10**9})),
    "centres": (fitted(KMeans(2)), set_to("cluster_centers_", lambda m: m.cluster_centers_[:, :1].copy())),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_would_leave_its_arrays_is_refused(name, tmp_path):
    """By `load`, and by `save`, which writes nothing that cannot be loaded."""
    model, change = FORGED[name]
    model = copy.deepcopy(model)
    check_object(model)
    save(model, tmp_path / "whole")
    load(tmp_path / "whole")
    change(model)
    try:
        save(model, tmp_path / "file")
    except ModelFileError:
        return
    with pytest.raises(ModelFileError, match="cannot be rebuilt"):
        load(tmp_path / "file")


def test_an_object_is_checked_when_all_of_it_is_there(forge, describe):
    """A forest whose list of trees is empty when the forest is read, and filled after it."""
    forest = RandomForestClassifier(2, random_state=0).fit(X, y)
    wide = DecisionTreeClassifier().fit(np.c_[X, X], y)
    node, arrays = describe([forest, wide])
    state = node["list"][0]["object"][1]
    assert "list" in state["estimators_"]
    state["estimators_"] = {"ref": 99}
    node = {"list": [{"list": [node["list"][0], node["list"][1]], "id": 99}]}
    others, _ = describe(forest.estimators_)
    kept = arrays  # the trees of the forest are gone from the state, and their arrays with them
    for part in (kept, kept[len(kept) // 2 :], b""):
        with pytest.raises(ModelFileError, match="cannot be rebuilt"):
            load(forge(node, part))
