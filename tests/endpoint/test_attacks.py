"""Requests that are made to harm: each is turned away in words, and the service goes on."""

import asyncio
import base64
import contextlib
import json
import socket
import struct
import threading
import time
import weakref
import zlib
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import uvicorn
from starlette.requests import Request

from ensemble_mm.endpoint import Settings
from ensemble_mm.endpoint._app import LARGE, Service, _in_parts
from ensemble_mm.endpoint._refusal import Refusal

ROW = {"review": "a soft warm coat", "age": 40, "shop": "north"}
LEAKS = ("Traceback", "secret_folder", "site-packages", ".py", "/tmp")


def png_of(width, height, rows):
    """A picture in one shade of grey that says to be larger than it is."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * ((width + 1) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def gif_of(width, height):
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0"
        + (struct.pack("<HH", width, height) + b"\0\x02\x02D\x01\0;")
    )


def spoken(served, content):
    """Return what the service says to raw bytes; nothing where it cuts the connection."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
        answer = b""
        with contextlib.suppress(OSError):  # it was cut
            line.sendall(content)
            line.shutdown(socket.SHUT_WR)
            while part := line.recv(4096):
                answer += part
    return answer.decode("latin-1")


@pytest.mark.parametrize(
    "body, words",
    [
        (b'{"rows": [{"age": 1, "age": 2}]}', "'age' twice"),
        (b'{"rows": [{"age": 1}], "rows": []}', "'rows' twice"),
        (b'{"rows": [{"age": 1e400}]}', "too large"),
        (b'{"rows": [{"age": -1e999}]}', "too large"),
        (b'{"rows": [{"age": Infinity}]}', "Infinity"),
        (b'{"rows": [{"age": NaN}]}', "NaN"),
        (b'{"rows": [{"age": ' + b"9" * 5000 + b"}]}", "9 is too large to be read."),
        (b'{"rows": [{"age": -1' + b"0" * 400 + b"}]}", "0 is too large to be read."),
        (b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deep"),
        (b'{"rows": [{"age": {"$ref": "/etc/passwd"}}]}', "an object"),
        (b'{"rows": [{"review": "\\ud800"}]}', "half of a character"),
        (b'{"rows": [{"photo": "file:///etc/passwd"}]}', "must be a file"),
        (b'{"rows": [{"photo": "http://127.0.0.1:1/a.png"}]}', "must be a file"),
        (b'{"rows": [{"photo": "data:image/png,abc"}]}', "must be a file"),
        (b'\xff\xfe{"rows": 1}', "JSON"),
        (b'{"rows": [' + b"{}," * 20_000 + b"{}]}", "more than the 10,000"),
        (b"null", "JSON object"),
        (b"", "not JSON"),
        (b'{"rows": [{' + b",".join(b'"k%d": 1' % i for i in range(20_000)) + b', "k19999": 1}]}', "'k19999' twice"),
        (b'{"rows": [{"' + b"shops" * 40_000 + b'": 1, "age": 1}]}', "lack 'shop'"),
        (b'{"rows": [{"' + "sh\u0301\u0323".encode() * 30_000 + b'": 1, "age": 1}]}', "lack 'shop'"),
    ],
)
def test_bodies_that_are_made_to_harm_are_told_in_words(served, body, words):
    status, answer = served.call("/predict", body)
    assert status in (400, 413) and words in answer["error"], answer
    assert not any(leak in answer["error"] for leak in LEAKS) and served.call("/ping")[0] == 200


@pytest.mark.parametrize("column", ["age", "shop", "review"])
def test_long_values_are_read_at_once(served, column):
    """Patterns take long to find that a long text is no number, and Unicode to sort accents."""
    for value in ("1" + " " * 50_000 + "x", "1," * 40_000, "1" * 90_000 + "x", "a" + "\u0301\u0323" * 20_000):
        status, answer = served.call("/predict", {"rows": [ROW | {column: value}]})
        assert status == 200 and len(str(answer)) < 1000


def test_many_lines_are_not_all_read(served):
    status, answer = served.call("/invocations", b"age\n" + b"1\n" * 140_000, "text/csv")
    assert status == 413 and "10,001 rows" in answer["error"]


@pytest.mark.parametrize("path", ["/predict/", "/docs/"])
def test_nobody_is_sent_to_where_the_head_of_a_request_says(served, path):
    answer = spoken(served, b"GET %b HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n" % path.encode())
    assert answer.startswith("HTTP/1.1 404") and "evil" not in answer


BEGUN = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize("begun", [BEGUN, BEGUN + b"Content-Length: 9\r\n\r\n{", b"", BEGUN[:30], BEGUN[40:]])
def test_what_begins_behind_a_whole_request_has_no_more_time(begun, monkeypatch):
    """A request that was sent together with the one before is looked at when that one has been answered."""
    from ensemble_mm.endpoint import _patience

    monkeypatch.setattr(_patience, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(_patience, "BODY_SECONDS", 0.1)

    async def app(scope, receive, send):
        while scope["method"] == "POST" and (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async def closed_after():
        config = uvicorn.Config(app, http=_patience.PatientProtocol, lifespan="off", port=0, log_level="error")
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        writer.write(begun)
        begin = time.monotonic()
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 3)
        writer.close()
        await server.shutdown()
        return time.monotonic() - begin

    assert asyncio.run(closed_after()) < 1


def test_who_keeps_a_connection_without_a_request_makes_room(monkeypatch):
    """What is answered stays; each that comes closes another, the oldest first, though none is gone at once."""
    from ensemble_mm.endpoint import _patience

    monkeypatch.setattr(_patience, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(_patience.H11Protocol, "connection_made", lambda self, transport: None)
    gone, lines = [], []
    for name, began in (("answered", None), ("new", 4.0), ("older", 3.0), ("oldest", 2.0)):
        line = object.__new__(_patience.PatientProtocol)
        line._began, line.transport = began, SimpleNamespace(abort=partial(gone.append, name))
        lines.append(line)
    for line in lines[:2]:
        line.connections, line._wait = {*lines}, lambda: None
        line.connection_made(None)
    assert gone == ["oldest", "older"]


def test_who_does_not_fetch_an_answer_is_left():
    from ensemble_mm.endpoint import _patience

    class Loop:
        def call_later(self, seconds, call):
            self.called = SimpleNamespace(cancel=self.__init__, seconds=seconds, call=call)
            return self.called

        def __init__(self):
            self.called = None

    line = object.__new__(_patience.PatientProtocol)
    line.loop, line.transport = Loop(), SimpleNamespace(abort=print)
    line.flow = SimpleNamespace(pause_writing=print, resume_writing=print)
    line.pause_writing()
    assert line.loop.called.call is print and line.loop.called.seconds == _patience.BODY_SECONDS
    line.resume_writing()
    assert line.loop.called is None


@pytest.mark.parametrize(
    "content",
    [png_of(60_000, 60_000, 20), gif_of(65_535, 65_535), b"PK\x03\x04" + b"\0" * 200, b"%!PS-Adobe", b"<svg/>",
     b"\0" * 999, b"fLaC" + b"\xff" * 200, b"\0\0\0\x18ftypmp42" + b"\xff" * 500,
     b"RIFF\xff\xff\xff\x7fWAVEfmt ", b"MSCF" * 50],
    ids=["png", "gif", "zip", "ps", "svg", "zeros", "flac", "mp4", "wav", "cab"],
)  # fmt: skip
def test_files_that_are_no_pictures_or_far_too_large_ones_name_their_row(served, content):
    row = ROW | {"photo": base64.b64encode(content).decode()}
    status, answer = served.call("/predict", {"rows": [ROW, row]})
    assert status == 400 and "1" in answer["error"], answer
    assert not [leak for leak in LEAKS if leak in answer["error"]], answer["error"]


@pytest.mark.parametrize(
    "content",
    [
        b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /ping HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 3_000_000 + b"\r\n\r\n",
        b"GET /ping HTTP/1.1\r\n" + b"X: a\r\n" * 30_000 + b"\r\n",
        b"GET /ping HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_heads_that_are_made_to_harm_are_refused_or_cut(served, content):
    answer = spoken(served, content)
    assert not answer or answer.startswith("HTTP/1.1 4"), answer[:200]
    assert not any(leak in answer for leak in LEAKS) and served.call("/ping")[0] == 200


@pytest.mark.parametrize("path", [b"/predict", b"/nothing"])
def test_what_follows_a_request_of_two_lengths_is_not_read(served, path):
    """A proxy that goes by the other length takes it for a part of the body, and lets anybody send it."""
    content = json.dumps({"rows": [ROW]}).encode()
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    behind = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = spoken(served, head % (path, len(body + behind)) + body + behind)
    assert answer.startswith("HTTP/1.1 4") and answer.count("HTTP/1.1") == 1


def test_a_body_in_chunks_that_never_ends_is_cut_at_its_limit(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
        line.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(400):  # 100 MB, if it were let
                line.sendall(b"40000\r\n" + b" " * 0x40000 + b"\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(100).startswith(b"HTTP/1.1 413")
    assert served.call("/ping")[0] == 200


@pytest.mark.parametrize("size, most", [(LARGE + 1, 1), (LARGE, 4)])
def test_large_bodies_are_read_one_by_one(coats, size, most):
    """One of 16 MB can hold 600 MB of empty objects, and eight may come at once."""
    service, together = Service(coats[1], Settings(), "now"), threading.Barrier(most)

    def read():
        together.wait(5)
        assert reading.acquire(blocking=False)
        time.sleep(0.01)
        reading.release()
        raise Refusal(400, "read")

    async def ask():
        return await asyncio.gather(*(service._answer(read, size) for _ in range(4)), return_exceptions=True)

    reading = threading.Semaphore(most)
    assert [str(found) for found in asyncio.run(ask())] == ["read"] * 4


def test_others_have_their_turn_while_a_long_form_is_read():
    async def turns_of(content):
        request = Request({"type": "http", "headers": [(b"content-type", b"application/x-www-form-urlencoded")]})
        reading, turns = asyncio.ensure_future(_in_parts(request, content).form()), 0
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)
        return turns, reading.result().multi_items()

    turns, fields = asyncio.run(turns_of(b"a=" + b"b" * 1_000_000))
    assert turns > 10 and fields == [("a", "b" * 1_000_000)]
    assert asyncio.run(turns_of(b""))[1] == []


def test_what_was_read_is_let_go_when_it_is_refused(coats):
    """The traceback of an error holds its frames, and all that they have read."""
    service, read = Service(coats[1], Settings(), "now"), []

    def refused():
        rows = np.zeros(1)
        read.append(weakref.ref(rows))
        raise Refusal(400, "no rows")

    with pytest.raises(Refusal) as told:
        service._read(refused)
    assert str(told.value) == "no rows" and read[0]() is None


def test_a_sender_that_closes_its_half_is_answered(served):
    body = json.dumps({"rows": [ROW]}).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = spoken(served, head + body)
    assert not answer or answer.startswith("HTTP/1.1 200")


def test_a_file_that_is_cut_is_told_before_a_port_is_taken(coats, tmp_path):
    from ensemble_mm.endpoint import Settings, serve
    from ensemble_mm.store import ModelFileError

    cut = tmp_path / "cut.emm"
    cut.write_bytes(coats[2].read_bytes()[:-1000])
    with pytest.raises(ModelFileError, match="not a whole model file"):
        serve(str(cut), Settings(port=0), print)


def test_a_name_of_a_file_in_base64_or_as_a_file_is_not_opened(coats, served, tmp_path):
    X, _, path = coats
    picture = tmp_path / "picture.png"
    picture.write_bytes(X["photo"][0])
    for name in (str(picture), "/etc/passwd", picture.as_uri(), str(path), "https://127.0.0.1:1/a.png", " "):
        packed = base64.b64encode(name.encode()).decode()
        bodies = [
            ({"rows": [ROW | {"photo": cell}]}, "application/json") for cell in (packed, f"data:;base64,{packed}")
        ]
        part = f'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n{name}\r\n--x--\r\n'
        for body, kind in [*bodies, (part.encode(), "multipart/form-data; boundary=x")]:
            status, answer = served.call("/predict", body, kind)
            assert (status, "must be a file" in answer["error"]) == (400, True), answer


@pytest.mark.parametrize("length", ["Content-Length: %d", "Transfer-Encoding: chunked"])
def test_a_sender_of_far_too_much_hears_why(served, length):
    """To be cut off in the middle would be a broken connection, in the place of an answer."""
    body = b" " * 20_000_000
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = b"POST /predict HTTP/1.1\r\nHost: a\r\n" + length.encode() + b"\r\n\r\n"
    answer = spoken(served, head % len(body) + body if "%d" in length else head + chunk)
    assert answer.startswith("HTTP/1.1 413") and "307,200 bytes" in answer


def test_who_expects_an_answer_before_the_body_is_answered_at_once(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
        line.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("charset", ["undefined", "punycode", "idna", "unicode_escape", "utf-7", "nonsense"])
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_forms_are_read_in_no_other_encoding(served, kind, charset):
    """Python has some that take the square of a text's length, and some that fail in words of their own."""
    part = b'--x\r\nContent-Disposition: form-data; name="review"\r\n\r\nwarm-' + b"9a" * 50_000 + b"\r\n--x--\r\n"
    status, answer = served.call("/predict", part, f"{kind}; charset={charset}")
    assert (status, answer) == (415, {"error": "Send the form in UTF-8."})
    assert served.call("/predict", b"review=warm", "application/x-www-form-urlencoded; charset=UTF-8")[0] != 415


PART = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
CUT = "".join(PART.format(name, value) for name, value in {"age": 1, "shop": "a", "review": "warm"}.items()).encode()


@pytest.mark.parametrize(
    "path, body, kind, words",
    [
        ("/predict?set=true&set=false", b"age=1&shop=a&review=b", "application/x-www-form-urlencoded", "once"),
        ("/predict", CUT, "multipart/form-data; boundary=x", "has no end"),
        ("/predict", CUT[:-20], "multipart/form-data; boundary=x", "has no end"),
        ("/predict?x=1", b'{"rows": [{"age": 1, "shop": "a"}]}', None, "'x' is not an option"),
        ("/predict?set=true", b'{"rows": [{"age": 1, "shop": "a"}], "set": true}', None, "once"),
        ("/invocations?set=true", b'{"dataframe_records": [{}], "params": {"set": true}}', None, "once"),
        ("/invocations?coverage=0.5&coverage=0.9", b"age,shop\n1,a\n", "text/csv", "once"),
        ("/invocations", b'{"dataframe_records": [{"age": 1, "shop": "a"}], "params": []}', None, "params must be"),
        ("/invocations", b'{"dataframe_records": [{"age": 1, "shop": "a"}], "params": 0}', None, "params must be"),
        ("/invocations", b'{"dataframe_split": {"columns": ["age", null], "data": [[1, 2]]}}', None, "columns"),
        ("/invocations", b'{"dataframe_split": {"columns": [{"age": 1}], "data": [[1]]}}', None, "columns"),
        ("/invocations", b'{"dataframe_split": {"columns": ["age", true], "data": [[1, 2]]}}', None, "columns"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_not_guessed(served, path, body, kind, words):
    status, answer = served.call(path, body, kind or "application/json")
    assert status == 400 and words in answer["error"], answer
