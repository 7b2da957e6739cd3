"""The estimators, which most users import, and the names that their parameters take."""

from ..learners import PORTFOLIOS
from ..meta import CALIBRATORS, META_LEARNERS
from ._board import head_of
from ._compare import compare_strategies
from ._estimators import StackedClassifier, StackedRegressor
from ._multioutput import STRATEGIES, MultiOutputStack
from ._predictor import Predictor
