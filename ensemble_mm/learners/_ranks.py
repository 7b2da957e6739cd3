"""Regressors, and the rankers of LightGBM and XGBoost, as learners of an order within queries."""

from importlib import import_module

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._estimators import EARLY_STOPPING
from .._kinds import Ranking
from .._metrics import TINY
from .._stopping import fit_learner
from ._own_losses import OwnLossMixin

RANKERS = {  # by the name of a regressor, or of the ranker itself: the ranker, and its loss
    "LGBMRegressor": ("lightgbm", "LGBMRanker", {"objective": "lambdarank"}),
    "LGBMRanker": ("lightgbm", "LGBMRanker", {}),
    "XGBRegressor": ("xgboost", "XGBRanker", {"objective": "rank:ndcg"}),
    "XGBRanker": ("xgboost", "XGBRanker", {}),
}
MOST_ROWS = 10_000  # of a query, which LightGBM takes: more are learned from as several queries


class RankLearner(OwnLossMixin, RegressorMixin, BaseEstimator):
    """Learn the order of rows within queries.

    LightGBM and XGBoost do it by their rankers, whose losses are of pairs of rows [1]_. Any other regressor learns by
    how much the relevance of a row differs from the mean of its query. What is predicted is brought to one spread
    within queries, so that learners can be blended.

    Parameters
    ----------
    estimator : regressor, LGBMRanker or XGBRanker

    Attributes
    ----------
    estimator_ : regressor or ranker
    scale_ : float
        What its predictions are divided by.
    n_features_in_ : int

    References
    ----------
    .. [1] Burges, C. (2010). From RankNet to LambdaRank to LambdaMART: an overview. Microsoft Research MSR-TR-2010-82.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from ensemble_mm.learners import RankLearner
    >>> X = np.array([[0.0], [1.0], [2.0], [5.0], [6.0], [7.0]])
    >>> y = [0, 1, 2, 32, 33, 34]  # relevance 0, 1 and 2 in the queries 0 and 1
    >>> RankLearner(Ridge()).fit(X, y).predict(X[:3]).argmax()
    np.int64(2)
    """

    predicts_ranks = True
    losses = RANKERS
    loss_name = "ranking"

    @classmethod
    def _loss_of(cls, estimator):
        ranker = super()._loss_of(estimator)
        return {} if ranker is None and get_tags(estimator).estimator_type == "regressor" else ranker

    def fit(self, X, y, sample_weight=None, groups=None):
        """Fit to numbers of queries times 32, plus relevances from 0 on; see `ensemble_mm._kinds.Ranking`."""
        loss, kind = self._known_loss(), Ranking()
        y = np.asarray(y, dtype=np.float64)
        query, relevance = np.unique(kind.units(y), return_inverse=True)[1], kind.relevance(y)
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if loss:
            self.estimator_ = _fitted_ranker(self.estimator, loss, X, relevance, query, weight)
        else:
            apart = _above_mean(relevance, query, weight)
            groups = query if groups is None else groups
            self.estimator_ = fit_learner(clone(self.estimator), X, apart, weight, 0, groups)
        self.scale_ = 1.0
        apart = _above_mean(self.predict(X), query, weight)
        some = slice(None) if weight is None else weight > 0
        spread = np.sqrt(np.mean(apart[some] ** 2))
        self.scale_ = float(spread) if spread > TINY else 1.0
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        """Return the score of each row, shape (n_samples,): within a query, the higher, the more relevant."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X), dtype=np.float64).reshape(-1) / self.scale_


rank_learner = RankLearner.around


def _above_mean(values, query, weight):
    """Return how far each value is above the mean of its query; rows of weight zero are not in the mean."""
    weight = np.ones(len(query)) if weight is None else weight
    return values - (np.bincount(query, weight * values) / np.maximum(np.bincount(query, weight), TINY))[query]


def _fitted_ranker(estimator, ranker, X, relevance, query, weight):
    """Return a fitted ranker with the settings of a regressor, or of itself; rows of weight zero are left out."""
    package, name, loss = ranker
    settings = {key: value for key, value in estimator.get_params().items() if key not in EARLY_STOPPING}
    model = getattr(import_module(package), name)(**settings | loss)
    order = np.argsort(query, kind="stable")
    if weight is not None:
        order = order[weight[order] > 0]
        weight = weight[order]
    X, relevance, query = X[order], relevance[order].astype(int), np.unique(query[order], return_inverse=True)[1]
    n_rows = np.bincount(query)
    if package == "xgboost":  # whose weights are of queries
        means = None if weight is None else np.bincount(query, weight) / n_rows
        return model.fit(X, relevance, qid=query, sample_weight=means)
    sizes = [min(MOST_ROWS, n - start) for n in n_rows for start in range(0, n, MOST_ROWS)]
    return model.fit(X, relevance, group=sizes, sample_weight=weight)
