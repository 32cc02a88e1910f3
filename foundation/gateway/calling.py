"""One HTTP call to the gateway: signed, timed, sent once, and everything that can happen to it as one of three errors.

Log lines hold ids, counts, codes and durations; never a body, which is full of names and account numbers.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import httpx2
import structlog
from django.db import connections

from foundation.gateway import reading
from foundation.gateway.errors import CalledInTransaction, Exchange, GatewayError, NotSent, OutcomeUnknown, Refused
from foundation.gateway.reading import Route
from foundation.gateway.signatures import MESSAGE_ID, Secret, sign_request
from foundation.gateway.transport import BEFORE_SENDING, TIMEOUTS, Call, DeadlinePassed, running

log = structlog.get_logger(__name__)

MAXIMUM_ANSWER = 1024 * 1024  # contract 2: JSON is trusted up to 1 MiB; the answer to 1,000 lines has some 200 KiB
MAXIMUM_STATEMENT = 4 * 1024**3  # some four million entries; beyond it somebody is filling the disk


def refuse_open_transactions() -> None:
    """Raise CalledInTransaction when this thread has a database transaction open on any connection."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and (connection.in_atomic_block or not connection.autocommit):
            raise CalledInTransaction(f"A transaction is open on {connection.alias!r}: commit, then call.")


def begin(deadline_seconds: float) -> Call:
    """Start the clock of one call; raises CalledInTransaction."""
    refuse_open_transactions()
    return Call(deadline=time.monotonic() + deadline_seconds)


class Caller:
    """Sends requests of the contract to one address with one secret."""

    def __init__(
        self, *, base_url: str, secret: Secret, transport: httpx2.BaseTransport, wall_clock: Callable[[], float]
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._transport = transport
        self._wall_clock = wall_clock

    def post(
        self, route: Route, path: str, *, message_id: str, body: bytes, call: Call, lines: int | None = None
    ) -> tuple[dict[str, Any], Exchange]:
        """Send `body` once; the document of a 200 and what travelled, or one of the errors of `errors`."""
        with self._logged(route, message_id, lines=lines) as started:
            request, exchange = self._request("POST", path, message_id, body)
            response = self._open(request, call, exchange)
            try:
                exchange = self._read_answer(response, call, exchange, started)
            finally:
                self._close(response, call)
            with reading_answer(exchange):
                document = reading.read_document(
                    route, status=response.status_code, headers=response.headers, exchange=exchange
                )
        return document, exchange

    def stream(self, route: Route, path: str, *, message_id: str, call: Call) -> Iterator[bytes]:
        """GET an XML document and give its bytes as they come; the same errors, also in the middle."""
        with self._logged(route, message_id) as started:
            request, exchange = self._request("GET", path, message_id, b"")
            response = self._open(request, call, exchange)
            try:
                if response.status_code != 200:
                    exchange = self._read_answer(response, call, exchange, started)
                    with reading_answer(exchange):
                        reading.raise_error(
                            route, status=response.status_code, headers=response.headers, exchange=exchange
                        )
                reading.check_xml(response.headers, exchange)
                yield from self._chunks(response, call, exchange, limit=MAXIMUM_STATEMENT)
            finally:
                self._close(response, call)

    def close(self) -> None:
        """Let go of the sockets."""
        self._transport.close()

    def _request(self, method: str, path: str, message_id: str, body: bytes) -> tuple[httpx2.Request, Exchange]:
        if not MESSAGE_ID.fullmatch(message_id):
            raise Refused("INVALID_MESSAGE")
        headers = {"accept": "application/json, application/xml", "accept-encoding": "identity", "connection": "close"}
        if body:
            headers["content-type"] = "application/json"
        request = httpx2.Request(method, f"{self._base_url}/bank/v1{path}", headers=headers, content=body)
        target = request.url.raw_path.decode("ascii")  # what is signed is what is sent, character by character
        request.headers.update(
            sign_request(
                secret=self._secret,
                message_id=message_id,
                timestamp=int(self._wall_clock()),
                method=method,
                target=target,
                body=body,
            )
        )
        return request, Exchange(message_id=message_id, target=f"{method} {target}", request=body)

    def _open(self, request: httpx2.Request, call: Call, exchange: Exchange) -> httpx2.Response:
        """Send, and wait for the head of the answer."""
        if call.remaining() <= 0:
            raise NotSent("DEADLINE", exchange=exchange)
        try:
            with running(call):
                response = self._transport.handle_request(request)
        except Exception as error:  # whatever it is, it must be classified
            _raise_failure(error, call, exchange)
        call.may_have_left = True  # whatever fails from here on, an answer had begun
        return response

    def _read_answer(self, response: httpx2.Response, call: Call, exchange: Exchange, started: float) -> Exchange:
        parts: list[bytes] = []

        def travelled() -> Exchange:
            answer = b"".join(parts)
            return replace(exchange, http_status=response.status_code, answer=answer, milliseconds=_since(started))

        try:
            parts.extend(self._chunks(response, call, exchange, limit=MAXIMUM_ANSWER))
        except OutcomeUnknown as error:
            raise OutcomeUnknown(error.why, exchange=travelled()) from None  # half an answer is evidence too
        return travelled()

    def _chunks(self, response: httpx2.Response, call: Call, exchange: Exchange, *, limit: int) -> Iterator[bytes]:
        """The body as it comes, within deadline and limit; between two chunks the caller may open no transaction."""
        exchange = replace(exchange, http_status=response.status_code)
        chunks = iter(response.stream)  # type: ignore[arg-type]  # the transports here are synchronous
        received = 0
        while True:
            refuse_open_transactions()
            if call.remaining() <= 0:
                raise OutcomeUnknown("TIMEOUT", exchange=exchange)
            try:
                with running(call):
                    chunk = next(chunks, None)
            except Exception as error:
                _raise_failure(error, call, exchange)
            if chunk is None:
                return
            received += len(chunk)
            if received > limit:
                raise OutcomeUnknown("TOO_LARGE", exchange=exchange)
            yield chunk

    def _close(self, response: httpx2.Response, call: Call) -> None:
        try:
            with running(call):
                response.close()
        except Exception as error:  # the answer is decided; a connection that will not close is not news
            log.warning("gateway.close_failed", error=type(error).__name__)

    @contextmanager
    def _logged(self, route: Route, message_id: str, *, lines: int | None = None) -> Iterator[float]:
        started = time.monotonic()
        facts: dict[str, Any] = {"route": route.name, "message_id": message_id, "lines": lines}
        try:
            yield started
        except GatewayError as error:
            code = getattr(error, "why", "") or getattr(error, "reason", "") or getattr(error, "code", "")
            status = error.exchange.http_status if error.exchange else None
            log.warning(
                "gateway.call", **facts, outcome=type(error).__name__, code=code, status=status, ms=_since(started)
            )
            raise
        log.info("gateway.call", **facts, outcome="ANSWERED", ms=_since(started))


@contextmanager
def reading_answer(exchange: Exchange) -> Iterator[None]:
    """Whatever goes wrong while an answer is read is the answer's fault: the outcome is unknown."""
    try:
        yield
    except GatewayError:
        raise
    except Exception as error:
        log.warning("gateway.answer_breaks_contract", message_id=exchange.message_id, error=type(error).__name__)
        raise OutcomeUnknown("CONTRACT", exchange=exchange) from None


def _raise_failure(error: Exception, call: Call, exchange: Exchange) -> NoReturn:
    """Say what a failure on the way proves.

    Only a failure to connect, before any byte of the request was handed to the socket, proves that nothing was sent.
    The text of the exception stays out: it may repeat what the server wrote.
    """
    if isinstance(error, GatewayError | CalledInTransaction):
        raise error
    if isinstance(error, DeadlinePassed):
        raise NotSent("DEADLINE", exchange=exchange) from None
    if isinstance(error, BEFORE_SENDING) and not call.may_have_left:
        raise NotSent("CONNECT", exchange=exchange) from None
    why = "TIMEOUT" if isinstance(error, TIMEOUTS) else f"CUT_{type(error).__name__}"
    raise OutcomeUnknown(why, exchange=exchange) from None


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
