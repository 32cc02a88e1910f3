"""The control API, `/control`: how tests and demonstrations arrange the gateway and read its truth. Faults never
touch it."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio.to_thread
import orjson
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mock_gateway import answers, links
from mock_gateway.accounts import PORTION, read_accounts, register
from mock_gateway.clock import iso
from mock_gateway.faults import parse_armed, parse_plan
from mock_gateway.gateway import Gateway
from mock_gateway.messages import MAX_BODY, Refusal, invalid, parse_object

LOOPBACK_PEERS = {"127.0.0.1", "::1"}
LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]"}
LINKS = """
SELECT link_id, source, status, national_id, bank_bin, account_number, holder_name, remove_reason
FROM links ORDER BY id
"""
NOTICES = "SELECT notice_id, national_id, phone_numbers, title, text FROM notices ORDER BY id"
CALLBACKS = "SELECT event_id, type, items, state, attempts, last_answer, treatment FROM outbox ORDER BY id"
NDJSON = "application/x-ndjson"

Endpoint = Callable[[Gateway, Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Let only programs of this machine in: no other host, and no web page in a browser on this one (rebinding,
    cross-site posts)."""

    async def wrapped(request: Request) -> Response:
        gateway: Gateway = request.app.state.gateway
        try:
            host = request.headers.get("host", "").rsplit(":", 1)[0]
            peer = request.client.host if request.client else ""
            if peer not in LOOPBACK_PEERS or host not in LOOPBACK_NAMES or "origin" in request.headers:
                raise Refusal(403, "FORBIDDEN", "the control API answers programs on this machine only")
            token = gateway.settings.control_token
            given = request.headers.get("authorization", "")
            if token is not None and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                raise Refusal(401, "UNAUTHORISED", "the control API wants its token")
            return await endpoint(gateway, request)
        except Refusal as error:
            return answers.refusal(error)

    return wrapped


async def show_credits(gateway: Gateway, _request: Request) -> Response:
    """The credit log as JSON lines, oldest first, streamed from one moment's view."""

    def lines() -> Iterator[bytes]:
        with gateway.store.snapshot() as connection:
            rows = connection.execute("SELECT * FROM credits ORDER BY id")
            while portion := rows.fetchmany(1_000):
                yield b"".join(
                    orjson.dumps(
                        {
                            "end_to_end_id": row["end_to_end_id"],
                            "message_id": row["message_id"],
                            "amount": row["amount"],
                            "bank_bin": row["bank_bin"],
                            "account": row["account_number"],
                            "debtor_account": row["debtor_account"],
                            "status": row["status"],
                            "reason": row["reason"],
                            "times_credited": row["times_credited"],
                            "amount_credited": row["amount_credited"],
                            "returned": row["return_id"] is not None,
                            "at": iso(row["status_at"]),
                        }
                    )
                    + b"\n"
                    for row in portion
                )

    return StreamingResponse(_in_thread(lines()), media_type=NDJSON)


async def _in_thread(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    async for part in iterate_in_threadpool(parts):
        yield part


async def show_stats(gateway: Gateway, _request: Request) -> Response:
    """Totals of everything."""

    def count() -> dict[str, Any]:
        with gateway.store.snapshot() as connection:
            by_status = connection.execute(
                "SELECT status, COUNT(*), SUM(amount) FROM credits GROUP BY status"
            ).fetchall()
            paid = connection.execute(
                """
                SELECT COALESCE(SUM(times_credited), 0), COALESCE(SUM(amount_credited), 0),
                  COALESCE(SUM(times_credited > 1), 0), COALESCE(SUM(return_id IS NOT NULL), 0) FROM credits
                """
            ).fetchone()
            outbox = connection.execute("SELECT state, COUNT(*), SUM(items) FROM outbox GROUP BY state").fetchall()

            def one(sql: str) -> int:
                return int(connection.execute(sql).fetchone()[0])

            return {
                "messages": one("SELECT COUNT(*) FROM messages"),
                "credits": {row[0]: {"count": row[1], "amount": row[2]} for row in by_status},
                "times_credited": paid[0],
                "amount_credited": paid[1],
                "credited_more_than_once": paid[2],
                "returned": paid[3],
                "due_later": one("SELECT COUNT(*) FROM due"),
                "reports_waiting": one("SELECT COUNT(*) FROM reports"),
                "callbacks": {row[0]: {"count": row[1], "items": row[2]} for row in outbox},
                "accounts": one("SELECT COUNT(*) FROM accounts"),
                "links": one("SELECT COUNT(*) FROM links WHERE status = 'LINKED'"),
            }

    totals = await anyio.to_thread.run_sync(count)
    clock = {"now": iso(gateway.clock.now()), "offset_seconds": gateway.clock.offset_ms // 1000}
    since_start = {"requests": dict(gateway.requests), "faults": dict(gateway.faults.fired)}
    return answers.JSON({**totals, "clock": clock, "since_start": since_start})


async def show_faults(gateway: Gateway, _request: Request) -> Response:
    """The plan in force."""
    return answers.JSON(gateway.faults.describe())


async def put_faults(gateway: Gateway, request: Request) -> Response:
    """Put another plan in force; `{}` ends all faults."""
    value = parse_object(await answers.read_body(request, MAX_BODY))
    await gateway.faults.replace(parse_plan(value), parse_armed(value.get("armed", {})))
    return answers.JSON(gateway.faults.describe())


async def show_clock(gateway: Gateway, _request: Request) -> Response:
    """The gateway's time."""
    return answers.JSON({"now": iso(gateway.clock.now()), "offset_seconds": gateway.clock.offset_ms // 1000})


async def put_clock(gateway: Gateway, request: Request) -> Response:
    """Shift the clock from wall time; what becomes due is done before the answer."""
    value = parse_object(await answers.read_body(request, MAX_BODY))
    offset = value.get("offset_seconds")
    if type(offset) is not int or value.keys() != {"offset_seconds"} or abs(offset) > 3_660 * 86_400:
        raise invalid("offset_seconds", "must be a whole number of seconds, ten years at most")
    await gateway.set_clock(offset * 1000)
    return await show_clock(gateway, request)


async def reset(gateway: Gateway, request: Request) -> Response:
    """Forget what happened: credits, callbacks, links, faults, the clock's shift; `{"accounts": true}` forgets loaded
    accounts too."""
    body = await answers.read_body(request, MAX_BODY)
    value = parse_object(body) if body else {}
    if not value.keys() <= {"accounts"} or type(value.get("accounts", False)) is not bool:
        raise invalid("accounts", "is the only member, true or false")
    await gateway.reset(accounts=value.get("accounts", False))
    return Response(status_code=204)


async def load_accounts(gateway: Gateway, request: Request) -> Response:
    """Register accounts from JSON lines, as many as come; a million pass through in portions of a few thousand."""
    loaded = taken = 0
    rest = b""
    lines: list[bytes] = []

    async def take(portion: list[bytes]) -> int:
        first = taken + 1
        return await gateway.store.run(lambda connection: register(connection, read_accounts(portion, first=first)))

    async for part in request.stream():
        *whole, rest = (rest + part).split(b"\n")
        lines += whole
        if len(lines) >= PORTION:
            loaded += await take(lines)
            taken += len(lines)
            lines = []
    loaded += await take([*lines, rest])
    return answers.JSON({"loaded": loaded})


async def act_in_vneid(gateway: Gateway, request: Request) -> Response:
    """Do what a citizen does in the VNeID app: link an account, or remove it; the same checks, the same event."""
    value = parse_object(await answers.read_body(request, MAX_BODY))
    names = {"link": {"action", "national_id", "bank_bin", "account_number"}, "remove": {"action", "national_id"}}
    expected = names.get(str(value.get("action")))
    if expected is None or value.keys() != expected or not all(isinstance(item, str) for item in value.values()):
        raise invalid(
            "action", "is `link` (national_id, bank_bin, account_number) or `remove` (national_id), all texts"
        )
    at = gateway.clock.now()
    national_id = value["national_id"]
    if value["action"] == "remove":
        removed = await gateway.store.run(
            lambda connection: links.remove_in_vneid(connection, national_id=national_id, at=at)
        )
        if removed is None:
            raise Refusal(404, "NOT_FOUND", "this person has no linked account")
        return answers.JSON({"outcome": "REMOVED", **removed._asdict()})
    outcome = await gateway.store.run(
        lambda connection: links.link_in_vneid(
            connection,
            national_id=national_id,
            bank_bin=value["bank_bin"],
            account_number=value["account_number"],
            at=at,
        )
    )
    return answers.JSON({"outcome": "LINKED" if outcome.code is None else "REFUSED", **outcome._asdict()})


async def show_links(gateway: Gateway, _request: Request) -> Response:
    """All links, live and ended, as JSON lines."""
    return StreamingResponse(_in_thread(_rows(gateway, LINKS)), media_type=NDJSON)


async def show_notices(gateway: Gateway, _request: Request) -> Response:
    """What citizens were told, as JSON lines."""
    return StreamingResponse(_in_thread(_rows(gateway, NOTICES)), media_type=NDJSON)


async def show_callbacks(gateway: Gateway, _request: Request) -> Response:
    """The outbox as JSON lines: what waits, was delivered, parked or lost."""
    return StreamingResponse(_in_thread(_rows(gateway, CALLBACKS)), media_type=NDJSON)


def _rows(gateway: Gateway, sql: str) -> Iterator[bytes]:
    with gateway.store.snapshot() as connection:
        rows = connection.execute(sql)
        while portion := rows.fetchmany(1_000):
            yield b"".join(orjson.dumps(dict(row)) + b"\n" for row in portion)


routes = [
    Route("/accounts", guarded(load_accounts), methods=["POST"]),
    Route("/links", guarded(show_links)),
    Route("/links", guarded(act_in_vneid), methods=["POST"]),
    Route("/callbacks", guarded(show_callbacks)),
    Route("/notices", guarded(show_notices)),
    Route("/credits", guarded(show_credits)),
    Route("/stats", guarded(show_stats)),
    Route("/faults", guarded(show_faults)),
    Route("/faults", guarded(put_faults), methods=["PUT"]),
    Route("/clock", guarded(show_clock)),
    Route("/clock", guarded(put_clock), methods=["PUT"]),
    Route("/reset", guarded(reset), methods=["POST"]),
]
