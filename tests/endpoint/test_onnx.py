"""What a graph of ONNX says of rows is what the model says, or nothing is written."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor, TunedLearner, save
from ensemble_mm._cli import main
from ensemble_mm.endpoint import _onnx as onnx_file
from ensemble_mm.endpoint import features_of, write_onnx
from ensemble_mm.learners import ColumnPairs, ViewScaler, portfolio
from ensemble_mm.learners._scaling import SampledKernel

runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")
LOGISTIC = LogisticRegression(max_iter=1000)
WORDS = np.array(["good", "bad", "red", "blue", "old"])


def rows(n=60, seed=0):
    """Return sentences, numbers with holes, and vectors; and two classes, three classes, a number and a count."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    X = pd.DataFrame({"size": size + 0.2 * rng.normal(size=n), "weight": rng.normal(size=n)})
    X.loc[rng.random(n) < 0.1, "weight"] = np.nan
    words = [" ".join(rng.choice(WORDS, 6)) + (" large" if s > 0 else " small") for s in size]
    X["review"] = words
    Y = pd.DataFrame({"two": np.where(size > 0, "up", "down"), "price": 100 + 10 * size})
    Y["three"] = np.array(["a", "b", "c"])[np.digitize(size, [-0.5, 0.5])]
    Y["n"] = rng.poisson(np.exp(size / 2))
    return X, Y


def says(path, features):
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    taken = {value.name: features[value.name] for value in session.get_inputs()}
    return dict(zip([out.name for out in session.get_outputs()], session.run(None, taken), strict=True))


def presets(kind, **facts):
    """Return the learners of the own portfolios, once each."""
    found = {}
    for name in ("fast", "balanced", "best"):
        for entry, learner, *_ in portfolio(name, kind, n_rows=60, views={"X": "table"}, **facts):
            if hasattr(learner, "n_estimators"):
                learner.set_params(n_estimators=5)
            found.setdefault(entry, learner)
    return list(found.items())


CASES = {
    "two": [*presets("binary"), ("search", TunedLearner(LOGISTIC, {"C": [0.1]})), ("forest", ExtraTreesClassifier(5)),
            ("logistic", LOGISTIC), ("lightgbm", LGBMClassifier(n_estimators=5, verbose=-1))],
    "three": [*presets("multiclass", n_classes=3), ("xgb_early", XGBClassifier(early_stopping_rounds=1))],
    "price": [*presets("regression"), ("ridge", Ridge()),
              ("gamma", XGBRegressor(n_estimators=5, objective="reg:tweedie")),
              ("mae", LGBMRegressor(n_estimators=5, objective="mae", verbose=-1)), ("library", SVR())],
    "n": [*presets("count"), ("poisson", PoissonRegressor())],
}  # fmt: skip


def test_pairs_of_columns_say_the_same(tmp_path):
    """The products of the other tests' columns tell nothing, so none would be in the graph."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=list("abc")) * [1.0, 5.0, 0.2]
    pairs = ("pairs", make_pipeline(ColumnPairs(), Ridge()))
    model = StackedRegressor(learners=[pairs], cv=2, random_state=0).fit(X, X["a"] * X["b"] + X["b"] - 30 * X["c"])
    assert len(model.learner("pairs")[0].places_)
    write_onnx(model, X, tmp_path / "m.onnx")
    said = says(tmp_path / "m.onnx", features_of(model, X))
    np.testing.assert_allclose(np.ravel(next(iter(said.values()))), model.predict(X), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("task", CASES)
def test_learners_say_the_same(task, tmp_path):
    X, Y = rows()
    kinds = {"tasks": {"n": "count"}} if task == "n" else {}
    model = MultiOutputStack(learners=CASES[task], cv=2, random_state=0, meta_learner="mean", **kinds)
    model.fit(X[["size", "weight"]], Y[[task]])
    new = rows(seed=1)[0][["size", "weight"]]
    write_onnx(model, pd.concat([X, new])[["size", "weight"]], tmp_path / "m.onnx")
    (out,) = says(tmp_path / "m.onnx", features_of(model, new)).values()
    wanted = model.predict(new)[[task]] if task in ("price", "n") else model.predict_proba(new)[task]
    np.testing.assert_allclose(out, np.asarray(wanted), rtol=1e-5, atol=1e-5)


def test_wide_rows_are_rounded_to_the_same_steps(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 300)).astype(np.float32)
    kernel = make_pipeline(ViewScaler(half=True), SampledKernel(gamma=0.5, n_components=30, random_state=0), Ridge())
    model = StackedRegressor(learners=[("kernel", kernel)], cv=2, random_state=0).fit(X, X[:, :9].sum(axis=1))
    write_onnx(model, X, tmp_path / "m.onnx")
    (out,) = says(tmp_path / "m.onnx", features_of(model, X)).values()
    np.testing.assert_allclose(out[:, 0], model.predict(X), rtol=1e-6, atol=1e-6)


def learners(*entries):
    """Return learners for classes and numbers."""
    return {
        "classification": [("linear", LOGISTIC), *entries],
        "regression": [("linear", Ridge())],
    }


@pytest.mark.parametrize(
    "meta",
    ["auto", "mean", "greedy", "simplex", "linear", {"linear": 2.0, "gbm": 1.0}, {"three": "multinomial"}],
    ids=str,
)
@pytest.mark.parametrize("cv", [2, 3])
def test_rows_without_some_views(meta, cv, tmp_path):
    """What a member says then goes by the weights of the pattern, whichever rows the graph was compared on."""
    X, Y = rows(80)
    X.loc[:20, "review"] = None
    X.loc[10:30, ["size", "weight"]] = None
    gbm = {"classification": LGBMClassifier, "regression": LGBMRegressor}
    entries = {family: [("linear", linear), ("gbm", gbm[family](n_estimators=3, min_child_samples=5, verbose=-1), "all",
                                             "reduced")]
               for family, linear in (("classification", LOGISTIC), ("regression", Ridge()))}  # fmt: skip
    model = MultiOutputStack(learners=entries, cv=cv, random_state=0, meta_learner=meta, refit=cv == 2,
                             missing_indicator=cv == 3, strategy="independent")  # fmt: skip
    model.fit(X, Y[["two", "three", "price"]])
    write_onnx(model, X[40:], tmp_path / "m.onnx")
    out, proba, numbers = says(tmp_path / "m.onnx", features_of(model, X)), model.predict_proba(X), model.predict(X)
    for task in ("two", "three"):
        np.testing.assert_allclose(out[task], proba[task], atol=1e-4)
    np.testing.assert_allclose(out["price"][:, 0], numbers["price"], rtol=1e-4)


@pytest.mark.parametrize("strategy", ["stacked", "chain"])
def test_what_tasks_tell_each_other(strategy, tmp_path):
    X, Y = rows(300)
    Y = Y.assign(twice=np.where(Y["two"] == "up", 10.0, 0.0) + Y["price"] ** 2 / 100)[["two", "three", "twice"]]
    model = MultiOutputStack(learners=learners(), cv=3, random_state=0, strategy=strategy).fit(X[["size"]], Y)
    assert len(model.levels_) == 2
    write_onnx(model, X, tmp_path / "m.onnx")


@pytest.mark.parametrize("settings", [{"layers": 2}, {"passthrough": True}], ids=str)
def test_what_members_tell_a_second_level(settings, tmp_path):
    rng = np.random.default_rng(0)
    size = rng.normal(size=(240, 2))
    X = pd.DataFrame(size, columns=["a", "b"]).assign(review=np.where(size[:, 0] > 0, "good", "bad"))
    X.loc[::7, ["a", "b"]] = None
    X.loc[::5, "review"] = None
    y = np.sign(size.sum(axis=1)) + 0.1 * rng.normal(size=240)  # a step along what the first level finds
    learners = [("tree", DecisionTreeRegressor(max_depth=2, random_state=0)), ("linear", Ridge())]
    model = StackedRegressor(learners=learners, cv=3, random_state=0, **settings).fit(X, y)
    assert len(model.levels_) == 2
    write_onnx(model, X, tmp_path / "m.onnx")


def test_quantiles_and_calibrated_probabilities(tmp_path):
    X, Y = rows()
    model = MultiOutputStack(learners=["linear"], tasks={"price": "quantile"}, cv=2, random_state=0,
                             calibration={"classification": "temperature"})  # fmt: skip
    model.fit(X[["size"]], Y[["two", "price"]])
    write_onnx(model, X, tmp_path / "m.onnx")
    out = says(tmp_path / "m.onnx", features_of(model, X))
    assert out["price"].shape == (60, 7) and out["two"].shape == (60, 2)


def test_what_has_no_form_is_named(tmp_path):
    X, Y = rows()
    entries = [("hist", HistGradientBoostingClassifier(max_iter=2)), ("linear", LOGISTIC)]
    model = StackedClassifier(learners=entries, meta_learner="median", calibration="isotonic", cv=2, random_state=0)
    model.fit(X[["size"]], Y["two"])
    with pytest.raises(ValueError, match="HistGradient.*'hist'.*MedianClassifier.*IsotonicCalibrator"):
        write_onnx(model, X, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("learner", [XGBClassifier(booster="dart", n_estimators=2), XGBClassifier(booster="gblinear"),
                                     LGBMClassifier(n_estimators=2, linear_tree=True, verbose=-1),
                                     LGBMClassifier(n_estimators=2, zero_as_missing=True, verbose=-1),
                                     LGBMClassifier(boosting_type="rf", subsample_freq=1, subsample=0.5, verbose=-1)],
                         ids=str)  # fmt: skip
def test_boosting_of_another_kind_is_named(learner, tmp_path):
    X, Y = rows()
    model = StackedClassifier(learners=[("other", learner)], cv=2, random_state=0).fit(X[["size"]], Y["two"])
    with pytest.raises(ValueError, match="no form for .*(XGBoost|LightGBM) .*'other'|no form for a random forest"):
        write_onnx(model, X, tmp_path / "m.onnx")


def test_a_graph_that_says_something_else_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    X, Y = rows()
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0).fit(X[["size"]], Y["price"])
    with pytest.raises(ValueError, match="The graph says .* and the model"):
        write_onnx(model, X, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_names_that_meet_are_refused(tmp_path):
    """A column may be called as an operation of the graph is; not as another input or output."""
    X, Y = rows()
    views = {"present": X["review"].to_numpy(object), "t1": X[["size"]].to_numpy()}
    model = StackedRegressor(learners=["linear"], cv=2, random_state=0)
    with pytest.raises(ValueError, match="called 'present'"):
        write_onnx(model.fit(views, Y["price"]), views, tmp_path / "m.onnx")
    size = {"t1": views["t1"]}
    with pytest.raises(ValueError, match="both called 't1'"):
        write_onnx(model.fit(size, Y["price"].rename("t1")), size, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
    write_onnx(model.fit(size, Y["price"].to_numpy()), size, tmp_path / "m.onnx")
    two = MultiOutputStack(learners=["linear"], cv=2, random_state=0)
    write_onnx(two.fit(size["t1"], Y[["price", "n"]].to_numpy()), size["t1"], tmp_path / "n.onnx")


def test_a_single_estimator_is_told_where_to_go(tmp_path):
    with pytest.raises(ValueError, match="Ridge is not a fitted stack"):
        write_onnx(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), [[0.0]], tmp_path / "m.onnx")


def test_the_command(tmp_path, capsys):
    X, Y = rows()
    X.join(Y).to_csv(tmp_path / "t.csv", index=False)
    model = MultiOutputStack(learners=learners(), cv=2, random_state=0).fit(X, Y[["two", "price"]])
    save(model, tmp_path / "m.emm")
    command = ["export", str(tmp_path / "m.emm"), "--to", "onnx", "--out", str(tmp_path / "m.onnx")]
    assert main(command) == 1 and "--data" in capsys.readouterr().err
    assert main([*command, "--data", str(tmp_path / "t.csv")]) == 0
    assert "60 rows" in capsys.readouterr().out and (tmp_path / "m.onnx").exists()
