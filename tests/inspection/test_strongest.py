"""What moves predictions most: the column, word and region that were put there."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import ImageExtractor, MultiOutputStack, StackedRegressor, TabularExtractor, TextExtractor
from ensemble_mm.inspection._strongest import strongest_parts


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    n = 60
    label = rng.integers(0, 2, n)
    photo = np.empty(n, dtype=object)
    for i in range(n):
        photo[i] = rng.integers(0, 40, (24, 24, 3)).astype(np.uint8)
        photo[i][:8, 16:] += np.uint8(180 * label[i])
    fill = ["one", "two", "three", "four", "five", "six"]
    X = pd.DataFrame({
        "review": [" ".join(rng.permutation([*rng.choice(fill, 3), "warm" if y else "torn"])) for y in label],
        "photo": photo,
        "idle": rng.normal(size=n),
        "size": label + 0.1 * rng.normal(size=n),
    })  # fmt: skip
    return X, label


def strongest(model, X):
    return strongest_parts(model, X).groupby(["task", "view"], sort=False).first()


def test_the_parts_that_carry_the_label_come_first(rows):
    X, label = rows
    views = [
        ("review", TextExtractor(), "review"), ("photo", ImageExtractor(features=["thumbnail"]), "photo"),
        ("facts", TabularExtractor(), ["idle", "size"]),
    ]  # fmt: skip
    learners = {"classification": [("l", LogisticRegression())], "regression": [("r", Ridge())]}
    Y = pd.DataFrame({"kept": np.where(label, "yes", "no"), "stars": 10.0 * label + X["size"]})
    model = MultiOutputStack(views, learners, cv=2, random_state=0, meta_learner="mean")  # every view counts
    first = strongest(model.fit(X, Y), X)
    for task in Y:
        assert first.loc[(task, "facts"), "part"] == "size"
        assert first.loc[(task, "photo"), "part"] == "the top right"
        if first.loc[(task, "review"), "moved"]:  # a number may be told without it
            assert first.loc[(task, "review"), "part"] in ("“warm”", "“torn”")
    assert 0 < first.loc["kept", "moved"].min() and first.loc["kept", "moved"].max() <= 1


def test_rows_that_lack_a_view_and_arrays_are_passed_over():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = StackedRegressor(learners=[("r", Ridge())], cv=2).fit(X, X[:, 0])
    assert strongest_parts(model, X)["moved"].notna().all()
