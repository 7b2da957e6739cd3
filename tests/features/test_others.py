"""Transformers of other packages in the place of ours."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder
from skrub import TableVectorizer

from ensemble_mm import StackedClassifier

N = 60
FACTS = ["size", "kind", "when"]


@pytest.fixture(scope="module")
def facts():
    rng = np.random.default_rng(0)
    y = np.arange(N) % 2
    X = pd.DataFrame(
        {
            "size": 3 * y + rng.normal(size=N),
            "kind": rng.choice(list("abc"), N),
            "when": pd.date_range("2020-01-01", periods=N).astype(str),
        }
    )
    return X, y


@pytest.mark.parametrize(
    "extractor",
    [
        TableVectorizer(),
        TargetEncoder(),
        make_pipeline(OneHotEncoder(handle_unknown="ignore")),
        ColumnTransformer([("n", StandardScaler(), ["size"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["kind"])]),
    ],
    ids=lambda extractor: type(extractor).__name__,
)
def test_any_transformer_reads_a_view(facts, extractor):
    X, y = facts
    holes = X.astype(object).copy()
    holes.iloc[::9] = None  # these rows have no facts: the view abstains
    model = StackedClassifier(
        views=[("facts", extractor, FACTS)],
        learners=[("linear", make_pipeline(StandardScaler(with_mean=False), LogisticRegression()))],
        cv=3,
        random_state=0,
    ).fit(holes, y)
    assert np.isnan(model.table_.to_frame().to_numpy()[::9]).all()
    assert np.isfinite(model.predict_proba(holes)).all()
    if isinstance(extractor, (TableVectorizer, ColumnTransformer)):  # those that read the size
        assert model.score(X, y) > 0.8
