"""What names a file is told where it cannot be one, or where there is none."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import ensemble_mm as em


@pytest.mark.parametrize(
    "call", [lambda model, X: em.save("m.emm", model), lambda model, X: em.write_report(model, X, "r.html")]
)
def test_arguments_in_another_order_are_told(call):
    X = pd.DataFrame({"a": np.arange(20.0)})
    model = em.StackedRegressor(learners=[("ridge", Ridge())], cv=2, random_state=0).fit(X, X["a"])
    with pytest.raises(TypeError, match=r"path must be the name of a file, found a .*: write \w+\(model"):
        call(model, X)


def test_a_model_file_that_is_not_there_is_told_with_the_nearest(tmp_path):
    (tmp_path / "model.emm").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="There is no file .*modle.emm'. Did you mean 'model.emm'"):
        em.load(tmp_path / "modle.emm")


def test_a_name_that_would_be_a_pattern_is_a_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        em.load(tmp_path / "model.**")
