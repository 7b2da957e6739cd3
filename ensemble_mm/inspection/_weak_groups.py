"""Groups of rows that are predicted worse than the others, described by what stands in the columns of X."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor

DEPTH = 2  # conditions that describe a group, at most
SMALLEST = 15  # rows of a group
N_SHUFFLES = 99  # of the errors: a group that is as bad when they are shuffled says nothing
MOST_ROWS = 3_000  # that take part
MOST_VALUES = 10  # of a category that are looked at one by one
RARE = 0.02  # share of the rows below which a value or a hole is not looked at
EPOCH = pd.Timestamp("1970-01-01")
CHANCE = 0.05  # how often noise may be taken for a group


@dataclass(frozen=True)
class Group:
    """Rows that share some conditions, and their mean error beside that of all rows.

    Attributes
    ----------
    words : str
        The conditions, such as "price is over 60 and shop is north".
    n : int
    error, overall : float
        Mean error of the group, and of all rows.
    """

    words: str
    n: int
    error: float
    overall: float


@dataclass(frozen=True)
class Fact:
    """A column of numbers that a condition may ask about, and what is said of its title on either side of a bound."""

    values: np.ndarray
    title: str
    above: str
    below: str
    shown: Callable = str  # makes the bound to words


def weak_groups(facts: list[Fact], errors: np.ndarray) -> list[Group]:
    """Return the groups with a clearly higher mean error than all rows, the worst first.

    A shallow tree finds them. It is grown again on shuffled errors, and a group counts if it stands out more than the
    worst group of 95 in 100 of these trees.

    Parameters
    ----------
    facts : list of Fact
    errors : ndarray of shape (n_rows,)
    """
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.permutation(len(errors))[:MOST_ROWS])
    errors = np.asarray(errors, dtype=float)[chosen]
    if len(errors) < 4 * SMALLEST or not facts or errors.std() == 0:
        return []
    table = np.column_stack([fact.values[chosen] for fact in facts]).astype(np.float32)
    tree = _grown(table, errors)
    by_chance = [
        _excess(_grown(table, mixed), table, mixed).max()
        for mixed in (rng.permutation(errors) for _ in range(N_SHUFFLES))
    ]
    excess, leaves = _excess(tree, table, errors), tree.apply(table)
    nodes = np.unique(leaves)
    beyond = np.quantile(by_chance, 1 - CHANCE)
    found = []
    for node in nodes[np.argsort(-excess)][: (excess > beyond).sum()]:
        own = errors[leaves == node]
        found.append(Group(_conditions(tree.tree_, node, facts), len(own), own.mean(), errors.mean()))
    return found


def _grown(table, errors):
    least = max(SMALLEST, len(errors) // 25)
    return DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=least, random_state=0).fit(table, errors)


def _excess(tree, table, errors):
    """Return by how many standard errors the mean of each leaf is above that of all rows."""
    leaves = np.unique(tree.apply(table), return_inverse=True)[1]
    n = np.bincount(leaves)
    return (np.bincount(leaves, errors) / n - errors.mean()) * np.sqrt(n) / errors.std()


def _conditions(tree, node, facts) -> str:
    """Return the way from the root to a node in words; of two bounds on the same side the narrower one counts."""
    bounds: dict = {}
    while node:
        is_left = node in tree.children_left
        parent = int(np.flatnonzero((tree.children_left if is_left else tree.children_right) == node)[0])
        bounds.setdefault((tree.feature[parent], is_left), tree.threshold[parent])
        node = parent
    said: dict = {}  # one list per column, so that the title of a column with two bounds stands once
    for (f, is_left), bound in reversed(bounds.items()):
        side = facts[f].below if is_left else facts[f].above
        said.setdefault(facts[f].title, []).append(side.format(facts[f].shown(bound)))
    return " and ".join(f"{title} {' and '.join(words)}" for title, words in said.items()) or "all rows"


def facts_of(schema, frame: pd.DataFrame) -> list[Fact]:
    """Return what can be asked about the rows of X: numbers, common categories, dates, lengths of texts, and holes."""
    facts = []
    for column in schema.columns:
        if column.within is None and column.name in frame and column.taken_as not in ("identifier", "constant", "drop"):
            raw = frame[column.name]
            if isinstance(raw, pd.Series):
                facts += _facts(column, column.read(raw)[0])
    return facts


def _facts(column, values):
    title, holes = str(column.title), values.isna().to_numpy()
    if RARE < holes.mean() < 1 - RARE:
        yield Fact(holes.astype(float), title, "is missing", "is known")
    if column.is_string:
        words = values.map(lambda text: len(text.split()) if isinstance(text, str) else 0).to_numpy(float)
        yield Fact(words, title, "has over {} words", "has at most {} words", _whole)
    elif column.taken_as == "date" and hasattr(values, "dt"):
        days = ((values.dt.tz_localize(None) - EPOCH) / pd.Timedelta(days=1)).to_numpy(float)
        yield Fact(_filled(days), title, "is after {}", "is not after {}", _date)
    elif column.taken_as in ("number", "time"):
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
        shown = _whole if (numbers[np.isfinite(numbers)] % 1 == 0).all() else _number
        yield Fact(_filled(numbers), title, "is over {}", "is at most {}", shown)
    elif column.taken_as == "category":
        counts = values.astype(object).value_counts()
        for value in counts.index[counts > RARE * len(values)][:MOST_VALUES]:
            here = (values.astype(object) == value).to_numpy(bool)
            named = str(value).replace("{", "{{").replace("}", "}}")
            yield Fact(here.astype(float), title, f"is {named}", f"is not {named}")


def _number(bound) -> str:
    return f"{bound:,.4g}"


def _whole(bound) -> str:
    """Return a bound between two whole numbers as the lower one: over 9.5 is over 9."""
    whole = np.floor(bound)
    return f"{whole:.0f}" if abs(whole) < 10_000 else f"{whole:,.0f}"  # four digits may be a year


def _date(days) -> str:
    return str((EPOCH + pd.Timedelta(days=days)).date())


def _filled(numbers):
    """Return numbers with their median where there is none."""
    here = np.isfinite(numbers)
    return np.where(here, numbers, np.median(numbers[here]) if here.any() else 0.0)
