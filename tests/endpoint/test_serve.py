"""The process that serves: it starts, is crowded, loses its file, is stopped, and answers all the while."""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from functools import partial

import pytest

from ensemble_mm.endpoint._serve import _listen
from ensemble_mm.store import read_manifest

COMMAND = [sys.executable, "-m", "ensemble_mm", "serve"]
HALF = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"


@pytest.mark.slow
def test_a_port_in_use_is_told_in_a_line(coats, served):
    done = subprocess.run([*COMMAND, coats[2], "--port", str(served.port)], capture_output=True, text=True)
    assert done.returncode == 1 and f"Port {served.port} of 127.0.0.1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("host", ["", "192.0.2.1", "a" * 300, "fe80::1"])
def test_a_host_that_cannot_be_listened_on_is_told(host):
    with pytest.raises(OSError, match="is not an address of this machine: use 127.0.0.1"):
        _listen(host, 0)


def test_many_at_once_are_answered_as_one_by_one(served, sent):
    """Requests of different options and sizes are joined as they fit; a bad one costs the others nothing."""
    bad = {**sent[0], "photo": base64.b64encode(b"no picture").decode()}
    bodies = [{"rows": sent[i % 4 : i % 4 + 2], "probabilities": i % 3 == 0} for i in range(12)]
    wanted = [served.call("/predict", body)[1] for body in bodies]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        refused = [pool.submit(served.call, "/predict", {"rows": [bad]}) for _ in range(4)]
        found = list(pool.map(lambda body: served.call("/predict", body), bodies))
    assert {answer.result()[0] for answer in refused} == {400}
    for (status, answer), expected in zip(found, wanted, strict=True):
        assert status == 200 and answer["predictions"][0]["kind"] == expected["predictions"][0]["kind"]
        assert answer["predictions"][0]["stars"] == pytest.approx(expected["predictions"][0]["stars"], abs=1e-5)


def test_what_is_no_request_is_refused(served):
    for sent in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET /" + b"a" * 100_000):
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
            with contextlib.suppress(ConnectionError):  # it may be ended before all is sent
                connection.sendall(sent)
                assert connection.recv(12) in (b"HTTP/1.1 400", b"")
    assert served.call("/ping")[0] == 200


def test_a_bomb_is_refused_by_its_size(served, sent):
    """Ten thousand bytes that unpack to ten thousand million pixels."""

    def part(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    parts = [part(b"IHDR", head), part(b"IDAT", zlib.compress(bytes(10**7))), part(b"IEND", b"")]
    row = {**sent[0], "photo": base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()}
    begin = time.monotonic()
    status, answer = served.call("/predict", {"rows": [row]})
    assert status == 400 and "row 0" in answer["error"] and time.monotonic() - begin < 20


@pytest.mark.slow
def test_slow_senders_hold_nobody_up(coats, serving, sent):
    """Connections that send the head of a request, or its body, byte by byte; more than the files that may be open."""
    resource = pytest.importorskip("resource")
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (1024, 1024))  # as many systems give
    with serving(coats[2], preexec_fn=few) as served, contextlib.ExitStack() as slow:
        connect = partial(socket.create_connection, ("127.0.0.1", served.port), timeout=20)
        for i in range(2000):
            connection = slow.enter_context(contextlib.closing(connect()))
            with contextlib.suppress(ConnectionError):  # it has made room already
                connection.sendall(HALF + (b"\r\n{" if i % 2 else b""))
            if i == 1998:
                late = connection
        begin = time.monotonic()
        assert served.call("/predict", {"rows": sent[:1]})[0] == 200
        assert time.monotonic() - begin < 5
        time.sleep(11)  # a head has ten seconds
        late.settimeout(1)
        with contextlib.suppress(ConnectionResetError):
            assert late.recv(1) == b""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_that_changes_changes_no_answer(coats, serving, sent, tmp_path, workers):
    """It is overwritten, cut, replaced and deleted. Processes that die are started anew with the model of before."""
    own, other = tmp_path / "own.emm", tmp_path / "other.emm"
    own.write_bytes(coats[2].read_bytes())
    other.write_bytes(b"another")
    changes = [
        partial(own.write_bytes, b"something else"),
        partial(os.truncate, own, 5),
        partial(other.replace, own),
        own.unlink,
    ]
    with serving(own, "--workers", workers) as service:
        wanted = service.call("/predict", {"rows": sent})
        assert service.call("/schema")[1]["info"]["version"] == read_manifest(coats[2])["created"]
        for change in changes:
            change()
            assert [service.call("/predict", {"rows": sent}) for _ in range(4)] == [wanted] * 4
        status, counts = service.call("/metrics")
        line = next(line for line in counts.splitlines() if line.startswith("ensemble_mm_rows_total"))
        assert status == 200 and float(line.split()[-1]) == 17 * len(sent)
        if workers == "2":
            listed = subprocess.check_output(
                ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(service.process.pid)], text=True
            )
            killed = [int(line.split()[0]) for line in listed.splitlines() if "spawn_main" in line]
            for process in killed:
                os.kill(process, signal.SIGKILL)
            assert len(killed) == 2 and service.call("/predict", {"rows": sent}) == wanted


@pytest.mark.slow
def test_what_is_under_way_is_answered_before_the_end(coats, serving, sent):
    with serving(coats[2]) as service:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(service.call, "/predict", {"rows": sent * 100}) for _ in range(8)]
            concurrent.futures.wait(asked, return_when=concurrent.futures.FIRST_COMPLETED)
            service.process.send_signal(signal.SIGTERM)
            assert {answer.result()[0] for answer in asked} == {200}
        assert service.process.wait(40) in (0, -signal.SIGTERM)


@pytest.mark.slow
def test_too_many_requests_are_turned_away(coats, serving, sent):
    with serving(coats[2], "--max-batch", "1") as service:
        with concurrent.futures.ThreadPoolExecutor(120) as pool:
            asked = [pool.submit(service.call, "/predict", {"rows": sent}) for _ in range(240)]
            statuses = [answer.result()[0] for answer in asked]
        assert set(statuses) == {200, 503}
        assert service.call("/ping")[0] == 200


def test_a_client_that_leaves_costs_nothing(served, sent):
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", served.port)
        connection.request("POST", "/predict", json.dumps({"rows": sent}), {"Content-Type": "application/json"})
        connection.close()
    assert served.call("/predict", {"rows": sent})[0] == 200


def test_small_answers_are_sent_at_once():
    """Of a socket that is not said to be TCP, the second part of an answer waited 40 ms for word of the first."""
    with _listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        taken, _ = listener.accept()
        with taken:
            assert taken.proto == socket.IPPROTO_TCP
