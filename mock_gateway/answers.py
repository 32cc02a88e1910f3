"""Answers as they leave, whole or spoilt."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mock_gateway.faults import Faults
from mock_gateway.messages import Refusal


class CutOff(Exception):
    """Ends the connection in the middle of an answer."""


class JSON(Response):
    """JSON as the contract writes it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Serialise."""
        return orjson.dumps(content)


class Held(Response):
    """No answer: the connection stays open until the client gives up, at most `seconds`, and then ends in a 504 that
    says nothing."""

    def __init__(self, seconds: float) -> None:
        super().__init__(status_code=504)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the client to go."""
        stopping: asyncio.Event = scope["app"].state.gateway.stopping
        waits = [asyncio.create_task(_gone(receive)), asyncio.create_task(stopping.wait())]
        await asyncio.wait(waits, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not waits[0].done():
            await super().__call__(scope, receive, send)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Truncated(Response):
    """Announces the whole body, sends half of it and cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body)[: len(self.body) // 2], "more_body": True})
        raise CutOff


def refusal(error: Refusal) -> Response:
    """The answer to a request of which nothing was done."""
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    return JSON(error.body, status_code=error.status, headers=headers)


def before(kind: str, faults: Faults) -> Response:
    """The answer of a fault that strikes before anything was done. Only the two that the contract promises it of say
    so."""
    options = faults.options
    match kind:
        case "drop_before":
            return Held(options.hold_seconds)
        case "e429":
            return refusal(Refusal(429, "TOO_MANY_REQUESTS", "slow down", retry_after=options.retry_after_seconds))
        case "e503":
            return refusal(Refusal(503, "UNAVAILABLE", "closed for a moment", retry_after=options.retry_after_seconds))
        case _:
            return broken()


def broken() -> Response:
    """A server error that says nothing about what was done."""
    return JSON({"code": "INTERNAL", "message": "something broke"}, status_code=500)


async def after(kind: str, content: dict[str, Any], faults: Faults) -> Response:
    """The answer of a fault that strikes after all was done."""
    options = faults.options
    match kind:
        case "drop_after":
            return Held(options.hold_seconds)
        case "slow_after":
            await asyncio.sleep(options.slow_seconds)
            return JSON(content)
        case "html_answer":
            return HTMLResponse(
                "<!doctype html><title>Bảo trì</title><p>Hệ thống đang bảo trì, vui lòng quay lại sau.</p>"
            )
        case "redirect":
            return RedirectResponse("/bank/maintenance", status_code=302)
        case "slow_drip":
            return StreamingResponse(_drip(orjson.dumps(content), options.drip_seconds), media_type="application/json")
        case "truncated_body":
            return Truncated(orjson.dumps(content), media_type="application/json")
        case _:
            msg = f"no such answer fault: {kind}"
            raise AssertionError(msg)


async def _drip(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for index in range(len(body)):
        yield body[index : index + 1]
        await asyncio.sleep(seconds)


def spoil_lines(kind: str, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results that do not fit what was asked; what was done stays done."""
    match kind:
        case "foreign_ids":
            return [*results, {**results[0], "end_to_end_id": secrets.token_hex(16)}]
        case "missing_lines":
            return results[::2] if len(results) > 1 else []
        case "duplicate_lines":
            # The second copy contradicts the first, so that "the last one wins" and "the first one wins" are both
            # wrong.
            copy = {**results[0], "status": "RJCT", "reason": "AC04"} if results[0]["status"] != "RJCT" else results[0]
            return [*results, copy]
        case _:
            msg = f"no such line fault: {kind}"
            raise AssertionError(msg)


async def read_body(request: Request, limit: int) -> bytes:
    """The body, not more than `limit` bytes of it.

    Raises:
        Refusal: 413.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Refusal(413, "TOO_LARGE", f"more than {limit} bytes")
        parts.append(part)
    return b"".join(parts)
