import numpy as np
import pandas as pd
import pytest
from scipy.stats import skew
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ensemble_mm import StackedClassifier
from ensemble_mm.features import TabularExtractor, _tabular


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 60
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "income": np.exp(rng.normal(8, 2, n)),
            "shop": rng.choice(["north", "south"], n),
            "name": [f"person {i % 40}" for i in range(n)],
            "when": pd.date_range("2020-01-01", periods=n, freq="W"),
            "flag": rng.random(n) > 0.5,
            "same": 1.0,
            "code": [str(i) for i in range(n)],
        }
    ).mask(rng.random((n, 8)) < 0.1)


def test_features_are_finite_standardised_and_named(table):
    extractor = TabularExtractor()
    X = extractor.fit_transform(table)
    names = extractor.get_feature_names_out()
    assert X.dtype == np.float32 and np.isfinite(X).all() and X.shape == (60, len(names))
    assert extractor.kinds_ == {"age": "number", "income": "number", "shop": "category", "name": "category",
                                "when": "date", "flag": "number", "same": "number", "code": "number"}  # fmt: skip
    age = X[:, list(names).index("age")]
    assert abs(age.mean()) < 1e-5 and age.std() == pytest.approx(1, abs=1e-3)
    assert "same" not in names and "age_missing" in names


def test_skewed_numbers_become_even(table):
    X = TabularExtractor().fit_transform(table[["income"]])[:, 0]
    raw = TabularExtractor(log_skewed=False).fit_transform(table[["income"]])[:, 0]
    assert abs(skew(X)) < skew(raw) / 2


def test_values_not_seen_in_fit_are_all_zeros(table):
    extractor = TabularExtractor().fit(table[["shop"]].dropna())
    new = extractor.transform(pd.DataFrame({"shop": ["west", "north"]}))
    assert new.tolist() == [[0, 0], [1, 0]]


def test_a_hole_in_a_category_is_called_missing():
    names = TabularExtractor().fit(pd.DataFrame({"shop": ["north", None, "south"]})).get_feature_names_out()
    assert names.tolist() == ["shop_missing", "shop_north", "shop_south"]


def test_what_holds_nothing_or_is_infinite_stays_finite():
    X = pd.DataFrame({"a": [np.inf, 1.0, -np.inf, 1e300], "b": [None, None, None, None], "c": [1.0, 1.0, 1.0, 1.0]})
    assert np.isfinite(TabularExtractor().fit_transform(X)).all()


def test_arrays_and_frames_of_polars_are_read():
    pl = pytest.importorskip("polars")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
    polars = pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
    np.testing.assert_array_equal(TabularExtractor().fit_transform(frame), TabularExtractor().fit_transform(polars))
    mixed = TabularExtractor().fit_transform(frame.to_numpy(object))
    np.testing.assert_array_equal(mixed, TabularExtractor().fit_transform(frame))


def test_augmented_numbers_move_a_little_and_the_rest_stays(table):
    new = TabularExtractor().augment(table, random_state=0)
    assert (new["age"] - table["age"]).std() < 0.1 * table["age"].std()
    assert new["shop"].equals(table["shop"]) and new["age"].isna().equals(table["age"].isna())


@pytest.mark.parametrize("kind", ["binary", "three classes", "numbers"])
def test_averages_of_labels_leave_out_a_rows_own(kind):
    """Labels are noise: an average that holds a row's own label would seem to know it."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"code": [f"c{i}" for i in rng.integers(0, 150, 400)], "size": rng.normal(size=400)})
    y = {"binary": rng.integers(0, 2, 400).astype(float), "three classes": rng.integers(0, 3, 400).astype(float),
         "numbers": rng.normal(size=400)}[kind]  # fmt: skip
    extractor = TabularExtractor(target_encoding=True)
    F = extractor.fit_transform(X, y)
    names = list(extractor.get_feature_names_out())
    coded = [i for i, name in enumerate(names) if name.startswith("code_target")]
    assert F.shape[1] == len(names) and len(coded) == (3 if kind == "three classes" else 1)
    label = y if kind != "three classes" else (y == 2)
    assert abs(np.corrcoef(F[:, coded[-1]], label)[0, 1]) < 0.2
    assert np.corrcoef(extractor.transform(X)[:, coded[-1]], label)[0, 1] > 0.3  # these rows have been seen
    new = extractor.transform(pd.DataFrame({"code": ["never seen"], "size": [0.0]}))
    assert new[0, coded[-1]] == pytest.approx(label.mean(), abs=1e-3)
    with pytest.raises(ValueError, match="requires y"):
        TabularExtractor(target_encoding=True).fit(X)


def test_averages_of_labels_help_a_stack():
    """150 codes of which each has a class: too many for one column a value."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 150, 900)
    y = (rng.random(150) < 0.5)[code].astype(int)
    X = pd.DataFrame({"code": [f"c{i}" for i in code]})
    learners = [("linear", make_pipeline(StandardScaler(), LogisticRegression()))]
    scores = []
    for coded in (False, True):
        views = [("facts", TabularExtractor(target_encoding=coded), ["code"])]
        model = StackedClassifier(views=views, learners=learners, cv=3, random_state=0).fit(X[:600], y[:600])
        scores.append(model.score(X[600:], y[600:]))
    assert scores[1] > 0.85 and scores[1] > scores[0] + 0.1


def test_dates_have_hours_and_one_order():
    """05/02 is in February where another date of the column begins with a 13."""
    extractor = TabularExtractor(log_skewed=False)
    names = extractor.fit(pd.DataFrame({"when": ["05/02/2024 08:00", "13/02/2024 20:00"] * 8})).get_feature_names_out()
    assert "when_hour" in names and "when_month" not in names and "when_days" in names


def test_categories_of_many_codes_of_digits_are_numbers_too():
    codes = [f"0{i % 40:03d}" for i in range(200)]
    names = TabularExtractor().fit(pd.DataFrame({"shop": codes})).get_feature_names_out().tolist()
    assert names[-2:] == ["shop_frequency", "shop_number"] and len(names) == 22
    unique = pd.DataFrame({"zip": [f"0{i:04d}" for i in range(200)]})
    assert TabularExtractor().fit(unique).get_feature_names_out().tolist() == ["zip_number"]
    values = TabularExtractor().fit_transform(unique)[:, 0]
    assert (np.diff(values) > 0).all()


def test_averages_are_of_few_numbers_that_are_not_whole_too():
    """Ratings by half stars are no classes."""
    rng = np.random.default_rng(0)
    code, groups = rng.integers(0, 60, 400), np.arange(400) // 2
    y = (code % 5 + 1) / 2
    X = pd.DataFrame({"code": [f"c{i}" for i in code]})
    for given in (None, groups):
        F = TabularExtractor(target_encoding=True).fit_transform(X, y, groups=given)
        assert np.corrcoef(F[:, -1], y)[0, 1] > 0.8


def test_averages_of_labels_leave_out_the_group_of_a_row():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 5)
    X, y = pd.DataFrame({"who": [f"person {group}" for group in groups]}), rng.normal(size=40)[groups]
    extractor = TabularExtractor(max_categories=1, target_encoding=True)
    apart, together = (np.corrcoef(extractor.fit_transform(X, y, groups=g)[:, -1], y)[0, 1] for g in (None, groups))
    assert apart > 0.9 and abs(together) < 0.4
    assert not isinstance(extractor._encoder.cv, list)  # no part of a model


def test_many_rows_are_made_features_in_parts(table, monkeypatch):
    X = pd.concat([table] * 3, ignore_index=True)
    whole = TabularExtractor().fit_transform(X)
    monkeypatch.setattr(_tabular, "ROWS", 7)
    np.testing.assert_array_equal(TabularExtractor().fit_transform(X), whole)


@pytest.mark.filterwarnings("ignore:who. 1 of 3")
@pytest.mark.parametrize("target", ["number", "two", "three"])
def test_averages_of_labels_are_those_of_the_encoder(target):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"who": rng.choice(list("abcdefgh"), 200), "size": rng.normal(size=200),
                      "where": rng.choice(["x", "y", "z", None], 200)})  # fmt: skip
    y = {"number": X["size"], "two": X["who"] < "d", "three": X["who"].map(ord) % 3}[target]
    extractor = TabularExtractor(max_categories=1, target_encoding=True).fit(X, y)
    new = pd.DataFrame({"who": ["a", "h", "new", None], "size": 0.0, "where": ["z", None, "new", "x"]})
    wanted = extractor._encoder.transform([["a", "z"], ["h", ""], ["new", "new"], ["", "x"]]).astype(np.float32)
    np.testing.assert_array_equal(extractor.transform(new)[:, -wanted.shape[1] :], wanted)


def test_averages_are_those_of_the_last_fit():
    X, y = pd.DataFrame({"who": list("abcd") * 10}), np.arange(40.0)
    extractor = TabularExtractor(max_categories=1, target_encoding=True)
    first, second = (extractor.fit(X, labels).transform(X)[:, -1] for labels in (y, -y))
    np.testing.assert_allclose(first, -second)
