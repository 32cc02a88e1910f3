"""After a restore: the copy is older than what the banks did. It starts held, everything open is asked about, and nothing goes
on before the bank's own statements show no payment that the copy cannot explain. Decision: docs/adr/022.
"""

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import IO

from django.conf import settings
from django.db import connection, transaction

from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.camt053 import EntryLine, read_statements
from foundation.gateway.errors import NotSent
from foundation.gateway.port import Gateway
from foundation.users.access import CITY_TIME
from payments.alarms import RESTORED
from payments.errors import InvalidMove
from payments.models import Restore
from payments.operations.acting import checked_reason
from payments.operations.doubt import doubt
from payments.states import BATCH_HOLDABLE

HELD_REASON = "Khôi phục từ bản sao lưu: hỏi ngân hàng trước khi chi tiếp"
EXAMPLES = 20
COPIED_AT_ONCE = 20_000
READ_AT_ONCE = 64 * 1024

HOLD = """
UPDATE payments_payout_batch SET held_from = state, held_reason = %s, held_by_id = NULL, state = 'HELD'
WHERE id IN (SELECT id FROM payments_payout_batch WHERE state = ANY (%s) ORDER BY id FOR NO KEY UPDATE)
RETURNING id
"""

# Whatever is not done, also what was only planned: the lost database may have opened and sent it. No message of the lost
# workers can begin after the request deadline from now, so that "never seen" proves something only after it.
MARK = """
UPDATE payments_dispatch_chunk
SET doubted_at = portal_now(),
    last_send_deadline = greatest(last_send_deadline, portal_now() + %s * interval '1 second')
WHERE id IN (SELECT id FROM payments_dispatch_chunk WHERE state <> 'DONE' AND route = 'GATEWAY' ORDER BY id FOR NO KEY UPDATE)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A payment in the bank's statements that the copy cannot explain."""

    end_to_end_id: str
    amount: int
    why: str


class RestoreUnexplained(Exception):
    """The statements show payments that the copy does not know, or holds for not paid."""

    def __init__(self, count: int, examples: list[Unexplained]) -> None:
        super().__init__(f"{count} payments that this copy cannot explain")
        self.count, self.examples = count, examples


@transaction.atomic(durable=True)
def start_after_restore(*, reason: str) -> Restore:
    """Hold every list that is on its way and have the bank asked about everything that is open; before any worker starts.

    Raises:
        InvalidMove: An earlier restore has not ended.
        WrongInput: As `checked_reason` says.
    """
    reason = checked_reason(reason)
    if Restore.objects.filter(ended_at=None).exists():
        raise InvalidMove("an earlier restore has not ended")
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(at), portal_now()) FROM audit_event")
        known_until = cursor.fetchone()[0]
        cursor.execute(HOLD, [HELD_REASON, [str(state) for state in BATCH_HOLDABLE]])
        held = [row[0] for row in cursor.fetchall()]
        cursor.execute(MARK, [settings.DISPATCH_REQUEST_DEADLINE])
        chunks = [row[0] for row in cursor.fetchall()]
        cursor.execute(READY_IN, [chunks])
        restore = Restore.objects.create(
            known_until=known_until, reason=reason, batches_held=len(held), transfers_in_doubt=cursor.fetchone()[0]
        )
        doubt(cursor, chunk_ids=chunks)
    for batch_id in held:
        record_event(
            kind="batch.held", actor=SYSTEM, subject_kind="batch", subject_id=batch_id, payload={"reason": HELD_REASON}
        )
    record_event(
        kind="restore.started",
        actor=SYSTEM,
        subject_kind="restore",
        subject_id=restore.pk,
        payload={
            "reason": reason,
            "known_until": known_until.isoformat(),
            "held": len(held),
            "in_doubt": restore.transfers_in_doubt,
        },
    )
    raise_alarm(
        kind=RESTORED, subject_kind="restore", subject_id=restore.pk, details={"known_until": known_until.isoformat()}
    )
    return restore


READY_IN = "SELECT count(*) FROM payments_transfer WHERE state = 'READY' AND chunk_id = ANY (%s)"


def end_restore(*, gateway: Gateway, at: datetime, accepted: int = 0, reason: str = "") -> Restore:
    """Compare the bank's statements since the copy was made with what the copy knows, and let lists go on when they agree.

    Args:
        gateway: Asked for the statements, today's so far among them; no transaction is open meanwhile.
        at: The portal's moment.
        accepted: How many unexplained payments people have looked into and take upon themselves; must be the exact number.
        reason: What they found; needed with `accepted`.

    Raises:
        InvalidMove: No restore is open.
        RestoreUnexplained: There are others than were accepted.
        GatewayError: A statement did not come.
        UnreadableStatement: One came and cannot be believed; nothing is taken for explained by it.
        WrongInput: As `checked_reason` says.
    """
    restore = Restore.objects.filter(ended_at=None).first()
    if restore is None:
        raise InvalidMove("no restore is open")
    if accepted:
        reason = checked_reason(reason)
    with _spooled(gateway, since=restore.known_until, until=at) as statements:
        return _end(statements, at=at, accepted=accepted, reason=reason)


# A line of a list whose money was set aside is explained: the bank's answer moves it, now or when it is opened, and also when the
# list is given up. All else was paid although the copy holds it for not paid, or never heard of it: to pay it again is twice.
UNEXPLAINED = """
SELECT count(*) OVER (), d.end_to_end_id, d.amount,
       CASE WHEN t.id IS NULL THEN 'unknown here'
            WHEN b.reserved_at IS NULL THEN 'list is ' || coalesce(nullif(b.held_from, ''), b.state)
            ELSE 'payment is ' || t.state END
FROM bank_debit d
LEFT JOIN payments_transfer t USING (end_to_end_id)
LEFT JOIN payments_payout_batch b ON b.id = t.batch_id
WHERE t.id IS NULL OR t.state IN ('REJECTED', 'CANCELLED', 'EXCLUDED') OR t.instructed_amount <> d.amount
   OR b.reserved_at IS NULL
ORDER BY d.end_to_end_id LIMIT %(examples)s
"""


@transaction.atomic(durable=True)
def _end(statements: Sequence[IO[bytes]], *, at: datetime, accepted: int, reason: str) -> Restore:
    restore = Restore.objects.select_for_update(no_key=True).filter(ended_at=None).get()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("CREATE TEMPORARY TABLE bank_debit (end_to_end_id text, amount bigint) ON COMMIT DROP")
        debits = _debits(statements)
        while portion := list(islice(debits, COPIED_AT_ONCE)):
            rows = "".join(f"{end_to_end_id}\t{amount}\n" for end_to_end_id, amount in portion)
            cursor.copy_expert("COPY bank_debit FROM STDIN", io.StringIO(rows))
        cursor.execute("ANALYZE bank_debit")
        cursor.execute(UNEXPLAINED, {"examples": EXAMPLES})
        found = cursor.fetchall()
        count = found[0][0] if found else 0
        if count != accepted:
            raise RestoreUnexplained(count, [Unexplained(*row[1:]) for row in found])
    restore.ended_at, restore.debits_unexplained, restore.end_reason = at, count, reason
    restore.save(update_fields=["ended_at", "debits_unexplained", "end_reason"])
    record_event(
        kind="restore.ended",
        actor=SYSTEM,
        subject_kind="restore",
        subject_id=restore.pk,
        payload={"unexplained": count, "reason": reason},
    )
    return restore


@contextmanager
def _spooled(gateway: Gateway, *, since: datetime, until: datetime) -> Iterator[list[IO[bytes]]]:
    """The statements of the days between, whole, in files: a statement that broke off must not count."""
    first, last = (moment.astimezone(CITY_TIME).date() for moment in (since, until))
    with ExitStack() as files:
        statements: list[IO[bytes]] = []
        for number in range((last - first).days + 1):
            file = files.enter_context(tempfile.TemporaryFile())
            try:
                for part in gateway.fetch_statement(first + timedelta(days=number), interim=True):
                    file.write(part)
            except NotSent as later:
                if later.reason != "NOT_FOUND":  # nothing was booked until then
                    raise
                continue
            file.seek(0)
            statements.append(file)
        yield statements


def _debits(statements: Sequence[IO[bytes]]) -> Iterator[tuple[str, int]]:
    """(end_to_end_id, amount) of every payment out of our accounts, streamed; one that names no payment has no id."""
    for statement in statements:
        for line in read_statements(iter(partial(statement.read, READ_AT_ONCE), b"")):
            if isinstance(line, EntryLine) and line.direction == "DBIT":
                yield _one_line(line.end_to_end_id), line.amount


def _one_line(text: str) -> str:
    """Fit for COPY: ids of the contract have letters and digits only, whatever else comes is no id of ours."""
    return text if text.isalnum() else f"?{text.encode().hex()}"
