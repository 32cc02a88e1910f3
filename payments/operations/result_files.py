"""What the Treasury and the payment service answer: read without effect, shown, then taken over whole by a person.

A word moves a payment once. The same word again does nothing; another word than the one that was written moves nothing and
waits for people, and a payment about which two words stand is paid by no other list.
"""

import hashlib
import io
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg2.extras import execute_values

from beneficiaries.operations.accounts import follow_bank_refusals
from beneficiaries.register_file.problems import UnreadableList
from foundation.audit.operations import record_event
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import InvalidMove, PaymentRefused, ResultsKnown, WrongInput
from payments.models import DispatchChunk, PayoutBatch, ResultFile
from payments.operations.acting import lock_batch, require
from payments.operations.counting import recount
from payments.operations.following import lock_followers, stop_followers
from payments.operations.telling import tell_of_rejections
from payments.queries.route_files import JUDGED
from payments.result_rows import ResultReader
from payments.states import ROUTES_BY_FILE, ResultFileState, Route, Verdict

MAX_BYTES = 20 * 1024 * 1024
PAGE = 2_000


class ResultsNotInOrder(PaymentRefused):
    """Rows of the file are wrong; `findings` tell which and what to do. Nothing of it was kept."""

    status = 422

    def __init__(self, findings: Any) -> None:
        super().__init__("findings")
        self.findings = findings


@transaction.atomic(durable=True)
def check_results(
    *, batch_id: int, route: Route, content: bytes, file_name: str, by: User, at: datetime
) -> ResultFile:
    """Read a file and keep what it says of payments, without effect on any.

    Raises:
        NotInAuthority: `by` does not record results of this unit.
        InvalidMove: The batch was never paid.
        UnreadableList: The file as a whole cannot be read.
        ResultsNotInOrder: Some rows are wrong.
        ResultsKnown: The same file is there already.
    """
    batch = lock_batch(batch_id)
    require(by=by, permission=Permission.RECORD_RESULTS, unit_code=batch.unit_id, at=at)
    if route not in ROUTES_BY_FILE:
        raise WrongInput("route")
    if batch.started_at is None:
        raise InvalidMove(batch.state)
    if len(content) > MAX_BYTES:
        raise UnreadableList("TOO_LARGE", _("Tệp lớn hơn 20 MB."), _("Chia kết quả thành nhiều tệp."))
    digest = hashlib.sha256(content).digest()
    try:
        with transaction.atomic():
            kept = ResultFile.objects.create(
                batch=batch,
                route=route,
                file_name="".join(letter for letter in file_name if letter.isprintable())[-200:],
                sha256=digest,
                uploaded_by=by,
            )
    except IntegrityError as error:
        if "result_file_once" in str(error):
            raise ResultsKnown from error
        raise
    reader = ResultReader(io.BytesIO(content), route=route, today=at.astimezone(access.CITY_TIME).date())
    kept.number_of_lines = _keep_lines(kept, reader)
    if reader.findings.errors:
        raise ResultsNotInOrder(reader.findings)
    kept.save(update_fields=["number_of_lines"])
    _record("results.checked", kept, by, {"lines": kept.number_of_lines, "sha256": digest.hex()})
    return kept


def _keep_lines(kept: ResultFile, reader: ResultReader) -> int:
    """The rows of a file, a portion at a time; how many. A file without a result is no result file."""
    rows, count = reader.rows(), 0
    with connection.cursor() as cursor:
        while portion := list(islice(rows, PAGE)):
            count += len(portion)
            execute_values(
                cursor.cursor,
                "INSERT INTO payments_result_line (result_file_id, row, end_to_end_id, outcome, amount, reason_code, reason, "
                "paid_date, reference) VALUES %s",
                [
                    (
                        kept.pk,
                        row.number,
                        row.end_to_end_id,
                        str(row.outcome),
                        row.amount,
                        row.reason_code,
                        row.reason,
                        row.paid_date,
                        row.reference,
                    )
                    for row in portion
                ],
                page_size=PAGE,
            )
    if not count and not reader.findings.errors:
        raise UnreadableList(
            "NO_RESULT",
            _("Không dòng nào trong tệp có kết quả."),
            _("Điền “Đã chi” hoặc “Chưa chi” ở cột “Kết quả” rồi tải lên lại."),
        )
    return count


JUDGE = f"""
UPDATE payments_result_line line SET verdict = judged.verdict
FROM ({JUDGED}) AS judged WHERE line.id = judged.id
RETURNING judged.verdict
"""  # noqa: S608  a fragment of ours; values are parameters

WRITE_RESULTS = """
INSERT INTO payments_transfer_result (transfer_id, outcome, line_id, contradicts)
SELECT t.id, l.outcome, l.id, l.verdict = 'CONTRADICTS'
FROM payments_result_line l JOIN payments_transfer t ON t.end_to_end_id = l.end_to_end_id
WHERE l.result_file_id = %(file)s AND l.verdict IN ('PAID', 'NOT_PAID', 'CONTRADICTS')
"""

# Only a bank refuses (REJECTED); what the payment service could not hand out is cancelled here and owed again.
MOVE = """
WITH said AS (
    SELECT r.transfer_id, r.outcome, l.reason_code, l.reference FROM payments_transfer_result r
    JOIN payments_result_line l ON l.id = r.line_id
    WHERE l.result_file_id = %(file)s AND NOT r.contradicts
), moved AS (
    UPDATE payments_transfer t
    SET state = CASE WHEN said.outcome = 'PAID' THEN 'SETTLED' WHEN t.route = 'TREASURY_FILE' THEN 'REJECTED'
                     ELSE 'CANCELLED' END,
        settlement_level = CASE WHEN said.outcome <> 'PAID' THEN '' WHEN t.route = 'TREASURY_FILE' THEN 'TREASURY'
                                ELSE 'SERVICE' END,
        transaction_status = CASE WHEN said.outcome = 'PAID' THEN 'ACSC' ELSE 'RJCT' END,
        status_reason = said.reason_code, bank_reference = said.reference, ended_at = portal_now(), due_at = NULL
    FROM said WHERE t.id = said.transfer_id AND t.chunk_id = ANY (%(chunks)s) AND t.state = 'HANDED_OVER'
    RETURNING t.id, t.instructed_amount, t.state, t.payout_account_id, t.status_reason
), booked AS (
    INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
    SELECT %(fund)s, CASE state WHEN 'SETTLED' THEN 'POST' ELSE 'VOID' END, 'RESERVED',
           CASE state WHEN 'SETTLED' THEN 'PAID' ELSE 'FUNDING' END, instructed_amount, id, portal_now()
    FROM moved
)
SELECT state, payout_account_id, status_reason, id FROM moved
"""

# The mark keeps the payment out of every other list until people have decided (payments.operations.build).
CONTRADICT = """
UPDATE payments_transfer t SET conflicting_status = CASE r.outcome WHEN 'PAID' THEN 'ACSC' ELSE 'RJCT' END
FROM payments_transfer_result r JOIN payments_result_line l ON l.id = r.line_id
WHERE l.result_file_id = %(file)s AND r.contradicts AND t.id = r.transfer_id AND t.conflicting_status = ''
"""
LATE_PAID = """
SELECT t.end_to_end_id FROM payments_transfer_result r JOIN payments_result_line l ON l.id = r.line_id
JOIN payments_transfer t ON t.id = r.transfer_id
WHERE l.result_file_id = %(file)s AND r.contradicts AND r.outcome = 'PAID'
"""


def _contradict(cursor: Any, given: dict[str, Any]) -> None:
    """Keep the words against what was written beside it; what would pay once more what is said to be paid is stopped."""
    cursor.execute(LATE_PAID, given)
    paid = [row[0] for row in cursor.fetchall()]
    lock_followers(cursor, end_to_end_ids=paid)
    cursor.execute(CONTRADICT, given)
    stop_followers(cursor, end_to_end_ids=paid)


@transaction.atomic(durable=True)
def commit_results(*, result_file_id: int, by: User, at: datetime) -> dict[str, int]:
    """Take a file over: payments end by what it says, money is posted or goes back. How many rows did what.

    Every row is judged anew under the locks: what the officer was shown may have moved on.

    Raises:
        NotInAuthority: `by` does not record results of this unit.
        InvalidMove: It is taken over or given up already.
    """
    kept, batch = _lock(result_file_id, by, at)
    kept.state, kept.decided_by, kept.decided_at = ResultFileState.COMMITTED, by, at
    kept.save(update_fields=["state", "decided_by", "decided_at"])
    chunks = list(
        DispatchChunk.objects.select_for_update(of=("self",), no_key=True)
        .filter(batch=batch, route=kept.route)
        .order_by("id")
        .values_list("id", flat=True)
    )
    given: dict[str, Any] = {"file": kept.pk, "chunks": chunks, "fund": batch.fund_id}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_timeout = 0")
        cursor.execute(JUDGE, given)
        verdicts = [row[0] for row in cursor.fetchall()]
        counts = {str(verdict): verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}
        cursor.execute(WRITE_RESULTS, given)
        cursor.execute(MOVE, given)  # a statement of its own: the transfers' trigger looks for the rows of the results
        moved = cursor.fetchall()
        _contradict(cursor, given)
        recount(cursor, chunk_ids=chunks, release=False)
    refusals = [
        (account, reason) for state, account, reason, _id in moved if state == "REJECTED" and account and reason
    ]
    tell_of_rejections(transfer_ids=[row[3] for row in moved if row[0] == "REJECTED"])
    follow_bank_refusals(refusals=refusals)
    _record("results.committed", kept, by, {verdict.lower(): count for verdict, count in counts.items()})
    return counts


@transaction.atomic(durable=True)
def cancel_results(*, result_file_id: int, by: User, at: datetime) -> None:
    """Give a file up that was read and not taken over; it may be brought again.

    Raises:
        NotInAuthority, InvalidMove: As for `commit_results`.
    """
    kept, _batch = _lock(result_file_id, by, at)
    kept.state, kept.decided_by, kept.decided_at = ResultFileState.CANCELLED, by, at
    kept.save(update_fields=["state", "decided_by", "decided_at"])
    _record("results.cancelled", kept, by, {})


def _lock(result_file_id: int, by: User, at: datetime) -> tuple[ResultFile, PayoutBatch]:
    """The file under its batch's lock, after all that forbids this officer to act on it."""
    batch = lock_batch(ResultFile.objects.values_list("batch_id", flat=True).get(pk=result_file_id))
    require(by=by, permission=Permission.RECORD_RESULTS, unit_code=batch.unit_id, at=at)
    kept = ResultFile.objects.select_for_update(of=("self",), no_key=True).get(pk=result_file_id)
    if kept.state != ResultFileState.CHECKED:
        raise InvalidMove(kept.state)
    return kept, batch


def _record(kind: str, kept: ResultFile, by: User, payload: dict[str, Any]) -> None:
    record_event(
        kind=kind,
        actor=by.actor,
        subject_kind="batch",
        subject_id=kept.batch_id,
        payload={"route": kept.route, "results": kept.pk, **payload},
    )
