"""Regressors, and the rankers of LightGBM and XGBoost, as learners of an order within queries."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._estimators import EARLY_STOPPING
from .._kinds import Ranking
from .._metadata import Metadata
from .._metrics import TINY
from .._stopping import fit_learner, rows_aside
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

    LightGBM and XGBoost use their rankers, whose losses compare pairs of rows [1]_. Any other regressor learns the
    difference between a row's relevance and the mean of its query. Predictions are scaled to one spread within
    queries, so that learners can be blended.

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

    def fit(self, X, y, sample_weight=None, groups=None, **metadata):
        """Fit to numbers of queries times 32, plus relevances from 0 on; see `ensemble_mm._kinds.Ranking`."""
        loss, kind = self._known_loss(), Ranking()
        y, metadata = np.asarray(y, dtype=np.float64), Metadata.of(metadata, len(y))
        query, relevance = np.unique(kind.units(y), return_inverse=True)[1], kind.relevance(y)
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if loss:
            known = metadata and metadata.asked_by(self.estimator)
            self.estimator_ = _fitted_ranker(self.estimator, loss, _Rows(X, relevance, query, weight), groups, known)
        else:
            apart = _above_mean(relevance, query, weight)
            groups = query if groups is None else groups
            self.estimator_ = fit_learner(clone(self.estimator), X, apart, weight, 0, groups, metadata)
        self.scale_ = 1.0
        spread = np.sqrt(np.average(_above_mean(self.predict(X), query, weight) ** 2, weights=weight))
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


def _fitted_ranker(estimator, ranker, rows, groups, metadata):
    """Return a fitted ranker with the settings of a regressor, or of itself; rows of weight zero are left out.

    One that stops early does so on queries that are kept aside.
    """
    package, name, loss = ranker
    settings = estimator.get_params()
    model, used = getattr(import_module(package), name)(**settings | loss), rows.used()
    aside = None
    if any(settings.get(key) for key in EARLY_STOPPING):
        groups = rows.query if groups is None else np.asarray(groups)
        inner, aside = (used[places] for places in rows_aside(rows.relevance[used], False, 0, groups[used]))
        used = inner
    known = {} if metadata is None else metadata[rows.sorted(used)].params
    fit = _fit_xgboost if package == "xgboost" else _fit_lightgbm
    return fit(model, rows.of(used), None if aside is None else rows.of(aside), known)


@dataclass(frozen=True)
class _Rows:
    """Rows with the relevance, the query and the weight of each."""

    X: Any
    relevance: np.ndarray
    query: np.ndarray
    weight: np.ndarray | None

    def used(self):
        return np.arange(len(self.query)) if self.weight is None else np.flatnonzero(self.weight > 0)

    def sorted(self, places):
        """Return some places, those of a query side by side."""
        return places[np.argsort(self.query[places], kind="stable")]

    def of(self, places):
        """Return the rows at some places, those of a query side by side, with queries that are numbered from 0."""
        places = self.sorted(places)
        query = np.unique(self.query[places], return_inverse=True)[1]
        weight = None if self.weight is None else self.weight[places]
        return _Rows(self.X[places], self.relevance[places].astype(int), query, weight)

    def sizes(self):
        """Return how many rows each query has, as LightGBM takes them."""
        return [min(MOST_ROWS, n - at) for n in np.bincount(self.query) for at in range(0, n, MOST_ROWS)]

    def query_weights(self):
        return None if self.weight is None else np.bincount(self.query, self.weight) / np.bincount(self.query)


def _fit_xgboost(model, rows, aside, known):
    judged = {}
    if aside is not None:
        judged = {"eval_set": [(aside.X, aside.relevance)], "eval_qid": [aside.query], "verbose": False}
        judged |= {} if aside.weight is None else {"sample_weight_eval_set": [aside.query_weights()]}
    return model.fit(
        rows.X, rows.relevance, qid=rows.query, **{"sample_weight": rows.query_weights()} | known, **judged
    )


def _fit_lightgbm(model, rows, aside, known):
    judged = {}
    if aside is not None:
        judged = {"eval_set": [(aside.X, aside.relevance)]}
        if has_fit_parameter(model, "eval_X"):
            judged = {"eval_X": (aside.X,), "eval_y": (aside.relevance,)}
        judged |= {"eval_group": [aside.sizes()]}
        judged |= {} if aside.weight is None else {"eval_sample_weight": [aside.weight]}
    return model.fit(rows.X, rows.relevance, group=rows.sizes(), **{"sample_weight": rows.weight} | known, **judged)
