"""Asking a bank for the holder's name while the citizen waits: take (transaction), ask (no transaction), record (transaction).

A question is known by draft and enquiry number. Whoever comes back with an answer to an older question writes nothing.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection, transaction

from beneficiaries.models import AccountDraft
from beneficiaries.operations.accounts import CHECK_DEADLINE, CHECK_LEASE, is_busy
from beneficiaries.operations.registration import NUMBER_CONTEXT
from beneficiaries.states import EnquiryState, MatchResult
from foundation.audit import clock
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.errors import GatewayError, NotSent, Refused
from foundation.gateway.port import Gateway, NameEnquiryAnswer
from foundation.privacy.encryption import decrypt
from foundation.reference.names import compare_names

FIRST_WAIT = 5.0  # seconds until a bank that was busy is asked again; doubled each time
LONGEST_WAIT = 300.0


@dataclass(frozen=True, slots=True)
class Enquiry:
    """One question to a bank, as a citizen's saved registration puts it."""

    draft_id: int
    enquiry_number: int
    attempts: int
    creditor_agent: str
    creditor_account: str = field(repr=False)
    national_id: str = field(repr=False)
    person_name: str = field(repr=False)


TAKE_ENQUIRIES = """
WITH taken AS (
    SELECT id FROM beneficiaries_account_draft
    WHERE state = 'WAITING' AND due_at <= portal_now()
    ORDER BY due_at, id LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE beneficiaries_account_draft d
SET attempts = d.attempts + 1, due_at = portal_now() + %(lease)s * interval '1 second'
FROM taken, beneficiaries_person m
WHERE d.id = taken.id AND m.id = d.person_id
RETURNING d.id, d.enquiry_number, d.attempts, d.bank_id, d.number_encrypted, m.id, m.national_id_encrypted, m.full_name
"""


@transaction.atomic(durable=True)
def take_enquiries(*, limit: int) -> list[Enquiry]:
    """Take up to `limit` questions that are due; nobody else takes them for a minute."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_ENQUIRIES, {"limit": limit, "lease": CHECK_LEASE})
        rows = cursor.fetchall()
    return [
        Enquiry(
            draft_id=draft_id,
            enquiry_number=number,
            attempts=attempts,
            creditor_agent=bank,
            creditor_account=decrypt(account, context=NUMBER_CONTEXT, row_id=draft_id),
            national_id=decrypt(national_id, context="person.national_id", row_id=person_id),
            person_name=name,
        )
        for draft_id, number, attempts, bank, account, person_id, national_id, name in rows
    ]


def answer_enquiry(*, enquiry: Enquiry, gateway: Gateway) -> None:
    """Ask the bank, outside of any transaction, and record what it said; a busy one is asked again later."""
    try:
        answer = gateway.enquire_name(
            enquiry_id=f"draft-{enquiry.draft_id}-{enquiry.enquiry_number}-{enquiry.attempts}",
            creditor_agent=enquiry.creditor_agent,
            creditor_account=enquiry.creditor_account,
            national_id=enquiry.national_id,
            deadline_seconds=CHECK_DEADLINE,
        )
    except Refused as refused:
        record_enquiry_refusal(enquiry=enquiry, code=refused.code)
    except NotSent as busy:
        _postpone(enquiry, busy.retry_after or 0)
    except GatewayError:
        _postpone(enquiry, 0)
    else:
        if is_busy(answer):
            _postpone(enquiry, 0)
        else:
            record_enquiry_answer(enquiry=enquiry, answer=answer)


@transaction.atomic(durable=True)
def record_enquiry_answer(*, enquiry: Enquiry, answer: NameEnquiryAnswer) -> bool:
    """Record the holder's name that the bank gave, or its refusal; whether the question still stood.

    A name that differs from the person's is a refusal, and is not kept: it may be a stranger's.
    """
    draft = _lock_asked(enquiry)
    if draft is None:
        return False
    if not answer.found:
        return _refuse(draft, answer.code or "ACC_NOT_FOUND")
    match = MatchResult(compare_names(enquiry.person_name, answer.holder_name or "").result)
    if match == MatchResult.MISMATCH:
        return _refuse(draft, "NAME_MISMATCH")
    draft.state, draft.holder_name, draft.match_result = EnquiryState.ANSWERED, answer.holder_name or "", match
    return _write(draft, {"match": str(match)})


@transaction.atomic(durable=True)
def record_enquiry_refusal(*, enquiry: Enquiry, code: str) -> bool:
    """The bank will never answer this question as it stands; whether the question still stood."""
    draft = _lock_asked(enquiry)
    return draft is not None and _refuse(draft, code)


@transaction.atomic(durable=True)
def _postpone(enquiry: Enquiry, retry_after: float) -> None:
    draft = _lock_asked(enquiry)
    if draft is None or draft.attempts != enquiry.attempts:
        return
    wait = max(FIRST_WAIT * 2 ** min(enquiry.attempts - 1, 10), retry_after)
    draft.due_at = clock.now() + timedelta(seconds=min(wait, LONGEST_WAIT))
    draft.save(update_fields=["due_at"])


def _lock_asked(enquiry: Enquiry) -> AccountDraft | None:
    return (
        AccountDraft.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk=enquiry.draft_id, enquiry_number=enquiry.enquiry_number, state=EnquiryState.WAITING)
        .first()
    )


def _refuse(draft: AccountDraft, code: str) -> bool:
    draft.state, draft.refusal_code = EnquiryState.REFUSED, code[:30]
    return _write(draft, {"code": draft.refusal_code})


def _write(draft: AccountDraft, said: dict[str, str]) -> bool:
    draft.answered_at, draft.due_at = clock.now(), None
    draft.save(update_fields=["state", "holder_name", "match_result", "refusal_code", "answered_at", "due_at"])
    record_event(
        kind="account.enquiry_answered",
        actor=SYSTEM,
        subject_kind="draft",
        subject_id=draft.reference,
        payload={"enquiry": draft.enquiry_number, "state": draft.state, **said},
    )
    return True
