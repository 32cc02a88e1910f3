"""HTTP with one deadline over everything, and with proof of whether a byte left.

A client library's timeouts are per read: a server that drips one byte a second is never too late. Here each wait on
the socket gets what is left of the whole call. The stream also notes the moment before the first byte of a request is
handed to the kernel: up to there "not sent" is a fact, from there on it is not.

Also by construction: no redirects, no cookies, no proxies from the environment, no retries, HTTP/1.1 only, and a
connection of its own for every call. Bytes that an answer left over on a kept connection would be read as the answer
to the next message (h11 does so, tested), and a handshake per 500 lines costs nothing that counts.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

MAXIMUM_CONNECTIONS = 20


@dataclass(slots=True)
class Call:
    """One request on its way: its deadline on the monotonic clock, and whether bytes of it may have left."""

    deadline: float
    may_have_left: bool = False

    def remaining(self) -> float:
        """Seconds left; negative when it is over."""
        return self.deadline - time.monotonic()


class DeadlinePassed(Exception):
    """The deadline was over before the first byte of the request; nothing was sent."""


_current = threading.local()


@contextmanager
def running(call: Call) -> Iterator[None]:
    """Make `call` the one that this thread's sockets obey."""
    previous = getattr(_current, "call", None)
    _current.call = call
    try:
        yield
    finally:
        _current.call = previous


def _call() -> Call:
    call: Call | None = getattr(_current, "call", None)
    if call is None:
        raise RuntimeError("The gateway's transport works only inside `running(call)`.")
    return call


class _Stream(httpcore2.NetworkStream):
    """A socket whose every wait is cut to what is left of the call."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _call().remaining()
        if left <= 0:
            raise httpcore2.ReadTimeout("the call's deadline is over")
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        call = _call()
        left = call.remaining()
        if left <= 0:
            if not call.may_have_left:
                raise DeadlinePassed
            raise httpcore2.WriteTimeout("the call's deadline is over")
        call.may_have_left = True
        # On the socket itself: the library's write gives a slow peer the whole timeout again for each part it accepts.
        sock = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        try:
            while rest:
                sock.settimeout(max(call.remaining(), 0.001))
                rest = rest[sock.send(rest) :]
                if rest and call.remaining() <= 0:
                    raise TimeoutError
        except TimeoutError:
            raise httpcore2.WriteTimeout("the call's deadline is over") from None
        except OSError as error:
            raise httpcore2.WriteError(type(error).__name__) from error

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _call().remaining()
        if left <= 0:
            raise httpcore2.ConnectTimeout("the call's deadline is over")
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _call().remaining()
        if left <= 0:
            raise httpcore2.ConnectTimeout("the call's deadline is over")
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


class DeadlineTransport(httpx2.BaseTransport):
    """The real network; works only inside `running(call)` and raises httpcore2's own exceptions."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context or _trusting_the_system(),
            max_connections=MAXIMUM_CONNECTIONS,
            max_keepalive_connections=0,
            http1=True,
            http2=False,
            retries=0,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, once, and return when the head of the answer is there."""
        left = max(_call().remaining(), 0.0)
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": {"pool": left}},
            )
        )
        return httpx2.Response(status_code=answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


def _trusting_the_system() -> ssl.SSLContext:
    """Certificates checked against the system's authorities (`SSL_CERT_FILE` adds a private one), TLS 1.2 or newer."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


# Failures that come before a byte of the request is handed to the socket: names of both libraries, since a test's
# transport raises httpx2's. They prove "not sent" only together with `Call.may_have_left` being false.
BEFORE_SENDING: tuple[type[Exception], ...] = (
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    httpcore2.PoolTimeout,
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
)
TIMEOUTS: tuple[type[Exception], ...] = (httpcore2.TimeoutException, httpx2.TimeoutException)
