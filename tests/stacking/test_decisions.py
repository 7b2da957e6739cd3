import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer

from ensemble_mm import ConfusionDisplay, MultiOutputStack, StackedClassifier, load, save

LEARNERS = [("linear", LogisticRegression()), ("ridge", Ridge())]


@pytest.fixture(scope="module")
def rare():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    score = X[:, 0] + 0.8 * rng.normal(size=400)
    return X, pd.DataFrame({"rare": np.where(score > 1.3, "yes", "no"), "size": X[:, 1]})


def test_a_threshold_is_used_by_all_that_decides_and_saved(rare, tmp_path):
    X, Y = rare
    plain = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0, strategy="independent").fit(X[:300], Y[:300])
    tuned = MultiOutputStack(
        learners=LEARNERS, cv=3, random_state=0, strategy="independent", threshold={"rare": "balanced_accuracy"}
    ).fit(X[:300], Y[:300])
    (threshold,) = tuned.thresholds_.values()
    proba = tuned.predict_proba(X[300:])["rare"]
    np.testing.assert_array_equal(proba, plain.predict_proba(X[300:])["rare"])
    said = tuned.predict(X[300:])["rare"].to_numpy()
    np.testing.assert_array_equal(said == "yes", proba[:, 1] > threshold)
    assert threshold < 0.4 and (said == "yes").sum() > (plain.predict(X[300:])["rare"] == "yes").sum()
    scores = tuned.evaluate(X[300:], Y[300:]).loc["rare"]
    assert scores["accuracy"] == pytest.approx(accuracy_score(Y["rare"][300:], said))
    save(tuned, tmp_path / "m.emm")
    again = load(tmp_path / "m.emm")
    assert again.thresholds_ == tuned.thresholds_
    pd.testing.assert_frame_equal(again.predict(X[300:]), tuned.predict(X[300:]))


def f1_of(truth, said):
    """The metric of scikit-learn without its checks: a threshold is chosen by some hundred calls."""
    return 2 * (truth * said).sum() / (truth.sum() + said.sum())


def test_the_leaderboard_judges_each_fold_by_the_threshold_of_the_others(rare):
    X, Y = rare
    own = make_scorer(f1_of)
    model = StackedClassifier(learners=LEARNERS[:1], cv=4, random_state=0, threshold=own).fit(X, Y["rare"])
    from ensemble_mm.meta import decision_threshold

    proba, y, scores = model.oof_["rare"], (Y["rare"] == "yes").to_numpy().astype(int), []
    for _, test in model.folds_:
        others = np.setdiff1d(np.arange(len(y)), test)
        scores.append(f1_score(y[test], proba[test, 1] >= decision_threshold(proba[others], y[others], "f1")))
    board = model.leaderboard().set_index("learner")
    assert board.loc["ensemble", "score"] == pytest.approx(np.mean(scores))
    assert board.loc["ensemble", "score_name"] == "f1_of"
    assert model.cv_results_.set_index("learner").loc["ensemble", "fold_1"] == pytest.approx(scores[1])
    plain = StackedClassifier(learners=LEARNERS[:1], cv=4, random_state=0).fit(X, Y["rare"])
    assert board.loc["ensemble", "loss"] == plain.leaderboard().set_index("learner").loc["ensemble", "loss"]
    confusion = ConfusionDisplay.from_estimator(model).confusion_matrix
    assert confusion[1, 1] > ConfusionDisplay.from_estimator(plain).confusion_matrix[1, 1]


def test_a_threshold_on_noise_looks_like_chance():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4):
        X, y = rng.normal(size=(120, 2)), rng.integers(0, 2, 120)
        model = StackedClassifier(learners=LEARNERS[:1], cv=4, random_state=0, threshold="balanced_accuracy").fit(X, y)
        found.append(model.leaderboard().set_index("learner").loc["ensemble", "score"])
    assert np.mean(found) < 0.54


def test_a_constant_guess_is_decided_as_is_best_for_it():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 2)), rng.random(120) < 0.3
    model = StackedClassifier(learners=LEARNERS[:1], cv=5, random_state=0, threshold="f1").fit(X, y)
    board = model.leaderboard().set_index("learner")
    assert board.loc["constant", "score"] == pytest.approx(2 * y.mean() / (1 + y.mean()), abs=0.01)


def test_costs_are_counted_in_the_leaderboard(rare):
    X, Y = rare
    model = StackedClassifier(learners=LEARNERS[:1], cv=3, random_state=0, threshold={"yes": 9.0}).fit(X, Y["rare"])
    assert model.thresholds_ == {"rare": pytest.approx(0.1)}
    missed = model.oof_["rare"][:, 1] > 0.1
    cost = np.where(Y["rare"] == "yes", 9 * ~missed, missed).mean()
    board = model.leaderboard().set_index("learner")
    assert board.loc["ensemble", "score"] == pytest.approx(-cost, abs=0.02)
    assert board.loc["linear", "score"] == pytest.approx(board.loc["ensemble", "score"], abs=0.1)


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        ("roc_auc", "judges probabilities, not decisions"),
        ("f2", "threshold='f2' is not known"),
        ("r2", "threshold='r2' cannot judge two classes"),
        (1.5, "lies between 0 and 1"),
        ({"yes": -1}, "a number above 0"),
        ({"rare": {"maybe": 2}}, "'maybe', which is not a class"),
        ({"rear": "f1"}, "neither a task nor a kind of task"),
    ],
)
def test_a_threshold_that_cannot_be_is_told_before_the_fit(rare, threshold, words):
    X, Y = rare
    with pytest.raises(ValueError, match=words):
        MultiOutputStack(learners=LEARNERS, threshold=threshold).fit(X, Y)


@pytest.mark.parametrize("threshold, suits", [("f1", ["rare"]), (0.3, ["rare"]), ("f1_macro", ["rare", "stars"])])
def test_one_rule_for_all_tasks_goes_to_those_that_it_suits(rare, threshold, suits, tmp_path):
    X, Y = rare
    Y = Y.assign(stars=np.digitize(X[:, 1], [-0.5, 0.5]))
    kinds = {"stars": "ordinal"}
    model = MultiOutputStack(learners=LEARNERS, cv=3, random_state=0, tasks=kinds, threshold=threshold).fit(X, Y)
    assert list(model.thresholds_) == suits
    assert np.isfinite(model.leaderboard()["score"]).all()
    more = model.add_task(X, {"more": (Y["stars"] > 1).astype(int) + (Y["stars"] > 0)}, tasks={"more": "ordinal"})
    assert {*more.thresholds_} == {*suits} | ({"more"} if threshold == "f1_macro" else set())
    with pytest.raises(ValueError, match="of task 'stars' is for two classes|cannot judge"):
        MultiOutputStack(learners=LEARNERS, cv=3, tasks=kinds, threshold="f1").fit(X, Y[["stars"]])
    with pytest.raises(ValueError, match="cannot judge ordered classes"):
        MultiOutputStack(learners=LEARNERS, cv=3, tasks=kinds, threshold={"stars": "f1"}).fit(X, Y)
