from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge

from ensemble_mm import MultiOutputStack, StackedRegressor

LEARNERS = [("linear", LogisticRegression(), "each"), ("ridge", Ridge(), "each")]


@pytest.fixture
def fitted(reviews):
    X, Y = reviews
    return X, MultiOutputStack(learners=LEARNERS, cv=3, n_jobs=2, random_state=0).fit(X, Y)


def test_a_predictor_says_what_the_model_says(fitted):
    X, model = fitted
    X = X.copy()
    X.loc[3, "review"] = None
    quick = model.compiled()
    pd.testing.assert_frame_equal(quick.predict(X), model.predict(X))
    for method in ("predict_proba", "predict_interval", "predict_set"):
        wanted, got = (getattr(asked, method)(X) for asked in (model, quick))
        assert got.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_allclose(got[name], values, atol=1e-6)


def test_a_predictor_stays_as_it_is_when_its_model_is_fitted_again(vectors):
    X, y = vectors
    model = StackedRegressor(learners=[("ridge", Ridge())], cv=3, random_state=0).fit(X, y)
    quick, before = model.compiled(), model.predict(X)
    model.set_params(n_jobs=2).fit(X, -y)
    np.testing.assert_array_equal(quick.predict(X), before)
    assert not hasattr(quick, "predict_proba") and not hasattr(quick, "fit")


def test_threads_may_share_a_predictor(fitted):
    X, model = fitted
    quick, wanted = model.compiled(), model.predict(X)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda i: quick.predict(X.iloc[[i]]), range(40)))
    pd.testing.assert_frame_equal(pd.concat(rows), wanted[:40])


def test_a_model_that_is_not_fitted_is_not_compiled():
    with pytest.raises(NotFittedError):
        MultiOutputStack().compiled()
