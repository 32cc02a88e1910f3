"""Building a list: from what is owed to transfers and lines, by statements over steps of payees, never row by row.

A build is a job that can be left at any moment: each step is one transaction that writes its rows and where to go on.
"""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from beneficiaries.queries import OWED
from foundation.audit.models import Job
from foundation.audit.operations import record_event
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import BatchExists, FundClosed, WrongInput
from payments.models import Fund, PayoutBatch
from payments.models.batches import FIRST_PERIOD
from payments.models.disputes import disputed
from payments.operations.acting import require
from payments.operations.compare import compare_with_last_period
from payments.operations.recover import WITHHELD, lock_recoveries
from payments.queries.progress import JOB_KIND as JOB_KIND  # noqa: PLC0414  callers know it by this name
from payments.states import ROUTES_TO_ACCOUNTS, BatchKind, BatchState, Route

STEP_PAYEES = 20_000

# A step first gathers what is owed to the payees of a range: a month that a line has taken is left out, unless the line's
# transfer ended without paying: then that line, with its own amount, passes to the new transfer (I-3). Where the bank has
# contradicted itself the money may have been paid after all: that is for people. Where one new transfer takes the place of
# several, or of one that was replaced already, `replaces` names the latest that is free; `PayoutLineMove` tells of every line.
# It is a table of its own, and analysed, because PostgreSQL cannot know how many rows a CTE will have and would join a long list
# row by row.
GATHER = f"""
DROP TABLE IF EXISTS pg_temp.payout_owed;
CREATE TEMPORARY TABLE payout_owed ON COMMIT DROP AS
SELECT month.entitlement_id, month.payee_id, month.period, month.kind, coalesce(line.amount, month.amount) AS amount,
       month.exclusion_reason, month.route, month.delivery, month.payment_way_id, month.payout_account_id,
       month.account_fingerprint, month.creditor_name, month.creditor_agent, month.bank_narration, line.id AS line_id,
       CASE WHEN newer.id IS NULL THEN former.id END AS former_id
FROM ({OWED}) AS month
LEFT JOIN payments_payout_line line
    ON line.entitlement_id = month.entitlement_id AND line.period = month.period AND line.live
    AND line.kind IN ('CURRENT', 'ARREARS', 'CARRY_OVER')
LEFT JOIN payments_transfer former ON former.id = line.transfer_id
LEFT JOIN payments_transfer newer ON newer.replaces_id = former.id
WHERE (line.id IS NULL AND %(kind)s <> 'REPLACEMENT')
   OR (former.state IN ('REJECTED', 'RETURNED', 'CANCELLED') AND former.conflicting_status = ''
       AND NOT EXISTS (SELECT 1 FROM payments_payout_line_move m JOIN payments_transfer earlier ON earlier.id = m.from_transfer_id
                       WHERE m.line_id = line.id AND {disputed("earlier")}))
"""
ANALYSE = "ANALYZE payout_owed"

# Then it groups that into one transfer a payee, the transfers into chunks of one route and bank, and keeps everything that cannot
# be paid with its reason. What is recovered from a right comes off its payee's transfer as a line of its own.
BUILD_STEP = f"""
WITH withheld AS MATERIALIZED ({WITHHELD}
), grouped AS (
    SELECT payee_id, route, delivery, payment_way_id, payout_account_id, account_fingerprint, creditor_name, creditor_agent,
           (sum(owed.amount) - coalesce(max(less.amount), 0))::bigint AS amount, max(former_id) AS replaces_id,
           CASE WHEN min(bank_narration) = max(bank_narration) THEN min(bank_narration) ELSE 'AN SINH XA HOI' END
               || to_char(%(period)s::date, ' MM/YYYY') AS remittance_information
    FROM payout_owed owed
    LEFT JOIN (SELECT payee_id, sum(amount) AS amount FROM withheld GROUP BY payee_id) AS less USING (payee_id)
    WHERE exclusion_reason = ''
    GROUP BY payee_id, route, delivery, payment_way_id, payout_account_id, account_fingerprint, creditor_name, creditor_agent
), placed AS (
    SELECT *, (row_number() OVER (PARTITION BY route, creditor_agent ORDER BY payee_id) - 1) / %(chunk_size)s AS ordinal
    FROM grouped
), numbered AS (
    SELECT *, %(first_number)s + dense_rank() OVER (ORDER BY route, creditor_agent, ordinal) AS number FROM placed
), chunk AS (
    INSERT INTO payments_dispatch_chunk (batch_id, number, route, creditor_agent, number_of_transactions, control_sum)
    SELECT %(batch)s, number, route, creditor_agent, count(*), sum(amount)
    FROM numbered GROUP BY number, route, creditor_agent ORDER BY number
    RETURNING id, number
), transfer AS (
    INSERT INTO payments_transfer (batch_id, chunk_id, payee_id, route, delivery, payment_way_id, payout_account_id,
        account_fingerprint, creditor_name, creditor_agent, instructed_amount, remittance_information, replaces_id)
    SELECT %(batch)s, chunk.id, payee_id, route, delivery, payment_way_id, payout_account_id, account_fingerprint,
        creditor_name, creditor_agent, amount, remittance_information, replaces_id
    FROM numbered JOIN chunk USING (number)
    ORDER BY number, payee_id
    RETURNING id, payee_id
), paid AS (
    INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, transfer_id)
    SELECT %(batch)s, entitlement_id, period, kind, amount, transfer.id
    FROM payout_owed JOIN transfer USING (payee_id) WHERE exclusion_reason = '' AND line_id IS NULL
    RETURNING 1
), passed_on AS (
    UPDATE payments_payout_line line SET transfer_id = transfer.id
    FROM payout_owed owed JOIN transfer USING (payee_id) WHERE line.id = owed.line_id AND owed.exclusion_reason = ''
    RETURNING 1
), recovered AS (
    INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, transfer_id, recovery_id)
    SELECT %(batch)s, entitlement_id, %(period)s, 'RECOVERY', -withheld.amount, transfer.id, recovery_id
    FROM withheld JOIN transfer USING (payee_id) ORDER BY recovery_id
    RETURNING 1
), excluded AS (
    INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, live, exclusion_reason)
    SELECT %(batch)s, entitlement_id, period, kind, coalesce(amount, 0), false, exclusion_reason
    FROM payout_owed WHERE exclusion_reason <> ''
    RETURNING 1
)
SELECT (SELECT count(*) FROM paid) + (SELECT count(*) FROM passed_on) + (SELECT count(*) FROM recovered),
       (SELECT count(*) FROM excluded), (SELECT count(*) FROM chunk)
"""

# Everybody who is owed something can receive it himself unless somebody else does.
ENSURE_PAYEES = """
INSERT INTO beneficiaries_payee (person_id, organisation_name, organisation_code)
SELECT DISTINCT e.person_id, '', ''
FROM beneficiaries_entitlement e
WHERE e.state = 'ACTIVE' AND (%(unit)s IS NULL OR e.unit_id = %(unit)s)
  AND NOT EXISTS (SELECT 1 FROM beneficiaries_payee p WHERE p.person_id = e.person_id)
ON CONFLICT (person_id) DO NOTHING
"""


@transaction.atomic(durable=True)
def start_build(
    *,
    fund_id: int,
    unit_code: str | None,
    period: date,
    kind: BatchKind,
    execution_date: date,
    by: User,
    at: datetime,
    accounts_by: Route = Route.GATEWAY,
) -> PayoutBatch:
    """Open a batch and order its list to be built; the list itself is made by `build_step`.

    `accounts_by` TREASURY_FILE sends the whole list's accounts past the gateway, by the Treasury's own list.

    Raises:
        NotInAuthority: `by` may not prepare lists there.
        BatchExists: A live regular batch of this fund, unit and period stands already.
        FundClosed: The fund's year is closed.
        WrongInput: The period is not a month, lies beyond the next one, or after the fund's year; the fund is of another
            unit; or `accounts_by` pays into no account.
    """
    require(by=by, permission=Permission.PREPARE_BATCH, unit_code=unit_code, at=at)
    today = at.astimezone(access.CITY_TIME).date()
    if (
        period.day != 1
        or (period.year * 12 + period.month) > (today.year * 12 + today.month + 1)
        or period < FIRST_PERIOD
    ):
        raise WrongInput("period")
    if accounts_by not in ROUTES_TO_ACCOUNTS:
        raise WrongInput("accounts_by")
    fund = Fund.objects.select_for_update(of=("self",), no_key=True).get(pk=fund_id)
    if not fund.is_open:
        raise FundClosed
    if period.year > fund.year or (fund.unit_id is not None and fund.unit_id != unit_code):
        raise WrongInput("fund")
    same = PayoutBatch.objects.filter(fund=fund, unit_id=unit_code, period=period, kind=kind)
    last = same.order_by("-sequence", "-version").first()
    sequence, version = 1, 1
    if last is not None:
        dead = last.state in (BatchState.WITHDRAWN, BatchState.REJECTED)
        sequence, version = (last.sequence, last.version + 1) if dead else (last.sequence + 1, 1)
    try:
        with transaction.atomic():
            batch = PayoutBatch.objects.create(
                fund=fund,
                unit_id=unit_code,
                period=period,
                kind=kind,
                sequence=sequence,
                version=version,
                requested_execution_date=execution_date,
                accounts_by=accounts_by,
                prepared_by=by,
            )
    except IntegrityError as error:
        if "payout_batch_one_live_regular" in str(error) or "payout_batch_identity" in str(error):
            raise BatchExists from error
        raise
    Job.objects.create(kind=JOB_KIND, subject_kind="batch", subject_id=batch.pk, created_by_id=by.pk)
    record_event(
        kind="batch.started",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"fund": fund.code, "unit": unit_code, "period": period.isoformat(), "kind": kind, "version": version},
    )
    return batch


@transaction.atomic(durable=True)
def build_step(*, job_id: int) -> bool:
    """Do the next piece of a build; False when there is nothing left to do or somebody else is at it.

    The job's row lock is held for the step, so two workers never build the same piece.
    """
    job = Job.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=job_id, kind=JOB_KIND).first()
    if job is None or job.state in (Job.State.DONE, Job.State.FAILED):
        return False
    batch = (
        PayoutBatch.objects.select_for_update(of=("self",), no_key=True).select_related("fund").get(pk=job.subject_id)
    )
    if batch.state != BatchState.BUILDING:
        _finish(job, Job.State.FAILED, error=f"batch is {batch.state}")
        return False
    cursor_state: dict[str, Any] = job.cursor
    with connection.cursor() as cursor:
        if not cursor_state:
            cursor_state = _plan(cursor, batch)
            job.state, job.total, job.cursor = Job.State.RUNNING, cursor_state["payees"], cursor_state
            job.save(update_fields=["state", "total", "cursor"])
        first = cursor_state["next_payee"]
        last = min(first + cursor_state["step"] - 1, cursor_state["last_payee"])
        programmes = list(batch.fund.programmes.values_list("id", flat=True))
        values = {
            "batch": batch.pk,
            "period": batch.period,
            "kind": batch.kind,
            "unit": batch.unit_id,
            "accounts_by": batch.accounts_by,
            "programmes": programmes,
            "recoveries": lock_recoveries(cursor, batch=batch, programmes=programmes),
            "first_payee": first,
            "last_payee": last,
            "first_period": FIRST_PERIOD,
            "chunk_size": settings.DISPATCH_CHUNK_SIZE,
            "first_number": cursor_state["chunks"],
        }
        paid, excluded, chunks = _build_piece(cursor, values)
    cursor_state["chunks"] += chunks
    cursor_state["lines"] += paid
    cursor_state["excluded"] += excluded
    cursor_state["next_payee"] = last + 1
    job.cursor = cursor_state
    job.done = min(job.total or 0, last - cursor_state["first_payee"] + 1)
    job.save(update_fields=["cursor", "done"])
    if last >= cursor_state["last_payee"]:
        _finish_list(job, batch)
        return False
    return True


TRIES = 3
# What the database says to the loser when two lists take the same line at once.
TAKEN_BY_ANOTHER = ("payout_line_one_live_transfer", "payout_line_once_while_live", "replaces_id")


def _build_piece(cursor: Any, values: dict[str, Any]) -> tuple[int, int, int]:
    """Lines, excluded lines and chunks of one step. Lines that another list took meanwhile are left to that list."""
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                for statement in (GATHER, ANALYSE, BUILD_STEP):
                    cursor.execute(statement, values)
                paid, excluded, chunks = cursor.fetchone()
                return paid, excluded, chunks
        except IntegrityError as error:
            if attempt + 1 == TRIES or not any(rule in str(error) for rule in TAKEN_BY_ANOTHER):
                raise
    raise AssertionError("unreachable")


def _plan(cursor: Any, batch: PayoutBatch) -> dict[str, Any]:
    """Which payees to walk over: for one unit all at once, for the city in steps that bound memory and time."""
    cursor.execute(ENSURE_PAYEES, {"unit": batch.unit_id})
    cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM beneficiaries_payee")
    first, last = cursor.fetchone()
    span = last - first + 1
    step = span if batch.unit_id is not None else STEP_PAYEES
    return {
        "first_payee": first,
        "next_payee": first,
        "last_payee": last,
        "payees": span,
        "step": step,
        "chunks": 0,
        "lines": 0,
        "excluded": 0,
    }


def _finish_list(job: Job, batch: PayoutBatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(number_of_transactions), 0), coalesce(sum(control_sum), 0) "
            "FROM payments_dispatch_chunk WHERE batch_id = %s",
            [batch.pk],
        )
        count, total = cursor.fetchone()
    batch.state = BatchState.DRAFT
    batch.number_of_transactions, batch.control_sum = count, total
    batch.number_of_lines, batch.number_excluded = job.cursor["lines"], job.cursor["excluded"]
    batch.save(update_fields=["state", "number_of_transactions", "control_sum", "number_of_lines", "number_excluded"])
    compare_with_last_period(batch=batch)
    _finish(job, Job.State.DONE)
    record_event(
        kind="batch.built",
        actor=batch.prepared_by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"transactions": int(count), "sum": int(total), "excluded": batch.number_excluded},
    )


def _finish(job: Job, state: str, *, error: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE audit_job SET state = %s, error = %s, done = CASE WHEN %s = 'DONE' THEN coalesce(total, done) ELSE done END, "
            "finished_at = portal_now() WHERE id = %s",
            [state, error, state, job.pk],
        )
