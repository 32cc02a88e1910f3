"""A ward's list: checked with nothing written, then committed whole or not at all; the same list twice changes nothing.

Work is done on chunks of 5,000 lines with a handful of statements each. A list never overwrites an account that was confirmed,
never pays, and ends no right: who is missing from it is told, and decided by people.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from beneficiaries.models import RegisterImport, RegisterImportFile
from beneficiaries.operations import register_rows
from beneficiaries.register_file.list_check import CheckedList
from beneficiaries.register_file.problems import Findings
from beneficiaries.register_file.rows import RegisterRow
from beneficiaries.register_file.tables import load_tables
from beneficiaries.states import ImportState
from foundation.audit.operations import record_event
from foundation.privacy.blind_index import fingerprint_many
from foundation.privacy.encryption import decrypt_bytes, encrypt
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission

FILE_CONTEXT = "register_import.file"


class NotCommittable(Exception):
    """The list is committed already, or was never found in order."""


@dataclass(slots=True)
class Preview:
    """What a list would change, with its problems; `import_id` is None while it has errors, and then nothing is kept."""

    findings: Findings
    lines: int = 0
    total: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    import_id: int | None = None
    changes: list[register_rows.Change] = field(default_factory=list)

    @property
    def in_order(self) -> bool:
        """Whether the list can be committed."""
        return not self.findings.errors


def check_register(*, content: bytes, file_name: str, unit_code: str, period: date, by: User, at: datetime) -> Preview:
    """Read a list and say what it would change. A list in order is kept, encrypted, until it is committed; nothing else is.

    Raises:
        access.NotAllowed: `by` may not import lists of this unit.
        UnreadableList: The file as a whole is no list; its words say what to do.
        Unit.DoesNotExist: There is no such unit.
    """
    access.require(user=by, permission=Permission.IMPORT_REGISTER, unit_code=unit_code, at=at)
    today = at.astimezone(access.CITY_TIME).date()
    tables = load_tables(unit_code, day=today)
    with CheckedList(io.BytesIO(content), tables, period=period, today=today) as checked:
        preview = Preview(findings=checked.findings)
        known = 0
        for chunk in checked.chunks():
            known += _compare(preview, chunk)
        preview.lines, preview.total = checked.lines, checked.total
    if not preview.in_order:
        return preview
    preview.missing = register_rows.count_active(unit_code) - known
    preview.import_id = _keep(preview, content=content, file_name=file_name, unit_code=unit_code, period=period, by=by)
    return preview


def _compare(preview: Preview, chunk: Sequence[RegisterRow]) -> int:
    """Count what a chunk would change; how many of its lines are known already."""
    standing = register_rows.standing_lines(fingerprint_many("national-id", [row.national_id for row in chunk]))
    known = 0
    for row, index in zip(chunk, fingerprint_many("national-id", [row.national_id for row in chunk]), strict=True):
        before = standing.get((index, row.line_id))
        if before is None:
            preview.new += 1
            continue
        known += 1
        change = register_rows.compare(before, row)
        if change is None:
            preview.unchanged += 1
        else:
            preview.changed += 1
            if len(preview.changes) < 200:
                preview.changes.append(change)
    return known


@transaction.atomic(durable=True)
def _keep(preview: Preview, *, content: bytes, file_name: str, unit_code: str, period: date, by: User) -> int:
    kept = RegisterImport.objects.create(
        unit_id=unit_code,
        file_name=file_name[-200:],
        file_sha256=hashlib.sha256(content).digest(),
        period=period,
        summary={
            "lines": preview.lines,
            "total": preview.total,
            "new": preview.new,
            "changed": preview.changed,
            "unchanged": preview.unchanged,
            "missing": preview.missing,
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
    """Write a checked list into the register, whole: how many people, rights, receivers and accounts were new.

    Raises:
        NotCommittable: It is committed already, or has become wrong since it was checked (a rate changed, for instance).
        access.NotAllowed: `by` may not import lists of this unit.
    """
    kept = RegisterImport.objects.select_for_update(of=("self",), no_key=True).get(pk=import_id)
    access.require(user=by, permission=Permission.IMPORT_REGISTER, unit_code=kept.unit_id, at=at)
    if kept.state != ImportState.CHECKED:
        raise NotCommittable(kept.state)
    content = decrypt_bytes(kept.file.content_encrypted, context=FILE_CONTEXT, row_id=kept.pk)
    today = at.astimezone(access.CITY_TIME).date()
    counts = {"people": 0, "entitlements": 0, "representations": 0, "accounts": 0}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_timeout = 0")  # a large list takes longer than a page may
        # Two lists of one unit at the same time would both see a person as new.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('register'), hashtext(%s))", [kept.unit_id])
        with CheckedList(
            io.BytesIO(content), load_tables(kept.unit_id, day=today), period=kept.period, today=today
        ) as checked:
            for chunk in checked.chunks():
                written = register_rows.write(
                    cursor, chunk, import_id=kept.pk, unit_code=kept.unit_id, period=kept.period, by_id=by.pk
                )
                counts = {name: counts[name] + written[name] for name in counts}
            if checked.findings.errors:
                raise NotCommittable("no longer in order")
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


def problems_for_people(findings: Findings) -> list[dict[str, Any]]:
    """Problems by repair, as a page or command shows them: what is wrong, what to do, how often, in which rows."""
    return [
        {
            "message": group.message,
            "repair": group.repair,
            "count": group.count,
            "rows": group.rows,
            "column": group.column,
        }
        for group in findings.groups()
    ]
