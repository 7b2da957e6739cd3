"""Learners get the metadata that they ask for: of their own rows, and by scikit-learn's rules."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import ensemble_mm as em
from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor, TunedLearner
from ensemble_mm._metadata import Metadata, known_names
from ensemble_mm.store import content_key

AS_IT_IS = [("v", FunctionTransformer(), [0, 1])]  # the second column numbers the rows


class Priced(RegressorMixin, BaseEstimator):
    """Notes what it was given; predicts the mean, moved by a parameter."""

    seen: list = []

    def __init__(self, move=0.0):
        self.move = move

    def fit(self, X, y, sample_weight=None, price=None, scale=None):
        self.seen.append((np.asarray(X)[:, 1].astype(int), price, sample_weight, scale))
        self.mean_, self.n_features_in_ = np.mean(y) + self.move, np.shape(X)[1]
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class PricedClassifier(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, price=None):
        Priced.seen.append((np.asarray(X)[:, 1].astype(int), price, None, None))
        self.classes_, self.shares_ = np.unique(y), np.bincount(y) / len(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture
def rows():
    """Rows whose second column is their number, targets, and prices by which they are known."""
    Priced.seen = []
    n = 60
    X = np.c_[np.random.default_rng(0).normal(size=n), np.arange(n)]
    return X, X[:, 0], 100.0 + np.arange(n)


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def check_own_rows(least=1):
    assert len(Priced.seen) >= least
    for numbers, price, *_ in Priced.seen:
        np.testing.assert_array_equal(np.asarray(price), 100.0 + numbers)


def asking():
    return Priced().set_fit_request(price=True)


ASKING = {
    "alone": asking,
    "pipeline": lambda: make_pipeline(FunctionTransformer(), asking()),
    "search": lambda: GridSearchCV(asking(), {"move": [0.0, 1.0]}, cv=2),
    "tuned": lambda: TunedLearner(asking(), {"move": [0.0, 1.0]}, search="grid", cv=2),
    "tuned pipeline": lambda: TunedLearner(make_pipeline(FunctionTransformer(), asking()), {"priced__move": [1.0]}),
    "bagging": lambda: BaggingRegressor(asking(), n_estimators=2, bootstrap=False),
}


@pytest.mark.parametrize("make", ASKING.values(), ids=ASKING)
def test_learners_and_what_they_hold_get_what_is_of_their_rows(make, rows):
    X, y, price = rows
    model = StackedRegressor(AS_IT_IS, [("priced", make()), ("ridge", Ridge())], cv=3, random_state=0)
    model.fit(X, y, price=price)
    check_own_rows(4)
    assert {len(numbers) for numbers, *_ in Priced.seen} >= {40, 60}  # folds, and the refit
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    "kind", [list, pd.Series, lambda v: pd.Series(v, index=np.arange(60)[::-1]), lambda v: pd.array(v, "Float64")]
)
def test_any_container_of_rows_is_cut_by_place(kind, rows):
    X, y, price = rows
    StackedRegressor(AS_IT_IS, [("priced", asking())], cv=3).fit(X, y, price=kind(price))
    check_own_rows(4)


def test_what_has_no_rows_serves_all_of_them(rows):
    X, y, _ = rows
    learner = Priced().set_fit_request(scale=True)
    for scale in (2.0, "x" * 60, [1, 2, 3], {"a": 1}, None):
        Priced.seen.clear()
        StackedRegressor(AS_IT_IS, [("priced", learner)], cv=3).fit(X, y, scale=scale)
        assert all(told[3] is scale or told[3] == scale for told in Priced.seen)


def test_weights_are_passed_as_they_are_asked_for(rows):
    X, y, price = rows
    weight = 1.0 + np.arange(60)

    def told(learner, **given):
        Priced.seen.clear()
        StackedRegressor(AS_IT_IS, [("priced", learner)], cv=3).fit(X, y, **given)
        return [(numbers, own) for numbers, _, own, _ in Priced.seen]

    for learner in (asking(), asking().set_fit_request(sample_weight=True),
                    make_pipeline(FunctionTransformer(), asking().set_fit_request(sample_weight=True))):  # fmt: skip
        assert all((own == 1.0 + numbers).all() for numbers, own in told(learner, sample_weight=weight, price=price))
    none = told(asking().set_fit_request(sample_weight=False), sample_weight=weight, price=price)
    assert all(own is None for _, own in none)
    others = told(Priced().set_fit_request(sample_weight="price"), sample_weight=weight, price=price)
    assert all((own == 100.0 + numbers).all() for numbers, own in others)


def test_missing_labels_groups_copies_and_several_tasks_keep_rows_together(rows):
    X, y, price = rows
    Y = pd.DataFrame({"a": y, "b": np.where(np.arange(60) % 4, y, np.nan), "c": (y > 0).astype(int)})
    learners = [("priced", asking()), ("classes", PricedClassifier().set_fit_request(price=True))]
    model = MultiOutputStack(AS_IT_IS, learners, cv=GroupKFold(3), random_state=0, strategy="chain")
    model.fit(X, Y, groups=np.arange(60) // 5, price=price)
    check_own_rows(12)
    Priced.seen.clear()
    model.add_task(X, pd.DataFrame({"d": -y}), price=price)
    check_own_rows(4)
    Priced.seen.clear()
    model.add_learner(X, Y[["a"]], ("more", Priced(1.0).set_fit_request(price=True)), price=price)
    check_own_rows(4)
    Priced.seen.clear()
    by_folds = MultiOutputStack(AS_IT_IS, learners, cv={"a": 2, "b": 3}, random_state=0)
    by_folds.fit(X, Y, price=price)
    check_own_rows(9)
    Priced.seen.clear()
    assert by_folds.plan(X, Y, price=price, measure=True).seconds
    check_own_rows(1)


def test_the_stack_hands_on_within_what_holds_it(rows):
    X, y, price = rows
    stack = StackedRegressor(AS_IT_IS, [("priced", asking())], cv=2, random_state=0)
    cross_validate(stack, X, y, params={"price": price}, cv=2)
    GridSearchCV(stack, {"priced__move": [0.0, 1.0]}, cv=2).fit(X, y, price=price)
    make_pipeline(FunctionTransformer(), clone(stack)).fit(X, y, price=price)
    check_own_rows(20)


def test_kinds_with_losses_of_their_own_hand_on(rows):
    from sklearn.linear_model import QuantileRegressor

    X, y, price = rows

    class Levels(QuantileRegressor):
        def fit(self, X, y, sample_weight=None, price=None):
            Priced.seen.append((np.asarray(X)[:, 1].astype(int), price, None, None))
            return super().fit(X, y, sample_weight)

    class QuantileRegressor(Levels):  # known by its name
        pass

    learner = QuantileRegressor(alpha=0).set_fit_request(price=True)
    model = MultiOutputStack(AS_IT_IS, [("q", learner)], cv=2, tasks={"y": "quantile"})
    model.fit(X, pd.DataFrame({"y": y}), price=price)
    check_own_rows()


def test_errors_are_scikit_learns(rows):
    X, y, price = rows
    model = StackedRegressor(AS_IT_IS, [("priced", Priced())], cv=2)
    with pytest.raises(TypeError, match=r"'price'.*set_fit_request\(price=True\)"):
        model.fit(X, y, price=price)
    with pytest.raises(TypeError, match="sample_weight"):
        model.fit(X, y, sampel_weight=price)
    with config_context(enable_metadata_routing=False), pytest.raises(ValueError, match="enable_metadata_routing"):
        model.fit(X, y, price=price)
    unset = make_pipeline(StandardScaler(), asking())
    with pytest.raises(ValueError, match="sample_weight.*not explicitly set"):
        model.set_params(learners=[("p", unset)]).fit(X, y, sample_weight=price, price=price)
    assert not Priced.seen


def test_checkpoints_and_twins_know_requests_and_values(rows, tmp_path):
    X, y, price = rows
    twins = [("priced", asking()), ("plain", Priced())]
    assert content_key(twins[0][1]) != content_key(twins[1][1])
    model = StackedRegressor(AS_IT_IS, twins, cv=2, random_state=0, checkpoint=tmp_path)
    model.fit(X, y, price=price)
    assert {told[1] is None for told in Priced.seen} == {True, False}
    Priced.seen.clear()
    model.fit(X, y, price=price)
    assert not Priced.seen
    model.fit(X, y, price=-price)
    assert [told for told in Priced.seen if told[1] is not None]


def test_models_with_requests_are_saved(rows, tmp_path):
    X, y, price = rows
    ridge = Ridge().set_fit_request(sample_weight="price")
    search = GridSearchCV(Ridge().set_fit_request(sample_weight="price"), {"alpha": [1.0, 9.0]}, cv=2)
    model = StackedRegressor(AS_IT_IS, [("ridge", ridge), ("search", search)], cv=2, random_state=0)
    model.fit(X, y, price=price)
    em.save(model, tmp_path / "m.emm")
    again = em.load(tmp_path / "m.emm")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_weights_by_another_name_are_weights(rows):
    X, y, price = rows
    named = LogisticRegression().set_fit_request(sample_weight="price")
    model = StackedClassifier(AS_IT_IS, [("l", named)], cv=3, random_state=0, meta_learner="mean")
    plain = StackedClassifier(AS_IT_IS, [("l", LogisticRegression())], cv=3, random_state=0, meta_learner="mean")
    y, price = (y > 0).astype(int), np.where(y > 0.5, 50.0, 1.0)
    one = model.fit(X, y, price=price).predict_proba(X)
    same = plain.fit(X, y, sample_weight=price).predict_proba(X)
    assert not np.allclose(one, clone(plain).fit(X, y).predict_proba(X))
    np.testing.assert_allclose(one, same)


def test_sparse_and_several_columns_are_cut():
    given = {"a": sparse.coo_array(np.eye(6)), "b": pd.DataFrame({"x": range(6)}), "c": [[1]] * 6, "d": [1, [2]] * 3}
    some = Metadata.of(given, 6)[np.array([1, 4])].params
    assert [len(some[name]) if name != "a" else some[name].shape[0] for name in given] == [2] * 4
    assert Metadata.of({}, 6) is None
    mixed = Metadata.of({"e": ["a", 1, np.nan] * 2}, 6)[[0, 1, 2]].params["e"].tolist()
    assert mixed[:2] == ["a", 1] and np.isnan(mixed[2])
    assert known_names(object()) == {}


class Growing(Priced):
    """Learns on by `partial_fit`, with metadata of its own."""

    def partial_fit(self, X, y, cost=None):
        self.seen.append((np.asarray(X)[:, 1].astype(int), cost, None, None))
        self.count_ = getattr(self, "count_", 0) + len(y)
        return self


@pytest.mark.parametrize(
    "make", [lambda learner: learner, lambda learner: make_pipeline(FunctionTransformer(), learner)]
)
def test_new_rows_bring_their_metadata(make, rows, tmp_path):
    X, y, price = rows
    growing = Growing().set_fit_request(price=True).set_partial_fit_request(cost=True)
    model = StackedRegressor(AS_IT_IS, [("g", make(growing))], cv=2, random_state=0)
    model.fit(X[:40], y[:40], price=price[:40])
    em.save(model, tmp_path / "m.emm")
    for before in (model, em.load(tmp_path / "m.emm", trusted=[Growing, Priced])):
        Priced.seen.clear()
        more = before.update(X[40:], y[40:], cost=price[40:])
        check_own_rows()
        assert more.oof_["y"].shape == (60,)
    with pytest.raises(TypeError, match="got 'price_', for which no learner asks.*mean 'price'"):
        model.update(X[40:], y[40:], price_=price[40:])


def test_learners_that_are_fitted_anew_get_metadata_of_old_and_new_rows(rows):
    X, y, price = rows
    model = StackedRegressor(AS_IT_IS, [("p", asking())], cv=2, random_state=0).fit(X[:40], y[:40], price=price[:40])
    Priced.seen.clear()
    model.update(X[40:], y[40:], old=X[:40], price=price)
    check_own_rows()
    assert max(len(numbers) for numbers, *_ in Priced.seen) == 60
    with pytest.raises(ValueError, match="'price' has a value for each of the 20 new rows alone: with old= give those"):
        model.update(X[40:], y[40:], old=X[:40], price=price[40:])


def test_tasks_and_learners_that_are_added_bring_theirs(rows):
    X, y, price = rows
    model = MultiOutputStack(AS_IT_IS, [("p", asking())], cv=2, random_state=0).fit(X, {"a": y}, price=price)
    Priced.seen.clear()
    model.add_task(X, {"b": -y}, price=price)
    check_own_rows()
    Priced.seen.clear()
    model.add_learner(X, {"a": y}, ("q", Priced(1.0).set_fit_request(price="worth")), worth=price)
    check_own_rows()


class Named(Priced):
    def predict(self, X, offset=None):
        return super().predict(X)


def test_what_asks_elsewhere_than_where_learners_are_fitted_is_told(rows):
    X, y, price = rows
    learner = Named().set_predict_request(offset=True)
    with pytest.raises(ValueError, match="Learner 'n' .*'offset' in predict.* only where learners are fitted"):
        StackedRegressor(AS_IT_IS, [("n", learner)], cv=2).fit(X, y)
    views = [("v", StandardScaler().set_fit_request(sample_weight=True), [0, 1])]
    with pytest.raises(ValueError, match="extractor of view 'v' asks for 'sample_weight' in fit"):
        StackedRegressor(views, [("p", Priced())], cv=2).fit(X, y)
    with pytest.raises(ValueError, match="The meta-learner .* asks for 'price' in fit"):
        StackedRegressor(AS_IT_IS, [("p", Priced())], cv=2, meta_learner=asking()).fit(X, y)
