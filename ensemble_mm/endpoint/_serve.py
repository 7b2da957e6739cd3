"""Starting and stopping the service: the port, the model, one process or several."""

import errno
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from .._checks import require
from ..store import load, read_manifest

STOP_SECONDS = 30  # that requests under way have when the service is stopped


@dataclass(frozen=True)
class Settings:
    """How a model is served.

    Parameters
    ----------
    host : str, default="127.0.0.1"
        The address that is listened on; the default is reached from this machine alone.
    port : int, default=8000
        0 takes a free one.
    workers : int, default=1
        Processes, each with a model of its own.
    max_batch : int, default=64
        Most rows that are predicted together, unless one request has more.
    max_wait_ms : float, default=0.0
        Milliseconds that a request waits for others to join it. Those that come while the model works join anyway.
    max_body : int, default=16 MiB
        Most bytes of a request.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    max_batch: int = 64
    max_wait_ms: float = 0.0
    max_body: int = 16 * 2**20


@dataclass(frozen=True)
class Work:
    """What one process serves: a factory of applications that can be sent to it."""

    path: str
    settings: Settings
    trusted: tuple[str, ...] = ()

    def model(self):
        """Return the model; one that is no stack is refused."""
        model = load(self.path, trusted=self.trusted)
        if not hasattr(model, "schema_") or not hasattr(model, "tasks_"):
            raise ValueError(f"{self.path!r} holds a {type(model).__name__}: a fitted stack can be served.")
        return model

    def __call__(self):
        from ._app import Service

        if (parent := multiprocessing.parent_process()) is not None:
            Thread(target=_stop_after, args=[parent], daemon=True).start()
        return Service(self.model(), self.settings, read_manifest(self.path)["created"]).app()


def _stop_after(parent) -> None:
    """Wait until the process that started this one is gone, killed perhaps, and stop: nobody else would."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def serve(path: str, settings: Settings, tell: Callable[[str], object], trusted: Sequence[str] = ()) -> None:
    """Serve a model until the process is told to stop.

    Parameters
    ----------
    path : str
        The model file. It may change while it is served: what was read at the start answers.
    settings : Settings
    tell : callable
        Called with a line once requests are taken.
    trusted : sequence of str, default=()
        As for `load`.

    Raises
    ------
    OSError
        When the host or the port cannot be had.
    """
    for package in ("uvicorn", "starlette", "prometheus_client", "python_multipart"):
        require(package, extra="serve", caller="serve")
    import uvicorn

    from ._patience import AT_ONCE

    work = Work(path, settings, tuple(trusted))
    options: dict[str, Any] = {
        "http": "ensemble_mm.endpoint._patience:PatientProtocol", "ws": "none", "lifespan": "on", "log_level": "error",
        "access_log": False, "server_header": False, "proxy_headers": False, "backlog": AT_ONCE,
        "timeout_graceful_shutdown": STOP_SECONDS, "timeout_worker_healthcheck": STOP_SECONDS,
    }  # fmt: skip
    with _listen(settings.host, settings.port) as listener:
        ready = f"serving {path} at http://{_shown(listener)} (open it for a request to copy; stop with Ctrl-C)"
        if settings.workers == 1:
            server = uvicorn.Server(uvicorn.Config(work(), **options))
            tell(ready)
            server.run(sockets=[listener])
            return
        _serve_in_workers(work, options, listener, lambda: tell(ready))


def _serve_in_workers(work: Work, options: dict, listener: socket.socket, tell: Callable[[], object]) -> None:
    """Serve in several processes: all answer by the same copy of the file, those too that are started anew later."""
    import uvicorn

    from ._workers import Workers

    work.model()  # mistakes are told here, once
    with tempfile.TemporaryDirectory(prefix="ensemble-mm-") as folder:
        copy = shutil.copyfile(work.path, Path(folder, "model.emm"))
        counts = Path(folder, "counts")
        counts.mkdir()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counts)  # where the counters of processes meet
        own = Work(str(copy), work.settings, work.trusted)
        tell()
        Workers(uvicorn.Config(own, factory=True, workers=work.settings.workers, **options), [listener]).run()


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens."""
    elsewhere = f"{host!r} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 to be reached by others."
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(
            family, kind, protocol
        )  # asyncio sends small parts at once only if told that it is TCP
    except (OSError, UnicodeError) as error:
        raise OSError(elsewhere) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRNOTAVAIL, errno.EINVAL):
            raise OSError(elsewhere) from error
        raise OSError(f"Port {port} of {host} cannot be listened on ({error.strerror}): name another.") from error
    listener.set_inheritable(True)
    return listener


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
