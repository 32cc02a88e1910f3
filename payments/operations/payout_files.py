"""Lists for those who pay by a list of ours: made of what was approved and of nothing else, given out, and given out anew.

A list is made in one transaction: its rows, its hash, and its transfers passing from READY to HANDED_OVER. From then on only the
other's word ends them (`result_files`).
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from psycopg2.extras import execute_values

from foundation.audit import merkle
from foundation.audit.operations import record_event
from foundation.privacy.encryption import DecryptionFailed
from foundation.privacy.operations import record_access
from foundation.privacy.row_ids import allocate
from foundation.users.models import User
from foundation.users.roles import Permission
from payments import payout_sheets
from payments.errors import (
    AuthorityLost,
    FileChanged,
    FourEyesViolation,
    InvalidMove,
    ListNotAsApproved,
    NothingToGive,
    NotOpenYet,
    WrongInput,
)
from payments.models import PayoutBatch, PayoutFile, PayoutFileLine
from payments.operations.acting import checked_reason, lock_batch, require
from payments.operations.claiming import ListTampered
from payments.operations.gone import cancel_gone
from payments.operations.payout_rows import Row, heading_of, open_cells, read_rows, seal_cells
from payments.operations.release import hold_tampered
from payments.operations.standing import has_authority
from payments.operations.stopping import refuse_while_stopped
from payments.states import ROUTES_BY_FILE, BatchState, Route

MOST_LINES = 20_000  # of one list; what is left over goes into the next number
PAGE = 2_000
DAYS_TO_ANSWER = {Route.TREASURY_FILE: 7, Route.PAYMENT_SERVICE: 31}


class FileKind(StrEnum):
    """In which form a list is taken along."""

    SHEET = "xlsx"
    TABLE = "csv"


CONTENT_TYPES = {
    FileKind.SHEET: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileKind.TABLE: "text/csv; charset=utf-8",
}
NAMES = {Route.TREASURY_FILE: "kho-bac", Route.PAYMENT_SERVICE: "dich-vu-chi-tra"}
TOLD = {
    Route.TREASURY_FILE: ["name", "account_number", "amount"],
    Route.PAYMENT_SERVICE: ["name", "birth_year", "national_id_masked", "address", "service_code", "amount"],
}


def make_file(*, batch_id: int, route: Route, by: User, at: datetime) -> PayoutFile:
    """Make the next list of a batch that is being paid, of what no list has taken yet.

    Raises:
        InvalidMove: The batch is not being paid.
        NotInAuthority: `by` does not keep this unit's lists.
        NotOpenYet: Workers are still opening the batch.
        NothingToGive: Every payment of the route stands in a list already, or there is none.
        PaymentsStopped, AuthorityLost: Nothing may go out in the city, or not on this list's approvals.
        ListNotAsApproved: What would be written is not what was approved. Nothing was made, the batch is held.
    """
    if route not in ROUTES_BY_FILE:
        raise WrongInput("route")
    try:
        return _make_file(batch_id, route, by, at)
    except ListTampered as tampered:
        hold_tampered(batch_id=tampered.batch_id, chunk_id=tampered.chunk_id, what=tampered.what)
        raise ListNotAsApproved from tampered


@transaction.atomic(durable=True)
def _make_file(batch_id: int, route: Route, by: User, at: datetime) -> PayoutFile:
    batch = _open_batch(batch_id, by, at)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_timeout = 0")
        chunks = _lock_open_chunks(cursor, batch, route)
        _prove(cursor, batch, chunks)
        cancel_gone(cursor, chunk_ids=chunks)  # payments to the dead and to closed accounts stay behind
        transfers = _pick(cursor, chunks)
        rows = read_rows(cursor, route=route, batch=batch, transfers=transfers)
        former = PayoutFile.objects.filter(batch=batch, route=route).aggregate(last=Max("number"))["last"]
        made = _write(cursor, batch=batch, route=route, number=(former or 0) + 1, rows=rows, by=by, at=at)
        cursor.execute(HAND_OVER, [DAYS_TO_ANSWER[route], transfers])
        if cursor.rowcount != len(transfers):
            raise InvalidMove(route)
    return made


LOCK_CHUNKS = """
SELECT id, state FROM payments_dispatch_chunk WHERE batch_id = %s AND route = %s ORDER BY id FOR NO KEY UPDATE
"""
PICK = "SELECT id FROM payments_transfer WHERE chunk_id = ANY (%s) AND state = 'READY' ORDER BY id LIMIT %s"
HAND_OVER = """
UPDATE payments_transfer SET state = 'HANDED_OVER', due_at = portal_now() + %s * interval '1 day'
WHERE id = ANY (%s) AND state = 'READY'
"""
# I-20: the chunks that the list is made of, each with its hash computed anew.
PROVE = """
SELECT id, list_hash, hash_path, payments_chunk_hash(id) FROM payments_dispatch_chunk
WHERE id = ANY (%s) AND state = 'READY' ORDER BY id
"""


def _open_batch(batch_id: int, by: User, at: datetime) -> PayoutBatch:
    batch = lock_batch(batch_id)
    require(by=by, permission=Permission.RECORD_RESULTS, unit_code=batch.unit_id, at=at)
    if batch.state != BatchState.DISPATCHING:
        raise InvalidMove(batch.state)
    refuse_while_stopped()
    if not has_authority(batch=batch, at=at):
        raise AuthorityLost
    return batch


def _lock_open_chunks(cursor: Any, batch: PayoutBatch, route: Route) -> list[int]:
    """The chunks of a route, locked in the order of their ids."""
    cursor.execute(LOCK_CHUNKS, [batch.pk, route])
    chunks = cursor.fetchall()
    if any(state == "PLANNED" for _, state in chunks):
        raise NotOpenYet
    return [chunk for chunk, _ in chunks]


def _pick(cursor: Any, chunks: list[int]) -> list[int]:
    """The transfers of the next list, in the order of the approved one."""
    cursor.execute(PICK, [chunks, MOST_LINES])
    transfers = [row[0] for row in cursor.fetchall()]
    if not transfers:
        raise NothingToGive
    return transfers


def _prove(cursor: Any, batch: PayoutBatch, chunks: list[int]) -> None:
    cursor.execute(PROVE, [chunks])
    for chunk_id, list_hash, hash_path, recomputed in cursor.fetchall():
        root = merkle.root_by_path(merkle.leaf(bytes(list_hash)), bytes(hash_path))
        if bytes(recomputed) != bytes(list_hash) or root != bytes(batch.list_hash or b""):
            raise ListTampered(batch.pk, chunk_id, "hash of the list")


def _write(
    cursor: Any,
    *,
    batch: PayoutBatch,
    route: Route,
    number: int,
    rows: Sequence[Row],
    by: User,
    at: datetime,
    version: int = 1,
    replaces: PayoutFile | None = None,
    reason: str = "",
) -> PayoutFile:
    """The file's row and its lines, with the hashes of what will be given out."""
    file_id = allocate(PayoutFile)[0]
    heading = heading_of(batch=batch, route=route, number=number, version=version, rows=rows, at=at)
    cells = [{"number": index, **row.cells} for index, row in enumerate(rows, start=1)]
    table, sheet = _draw(route, heading, cells, at)
    made = PayoutFile.objects.create(
        id=file_id,
        batch=batch,
        route=route,
        number=number,
        version=version,
        number_of_transactions=len(rows),
        control_sum=sum(row.amount for row in rows),
        heading=heading,
        sha256=sha256(table).digest(),
        sheet_sha256=sha256(sheet).digest(),
        replaces=replaces,
        reason=reason,
        made_by=by,
        made_at=at,
    )
    sealed = seal_cells(file_id, rows)
    execute_values(
        cursor.cursor,
        "INSERT INTO payments_payout_file_line (file_id, number, transfer_id, amount, cells_encrypted) VALUES %s",
        [
            (file_id, index, row.transfer_id, row.amount, secret)
            for index, (row, secret) in enumerate(zip(rows, sealed, strict=True), start=1)
        ],
        page_size=PAGE,
    )
    record_event(
        kind="file.made" if replaces is None else "file.replaced",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={
            "route": str(route),
            "file": f"{number}.{version}",
            "transactions": len(rows),
            "sum": made.control_sum,
            "sha256": bytes(made.sha256).hex(),
        }
        | ({"reason": reason} if reason else {}),
    )
    return made


def _draw(
    route: Route, heading: dict[str, Any], cells: Sequence[payout_sheets.Cells], at: datetime
) -> tuple[bytes, bytes]:
    sheet = io.BytesIO()
    payout_sheets.write_sheet(route=route, heading=heading, rows=cells, made_at=at, file=sheet)
    return payout_sheets.write_csv(route=route, rows=cells), sheet.getvalue()


@transaction.atomic(durable=True)
def replace_file(*, file_id: int, reason: str, by: User, at: datetime) -> PayoutFile:
    """Give a list out anew, as its next version: what has no result yet, word for word. The former one counts no more.

    Asked of another person than the one who made it, because whoever pays must first have said that he lays the former aside.

    Raises:
        InvalidMove: The batch is not being paid, or a newer version stands already.
        NotInAuthority, WrongInput: As for `make_file`, and as `checked_reason` says.
        FourEyesViolation: `by` made the list that is to be replaced.
        NothingToGive: Every payment of it has its result.
        FileChanged: Its rows no longer open.
    """
    reason = checked_reason(reason)
    former = PayoutFile.objects.get(pk=file_id)
    batch = _open_batch(former.batch_id, by, at)
    if PayoutFile.objects.filter(replaces=former).exists():
        raise InvalidMove(str(former))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_timeout = 0")
        cursor.execute(LOCK_CHUNKS, [batch.pk, former.route])
        waiting = PayoutFileLine.objects.filter(file=former, live=True, transfer__state="HANDED_OVER")
        rows = list(
            _opened(
                former, waiting.order_by("number").values_list("number", "cells_encrypted", "transfer_id", "amount")
            )
        )
        if not rows:
            raise NothingToGive
        PayoutFileLine.objects.filter(file=former, live=True, transfer__in=[row.transfer_id for row in rows]).update(
            live=False
        )
        try:
            with transaction.atomic():
                return _write(
                    cursor,
                    batch=batch,
                    route=Route(former.route),
                    number=former.number,
                    rows=rows,
                    by=by,
                    at=at,
                    version=former.version + 1,
                    replaces=former,
                    reason=reason,
                )
        except IntegrityError as error:
            if "payout_file_replaced_by_another_person" in str(error):
                raise FourEyesViolation from error
            raise


def _opened(file: PayoutFile, lines: Any) -> Iterator[Row]:
    try:
        yield from open_cells(file.pk, lines)
    except DecryptionFailed as failure:
        raise FileChanged from failure


@dataclass(frozen=True, slots=True)
class Taken:
    """A list as it is given out; `digest` is the SHA-256 of its bytes, which stands on its row."""

    name: str
    content_type: str
    content: bytes
    digest: str


@transaction.atomic(durable=True)
def take_file(*, file_id: int, kind: FileKind, by: User, at: datetime) -> Taken:
    """Make a list again from its rows, byte for byte, and write down who took it along.

    Raises:
        NotInAuthority: `by` does not keep this unit's lists.
        FileChanged: It would not be the list that was made: somebody changed its rows.
    """
    file = PayoutFile.objects.select_related("batch").get(pk=file_id)
    held = require(by=by, permission=Permission.RECORD_RESULTS, unit_code=file.batch.unit_id, at=at)
    route = Route(file.route)
    lines = PayoutFileLine.objects.filter(file=file).order_by("number")
    rows = list(_opened(file, lines.values_list("number", "cells_encrypted", "transfer_id", "amount")))
    cells = [{"number": index, **row.cells} for index, row in enumerate(rows, start=1)]
    if kind == FileKind.TABLE:
        content, proven = payout_sheets.write_csv(route=route, rows=cells), bytes(file.sha256)
    else:
        content, proven = _draw(route, file.heading, cells, file.made_at)[1], bytes(file.sheet_sha256)
    digest = sha256(content)
    if digest.digest() != proven:
        raise FileChanged
    record_access(
        by=by.actor,
        role=held.role,
        subject_kind="payout_file",
        subject_id=file.pk,
        fields=TOLD[route],
        purpose=f"list of {file.number_of_transactions} payments for {route}",
    )
    record_event(
        kind="file.taken",
        actor=by.actor,
        subject_kind="batch",
        subject_id=file.batch_id,
        payload={
            "route": str(route),
            "file": f"{file.number}.{file.version}",
            "format": str(kind),
            "sha256": digest.hexdigest(),
        },
    )
    name = f"{NAMES[route]}-dot-{file.batch_id}-so-{file.number}-ban-{file.version}.{kind}"
    return Taken(name, CONTENT_TYPES[kind], content, digest.hexdigest())
