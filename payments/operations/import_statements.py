"""Importing a statement file: a job in small transactions that can be left at any moment and taken up by another worker.

Read: the file streams into draft lines; nothing else sees them. Check: it is compared with what is known, and refused whole
or not at all. Write: each statement becomes a row, its lines become entries that are matched as they are written. Take up: what
does not simply agree is settled, returned, or becomes a difference. The same file again changes nothing, and says so.
"""

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import structlog
from django.db import connection, transaction

from foundation.audit.models import Job
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.camt053 import EntryLine, Head, UnreadableStatement, read_statements
from foundation.privacy.blind_index import account_fingerprint_many
from payments.errors import BadStatement
from payments.models import Statement, StatementFile
from payments.operations import match_statements, take_up
from payments.operations.statement_files import JOB_KIND, stored_content, unit_of
from payments.statement_states import FileState

log = structlog.get_logger(__name__)

PORTION = 10_000
LEASE_SECONDS = 360.0  # longer than any step may take
_OWN_ID = re.compile(r"[0-9A-Fa-f]{32}")
_BIN, _NUMBER = re.compile(r"[0-9]{6}"), re.compile(r"[A-Za-z0-9]{1,19}")


class StaleJob(Exception):
    """Another worker has taken this import over."""


@dataclass(slots=True)
class _Run:
    """One worker at one import; `cursor` is where it stands, kept with every transaction."""

    job_id: int
    file_id: int
    fence: int
    cursor: dict[str, Any]


# One import at a time, so that no two write the same account; one that was left half-way comes first.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('payments.statement.import'))"
CLAIM = """
UPDATE audit_job SET state = 'RUNNING', fence = fence + 1, attempts = attempts + 1,
    lease_until = portal_now() + %(lease)s * interval '1 second'
WHERE id = (SELECT id FROM audit_job WHERE kind = %(kind)s AND state IN ('WAITING', 'RUNNING') AND due_at <= portal_now()
            AND NOT EXISTS (SELECT 1 FROM audit_job busy WHERE busy.kind = %(kind)s AND busy.state = 'RUNNING'
                            AND busy.lease_until >= portal_now())
            ORDER BY state = 'WAITING', id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id, subject_id, fence, cursor
"""
# Holds the job's row until the transaction ends: only the worker with the newest fence writes.
KEEP = """
UPDATE audit_job SET cursor = %(cursor)s, done = %(done)s, total = %(total)s,
    lease_until = portal_now() + %(lease)s * interval '1 second'
WHERE id = %(job)s AND fence = %(fence)s AND state = 'RUNNING'
"""
HOLD = "SELECT 1 FROM audit_job WHERE id = %s AND fence = %s AND state = 'RUNNING' FOR NO KEY UPDATE"
END = """
UPDATE audit_job SET state = %(state)s, error = %(error)s, lease_until = NULL, finished_at = portal_now(),
    done = coalesce(total, done)
WHERE id = %(job)s AND fence = %(fence)s AND state = 'RUNNING'
"""


def import_one() -> bool:
    """Take up one import that waits, or whose worker never came back, and do it to its end; False when there is none."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
        cursor.execute(CLAIM, {"kind": JOB_KIND, "lease": LEASE_SECONDS})
        claimed = cursor.fetchone()
    if claimed is None:
        return False
    job_id, file_id, fence, where = claimed
    run = _Run(job_id, file_id, fence, json.loads(where))
    try:
        _import(run)
    except UnreadableStatement as error:
        _refuse(run, error.code)
    except BadStatement as error:
        _refuse(run, error.code)
    except StaleJob:
        log.info("import taken over", job=job_id)
    return True


def _import(run: _Run) -> None:
    if "heads" not in run.cursor:
        _read(run)
    if "plan" not in run.cursor:
        _check(run)
    for number, planned in enumerate(run.cursor["plan"]):
        if planned["changed"]:
            _write(run, number)
    _finish(run)


class _Step:
    """One transaction of an import: it begins by holding the job's row and ends by keeping where the work stands."""

    def __init__(self, run: _Run, *, done: int, total: int) -> None:
        self._run, self._done, self._total = run, min(done, total), total

    def __enter__(self) -> Any:
        self._atomic = transaction.atomic(durable=True)
        self._atomic.__enter__()
        self._cursor = connection.cursor()
        self._cursor.execute("SET LOCAL statement_timeout = '5min'; SET LOCAL transaction_timeout = '5min'")
        self._cursor.execute(HOLD, [self._run.job_id, self._run.fence])
        if self._cursor.fetchone() is None:
            self._atomic.__exit__(StaleJob, StaleJob(), None)
            raise StaleJob
        return self._cursor

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is None:
            self._cursor.execute(
                KEEP,
                {
                    "cursor": json.dumps(self._run.cursor),
                    "done": self._done,
                    "total": self._total,
                    "lease": LEASE_SECONDS,
                    "job": self._run.job_id,
                    "fence": self._run.fence,
                },
            )
        self._atomic.__exit__(kind, error, trace)


def _read(run: _Run) -> None:
    """Stream the file into draft lines, in portions; whoever goes on after a crash reads past those that are there."""
    size = StatementFile.objects.values_list("size", flat=True).get(pk=run.file_id)
    passed = 0

    def content() -> Iterator[bytes]:
        nonlocal passed
        for part in stored_content(file_id=run.file_id):
            passed += len(part)
            yield part

    heads: list[Head] = []
    lines = _lines_of(read_statements(content()), heads)
    have = int(run.cursor.get("lines", 0))
    for _ in islice(lines, have):
        pass
    while portion := list(islice(lines, PORTION)):
        run.cursor["lines"] = have = have + len(portion)
        with _Step(run, done=passed, total=size) as cursor:
            cursor.copy_expert(COPY, io.StringIO("".join(_rows(run.file_id, portion))))
    run.cursor["lines"] = have
    run.cursor["heads"] = [_head(head) for head in heads]
    with _Step(run, done=size, total=size) as cursor:
        cursor.execute("UPDATE payments_statement_file SET lines = %s WHERE id = %s", [have, run.file_id])


def _lines_of(items: Iterable[EntryLine | Head], heads: list[Head]) -> Iterator[EntryLine]:
    for item in items:
        if isinstance(item, Head):
            heads.append(item)
        else:
            yield item


COPY = """
COPY payments_statement_draft_line (file_id, statement_number, ordinal, entry_reference, detail_number, direction, amount,
    booking_date, value_date, end_to_end_id, bank_reference, return_id, reason, bank_code, account_fingerprint) FROM STDIN
"""


def _rows(file_id: int, portion: list[EntryLine]) -> Iterator[str]:
    named = [
        bool(_BIN.fullmatch(line.creditor_agent) and _NUMBER.fullmatch(line.creditor_account)) for line in portion
    ]
    known = iter(
        account_fingerprint_many(
            (line.creditor_agent, line.creditor_account)
            for line, is_named in zip(portion, named, strict=True)
            if is_named
        )
    )
    for line, is_named in zip(portion, named, strict=True):
        end_to_end_id = line.end_to_end_id.lower() if _OWN_ID.fullmatch(line.end_to_end_id) else line.end_to_end_id
        values = (
            file_id,
            line.statement,
            line.ordinal,
            _escaped(line.entry_reference),
            line.detail_number,
            line.direction,
            line.amount,
            line.booking_date,
            line.value_date,
            _escaped(end_to_end_id),
            _escaped(line.bank_reference),
            _escaped(line.return_id),
            line.reason,
            line.bank_code,
            f"\\\\x{next(known).hex()}" if is_named else "\\N",
        )
        yield "\t".join(map(str, values)) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _head(head: Head) -> dict[str, Any]:
    assert head.day is not None
    return {
        "account": head.account,
        "day": head.day.isoformat(),
        "statement_id": head.statement_id,
        "sequence_number": head.sequence_number,
        "opening_balance": head.opening_balance,
        "closing_balance": head.closing_balance,
        "debit_count": head.debit_count,
        "debit_sum": head.debit_sum,
        "credit_count": head.credit_count,
        "credit_sum": head.credit_sum,
        "content_sha256": head.digest.hex(),
        "lines": head.lines,
    }


def _check(run: _Run) -> None:
    """Decide for each statement whether it is new, and refuse the file as a whole before anything of it is written."""
    heads: list[dict[str, Any]] = run.cursor["heads"]
    if len({(head["account"], head["day"]) for head in heads}) < len(heads):
        raise BadStatement("TWICE")
    plan = []
    with connection.cursor() as cursor:
        for number, head in enumerate(heads):
            unit_of(head["account"])
            latest = Statement.objects.filter(account=head["account"], day=head["day"]).order_by("-version").first()
            changed = latest is None or bytes(latest.content_sha256).hex() != head["content_sha256"]
            if changed:
                match_statements.refuse_used_references(cursor, file_id=run.file_id, number=number, head=head)
            plan.append({"changed": changed, "statement": 0, "written": 0, "taken_up": 0, "phase": 0})
    run.cursor["plan"] = plan
    total = sum(head["lines"] for head in heads)
    with _Step(run, done=0, total=total):
        pass


def _write(run: _Run, number: int) -> None:
    """Write one statement, phase by phase; each phase may be left and begun again where it stood."""
    planned, head = run.cursor["plan"][number], run.cursor["heads"][number]
    total = sum(each["lines"] for each in run.cursor["heads"])
    before = sum(each["lines"] for each in run.cursor["heads"][:number])
    while planned["phase"] < len(PHASES):
        with _Step(run, done=before + planned["written"], total=total) as cursor:
            if PHASES[planned["phase"]](cursor, run, number, planned, head):
                planned["phase"] += 1


Phase = Callable[[Any, _Run, int, dict[str, Any], dict[str, Any]], bool]


def _open_version(cursor: Any, run: _Run, number: int, planned: dict[str, Any], head: dict[str, Any]) -> bool:
    """The row of the statement; of a version that comes later also what it no longer says."""
    match_statements.lock_funds(cursor, account=head["account"])
    former = Statement.objects.filter(account=head["account"], day=head["day"]).order_by("-version").first()
    statement = Statement.objects.create(
        unit_id=unit_of(head["account"]),
        version=former.version + 1 if former else 1,
        file_id=run.file_id,
        content_sha256=bytes.fromhex(head["content_sha256"]),
        **{name: head[name] for name in HEAD_FIELDS},
    )
    planned["statement"], planned["version"] = statement.pk, statement.version
    if former is not None:
        match_statements.supersede(cursor, statement_id=statement.pk, file_id=run.file_id, number=number)
    return True


HEAD_FIELDS = (
    "account",
    "day",
    "statement_id",
    "sequence_number",
    "opening_balance",
    "closing_balance",
    "debit_count",
    "debit_sum",
    "credit_count",
    "credit_sum",
)


def _write_entries(cursor: Any, run: _Run, number: int, planned: dict[str, Any], head: dict[str, Any]) -> bool:
    match_statements.lock_funds(cursor, account=head["account"])
    last = min(planned["written"] + PORTION, head["lines"])
    match_statements.write_entries(
        cursor,
        statement_id=planned["statement"],
        file_id=run.file_id,
        number=number,
        after=planned["written"],
        through=last,
        is_first=planned["version"] == 1,
    )
    planned["written"] = last
    return last >= int(head["lines"])


def _match_the_rest(cursor: Any, _run: _Run, _number: int, planned: dict[str, Any], head: dict[str, Any]) -> bool:
    match_statements.lock_funds(cursor, account=head["account"])
    match_statements.match_by_amount_and_date(cursor, statement_id=planned["statement"])
    if planned["version"] > 1:
        match_statements.tell_changes(cursor, statement_id=planned["statement"])
    return True


def _take_up(cursor: Any, _run: _Run, _number: int, planned: dict[str, Any], head: dict[str, Any]) -> bool:
    match_statements.lock_funds(cursor, account=head["account"])
    last = take_up.take_up_entries(cursor, statement_id=planned["statement"], after=planned["taken_up"], limit=PORTION)
    if last is None:
        return True
    planned["taken_up"] = last
    return False


def _compare(cursor: Any, _run: _Run, _number: int, planned: dict[str, Any], head: dict[str, Any]) -> bool:
    """What the statement as a whole shows: what is missing in it, its balances, the day's totals; and the kept counts."""
    match_statements.lock_funds(cursor, account=head["account"])
    take_up.compare_statement(cursor, statement_id=planned["statement"])
    return True


PHASES: tuple[Phase, ...] = (_open_version, _write_entries, _match_the_rest, _take_up, _compare)


def _finish(run: _Run) -> None:
    changed = [planned for planned in run.cursor["plan"] if planned["changed"]]
    state = FileState.IMPORTED if changed else FileState.UNCHANGED
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        _end(cursor, run, Job.State.DONE, "")
        cursor.execute("DELETE FROM payments_statement_draft_line WHERE file_id = %s", [run.file_id])
        cursor.execute("UPDATE payments_statement_file SET state = %s WHERE id = %s", [str(state), run.file_id])
        record_event(
            kind="statement.imported" if changed else "statement.unchanged",
            actor=SYSTEM,
            subject_kind="statement_file",
            subject_id=run.file_id,
            payload={
                "statements": [planned["statement"] for planned in changed],
                "contents": [head["content_sha256"] for head in run.cursor["heads"]],
                "lines": run.cursor["lines"],
            },
        )


def _refuse(run: _Run, code: str) -> None:
    """Nothing of a refused file stays but that it came and why it was refused."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        _end(cursor, run, Job.State.FAILED, code)
        cursor.execute("DELETE FROM payments_statement_draft_line WHERE file_id = %s", [run.file_id])
        cursor.execute(
            "UPDATE payments_statement_file SET state = 'REFUSED', refusal = %s WHERE id = %s", [code, run.file_id]
        )
        record_event(
            kind="statement.refused",
            actor=SYSTEM,
            subject_kind="statement_file",
            subject_id=run.file_id,
            payload={"code": code},
        )
        take_up.alarm_refused(file=StatementFile.objects.get(pk=run.file_id))


def _end(cursor: Any, run: _Run, state: str, error: str) -> None:
    cursor.execute(END, {"state": state, "error": error, "job": run.job_id, "fence": run.fence})
    if cursor.rowcount == 0:
        raise StaleJob
