"""A modality and a meta-learner from outside the package, added as CONTRIBUTING.md says, work wherever ours do.

The modality is a tune: a file of numbers, one per note. The meta-learner is the middle of what members say at most and
at least.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression

from ensemble_mm import MultiOutputStack, StackedClassifier, audit, load, save, write_report
from ensemble_mm._cli import main
from ensemble_mm.features import MODALITIES, Modality
from ensemble_mm.meta import META_LEARNERS, AutoClassifier, TableClassifier, TableRegressor, make_meta_learner

N_ROWS = 60


class TuneExtractor(TransformerMixin, BaseEstimator):
    """Mean and spread of the notes of a tune."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        notes = [np.loadtxt(path) for path in X]
        return np.array([[tune.mean(), tune.std()] for tune in notes], dtype=np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def look(path):
    return "notes " + " ".join(f"{note:.0f}" for note in np.loadtxt(path)[:3])


class _Midrange:
    def fit(self, X, y, sample_weight=None):
        self.weights_ = self._check(X, y, sample_weight).even
        return self

    def _mix(self, cells):
        return (np.nanmin(cells, axis=1) + np.nanmax(cells, axis=1)) / 2


class MidrangeClassifier(_Midrange, TableClassifier):
    def __init__(self, *, n_classes=None):
        self.n_classes = n_classes


class MidrangeRegressor(_Midrange, TableRegressor):
    pass


@pytest.fixture(autouse=True)
def newcomers(monkeypatch):
    """The two lines of the recipe."""
    monkeypatch.setitem(MODALITIES, "tune", Modality(extractor=TuneExtractor, suffixes=(".tune",), cost=1.0, look=look))
    made = {"classification": MidrangeClassifier, "regression": MidrangeRegressor}
    monkeypatch.setitem(META_LEARNERS, "midrange", made)


@pytest.fixture
def tunes(tmp_path):
    """High and low tunes, the first twice, one missing; a weak column of numbers beside them."""
    rng = np.random.default_rng(0)
    high = np.arange(N_ROWS) % 2
    paths = [str(tmp_path / f"{i}.tune") for i in range(N_ROWS)]
    for i, path in enumerate(paths):
        np.savetxt(path, 60 + 6 * high[i] + rng.normal(scale=2, size=20))
    paths[2], paths[-1] = paths[0], None
    X = pd.DataFrame({"tune": pd.Series(paths, dtype=object), "age": rng.normal(size=N_ROWS) + high})
    return X, pd.DataFrame({"kind": np.where(high, "high", "low"), "pitch": 60.0 + 6 * high})


def stack(**settings):
    settings = {"learners": "fast", "meta_learner": "midrange", "cv": 3, "random_state": 0} | settings
    return MultiOutputStack(**settings)


def test_views_plans_and_portfolios_know_the_modality(tunes):
    X, Y = tunes
    plan = stack().plan(X, Y)
    assert [(view.name, view.modality) for view in plan.views] == [("tune", "tune"), ("tabular", "tabular")]
    assert isinstance(plan.views[0].extractor, TuneExtractor)
    readers = {fit.member.learner for fit in plan.fits if "tune" in fit.member.views}
    assert {"linear", "kernel"} <= readers  # as of every modality whose features are like those of media
    named = StackedClassifier(views=[("x", TuneExtractor(), "tune")]).plan(X, Y["kind"])
    assert named.views[0].modality == "tune"


def test_a_fit_predicts_and_a_model_file_keeps_it(tunes, tmp_path):
    X, Y = tunes
    model = stack().fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert model.meta_learners_["kind"].__class__ is MidrangeClassifier
    assert not model.present_["tune"][-1]
    save(model, tmp_path / "model.emm")
    again = load(tmp_path / "model.emm", trusted=[TuneExtractor, MidrangeClassifier, MidrangeRegressor])
    pd.testing.assert_frame_equal(again.predict(X), model.predict(X))


def test_cheap_views_come_first_under_a_time_budget(tunes):
    X, Y = tunes
    learners = [("linear", LogisticRegression())]
    with pytest.warns(UserWarning, match="The time budget .* view 'tune'"):
        model = stack(learners=learners, time_budget=1e-3).fit(X, Y)
    assert list(model.views_) == ["tabular"]
    assert set(stack(learners=learners, time_budget=600).fit(X, Y).views_) == {"tune", "tabular"}


def test_the_audit_looks_at_its_items(tunes):
    X, Y = tunes
    model = StackedClassifier(learners=[("linear", LogisticRegression())], cv=3, random_state=0)
    found = audit(model, X, Y["kind"]).set_index("check")["verdict"]
    assert found["repeated items of view 'tune'"] == "warn"
    assert found["extractor of view 'tune'"] == found["extractor of view 'tune', row by row"] == "pass"


def test_the_report_shows_it(tunes, tmp_path):
    X, Y = tunes
    model = stack(learners=[("linear", LogisticRegression())]).fit(X, Y[["kind"]])
    page = write_report(model, tmp_path / "report.html", X, Y[["kind"]]).read_text(encoding="utf-8")
    assert look(X["tune"][0]) in page and "<td>tune</td>" in page and "midrange" in page


def test_the_command_line_takes_both(tunes, tmp_path, capsys):
    X, Y = tunes
    names = X["tune"].map(lambda path: path and path.rpartition("/")[2])
    X.assign(tune=names, kind=Y["kind"]).to_csv(tmp_path / "train.csv", index=False)
    command = f"fit {tmp_path}/train.csv --targets kind --learners fast --meta-learner midrange --cv 2 --quiet --out"
    assert main([*command.split(), f"{tmp_path}/model.emm"]) == 0
    trust = [f"--trust={cls.__module__}.{cls.__qualname__}" for cls in (TuneExtractor, MidrangeClassifier)]
    out = ["--out", f"{tmp_path}/predictions.csv"]
    assert main(["predict", f"{tmp_path}/model.emm", f"{tmp_path}/train.csv", *trust, *out]) == 0
    assert (pd.read_csv(tmp_path / "predictions.csv")["kind"] == Y["kind"]).mean() > 0.9
    assert main([*command.replace("midrange", "medium").split(), f"{tmp_path}/model.emm"]) == 2
    assert "midrange" in capsys.readouterr().err


def test_meta_learners_are_known_by_name_to_errors_and_to_each_other(tunes):
    X, Y = tunes
    with pytest.raises(ValueError, match="meta_learner='medium' is not known: use one of .*'midrange'"):
        stack(meta_learner="medium").fit(X, Y)
    table = np.array([[0.1, 0.3, 0.9], [0.9, 0.8, 0.1]] * 20)
    model = make_meta_learner("midrange", kind="binary", n_classes=2).fit(table, [0, 1] * 20)
    np.testing.assert_allclose(model.predict_proba(table)[:2, 1], [0.5, 0.5])
    assert AutoClassifier(candidates=["midrange", "mean"]).fit(table, [0, 1] * 20).losses_.keys() == {
        "midrange",
        "mean",
    }


def test_any_estimator_of_scikit_learn_can_be_entered(monkeypatch):
    monkeypatch.setitem(META_LEARNERS, "logistic", {"classification": LogisticRegression})
    table = np.array([[0.1, 0.3, 0.9], [0.9, 0.8, 0.1]] * 20)
    model = make_meta_learner("logistic", kind="binary", n_classes=2).fit(table, [0, 1] * 20)
    assert model.predict_proba(table)[:2, 1].round().tolist() == [0, 1]
    with pytest.raises(ValueError, match="meta_learner='logistic' does not fit a regression task"):
        make_meta_learner("logistic", kind="regression")


def test_a_modality_that_is_not_there_is_named(monkeypatch):
    monkeypatch.delitem(MODALITIES, "tune")
    with pytest.raises(ValueError, match="'tune' is not known: use one of 'tabular', .* or import what enters it"):
        MODALITIES["tune"]


@pytest.mark.parametrize("setting", [{"like": "dense"}, {"takes": "rows"}])
def test_a_record_that_says_what_nobody_knows_is_refused(setting):
    with pytest.raises(ValueError, match="is not known: use one of"):
        Modality(extractor=TuneExtractor, **setting)
