"""A ward's list: checked with nothing written, then committed whole or not at all; the same list twice changes
nothing.

Work is done on chunks of 5,000 lines with a handful of statements each. A list never overwrites an account that was
confirmed, never pays, and ends no right: who is missing from it is told, and decided by people. What it may change is
judged line by line in `register_compare`, at the check and again at the commit.
"""

import hashlib
import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from beneficiaries.errors import FileTooLarge, NotCancellable, RegisterRefused
from beneficiaries.models import RegisterImport, RegisterImportFile
from beneficiaries.operations import register_rows
from beneficiaries.operations.register_compare import Right, Verdict, compare_line
from beneficiaries.operations.register_standing import Missing, missing_rights, read_standing
from beneficiaries.register_file.list_check import CheckedList
from beneficiaries.register_file.problems import Findings, UnreadableList
from beneficiaries.register_file.rows import last_day_of
from beneficiaries.register_file.tables import load_tables
from beneficiaries.states import ImportState
from foundation.audit.operations import record_event
from foundation.privacy.encryption import decrypt_bytes, encrypt
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission

FILE_CONTEXT = "register_import.file"
SHOWN_CHANGES = 200
MAX_BYTES = 50 * 1024 * 1024


class NotCommittable(RegisterRefused):
    """The list is committed already, or is no longer in order; `message` tells an officer, `findings` tell why."""

    def __init__(self, message: str, findings: Findings | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Change:
    """One line that differs from the register: the row of the file, and old and new values by field, numbers masked."""

    number: int
    full_name: str
    fields: dict[str, tuple[str, str]]


@dataclass(slots=True)
class Preview:
    """What a list would change, with its problems; `import_id` is None while it has errors, and then nothing is kept.

    `new`, `changed` and `unchanged` count lines in order; `missing` counts rights of the unit that the list does not
    have. Of changes and missing rights the first 200 are named.
    """

    findings: Findings
    lines: int = 0
    total: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    new_accounts: int = 0
    import_id: int | None = None
    changes: list[Change] = field(default_factory=list)
    missing_rights: list[Missing] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set, repr=False)

    @property
    def in_order(self) -> bool:
        """Whether the list can be committed."""
        return not self.findings.errors

    def count(self, verdict: Verdict) -> None:
        """Take one line into the counts."""
        self.findings.extend(verdict.problems)
        if verdict.request_account and verdict.row.payee_national_id not in self._asked:
            self._asked.add(verdict.row.payee_national_id)
            self.new_accounts += 1
        if verdict.right is Right.NEW:
            self.new += 1
        elif verdict.changes:
            self.changed += 1
            if len(self.changes) < SHOWN_CHANGES:
                self.changes.append(Change(verdict.row.number, verdict.row.full_name, verdict.changes))
        else:
            self.unchanged += 1


def check_register(*, content: bytes, file_name: str, unit_code: str, period: date, by: User, at: datetime) -> Preview:
    """Read a list and say what it would change. One in order is kept, encrypted, until it is committed; nothing else
    is.

    Args:
        content: The file as it came, at most 50 MB.
        file_name: As the officer called it; only told back, never trusted.
        unit_code: The unit whose list it is.
        period: First day of the month that the list is for.
        by: The officer.
        at: Now.

    Raises:
        access.NotAllowed: `by` may not import lists of this unit.
        UnreadableList: The file as a whole is no list; its words say what to do.
        Unit.DoesNotExist: There is no such unit.
    """
    access.require(user=by, permission=Permission.IMPORT_REGISTER, unit_code=unit_code, at=at)
    if len(content) > MAX_BYTES:
        raise UnreadableList("TOO_LARGE", FileTooLarge.message, FileTooLarge.remedy)
    preview = _compare(content, unit_code=unit_code, period=period, at=at)
    if preview.in_order:
        preview.import_id = _keep(
            preview, content=content, file_name=file_name, unit_code=unit_code, period=period, by=by
        )
    return preview


def preview_import(*, import_id: int, by: User, at: datetime) -> Preview:
    """What a kept list would change if it were written now; the register may have moved on since it was checked.

    Raises:
        access.NotAllowed: `by` may not import lists of this unit.
    """
    kept = RegisterImport.objects.select_related("file").get(pk=import_id)
    access.require(user=by, permission=Permission.IMPORT_REGISTER, unit_code=kept.unit_id, at=at)
    preview = _compare(_content(kept), unit_code=kept.unit_id, period=kept.period, at=at)
    preview.import_id = kept.pk
    return preview


def _content(kept: RegisterImport) -> bytes:
    return decrypt_bytes(kept.file.content_encrypted, context=FILE_CONTEXT, row_id=kept.pk)


def _compare(content: bytes, *, unit_code: str, period: date, at: datetime) -> Preview:
    """A list beside the register, line by line; writes nothing."""
    today = at.astimezone(access.CITY_TIME).date()
    with CheckedList(io.BytesIO(content), load_tables(unit_code, day=today), period=period, today=today) as checked:
        preview = Preview(findings=checked.findings)
        seen: list[int] = []
        for chunk in checked.chunks():
            standing = read_standing(chunk, unit_code=unit_code, period=period)
            for row in chunk:
                verdict = compare_line(
                    row, standing, unit_code=unit_code, period=period, knows_payees=checked.knows_payees
                )
                preview.count(verdict)
                if verdict.known_right is not None:
                    seen.append(verdict.known_right.id)
        preview.lines, preview.total = checked.lines, checked.total
    preview.missing, preview.missing_rights = missing_rights(
        unit_code=unit_code, period=period, last_day=last_day_of(period), seen=seen
    )
    return preview


@transaction.atomic(durable=True)
def _keep(preview: Preview, *, content: bytes, file_name: str, unit_code: str, period: date, by: User) -> int:
    kept = RegisterImport.objects.create(
        unit_id=unit_code,
        file_name="".join(character for character in file_name if character.isprintable())[-200:],
        file_sha256=hashlib.sha256(content).digest(),
        period=period,
        summary={
            "lines": preview.lines,
            "total": preview.total,
            "new": preview.new,
            "changed": preview.changed,
            "unchanged": preview.unchanged,
            "missing": preview.missing,
            "new_accounts": preview.new_accounts,
            "warnings": preview.findings.stored(),
        },
        uploaded_by=by,
    )
    RegisterImportFile.objects.create(
        register_import=kept, content_encrypted=encrypt(content, context=FILE_CONTEXT, row_id=kept.pk)
    )
    record_event(
        kind="register.checked",
        actor=by.actor,
        subject_kind="register_import",
        subject_id=kept.pk,
        payload={"sha256": bytes(kept.file_sha256).hex(), "lines": preview.lines, "unit": unit_code},
    )
    return int(kept.pk)


@transaction.atomic(durable=True)
def commit_register(*, import_id: int, by: User, at: datetime) -> dict[str, int]:
    """Write a checked list into the register, whole: how many rows of each kind were new, and how many corrected.

    Raises:
        NotCommittable: It is committed or cancelled already, or has become wrong since it was checked (a rate changed,
            another ward took somebody up); then nothing is written.
        access.NotAllowed: `by` may not import lists of this unit.
    """
    kept = RegisterImport.objects.select_for_update(of=("self",), no_key=True).get(pk=import_id)
    access.require(user=by, permission=Permission.IMPORT_REGISTER, unit_code=kept.unit_id, at=at)
    if kept.state != ImportState.CHECKED:
        raise NotCommittable(_("Danh sách này đã được ghi hoặc đã huỷ; tải tệp lên lại nếu cần."))
    counts = _write(kept, _content(kept), by=by, today=at.astimezone(access.CITY_TIME).date())
    kept.state, kept.committed_by, kept.committed_at = ImportState.COMMITTED, by, at
    kept.save(update_fields=["state", "committed_by", "committed_at"])
    record_event(
        kind="register.committed",
        actor=by.actor,
        subject_kind="register_import",
        subject_id=kept.pk,
        payload={"unit": kept.unit_id, **counts},
    )
    return counts


@transaction.atomic(durable=True)
def cancel_import(*, import_id: int, by: User, at: datetime) -> None:
    """Give up a list that was checked and not written.

    Raises:
        NotCancellable: It is written or given up already.
        access.NotAllowed: `by` may not import lists of this unit.
    """
    kept = RegisterImport.objects.select_for_update(of=("self",), no_key=True).get(pk=import_id)
    access.require(user=by, permission=Permission.IMPORT_REGISTER, unit_code=kept.unit_id, at=at)
    if kept.state != ImportState.CHECKED:
        raise NotCancellable(kept.state)
    kept.state = ImportState.CANCELLED
    kept.save(update_fields=["state"])
    record_event(
        kind="register.cancelled",
        actor=by.actor,
        subject_kind="register_import",
        subject_id=kept.pk,
        payload={"unit": kept.unit_id},
    )


def _write(kept: RegisterImport, content: bytes, *, by: User, today: date) -> dict[str, int]:
    counts: Counter[str] = Counter(dict.fromkeys(register_rows.COUNTED, 0))
    unit_code, period = kept.unit_id, kept.period
    with (
        connection.cursor() as cursor,
        CheckedList(io.BytesIO(content), load_tables(unit_code, day=today), period=period, today=today) as checked,
    ):
        # A large list takes longer than a page may, and its lines are judged between two statements; another ward's commit is
        # waited for.
        cursor.execute("SET LOCAL transaction_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '2min'")
        cursor.execute("SET LOCAL lock_timeout = '60s'")
        # Two lists at the same time would both see one person as new.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('beneficiaries.register'))")
        writing = register_rows.Writing(cursor, kept.pk, unit_code, period, by.pk)
        for chunk in checked.chunks():
            standing = read_standing(chunk, unit_code=unit_code, period=period)
            verdicts = [
                compare_line(row, standing, unit_code=unit_code, period=period, knows_payees=checked.knows_payees)
                for row in chunk
            ]
            for verdict in verdicts:
                checked.findings.extend(verdict.problems)
            if checked.findings.errors:
                break
            counts.update(register_rows.write(writing, verdicts, standing))
        if checked.findings.errors:
            raise NotCommittable(
                _("Danh sách không còn đúng như lúc kiểm tra; tải tệp lên lại để xem lỗi."), checked.findings
            )
    return dict(counts)


def problems_for_people(findings: Findings) -> list[dict[str, Any]]:
    """Problems by repair, as a page or command shows them: what is wrong, what to do, how often, in which rows."""
    return [
        {
            "message": group.message,
            "repair": group.repair,
            "severity": group.severity.value,
            "count": group.count,
            "rows": group.rows,
            "column": group.column,
        }
        for group in findings.groups()
    ]
