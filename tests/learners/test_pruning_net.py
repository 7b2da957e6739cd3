import numpy as np
import pytest

from ensemble_mm.learners._pruning_net import drop_image, drop_text, magnitude_masks, sizes_of


@pytest.fixture
def text_net():
    rng = np.random.default_rng(0)
    state = {
        "embedding.weight": rng.normal(size=(10, 4)),
        "convolutions.0.weight": rng.normal(size=(6, 4, 1)),
        "convolutions.0.bias": rng.normal(size=6),
        "convolutions.1.weight": rng.normal(size=(6, 4, 2)),
        "convolutions.1.bias": rng.normal(size=6),
        "head.weight": rng.normal(size=(3, 12)),
        "head.bias": rng.normal(size=3),
    }
    return {"n_filters": [6, 6], "widths": [1, 2]}, state


@pytest.mark.parametrize("amount", [0.0, 0.3, 0.5, 1.0])
def test_the_smallest_weights_go_and_no_more(text_net, amount):
    _, state = text_net
    masks = magnitude_masks(state, amount)
    kept = np.concatenate([np.abs(state[key])[mask == 1] for key, mask in masks.items()])
    gone = np.concatenate([np.abs(state[key])[mask == 0] for key, mask in masks.items()])
    assert len(gone) == round(amount * (len(gone) + len(kept)))
    assert not len(gone) or not len(kept) or gone.max() <= kept.min()


def test_biases_and_embeddings_are_not_masked(text_net):
    assert set(magnitude_masks(text_net[1], 0.5)) == {"convolutions.0.weight", "convolutions.1.weight", "head.weight"}


def test_a_filter_that_nothing_reads_goes_first(text_net):
    shape, state = text_net
    state["head.weight"][:, 2] = 0.0  # filter 2 of the first width
    state["head.weight"][:, 6 + 4] = 0.0  # filter 4 of the second
    small, left = drop_text(shape, state, 1 / 6)
    assert small["n_filters"] == [5, 5]
    np.testing.assert_array_equal(left["convolutions.0.weight"], np.delete(state["convolutions.0.weight"], 2, axis=0))
    np.testing.assert_array_equal(left["convolutions.1.bias"], np.delete(state["convolutions.1.bias"], 4))
    np.testing.assert_array_equal(left["head.weight"], np.delete(state["head.weight"], [2, 10], axis=1))


def test_one_filter_always_stays_and_the_original_is_left_alone(text_net):
    shape, state = text_net
    before = {key: value.copy() for key, value in state.items()}
    small, left = drop_text(shape, state, 1.0)
    assert small["n_filters"] == [1, 1] and left["head.weight"].shape == (3, 2)
    assert shape["n_filters"] == [6, 6]
    for key, value in before.items():
        np.testing.assert_array_equal(state[key], value)


def test_an_image_block_loses_the_filters_inside_only():
    rng = np.random.default_rng(0)
    state = {
        "blocks.0.first.weight": rng.normal(size=(4, 2, 3, 3)),
        "blocks.0.second.weight": rng.normal(size=(2, 4, 3, 3)),
    }
    for part in ("weight", "bias", "running_mean", "running_var"):
        state[f"blocks.0.first_norm.{part}"] = rng.normal(size=4)
    state["blocks.0.first_norm.weight"][1] = 0.0  # nothing leaves this filter
    small, left = drop_image({"n_inner": [4]}, state, 0.25)
    assert small["n_inner"] == [3]
    np.testing.assert_array_equal(left["blocks.0.first.weight"], np.delete(state["blocks.0.first.weight"], 1, axis=0))
    np.testing.assert_array_equal(left["blocks.0.second.weight"], np.delete(state["blocks.0.second.weight"], 1, axis=1))
    assert left["blocks.0.second.weight"].shape[0] == 2


def test_sizes_count_weights_and_what_is_not_zero():
    state = {"a.weight": np.array([[1.0, 0.0]]), "norm.running_mean": np.ones(5), "norm.num_batches": np.array(3)}
    assert sizes_of(state) == (2, 1)
