"""Views of columns as they are, for learners that were fitted on them before."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from .._estimators import fitted_part, is_fitted_whole
from .._modalities import MODALITIES, TABULAR
from ..data import View, column_of, columns_read
from ..learners import AsGiven, SaidClasses, SaidNumbers


def own_view(name) -> str:
    """Return what the view is called that a fitted learner alone reads."""
    return f"columns of {name}"


def with_own_views(problem, entries):
    """Return a problem with a view of columns as they are for each learner that was fitted before.

    `entries` are learners as they are listed. One whose columns are not known reads features.
    """
    found = [view for entry in entries if (view := _view_for(problem, *entry[:3])) is not None]
    if not found:
        return problem
    raw = (*problem.schema.raw, *(view.name for view in found))
    problem = replace(problem, views=(*problem.views, *found), schema=replace(problem.schema, raw=raw))
    return problem.checked()


def _view_for(problem, name, learner, reads="each"):
    inner = fitted_part(learner) if hasattr(learner, "get_params") else None
    columns, modality = _columns_of(problem, inner, reads) if inner is not None else (None, None)
    if modality is None:
        return None
    view = View(own_view(name), modality, columns, AsGiven())
    raw = replace(problem.schema, raw=(*problem.schema.raw, view.name))
    if _are_numbers(column_of(problem.source, view, raw)):
        return view
    return replace(view, extractor=AsGiven(learner)) if is_fitted_whole(learner) else None


def _columns_of(problem, inner, reads):
    """Return the columns that a fitted part wants, and the modality to read them as; (None, None) if not known."""
    unknown, source = (None, None), problem.source
    names, width = (getattr(inner, name, None) for name in ("feature_names_in_", "n_features_in_"))
    if names is not None and isinstance(source, pd.DataFrame):
        return (list(names), TABULAR) if {*names} <= {*source.columns} else unknown
    asked = [reads] if isinstance(reads, str) else reads
    views = [view for view in problem.views if reads in ("each", "all") or view.name in asked]
    found = [(view.columns, view.modality) for view in views]
    tables = _tables_of(source, views)
    if width is not None:
        return next((place for place in (*tables, *found) if _width(problem, *place) == width), unknown)
    return next(iter(tables or found[: len(found) == 1]), unknown)


def _tables_of(source, views):
    """Return all columns that some views read, in the order of X, and the numbers of them; of a table only."""
    if not isinstance(source, pd.DataFrame) or len(views) == 1 and MODALITIES[views[0].modality].takes != "table":
        return []
    read = {column for view in views for column in columns_read(view.columns)}
    columns = [column for column in source.columns if column in read]
    numbers = [column for column in columns if pd.api.types.is_numeric_dtype(source[column].dtype)]
    return [(columns, TABULAR), (numbers, TABULAR)]


def _width(problem, columns, modality):
    """Return how many columns a view of columns as they are has; 0 where its items are no rows of numbers."""
    shape = column_of(problem.source, View("", modality, columns), replace(problem.schema, raw=("",))).shape
    return shape[1] if len(shape) == 2 else 0


def _are_numbers(column) -> bool:
    if isinstance(column, pd.DataFrame):
        return all(map(pd.api.types.is_numeric_dtype, column.dtypes))
    return sparse.issparse(column) or (column.ndim == 2 and np.asarray(column).dtype.kind in "biuf")


def reading_own(spec, views):
    """Return a learner as one that reads the view of its own, where there is one."""
    view = next((view for view in views if view.name == own_view(spec.name)), None)
    if view is None or not view.is_own:
        return spec
    learner = spec.estimator
    if view.extractor.estimator is not None:
        learner = SaidClasses(learner.classes_) if hasattr(learner, "classes_") else SaidNumbers()
    return replace(spec, estimator=learner, reads=[view.name], form="native")
