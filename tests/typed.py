"""What users write, as mypy and pyright must take it; `make lint` reads this file, nothing runs it."""

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ensemble_mm as em


def everything_is_accepted() -> None:
    X, Y = em.make_multimodal(n_samples=60, random_state=0)
    learners = [("linear", LogisticRegression()), ("scaled", make_pipeline(StandardScaler(), Ridge()), "all")]
    model = em.StackedClassifier(
        views=[("review", em.TextExtractor(), "review"), ("facts", em.TabularExtractor(), ["age", "price"])],
        learners=learners,
        meta_learner=LogisticRegression(),
        scoring="roc_auc",
        cv=StratifiedKFold(3),
        prune="auto",
        calibration="temperature",
        cache="features",
        time_budget=60,
        random_state=0,
    )
    model.fit(X, Y["liked"]).predict_proba(X)[:, 1].mean()
    em.StackedRegressor(learners="fast", cv=TimeSeriesSplit(3)).fit(X, Y["stars"]).predict_interval(X).round(2)
    tasks = em.MultiOutputStack(
        "auto",
        {"classification": [("linear", LogisticRegression())], "stars": "fast"},
        scoring={"liked": "roc_auc"},
        cv=GroupKFold(3),
        calibration={"classification": "isotonic"},
        tasks={"liked": "binary"},
        strategy="chain",
    )
    tasks.fit(X, Y, groups=[1, 2] * 30).evaluate(X, Y).loc["liked"]
    names = ["lightgbm", "ridge"]
    em.StackedClassifier(learners=names, cv=[([0, 1], [2]), ([1, 2], [0])])
    em.MultiOutputStack(learners={"stars": names, "liked": ["linear", ("mine", LogisticRegression(), "all")]})
    em.save(tasks, "model.emm")
    em.load("model.emm").predict(X)
    em.compare_strategies(X, Y, learners="fast", cv=3).loc["liked"]
    em.write_report(tasks, "report.html").read_text()
    em.TextExtractor().fit_transform(["a", "b"])[0]


def mistakes_are_told() -> None:
    """mypy says so where one of these is not a mistake to it."""
    em.StackedClassifier(learners=3)  # type: ignore[arg-type]
    em.StackedClassifier(views=[LogisticRegression()], cv="five")  # type: ignore[arg-type]
    em.StackedRegressor(refit="no")  # type: ignore[arg-type]
    em.StackedRegressor(strategy="chain")  # type: ignore[call-arg]
    em.MultiOutputStack(tasks=["binary"])  # type: ignore[arg-type]
