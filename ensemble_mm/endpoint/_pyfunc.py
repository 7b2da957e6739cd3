"""A model as MLflow calls it, in `mlflow.pyfunc.load_model`, `mlflow models serve` and `mlflow.models.evaluate`."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor

from .._checks import is_missing
from .._modalities import cell_kinds_of
from ..store import load
from ._answers import table_of
from ._inputs import file_of


class PyFunc:
    """What MLflow asks for predictions.

    Parameters
    ----------
    model : estimator
    """

    def __init__(self, model):
        self._model = model
        self._cells = cell_kinds_of(model) if hasattr(model, "schema_") else {}

    def predict(self, X, params: dict[str, Any] | None = None) -> pd.DataFrame | pd.Series:
        """Return one column per task, and what the parameters ask for beside it; a Series where a stack of one
        task is asked for nothing else, as scikit-learn's models give it and MLflow judges it.

        Parameters
        ----------
        X : DataFrame or array
            A text in a column of files is base64, and never a path: requests may come from anyone.
        params : dict or None
            "probabilities" adds one column per class, "interval" the bounds of numbers with the given "coverage".
        """
        params = params or {}
        if isinstance(X, pd.DataFrame):
            files = [name for name, cell in self._cells.items() if cell == "file" and name in X]
            X = X.assign(**{name: self._files(name, X[name]) for name in files})
        coverage = params.get("coverage", 0.9) if params.get("interval") else None
        found = pd.DataFrame(dict(table_of(self._model, X, bool(params.get("probabilities")), coverage)))
        is_one = hasattr(self._model, "schema_") and (is_classifier(self._model) or is_regressor(self._model))
        return found.iloc[:, 0] if is_one and found.shape[1] == 1 else found

    def _files(self, name: str, column: pd.Series) -> pd.Series:
        found = np.full(len(column), None, dtype=object)
        for row, cell in enumerate(column):
            if not is_missing(cell):
                found[row] = cell if isinstance(cell, np.ndarray) else file_of(cell, f"Row {row}, column {name!r}")
        return pd.Series(found, column.index, dtype=object)


def _load_pyfunc(path: str) -> PyFunc:
    """Load a model; MLflow calls it by this name. Types that are not ours are refused."""
    return PyFunc(load(path))
