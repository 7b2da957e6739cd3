"""Ends a worker process whose job takes too long, and remembers which job that was.

The watch is `faulthandler`'s: a thread of C code that ends the process even where a job never gives the interpreter
back. Before that it writes where the job was into a file named by the job's number: when the job is sent again, that
file, and not a second try, is its result. Workers on machines that do not see the folder only end themselves.
"""

import faulthandler
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_lock = threading.Lock()
_running: dict = {}  # file of each job that this process runs -> moment by which it must be done


@dataclass(frozen=True)
class Watch:
    """Seconds that a job may take, and the folder for the files of those that took longer."""

    seconds: float
    folder: str

    def late(self) -> set[str]:
        """Return the numbers, as text, of the jobs that took too long so far."""
        return {path.name for path in Path(self.folder).iterdir() if path.stat().st_size}

    def place(self, i: int) -> str | None:
        """Return where the interpreter was when a job took too long; None for a job that did not."""
        with suppress(OSError):
            return Path(self.folder, str(i)).read_text(errors="replace") or None
        return None

    @contextmanager
    def over(self, i: int):
        """End this process if what is inside takes too long."""
        try:
            file = open(Path(self.folder, str(i)), "w")
        except OSError:  # a worker elsewhere
            file = open(sys.__stderr__.fileno(), "w", closefd=False)  # type: ignore[union-attr]
        with file:
            _set(file, time.monotonic() + self.seconds)
            try:
                yield
            finally:
                _set(file, None)


def _set(file, end):
    """Add or remove a job; the process has one timer, which runs until the first of its jobs must be done."""
    with _lock:
        if end is None:
            del _running[file]
        else:
            _running[file] = end
        faulthandler.cancel_dump_traceback_later()
        if _running:
            first = min(_running, key=_running.get)
            left = min(max(_running[first] - time.monotonic(), 1e-3), threading.TIMEOUT_MAX)
            faulthandler.dump_traceback_later(left, file=first, exit=True)
