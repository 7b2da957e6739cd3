"""Class probabilities of several tasks: arrays by task, shown as one table with the names of the classes."""

import pandas as pd


class Probabilities(dict):
    """{task: class probabilities of shape (n_samples, n_classes)}.

    Parameters
    ----------
    arrays : dict of str to ndarray
    classes : dict of str to ndarray
        The classes of each task, in the order of the columns.
    index : Index
        Labels of the rows.
    """

    def __init__(self, arrays, classes, index):
        super().__init__(arrays)
        self._classes, self._index = classes, index

    def to_frame(self) -> pd.DataFrame:
        """Return one table, with columns (task, class) and the labels of the rows."""
        names = [(task, label) for task in self for label in self._classes[task]]
        columns = pd.MultiIndex.from_tuples(names, names=["task", "class"])
        blocks = [pd.DataFrame(array, index=self._index) for array in self.values()]
        return pd.concat(blocks, axis=1).set_axis(columns, axis=1) if blocks else pd.DataFrame(index=self._index)

    def __repr__(self):
        """Return the table as text."""
        return repr(self.to_frame())

    def _repr_html_(self):
        return self.to_frame()._repr_html_()
