"""One level: its losses, paired gains, settings by task, and meta-learners that see no row they are judged on."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from ensemble_mm import MultiOutputStack, TabularExtractor, TextExtractor
from ensemble_mm.crossfit import ALL_ROWS, Member, Table
from ensemble_mm.crossfit._unseen import Unseen
from ensemble_mm.data import Classes, Numbers, Problem, Quantiles, Task, read_problem
from ensemble_mm.meta import CostPruner, SimplexRegressor
from ensemble_mm.stacking import _base
from ensemble_mm.stacking._level import Level, setting_of

NUMBER = Task("size", "regression")
FIRST, LAST = np.arange(30), np.arange(30, 90)
BINARY = Task("liked", "binary", np.array(["no", "yes"], dtype=object))
TONE = Task("tone", "multiclass", np.array(["a", "b", "c"], dtype=object))


class Jobs:
    """Run jobs where they are."""

    def run(self, stage, jobs):
        return [job.run() for job in jobs]


def problem_of(y, weight=None, groups=None):
    return Problem(np.zeros((len(y), 1)), (), {"size": NUMBER}, {"size": y}, {"size": weight}, groups)


def level_of(values, y, n_folds=3, weights=None):
    """Return a run and a level whose table has one member of a number per column of `values`."""
    n_rows, n_members = values.shape
    members = [Member("size", f"m{i}", "v", ("v",), None) for i in range(n_members)]
    table = Table(n_rows, members, {"size": NUMBER})
    for member, column in zip(members, values.T, strict=True):
        table.write(member, [(np.arange(n_rows), column)])
    rows = np.arange(n_rows)
    run = SimpleNamespace(
        problem=problem_of(y, weights), runner=Jobs(), seconds=dict.fromkeys(members, 1.0),
        folds=[(rows[rows % n_folds != f], rows[rows % n_folds == f]) for f in range(n_folds)],
        seed_of=lambda name, task: 0, refit=True, unseen=Unseen([], n_rows, {}),
        features=SimpleNamespace(present={"v": np.ones(n_rows, dtype=bool)}),
    )  # fmt: skip
    return run, Level(table, {})


def weighed(run, level, *settings):
    level.weigh(run, *settings)
    return level


def settings(spec):
    return {"size": {"spec": spec, "scoring": None}}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.normal(size=90)
    return y[:, np.newaxis] + rng.normal(size=(90, 6)) * np.array([0.3, 0.3, 1, 2, 3, 4]), y


class OneBlend(SimplexRegressor):
    """Tells of how many rows it was given."""

    most_rows = 30

    def fit(self, X, y, sample_weight=None):
        self.n_given_ = len(X)
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("most", [30, np.inf])
def test_a_meta_learner_is_given_no_more_rows_than_it_asks_for(data, most, monkeypatch):
    monkeypatch.setattr(OneBlend, "most_rows", most)
    run, level = level_of(*data)
    fitted = level.weigh(run, settings(OneBlend()))
    assert {fold: own.meta.n_given_ for (_, fold), own in fitted.items()} == (
        dict.fromkeys((None, 0, 1, 2), 30) if most == 30 else {None: 90, 0: 60, 1: 60, 2: 60}
    )
    assert np.isfinite(level.oof["size"]).all()


def best_two(X, y):
    return np.argsort(((X - y[:, np.newaxis]) ** 2).mean(axis=0))[:2]


@pytest.mark.parametrize(
    ("spec", "prune"),
    [("greedy", None), ("simplex", None), ("linear", None), ("mean", 2), ("mean", 0.34), ("mean", best_two),
     ("mean", CostPruner())],
)  # fmt: skip
def test_out_of_fold_predictions_of_a_fold_do_not_depend_on_its_labels(data, spec, prune):
    X, y = data
    run, level = level_of(X, y)
    before = weighed(run, level, settings(spec), prune).oof["size"]
    changed = y.copy()
    held_out = run.folds[0][1]
    changed[held_out] += 100 * np.random.default_rng(1).normal(size=len(held_out))
    run, level = level_of(X, changed)
    after = weighed(run, level, settings(spec), prune).oof["size"]
    np.testing.assert_array_equal(after[held_out], before[held_out])
    assert not np.allclose(after, before)


@pytest.mark.parametrize(("spec", "prune"), [("linear", None), ("mean", 1)])
@pytest.mark.parametrize("folds", [[(FIRST, LAST)], [(FIRST, LAST), (LAST, FIRST)]], ids=["one", "two"])
def test_one_or_two_folds_are_judged_by_parts(data, spec, prune, folds):
    """No other fold has rows that the members did not see: the ensemble was fitted on those that it was judged by."""
    X, y = data
    out = []
    for changed in (0, 1000):
        run, level = level_of(X, y + changed * (np.arange(90) == 80))
        run.folds = folds
        out.append(weighed(run, level, settings(spec), prune).oof["size"])
    before, after = out
    assert before[80] == after[80] and not np.allclose(before[30:], after[30:])
    np.testing.assert_array_equal(before[:30], after[:30])  # members that predict these rows learned from the label


@pytest.mark.parametrize("how", ["temperature", "isotonic"])
def test_calibrated_predictions_of_a_fold_do_not_depend_on_its_labels(data, how):
    rng = np.random.default_rng(0)
    second, y = rng.random(90), rng.integers(0, 2, 90).astype(float)
    changed, calibrated = y.copy(), []
    for labels in (y, changed):
        run, level = level_of(*data)
        run.problem = Problem(np.zeros((90, 1)), (), {"liked": BINARY}, {"liked": labels}, {"liked": None}, None)
        changed[run.folds[0][1]] = (second[run.folds[0][1]] > 0.5).astype(float)
        calibrated.append(level.calibrate(run, how, {"liked": np.c_[1 - second, second]})[0]["liked"])
    before, after = calibrated
    np.testing.assert_array_equal(after[run.folds[0][1]], before[run.folds[0][1]])
    assert not np.allclose(after, before)


def test_rows_without_a_label_get_estimates_and_change_nothing(data):
    X, y = data
    hidden = y.copy()
    hidden[::4] = np.nan
    other = np.where(np.isnan(hidden), 7.0, hidden)
    weight = (~np.isnan(hidden)).astype(float)
    problem = read_problem(X, other, views=[("v", "auto", [0])], sample_weight=weight)
    np.testing.assert_array_equal(problem.targets["y"], hidden)  # what a row of weight zero becomes in a fit
    one, two = (level_of(X, hidden, weights=w) for w in (None, weight))
    a, b = (weighed(run, level, settings("simplex")).oof["size"] for run, level in (one, two))
    assert np.isfinite(a).all()
    np.testing.assert_allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("spec", ["greedy", "simplex", "linear", "mean"])
def test_contributions_are_shares(data, spec):
    run, level = level_of(*data)
    found = weighed(run, level, settings(spec)).contributions()
    assert found.index.names == ["reads", "learner"] and (found >= 0).all(axis=None)
    assert found["size"].sum() == pytest.approx(1)


def test_auto_keeps_half_at_most_where_nothing_is_lost(data):
    run, level = level_of(*data)
    weighed(run, level, settings("simplex"), "auto")
    assert 1 <= len(level.columns["size"]) <= 3
    assert {member.learner for member in level.used()} >= {"m0", "m1"}


def test_auto_keeps_more_where_half_is_significantly_worse():
    rng = np.random.default_rng(0)
    parts = rng.normal(size=(300, 4))
    y = parts.sum(axis=1)
    X = y[:, np.newaxis] - 2 * parts + 0.01  # each errs by a part of its own; the four together nearly make up for it
    run, level = level_of(X, y)
    weighed(run, level, settings("simplex"), "auto")
    assert len(level.columns["size"]) == 4


def test_a_number_a_share_and_a_callable_keep_what_they_say(data):
    for prune, n in ((2, 2), (0.34, 2), (lambda X, y: [0, 5], 2), ({"regression": 1}, 1), ({"other": 1}, 6)):
        run, level = level_of(*data)
        assert len(weighed(run, level, settings("mean"), prune).columns["size"]) == n


def test_a_task_without_a_judged_row_is_named(data):
    X, y = data
    run, level = level_of(X, np.full_like(y, np.nan))
    with pytest.raises(ValueError, match="Task .size. has no row with both a known label and"):
        weighed(run, level, settings("mean"))


def test_losses_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    for task in (BINARY, TONE):
        k = len(task.classes)
        proba, y = rng.dirichlet(np.ones(k), size=50), rng.integers(0, k, 50)
        assert task.rules.losses(y, proba).mean() == pytest.approx(log_loss(y, proba, labels=np.arange(k)))
    proba, y = rng.random(50), rng.integers(0, 2, 50)
    assert BINARY.rules.losses(y, proba).mean() == pytest.approx(log_loss(y, proba))
    assert NUMBER.rules.losses(np.array([1.0]), np.array([3.0])).tolist() == [4.0]


@pytest.mark.parametrize(("task", "found"), [(BINARY, "own"), (TONE, "kind"), (NUMBER, None)])
def test_a_setting_by_name_comes_before_one_by_kind(task, found):
    assert setting_of({"classification": "kind", "liked": "own"}, task) == found
    assert setting_of("plain", task) == "plain"


class Against(LogisticRegression):
    """Say the contrary."""

    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


VIEWS = [("review", TextExtractor(), "review"), ("facts", TabularExtractor(), ["age", "price", "shop"])]


@pytest.mark.parametrize("meta_learner", ["greedy", "linear", "auto"])
@pytest.mark.parametrize(("reads", "kept"), [("all", False), ("facts", True)])
def test_members_that_never_count_are_not_kept(reviews, monkeypatch, meta_learner, reads, kept):
    """One that reads a part of what all others read may have to answer alone, where the rest is missing."""
    X, Y = reviews
    learners = [("linear", LogisticRegression(), "review"), ("none", Against(), reads)]
    if reads == "all":
        learners[0] = (*learners[0][:2], "all")
    stack = MultiOutputStack(VIEWS, learners, cv=3, strategy="independent", meta_learner=meta_learner, random_state=0)
    lean = clone(stack).fit(X, Y[["recommended"]])
    monkeypatch.setattr(_base, "forget_idle", lambda levels: None)
    full = stack.fit(X, Y[["recommended"]])
    weights = full.contributions_["recommended"]
    assert weights[:, "none"].item() == 0
    models = {member.learner: models for member, models in lean.levels_[0].models.items()}
    assert (models["none"][ALL_ROWS].estimator is not None) == kept and models["linear"][ALL_ROWS].estimator is not None
    new = X.copy()
    new.loc[:40, "review"] = None
    new.loc[20:60, ["age", "price", "shop"]] = None
    np.testing.assert_array_equal(lean.predict_proba(new)["recommended"], full.predict_proba(new)["recommended"])
    said = lean.predict_members(new).to_frame()["recommended"]["none"]
    assert said.isna().all().all() == (not kept)


def test_meta_learners_of_missing_views_stay_those_of_tasks_that_are_not_weighed_anew(data):
    run, level = level_of(*data)
    fitted = level.weigh(run, settings("mean"))
    level.apart = {"other": {1: "its own"}}
    own = {2: fitted["size", None]}
    level.adapt(run, fitted | {("size", None): replace(fitted["size", None], apart=own)}, level.oof)
    assert level.apart == {"other": {1: "its own"}, "size": own}


def test_a_next_level_reads_all_classes_but_one_the_number_or_all_of_its_quantiles():
    kinds = {"class": Classes(3), "number": Numbers(), "quantile": Quantiles()}
    tasks = {name: SimpleNamespace(rules=kind) for name, kind in kinds.items()}
    out = {"class": np.full((4, 3), 1 / 3), "number": np.zeros(4), "quantile": np.zeros((4, 7))}
    widths = [part.shape for part in Level(None, {}).estimates(out, tasks).values()]
    assert widths == [(4, 2), (4, 1), (4, 7)]
