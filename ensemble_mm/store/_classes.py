"""Names of classes and functions in model files: which there may be, how they are spelt, and where they are now.

A file holds a class of ours under its bare name, so that a class which moves to another module is one changed line
here, and files written before stay loadable. Estimators of other libraries go by their public names.
"""

from collections import OrderedDict
from collections.abc import Iterable
from importlib import import_module

import numpy as np

# Our classes that a model may hold, by the module that holds them now.
_OURS = {
    "crossfit._features": "Reader",
    "crossfit._jobs": "FittedMember",
    "crossfit._patterns": "LossesByViews",
    "crossfit._plan": "Estimate Member",
    "crossfit._table": "Table",
    "crossfit._unseen": "Unseen",
    "data._inputs": "MultimodalData View",
    "data._names": "Names",
    "data._task": "Task",
    "features._audio": "AudioExtractor",
    "features._image": "ImageExtractor",
    "features._ngrams": "CharacterNgrams WordNgrams",
    "features._tabular": "TabularExtractor _Category _Constant _Date _Number",
    "features._text": "TextExtractor TextReducer",
    "features._vector": "VectorExtractor",
    "features._video": "VideoExtractor",
    "learners._gaussian_process": "GaussianProcess",
    "learners._hazards": "HazardLearner",
    "learners._ranks": "RankLearner",
    "learners._imagecnn": "ImageCNNClassifier ImageCNNRegressor",
    "learners._linear": "LogisticPath RidgePath",
    "learners._multitask": "MultiTaskNetwork TaskHead",
    "learners._pairs": "ColumnPairs",
    "learners._pooled_gaussian": "PooledGaussian",
    "learners._prefit": "AsGiven SaidClasses SaidNumbers",
    "learners._quantiles": "QuantileLearner",
    "learners._scaling": "NaiveBayesScaler SampledKernel TailRegressor TailScaler ViewScaler",
    "learners._spread": "SpreadLearner",
    "learners._textcnn": "TextCNNClassifier TextCNNRegressor",
    "learners._tuning": "TunedLearner",
    "meta._calibration": "IsotonicCalibrator TemperatureCalibrator",
    "meta._choice": "AutoClassifier AutoRegressor",
    "meta._conformal": "ConformalIntervals ConformalSets JointCoverage",
    "meta._conformal_quantiles": "ConformalQuantiles",
    "meta._conformal_ranks": "ConformalShortlists",
    "meta._conformal_times": "ConformalTimes",
    "meta._dynamic": "DynamicClassifier DynamicRegressor",
    "meta._greedy": "GreedyClassifier GreedyRegressor",
    "meta._hazards": "GreedyHazards MeanHazards",
    "meta._ranks": "GreedyRanks MeanRanks",
    "meta._linear": "LinearClassifier LinearRegressor MultinomialClassifier",
    "meta._plain": "FixedClassifier FixedHazards FixedQuantiles FixedRanks FixedRegressor "
    "MedianClassifier MedianRegressor RankClassifier RankRegressor",
    "meta._pruning": "CostPruner OrderedPruner RedundancyPruner",
    "meta._quantiles": "GreedyQuantiles MeanQuantiles",
    "meta._scoring": "Objective",
    "meta._weights": "MeanClassifier MeanRegressor SimplexClassifier SimplexRegressor",
    "meta._wrapped": "WrappedClassifier WrappedRegressor",
    "schema._categories": "CategoryRule",
    "schema._column": "Column",
    "schema._dates": "DateRule",
    "schema._numbers": "NumberRule",
    "schema._schema": "Schema",
    "schema._times": "TimeRule",
    "stacking._estimators": "StackedClassifier StackedRegressor",
    "stacking._level": "Level Weighed",
    "stacking._multioutput": "MultiOutputStack",
}
# Modules whose public names may be used: estimators of the first, the classes and functions below of the others.
_SKLEARN = (
    "calibration cluster compose covariance cross_decomposition decomposition discriminant_analysis dummy ensemble "
    "feature_extraction feature_extraction.text feature_extraction.image feature_selection frozen gaussian_process "
    "impute isotonic kernel_approximation kernel_ridge linear_model manifold mixture model_selection multiclass "
    "multioutput naive_bayes neighbors neural_network pipeline preprocessing random_projection semi_supervised svm tree"
).split()
_OTHERS = {
    "lightgbm": "LGBMModel LGBMClassifier LGBMRegressor LGBMRanker",
    "xgboost": "XGBModel XGBClassifier XGBRegressor XGBRanker XGBRFClassifier XGBRFRegressor",
    "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
    "sklearn.cluster._birch": "_CFNode _CFSubcluster",
    "sklearn.cluster._bisect_k_means": "_BisectingTree",
    "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels": "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern "
    "PairwiseKernel Product RationalQuadratic RBF Sum WhiteKernel",
    "sklearn.metrics._scorer": "_CurveScorer _PassthroughScorer _Scorer",
    "sklearn.model_selection": "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut "
    "LeavePOut PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold "
    "StratifiedShuffleSplit TimeSeriesSplit",
    "sklearn.impute._iterative": "_ImputerTriplet",
    "sklearn.multiclass": "_ConstantPredictor",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
}
_FUNCTIONS = {
    "numpy": "amax amin asarray max mean median min prod std sum var",
    "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
    "sklearn.feature_selection": "chi2 f_classif f_regression mutual_info_classif mutual_info_regression r_regression",
    "sklearn.metrics": "accuracy_score average_precision_score balanced_accuracy_score brier_score_loss "
    "cohen_kappa_score d2_absolute_error_score explained_variance_score f1_score fbeta_score jaccard_score log_loss "
    "matthews_corrcoef max_error mean_absolute_error mean_absolute_percentage_error mean_pinball_loss "
    "mean_squared_error mean_squared_log_error median_absolute_error ndcg_score precision_score r2_score recall_score "
    "roc_auc_score root_mean_squared_error top_k_accuracy_score",
    "sklearn.model_selection": "KFold StratifiedKFold",  # of which repeated splitters make new ones
    "sklearn.utils.validation": "check_array",
}
_TYPES = (bool, int, float, complex, str, bytes, object, list, dict, set, tuple, OrderedDict)
_PLACES = {  # parameters that name something outside of the model, or spend what is not the model's
    "cache": None, "checkpoint": None, "memory": None, "storage": None, "allow_download": False, "n_jobs": None,
    "workdir": None,
    "_spread": None,  # of a kernel's map: it is made of the sampled rows
    "_cached_dict": None,  # of a binarizer: the places of its classes, which it makes when they are wanted
}  # fmt: skip


def _table(modules: dict[str, str]) -> dict[str, str]:
    return {name: module for module, names in modules.items() for name in names.split()}


_MODULE_OF = _table(_OURS)
_KNOWN = {f"{module}.{name}" for module, names in _OTHERS.items() for name in names.split()}
_CALLED = {f"{module}.{name}" for module, names in _FUNCTIONS.items() for name in names.split()}


def name_of(item) -> str:
    """Return the name of a class or function in a file.

    Raises
    ------
    ValueError
        When it cannot be found again by that name: a lambda, or what is defined inside a function.
    """
    module, name = getattr(item, "__module__", None) or "builtins", getattr(item, "__qualname__", item.__name__)
    if isinstance(item, np.ufunc):
        module, name = "numpy", item.__name__
    elif module.startswith("ensemble_mm.") and _MODULE_OF.get(name) == module.partition(".")[2]:
        return f"ensemble_mm.{name}"
    package, public = module.partition(".")[0], module.split("._")[0]
    for path in (f"{package}.{name}", f"{public}.{name}", f"{module}.{name}"):
        try:
            if _get(path) is item:
                return path
        except (ImportError, AttributeError):
            continue
    raise ValueError(
        f"It holds {module}.{name}, which cannot be found again by that name: define functions and classes at the top "
        "of a module."
    )


def _get(path: str):
    """Return what a dotted path names: the longest part of it that is a module, and attributes below."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            member = import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            if not ".".join(parts[:end]).startswith(error.name or "?"):
                raise  # a package that the module needs
            continue
        for part in parts[end:]:
            member = getattr(member, part)
        return member
    raise ModuleNotFoundError(name=parts[0])


class Finder:
    """Find the classes and functions that a file names, as far as they may be built.

    Parameters
    ----------
    trusted : iterable of str or type
        What the user trusts beyond the names of this module.

    Attributes
    ----------
    refused : set of str
        Names that were asked for and may not be built.
    """

    def __init__(self, trusted: Iterable[str | type] = ()):
        self.trusted = {t if isinstance(t, str) else _spelt(t): None if isinstance(t, str) else t for t in trusted}
        self.refused: set[str] = set()

    def find_class(self, name: str):
        """Return a class, or None (and note the name) when it may not be built."""
        member = self._find(name, _may_be_built)
        return member if isinstance(member, type) else self._refuse(name)

    def find_function(self, name: str):
        """Return a function or a type that serves as one, or None (and note the name)."""
        member = self._find(name, _may_be_called)
        return member if callable(member) else self._refuse(name)

    def is_trusted(self, name: str) -> bool:
        """Tell whether the user named this one."""
        return name in self.trusted

    def _find(self, name: str, allowed):
        if name in self.trusted:
            return self.trusted[name] or _get(name)
        return allowed(name)

    def _refuse(self, name: str):
        self.refused.add(name)


def _spelt(item) -> str:
    return f"{item.__module__}.{item.__qualname__}"


def _may_be_built(name: str):
    module, _, attribute = name.rpartition(".")
    if module == "ensemble_mm" and attribute in _MODULE_OF:
        return getattr(import_module(f"ensemble_mm.{_MODULE_OF[attribute]}"), attribute)
    if name in _KNOWN:
        return getattr(import_module(module), attribute)
    if module.startswith("sklearn.") and module[8:] in _SKLEARN:
        from sklearn.base import BaseEstimator

        home = import_module(module)
        member = getattr(home, attribute, None)
        public = not attribute.startswith("_") and attribute in getattr(home, "__all__", vars(home))
        ours = getattr(member, "__module__", "").startswith("sklearn.")
        return member if public and ours and isinstance(member, type) and issubclass(member, BaseEstimator) else None
    return None


def _may_be_called(name: str):
    module, _, attribute = name.rpartition(".")
    if module in ("builtins", "collections"):
        return next((t for t in _TYPES if t.__name__ == attribute and t.__module__ == module), None)
    if name in _CALLED:
        return getattr(import_module(module), attribute)
    if module == "numpy":
        member = getattr(np, attribute, None) if attribute.isidentifier() else None
        scalar = isinstance(member, type) and issubclass(member, np.generic)
        return member if isinstance(member, np.ufunc) or scalar else None
    return None


def without_places(state: dict) -> dict:
    """Return the state of an object without what names a place outside of the model, a machine or a session."""
    kept = {name: _PLACES.get(name, value) for name, value in state.items() if name != "_skl_callbacks"}
    if state.get("n_jobs") == 1 and type(state["n_jobs"]) is int:
        kept["n_jobs"] = 1  # one process, here as there
    if type(state.get("_other_params")) is dict:  # LightGBM's
        kept["_other_params"] = {k: v for k, v in state["_other_params"].items() if "thread" not in str(k)}
    return kept
