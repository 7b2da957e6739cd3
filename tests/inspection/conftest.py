"""A fitted stack made by hand: its table, weights and labels are known, so the answers are too."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from ensemble_mm._scorers import metric_of
from ensemble_mm.crossfit import Member, Table
from ensemble_mm.data import Task, setting_of
from ensemble_mm.meta import Judge, make_meta_learner
from ensemble_mm.schema import Schema


class HandMadeStack(BaseEstimator):
    """Holds the attributes of a fitted stack; see `hand_made_stack`."""

    def fit(self, X, y=None):
        return self

    def judged_by(self, task):
        kind, truth = self.tasks_[task].rules, np.asarray(self.targets_[task], dtype=float)
        metric = metric_of(setting_of(self.scoring, self.tasks_[task]), kind)
        return Judge(kind, metric, truth, self.folds_, self.row_weights_[task], self.groups_)


def soften(truth, n_classes, sure, rng):
    """Return probabilities that lean to the truth; `sure` from 0 (no idea) to large."""
    scores = rng.normal(size=(len(truth), n_classes))
    scores[np.arange(len(truth)), truth] += sure
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


@pytest.fixture
def ax():
    from matplotlib.figure import Figure

    return Figure(layout="constrained").add_subplot()


@pytest.fixture(scope="session")
def make_stack():
    return hand_made_stack


@pytest.fixture(scope="session")
def make_data():
    return data_of_stack


@pytest.fixture(scope="session")
def labels_of():
    return labels_of_stack


@pytest.fixture(scope="session")
def whole_page(tmp_path_factory):
    """The path of a report with all that a report can have; a very long word is among its texts."""
    from ensemble_mm.inspection import write_report

    model, X = hand_made_stack(), data_of_stack()
    X.loc[:, "review"] = ["w" * 300 if i % 50 == 0 else text for i, text in enumerate(X["review"])]
    audit = pd.DataFrame([("rows", "fail", 1.0, "They repeat."), ("groups", "pass", 0.0, "None.")],
                         columns=["check", "verdict", "value", "words"])  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "report.html"
    return write_report(model, path, X, labels_of_stack(model), audit=audit)


@pytest.fixture
def hand_made():
    return hand_made_stack()


@pytest.fixture
def data_of_hand_made():
    return data_of_stack()


def hand_made_stack():
    """240 rows; views review (good), photo (weak, a fifth missing) and noise; tasks of all three kinds."""
    rng = np.random.default_rng(0)
    n, views = 240, {"review": "text", "photo": "image", "noise": "vector"}
    tasks = {
        "liked": Task("liked", "binary", np.array(["no", "yes"], dtype=object)),
        "tone": Task("tone", "multiclass", np.array(["low", "mid", "high $a$"], dtype=object)),
        "stars": Task("stars", "regression"),
    }
    sure = {"review": 2.0, "photo": 0.8, "noise": 0.0}
    weights = {"review": 0.6, "photo": 0.3, "noise": 0.1}
    members = [Member(task, "linear", view, (view,), None) for task in tasks for view in views]
    table = Table(n, members, tasks)
    present = {view: np.ones(n, dtype=bool) for view in views}
    present["photo"] = rng.random(n) > 0.2
    model = HandMadeStack()
    model.targets_, model.oof_ = {}, {}
    rows = np.arange(n)
    for name, task in tasks.items():
        if task.kind == "regression":
            truth = rng.normal(3, 1, n)
        else:
            truth = rng.integers(0, len(task.classes), n)
        total, mass = 0.0, 0.0
        for view in views:
            if task.kind == "regression":
                cell = 3 + (truth - 3) * sure[view] / 2 + 0.5 * rng.normal(size=n)
                cell = cell[:, np.newaxis]
            else:
                cell = soften(truth, len(task.classes), sure[view], rng)
            here = present[view]
            total = total + weights[view] * here[:, np.newaxis] * cell
            mass = mass + weights[view] * here
            written = cell[:, 1:] if task.kind == "binary" else cell
            table.write(Member(name, "linear", view, (view,), None), [(rows[here], written[here])])
        oof = total / mass[:, np.newaxis]
        model.oof_[name] = oof[:, 0] if task.kind == "regression" else oof
        model.targets_[name] = truth.astype(float)
    model.targets_["tone"][:20] = np.nan
    index = pd.MultiIndex.from_tuples([(view, "linear") for view in views], names=["reads", "learner"])
    model.contributions_ = pd.DataFrame({task: [weights[v] for v in views] for task in tasks}, index=index)
    model.task_contributions_ = pd.DataFrame(0.1, index=list(tasks), columns=list(tasks))
    model.tasks_, model.table_, model.views_, model.present_ = tasks, table, views, present
    model.view_columns_ = {"review": "review", "photo": "photo", "noise": ["a", "b"]}
    model.schema_ = Schema()
    model.folds_ = [(np.setdiff1d(rows, rows[f::4]), rows[f::4]) for f in range(4)]
    metas = {t: make_meta_learner("greedy", kind=k.kind, n_classes=k.rules.n_classes, random_state=0)
             for t, k in tasks.items()}  # fmt: skip
    model.levels_ = [SimpleNamespace(metas=metas, seconds={})]
    model.row_weights_, model.view_seconds_ = dict.fromkeys(tasks), dict.fromkeys(views, 0.0)
    model.failures_, model.n_extractions_ = [], 12
    model.scoring, model.groups_ = None, None
    model.fit_report_ = pd.DataFrame(
        {"jobs": [12, 36], "seconds": [1.5, 4.0], "job_seconds": [2.0, 7.5], "bytes": [120_000, 0]},
        index=pd.Index(["extract", "fit"], name="stage"),
    )
    rows = [(t, "linear", v, "score", 0.5, 0.1, 0.4, 0.5, 0.5, 0.6) for t in tasks for v in views]
    model.cv_results_ = pd.DataFrame(
        rows, columns=["task", "learner", "reads", "score_name", "mean", "std", *(f"fold_{f}" for f in range(4))]
    )
    return model


def labels_of_stack(model):
    """The labels of the rows of `hand_made_stack`."""
    return pd.DataFrame({
        name: model.targets_[name] if task.classes is None else pd.Series(
            [None if np.isnan(y) else task.classes[int(y)] for y in model.targets_[name]], dtype=object)
        for name, task in model.tasks_.items()
    })  # fmt: skip


def data_of_stack():
    """X for the rows of `hand_made_stack`: sentences, small pictures (a fifth missing) and two columns of numbers."""
    rng = np.random.default_rng(1)
    n = 240
    photos = np.empty(n, dtype=object)
    for i in range(n):
        photos[i] = rng.integers(0, 255, (24, 24, 3), dtype=np.uint8) if i % 5 else None
    texts = [f"Review number {i}: a lovely coat with <b>torn</b> sleeves & a $price$ of {i} coins" for i in range(n)]
    return pd.DataFrame({"review": texts, "photo": photos, "a": rng.normal(size=n), "b": rng.normal(size=n)})
