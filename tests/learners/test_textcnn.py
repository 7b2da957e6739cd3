import numpy as np
import pytest

from ensemble_mm.learners import TextCNN, TextCNNClassifier, TextCNNRegressor

pytest.importorskip("torch")


def rows(n=80):
    X = np.random.default_rng(0).integers(2, 20, size=(n, 7))
    return X, (X == 5).any(axis=1).astype(int)


def test_the_task_picks_the_class():
    assert isinstance(TextCNN(n_filters=8), TextCNNClassifier)
    assert isinstance(TextCNN("regression", n_filters=8), TextCNNRegressor)
    with pytest.raises(ValueError, match="task"):
        TextCNN("ranking")


@pytest.mark.parametrize("bad", [np.array([[0.5, 1.0]] * 20), np.array([[-1, 2]] * 20)])
def test_what_is_no_token_position_is_told(bad):
    with pytest.raises(ValueError, match="tokens"):
        TextCNNClassifier().fit(bad, [0, 1] * 10)


def test_a_word_that_fit_has_not_seen_is_the_unknown_word():
    X, y = rows()
    model = TextCNNClassifier(max_epochs=1, random_state=0).fit(X, y)
    new, unknown = X[:5].copy(), X[:5].copy()
    new[:, 0], unknown[:, 0] = 999, 1
    np.testing.assert_array_equal(model.predict_proba(new), model.predict_proba(unknown))


def test_labels_come_back_as_they_were():
    X, y = rows()
    words = np.array(["no", "yes"])[y]
    model = TextCNNClassifier(max_epochs=1, random_state=0).fit(X, words)
    assert model.classes_.tolist() == ["no", "yes"] and set(model.predict(X)) <= {"no", "yes"}
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_numbers_keep_their_unit():
    X, y = rows()
    small = TextCNNRegressor(max_epochs=2, random_state=0).fit(X, y.astype(float))
    large = TextCNNRegressor(max_epochs=2, random_state=0).fit(X, 1000.0 * y - 3)
    np.testing.assert_allclose(large.predict(X), 1000 * small.predict(X) - 3, rtol=1e-4, atol=0.5)


def test_wrong_settings_are_told():
    X, y = rows()
    for settings in ({"optimizer": "rmsprop"}, {"schedule": "steps"}, {"dropout": 2.0}, {"max_epochs": 0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            TextCNNClassifier(**settings).fit(X, y)
