"""Models of every kind, as files that later versions have to read: `python tests/store/old_files.py` writes them.

A new format gets a new folder; those that are there stay. `test_old_files.py` reads them all.
"""

import warnings
from pathlib import Path

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from xgboost import XGBClassifier, XGBRegressor

import ensemble_mm as em

FOLDER = Path(__file__).parent / "format_2"
LINEAR = {"classification": [("linear", LogisticRegression())], "regression": [("ridge", Ridge())]}
MIXED = {
    "classification": [
        ("linear", LogisticRegression()), ("trees", ExtraTreesClassifier(9, max_depth=3, random_state=0)),
        ("gbm", LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1, n_jobs=1), "all"),
        ("xgb", XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1), "all"),
    ],
    "regression": [
        ("ridge", Ridge()), ("trees", ExtraTreesRegressor(9, max_depth=3, random_state=0)),
        ("gbm", LGBMRegressor(n_estimators=3, num_leaves=4, verbose=-1, n_jobs=1), "all"),
        ("xgb", XGBRegressor(n_estimators=3, max_depth=2, n_jobs=1), "all"),
    ],
}  # fmt: skip


def data():
    return em.make_multimodal(48, n_tasks=3, image_size=8, missing=0.1, unknown=0.1, random_state=0)


def media():
    X, Y = em.load_demo()
    rows = np.arange(0, len(X), 8)
    return X.iloc[rows], Y.iloc[rows]


def several(X, Y, **settings):
    return em.MultiOutputStack(**{"learners": MIXED, "cv": 3, "random_state": 0} | settings).fit(X, Y)


def kinds():
    """Return the models to make, by name: (function that fits one, rows that it predicts)."""
    X, Y = data()
    clips, answers = media()
    mood, level = Y["mood"].to_numpy(object), Y["level"]
    made = {
        "independent": lambda: several(X, Y, strategy="independent"),
        "stacked": lambda: several(X, Y, strategy="stacked", learners=LINEAR),
        "chain": lambda: several(X, Y, strategy="chain", learners=LINEAR),
        "auto": lambda: several(X, Y, learners=LINEAR),
        "fast": lambda: several(X, Y, learners="fast"),
        "balanced": lambda: several(X[["review", "age", "shop"]], Y[["mood", "level"]], learners="balanced"),
        "best": lambda: several(X[["age", "price", "shop"]], Y[["mood"]], learners="best"),
        "pruned": lambda: several(X, Y, prune=2),
        "of folds": lambda: several(X, Y, refit=False, learners=LINEAR),
        "temperature": lambda: several(X, Y, calibration="temperature", learners=LINEAR),
        "isotonic": lambda: several(X, Y, calibration="isotonic", learners=LINEAR),
        "clips": lambda: several(clips, answers, learners=LINEAR),
        "text network": lambda: several(
            X, mood, views=[("tokens", em.TextExtractor(output="tokens", max_length=8), "review")],
            learners=[("cnn", em.TextCNN(max_epochs=2, n_filters=4))],
        ),
        "image network": lambda: several(
            X, mood, views=[("pixels", em.ImageExtractor(output="pixels", size=8), "photo")],
            learners=[("cnn", em.ImageCNN(max_epochs=2, width=4, n_blocks=1))],
        ),
        "tuned": lambda: several(
            X, mood, learners=[("tuned", em.TunedLearner(LogisticRegression(), {"C": [0.1, 1.0]}, n_trials=2))]
        ),
        "classifier": lambda: em.StackedClassifier(
            learners=[("svc", make_pipeline(SVC())), ("hist", HistGradientBoostingClassifier(max_iter=3))][1:],
            cv=3, random_state=0,
        ).fit(X[["age", "price"]], mood),
        "regressor": lambda: em.StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(
            X[["age", "price"]], level
        ),
    }  # fmt: skip
    for meta_learner in ("greedy", "simplex", "linear", "mean"):
        made[meta_learner] = lambda meta_learner=meta_learner: several(X, Y, meta_learner=meta_learner, learners=LINEAR)
    rows = {"clips": clips, "balanced": X[["review", "age", "shop"]], "best": X[["age", "price", "shop"]]}
    rows |= dict.fromkeys(("classifier", "regressor"), X[["age", "price"]])
    return {name: (make, rows.get(name, X)) for name, make in made.items()}


def numbers_of(model, X):
    """What a model says of rows, as one array of numbers."""
    said = [model.predict_proba(X)] if hasattr(model, "predict_proba") else [model.predict(X)]
    if isinstance(model, em.MultiOutputStack):
        tasks = [task for task in model.tasks_.values() if task.classes is None]
        said = [*said[0].values()] if isinstance(said[0], dict) else said
        if tasks:
            said.append(model.predict(X)[[task.name for task in tasks]])
    return np.hstack([np.asarray(part, dtype=np.float64).reshape(len(X), -1) for part in said])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    for name, (make, X) in kinds().items():
        model = make()
        em.save(model, FOLDER / f"{name}.emm")
        expected[name] = numbers_of(model, X).astype(np.float32)
        print(name, (FOLDER / f"{name}.emm").stat().st_size)
    np.savez_compressed(FOLDER / "expected.npz", **expected)
