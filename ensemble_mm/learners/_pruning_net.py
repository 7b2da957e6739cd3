"""Network pruning on plain arrays: small weights become 0, or weak filters go.

Nothing here needs torch: a network is its `shape` (a dict) and its `state` (arrays).
"""

import numpy as np


def magnitude_masks(state, amount):
    """Return masks that drop the smallest weights, by magnitude over all layers together.

    Convolutions and heads are pruned (Han et al. 2015); biases, norms and embeddings stay.

    Parameters
    ----------
    state : dict of str to ndarray
        Weights.
    amount : float in [0, 1]
        Share of the weights to drop.

    Returns
    -------
    dict of str to ndarray of float32
        1 where a weight stays, 0 where it goes.
    """
    names = [key for key, value in state.items() if value.ndim >= 2 and not key.startswith("embedding")]
    everything = np.concatenate([np.abs(state[key]).ravel() for key in names])
    n_dropped = int(round(amount * len(everything)))
    masks = {key: np.ones(state[key].size, dtype=np.float32) for key in names}
    dropped = np.argsort(everything, kind="stable")[:n_dropped]
    start = 0
    for key in names:
        size = state[key].size
        here = dropped[(dropped >= start) & (dropped < start + size)] - start
        masks[key][here] = 0.0
        masks[key] = masks[key].reshape(state[key].shape)
        start += size
    return masks


def _strongest(strength, amount):
    n_kept = max(1, int(round(len(strength) * (1 - amount))))
    return np.sort(np.argsort(-strength, kind="stable")[:n_kept])


def _norms(weights):
    return np.sqrt((weights.reshape(len(weights), -1).astype(np.float64) ** 2).sum(axis=1))


def drop_text(shape, state, amount):
    """Return the shape and state of a network on texts without a share of the filters of each layer; one always stays.

    The weakest go. A filter's strength is the product of the norm of its weights and of what reads it (Li et al. 2017
    use the first alone).
    """
    shape, state = dict(shape), dict(state)
    head, kept_columns, start, counts = state["head.weight"], [], 0, []
    for i, n_filters in enumerate(shape["n_filters"]):
        weight = f"convolutions.{i}.weight"
        reads = np.sqrt((head[:, start : start + n_filters].astype(np.float64) ** 2).sum(axis=0))
        kept = _strongest(_norms(state[weight]) * reads, amount)
        state[weight] = state[weight][kept]
        state[f"convolutions.{i}.bias"] = state[f"convolutions.{i}.bias"][kept]
        kept_columns.append(kept + start)
        counts.append(len(kept))
        start += n_filters
    state["head.weight"] = head[:, np.concatenate(kept_columns)]
    shape["n_filters"] = counts
    return shape, state


def drop_image(shape, state, amount):
    """Do as `drop_text` with a network on images.

    Only what lies inside a block goes: the block's ends are tied to the shortcuts.
    """
    shape, state = dict(shape), dict(state)
    counts = []
    for i in range(len(shape["n_inner"])):
        first, second, norm = (f"blocks.{i}.{part}" for part in ("first.weight", "second.weight", "first_norm"))
        reads = _norms(np.swapaxes(state[second], 0, 1))
        kept = _strongest(np.abs(state[f"{norm}.weight"]) * reads, amount)
        state[first] = state[first][kept]
        state[second] = state[second][:, kept]
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{part}"] = state[f"{norm}.{part}"][kept]
        counts.append(len(kept))
    shape["n_inner"] = counts
    return shape, state


def sizes_of(state):
    """Return the number of weights and of those that are not 0."""
    weights = [v for k, v in state.items() if v.dtype.kind == "f" and "running_" not in k]
    return sum(v.size for v in weights), int(sum(np.count_nonzero(v) for v in weights))
