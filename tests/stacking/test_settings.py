"""A setting that cannot be meant is told before anything is fitted, with the nearest name that can."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer_names, make_scorer, mean_absolute_error, roc_auc_score
from sklearn.utils.estimator_checks import check_param_validation

from ensemble_mm import MultiOutputStack, StackedClassifier, StackedRegressor, TextExtractor, compare_strategies
from ensemble_mm._kinds import Classes, Numbers
from ensemble_mm._scorers import check_scorer
from ensemble_mm.features import VectorExtractor
from ensemble_mm.learners import TunedLearner
from ensemble_mm.meta import GreedyClassifier, OrderedPruner, RedundancyPruner, SimplexRegressor

STACKS = [StackedClassifier, StackedRegressor, MultiOutputStack]


class UntouchedClassifier(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a learner was fitted before the settings were checked")


class UntouchedExtractor(VectorExtractor):
    def fit(self, X, y=None):
        raise AssertionError("a view was extracted before the settings were checked")

    fit_transform = fit


def classifier(**settings):
    settings = {"views": [("v", UntouchedExtractor(), [0, 1])], "learners": [("l", UntouchedClassifier())]} | settings
    return StackedClassifier(cv=2, **settings)


X, Y = [[0.0, 1.0], [1.0, 0.0]] * 6, [0, 1] * 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"meta_learner": "gredy"}, "meta_learner='gredy' is not known.*Did you mean 'greedy'?"),
        ({"meta_learner": {"binary": "liner"}}, "meta_learner='liner' is not known.*Did you mean 'linear'?"),
        ({"meta_learner": Ridge()}, "does not fit a binary task: give a classifier"),
        ({"meta_learner": SimplexRegressor()}, "does not fit a binary task: give a classifier"),
        ({"meta_learner": GreedyClassifier}, "is not an estimator"),
        ({"meta_learner": {"binary": LogisticRegression(C=-1.0)}}, "'C' parameter of LogisticRegression .* Got -1.0"),
        ({"scoring": "aurocc"}, "scoring='aurocc' is not known.*Did you mean 'roc_auc'?"),
        ({"scoring": {"classification": "acuracy"}}, "scoring='acuracy' is not known.*Did you mean 'accuracy'?"),
        ({"scoring": "r2"}, r"scoring='r2' cannot judge two classes \(it is for a number\)"),
        ({"scoring": "neg_mean_absolute_error"}, "cannot judge two classes"),
        ({"scoring": 3}, "scoring=3 is not a scorer"),
        ({"prune": "x"}, "'prune' parameter .* Got 'x'"),
        ({"prune": "atuo"}, "'prune' parameter .* Did you mean 'auto'?"),
        ({"prune": -3}, "'prune' parameter .* Got -3"),
        ({"prune": 0}, "'prune' parameter .* Got 0"),
        ({"prune": 1.5}, "'prune' parameter .* Got 1.5"),
        ({"prune": OrderedPruner}, "prune=.* is a class: give an instance of it"),
        ({"prune": SelectKBest(k=-1)}, "'k' parameter of SelectKBest .* Got -1"),
        ({"calibration": "isotone"}, "calibration='isotone' is not known.*Did you mean 'isotonic'?"),
        ({"on_error": "drp"}, "'on_error' parameter .* Got 'drp' instead. Did you mean 'drop'?"),
        ({"learners": "balancd"}, "learners='balancd' is not known.*Did you mean 'balanced'?"),
        ({"learners": [("l", UntouchedClassifier()), ("c", LogisticRegression(C="1"))]}, "'C' parameter .* Got '1'"),
        ({"cache": 3}, "'cache' parameter .* Got 3"),
        ({"random_state": "0"}, "'random_state' parameter .* Got '0'"),
    ],
)
def test_nothing_is_fitted_with_a_setting_that_cannot_be_meant(settings, words):
    """The misspelt meta-learner was found after all fits, the number of members to keep below zero never."""
    with pytest.raises((ValueError, TypeError), match=words):
        classifier(**settings).fit(X, Y)
    with pytest.raises((ValueError, TypeError), match=words):
        classifier(**settings).plan(X, Y)


@pytest.mark.parametrize("settings", [{"threshold": "f1"}, {"class_weight": "balancd"}, {"threshold": {"a": 2.0}}])
def test_what_is_for_classes_is_refused_where_no_task_has_any(settings):
    with pytest.raises(ValueError, match="is for classes, and no task has any: leave it out"):
        StackedRegressor(views=[("v", UntouchedExtractor(), [0, 1])], cv=2, **settings).fit(X, Y)


def test_a_comparison_checks_its_settings_too():
    with pytest.raises(ValueError, match="'strategy' parameter .* Got 'chian' instead. Did you mean 'chain'?"):
        compare_strategies(X, {"a": Y, "b": Y}, learners=[("l", UntouchedClassifier())], strategy="chian")
    with pytest.raises(ValueError, match="scoring='acuracy'"):
        compare_strategies(X, {"a": Y, "b": Y}, learners=[("l", UntouchedClassifier())], scoring={"a": "acuracy"})


def test_settings_by_task_are_judged_by_the_kind_of_each_task():
    views, learners = [("v", VectorExtractor(), [0, 1])], [("c", LogisticRegression()), ("r", Ridge())]
    targets = {"a": Y, "b": [float(i) / 3 for i in range(12)]}
    model = MultiOutputStack(views, learners, cv=2, scoring={"a": "accuracy", "b": "r2"}, random_state=0)
    assert set(model.fit(X, targets).meta_learners_) == {"a", "b"}
    for scoring, words in (({"a": "r2"}, "cannot judge two classes"), ({"b": "accuracy"}, "cannot judge a number"),
                           ("roc_auc", "cannot judge a number")):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            clone(model).set_params(scoring=scoring).fit(X, targets)


def test_every_scorer_of_scikit_learn_judges_classes_or_numbers_and_not_both():
    def fits(name, kind):
        try:
            check_scorer(name, kind)
        except ValueError as error:
            assert f"scoring={name!r} cannot judge" in str(error)
            return False
        return True

    names = get_scorer_names()
    two, three, numbers = ({name for name in names if fits(name, kind)} for kind in (Classes(2), Classes(5), Numbers()))
    assert not (two | three) & numbers
    assert set(names) - (two | three | numbers) == {name for name in names if name.endswith("_samples")}
    assert {"f1", "roc_auc", "positive_likelihood_ratio"} <= two - three
    assert {"accuracy", "neg_log_loss", "f1_macro", "roc_auc_ovr"} <= two & three
    assert {"r2", "neg_mean_squared_error", "neg_median_absolute_error", "neg_mean_gamma_deviance"} <= numbers


def test_a_callable_is_taken_at_its_word():
    check_scorer(lambda estimator, X, y: 0.0, Classes(2))
    check_scorer(None, Numbers())
    check_scorer(make_scorer(accuracy_score), Classes(2))


@pytest.mark.parametrize("metric", [accuracy_score, roc_auc_score, mean_absolute_error, int, lambda y, out: 0.0])
def test_a_metric_is_no_scorer_and_found_out_before_anything_is_fitted(metric):
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    for settings in ({"scoring": metric}, {"threshold": metric}):
        with pytest.raises(TypeError, match="is not called as a scorer is|is no scorer"):
            StackedClassifier(learners=[("l", UntouchedClassifier())], cv=2, **settings).fit(X, y)


@pytest.mark.parametrize(
    "settings",
    [{"threshold": {"size": "f1"}}, {"class_weight": {"size": "balanced"}}, {"calibration": {"size": "isotonic"}}],
)
def test_an_entry_of_a_task_without_classes_is_told(settings):
    X = np.random.default_rng(0).normal(size=(40, 2))
    Y = pd.DataFrame({"size": X[:, 0], "side": X[:, 1] > 0})
    learners = {"classification": [("l", LogisticRegression())], "regression": [("r", Ridge())]}
    with pytest.raises(ValueError, match="entry for task 'size', which has no classes"):
        MultiOutputStack(learners=learners, cv=2, **settings).fit(X, Y)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.__name__)
def test_every_parameter_is_declared_documented_and_checked(stack):
    estimator = stack(learners=[("l", LogisticRegression()), ("r", Ridge())], cv=2)
    names = list(inspect.signature(stack).parameters)
    assert names[:2] == ["views", "learners"] and len(names) >= 18
    check_param_validation(stack.__name__, estimator)
    text = stack.__doc__.partition("Attributes\n")[0]
    assert re.findall(r"^(\w+) : ", text, flags=re.MULTILINE) == names
    assert "{" + "parameters}" not in stack.__doc__ and "table_ : Table" in stack.__doc__
    for name, parameter in inspect.signature(stack).parameters.items():
        said = re.search(rf"^{name} : .*default=(\S+)$", text, flags=re.MULTILINE)
        assert said and eval(said[1]) == parameter.default


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (RedundancyPruner(measure="correlaton"), "'measure' parameter .* Did you mean 'correlation'?"),
        (TunedLearner(LogisticRegression(), search="rnadom"), "'search' parameter .* Did you mean 'random'?"),
        (TextExtractor(output="sprase"), "'output' parameter .* Did you mean 'sparse'?"),
    ],
)
def test_parts_are_checked_with_the_whole(part, words):
    if isinstance(part, TextExtractor):
        settings = {"views": [("v", UntouchedExtractor(), [0, 1]), ("w", part, [0])]}
    else:
        settings = {"prune": part} if isinstance(part, RedundancyPruner) else {"learners": [("tuned", part)]}
    with pytest.raises(ValueError, match=words):
        classifier(**settings).fit(X, Y)


@pytest.mark.parametrize(("learners", "name"), [("fast", "gbm"), (["ridge", "lightgbm"], "ridge")])
def test_learners_that_are_made_in_the_fit_have_nothing_to_set(learners, name):
    with pytest.raises(ValueError, match=rf"Invalid parameter '{name}': .* made in the fit.*learners=\[\('{name}', "):
        StackedRegressor(learners=learners).set_params(**{f"{name}__alpha": 1.0})
    with pytest.raises(ValueError, match="Invalid parameter 'alpha' for estimator"):
        StackedRegressor(learners=learners).set_params(alpha=1.0)
