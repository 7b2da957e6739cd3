"""Last rows of a table that are none: sums of the rows above, and notes such as a source."""

import numpy as np
import pandas as pd

from .._checks import DataWarning, printable, warn
from .._plain_words import plural

FEWEST = 5  # rows above
FEWEST_COLUMNS = 3  # of a table below which a note has fewer cells than a row
MOST_NOTES = 10  # rows
TOTALS = set(
    "total totals subtotal sum sums overall summe gesamt insgesamt gesamtsumme somme suma totale totaal toplam итого "
    "всего 合计 总计 總計 合計 総計 小计 합계 총계".split()
) | {"grand total", "total general", "total général", "sum total", "all rows"}


def tell_of_footers(frame: pd.DataFrame, shown) -> None:
    """Warn of last rows that look like no row of their own; they are kept."""
    if len(frame) <= FEWEST:
        return
    notes = _n_notes(frame)
    rows = frame.iloc[: len(frame) - notes]
    found = []
    if notes:
        said = printable(str(frame.iloc[len(rows)].dropna().iloc[0])[:60])
        found.append(f"{plural(notes, 'line')} with one cell, such as {said!r}")
    if len(rows) > FEWEST and (words := _total(rows)):
        found.append(words)
    if found:
        warn(f"{printable(shown)} ends in {' below '.join(found)}: take out what is no row.", DataWarning)


def _n_notes(frame) -> int:
    """Return how many last rows have a text in their first cell, and nothing else, as no other row does."""
    last = frame.tail(MOST_NOTES + 1)
    alone = (last.notna().sum(axis=1) == 1).to_numpy() & [isinstance(cell, str) for cell in last.iloc[:, 0]]
    n = int(np.argmin(alone[::-1])) if not alone.all() else len(last)
    if not 0 < n <= min(MOST_NOTES, len(frame) - FEWEST) or frame.shape[1] < FEWEST_COLUMNS:
        return 0
    return n if (frame.iloc[:-n].notna().sum(axis=1) > 1).all() else 0


def _total(rows) -> str:
    """Return what is said of a last row that sums up those above; "" where it does not."""
    above, last = rows.iloc[:-1], rows.iloc[-1]
    for name, cell in last.items():
        if isinstance(cell, str) and cell.strip(" :.").casefold() in TOTALS and not (above[name] == cell).any():
            return f"a row that is called {cell!r}"
    numbers = above.select_dtypes("number")
    sums = numbers.sum()
    sure = ((numbers > 0).sum() >= FEWEST) & (numbers >= 0).all()  # the last is then the largest
    there = [name for name in numbers.columns if pd.notna(last[name])]
    equal = [name for name in there if sure[name] and np.isclose(float(last[name]), float(sums[name]), rtol=1e-9)]
    return f"a row of sums ({equal[0]!r})" if equal and 2 * len(equal) >= len(there) else ""
