"""Finished jobs of a fit, kept so that a killed fit need not do them again.

A job's result holds fitted estimators of any class, so it is a pickle, and a pickle can run code. Each
file is therefore signed (HMAC-SHA256) with a key that only this user can read and that does not lie
in the checkpoint folder: a file that was planted, altered, cut or renamed does not carry the right signature and
is never unpickled; it counts as absent, and the job is done again.

The key is made on first use, as ``ensemble_mm/checkpoint.key`` under ``$XDG_STATE_HOME`` (default
``~/.local/state``; ``%LOCALAPPDATA%`` on Windows), else in a folder of the user's own under the system's temporary
folder. Whoever removes the key loses the checkpoints, nothing else.
"""

import contextlib
import hmac
import os
import pickle
import secrets
import tempfile
from pathlib import Path

from .._checks import warn
from ._arrays import file_name, make_folder, sweep, write_atomic
from ._files import open_regular

_MAGIC = b"EMMjob02"
_MAC_BYTES = 32
_HEAD_BYTES = 16  # magic and length of the result; they are signed by themselves, so that nothing else is read


class JobStore:
    """Results of finished jobs in a folder, each under the key of what it depends on.

    A store may be sent to workers on other machines: it carries its signing key with it.

    Parameters
    ----------
    folder : path-like
        Made when it does not exist.

    Examples
    --------
    >>> import tempfile
    >>> store = JobStore(tempfile.mkdtemp())
    >>> store.save("a" * 32, {"score": 0.5})
    >>> store.load("a" * 32)
    {'score': 0.5}
    >>> store.load("b" * 32) is None
    True
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = make_folder(folder, "checkpoint")
        self._secret = signing_key(self.folder)
        sweep(self.folder)

    def load(self, key: str):
        """Return the result of a job, or None when there is none, or none that can be trusted."""
        try:
            with open_regular(self._path(key)) as file:
                head = file.read(_HEAD_BYTES)
                if not hmac.compare_digest(file.read(_MAC_BYTES), self._sign(key, head)):
                    return None
                size = int.from_bytes(head[len(_MAGIC) :])
                if os.fstat(file.fileno()).st_size != _HEAD_BYTES + 2 * _MAC_BYTES + size:
                    return None
                signature, payload = file.read(_MAC_BYTES), file.read(size)
        except OSError:
            return None
        if not (head.startswith(_MAGIC) and hmac.compare_digest(signature, self._sign(key, head, payload))):
            return None
        try:
            return pickle.loads(payload)
        except Exception:  # written whole by us, yet a class it needs is gone or has changed: the job is done again
            return None

    def save(self, key: str, result) -> None:
        """Keep the result of a job; it is there as a whole or not at all."""
        payload = pickle.dumps(result, protocol=5)
        head = _MAGIC + len(payload).to_bytes(_HEAD_BYTES - len(_MAGIC))
        start = head + self._sign(key, head) + self._sign(key, head, payload)

        def write(file):
            file.write(start)
            file.write(payload)

        write_atomic(self._path(key), write)

    def _path(self, key: str) -> Path:
        return self.folder / f"{file_name(key)}.job"

    def _sign(self, key: str, head: bytes, payload=b"") -> bytes:
        mac = hmac.new(self._secret, head + b"%d:%s" % (len(key), key.encode()), "sha256")
        mac.update(payload)
        return mac.digest()


def signing_key(checkpoint: Path | None = None) -> bytes:
    """Return this user's key, made on first use in the first folder that takes it and is no checkpoint itself."""
    failures, passed = [], []
    for folder in _key_folders():
        path = folder / "checkpoint.key"
        if checkpoint is not None and path.is_relative_to(checkpoint):
            failures.append(f"{path} lies in the checkpoint folder")
            continue
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                _make_key(path)
            key = _read_key(path)
        except OSError as error:
            failures.append(f"{path}: {error.strerror or error}")
            if os.path.exists(path):
                passed.append(failures[-1])
            continue
        if passed:
            warn(
                f"The key that signs checkpoints is passed over: {'; '.join(passed)}. Until then the key {str(path)!r} "
                "is used in its place, and what was kept under the other is done again.",
                UserWarning,
            )
        return key
    raise OSError(
        f"Checkpoints are signed with a key of the user's own, and none could be made ({'; '.join(failures)}). "
        "Let the environment variable XDG_STATE_HOME name a folder that only you can write to."
    )


def _key_folders() -> list[Path]:
    if os.name == "nt":
        state = os.environ.get("LOCALAPPDATA")
    else:
        state = os.environ.get("XDG_STATE_HOME")
    with contextlib.suppress(RuntimeError):  # no home
        state = state or str(Path.home() / ".local" / "state")
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folders = [Path(state).absolute() / "ensemble_mm"] if state else []
    return [*folders, Path(tempfile.gettempdir()).absolute() / f"ensemble_mm-{user}"]


def _make_key(path: Path) -> None:
    """Write a new key; of several processes that try at once, the first wins."""
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)


def _read_key(path: Path) -> bytes:
    if hasattr(os, "getuid"):
        for place in (path, path.parent):
            status = place.stat()
            if status.st_uid != os.geteuid() or status.st_mode & (0o077 if place == path else 0o022):
                remedy = "remove it, or run chmod go-rwx on it if no other user can have used it"
                raise OSError(f"{place} is open to other users: {remedy}")
    key = path.read_bytes()
    if len(key) != 32:
        raise OSError("it is not a key of 32 bytes: remove it")
    return key
