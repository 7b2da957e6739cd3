"""Requests that wait are joined to batches, which one thread predicts: a batch costs little more than a row."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .._checks import BadItemsError
from ._bodies import Options
from ._inputs import RequestRows
from ._refusal import Refusal

log = logging.getLogger("ensemble_mm.endpoint")

QUEUE = 256  # batches that may wait; what comes then is turned away


@dataclass(frozen=True)
class Waiting:
    """One request that waits for its answer."""

    rows: RequestRows
    options: Options
    answer: asyncio.Future


class Batches:
    """Join requests with the same options to batches.

    Parameters
    ----------
    predict : callable
        Called with the rows of some requests and their `Options`, in one thread; gives their answers.
    max_batch : int
        Most rows of a batch, unless one request has more.
    max_wait : float
        Seconds that a request waits for others. Those that come while the model works are joined anyway.
    """

    def __init__(self, predict: Callable, max_batch: int, max_wait: float):
        self._predict, self._max_batch, self._max_wait = predict, max_batch, max_wait
        self._queue: deque[Waiting] = deque()
        self._n_rows = 0
        self._filled = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "predict")

    async def ask(self, rows: RequestRows, options: Options) -> dict:
        """Return the answer to one request; raise a `Refusal` when too many wait, or the rows cannot be read."""
        if self._queue and self._n_rows + len(rows) > QUEUE * self._max_batch:
            raise Refusal(503, "Too many requests wait for an answer: try again in a second.")
        waiting = Waiting(rows, options, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._n_rows += len(rows)
        self._filled.set()
        return await waiting.answer

    async def run(self) -> None:
        """Answer what is asked, until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._filled.wait()
                if self._max_wait and self._n_rows < self._max_batch:
                    await asyncio.sleep(self._max_wait)
                batch = self._next_batch()
                if batch:
                    answers = await loop.run_in_executor(self._thread, self._answers, batch)
                    for waiting, found in zip(batch, answers, strict=True):
                        if not waiting.answer.done():  # its sender may have gone
                            _settle(waiting.answer, found)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _next_batch(self) -> list[Waiting]:
        """Take the first request that waits, and those with the same options that fit beside it."""
        batch: list[Waiting] = []
        others: deque[Waiting] = deque()
        n_rows = 0
        while self._queue:
            waiting = self._queue.popleft()
            if waiting.answer.done():
                self._n_rows -= len(waiting.rows)
            elif not batch or (waiting.options == batch[0].options and n_rows + len(waiting.rows) <= self._max_batch):
                batch.append(waiting)
                n_rows += len(waiting.rows)
            else:
                others.append(waiting)
        self._queue = others
        self._n_rows -= n_rows
        if not others:
            self._filled.clear()
        return batch

    def _answers(self, batch: list[Waiting]) -> list:
        """Return the answer to each request, or the error in its place."""
        try:
            return self._predict([waiting.rows for waiting in batch], batch[0].options)
        except Exception as error:
            if len(batch) > 1:  # the others must not suffer
                return [answer for waiting in batch for answer in self._answers([waiting])]
            return [_refusal_of(error)]


def _refusal_of(error: Exception) -> Refusal:
    """Return what the sender is told. An error that no check of ours foresaw goes to the log alone: it may tell of this
    machine."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, BadItemsError):
        return Refusal(400, error.listed())
    log.error("A prediction failed", exc_info=error)
    return Refusal(500, "The model failed on these rows; the log of the server tells why.")


def _settle(future: asyncio.Future, found) -> None:
    if isinstance(found, Exception):
        future.set_exception(found)
    else:
        future.set_result(found)
