"""The pages of the service: what is asked at which address, and how it is answered."""

import asyncio
import contextlib
import csv
import json
import logging
import re
import time
import warnings

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ._answers import answer
from ._batches import Batches
from ._bodies import MOST_ROWS, Options, of_csv, of_form, of_invocation, of_predict
from ._inputs import Inputs, RequestRows
from ._metrics import CONTENT_TYPE, Metrics
from ._refusal import Refusal
from ._schema import PLACE, open_api, page

log = logging.getLogger("ensemble_mm.endpoint")

HELD = 8  # largest bodies that may be in memory at once: many slow senders must not fill it
LARGE = 2**18  # bytes of a body that is not read beside others of its size
PART = 2**16  # bytes of a form that are read at a time
SPILT = 64 * 2**20  # bytes of a body that is too large that are read, and not kept
LONGEST_END = 1000  # bytes, in which the last boundary of a form stands
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class Service:
    """One model behind addresses of HTTP.

    Parameters
    ----------
    model : estimator
        A fitted stack.
    settings : Settings
    written : str
        When the file of the model was written: its users see by this which model answers.
    """

    def __init__(self, model, settings, written):
        self._settings = settings
        self._inputs = Inputs(model)
        self._metrics = Metrics(shared=settings.workers > 1)
        self._model, self._predictor = model, model.compiled()
        self._batches = Batches(self._predict, settings.max_batch, settings.max_wait_ms / 1000)
        self._schema = open_api(model, self._inputs, written)
        self._page = page(model, self._inputs)
        self._held, self._large = 0, asyncio.Lock()

    def app(self) -> Starlette:
        """Return the application."""
        gets = {"/": self.docs, "/docs": self.docs, "/ping": self.ping, "/health": self.ping, "/schema": self.schema,
                "/metrics": self.metrics}  # fmt: skip
        posts = {"/predict": self.predict, "/invocations": self.invocations}
        app = Starlette(
            routes=[
                *(Route(path, self._counted(path, handler), methods=["GET"]) for path, handler in gets.items()),
                *(Route(path, self._counted(path, handler), methods=["POST"]) for path, handler in posts.items()),
            ],
            lifespan=self._life,
            exception_handlers={HTTPException: _no_page},
        )
        app.router.redirect_slashes = False  # to wherever the head of a request says that this is
        return app

    @contextlib.asynccontextmanager
    async def _life(self, app):
        work = asyncio.create_task(self._batches.run())
        csv.field_size_limit(self._settings.max_body)  # of the process: a file in base64 is a long cell
        with warnings.catch_warnings():  # of the process, which does nothing else: answers and metrics tell
            warnings.simplefilter("ignore")
            try:
                yield
            finally:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await work

    # -- addresses -----------------------------------------------------------------------------------------------

    async def ping(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def schema(self, request: Request) -> Response:
        return _json(self._schema)

    async def docs(self, request: Request) -> Response:
        asked = request.headers.get("host", "")
        text = self._page.replace(PLACE, asked) if re.fullmatch(r"[\w.:\[\]-]+", asked) else self._page
        return Response(text, media_type="text/html", headers=HEADERS)

    async def metrics(self, request: Request) -> Response:
        return Response(await asyncio.to_thread(self._metrics.page), headers=HEADERS | {"Content-Type": CONTENT_TYPE})

    async def predict(self, request: Request) -> Response:
        kind, query = _kind_of(request), request.query_params.multi_items()
        if kind in FORMS:
            limits = {"max_files": MOST_ROWS, "max_fields": MOST_ROWS, "max_part_size": self._settings.max_body}
            async with self._whole(request) as body:
                content = await body.body()
                _check_form(request, content)
                async with _in_parts(request, content).form(**limits) as form:
                    fields = [(name, await value.read() if isinstance(value, UploadFile) else value)
                              for name, value in form.multi_items()]  # fmt: skip
                return await self._answer(lambda: of_form(fields, query, self._inputs.columns))
        if kind != "application/json":
            raise Refusal(415, f"Send application/json, {' or '.join(FORMS)}.")
        async with self._whole(request) as body:
            content = await body.body()
            return await self._answer(lambda: of_predict(content, query), len(content))

    async def invocations(self, request: Request) -> Response:
        kind, query = _kind_of(request), request.query_params.multi_items()
        if kind not in ("application/json", "text/csv"):
            raise Refusal(415, "Send application/json or text/csv.")
        async with self._whole(request) as body:
            content = await body.body()
            read = of_csv if kind == "text/csv" else of_invocation
            return await self._answer(lambda: read(content, query), len(content))

    async def _answer(self, read, size: int = 0) -> Response:
        """Read the rows of a body apart from the loop, so that a large one holds nobody up, and answer them.

        Large texts are read one by one: a body may hold so many empty objects that they take forty times its size.
        """
        async with self._large if size > LARGE else contextlib.nullcontext():
            rows, options = await asyncio.to_thread(self._read, read)
        return _json(await self._batches.ask(rows, options))

    def _read(self, read) -> tuple[RequestRows, Options]:
        try:
            records, options = read()
            return self._inputs.read(records), options
        except Refusal as refusal:
            refusal.__traceback__ = refusal.__context__ = None  # they keep what was read until garbage is collected
            records = None
            raise

    def _predict(self, parts: list[RequestRows], options: Options) -> list[dict]:
        """Return the answers to some requests with the same options, which are read and predicted together."""
        X = self._inputs.join(parts)
        found = self._inputs.look(X)
        whole = answer(self._predictor, self._model.tasks_, X, options)
        self._metrics.count(len(X), found)
        answers, end = [], 0
        for part in parts:
            rows = slice(end, end := end + len(part))
            alone = self._inputs.look(self._inputs.join([part])) if found.warns and len(parts) > 1 else found
            told = [*alone.told, *alone.new]
            gone = [
                f"{view!r} is missing in every row." for view, absent in found.missing.items() if absent[rows].all()
            ]
            warned = {"warnings": [*told, *gone]} if told or gone else {}
            answers.append({what: entries[rows] for what, entries in whole.items()} | warned)
        return answers

    # -- what all addresses share --------------------------------------------------------------------------------

    def _counted(self, path: str, handler):
        """Return a handler whose requests are counted and timed, and whose errors become words."""

        async def handle(request: Request) -> Response:
            begin = time.perf_counter()
            response = await _worded(handler, request)
            self._metrics.seconds.labels(path).observe(time.perf_counter() - begin)
            self._metrics.requests.labels(path, str(response.status_code)).inc()
            return response

        return handle

    @contextlib.asynccontextmanager
    async def _whole(self, request: Request):
        """Give the request with a body that may not be larger than is allowed, nor be one too many."""
        most, own = self._settings.max_body, 0
        too_large = Refusal(413, f"The body has more than {most:,} bytes: send fewer rows, or smaller files.")
        if "transfer-encoding" in request.headers and "content-length" in request.headers:
            raise Refusal(400, "The request says its length in two ways: send Content-Length or Transfer-Encoding.")
        said = request.headers.get("content-length", "0")
        if said.isdecimal() and int(said) > most:
            if int(said) <= SPILT and "expect" not in request.headers:  # who expects an answer has sent nothing yet
                await _spill(request)
            raise too_large

        async def receive():
            nonlocal own
            message = await request.receive()
            size = len(message.get("body", b""))
            own += size
            self._held += size
            if own > most:
                if message.get("more_body"):
                    await _spill(request)
                raise too_large
            if self._held > HELD * most:
                raise Refusal(503, "Too many large requests are being read: try again in a second.")
            return message

        try:
            yield Request(request.scope, receive)
        finally:
            self._held -= own


async def _spill(request: Request) -> None:
    """Read on in a body, and keep nothing: a sender that is cut off while it sends sees no answer."""
    read, more = 0, True
    while more and read <= SPILT:
        message = await request.receive()
        read += len(message.get("body", b""))
        more = message.get("more_body", False)


async def _worded(handler, request: Request) -> Response:
    """Return the response, or the error in words. What nobody foresaw goes to the log alone."""
    try:
        return await handler(request)
    except Refusal as refusal:
        return _refused(refusal.status, refusal.words)
    except HTTPException as error:  # of starlette, on a form that is none
        return _refused(error.status_code, str(error.detail))
    except ClientDisconnect:
        return _refused(400, "The request ended before its body did.")
    except Exception as error:
        log.error("A request failed", exc_info=error)
        return _refused(500, "The server failed on this request; its log tells why.")


async def _no_page(request: Request, error: HTTPException) -> Response:
    words = {404: "There is no such page: /predict, /invocations, /ping, /schema, /docs and /metrics are there.",
             405: "Use POST for /predict and /invocations, GET for other pages."}  # fmt: skip
    return _refused(error.status_code, words.get(error.status_code, str(error.detail)))


def _refused(status: int, words: str) -> Response:
    response = _json({"error": words}, status)
    if status == 503:
        response.headers["Retry-After"] = "1"
    if status == 413:  # what is left of the body is not read
        response.headers["Connection"] = "close"
    return response


def _json(content, status: int = 200) -> Response:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "replace") + b"\n", status, HEADERS, "application/json")


def _check_form(request: Request, content: bytes) -> None:
    """Refuse a form that is not in UTF-8, since some of the encodings of Python take the square of a text's length, and
    one without its end: what was lost of it would count as missing."""
    from python_multipart.multipart import parse_options_header

    kind, said = parse_options_header(request.headers["content-type"])
    if said.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise Refusal(415, "Send the form in UTF-8.")
    if kind == FORMS[0].encode() and b"--%b--" % said.get(b"boundary", b"") not in content[-LONGEST_END:]:
        raise Refusal(400, "The form has no end: it must end with its boundary between '--' and '--'.")


def _in_parts(request: Request, content: bytes) -> Request:
    """Give a request whose body comes in parts: others have their turn while a long form is taken apart."""
    starts = iter(range(0, max(1, len(content)), PART))

    async def receive():
        await asyncio.sleep(0)
        start = next(starts)
        end = start + PART
        return {"type": "http.request", "body": content[start:end], "more_body": end < len(content)}

    return Request(request.scope, receive)


def _kind_of(request: Request) -> str:
    """Return the kind of a body, JSON unless it is said; one that is packed is not unpacked."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refusal(415, "Send the body as it is, without a content encoding.")
    return request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
