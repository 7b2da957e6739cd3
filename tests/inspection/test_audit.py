"""Every check of the audit passes honest work and catches an example that was built to fail."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from ensemble_mm._modalities import MODALITIES
from ensemble_mm.data import resolve_targets
from ensemble_mm.features import TextExtractor
from ensemble_mm.inspection import audit
from ensemble_mm.inspection._audit_rows import check_single_columns
from ensemble_mm.stacking import StackedClassifier, StackedRegressor

LINEAR = [("linear", LogisticRegression())]


class Gossip(ClassifierMixin, BaseEstimator):
    """Remember every label that any copy was ever shown, and tell it to all."""

    heard = {}

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        type(self).heard |= {row.tobytes(): label for row, label in zip(np.asarray(X), y, strict=True)}
        return self

    def predict_proba(self, X):
        likely = np.array([self.heard.get(row.tobytes(), -1) for row in np.asarray(X)])
        out = np.full((len(X), len(self.classes_)), 0.5)
        for i, label in enumerate(self.classes_):
            out[likely == label] = 0.05
            out[likely == label, i] = 0.95
        return out / out.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class BatchScaler(TransformerMixin, BaseEstimator):
    """Scale with the mean of the very rows that are transformed: held-out rows reach each other."""

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X):
        return np.asarray(X, dtype=float) - np.mean(X, axis=0)


class Fixed(TransformerMixin, BaseEstimator):
    """Say that a fit is needed, and learn nothing in it."""

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X):
        return np.asarray(X, dtype=float)


@pytest.fixture
def data():
    """120 rows of 4 numbers and two classes that depend on the first, with noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    return {"v": X}, pd.Series(np.where(X[:, 0] + rng.normal(size=120) > 0, "yes", "no"), name="bought")


def stack(extractor=None, learners=LINEAR, **params):
    return StackedClassifier([("v", extractor or StandardScaler())], learners, cv=3, random_state=0, **params)


def verdicts(found):
    return found.set_index("check")["verdict"]


def test_honest_work_passes(data):
    X, y = data
    found = audit(stack(), X, y, groups=np.arange(120))
    assert set(found["verdict"]) == {"pass"} and list(found.columns) == ["check", "verdict", "value", "words"]
    assert found["words"].str.endswith((".", ")")).all()
    assert all(words in line for words, line in zip(found["words"], repr(found).splitlines(), strict=True))
    assert all(words in found._repr_html_() for words in found["words"] if "'" not in words)


def test_the_model_is_left_as_it_is(data):
    X, y = data
    model = stack().fit(X, y)
    before = model.table_.values.copy()
    audit(model, X, y)
    assert np.array_equal(model.table_.values, before) and model.refit is True


def test_labels_that_leak_through_a_learner_are_caught(data):
    X, y = data
    Gossip.heard.clear()
    found = audit(stack(Fixed(), learners=[("gossip", Gossip())]), X, y)
    assert verdicts(found)["shuffled labels of 'bought'"] == "fail"


def test_duplicated_rows_are_caught_and_grouping_them_mends_it(data):
    X, y = data
    X, y = {"v": np.repeat(X["v"], 2, axis=0)}, y.repeat(2).reset_index(drop=True)
    assert verdicts(audit(stack(), X, y))["duplicated rows"] == "fail"
    together = np.repeat(np.arange(120), 2)
    assert verdicts(audit(stack(), X, y, groups=together))["duplicated rows"] == "pass"


def test_repeated_texts_are_told():
    rng = np.random.default_rng(0)
    texts = [f"this is the long review number {i % 20}" for i in range(80)]
    X = pd.DataFrame({"review": texts, "price": rng.normal(size=80)})
    y = pd.Series(rng.choice(["a", "b"], 80), name="kind")
    found = verdicts(audit(StackedClassifier(learners=LINEAR, cv=3, random_state=0), X, y))
    assert found["repeated items of view 'review'"] == "warn" and found["duplicated rows"] == "pass"


def test_groups_that_cross_folds_are_caught(data):
    X, y = data
    groups = np.repeat(np.arange(20), 6)
    assert verdicts(audit(stack(), X, y, groups=groups))["groups"] == "pass"
    ungrouped = stack().fit(X, y)
    assert verdicts(audit(ungrouped, X, y, groups=groups))["groups"] == "fail"
    assert verdicts(audit(ungrouped, X, y))["groups"] == "skip"


def test_an_extractor_that_was_fitted_on_all_rows_is_caught(data):
    X, y = data
    saw_all = FrozenEstimator(StandardScaler().fit(X["v"]))
    saw_others = FrozenEstimator(StandardScaler().fit(np.random.default_rng(9).normal(size=(50, 4))))
    check = "extractor of view 'v'"
    assert verdicts(audit(stack(saw_all), X, y))[check] == "fail"
    assert verdicts(audit(stack(saw_others), X, y))[check] == "warn"
    assert verdicts(audit(stack(Fixed()), X, y))[check] == "warn"
    assert verdicts(audit(stack(StandardScaler()), X, y))[check] == "pass"


def test_features_that_depend_on_the_rows_beside_them_are_caught(data):
    X, y = data
    found = verdicts(audit(stack(BatchScaler()), X, y))
    assert found["extractor of view 'v', row by row"] == "fail"


def test_a_column_that_tells_the_label_is_caught():
    rng = np.random.default_rng(0)
    y = rng.choice(["no", "yes", "maybe"], 90)
    X = pd.DataFrame({"age": rng.normal(size=90), "code": pd.Series(y).map({"no": "x", "yes": "y", "maybe": "z"})})
    X["paid"] = np.where(y == "yes", 1.0, np.nan)  # there only for one class
    Y = pd.DataFrame({"kind": y, "sum": X["age"] * 3 + 1, "yes": y == "yes"})
    tasks, targets, _ = resolve_targets(Y)
    found = check_single_columns(X, tasks, targets, np.arange(90))
    assert {check for check, verdict, *_ in found if verdict == "fail"} == {
        "column 'code' tells 'kind'", "column 'age' tells 'sum'", "column 'paid' tells 'yes'",
        "column 'code' tells 'yes'",
    }  # fmt: skip


def test_a_rare_class_is_told(data):
    X, y = data
    y = y.copy()
    y[:2] = "maybe"
    with pytest.warns(UserWarning, match="maybe"):
        found = audit(stack(), X, y)
    assert verdicts(found)["classes of 'bought'"] == "warn"


def test_labels_of_another_length_are_refused(data):
    X, y = data
    with pytest.raises(ValueError, match="X has 120 rows, task 'bought' has 100 labels"):
        audit(stack(), X, y[:100])


def test_the_views_of_a_fit_are_looked_at(monkeypatch):
    """The audit found views of its own: the sound of clips and encoded views were not among them."""
    monkeypatch.setattr("ensemble_mm.inspection._audit._check_shuffled", lambda *args: [])
    make = lambda: TextExtractor()  # noqa: E731
    monkeypatch.setitem(MODALITIES, "text", replace(MODALITIES["text"], pretrained=make))
    X = pd.DataFrame({"note": [f"some words that say {i} or else {i % 7}" for i in range(40)]})
    model = StackedClassifier()
    views = [view.name for view in model.plan(X, [0, 1] * 20).views]
    found = audit(model, X, [0, 1] * 20)["check"]
    assert len(views) == 2 and all(f"extractor of view {view!r}" in set(found) for view in views)


FRAME = pd.DataFrame(
    {
        "x": np.r_[np.inf, 1e300, np.linspace(-1, 1, 58)],
        "kind": ["a", "b", "c"] * 20,
        "on": pd.date_range("2024", periods=60),
        "text": [f"a long note on item {i % 7}, of {i} words" for i in range(60)],
    }
)
LISTS = FRAME[["x"]].iloc[2:].to_numpy().tolist()
SIDES = np.tile(["no", "yes"], 30)


@pytest.mark.parametrize(
    "X", [FRAME, FRAME.to_dict("list"), FRAME.to_dict("records"), pl.from_pandas(FRAME), LISTS],
    ids=["frame", "dict of lists", "records", "polars", "lists"],
)  # fmt: skip
def test_the_audit_takes_what_fit_takes(X):
    n = 58 if isinstance(X, list) and isinstance(X[0], list) else 60
    model = StackedClassifier(learners=LINEAR, cv=3, random_state=0)
    weight, groups = np.arange(n) % 3, np.arange(n) // 2
    found = audit(model, X, SIDES[:n].tolist(), groups=groups, sample_weight=weight)
    assert not set(found["verdict"]) & {"fail", "skip"}


def test_a_column_is_looked_at_as_the_model_reads_it():
    y = np.random.default_rng(0).normal(50, 9, 90).round(2)
    X = pd.DataFrame({"paid": [f"{value:.2f} EUR" for value in y], "other": np.arange(90) % 7})
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0)
    assert "column 'paid' tells 'y'" in set(audit(model, X, y).query("verdict == 'fail'")["check"])
