"""Portfolios: ordered lists of base learners that suit a task without any setting.

Each entry is (name, estimator, reads, form): `reads` is "each" (a copy a view) or "all" (one copy
on all views side by side), `form` is "native" (what the extractor gives, sparse for text) or
"reduced" (dense, few columns). Settings depend on the number of rows and classes and on the
modalities only, so that the same call gives the same learners on any machine.

Classes are not weighted: weights that "balance" classes spoil the probabilities that the
meta-learner needs, and do not help ranking. Forests keep at least two rows a leaf, because a
memorised row looks right out of fold as soon as rows repeat.
"""

from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_approximation import Nystroem
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from ensemble_mm._checks import check_choice, check_count
from ensemble_mm.learners._linear import LogisticPath, RidgePath
from ensemble_mm.learners._scaling import ViewScaler

MANY_CLASSES = 100  # above this many, learners whose cost grows with classes x columns are left out
NATIVE_CLASSES = 30  # above this many, linear models read text reduced
LARGE = 20_000  # rows above which learners that keep or compare rows work on a sample, or are left out


def portfolio(name, kind, *, n_rows, n_classes=None, views=None, random_state=None):
    """Return the learners of a portfolio, with settings for this task.

    Parameters
    ----------
    name : {"fast", "balanced", "best"}
        How much time to spend.
    kind : {"classification", "regression"}
        Kind of the task; "binary" and "multiclass" are taken for the first.
    n_rows : int
        Number of training rows with a known label.
    n_classes : int or None, default=None
        Number of classes; not used for regression.
    views : dict of str to str, default=None
        Modality of each view ("text", "image", "audio", "video", "tabular", "vector").
    random_state : int, RandomState instance or None, default=None
        Seed given to the learners that have one.

    Returns
    -------
    list of (name, estimator, reads, form)
        Unfitted learners, the most useful first.

    Examples
    --------
    >>> from ensemble_mm.learners import portfolio
    >>> entries = portfolio("fast", "regression", n_rows=500, views={"facts": "tabular"})
    >>> [(name, reads, form) for name, estimator, reads, form in entries]
    [('linear', 'each', 'native'), ('gbm', 'all', 'reduced'), ('trees', 'all', 'reduced')]
    """
    check_choice("portfolio", name, ("fast", "balanced", "best"))
    check_choice("kind", kind, ("classification", "binary", "multiclass", "regression"))
    check_count("n_rows", n_rows, minimum=1)
    views = views or {}
    wide = any(modality not in ("tabular",) for modality in views.values())
    if kind == "regression":
        entries = _regression(name, n_rows, wide, len(views))
    else:
        entries = _classification(name, n_rows, 2 if n_classes is None else max(int(n_classes), 2), wide, len(views))
    for _, estimator, _, _ in entries:
        _seed(estimator, random_state)
    return entries


def _seed(estimator, random_state):
    if random_state is not None and isinstance(estimator, BaseEstimator):
        names = [p for p in estimator.get_params() if p == "random_state" or p.endswith("__random_state")]
        estimator.set_params(**dict.fromkeys(names, random_state))


def _classification(name, n_rows, n_classes, wide, n_views):
    few = n_classes <= MANY_CLASSES
    form = "native" if n_classes <= NATIVE_CLASSES else "reduced"
    linear = ("linear", logistic() if few else discriminant(), "each", form)
    trees = ("trees", extra_trees("classification", 100, n_rows, n_classes, wide), "all", "reduced")
    boosted = n_classes <= 30
    if name == "fast":
        entries = [linear]
        if boosted:
            entries.append(("gbm", gbm("classification", 60, n_rows, n_classes, wide), "all", "reduced"))
        if few:
            entries.append(trees)
        if not few and n_rows <= 2 * LARGE:
            entries.append(("neighbors", neighbors("classification"), "all", "reduced"))
        return entries
    scale = 1 if name == "balanced" else 3
    entries = [linear]
    if few:
        entries.append(("linear_all", logistic(), "all", "reduced"))
        entries.append(("kernel", kernel_linear("classification", n_rows), "each", "reduced"))
        entries.append(
            ("trees_each", extra_trees("classification", 100 * scale, n_rows, n_classes, wide), "each", "reduced")
        )
        entries.append(("trees", extra_trees("classification", 150 * scale, n_rows, n_classes, wide), "all", "reduced"))
    if boosted:
        entries.append(("gbm", gbm("classification", 120, n_rows, n_classes, wide), "all", "reduced"))
    if n_rows <= LARGE:
        entries.append(("neighbors", neighbors("classification"), "each", "reduced"))
    if name == "best" and boosted:
        entries.append(("gbm_each", gbm("classification", 120, n_rows, n_classes, wide), "each", "reduced"))
        entries.append(("xgb", xgb("classification", 150, n_rows, n_classes, wide), "all", "reduced"))
    return _drop_doubles(entries, n_views)


def _regression(name, n_rows, wide, n_views):
    linear = ("linear", ridge(), "each", "native")
    if name == "fast":
        return [
            linear,
            ("gbm", gbm("regression", 60, n_rows, 2, wide), "all", "reduced"),
            ("trees", extra_trees("regression", 100, n_rows, 2, wide), "all", "reduced"),
        ]
    scale = 1 if name == "balanced" else 3
    entries = [
        linear,
        ("linear_all", ridge(), "all", "reduced"),
        ("trees", extra_trees("regression", 150 * scale, n_rows, 2, wide), "all", "reduced"),
        ("trees_each", extra_trees("regression", 100 * scale, n_rows, 2, wide), "each", "reduced"),
        ("gbm", gbm("regression", 120, n_rows, 2, wide), "all", "reduced"),
    ]
    if n_rows <= 5000:
        entries.append(("svr", svr(), "each", "reduced"))
    if n_rows <= 600:
        entries.append(("gp", gaussian_process(), "all", "reduced"))
    if n_rows <= LARGE:
        entries.append(("neighbors", neighbors("regression"), "each", "reduced"))
    if name == "best":
        entries.append(("gbm_each", gbm("regression", 120, n_rows, 2, wide), "each", "reduced"))
        entries.append(("xgb", xgb("regression", 150, n_rows, 2, wide), "all", "reduced"))
    return _drop_doubles(entries, n_views)


def _drop_doubles(entries, n_views):
    """With one view "each" and "all" are the same: keep one of a pair."""
    if n_views != 1:
        return entries
    return [entry for entry in entries if not entry[0].endswith(("_each", "_all"))]


def logistic():
    """Return multinomial logistic regression on scaled columns."""
    return Pipeline([("scale", ViewScaler()), ("linear", LogisticPath())])


def discriminant():
    """Return a linear model whose cost hardly grows with the number of classes."""
    return Pipeline([("scale", ViewScaler()), ("linear", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1))])


def ridge():
    """Return ridge regression on scaled columns."""
    return Pipeline([("scale", ViewScaler()), ("linear", RidgePath())])


def kernel_linear(kind, n_rows):
    """Return logistic or ridge regression on a sampled map of an RBF kernel."""
    kernel = Nystroem(gamma=0.5, n_components=max(2, min(300, n_rows // 2)))
    linear = RidgePath() if kind == "regression" else LogisticPath(Cs=(0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0))
    return Pipeline([("scale", ViewScaler()), ("kernel", kernel), ("linear", linear)])


def neighbors(kind):
    """Return distance-weighted nearest neighbours on scaled columns."""
    cls = KNeighborsRegressor if kind == "regression" else KNeighborsClassifier
    return Pipeline([("scale", ViewScaler()), ("neighbors", cls(n_neighbors=5, weights="distance"))])


def svr():
    """Return support vector regression of a standardised target."""
    model = TransformedTargetRegressor(SVR(C=3.0, gamma=0.5), transformer=StandardScaler())
    return Pipeline([("scale", ViewScaler()), ("svr", model)])


def gaussian_process():
    """Return a Gaussian process with an isotropic RBF kernel and noise."""
    kernel = ConstantKernel(1.0) * RBF(1.0) + WhiteKernel(0.1)
    return Pipeline([("scale", ViewScaler()), ("gp", GaussianProcessRegressor(kernel, normalize_y=True))])


def extra_trees(kind, n_estimators, n_rows, n_classes, wide):
    """Return extremely randomised trees; large data are sampled for each tree."""
    settings = {"n_estimators": n_estimators, "min_samples_leaf": 2, "n_jobs": 1}
    if n_rows > LARGE:
        settings.update(bootstrap=True, max_samples=LARGE)
    if n_classes > 20:
        settings.update(n_estimators=max(20, n_estimators * 20 // n_classes), min_samples_leaf=3)
    if kind == "regression":
        return ExtraTreesRegressor(max_features=0.1 if wide else 0.5, **settings)
    return ExtraTreesClassifier(max_features="sqrt", **settings)


def gbm(kind, n_rounds, n_rows, n_classes, wide):
    """Return LightGBM with leaves that suit the number of rows."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    cls = LGBMRegressor if kind == "regression" else LGBMClassifier
    per_class = n_rows / (n_classes if kind != "regression" else 1)
    return cls(
        n_estimators=n_rounds if n_classes <= 10 else max(15, n_rounds * 10 // n_classes),
        learning_rate=0.1 if n_rounds <= 100 else 0.06,
        num_leaves=7 if n_rows < 300 else 15 if n_rows < 3000 else 31,
        min_child_samples=int(min(20, max(2, per_class // 15))),
        min_child_weight=1e-3,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.15 if wide else 0.7,
        reg_lambda=1.0,
        max_bin=63 if wide else 255,
        min_data_in_bin=1 if n_rows < 200 else 3,
        deterministic=True,
        force_col_wise=True,
        n_jobs=1,
        verbose=-1,
    )


def xgb(kind, n_rounds, n_rows, n_classes, wide):
    """Return XGBoost with shallow trees."""
    from xgboost import XGBClassifier, XGBRegressor

    cls = XGBRegressor if kind == "regression" else XGBClassifier
    return cls(
        n_estimators=n_rounds if n_classes <= 10 else max(15, n_rounds * 10 // n_classes),
        learning_rate=0.06,
        max_depth=3 if n_rows < 1000 else 5,
        min_child_weight=1.0,
        subsample=0.8,
        colsample_bytree=0.15 if wide else 0.7,
        reg_lambda=1.0,
        max_bin=64 if wide else 256,
        tree_method="hist",
        n_jobs=1,
        verbosity=0,
    )
