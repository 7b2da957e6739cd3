"""Model files: a fitted model as one file that runs nothing when it is read.

A file is a zip of ``manifest.json`` (format number, versions, views, tasks, sha256 of each part) and one part in
the skops format, where every class is named and built only if it is trusted: our own, those of scikit-learn, LightGBM
and XGBoost, and those that the caller of `load` names. What a file asks to be trusted does not count.
"""

import datetime
import io
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np

from ._arrays import write_atomic
from ._keys import versions
from ._packing import Packed, pack, unpack

FORMAT = "ensemble_mm model"
FORMAT_NUMBER = 1
_PART = "model.skops"
_MAX_MANIFEST = 16 * 2**20
_FREE_BYTES, _MAX_RATIO = 256 * 2**20, 100  # what an archive may always unpack to; beyond it, times its size

_TRUSTED = (
    "builtins.complex", "builtins.frozenset", "builtins.object", "builtins.dict", "builtins.bytes", "functools.partial",
    "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.deque",
    "numpy.dtype", "numpy.random.mtrand.RandomState", "numpy.random._generator.Generator",
    "numpy.mean", "numpy.median", "numpy.max", "numpy.min", "numpy.sum",
    "sklearn.utils._bunch.Bunch", "sklearn.tree._tree.Tree",
    "sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling", "sklearn.multiclass._ConstantPredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._kd_tree.KDTree64", "sklearn.neighbors._kd_tree.KDTree32",
    "sklearn.neighbors._ball_tree.BallTree", "sklearn.neighbors._ball_tree.BallTree64",
    "sklearn.neighbors._ball_tree.BallTree32", "scipy.interpolate._bsplines.BSpline",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMModel", "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor", "lightgbm.sklearn.LGBMRanker",
    "xgboost.core.Booster", "xgboost.sklearn.XGBModel", "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor", "xgboost.sklearn.XGBRanker", "xgboost.sklearn.XGBRFClassifier",
    "xgboost.sklearn.XGBRFRegressor",
)  # fmt: skip
# Whatever is defined in these modules is data, arithmetic or a splitter; nothing in them reads or writes files.
_TRUSTED_MODULES = (
    "sklearn._loss.loss", "sklearn._loss.link", "sklearn.feature_selection._univariate_selection",
    "sklearn.gaussian_process.kernels", "sklearn.metrics._classification", "sklearn.metrics._dist_metrics",
    "sklearn.metrics._ranking", "sklearn.metrics._regression", "sklearn.metrics._scorer",
    "sklearn.model_selection._split", "sklearn.neural_network._stochastic_optimizers",
)  # fmt: skip
# Our classes may be in a file; what writes to disk, or runs on import, may not.
_OUR_CLASSES = ("data", "features", "learners", "meta", "crossfit", "stacking")
_OUR_FUNCTIONS = ("features", "learners", "meta")


class ModelFileError(ValueError):
    """A model cannot be saved, or a file is no model, is damaged, or holds what is not trusted."""


def save(model, path: str | os.PathLike) -> None:
    """Write a fitted model to one file.

    Parameters
    ----------
    model : estimator
        A fitted stack, or any other scikit-learn estimator.
    path : path-like
        The file, by custom with the suffix ``.emm``. It appears whole or not at all; one that exists is replaced.

    Raises
    ------
    ModelFileError
        When a part of the model has no place in such a file: functions without a name in a module, classes defined
        inside functions, open files.
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
    import skops.io

    try:
        plain = pack(model)
        part = _renumbered(skops.io.dumps(plain))
        types = skops.io.get_untrusted_types(data=part)
    except (TypeError, ValueError, AttributeError, RecursionError, NotImplementedError) as error:
        raise ModelFileError(
            f"This {type(model).__name__} cannot be saved. {error} Replace the part that is neither plain data nor an "
            "estimator, or define it in a module."
        ) from error
    nameless = [name for name in types if "<" in name]
    if nameless:
        raise ModelFileError(
            f"This {type(model).__name__} cannot be saved: it holds {', '.join(nameless)}, which cannot be found again "
            "by name. Define functions and classes at the top of a module."
        )
    manifest = _describe(model)
    manifest["parts"] = {_PART: {"sha256": sha256(part).hexdigest(), "bytes": len(part)}}

    # Compressed here as one stream: a forest is thousands of small members, each too small to gain by itself.
    content = _archive(manifest, part, zipfile.ZIP_DEFLATED)
    if len(part) > max(_FREE_BYTES, _MAX_RATIO * len(content)):
        content = _archive(manifest, part, zipfile.ZIP_STORED)  # `load` would take it for a bomb
    write_atomic(path, content)


def load(path: str | os.PathLike, trusted: Sequence = ()):
    """Read a model that `save` wrote.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : sequence of str or type, default=()
        Further types that may be built, as classes or as ``"module.Class"``: your own learners and extractors. Building
        one imports its module, so name only what you know.

    Returns
    -------
    model : estimator

    Raises
    ------
    ModelFileError
        When the file is no model file, is cut or altered, was made by a newer format, or holds types that are
        not trusted; the message names them.
    FileNotFoundError
        When there is no such file.

    Notes
    -----
    The hashes tell of damage, not of who made the file. Reading runs no code of the file, and the trees of
    scikit-learn are checked; the text of LightGBM and XGBoost models goes to their own readers, which do not guard
    against every forgery. Load models of senders you know.
    """
    trusted = [trusted] if isinstance(trusted, (str, type)) else list(trusted)
    names = [t if isinstance(t, str) else f"{t.__module__}.{t.__name__}" for t in trusted]
    manifest, part, size = _read_parts(Path(path))
    return _build(part, names, path, manifest, size)


def read_manifest(path: str | os.PathLike) -> dict:
    """Return what a model file says of itself, without building the model."""
    return _read_parts(Path(path))[0]


def _read_parts(path: Path) -> tuple[dict, bytes, int]:
    """Check the outer archive; return its manifest, its model part and its size."""
    content = path.read_bytes()
    if content[:1] == b"\x80":
        raise ModelFileError(
            f"{str(path)!r} is a pickle, not a model file, and reading it could run code: save the model with save()."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_archive(archive, len(content), path)
            names = archive.namelist()
            if "manifest.json" not in names:
                raise ModelFileError(f"{str(path)!r} is an archive without manifest.json: not a model file of ours.")
            if archive.getinfo("manifest.json").file_size > _MAX_MANIFEST:
                raise ModelFileError(f"The manifest of {str(path)!r} is larger than any of ours: the file is not read.")
            manifest = _check_manifest(archive.read("manifest.json"), names, path)
            part = archive.read(_PART)
    except ModelFileError:
        raise
    except Exception as error:  # a damaged archive makes its reader say many things: KeyError, UnicodeDecodeError, ...
        raise ModelFileError(
            f"{str(path)!r} is not a whole model file ({error}): it is cut, damaged or of another kind. "
            "Fetch or save it again."
        ) from error
    if sha256(part).hexdigest() != manifest["parts"][_PART]["sha256"]:
        raise ModelFileError(f"{_PART} in {str(path)!r} does not match its hash: the file was damaged or altered.")
    return manifest, part, len(content)


def _check_archive(archive: zipfile.ZipFile, size: int, path, unpacked: int = 0) -> int:
    """Check the names in an archive, and what a file of `size` bytes unpacks to, which is returned.

    `unpacked` is what other archives in the same file come to.
    """
    names = archive.namelist()
    for name in names:
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise ModelFileError(f"{str(path)!r} names a file outside itself ({name!r}): it is not read.")
    if len(set(names)) < len(names):
        raise ModelFileError(f"{str(path)!r} holds two parts of one name: it is not read.")
    total = unpacked + sum(info.file_size for info in archive.infolist())
    if total > max(_FREE_BYTES, _MAX_RATIO * size):
        raise ModelFileError(
            f"{str(path)!r} has {size:,} bytes but would unpack to {total:,}: it looks like a bomb and is not read."
        )
    return total


def _check_manifest(text: bytes, names: list[str], path) -> dict:
    try:
        manifest = json.loads(text)
        number, parts = manifest["format_number"], manifest["parts"]
        whole = manifest["format"] == FORMAT and isinstance(number, int) and isinstance(parts[_PART]["sha256"], str)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise ModelFileError(f"The manifest of {str(path)!r} is not one of ours: the file is no model, or was altered.")
    if number > FORMAT_NUMBER:
        raise ModelFileError(
            f"{str(path)!r} has format {number}; this version reads up to {FORMAT_NUMBER}: upgrade ensemble_mm."
        )
    if set(parts) != {_PART} or set(names) != {_PART, "manifest.json"}:
        raise ModelFileError(f"The parts of {str(path)!r} are not those of its manifest: the file was altered.")
    return manifest


def _build(part: bytes, names: list[str], path, manifest: dict, size: int):
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        with zipfile.ZipFile(io.BytesIO(part)) as archive:
            unpacked = _check_archive(archive, size, path)
            for info in archive.infolist():
                with archive.open(info) as member:
                    packed = member.read(2) == b"PK"  # a sparse matrix; NumPy goes by content, not by name
                if packed:
                    with zipfile.ZipFile(io.BytesIO(archive.read(info))) as inner:
                        unpacked = _check_archive(inner, size, path, unpacked)
            called = _called_types(json.loads(archive.read("schema.json")))
        found = skops.io.get_untrusted_types(data=part)
        allowed = [name for name in found if name in names or _is_trusted(name)]
        refused = sorted(set(found) - set(allowed) | called - set(names))
        if refused:
            raise ModelFileError(_refusal(path, refused))
        return unpack(skops.io.loads(part, trusted=allowed))
    except ModelFileError:
        raise
    except UntrustedTypesFoundException as error:
        raise ModelFileError(f"{str(path)!r} holds types that are not trusted: {error}") from error
    except ModuleNotFoundError as error:
        raise ModelFileError(f"{str(path)!r} needs the module {error.name!r}, which is not installed.") from error
    except Exception as error:  # whatever a forged or foreign file makes the readers of its parts say
        here, there = versions(), manifest.get("versions")
        there = there if isinstance(there, dict) else {}
        other = [f"{name} {saved} (here {here.get(name, 'none')})" for name, saved in there.items()
                 if saved != here.get(name)]  # fmt: skip
        hint = f" It was saved with {', '.join(map(str, other[:8]))}." if other else ""
        raise ModelFileError(
            f"{str(path)!r} cannot be rebuilt: {type(error).__name__}: {str(error)[:500]}.{hint}"
        ) from error


def _called_types(schema) -> set[str]:
    """Names of types that a file wants called with arguments of its own, or handed over to be called.

    Trusted types are built empty and then given their state; a constructor may do more, such as read a file
    (the boosters' do). Those of plain containers and numbers are harmless.
    """
    called, waiting = set(), [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name, loader = f"{node.get('__module__')}.{node.get('__class__')}", node.get("__loader__")
            plain = name.startswith(("builtins.", "collections."))
            if loader == "ConstructorFromReduceNode" and not plain:
                called.add(name)
            if loader in ("TypeNode", "FunctionNode", "MethodNode") and name.startswith(("lightgbm.", "xgboost.")):
                called.add(name)
        waiting += [part for part in (node.values() if isinstance(node, dict) else node)
                    if isinstance(part, (dict, list))]  # fmt: skip
    return called


def _refusal(path, refused: Iterable[str]) -> str:
    listed = [name if len(name) <= 200 else name[:200] + "..." for name in refused]
    return (
        f"{str(path)!r} holds {len(listed)} type(s) that are not trusted: {', '.join(listed[:20])}. Building them runs "
        "their code. If you know them and whom the file is from, load it with "
        f"trusted={listed[:20]!r} (on the command line, --trust for each)."
    )


def _is_trusted(name: str) -> bool:
    """Tell whether a dotted name is one of those that any file may hold."""
    if name in _TRUSTED or name == f"{Packed.__module__}.{Packed.__name__}":
        return True
    module, _, attribute = name.rpartition(".")
    parts = module.split(".")
    ours = parts[0] == "ensemble_mm" and len(parts) > 2 and parts[1] in _OUR_CLASSES
    if not ours and module not in _TRUSTED_MODULES:
        return False
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError:
        return False
    if getattr(found, "__module__", None) != module or getattr(found, "__qualname__", None) != attribute:
        return False  # merely imported there
    return not ours or isinstance(found, type) or parts[1] in _OUR_FUNCTIONS


def _renumbered(part: bytes) -> bytes:
    """The same part without places in memory: objects that are met again are counted from 1, others have no number.

    Files are smaller by up to a half, and equal for equal models.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(part)) as archive, zipfile.ZipFile(buffer, "w") as renumbered:
        schema = json.loads(archive.read("schema.json"))
        nodes = list(_nodes(schema))
        met = Counter(node["__id__"] for node in nodes if isinstance(node.get("__id__"), int))
        numbers, files = {}, {}
        for node in nodes:
            if isinstance(node.get("__id__"), int):  # not a key of the user's
                place = node.pop("__id__")
                # That two numbers, words or classes are one object is nothing to keep.
                if met[place] > 1 and node["__loader__"] not in ("JsonNode", "TypeNode"):
                    node["__id__"] = numbers.setdefault(place, len(numbers) + 1)
            if isinstance(node.get("file"), str):
                node["file"] = files.setdefault(node["file"], f"{len(files)}{Path(node['file']).suffix}")
        for old, new in files.items():
            renumbered.writestr(zipfile.ZipInfo(new), archive.read(old))
        renumbered.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema, separators=(",", ":")))
    return buffer.getvalue()


def _nodes(node):
    """Yield the dicts of a schema, from the top."""
    if isinstance(node, dict):
        yield node
    for below in node.values() if isinstance(node, dict) else node:
        if isinstance(below, (dict, list)):
            yield from _nodes(below)


def _archive(manifest: dict, part: bytes, compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        archive.writestr(_PART, part)
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
