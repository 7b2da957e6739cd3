"""The networks behind TextCNN and ImageCNN, and their training.

A network is described by a plain dict (its `shape`) and a dict of numpy arrays (its `state`), so
that a fitted estimator holds no torch object: it pickles, and is saved, as arrays. torch and skorch
are imported inside functions.
"""

from contextlib import contextmanager
from functools import cache
from itertools import pairwise

import numpy as np

from .._checks import require
from .._modalities import IMAGE, TEXT, VECTOR

CALLER = "TextCNN and ImageCNN"


def get_torch():
    """Import torch, or say which extra brings it."""
    return require("torch", extra="neural", caller=CALLER)


@contextmanager
def quiet_torch(seed):
    """One thread and an own random state inside; outside, torch is left as it was."""
    torch = get_torch()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(seed)
            yield torch
    finally:
        torch.set_num_threads(threads)


def pick_device(device):
    """Return the device's name; "auto" is "cuda" where there is one. A device that is not there is an error."""
    torch = get_torch()
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        known = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f'device={device!r} is not known: use "auto", "cpu", "cuda" or "cuda:1".') from error
    if known.type == "cuda" and (known.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device={device!r} is not there: torch finds {torch.cuda.device_count()} CUDA devices. "
            'Use "auto" or "cpu", or install a torch that was built for CUDA.'
        )
    return device


# The classes are made when they are first asked for: their bases come with torch.
@cache
def _text_network():
    torch = get_torch()
    nn, functional = torch.nn, torch.nn.functional

    class TextNetwork(nn.Module):
        """Embedding, convolutions of several widths, global maximum, dropout, one linear head."""

        def __init__(self, shape):
            super().__init__()
            self.widths = tuple(shape["widths"])
            self.embedding = nn.Embedding(shape["n_tokens"], shape["embedding_dim"], padding_idx=0)
            nn.init.normal_(self.embedding.weight, std=0.1)
            with torch.no_grad():
                self.embedding.weight[0] = 0.0
            self.convolutions = nn.ModuleList(
                nn.Conv1d(shape["embedding_dim"], n, width)
                for n, width in zip(shape["n_filters"], self.widths, strict=True)
            )
            self.dropout = nn.Dropout(shape["dropout"])
            self.head = nn.Linear(sum(shape["n_filters"]), shape["n_outputs"])

        def forward(self, X):
            longest = int((X != 0).sum(dim=0).gt(0).sum())  # padding that all rows share is cut off
            X = X[:, : max(longest, 1)]
            if X.shape[1] < max(self.widths):
                X = functional.pad(X, (0, max(self.widths) - X.shape[1]))
            columns = self.dropout(self.embedding(X)).transpose(1, 2)
            peaks = [functional.relu(convolution(columns)).amax(dim=2) for convolution in self.convolutions]
            return self.head(self.dropout(torch.cat(peaks, dim=1)))

    return TextNetwork


@cache
def _image_network():
    torch = get_torch()
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):
        """Two 3x3 convolutions beside a shortcut (He et al. 2016)."""

        def __init__(self, n_in, n_inner, n_out, stride):
            super().__init__()
            self.first = nn.Conv2d(n_in, n_inner, 3, stride=stride, padding=1, bias=False)
            self.first_norm = nn.BatchNorm2d(n_inner)
            self.second = nn.Conv2d(n_inner, n_out, 3, padding=1, bias=False)
            self.second_norm = nn.BatchNorm2d(n_out)
            same = n_in == n_out and stride == 1
            self.shortcut = nn.Identity() if same else nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False)

        def forward(self, X):
            inner = functional.relu(self.first_norm(self.first(X)))
            return functional.relu(self.second_norm(self.second(inner)) + self.shortcut(X))

    class ImageNetwork(nn.Module):
        """A stem, residual blocks of growing width, global mean, dropout, one linear head."""

        def __init__(self, shape):
            super().__init__()
            self.image_shape, self.augment = tuple(shape["image_shape"]), shape["augment"]
            n_channels, widths = self.image_shape[2], shape["widths"]
            self.register_buffer("mean", torch.zeros(n_channels))
            self.register_buffer("scale", torch.ones(n_channels))
            self.stem = nn.Conv2d(n_channels, widths[0], 3, padding=1, bias=False)
            self.stem_norm = nn.BatchNorm2d(widths[0])
            before = [widths[0], *widths[:-1]]
            self.blocks = nn.ModuleList(
                Block(n_in, n_inner, n_out, 1 if i == 0 else 2)
                for i, (n_in, n_inner, n_out) in enumerate(zip(before, shape["n_inner"], widths, strict=True))
            )
            self.dropout = nn.Dropout(shape["dropout"])
            self.head = nn.Linear(widths[-1], shape["n_outputs"])

        def _moved(self, X):
            """Shift, turn and scale each image a little."""
            n, a = len(X), self.augment
            angle = (torch.rand(n, device=X.device) * 2 - 1) * a * 1.5
            zoom = 1 + (torch.rand(n, device=X.device) * 2 - 1) * a
            shift = (torch.rand(n, 2, device=X.device) * 2 - 1) * a * 1.5
            cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
            theta = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
            grid = functional.affine_grid(theta, X.shape, align_corners=False)
            return functional.grid_sample(X, grid, padding_mode="border", align_corners=False)

        def forward(self, X):
            X = ((X.reshape(-1, *self.image_shape) - self.mean) / self.scale).permute(0, 3, 1, 2)
            if self.training and self.augment:
                X = self._moved(X)
            X = functional.relu(self.stem_norm(self.stem(X)))
            for block in self.blocks:
                X = block(X)
            return self.head(self.dropout(X.mean(dim=(2, 3))))

    return ImageNetwork


@cache
def _task_loss():
    torch = get_torch()
    functional = torch.nn.functional

    class TaskLoss(torch.nn.Module):
        """Mean over the targets of cross-entropy or squared error; NaN targets count nothing.

        What each target counts is given, or learned with the network: as much as its errors are small [1]_.

        References
        ----------
        .. [1] Kendall, A., Gal, Y., Cipolla, R. (2018). Multi-task learning using uncertainty to weigh losses for scene
           geometry and semantics. CVPR, equations 7 and 10.
        """

        def __init__(self, sizes, counts=None):
            super().__init__()
            self.sizes = sizes
            self.learned = isinstance(counts, str)
            if self.learned:
                self.log_variances = torch.nn.Parameter(torch.zeros(len(sizes)))
            self.counts = [1.0] * len(sizes) if counts is None or self.learned else list(counts)

        def forward(self, output, target):
            weights, losses, total, start = target[:, len(self.sizes) :], [], 0.0, 0
            for column, size in enumerate(self.sizes):
                known = ~torch.isnan(target[:, column])
                if known.any():
                    own = min(column, weights.shape[1] - 1)  # of all targets, or of each
                    w, value = weights[known, own], target[known, column]
                    part = output[known, start : start + max(size, 1)]
                    if size:
                        loss = functional.cross_entropy(part, value.long(), reduction="none")
                    else:
                        loss = (part[:, 0] - value) ** 2
                    loss = (loss * w).sum() / w.sum().clamp_min(1e-12)
                    if self.learned and self.training:  # rows held aside are judged by the losses as they are
                        apart = self.log_variances[column]
                        loss = loss * torch.exp(-apart) * (1.0 if size else 0.5) + apart / 2
                    losses.append(loss * self.counts[column])
                    total += self.counts[column]
                start += max(size, 1)
            return torch.stack(losses).sum() / total if total > 0 else output.sum() * 0.0

    return TaskLoss


@cache
def _vector_network():
    nn = get_torch().nn

    class VectorNetwork(nn.Module):
        """Layers that all tasks share, and one linear layer with the outputs of each."""

        def __init__(self, shape):
            super().__init__()
            widths = [shape["n_inputs"], *shape["hidden"]]
            self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
            self.dropout = nn.Dropout(shape["dropout"])
            self.head = nn.Linear(widths[-1], shape["n_outputs"])

        def forward(self, X):
            for layer in self.layers:
                X = self.dropout(nn.functional.relu(layer(X)))
            return self.head(X)

    return VectorNetwork


NETWORKS = {TEXT: _text_network, IMAGE: _image_network, VECTOR: _vector_network}


def build(shape, state=None):
    """Return the torch module of a shape, with the weights of a state."""
    module = NETWORKS[shape["kind"]]()(shape)
    if state is not None:
        module.load_state_dict(as_tensors(state))
    return module


def fused(module):
    """Return a module for predictions only: each norm goes into the convolution before it, at no change of outputs."""
    fuse, identity = get_torch().nn.utils.fusion.fuse_conv_bn_eval, get_torch().nn.Identity
    module.eval()
    for part in list(module.modules()):
        for name, child in list(part.named_children()):
            if hasattr(part, f"{name}_norm"):
                setattr(part, name, fuse(child, getattr(part, f"{name}_norm")))
                setattr(part, f"{name}_norm", identity())
    return module


def as_tensors(state):
    """Return arrays as torch tensors."""
    torch = get_torch()
    return {key: torch.from_numpy(np.array(value)) for key, value in state.items()}


def as_state(module):
    """Return the weights of a module as numpy arrays."""
    return {key: value.detach().cpu().numpy().copy() for key, value in module.state_dict().items()}


def train(module, X, target, sizes, settings, valid=None, masks=None):
    """Train a module in place and return its history, one dict an epoch.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    X : ndarray of shape (n_samples, ...)
        Its input.
    target : ndarray of shape (n_samples, n_targets + 1) or (n_samples, 2 * n_targets)
        Class positions or values, NaN where unknown; then the weights of the rows, of all targets or of each.
    sizes : list of int
        Number of classes of each target, 0 for a number.
    settings : dict
        max_epochs, batch_size, learning_rate, weight_decay, optimizer, schedule, patience, device; and `task_weight`,
        a number per target or "uncertainty", where there are several.
    valid : (X, target) or None
        Rows that stop the training early; None trains all epochs.
    masks : dict of str to ndarray or None
        0 where a weight stays 0.

    Returns
    -------
    list of dict
        "epoch", "train_loss", "valid_loss" (nats or squared units of the standardised target),
        "learning_rate" and "seconds" of each epoch.
    """
    torch = get_torch()
    skorch = require("skorch", extra="neural", caller=CALLER)
    datasets = require("skorch.dataset", extra="neural", caller=CALLER)
    helper = require("skorch.helper", extra="neural", caller=CALLER)
    device, n_epochs = pick_device(settings["device"]), settings["max_epochs"]
    batch = min(settings["batch_size"], len(X))
    kept = masks and {key: torch.from_numpy(value).to(device) for key, value in masks.items()}
    optimizers = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    extra = {"optimizer__momentum": 0.9} if settings["optimizer"] == "sgd" else {}
    net = skorch.NeuralNet(
        module.to(device),
        criterion=_task_loss(),
        criterion__sizes=list(sizes),
        criterion__counts=settings.get("task_weight"),
        optimizer=optimizers[settings["optimizer"]],
        optimizer__weight_decay=settings["weight_decay"],
        lr=settings["learning_rate"],
        max_epochs=n_epochs,
        batch_size=batch,
        iterator_train__shuffle=True,
        # A last batch of one row breaks batch normalisation.
        iterator_train__drop_last=len(X) > batch and len(X) % batch == 1,
        train_split=None if valid is None else helper.predefined_split(datasets.Dataset(*valid)),
        callbacks=list(_callbacks(settings, n_epochs * -(-len(X) // batch), valid is not None, kept)),
        device=device,
        verbose=0,
        **extra,
    )
    net.fit(X, target)
    module.load_state_dict(net.module_.state_dict())
    if kept:
        _apply(module, kept)
    module.to("cpu").eval()
    return [_epoch(row, settings["learning_rate"]) for row in net.history]


def _callbacks(settings, n_steps, stops_early, kept):
    """Yield what skorch is to do beside each step or epoch, by name; `kept` holds masks of weights that stay 0."""
    callbacks = require("skorch.callbacks", extra="neural", caller=CALLER)
    schedulers = get_torch().optim.lr_scheduler
    if kept:

        class KeepZeros(callbacks.Callback):
            def on_batch_end(self, net, training=False, **kwargs):
                if training:
                    _apply(net.module_, kept)

        yield "zeros", KeepZeros()
    # A quarter of the steps warms up, and one at least: torch divides by what is left of a shorter warm-up.
    warm = {"total_steps": n_steps + 1, "pct_start": min(1.0, max(0.25, 2 / (n_steps + 1)))}
    policies = {
        "one-cycle": {"policy": schedulers.OneCycleLR, "max_lr": settings["learning_rate"], **warm},
        "cosine": {"policy": schedulers.CosineAnnealingLR, "T_max": n_steps + 1},
    }
    if settings["schedule"] in policies:
        yield "schedule", callbacks.LRScheduler(step_every="batch", **policies[settings["schedule"]])
    if stops_early:
        patience = settings["patience"]
        yield "stopping", callbacks.EarlyStopping(patience=patience, load_best=True, sink=_nowhere, threshold=1e-4)


def _epoch(row, learning_rate):
    """Return what skorch keeps of an epoch as plain numbers."""
    rates = [batch["event_lr"] for batch in row["batches"] if "event_lr" in batch]
    return {
        "epoch": int(row["epoch"]),
        "train_loss": float(row["train_loss"]),
        "valid_loss": float(row["valid_loss"]) if "valid_loss" in row else float("nan"),
        "learning_rate": float(rates[-1]) if rates else float(learning_rate),
        "seconds": float(row["dur"]),
    }


def _apply(module, masks):
    """Set the weights of a module to 0 that masks do not keep."""
    torch = get_torch()
    with torch.no_grad():
        for key, value in module.named_parameters():
            if key in masks:
                value.mul_(masks[key].to(value.device))


def _nowhere(*args, **kwargs):
    """Take what a callback would print."""


def run(module, X, device, batch_size=256):
    """Return the outputs of a module for all rows, as float64."""
    torch = get_torch()
    device = pick_device(device)
    module = module.to(device).eval()
    outputs = []
    with torch.no_grad():
        for start in range(0, len(X), batch_size):
            part = torch.from_numpy(np.ascontiguousarray(X[start : start + batch_size])).to(device)
            outputs.append(module(part).cpu().numpy())
    return np.concatenate(outputs).astype(np.float64)
