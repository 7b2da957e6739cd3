import numpy as np
import pytest

from ensemble_mm.learners._networks import as_state, build, fused, pick_device, quiet_torch, run, train

torch = pytest.importorskip("torch")

TEXT = {"kind": "text", "n_tokens": 12, "embedding_dim": 4, "widths": [1, 3], "n_filters": [5, 5], "dropout": 0.0,
        "n_outputs": 2}  # fmt: skip
IMAGE = {"kind": "image", "image_shape": [8, 8, 1], "widths": [4, 8], "n_inner": [4, 8], "augment": 0.1, "dropout": 0.0,
         "n_outputs": 2}  # fmt: skip
SETTINGS = {"max_epochs": 3, "batch_size": 16, "learning_rate": 1e-2, "weight_decay": 0.0, "optimizer": "adamw",
            "schedule": "one-cycle", "patience": 2, "device": "cpu"}  # fmt: skip


@pytest.fixture
def words():
    X = np.random.default_rng(0).integers(1, 12, size=(60, 6))
    return X, np.c_[(X == 3).any(axis=1), np.ones(60)].astype(np.float32)


def make(shape, seed=0):
    with quiet_torch(seed):
        return build(shape)


@pytest.mark.parametrize("shape", [TEXT, IMAGE], ids=["text", "image"])
def test_a_state_rebuilds_the_same_network(shape):
    X = np.random.default_rng(0).integers(0, 12, (7, 6)) if shape is TEXT else np.random.rand(7, 64).astype(np.float32)
    module = make(shape)
    out = run(module, X, "cpu")
    assert out.shape == (7, 2) and out.dtype == np.float64
    np.testing.assert_array_equal(run(build(shape, as_state(module)), X, "cpu"), out)


def test_norms_go_into_their_convolutions():
    X, module = np.random.default_rng(0).random((20, 64)).astype(np.float32), make(IMAGE)
    target = np.c_[X[:, 0] > 0.5, np.ones(20)].astype(np.float32)
    train(module, X, target, [2], SETTINGS)  # so that norms are not 0 and 1
    out = run(module, X, "cpu")
    whole = fused(module)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in whole.modules())
    np.testing.assert_allclose(run(whole, X, "cpu"), out, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing():
    module, X = make(TEXT), np.random.default_rng(0).integers(1, 12, (5, 6))
    padded = np.hstack([X, np.zeros((5, 20), dtype=X.dtype)])
    np.testing.assert_allclose(run(module, padded, "cpu"), run(module, X, "cpu"), atol=1e-6)


def test_a_text_shorter_than_the_widest_filter_has_an_output():
    assert np.isfinite(run(make(TEXT), np.array([[3, 0, 0], [0, 0, 0]]), "cpu")).all()


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_training_lowers_the_loss_and_tells_of_every_epoch(words, schedule, optimizer):
    X, target = words
    settings = SETTINGS | {"schedule": schedule, "optimizer": optimizer, "max_epochs": 8, "learning_rate": 0.05}
    with quiet_torch(0):
        history = train(build(TEXT), X, target, [2], settings)
    assert [row["epoch"] for row in history] == list(range(1, 9))
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    rates = [row["learning_rate"] for row in history]
    assert (len(set(rates)) == 1) == (schedule == "constant")


def test_rows_of_weight_zero_and_unknown_targets_teach_nothing(words):
    X, target = words
    target = np.c_[target[:, 0], np.full(60, np.nan), target[:, 1]].astype(np.float32)
    wrong = target.copy()
    wrong[30:, 0], wrong[30:, 2] = 1 - wrong[30:, 0], 0.0
    target[30:, 2] = 0.0
    states = []
    for rows in (target, wrong):
        with quiet_torch(0):
            module = build({**TEXT, "n_outputs": 3})
            train(module, X, rows, [2, 0], SETTINGS)
        states.append(as_state(module))
    for key, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][key])


def test_early_stopping_keeps_the_best_weights(words):
    X, target = words
    settings = SETTINGS | {"max_epochs": 40, "learning_rate": 0.3, "schedule": "constant"}
    aside = (X[:20], target[:20])
    with quiet_torch(0):
        module = build(TEXT)
        history = train(module, X[20:], target[20:], [2], settings, aside)
    assert len(history) < 40
    scores = run(module, aside[0], "cpu")
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    loss = -scores[np.arange(20), aside[1][:, 0].astype(int)].mean()
    np.testing.assert_allclose(loss, min(row["valid_loss"] for row in history), atol=1e-4)


def test_masked_weights_stay_zero(words):
    X, target = words
    with quiet_torch(0):
        module = build(TEXT)
        masks = {"head.weight": np.zeros((2, 10), np.float32)}
        train(module, X, target, [2], SETTINGS, masks=masks)
    assert not as_state(module)["head.weight"].any()


def test_torch_is_left_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    with quiet_torch(0):
        torch.rand(3)
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads and torch.equal(torch.rand(1), expected)


def test_auto_takes_a_gpu_where_there_is_one():
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu") == "cpu"


@pytest.mark.parametrize("steps", range(1, 9))
def test_a_training_of_any_number_of_steps_ends(steps):
    """Three steps of the one-cycle schedule divided by zero."""
    X, target = np.ones((2, 4), np.int64), np.c_[[0.0, 1.0], [1.0, 1.0]].astype(np.float32)
    shape = {"kind": "text", "n_tokens": 2, "embedding_dim": 2, "widths": [1], "n_filters": [2], "dropout": 0.0,
             "n_outputs": 2}  # fmt: skip
    history = train(build(shape), X, target, [2], SETTINGS | {"max_epochs": steps})
    assert len(history) == steps and all(np.isfinite(row["train_loss"]) for row in history)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("device", "words"), [("cuda", "is not there: torch finds 0"), ("gpu", "is not known"), (3.5, "is not known")]
)
def test_a_device_that_is_not_there_is_told_in_our_words(device, words):
    with pytest.raises(ValueError, match=f"device={device!r} {words}"):
        pick_device(device)
