"""Files about one transfer that leave the portal: its events as a table, and its evidence as a document. Each is written down.

The same content gives the same bytes whenever and by whomever it is asked for: no file tells when it was made, and all speak
Vietnamese. Numbers of citizens are masked in both.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import translation

from foundation.audit.operations import record_event
from foundation.privacy.operations import record_access
from foundation.reference.spreadsheets import as_text
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import NotInAuthority
from payments.models import Transfer
from payments.queries.integrity import Integrity, integrity
from payments.queries.lists import CarriedLine, lines_of, place_of
from payments.queries.timelines import TimelineEntry, timeline
from payments.queries.tracing import Trace, trace

FORMAT = "welfare-portal/transfer-evidence/1"
HEADINGS = ("Lúc (giờ Việt Nam)", "Việc", "Ai", "Vai trò", "Chi tiết", "Mã bản tin", "Mã băm", "Số sự kiện")


class TraceFile(StrEnum):
    """What can be taken along."""

    EVENTS = "csv"
    EVIDENCE = "json"


CONTENT_TYPES = {TraceFile.EVENTS: "text/csv; charset=utf-8", TraceFile.EVIDENCE: "application/json"}


@dataclass(frozen=True, slots=True)
class Export:
    """A file as it is handed out; `digest` is the SHA-256 of its bytes, which the trail keeps."""

    name: str
    content_type: str
    content: bytes
    digest: str


@transaction.atomic(durable=True)
def export_trace(*, end_to_end_id: str, kind: TraceFile, by: User, at: datetime) -> Export:
    """Make a file about one transfer, and write down who took it and what its hash is.

    Raises:
        NotInAuthority: `by` may not trace.
        Transfer.DoesNotExist: There is no such transfer that `by` may see.
    """
    role = access.rights(user=by, at=at).role_with(Permission.TRACE)
    if role is None:
        raise NotInAuthority(str(Permission.TRACE))
    Transfer.objects.visible_to(by, at=at).get(end_to_end_id=end_to_end_id)
    with translation.override("vi"):
        story = trace(end_to_end_id=end_to_end_id)
        entries = timeline(story)
        if kind == TraceFile.EVENTS:
            content = events_table(entries)
        else:
            carried = lines_of([story.transfer.pk])[story.transfer.pk]
            content = evidence_document(story, entries, integrity(story), carried)
    digest = sha256(content).hexdigest()
    record_access(
        by=by.actor,
        role=role,
        subject_kind="transfer",
        subject_id=story.transfer.pk,
        fields=["events"] if kind == TraceFile.EVENTS else ["events", "evidence"],
        purpose=f"trace: export {kind}",
    )
    record_event(
        kind="transfer.exported",
        actor=by.actor,
        subject_kind="transfer",
        subject_id=story.transfer.pk,
        payload={"format": str(kind), "sha256": digest, "bytes": len(content)},
    )
    return Export(f"khoan-chi-{story.transfer.public_reference}.{kind}", CONTENT_TYPES[kind], content, digest)


def events_table(entries: Iterable[TimelineEntry]) -> bytes:
    """The events as CSV, the earliest first; a byte order mark tells spreadsheets that it is UTF-8."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(HEADINGS)
    for entry in entries:
        details = "; ".join(f"{label}: {value}" for label, value in entry.details)
        cells = (_moment(entry.at), entry.what, entry.actor, entry.role, details, entry.evidence, entry.digest)
        rows.writerow(as_text(cell) for cell in (*cells, str(entry.event_id or "")))
    return text.getvalue().encode("utf-8-sig")


def evidence_document(
    story: Trace, entries: Iterable[TimelineEntry], compared: Integrity, carried: Iterable[CarriedLine]
) -> bytes:
    """Everything that proves one payment, as canonical JSON: members sorted, no spaces. `manifest` has each part's SHA-256."""
    parts: dict[str, Any] = {
        "transfer": _transfer(story, carried),
        "events": [asdict(entry) | {"at": entry.at.isoformat()} for entry in entries],
        "integrity": [asdict(check) for check in compared.checks],
        "list_proof": _list_proof(story),
        "ledger": [
            {
                "kind": row.kind,
                "debit": row.debit,
                "credit": row.credit,
                "amount": row.amount,
                "at": row.at.isoformat(),
            }
            for row in story.ledger
        ],
    }
    manifest = {
        "format": FORMAT,
        "end_to_end_id": story.transfer.end_to_end_id,
        "hash": "SHA-256 of the part as JSON: UTF-8, members sorted, no spaces",
        "parts": {name: sha256(canonical(part)).hexdigest() for name, part in parts.items()},
    }
    return canonical({"manifest": manifest, **parts})


def canonical(value: Any) -> bytes:
    """JSON of which there is only one way of writing."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _transfer(story: Trace, carried: Iterable[CarriedLine]) -> dict[str, Any]:
    transfer, batch = story.transfer, story.batch
    return {
        "end_to_end_id": transfer.end_to_end_id,
        "public_reference": transfer.public_reference,
        "bank_reference": transfer.bank_reference,
        "creditor_name": transfer.creditor_name,
        "creditor_agent": transfer.creditor_agent,
        "place": place_of(transfer),
        "account_version": transfer.payout_account_id,
        "route": transfer.route,
        "instructed_amount": transfer.instructed_amount,
        "state": transfer.state,
        "settlement_level": transfer.settlement_level,
        "replaces": transfer.replaces.end_to_end_id if transfer.replaces else None,
        "batch": batch.pk,
        "unit": batch.unit_id,
        "period": f"{batch.period:%Y-%m}",
        "lines": [
            {"programme": line.programme, "kind": line.kind, "period": f"{line.period:%Y-%m}", "amount": line.amount}
            for line in carried
        ],
    }


def _list_proof(story: Trace) -> dict[str, Any]:
    """What leads from the chunk to the approved list; `docs/auditors.md` says how to follow it without the portal."""
    chunk = story.transfer.chunk
    return {
        "chunk": chunk.number,
        "chunk_hash": bytes(chunk.list_hash or b"").hex(),
        "path": bytes(chunk.hash_path or b"").hex(),
        "list_hash": bytes(story.batch.list_hash or b"").hex(),
        "approved": [
            {"by": str(row.decided_by), "at": row.decided_at.isoformat(), "list_hash": bytes(row.list_hash).hex()}
            for row in story.approvals
            if row.decision == row.Decision.APPROVED
        ],
    }


def _moment(at: datetime) -> str:
    return f"{at.astimezone(access.CITY_TIME):%Y-%m-%d %H:%M:%S}"
