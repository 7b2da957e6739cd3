"""Model files: a fitted model as one file that runs nothing when it is read.

A file is a zip of ``manifest.json`` (format number, versions, views, tasks, sha256 of each part), ``state.json`` (the
nodes of `_encoding`) and ``arrays.bin``. It is signed with the key of the user who wrote it, by which that user's own
files are told from others: boosters in those of others are tried in a process of their own before they are used.
"""

import datetime
import hmac
import io
import json
import os
import re
import zipfile
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from .._checks import check_folder, check_path, did_you_mean, listed, printable
from ._arrays import write_atomic
from ._boosters import fill_booster, fill_tried, try_out
from ._classes import Finder
from ._decoding import FREE, Decoder
from ._encoding import Encoder
from ._jobs import signing_key
from ._keys import versions

FORMAT = "ensemble_mm model"
FORMAT_NUMBER = 2
_STATE, _ARRAYS = _PARTS = ("state.json", "arrays.bin")
_BEGIN = b"PK\3\4"  # of an archive
_MAX_MANIFEST = 16 * 2**20
_MAX_PARTS = 1000  # more than ours, since the bytes of arrays may look like one
_FREE_BYTES, _MAX_RATIO = 256 * 2**20, 100  # what an archive may always unpack to; beyond it, times its size
_BYTES_PER_NODE = 150  # of memory, for each bracket and comma of the state


class ModelFileError(ValueError):
    """A model cannot be saved, or a file is not a model, is damaged, or holds classes that are not trusted.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from ensemble_mm import ModelFileError, load
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.emm")
    >>> _ = path.write_text("no model")
    >>> try:
    ...     load(path)
    ... except ModelFileError as error:
    ...     print(str(error).endswith("Fetch or save it again."))
    True
    """


def save(model, path: str | os.PathLike) -> None:
    """Write a fitted model to one file.

    Parameters
    ----------
    model : estimator
        A fitted stack, or any other scikit-learn estimator.
    path : path-like
        The file, usually with the suffix ``.emm``, in a folder that exists. It appears whole or not at all; one that
        exists is replaced.

    Raises
    ------
    ModelFileError
        When a part of the model has no place in such a file: functions without a name in a module, classes defined
        inside functions, open files.
    FileNotFoundError
        When the folder does not exist.
    OSError
        When the file cannot be written.

    Notes
    -----
    The folders given as `cache` and `checkpoint` belong to a machine, not to a model: they are not saved.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from sklearn.linear_model import Ridge
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.emm"
    >>> save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), path)
    >>> load(path).predict([[0.5]])
    array([0.5])
    """
    check_path(path, "save(model, path)")
    check_folder(path)
    if hasattr(model, "fit"):
        _check_fitted(model)
    try:
        encoder = Encoder()
        state = json.dumps(encoder.node(model), separators=(",", ":")).encode()
        arrays = b"".join(encoder.blocks)
        _check_size(state, len(arrays))
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            f"This {type(model).__name__} cannot be saved. {error} Replace the part that is neither plain data nor an "
            "estimator, or define it at the top of a module."
        ) from error
    parts = {_STATE: state, _ARRAYS: arrays}
    manifest = _describe(model)
    manifest["parts"] = {name: {"sha256": sha256(part).hexdigest(), "bytes": len(part)} for name, part in parts.items()}
    manifest["signature"] = _sign(manifest)
    content = _archive(manifest, parts, zipfile.ZIP_DEFLATED)
    if len(state) + len(arrays) > max(_FREE_BYTES, _MAX_RATIO * len(content)):
        content = _archive(manifest, parts, zipfile.ZIP_STORED)  # `load` would take it for a bomb
    write_atomic(path, content)


def load(path: str | os.PathLike, trusted: Sequence = ()) -> Any:
    """Read a model that `save` wrote.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : sequence of str, type or function, default=()
        Further types that may be built, as classes or as ``"module.Class"``: your own learners and extractors. Building
        one imports its module, so name only what you know.

    Returns
    -------
    model : estimator

    Raises
    ------
    ModelFileError
        When the file is not a model file, is cut or altered, was made by a newer format, or holds types that are
        not trusted; the message names them.
    FileNotFoundError
        When there is no such file.

    Notes
    -----
    The hashes tell of damage, not of who made the file. Reading runs no code of the file, and what compiled code trusts
    is checked; boosters of LightGBM and XGBoost in files of other users are tried in a process of their own. What a
    model takes when it predicts is not limited: load models of senders you know.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn.linear_model import Ridge
    >>> from ensemble_mm import load, save
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.emm")
    >>> save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), path)
    >>> load(path)
    Ridge()
    """
    path = Path(path)
    if not path.exists():
        others = path.absolute().parent.glob("*")
        beside = sorted(other.name for other in others if other.suffix == path.suffix)
        raise FileNotFoundError(f"There is no file {printable(repr(str(path)))}.{did_you_mean(path.name, beside)}")
    finder = Finder(_named(trusted))
    manifest, parts, size = _read_parts(path)
    try:
        return _build(manifest, parts, size, finder)
    except Exception as error:  # whatever a forged or foreign file makes the readers of its parts say
        if finder.refused:
            raise ModelFileError(_refusal(path, sorted(finder.refused))) from None
        if isinstance(error, ModuleNotFoundError):
            raise ModelFileError(f"{str(path)!r} needs the module {error.name!r}, which is not installed.") from error
        here, written = versions(), manifest.get("versions")
        written = written if isinstance(written, dict) else {}
        other = [f"{name} {saved} (here {here.get(name, 'none')})" for name, saved in written.items()
                 if saved != here.get(name)]  # fmt: skip
        hint = f" It was saved with {printable(', '.join(map(str, other[:8])))}." if other else ""
        raise ModelFileError(
            f"{str(path)!r} cannot be rebuilt: {type(error).__name__}: {printable(str(error)[:500])}.{hint}"
        ) from error


def _named(trusted) -> list:
    """Return what may be built: names, classes and functions."""
    named = list(trusted) if isinstance(trusted, Iterable) and not isinstance(trusted, (str, type)) else [trusted]
    if not all(isinstance(item, str) or hasattr(item, "__qualname__") for item in named):
        raise TypeError(
            f"trusted={trusted!r} does not name what may be built: list classes, functions or names, such as "
            'trusted=["my_module.MyLearner"]. The error of a load without `trusted` lists those that a file needs.'
        )
    return named


def read_manifest(path: str | os.PathLike) -> dict:
    """Return what a model file says of itself, without building the model."""
    return _read_parts(Path(path))[0]


def _build(manifest: dict, parts: dict[str, bytes], size: int, finder: Finder):
    own = hmac.compare_digest(manifest.get("signature") or "", _sign(manifest) or "-")
    _check_size(parts[_STATE], len(parts[_ARRAYS]))
    decoder = Decoder(parts[_ARRAYS], finder, size, keeps_places=own)
    model = decoder.whole(json.loads(parts.pop(_STATE)))
    if finder.refused:
        raise ValueError("it holds what is not trusted")
    boosters, kinds, texts, states = zip(*decoder.boosters, strict=True) if decoder.boosters else ((),) * 4
    fill = fill_booster if own else fill_tried
    read = texts if own or not texts else try_out(list(zip(kinds, texts, strict=True)))
    for booster, text, state in zip(boosters, read, states, strict=True):
        fill(booster, text, state)
    return model


def _check_fitted(model) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ModelFileError(f"This {type(model).__name__} is not fitted yet: fit it before it is saved.") from None
    except TypeError:  # not an estimator of scikit-learn's kind
        return


def _check_size(state: bytes, n_bytes: int) -> None:
    """Refuse a state whose nodes would take far more memory than the file."""
    n_nodes = sum(map(state.count, (b",", b"{", b"[")))
    if n_nodes * _BYTES_PER_NODE > FREE + 3 * (len(state) + n_bytes):
        raise ValueError(f"Its {n_nodes:,} parts would take far more memory than it has bytes: it looks like a bomb.")


def _sign(manifest: dict) -> str | None:
    """Return the signature of this user for a manifest, whose hashes stand for the parts; None without a key."""
    try:
        key = signing_key()
    except OSError:
        return None
    text = json.dumps({name: value for name, value in manifest.items() if name != "signature"}, sort_keys=True)
    return hmac.new(key, b"model " + text.encode(), "sha256").hexdigest()


def _read_parts(path: Path) -> tuple[dict, dict[str, bytes], int]:
    """Check the archive; return its manifest, its parts and its size in bytes."""
    if path.exists() and not path.is_file():
        raise ModelFileError(f"{str(path)!r} is a folder or a device, not a model file.")
    with open(path, "rb") as file:
        content = file.read(len(_BEGIN))
        content += file.read() if content == _BEGIN else b""  # of what is no archive, however large, no more is read
    if content[:1] == b"\x80":
        raise ModelFileError(
            f"{str(path)!r} is a pickle, not a model file, and reading it could run code: save the model with save()."
        )
    if content.count(b"PK\1\2") > _MAX_PARTS:  # the heads of parts, which `zipfile` reads all
        raise ModelFileError(f"{str(path)!r} has far more parts than a model: it is not read.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_archive(archive, len(content), path)
            names = archive.namelist()
            if "manifest.json" not in names:
                raise ModelFileError(f"{str(path)!r} is an archive without manifest.json: not a model file of ours.")
            if archive.getinfo("manifest.json").file_size > _MAX_MANIFEST:
                raise ModelFileError(f"The manifest of {str(path)!r} is larger than any of ours: the file is not read.")
            manifest = _check_manifest(archive.read("manifest.json"), names, path)
            parts = {name: archive.read(name) for name in _PARTS}
    except ModelFileError:
        raise
    except Exception as error:  # a damaged archive makes its reader say many things: KeyError, UnicodeDecodeError, ...
        raise ModelFileError(
            f"{str(path)!r} is not a whole model file ({printable(str(error)[:500])}): it is cut, damaged or of "
            "another kind. Fetch or save it again."
        ) from error
    for name, part in parts.items():
        if sha256(part).hexdigest() != manifest["parts"][name]["sha256"]:
            raise ModelFileError(f"{name} in {str(path)!r} does not match its hash: the file was damaged or altered.")
    return manifest, parts, len(content)


def _check_archive(archive: zipfile.ZipFile, size: int, path) -> None:
    """Check the names in an archive, and what a file of `size` bytes unpacks to."""
    names = archive.namelist()
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in archive.infolist()):
        raise ModelFileError(f"{str(path)!r} is packed in a way of which its sizes say nothing: it is not read.")
    for name in names:
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise ModelFileError(f"{str(path)!r} names a file outside itself ({name!r}): it is not read.")
    if len(set(names)) < len(names):
        raise ModelFileError(f"{str(path)!r} holds two parts of one name: it is not read.")
    total = sum(info.file_size for info in archive.infolist())
    if total > max(_FREE_BYTES, _MAX_RATIO * size):
        raise ModelFileError(
            f"{str(path)!r} has {size:,} bytes but would unpack to {total:,}: it looks like a bomb and is not read."
        )


def _check_manifest(text: bytes, names: list[str], path) -> dict:
    try:
        _check_size(text, 0)
        manifest = json.loads(text)
        number, parts = manifest["format_number"], manifest["parts"]
        whole = manifest["format"] == FORMAT and type(number) is int
        whole = whole and all(isinstance(part["sha256"], str) for part in parts.values())
        whole = whole and isinstance(manifest.get("signature") or "", str)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole or not parts:
        raise ModelFileError(
            f"The manifest of {str(path)!r} is not one of ours: the file is not a model, or was altered."
        )
    if number < FORMAT_NUMBER:
        raise ModelFileError(
            f"{str(path)!r} has format {number}, of before the first release, which is no longer read: fit the model "
            "again and save it."
        )
    if number > FORMAT_NUMBER:
        raise ModelFileError(
            f"{str(path)!r} has format {number}; this version reads up to {FORMAT_NUMBER}: upgrade ensemble_mm."
        )
    if set(parts) != set(_PARTS) or set(names) != {*_PARTS, "manifest.json"}:
        raise ModelFileError(f"The parts of {str(path)!r} are not those of its manifest: the file was altered.")
    return manifest


def _refusal(path, refused: list[str]) -> str:
    names = [printable(name if len(name) <= 200 else name[:200] + "...") for name in refused]
    return (
        f"{str(path)!r} holds what is not trusted: {listed(names, 20)}. Building it runs "
        "its code, or reads what it names. If you know it and whom the file is from, load it with "
        f"trusted={names[:20]!r} (on the command line, --trust for each)."
    )


def _archive(manifest: dict, parts: dict[str, bytes], compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def _describe(model) -> dict:
    """What the manifest says of a model, in JSON's own types."""
    columns = getattr(model, "view_columns_", {})
    views = {
        str(name): {"modality": str(kind), "columns": _plain(columns.get(name))}
        for name, kind in getattr(model, "views_", {}).items()
    }
    tasks = {
        str(name): {"kind": str(task.kind), "classes": None if task.classes is None else _plain(task.classes)}
        for name, task in getattr(model, "tasks_", {}).items()
    }
    return {
        "format": FORMAT,
        "format_number": FORMAT_NUMBER,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "model": f"{type(model).__module__}.{type(model).__qualname__}",
        "views": views,
        "tasks": tasks,
        "features": _plain(getattr(model, "feature_names_in_", None)),
    }


def _plain(value):
    """A value as JSON can hold it; what it cannot becomes text."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
