"""Fixed weights, medians and ranks: what they say by hand, and in a stack that is saved."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, load, save
from ensemble_mm.meta import MedianClassifier, MedianRegressor, RankClassifier, RankRegressor, make_meta_learner

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["median", "rank"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_members_that_abstain_are_left_out_and_their_order_does_not_matter(name, kind):
    n_classes = {"binary": 2, "multiclass": 3, "regression": None}[kind]
    width = 3 if n_classes == 3 else 1
    cells = RNG.dirichlet(np.ones(3), size=(60, 4))[:, :, :width]
    cells[:20, 1] = np.nan
    cells[0] = np.nan
    y = RNG.integers(0, n_classes or 9, 60).astype(float)
    outs = []
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        model = make_meta_learner(name, kind=kind, n_classes=n_classes)
        table = cells[:, order].reshape(60, -1)
        outs.append(getattr(model.fit(table, y), "predict_proba" if n_classes else "predict")(table))
        alone = getattr(model, "predict_proba" if n_classes else "predict")(table[7:8])
        np.testing.assert_allclose(alone, outs[-1][7:8])
    np.testing.assert_allclose(*outs)
    np.testing.assert_allclose(outs[0][0], model.prior_ if n_classes else model.prior_[0])


def test_medians_and_ranks_by_hand():
    table = np.c_[np.linspace(0, 1, 11), np.linspace(0, 0.1, 11), np.linspace(0, 0.2, 11)]
    y = np.arange(11) > 5
    np.testing.assert_allclose(MedianClassifier().fit(table, y).predict_proba([[0.1, 0.9, 0.3]]), [[0.7, 0.3]])
    assert MedianRegressor().fit(table, y).predict([[1.0, 7.0, np.nan]]) == [4.0]
    rank = RankClassifier().fit(table[:, :2], y)
    assert roc_auc_score(y, rank.predict_proba(table[:, :2])[:, 1]) == 1
    np.testing.assert_allclose(rank.predict_proba([[1.0, 0.0]])[:, 1], 0.275)  # the first and the last: the middle
    assert RankRegressor().fit(table[:, :2], y).predict([[9.0, 9.0]]) == pytest.approx(
        [0.55]
    )  # not beyond what was seen


def test_weights_by_learner_are_shared_by_its_members_and_survive(tmp_path):
    X = {"a": RNG.normal(size=(60, 2)), "b": RNG.normal(size=(60, 2))}
    Y = {"up": np.where(X["a"][:, 0] > 0, "yes", "no"), "size": X["b"][:, 0]}
    learners = [
        ("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=2), "all"),
        ("ridge", Ridge()), ("stump", DecisionTreeRegressor(max_depth=1), "all"),
    ]  # fmt: skip
    weights = {"linear": 0.6, "tree": 0.4, "ridge": 1.0}
    model = MultiOutputStack(learners=learners, meta_learner=weights, cv=3, strategy="independent").fit(X, Y)
    given = model.contributions_["up"].groupby("learner").sum()
    assert given[["linear", "tree"]].round(9).to_dict() == {"linear": 0.6, "tree": 0.4}
    assert model.contributions_.loc[[("a", "linear"), ("b", "linear")], "up"].round(9).tolist() == [0.3, 0.3]
    model.set_params(meta_learner=weights | {("linear", "b"): 1.0}).fit(X, Y)
    assert model.contributions_["up"].round(3).tolist() == [0.3, 0.5, 0.2, 0.0, 0.0, 0.0]
    save(model, tmp_path / "m.emm")
    np.testing.assert_array_equal(load(tmp_path / "m.emm").predict_proba(X)["up"], model.predict_proba(X)["up"])
    with pytest.raises(ValueError, match="'trees', which is not a learner.*Did you mean 'tree'"):
        model.set_params(meta_learner={"trees": 1.0}).fit(X, Y)
    for strange in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="must hold numbers from 0 on"):
            model.set_params(meta_learner=weights | {"ridge": strange}).fit(X, Y)
    with pytest.raises(ValueError, match="no learner of task 'size' a weight above 0"):
        model.set_params(meta_learner={"tree": 1.0}).fit(X, Y)
    only = StackedClassifier(learners=learners[:2], meta_learner="rank", cv=3, calibration="isotonic").fit(X, Y["up"])
    assert only.score(X, Y["up"]) > 0.8
