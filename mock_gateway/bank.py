"""The bank's door, `/bank/v1`: signed requests in, contract answers out, faults on the way (contract, sections 1 to 4
and 6)."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import anyio.to_thread
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mock_gateway import answers, links, messages, notices, scenarios, statements, transfers
from mock_gateway.accounts import enquire
from mock_gateway.clock import iso
from mock_gateway.faults import ANSWERS, BEFORE, HALF, LINES
from mock_gateway.gateway import Gateway
from mock_gateway.messages import Refusal
from mock_gateway.signatures import BadSignature, verify_request


class Call(NamedTuple):
    """A request whose signature held."""

    gateway: Gateway
    request: Request
    webhook_id: str
    body: bytes


class Task(NamedTuple):
    """What a request asks for, read and found valid: whom it concerns, and how to do it."""

    run: Callable[[], Awaitable[Response | dict[str, Any]]]
    ids: Sequence[str] = ()
    banks: frozenset[str] = frozenset()
    run_half: Callable[[], Awaitable[object]] | None = None


Reader = Callable[[Call], Task]


def door(name: str, read: Reader) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint: check, read, let faults strike before, do, let faults strike after."""

    async def endpoint(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        response = await _answer(gateway, request, name, read)
        await gateway.faults.saved()
        gateway.requests[f"{name} {response.status_code}"] += 1
        return response

    return endpoint


async def _answer(gateway: Gateway, request: Request, name: str, read: Reader) -> Response:
    faults = gateway.faults
    try:
        body = await answers.read_body(request, messages.MAX_BODY)
        try:
            webhook_id = verify_request(
                gateway.settings.portal_secrets,
                request.scope["headers"],
                method=request.method,
                target=_target(request),
                body=body,
            )
        except BadSignature as error:
            raise Refusal(401, "UNAUTHORISED", str(error)) from error
        task = read(Call(gateway, request, webhook_id, body))
        await asyncio.sleep(faults.options.latency_ms / 1000)
        down = task.banks.intersection(faults.options.banks_down)
        if down:
            wait = faults.options.retry_after_seconds
            raise Refusal(503, "BANK_UNAVAILABLE", "this bank does not answer", retry_after=wait, bank_bin=min(down))
        struck = name in faults.options.endpoints
        kind = faults.first(BEFORE, webhook_id, task.ids) if struck else None
        if kind is not None:
            return answers.before(kind, faults)
        if struck and task.run_half is not None and faults.fires(HALF, webhook_id, task.ids):
            await task.run_half()
            return answers.broken()
        content = await task.run()
        if isinstance(content, Response):
            return content
        if struck and content.get("results"):
            kind = faults.first(LINES, webhook_id, task.ids)
            if kind is not None:
                content["results"] = answers.spoil_lines(kind, content["results"])
        kind = faults.first(ANSWERS, webhook_id, task.ids) if struck else None
        return answers.JSON(content) if kind is None else await answers.after(kind, content, faults)
    except Refusal as error:
        return answers.refusal(error)


def _target(request: Request) -> str:
    """Path and query as they came over the wire, before any decoding."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


def read_credits(call: Call) -> Task:
    """Bulk credits."""
    gateway = call.gateway
    message = messages.parse_credits(call.body, webhook_id=call.webhook_id)
    ids = [line.end_to_end_id for line in message.lines]
    marker = gateway.faults.options.poison_marker
    for number, line in enumerate(message.lines, start=1):
        if marker in line.remittance_text and gateway.faults.fires(
            "e400_poison", line.end_to_end_id, (line.end_to_end_id,)
        ):
            problem = {"line": number, "field": "remittance_text", "problem": "cannot be sent to the receiving bank"}
            # Real gateways do not always say which line it was; this one does not either.
            raise Refusal(400, "INVALID_MESSAGE", str(problem["problem"]))

    async def take(*, only_half: bool = False) -> Response | dict[str, Any]:
        rules = replace(gateway.rules(), only_half=only_half)

        def work(connection: sqlite3.Connection) -> tuple[scenarios.Silence | None, list[transfers.Status]]:
            transfers.check_time(message, at=gateway.clock.now())
            silence = _silence(connection, message)
            if silence is scenarios.Silence.BEFORE:
                return silence, []
            return silence, transfers.take_message(connection, message, call.body, now=gateway.clock.now, rules=rules)

        silence, results = await gateway.store.run(work)
        if silence is not None:
            return answers.Held(gateway.faults.options.hold_seconds)
        return {"message_id": message.message_id, "received_at": iso(gateway.clock.now()), "results": results}

    return Task(
        run=take,
        ids=ids,
        banks=frozenset(line.bank_bin for line in message.lines),
        run_half=lambda: take(only_half=True),
    )


def _silence(connection: sqlite3.Connection, message: messages.Message) -> scenarios.Silence | None:
    """Whether a line of the message swallows the answer: each credit of such an account does so once, also over a
    restart."""
    found: set[scenarios.Silence] = set()
    for line in message.lines:
        silence = scenarios.payment(line.account_number).silence
        if silence is not None:
            new = connection.execute("INSERT OR IGNORE INTO held VALUES (?)", (line.end_to_end_id,)).rowcount
            if new:
                found.add(silence)
    # Nothing processed wins: the other line times out on its own later.
    return scenarios.Silence.BEFORE if scenarios.Silence.BEFORE in found else next(iter(found), None)


def read_inquiry(call: Call) -> Task:
    """Status inquiry; it passes through the writer's queue, so it sees every message that came before it."""
    gateway = call.gateway
    ids = messages.parse_inquiry(call.body)

    async def ask() -> dict[str, Any]:
        rules = gateway.rules()
        at = gateway.clock.now()
        results = await gateway.store.run(lambda connection: transfers.inquire(connection, ids, at=at, rules=rules))
        return {"answered_at": iso(at), "results": results}

    return Task(run=ask, ids=ids)


def read_enquiry(call: Call) -> Task:
    """Name enquiry."""
    gateway = call.gateway
    enquiry = messages.parse_enquiry(call.body)

    async def ask() -> dict[str, Any]:
        wait = gateway.faults.options.retry_after_seconds
        answer = await gateway.store.run(lambda connection: enquire(connection, enquiry, retry_after=wait))
        return {
            "enquiry_id": enquiry.enquiry_id,
            "outcome": "FOUND" if answer.code is None else "REFUSED",
            "code": answer.code,
            "holder_name": answer.holder_name,
            "answered_at": iso(gateway.clock.now()),
        }

    return Task(run=ask, banks=frozenset({enquiry.bank_bin}))


def read_link(call: Call) -> Task:
    """The portal links an account with the citizen's consent."""
    gateway = call.gateway
    request = messages.parse_link(call.body)

    async def link() -> dict[str, Any]:
        at = gateway.clock.now()
        return await gateway.store.run(lambda connection: links.link_for_portal(connection, request, at=at))

    return Task(run=link, banks=frozenset({request.bank_bin}))


def read_remove(call: Call) -> Task:
    """The portal ends a link."""
    gateway = call.gateway
    reason = messages.parse_remove(call.body)
    link_id = call.request.path_params["link_id"]

    async def remove() -> dict[str, Any]:
        at = gateway.clock.now()
        return await gateway.store.run(lambda connection: links.remove_for_portal(connection, link_id, reason, at=at))

    return Task(run=remove)


def read_notices(call: Call) -> Task:
    """What the portal tells citizens."""
    gateway = call.gateway
    lines = messages.parse_notices(call.body, webhook_id=call.webhook_id)

    async def take() -> dict[str, Any]:
        at = gateway.clock.now()
        results = await gateway.store.run(lambda connection: notices.take(connection, lines, at=at))
        return {"message_id": call.webhook_id, "accepted_at": iso(at), "results": results}

    return Task(run=take, ids=[line.notice_id for line in lines])


def read_statement(call: Call) -> Task:
    """The statement of a day that is over."""
    gateway = call.gateway
    try:
        day = date.fromisoformat(call.request.path_params["day"])
    except ValueError as error:
        raise messages.invalid("date", "must be yyyy-mm-dd") from error
    query = call.request.query_params
    if not query.keys() <= {"debtor_account", "interim"} or query.get("interim", "1") != "1":
        raise messages.invalid("query", "may have debtor_account, and interim=1")
    today = gateway.clock.today()
    if day > today or (day == today and "interim" not in query):
        raise Refusal(404, "STATEMENT_NOT_READY", "the day is not over")

    async def read() -> Response:
        await gateway.run_due()
        parts = _statement_parts(gateway, day, query.get("debtor_account"))
        # The first part is read here, so that an unknown account is still an answer and not a broken stream.
        first = await anyio.to_thread.run_sync(next, parts)
        return StreamingResponse(_chain(first, parts), media_type="application/xml")

    return Task(run=read)


def _statement_parts(gateway: Gateway, day: date, account: str | None) -> Iterator[bytes]:
    with gateway.store.snapshot() as connection:
        known = statements.debtor_accounts(connection, day)
        chosen = known if account is None else [name for name in known if name == account]
        if not chosen:
            raise Refusal(404, "NOT_FOUND", "no account had an entry up to that day")
        yield b""
        yield from statements.stream(connection, day, chosen, at=gateway.clock.now(), faults=gateway.faults)


async def _chain(first: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in iterate_in_threadpool(rest):
        yield part


routes = [
    Route("/accounts/verify", door("accounts", read_enquiry), methods=["POST"]),
    Route("/links", door("links", read_link), methods=["POST"]),
    Route("/links/{link_id}/remove", door("links", read_remove), methods=["POST"]),
    Route("/notices", door("notices", read_notices), methods=["POST"]),
    Route("/statements/{day}", door("statements", read_statement)),
    Route("/credits", door("credits", read_credits), methods=["POST"]),
    Route("/inquiries", door("inquiries", read_inquiry), methods=["POST"]),
]
