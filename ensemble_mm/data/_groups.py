"""Groups of rows that are held out together: those that a user gives, and the queries of tasks that rank."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def check_groups(groups, n_rows):
    """Raise a ValueError unless groups are None or one name or number per row."""
    if groups is None:
        return
    found = "of lists of different lengths"
    if np.ma.is_masked(groups):
        raise ValueError("groups hide some rows behind a mask: give each row a group, of its own where it has none.")
    try:
        groups = np.asarray(groups)
        found, n_missing = f"of shape {groups.shape}", int(np.sum(pd.isna(groups)))
        found = f"of which {n_missing} are missing" if n_missing else found
        fits = groups.shape == (n_rows,) and not n_missing and bool(len(np.unique(groups)))
    except (TypeError, ValueError):  # of different types, or arrays
        fits = False
    if not fits:
        raise ValueError(
            f"groups {found} cannot group {n_rows} rows: give one name or number per row, all of one type."
        )


def units_of(tasks, targets) -> dict[str, np.ndarray]:
    """Return, of the tasks whose rows belong together, which ones do, as numbers; NaN where a label is not known."""
    units = {name: task.rules.units(targets[name]) for name, task in tasks.items()}
    return {name: rows for name, rows in units.items() if rows is not None}


def whole_units(groups, tasks, targets):
    """Return groups that part neither those that are given (or None) nor the rows of a task that belong together."""
    units = list(units_of(tasks, targets).values())
    if not units:
        return groups
    parts = units if groups is None else [np.unique(np.asarray(groups), return_inverse=True)[1], *units]
    rows, nodes, n_nodes = [], [], len(units[0])
    for part in parts:
        known = np.flatnonzero(~np.isnan(part))
        values, place = np.unique(part[known], return_inverse=True)
        rows.append(known)
        nodes.append(n_nodes + place)
        n_nodes += len(values)
    row, node = np.concatenate(rows), np.concatenate(nodes)
    edges = coo_array((np.ones(len(row)), (row, node)), shape=(n_nodes, n_nodes))
    return connected_components(edges, directed=False)[1][: len(units[0])]
