"""Portfolios: ordered lists of base learners that suit a task without any setting.

Each entry is (name, estimator, reads, form): `reads` is "each" (a copy a view), "all" (one copy on
all views side by side), a list of views side by side, or a list of such lists (a copy for each); `form`
is "native" (what the extractor gives, sparse for text) or "reduced" (dense, few columns). Settings depend
on the number of rows and classes and on the modalities only, so that the same call gives the same learners
on any machine.

Classes are not weighted: weights that "balance" classes spoil the probabilities that the
meta-learner needs, and do not help ranking. Forests keep at least two rows a leaf, because a
memorised row looks right out of fold as soon as rows repeat.
"""

from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from .._checks import check_choice, check_count
from .._modalities import NATURES
from ._linear import LogisticPath, RidgePath
from ._many_classes import PooledGaussian
from ._process import GaussianProcess
from ._scaling import NaiveBayesScaler, SampledKernel, ViewScaler

MANY_CLASSES = 100  # above this many, learners whose cost grows with classes x columns are left out
BOOSTED_CLASSES = 30  # above this many, boosting (a tree a class and round) costs too much
XGB_CLASSES = 5  # above this many, "balanced" has LightGBM alone, at a third of XGBoost's time
WIDE_SHARE = 0.15  # of the columns that a tree looks at, where there are hundreds
NATIVE_CLASSES = 30  # above this many, linear models read text reduced
DEEP = 200  # rows from which trees of many leaves find more than noise
SMALL = 1000  # rows up to which even "fast" has a forest, and Gaussian processes are cheap
LARGE = 20_000  # rows above which learners that keep or compare rows work on a sample, or are left out
WORDS_ROWS = 2000  # rows from which the share of a word in each class is known well enough to weigh it by
TEXTS, TABLES = ("words", "sentences"), ("table", "vector")


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
        What the features of each view are like: "words", "sentences", "table", "vector", "media" or "states"; see
        `ensemble_mm.features.Modality`. None: one table.
    random_state : int, RandomState instance or None, default=None
        Seed given to the learners that have one.

    Returns
    -------
    list of (name, estimator, reads, form)
        Unfitted learners, the most useful first.

    Examples
    --------
    >>> from ensemble_mm.learners import portfolio
    >>> entries = portfolio("fast", "regression", n_rows=500, views={"facts": "table"})
    >>> [(name, reads) for name, estimator, reads, form in entries]
    [('linear', 'each'), ('gp', 'each'), ('gbm', 'all'), ('trees', 'all')]
    """
    check_choice("portfolio", name, ("fast", "balanced", "best"))
    check_choice("kind", kind, ("classification", "binary", "multiclass", "regression"))
    check_count("n_rows", n_rows, minimum=1)
    views = dict(views or {"X": "table"})
    for nature in views.values():
        check_choice("views", nature, NATURES)
    if kind == "regression":
        entries = _regression(name, n_rows, views)
    else:
        entries = _classification(name, n_rows, 2 if n_classes is None else max(int(n_classes), 2), views)
    for _, estimator, _, _ in entries:
        _seed(estimator, random_state)
    return entries


def _seed(estimator, random_state):
    if random_state is not None and isinstance(estimator, BaseEstimator):
        names = [p for p in estimator.get_params() if p == "random_state" or p.endswith("__random_state")]
        estimator.set_params(**dict.fromkeys(names, random_state))


def _classification(name, n_rows, n_classes, views):
    kind = "classification"
    texts, tables, media = _texts(views), _alone(views, TABLES), _alone(views, ("media",))
    share, own = _share(views), _share(views, TABLES)
    only_tables = share == own
    trees_read = "all" if only_tables else tables
    many = n_classes > MANY_CLASSES or 4 * n_classes > n_rows
    form = "native" if n_classes <= NATIVE_CLASSES else "reduced"
    linear = discriminant() if many else logistic()
    entries = [("linear", linear, "each", "reduced" if many else form)]
    if many:
        if n_rows <= 2 * LARGE:
            entries.append(("neighbors", neighbors(kind), "all", "reduced"))
        return entries
    boosted = n_classes <= BOOSTED_CLASSES
    entries.append(("kernel", kernel_linear(kind, n_rows), _alone(views, (*TABLES, "media")), "native"))
    if name == "fast":
        if boosted:
            entries.append(("gbm", gbm(kind, 80, n_rows, n_classes, share), "all", "reduced"))
        if n_rows <= SMALL or not boosted:
            entries.append(("trees", extra_trees(kind, 60, n_rows, n_classes, own), trees_read, "reduced"))
        return _with_views(entries)
    scale = 1 if name == "balanced" else 3
    if len(texts) > 1:
        entries.append(("linear_text", logistic(), texts, "native"))
    if n_rows >= WORDS_ROWS and form == "native":
        entries.append(("naive_bayes", naive_bayes_logistic(), _alone(views, ("words",)), "native"))
    if len(views) > 1 and not texts:
        entries.append(("linear_all", logistic(), "all", "reduced"))
    if boosted:
        entries.append(("gbm", gbm(kind, 200, n_rows, n_classes, share), "all", "reduced"))
        entries.append(("gbm_tables", gbm(kind, 80 * scale, n_rows, n_classes, own), tables, "reduced"))
        entries.append(("gbm_media", gbm(kind, 80 * scale, n_rows, n_classes, WIDE_SHARE), media, "reduced"))
    if n_classes <= XGB_CLASSES or (boosted and name == "best"):
        entries.append(("xgb", xgb(kind, 150, n_rows, n_classes, own), trees_read, "reduced"))
    entries.append(("trees", extra_trees(kind, 100 * scale, n_rows, n_classes, own), trees_read, "reduced"))
    if only_tables and n_rows <= LARGE:
        entries.append(("neighbors", neighbors(kind), tables, "native"))
    if name == "best":
        if len(views) > 1 and not texts:
            entries.append(("kernel_all", kernel_linear(kind, n_rows), "all", "reduced"))
        if boosted and not only_tables:
            entries.append(("xgb_all", xgb(kind, 150, n_rows, n_classes, share), "all", "reduced"))
        entries.append(("trees_each", extra_trees(kind, 150, n_rows, n_classes, share), "each", "reduced"))
    return _with_views(entries)


def _regression(name, n_rows, views):
    kind = "regression"
    texts, tables, media = _texts(views), _alone(views, TABLES), _alone(views, ("media",))
    share, own = _share(views), _share(views, TABLES)
    only_tables = share == own
    trees_read = "all" if only_tables else tables
    entries = [("linear", ridge(), "each", "native")]
    if name == "fast" and n_rows <= 500 and only_tables:
        entries.append(("gp", gaussian_process(), "each", "native"))
    else:
        entries.append(("kernel", kernel_linear(kind, n_rows), _alone(views, (*TABLES, "media")), "native"))
    if name == "fast":
        entries.append(("gbm", gbm(kind, 80, n_rows, 2, share), "all", "reduced"))
        if n_rows <= SMALL:
            entries.append(("trees", extra_trees(kind, 60, n_rows, 2, own), trees_read, "reduced"))
        return _with_views(entries)
    scale = 1 if name == "balanced" else 3
    if len(texts) > 1:
        entries.append(("linear_text", ridge(), texts, "native"))
    if len(views) > 1 and not texts:
        entries.append(("linear_all", ridge(), "all", "reduced"))
    entries.append(("gbm", gbm(kind, 200, n_rows, 2, share), "all", "reduced"))
    if only_tables and n_rows >= DEEP:
        entries.append(("gbm_deep", deep_gbm(n_rows, share), "all", "reduced"))
    entries.append(("gbm_tables", gbm(kind, 80 * scale, n_rows, 2, own), tables, "reduced"))
    entries.append(("gbm_media", gbm(kind, 80 * scale, n_rows, 2, WIDE_SHARE), media, "reduced"))
    entries.append(("xgb", xgb(kind, 150, n_rows, 2, own), trees_read, "reduced"))
    entries.append(("trees", extra_trees(kind, 100 * scale, n_rows, 2, own), trees_read, "reduced"))
    if n_rows <= 5000:
        entries.append(("svr", svr(), _alone(views, (*TABLES, "media", "states")), "native"))
    if n_rows <= SMALL:
        entries.append(("gp", gaussian_process(), trees_read, "reduced"))
        entries.append(("gp_columns", gaussian_process(anisotropic=True), trees_read, "reduced"))
    if only_tables and n_rows <= LARGE:
        entries.append(("neighbors", neighbors(kind), tables, "native"))
    if name == "best":
        if len(views) > 1 and not texts:
            entries.append(("kernel_all", kernel_linear(kind, n_rows), "all", "reduced"))
        if not only_tables:
            entries.append(("xgb_all", xgb(kind, 150, n_rows, 2, share), "all", "reduced"))
        entries.append(("trees_each", extra_trees(kind, 150, n_rows, 2, share), "each", "reduced"))
        if n_rows <= 5000 and not texts:
            entries.append(("svr_all", svr(), "all", "reduced"))
    return _with_views(entries)


def _texts(views):
    """Return the views of words and of sentence vectors: rows of unit norm, which can stand side by side."""
    return [view for view, modality in views.items() if modality in TEXTS]


def _alone(views, modalities):
    """Return views of some modalities, each to be read alone: "each" where that is all of them.

    Learners of dense columns get no texts. The leading directions of words, brought to equal variance, hold more noise
    than the words themselves; on vectors of sentences kernels, neighbours and trees found nothing that linear models
    did not.
    """
    found = [[view] for view, modality in views.items() if modality in modalities]
    return "each" if len(found) == len(views) else found


def _share(views, only=None):
    """Return the share of the columns that a tree looks at: tables have few, vectors any number, media hundreds."""
    modalities = {modality for modality in views.values() if only is None or modality in only}
    if not modalities <= set(TABLES):
        return WIDE_SHARE
    return 0.25 if "vector" in modalities else 0.7


def _with_views(entries):
    return [entry for entry in entries if len(entry[2])]


def logistic():
    """Return multinomial logistic regression on scaled columns."""
    return Pipeline([("scale", ViewScaler()), ("linear", LogisticPath())])


def naive_bayes_logistic():
    """Return multinomial logistic regression on words that are weighed by how unevenly classes hold them."""
    return Pipeline([("scale", NaiveBayesScaler()), ("linear", LogisticPath())])


def discriminant():
    """Return a linear model whose cost hardly grows with the number of classes."""
    return Pipeline([("scale", ViewScaler()), ("linear", PooledGaussian())])


def ridge():
    """Return ridge regression on scaled columns."""
    return Pipeline([("scale", ViewScaler()), ("linear", RidgePath())])


def kernel_linear(kind, n_rows):
    """Return logistic or ridge regression on a sampled map of an RBF kernel."""
    kernel = SampledKernel(gamma=0.5, n_components=max(2, min(300, n_rows // 2)))
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


def gaussian_process(anisotropic=False):
    """Return a Gaussian process with one length for all columns, or one for each."""
    if anisotropic:  # a length a column takes more steps: the kernel is fitted on fewer rows
        process = GaussianProcess(smoothness=2.5, max_rows=300)
    else:
        process = GaussianProcess(smoothness=1.5, anisotropic=False)
    return Pipeline([("scale", ViewScaler()), ("gp", process)])


def extra_trees(kind, n_estimators, n_rows, n_classes, share):
    """Return extremely randomised trees; of large data each tree sees a sample."""
    settings = {"n_estimators": n_estimators, "min_samples_leaf": 2}
    if n_rows > LARGE:
        settings.update(bootstrap=True, max_samples=LARGE)
    if n_classes > 20:
        settings.update(n_estimators=max(20, n_estimators * 20 // n_classes), min_samples_leaf=3)
    if kind == "regression":
        return ExtraTreesRegressor(max_features=1.0 if share == 0.7 else share, **settings)
    return ExtraTreesClassifier(max_features="sqrt", **settings)


def _rounds(n_rounds, n_classes):
    """Boosting grows a tree a class and round: many classes get fewer rounds."""
    return n_rounds if n_classes <= 10 else max(20, n_rounds * 10 // n_classes)


def gbm(kind, n_rounds, n_rows, n_classes, share):
    """Return LightGBM with small trees, whose leaves suit the number of rows."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    cls = LGBMRegressor if kind == "regression" else LGBMClassifier
    if kind == "regression" and share > WIDE_SHARE:
        share = max(share, 0.5)
    rows_a_class = n_rows / (1 if kind == "regression" else n_classes)
    return cls(
        n_estimators=_rounds(n_rounds, n_classes),
        learning_rate=0.06 if n_rounds > 100 else 0.08 if kind == "regression" else 0.12,
        num_leaves=7 if n_rows < 5000 else 15 if n_rows < LARGE else 31,
        # 20, LightGBM's own value, gives constants on some dozens of rows.
        min_child_samples=int(min(20, max(2, rows_a_class // 15))),
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=share,
        reg_lambda=5.0 if kind == "regression" else 1.0,
        max_bin=63 if share < 0.7 else 255,
        min_data_in_bin=1 if n_rows < 200 else 3,
        deterministic=True,
        force_col_wise=True,
        verbose=-1,
    )


def deep_gbm(n_rows, share):
    """Return LightGBM with many large trees, for numbers with little noise."""
    model = gbm("regression", 300, n_rows, 2, share)
    return model.set_params(learning_rate=0.05, num_leaves=31, min_child_samples=5)


def xgb(kind, n_rounds, n_rows, n_classes, share):
    """Return XGBoost with shallow trees."""
    from xgboost import XGBClassifier, XGBRegressor

    cls = XGBRegressor if kind == "regression" else XGBClassifier
    return cls(
        n_estimators=_rounds(n_rounds, n_classes),
        learning_rate=0.06,
        max_depth=3 if n_rows < 2000 else 5,
        min_child_weight=1.0,
        subsample=0.8,
        colsample_bytree=share,
        reg_lambda=1.0,
        max_bin=32 if share < 0.7 else 256,
        tree_method="hist",
        verbosity=0,
    )
