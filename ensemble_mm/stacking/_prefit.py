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
    for _ in problem.columns.values():  # what cannot be read is told now
        pass
    return problem


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
    unknown, names = (None, None), getattr(inner, "feature_names_in_", None)
    asked = [reads] if isinstance(reads, str) else list(reads)
    views = [view for view in problem.views if reads in ("each", "all") or view.name in asked]
    if names is not None and isinstance(problem.source, pd.DataFrame):
        return (list(names), TABULAR) if {*names} <= {*problem.source.columns} else unknown
    if len(views) == 1 and MODALITIES[views[0].modality].takes != "table":
        columns, modality = views[0].columns, views[0].modality
    elif isinstance(problem.source, pd.DataFrame):
        read = {column for view in views for column in columns_read(view.columns)}
        columns, modality = [column for column in problem.source.columns if column in read], TABULAR
    elif len(views) == 1:
        columns, modality = views[0].columns, views[0].modality
    else:
        return unknown
    wanted = getattr(inner, "n_features_in_", None)
    view = View("", modality, columns)
    shape = column_of(problem.source, view, replace(problem.schema, raw=("",))).shape
    return (columns, modality) if wanted is None or (len(shape) == 2 and shape[1] == wanted) else unknown


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
