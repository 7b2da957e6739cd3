"""A service that is told to stop loses no request that it took, and keeps nobody waiting who comes too late."""

import collections
import concurrent.futures
import contextlib
import json
import signal
import socket
import time

import pandas as pd
import pytest

HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"Expect: 100-continue\r\n\r\n"
)
TAKEN = b"HTTP/1.1 100 Continue\r\n\r\n"  # the service says so when it has read a head, and asks for the body


def ask(port, body, connection=None):
    """Return how a request ends, and the connection if it can be used again.

    "refused" is a request that was not taken: not a byte came back. What was taken must be answered in full.
    """
    answer = b""
    try:
        connection = connection or socket.create_connection(("127.0.0.1", port), timeout=40)
        connection.sendall(HEAD % len(body))
        while len(answer) < len(TAKEN):
            part = connection.recv(len(TAKEN) - len(answer))
            if not part:
                break
            answer += part
        if answer == TAKEN:
            connection.sendall(body)
            with connection.makefile("rb") as file:
                head = dict(line.lower().split(b": ", 1) for line in iter(file.readline, b"\r\n") if b": " in line)
                return file.read(int(head[b"content-length"])), None if b"connection" in head else connection
    except (ConnectionError, TimeoutError, KeyError) as error:
        return ("refused" if not answer else f"lost: {error!r}"), None
    return ("refused" if not answer else f"cut: {answer!r}"), None


def keep_asking(port, body, keeps, ended):
    connection = None
    while not ended or ended[-1] != "refused":
        found, connection = ask(port, body, connection)
        ended.append(found)
        if not keeps:
            connection = None
    return ended


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("seconds", [0.5, 0.77])
def test_every_request_that_was_taken_is_answered_in_full(coats, serving, sent, workers, seconds):
    """Clients that ask without a pause while the service is told to stop, by kept connections and by new ones."""
    with serving(coats[2], "--workers", workers) as service:
        _, wanted = service.call("/predict", {"rows": sent})
        body = json.dumps({"rows": sent}).encode()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            clients = [pool.submit(keep_asking, service.port, body, i % 2 == 0, []) for i in range(16)]
            time.sleep(seconds)
            service.process.send_signal(signal.SIGTERM)
            ends = collections.Counter(end for client in clients for end in client.result())
        assert service.process.wait(40) in (0, -signal.SIGTERM)
    assert ends.pop("refused") == 16 and sum(ends.values()) > 16
    for answer in map(json.loads, ends):
        found, expected = (pd.DataFrame(rows["predictions"]) for rows in (answer, wanted))
        pd.testing.assert_frame_equal(found, expected, atol=1e-6)


@pytest.mark.slow
def test_who_comes_while_workers_stop_is_refused_at_once(coats, serving, sent):
    """Not kept by a socket that nobody takes connections from, until the last request is answered."""
    body = json.dumps({"rows": sent}).encode()
    with serving(coats[2], "--workers", "2") as service, contextlib.ExitStack() as stack:
        service.call("/ping")
        slow = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=40))
        slow.sendall(HEAD % len(body))
        assert slow.recv(len(TAKEN)) == TAKEN
        service.process.send_signal(signal.SIGTERM)
        time.sleep(3)
        begin = time.monotonic()
        assert ask(service.port, body) == ("refused", None) and time.monotonic() - begin < 1
        slow.sendall(body)
        assert slow.recv(12) == b"HTTP/1.1 200"


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them(coats, serving):
    """It may be killed, and cannot tell them; who serves on would hold the port."""
    with serving(coats[2], "--workers", "2", ends=[-signal.SIGKILL]) as service:
        assert service.call("/ping")[0] == 200
        service.process.kill()
        for _ in range(100):
            time.sleep(0.1)
            if ask(service.port, b"{}") == ("refused", None):
                break
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", service.port))
