"""Bringing statements in: handed in by somebody, or fetched from the gateway for an account and a day.

What came whole is kept, packed and encrypted in parts, and becomes a job; `import_statements` reads it. A file that cannot be
believed is refused before anything of it is kept; a fetch that breaks off is begun anew.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime

import structlog
from django.db import connection, transaction

from foundation.audit.models import Job
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.camt053 import Head, UnreadableStatement, read_statements
from foundation.gateway.errors import GatewayError, NotSent, Refused
from foundation.gateway.port import Gateway
from foundation.privacy.encryption import decrypt_bytes, encrypt
from foundation.privacy.row_ids import allocate
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import BadStatement, WrongInput
from payments.models import Fund, StatementFile, StatementFilePart
from payments.operations.acting import require
from payments.statement_states import FileSource, FileState

log = structlog.get_logger(__name__)

JOB_KIND = "statement.import"
CONTEXT = "statement_file.part"
PART = 1024 * 1024
MAX_BYTES = 50 * 1024 * 1024  # of a file that somebody hands in; a fetched one may be larger, it comes in a stream
MAX_FETCHED = 8 * 1024**3
FETCH_SECONDS = 600.0
LEASE_SECONDS = FETCH_SECONDS + 60.0
LATER_SECONDS = 1800.0  # a bank makes its statements in the night
MOST_DAYS = 31


def upload_statement(*, content: Callable[[], Iterable[bytes]], name: str, by: User, at: datetime) -> StatementFile:
    """Take a file that somebody hands in; it is read to its end first, and nothing is kept of one that is refused.

    Args:
        content: Gives the bytes from the beginning, each time that it is called.
        name: As the officer called it; only told back.
        by: Who hands it in.
        at: Now.

    Raises:
        BadStatement: It is no statement that may be believed, or speaks of an account that is no fund's.
        NotInAuthority: `by` may not import statements of one of its accounts.
    """
    digest, size, accounts = _checked(content)
    units = {account: unit_of(account) for account in accounts}
    for unit in units.values():
        require(by=by, permission=Permission.IMPORT_STATEMENT, unit_code=unit, at=at)
    with transaction.atomic(durable=True):
        kept = StatementFile.objects.create(
            source=FileSource.UPLOADED,
            state=FileState.RECEIVED,
            unit_id=next(iter(units.values())) if len(set(units.values())) == 1 else None,
            name=name[:120],
            size=size,
            sha256=digest,
            received_by=by,
            received_at=at,
        )
        for number, part in enumerate(_parts(content())):
            _keep_part(kept.pk, number, part)
        _order_import(kept, by)
    return kept


def _checked(content: Callable[[], Iterable[bytes]]) -> tuple[bytes, int, set[str]]:
    """Hash, size and accounts of a file that was read to its end."""
    digest, size, accounts = hashlib.sha256(), 0, set()

    def read() -> Iterator[bytes]:
        nonlocal size
        for piece in content():
            size += len(piece)
            if size > MAX_BYTES:
                raise UnreadableStatement("TOO_LARGE")
            digest.update(piece)
            yield piece

    try:
        for item in read_statements(read()):
            if isinstance(item, Head):
                accounts.add(item.account)
    except UnreadableStatement as error:
        raise BadStatement(error.code, line=error.line) from error
    return digest.digest(), size, accounts


def unit_of(account: str) -> str | None:
    """The ward whose funds are kept in an account; None: several wards', so it is the city's matter.

    Raises:
        BadStatement: No fund is kept there.
    """
    units = set(Fund.objects.filter(debtor_account=account).values_list("unit_id", flat=True))
    if not units:
        raise BadStatement("ACCOUNT")
    return units.pop() if len(units) == 1 else None


@transaction.atomic(durable=True)
def order_statements(*, first: date, last: date, by: User, at: datetime) -> int:
    """Order the statements of some days for every account that `by` may reconcile; how many are new orders.

    Raises:
        WrongInput: The days are not in order, too many, or lie ahead.
        NotInAuthority: `by` may not import statements anywhere.
    """
    if not first <= last <= at.astimezone(access.CITY_TIME).date() or (last - first).days >= MOST_DAYS:
        raise WrongInput("day")
    units = access.reachable_units(user=by, permission=Permission.IMPORT_STATEMENT, at=at)
    if units is not None and not units:
        require(by=by, permission=Permission.IMPORT_STATEMENT, unit_code=None, at=at)
    ordered = _order(first=first, last=last, by=by, units=units)
    record_event(
        kind="statement.ordered",
        actor=by.actor,
        subject_kind="statement_file",
        subject_id="",
        payload={"first": first.isoformat(), "last": last.isoformat(), "orders": ordered},
    )
    return ordered


@transaction.atomic(durable=True)
def order_missing_statements(*, at: datetime) -> int:
    """The day's order: for each account every day since its last statement, up to yesterday, that nobody has ordered."""
    with connection.cursor() as cursor:
        cursor.execute(ORDER_MISSING, {"today": at.astimezone(access.CITY_TIME).date(), "most": MOST_DAYS})
        return cursor.rowcount


ACCOUNTS = """
SELECT debtor_account AS account, CASE WHEN count(DISTINCT coalesce(unit_id, '')) = 1 THEN max(unit_id) END AS unit_id
FROM payments_fund WHERE is_open GROUP BY debtor_account
"""
ORDER = f"""
INSERT INTO payments_statement_file (source, state, unit_id, name, account, day, size, lines, attempts, refusal, received_by_id)
SELECT 'FETCHED', 'ORDERED', a.unit_id, '', a.account, d.day::date, 0, 0, 0, '', %(by)s
FROM ({ACCOUNTS}) AS a CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS d(day)
WHERE %(units)s::text[] IS NULL OR a.unit_id = ANY (%(units)s::text[])
ON CONFLICT DO NOTHING
"""
# A day is told for good by a statement that came when it was over: one that was handed in while it went on is asked for again.
TOLD_FOR_GOOD = """
(EXISTS (SELECT 1 FROM payments_statement s WHERE s.account = {account} AND s.day = {day}
         AND (s.imported_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date > s.day)
 OR EXISTS (SELECT 1 FROM payments_statement_file f WHERE f.account = {account} AND f.day = {day} AND f.state = 'UNCHANGED'))
"""
# Days of the last month without a statement; one for which the bank had none is asked for again the next day, not for ever.
ORDER_MISSING = f"""
INSERT INTO payments_statement_file (source, state, unit_id, name, account, day, size, lines, attempts, refusal)
SELECT 'FETCHED', 'ORDERED', a.unit_id, '', a.account, d.day::date, 0, 0, 0, ''
FROM ({ACCOUNTS}) AS a
CROSS JOIN generate_series(%(today)s::date - %(most)s, %(today)s::date - 1, interval '1 day') AS d(day)
WHERE NOT {TOLD_FOR_GOOD.format(account="a.account", day="d.day::date")}
  AND d.day >= (SELECT min(b.started_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date FROM payments_payout_batch b
                JOIN payments_fund f ON f.id = b.fund_id WHERE f.debtor_account = a.account)
  AND (SELECT count(*) FROM payments_statement_file f WHERE f.account = a.account AND f.day = d.day::date
       AND f.state IN ('ABSENT', 'REFUSED')) < 2
ON CONFLICT DO NOTHING
"""


def _order(*, first: date, last: date, by: User, units: set[str] | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            ORDER,
            {"first": first, "last": last, "by": by.pk, "units": None if units is None else sorted(units)},
        )
        return cursor.rowcount


CLAIM = """
UPDATE payments_statement_file SET state = 'RECEIVING', attempts = attempts + 1,
    due_at = portal_now() + %(lease)s * interval '1 second'
WHERE id = (SELECT id FROM payments_statement_file WHERE state IN ('ORDERED', 'RECEIVING') AND due_at <= portal_now()
            ORDER BY due_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, attempts
"""


def fetch_one(*, gateway: Gateway) -> bool:
    """Fetch one ordered statement that is due; False when none is. No transaction is open while the gateway is asked."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"lease": LEASE_SECONDS})
        claimed = cursor.fetchone()
        if claimed is None:
            return False
        file_id, attempt = claimed
        cursor.execute(
            "DELETE FROM payments_statement_file_part WHERE file_id = %s", [file_id]
        )  # what broke off before
    wanted = StatementFile.objects.get(pk=file_id)
    digest, size = hashlib.sha256(), 0
    assert wanted.day is not None
    try:
        stream = gateway.fetch_statement(wanted.day, debtor_account=wanted.account, deadline_seconds=FETCH_SECONDS)
        for number, part in enumerate(_parts(stream)):
            digest.update(part)
            size += len(part)
            if size > MAX_FETCHED:
                _end_fetch(file_id, attempt, FileState.REFUSED, refusal="TOO_LARGE")
                return True
            with transaction.atomic(durable=True):
                if not _still_fetching(file_id, attempt):
                    return True
                _keep_part(file_id, number, part)
    except (GatewayError, Refused) as error:
        absent = isinstance(error, NotSent) and error.reason == "NOT_FOUND"
        log.info("statement not fetched", file=file_id, why=str(error))
        _end_fetch(file_id, attempt, FileState.ABSENT if absent else FileState.ORDERED)
        return True
    _end_fetch(file_id, attempt, FileState.RECEIVED, digest=digest.digest(), size=size)
    return True


def _still_fetching(file_id: int, attempt: int) -> bool:
    """Whether this fetch is still the one that counts; its row stays locked while a part is written."""
    held = StatementFile.objects.select_for_update(no_key=True, of=("self",)).filter(pk=file_id)
    return held.filter(attempts=attempt, state=FileState.RECEIVING).exists()


@transaction.atomic(durable=True)
def _end_fetch(
    file_id: int, attempt: int, state: FileState, *, digest: bytes | None = None, size: int = 0, refusal: str = ""
) -> None:
    """Write how a fetch ended, unless somebody else has begun it anew meanwhile."""
    if not _still_fetching(file_id, attempt):
        return
    kept = StatementFile.objects.get(pk=file_id)
    kept.state, kept.sha256, kept.size, kept.refusal = state, digest, size, refusal
    with connection.cursor() as cursor:
        if state != FileState.RECEIVED:
            cursor.execute("DELETE FROM payments_statement_file_part WHERE file_id = %s", [file_id])
        cursor.execute("SELECT portal_now() + %s * interval '1 second'", [LATER_SECONDS])
        kept.due_at = cursor.fetchone()[0]
    kept.save(update_fields=["state", "sha256", "size", "refusal", "due_at"])
    if state == FileState.RECEIVED:
        _order_import(kept, None)


def _order_import(kept: StatementFile, by: User | None) -> None:
    Job.objects.create(
        kind=JOB_KIND,
        subject_kind="statement_file",
        subject_id=kept.pk,
        total=kept.size,
        created_by_id=by.pk if by else None,
    )
    record_event(
        kind="statement.received",
        actor=by.actor if by else SYSTEM,
        subject_kind="statement_file",
        subject_id=kept.pk,
        payload={"sha256": bytes(kept.sha256 or b"").hex(), "bytes": kept.size, "source": kept.source},
    )


def _parts(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, the last one shorter."""
    held = bytearray()
    for piece in stream:
        held += piece
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


def _keep_part(file_id: int, number: int, part: bytes) -> None:
    part_id = allocate(StatementFilePart)[0]
    packed = zlib.compress(part, 1)
    StatementFilePart.objects.create(
        id=part_id,
        file_id=file_id,
        number=number,
        content_encrypted=encrypt(packed, context=CONTEXT, row_id=part_id),
    )


def stored_content(*, file_id: int) -> Iterator[bytes]:
    """The bytes of a kept file, a part at a time."""
    number = 0
    while True:
        part = StatementFilePart.objects.filter(file_id=file_id, number=number).first()
        if part is None:
            return
        yield zlib.decompress(decrypt_bytes(part.content_encrypted, context=CONTEXT, row_id=part.pk))
        number += 1
