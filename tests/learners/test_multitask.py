"""A network of all tasks: fitted once per fold, with labels that are not known, in a stack that is saved."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack, MultiTaskNetwork, TabularExtractor, compare_strategies, load, save

pytest.importorskip("torch")
RNG = np.random.default_rng(0)
X = {"a": RNG.normal(size=(150, 3)), "b": RNG.normal(size=(150, 2))}
Y = pd.DataFrame({
    "size": X["a"][:, 0] + X["b"][:, 0], "kind": np.array(["u", "v", "w"])[np.digitize(X["a"][:, 1], [-0.5, 0.5])],
    "side": np.where(X["b"][:, 1] > 0, "left", "right"),
})  # fmt: skip
Y.loc[:30, "kind"] = None
Y.loc[20:60, "side"] = None
NET = ("net", MultiTaskNetwork(max_epochs=3, validation_fraction=0.0), "all")


SETTINGS = {"cv": 3, "meta_learner": "mean", "random_state": 0, "strategy": "independent"}


class Counting(MultiTaskNetwork):
    fits: list = []

    def fit(self, X, y, sample_weight=None, groups=None, sizes=None):
        self.fits.append((len(X), sizes))
        return super().fit(X, y, sample_weight, groups, sizes)


@pytest.fixture(scope="module")
def model():
    Counting.fits.clear()
    learners = [("net", Counting(max_epochs=15, validation_fraction=0.0, random_state=0), "all")]
    return MultiOutputStack(learners=learners, **SETTINGS).fit(X, Y)


def test_it_is_fitted_once_for_all_tasks_and_reads_every_row_with_a_label(model):
    assert sorted(Counting.fits) == [(100, [3, 2, 0])] * 3 + [(150, [3, 2, 0])]  # tasks by name: kind, side, size
    assert model.learner("net", task="kind").network is model.learner("net", task="size").network
    scores = pd.Series({name: model.judged_by(name).score(model.oof_[name]) for name in Y})
    assert (scores > [0.5, 0.5, 0.7]).all()


def test_an_unknown_label_teaches_nothing(model):
    other = Y.copy()
    other.loc[:30, "kind"] = "u"
    changed = MultiOutputStack(
        learners=model.learners, cv=3, meta_learner="mean", random_state=0, strategy="independent"
    ).fit(X, other)
    assert not np.allclose(changed.predict(X)["size"], model.predict(X)["size"])
    again = MultiOutputStack(learners=model.learners, **SETTINGS)
    np.testing.assert_array_equal(
        again.fit(X, Y[["side", "size", "kind"]]).predict(X)["size"], model.predict(X)["size"]
    )


def test_each_task_reads_what_was_learned_from_its_own_labels():
    names = pd.DataFrame({"name": [f"n{i:02d}" for i in RNG.permutation(150) % 50]})
    places = names["name"].str[1:].astype(int)
    labels = pd.DataFrame({"size": np.sin(places * 1.7), "kind": np.array(["u", "v", "w"])[places * 7 % 3]})
    table = TabularExtractor(max_categories=10, target_encoding=True)
    net = ("net", MultiTaskNetwork(max_epochs=30, validation_fraction=0.0, random_state=0), "all")
    model = MultiOutputStack(views=[("t", table, ["name"])], learners=[net], **SETTINGS).fit(names, labels)
    assert model.evaluate(names, labels)["r2"]["size"] > 0.5  # of one width and of three: new rows are read alike
    assert model.learner("net", task="kind").network is not model.learner("net", task="size").network


def test_it_is_saved_and_compared_with_the_others(tmp_path):
    learners = [NET, ("lr", LogisticRegression()), ("ridge", Ridge())]
    settings = {"learners": learners, "meta_learner": "mean", "cv": 2, "random_state": 0, "strategy": "independent"}
    model = MultiOutputStack(**settings).fit(X, Y)
    save(model, tmp_path / "m.emm")
    pd.testing.assert_frame_equal(load(tmp_path / "m.emm").predict(X), model.predict(X))
    table = compare_strategies(X, Y, **settings | {"strategy": "stacked"})
    for name in Y:
        assert {"multi-task network", "ensemble", "stacked"} <= set(table.loc[name].index)


def test_what_tasks_count_in_the_loss_is_given_or_learned():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = np.c_[x[:, 0], rng.normal(size=300)]  # of the second nothing can be told
    apart = {}
    for weights in (None, [1.0, 0.0], "uncertainty", "balanced"):
        net = MultiTaskNetwork(hidden=(8,), dropout=0.0, max_epochs=60, validation_fraction=0.0, random_state=0,
                               task_weight=weights).fit(x[:100], y[:100])  # fmt: skip
        apart[str(weights)] = np.mean((net.predict(x[100:])[:, 0] - y[100:, 0]) ** 2)
    assert apart["[1.0, 0.0]"] < apart["None"] and apart["uncertainty"] < apart["None"]
    assert apart["balanced"] == apart["None"]  # of standardised numbers a constant guess costs the same
    classes = np.c_[x[:, 0] > 0, x[:, 1]]
    net = MultiTaskNetwork(max_epochs=1, validation_fraction=0.0, task_weight="balanced").fit(x, classes, sizes=[2, 0])
    shares = classes[:, 0].mean()
    assert net.counts_ == pytest.approx([-1 / (shares * np.log(shares) + (1 - shares) * np.log(1 - shares)), 1.0])


def test_a_network_of_an_older_file_can_be_pruned():
    net = MultiTaskNetwork(max_epochs=1, random_state=0).fit(X["a"], np.c_[X["a"][:, 0], X["b"][:, 0]])
    del net.counts_
    assert net.prune(0.5, X=X["a"], y=np.c_[X["a"][:, 0], X["b"][:, 0]]) is net


def test_weights_by_name_reach_the_task_that_has_the_name():
    out = {}
    for weights in ({"size": 1, "kind": 0, "side": 0}, {"size": 0}):
        net = MultiTaskNetwork(max_epochs=15, validation_fraction=0.0, random_state=0, task_weight=weights)
        model = MultiOutputStack(learners=[("net", net, "all")], **SETTINGS).fit(X, Y)
        out[len(weights)] = model.judged_by("size").score(model.oof_["size"])
        assert model.learners[0][1].task_weight is weights
    assert out[3] > 0.6 > 0.2 > out[1]


@pytest.mark.parametrize("weights, words", [
    ({"siz": 1}, "learner 'net' names 'siz', but the tasks are .*mean 'size'"), ({"size": -1}, "numbers from 0 on"),
    ([1.0], "does not fit 3 columns of y"), ("even", "task_weight"), ([0, 0, 0], "some above 0"),
])  # fmt: skip
def test_what_is_no_weight_of_a_task_is_told(weights, words):
    net = MultiTaskNetwork(max_epochs=1, task_weight=weights)
    model = MultiOutputStack(learners=[("net", net, "all")], **SETTINGS)
    with pytest.raises(Exception, match=words):
        model.fit(X, Y)


@pytest.mark.slow
def test_classes_count_in_the_loss_of_their_task_and_probabilities_are_corrected():
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    labels = pd.DataFrame({"rare": x["a"] + rng.normal(size=300) / 2 > 1.4, "size": x["b"]})
    net = MultiTaskNetwork(max_epochs=30, validation_fraction=0.0, random_state=0)
    settings = SETTINGS | {"learners": [("net", net, "all")]}
    plain, even = (MultiOutputStack(**settings, class_weight=w).fit(x, labels) for w in (None, {"rare": "balanced"}))
    learner = even.learner("net", task="rare")
    raw = learner.predict_proba(np.asarray(x))[:, 1].mean()
    share, corrected = labels["rare"].mean(), even.predict_proba(x)["rare"][:, 1].mean()
    assert raw > 2 * share and abs(corrected - share) < 0.05
    assert abs(plain.predict_proba(x)["rare"][:, 1].mean() - share) < 0.05
