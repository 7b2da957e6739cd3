"""Base learners with sensible settings, each for some `Facts` of a task: what portfolios are made of.

Classes are not weighted: weights that "balance" classes spoil the probabilities that the
meta-learner needs, and do not help ranking. Forests keep at least two rows a leaf, because a
memorised row looks right out of fold as soon as rows repeat.
"""

from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import PoissonRegressor, QuantileRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from .._by_rows import BINNED
from ._gaussian_process import GaussianProcess
from ._linear import LogisticPath, RidgePath
from ._pairs import ColumnPairs
from ._pooled_gaussian import PooledGaussian
from ._quantiles import QuantileLearner
from ._scaling import NaiveBayesScaler, SampledKernel, TailRegressor, ViewScaler

WIDE_SHARE = 0.15  # of the columns that a tree looks at, where there are hundreds that describe one item
MIXED_SHARE = 0.4  # of the columns of tables and texts, where few tell much and many tell little
SMALL = 1000  # rows up to which even "fast" has a forest, and Gaussian processes are cheap
COARSE = (0.1, 1.0, 10.0, 100.0)  # penalties of tables, on which the loss hardly bends between two of them
LARGE = 20_000  # rows above which learners that keep or compare rows work on a sample, or are left out


def linear(facts):
    """Return multinomial logistic, ridge, quantile or, of counts, Poisson regression on scaled columns."""
    if facts.quantiles:
        return Pipeline([("scale", ViewScaler()), ("linear", QuantileLearner(QuantileRegressor(alpha=0.001)))])
    if facts.counts:
        return Pipeline([("scale", ViewScaler()), ("linear", PoissonRegressor(alpha=0.01, max_iter=1000))])
    logistic = LogisticPath(Cs=COARSE) if facts.only_tables else LogisticPath()
    return Pipeline([("scale", ViewScaler()), ("linear", RidgePath() if facts.regression else logistic)])


def naive_bayes_logistic(facts):
    """Return multinomial logistic regression on words that are weighed by how unevenly classes hold them."""
    return Pipeline([("scale", NaiveBayesScaler()), ("linear", LogisticPath())])


def discriminant(facts):
    """Return a linear model whose cost hardly grows with the number of classes."""
    return Pipeline([("scale", ViewScaler()), ("linear", PooledGaussian())])


def kernel_linear(facts):
    """Return logistic or ridge regression on a sampled map of an RBF kernel."""
    # One seed: what is sampled for one task serves the others, in memory and in the file of a model.
    kernel = SampledKernel(gamma=0.5, n_components=max(2, min(300, facts.n_rows // 2)), random_state=0)
    path = COARSE[1:] if facts.only_tables else (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
    last = RidgePath() if facts.regression else LogisticPath(Cs=path, max_rows=200)
    return Pipeline([("scale", ViewScaler(half=True)), ("kernel", kernel), ("linear", last)])


def neighbors(facts):
    """Return distance-weighted nearest neighbours on scaled columns."""
    cls = KNeighborsRegressor if facts.regression else KNeighborsClassifier
    return Pipeline([("scale", ViewScaler()), ("neighbors", cls(n_neighbors=5, weights="distance"))])


def svr(facts):
    """Return support vector regression of a standardised target."""
    model = TransformedTargetRegressor(SVR(C=3.0, gamma=0.5), transformer=StandardScaler())
    return Pipeline([("scale", ViewScaler(half=True)), ("svr", model)])  # nearly all rows become support vectors


def gaussian_process(facts, anisotropic=False, max_rows=500):
    """Return a Gaussian process with one length for all columns, or one for each."""
    if anisotropic:  # one length per column takes more steps: the kernel is fitted on fewer rows
        process = GaussianProcess(smoothness=2.5, max_rows=300)
    else:
        process = GaussianProcess(smoothness=1.5, anisotropic=False, max_rows=max_rows)
    return Pipeline([("scale", ViewScaler()), ("gp", process)])


def extra_trees(facts, n_estimators, share):
    """Return extremely randomised trees; of large data each tree sees a sample."""
    settings = {"n_estimators": n_estimators, "min_samples_leaf": 2}
    if facts.n_rows > LARGE:
        settings.update(bootstrap=True, max_samples=LARGE)
    if facts.n_classes > 20:
        settings.update(n_estimators=max(20, n_estimators * 20 // facts.n_classes), min_samples_leaf=3)
    if facts.regression:
        return ExtraTreesRegressor(max_features=1.0 if share == 0.7 else share, **settings)
    return ExtraTreesClassifier(max_features="sqrt", **settings)


def _rounds(n_rounds, facts):
    """Boosting grows a tree per class and round: many classes get fewer rounds."""
    return n_rounds if facts.n_classes <= 10 else max(20, n_rounds * 10 // facts.n_classes)


def gbm(facts, n_rounds, share, **others):
    """Return LightGBM with small trees, whose leaves suit the rows; of heavy-tailed numbers it learns the logarithm."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    cls = LGBMRegressor if facts.regression else LGBMClassifier
    if facts.regression and share > WIDE_SHARE:
        share = max(share, 0.65)
    rounds, many, rate, penalty, parts = _rounds(n_rounds, facts), 80, 0.12, 1.0, facts.n_classes
    if facts.regression:
        many, rate, penalty, parts = 150, 0.08, 5.0, 1
    settings = dict(
        objective="poisson" if facts.counts else None,
        n_estimators=rounds,
        learning_rate=0.06 if rounds > many else rate,
        num_leaves=7 if facts.n_rows < SMALL else 15 if facts.n_rows < LARGE else 31,
        # 20, LightGBM's own value, gives constants on some dozens of rows.
        min_child_samples=int(min(20, max(2, facts.n_rows / parts // 15))),
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=share,
        reg_lambda=penalty,
        max_bin=63 if share < 0.7 else 255,
        min_data_in_bin=1 if facts.n_rows < 200 else 3,
        bin_construct_sample_cnt=BINNED,
        deterministic=True,
        force_col_wise=True,
        verbose=-1,
    )
    model = cls(**settings | others)
    if facts.quantiles:
        return QuantileLearner(model)
    return model if facts.counts or not facts.regression else TailRegressor(model)


def quick_gbm(facts, share):
    """Return LightGBM of few rounds. Numbers of many rows hold it back little: others do well where there is noise."""
    if facts.regression and facts.n_rows > SMALL:
        return gbm(facts, 150, share, learning_rate=0.1, reg_lambda=1.0)
    return gbm(facts, 100 if facts.regression else 60, share)


def paired(facts, model):
    """Let a learner of tables read sums and products of two columns, too.

    They are chosen by ranks of the target: not of several classes, nor where it has a loss of its own. Rows that are
    too many to set side by side, and columns of texts and media, are left as they are.
    """
    known = facts.n_classes <= 2 and facts.n_rows <= LARGE and not facts.own_loss
    return Pipeline([("pairs", ColumnPairs()), ("gbm", model)]) if known else model


def random_gbm(facts):
    """Return LightGBM with few leaves and random thresholds, for tables with much noise."""
    rounds = 150 if facts.regression else 80
    return gbm(facts, rounds, 1.0, learning_rate=0.12, num_leaves=7, extra_trees=True)


def deep_gbm(facts, share):
    """Return LightGBM with many large trees, for numbers with little noise."""
    return gbm(facts, 150, share, learning_rate=0.1, num_leaves=31, min_child_samples=5)


def xgb(facts, n_rounds, share):
    """Return XGBoost with shallow trees."""
    from xgboost import XGBClassifier, XGBRegressor

    cls = XGBRegressor if facts.regression else XGBClassifier
    model = cls(
        n_estimators=_rounds(n_rounds, facts),
        learning_rate=0.06,
        max_depth=3 if facts.n_rows < 2000 else 5,
        min_child_weight=1.0,
        subsample=0.8,
        colsample_bytree=share,
        reg_lambda=1.0,
        max_bin=32 if share < 0.7 else 64 if facts.n_rows < SMALL else 256,
        tree_method="hist",
        verbosity=0,
        **({"objective": "count:poisson"} if facts.counts else {}),
    )
    return QuantileLearner(model) if facts.quantiles else model
