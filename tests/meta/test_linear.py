"""What "multinomial" adds to one weight per member, and where "auto" takes it."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from ensemble_mm.meta import AutoClassifier, LinearClassifier, MultinomialClassifier

N, K = 600, 5
SWAPPED, SEEN = [1, 0, 2, 3, 4], list(range(K))


def drawn(seed, seen, n=N, signal=1.5):
    """Return a table of two members and labels; the first member takes classes for what it sees."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, K, n)
    scores = rng.normal(size=(2, n, K)) + signal * np.eye(K)[[np.array(seen)[y], y]]
    cells = np.exp(scores)
    return np.hstack(cells / cells.sum(axis=2, keepdims=True)), y


@pytest.mark.parametrize("made", [MultinomialClassifier, AutoClassifier])
def test_classes_that_a_member_swaps_are_told_apart(made):
    T, y = drawn(0, SWAPPED)
    new, truth = drawn(1, SWAPPED, 4000)
    model = made(n_classes=K).fit(T, y)
    proba, before = model.predict_proba(new), LinearClassifier(n_classes=K).fit(T, y).predict_proba(new)
    assert log_loss(truth, proba) < log_loss(truth, before) - 0.05
    assert accuracy_score(truth, proba.argmax(axis=1)) > accuracy_score(truth, before.argmax(axis=1)) + 0.02
    if made is AutoClassifier:
        assert set(model.shares_) == {"multinomial"}
        assert "linear" not in model.losses_


@pytest.mark.parametrize("signal", [0.0, 1.5])
def test_auto_leaves_it_where_nothing_is_swapped(signal):
    taken = [AutoClassifier(n_classes=K).fit(*drawn(seed, SEEN, 200, signal)).shares_ for seed in range(12)]
    assert sum("multinomial" in shares for shares in taken) <= 1


def test_of_noise_it_adds_little():
    new, truth = drawn(99, SEEN, 4000, signal=0)
    lost = []
    for seed in range(10):
        both = (made(n_classes=K).fit(*drawn(seed, SEEN, 200, 0)) for made in (MultinomialClassifier, LinearClassifier))
        lost.append(np.subtract(*(log_loss(truth, model.predict_proba(new)) for model in both)))
    assert np.mean(lost) < 0.05


def test_an_absent_member_says_what_the_others_do_and_their_order_is_none():
    T, y = drawn(0, SWAPPED)
    model = MultinomialClassifier(n_classes=K).fit(T, y)
    turned = MultinomialClassifier(n_classes=K).fit(np.hstack([T[:, K:], T[:, :K]]), y)
    np.testing.assert_allclose(turned.matrix_[::-1], model.matrix_, atol=1e-8)
    absent = np.hstack([T[:, :K], np.full((N, K), np.nan)])
    np.testing.assert_allclose(model.predict_proba(absent), model.predict_proba(np.tile(T[:, :K], 2)), atol=1e-12)
    nothing = model.predict_proba(np.full((1, 2 * K), np.nan))
    np.testing.assert_allclose(nothing[0], np.bincount(y) / N)


def test_a_weight_is_so_many_rows():
    T, y = drawn(0, SWAPPED)
    times = np.random.default_rng(0).integers(0, 3, N)
    place = np.repeat(np.arange(N), times)
    weighed, repeated = (
        MultinomialClassifier(n_classes=K).fit(*given) for given in ((T, y, times), (T[place], y[place]))
    )
    np.testing.assert_allclose(weighed.matrix_, repeated.matrix_, atol=1e-4)
    one, two = (AutoClassifier(n_classes=K).fit(*given) for given in ((T, y, times), (T[place], y[place])))
    np.testing.assert_allclose(one.predict_proba(T), two.predict_proba(T), atol=1e-3)


def test_a_strong_penalty_and_very_many_classes_leave_the_weights():
    T, y = drawn(0, SWAPPED)
    proba = LinearClassifier(n_classes=K).fit(T, y).predict_proba(T)
    np.testing.assert_allclose(
        MultinomialClassifier(ridge=1e9, n_classes=K).fit(T, y).predict_proba(T), proba, atol=1e-5
    )
    many = np.random.default_rng(0).dirichlet(np.ones(300), size=(400, 2)).reshape(400, -1)
    assert MultinomialClassifier(n_classes=300).fit(many, np.arange(400) % 300).matrix_ is None
