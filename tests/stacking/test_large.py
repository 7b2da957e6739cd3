"""Data that stay on disk give what data in memory give."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ensemble_mm import ChunkedData, MultiOutputStack, StackedClassifier, make_multimodal

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X, Y = make_multimodal(90, missing=0.1, random_state=0)
    X = X.drop(columns="photo").assign(zip=np.where(np.arange(90) % 3, 1067.0, np.nan))
    X.loc[60:, "zip"] = 20095.0  # chunks without holes hold whole numbers
    folder = tmp_path_factory.mktemp("rows")
    for i, rows in enumerate(np.array_split(np.arange(90), 3)):
        X.iloc[rows].convert_dtypes().assign(other=1).to_parquet(folder / f"{i}.parquet")
    return X, Y, folder


@pytest.mark.parametrize("chunk_rows", [7, 25, 200])
def test_predictions_come_in_chunks(table, chunk_rows):
    X, Y, folder = table
    model = MultiOutputStack(
        learners={"classification": [("l", LogisticRegression())], "regression": ["ridge"]}, cv=2, random_state=0,
        columns={"zip": "category"},
    ).fit(X, Y)  # fmt: skip
    parts = list(model.predict_chunks(ChunkedData(folder, chunk_rows=chunk_rows)))
    assert [len(part) for part in parts] == [min(chunk_rows, 90 - start) for start in range(0, 90, chunk_rows)]
    pd.testing.assert_frame_equal(pd.concat(parts), model.predict(X))
    pd.testing.assert_frame_equal(pd.concat(model.predict_chunks(folder)), model.predict(X))


def test_a_model_of_one_task_gives_arrays(table):
    X, Y, folder = table
    model = StackedClassifier(learners=[("l", LogisticRegression())], cv=2, random_state=0).fit(X, Y["mood"])
    parts = list(model.predict_chunks(ChunkedData(folder, chunk_rows=40)))
    np.testing.assert_array_equal(np.concatenate(parts), model.predict(X))
    with pytest.raises(ValueError, match="reads the column 'age', which X does not have"):
        next(iter(model.predict_chunks(ChunkedData(folder, columns=["zip", "other"]))))
