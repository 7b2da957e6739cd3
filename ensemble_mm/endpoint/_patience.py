"""Connections whose senders take too long: they are ended, and the slowest first where connections are many."""

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # for the head of a request
BODY_SECONDS = 60.0  # for its body, beyond that, and to fetch what waits of the answer
MOST_CONNECTIONS = 600  # of a process; systems give it 1024 open files, and what makes room is closed a little later
AT_ONCE = 128  # connections that are taken at once
TWO_LENGTHS = {b"content-length", b"transfer-encoding"}


class PatientProtocol(H11Protocol):
    """Read a connection, not for ever.

    A request must be whole in some time, and some of its answer be fetched. Where connections are more than can be, the
    one that has kept the service waiting for the longest makes room.
    """

    _began: float | None = None  # when what is waited for began: a request, or the next; None while one is answered
    _timer = None
    _unread = None  # the end of a connection whose answer nobody fetches

    def connection_made(self, transport):
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST_CONNECTIONS:
            waiting = [other for other in self.connections if getattr(other, "_began", None) is not None]
            slowest = min(waiting, key=lambda other: other._began, default=self)
            slowest._rest()  # it is among the connections until it is closed, and the next that comes needs another
            slowest.transport.abort()

    def connection_lost(self, exc):
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data):
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self._rest()  # its time begins with its first byte
        super().data_received(data)
        self._watch()

    def on_response_complete(self):
        super().on_response_complete()
        self._watch()  # the next request may have begun before this one was answered

    def pause_writing(self):
        super().pause_writing()
        self._unread = self.loop.call_later(BODY_SECONDS, self.transport.abort)

    def resume_writing(self):
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _watch(self):
        if self.cycle is not None and TWO_LENGTHS <= {name for name, _ in self.cycle.scope["headers"]}:
            self.cycle.keep_alive = False  # what follows may be part of it, to a proxy: RFC 9112, section 6.1
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._rest()
        elif self._began is None:
            self._wait()

    def _wait(self):
        self._began = self.loop.time()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._look)

    def _rest(self):
        self._began = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self):
        left = self._began + HEAD_SECONDS + BODY_SECONDS - self.loop.time()
        if self.conn.their_state is h11.SEND_BODY and left > 0:
            self._timer = self.loop.call_later(left, self._look)
        else:
            self.transport.abort()
