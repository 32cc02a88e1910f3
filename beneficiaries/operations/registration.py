"""The steps by which a citizen registers the account into which welfare is paid: bank, number, the bank's answer, consent.

Each step is saved on the server, so the page may be closed at any time. Who acts is the person himself, by his VNeID sign-in:
officers never type a number for a citizen.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from beneficiaries import errors
from beneficiaries.models import AccountDraft, EnquiryCount, PayoutAccount, Person
from beneficiaries.models.registration import REFERENCE_LENGTH, REFERENCE_LETTERS
from beneficiaries.operations.people import is_own
from beneficiaries.queries.accounts import banks_on
from beneficiaries.states import AccountSource, AccountState, EnquiryState
from foundation.audit.operations import SYSTEM, record_event
from foundation.privacy.blind_index import account_fingerprint
from foundation.privacy.encryption import decrypt, encrypt
from foundation.privacy.masking import mask_account
from foundation.reference.identifiers import parse_account_number
from foundation.reference.values import InvalidValue
from foundation.users.access import CITY_TIME
from foundation.users.models import User

PURPOSE = "account.share"
CONSENT_VERSION = "share-1"
CONSENT_TEXT = (
    "Tôi đồng ý cho Ủy ban nhân dân phường, xã nơi tôi cư trú dùng họ tên, số định danh cá nhân, ngân hàng và số tài khoản "
    "này, và chuyển các thông tin đó cho ngân hàng, ví điện tử tôi đã chọn, chỉ để xác nhận chủ tài khoản và chi trả tiền "
    "an sinh xã hội cho tôi. Số tài khoản là dữ liệu cá nhân nhạy cảm, được mã hoá khi lưu giữ. Sự đồng ý có hiệu lực đến "
    "khi tôi rút lại; tôi rút lại được bất cứ lúc nào trên cổng này, khi đó tôi nhận tiền mặt hoặc đăng ký tài khoản khác. "
    "Việc rút lại không ảnh hưởng đến các khoản đã chi."
)
NUMBER_CONTEXT = "account_draft.number"
ENQUIRIES_A_DAY = 10
ANSWER_LASTS = timedelta(hours=24)
SLOW_AFTER = timedelta(minutes=2)
DRAFT_KEPT_DAYS = 30


@transaction.atomic(durable=True)
def start_draft(*, person_id: int, by: User, at: datetime) -> AccountDraft:
    """The person's saved registration, a new one where there is none.

    Raises:
        NotInAuthority: It is not the person of `by`.
        RecordedAsDeceased: The register says that the person has died.
    """
    require_own(person=Person.objects.get(pk=person_id), by=by)
    AccountDraft.objects.bulk_create(
        [AccountDraft(person_id=person_id, reference=_new_reference(), created_at=at, saved_at=at)],
        ignore_conflicts=True,
    )
    return _own_draft(person_id, by)


def _new_reference() -> str:
    return "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(REFERENCE_LENGTH))


@transaction.atomic(durable=True)
def choose_bank(
    *, person_id: int, bank_bin: str, by: User, at: datetime, reference: str | None = None
) -> AccountDraft:
    """Choose the bank or wallet; another one than before drops number, answer and consent.

    `reference` is the registration that the citizen's page showed: one that was sent meanwhile is not taken for the next.

    Raises:
        NotInAuthority, RecordedAsDeceased, NoDraft: As for the other steps.
        BankNotAccepted: It cannot be paid into today.
    """
    draft = _own_draft(person_id, by, reference)
    if not banks_on(at.astimezone(CITY_TIME).date()).filter(pk=bank_bin).exists():
        raise errors.BankNotAccepted(bank_bin)
    if draft.bank_id != bank_bin:
        draft.bank_id = bank_bin
        draft.number_encrypted = draft.number_index = draft.asked_at = None
        draft.number_masked = ""
        _forget_answer(draft, EnquiryState.NONE)
    return _save(draft, at)


@transaction.atomic(durable=True)
def enter_number(
    *,
    person_id: int,
    number: str,
    by: User,
    at: datetime,
    reference: str | None = None,
    seen_bank: str | None = None,
) -> AccountDraft:
    """Enter the account number; the bank is to be asked for its holder's name. The caller rings.

    The number that is waiting for an answer, or has a fresh one, is not asked about again: a double click changes nothing.
    `reference` and `seen_bank` are what the citizen's page showed.

    Raises:
        NotInAuthority, RecordedAsDeceased, NoDraft: As for the other steps.
        DraftChanged: Another bank was chosen since: it would be asked about a number that is not its own.
        BankNotAccepted: None is chosen, or it cannot be paid into today.
        WrongNumber: It is no account number, or a card's; `reason` is the code of the rule.
        SameAccount: The person is paid there already, or will be.
        TooManyEnquiries: The day's questions are used up; what was there before stays.
    """
    draft = _own_draft(person_id, by, reference)
    if seen_bank is not None and draft.bank_id != seen_bank:
        raise errors.DraftChanged
    bank_bin = accepted_bank(draft=draft, at=at)
    try:
        account = parse_account_number(number)
    except InvalidValue as wrong:
        raise errors.WrongNumber(wrong.code, wrong.message, wrong.repair) from None
    index = account_fingerprint(creditor_agent=bank_bin, creditor_account=account)
    if bytes(draft.number_index or b"") == index and (
        draft.state == EnquiryState.WAITING or (draft.state == EnquiryState.ANSWERED and not is_too_old(draft, at))
    ):
        return draft
    require_another_account(person_id=person_id, number_index=index)
    draft.number_encrypted = encrypt(account, context=NUMBER_CONTEXT, row_id=draft.pk)
    draft.number_index, draft.number_masked = index, mask_account(account)
    return _ask(draft, by, at)


@transaction.atomic(durable=True)
def ask_again(*, person_id: int, by: User, at: datetime) -> AccountDraft:
    """Ask the bank anew about the number that is there: its answer is too old, or the citizen put things right at the bank.

    While the bank is being asked, or where its answer is fresh, nothing changes. The caller rings.

    Raises:
        NotInAuthority, RecordedAsDeceased, NoDraft, BankNotAccepted, TooManyEnquiries: As for `enter_number`.
        NoAnswerYet: There is no number to ask about.
    """
    draft = _own_draft(person_id, by)
    if draft.state == EnquiryState.NONE:
        raise errors.NoAnswerYet
    if draft.state == EnquiryState.WAITING or (draft.state == EnquiryState.ANSWERED and not is_too_old(draft, at)):
        return draft
    accepted_bank(draft=draft, at=at)
    return _ask(draft, by, at)


@transaction.atomic(durable=True)
def record_consent(*, person_id: int, by: User, at: datetime, seen: str | None = None) -> AccountDraft:
    """The citizen has ticked the box under `CONSENT_TEXT`; it becomes a row of its own when the registration is sent.

    Raises:
        NotInAuthority, RecordedAsDeceased, NoDraft: As for the other steps.
        DraftChanged: The account is not the one of the page that he read (`seen`, its `seen_token`).
        NoAnswerYet: The bank has not confirmed the number.
    """
    draft = _own_draft(person_id, by)
    if seen is not None and not hmac.compare_digest(seen_token(draft).encode(), seen.encode()):
        raise errors.DraftChanged
    if draft.state != EnquiryState.ANSWERED:
        raise errors.NoAnswerYet(draft.state)
    draft.consent_version, draft.consented_at = CONSENT_VERSION, at
    return _save(draft, at)


def seen_token(draft: AccountDraft) -> str:
    """What the page of checking shows, as a digest: the form brings it back, so that what is sent is what was seen."""
    shown = "\n".join([
        draft.reference, draft.bank_id or "", bytes(draft.number_index or b"").hex(), draft.holder_name, str(draft.enquiry_number)
    ])  # fmt: skip
    return hashlib.sha256(shown.encode()).hexdigest()


def is_too_old(draft: AccountDraft, at: datetime) -> bool:
    """Whether the bank's answer is too old to build on."""
    return draft.answered_at is not None and at - draft.answered_at > ANSWER_LASTS


def is_slow(draft: AccountDraft, at: datetime) -> bool:
    """Whether the citizen has waited so long that the page says: the bank is busy, your request is kept."""
    return draft.state == EnquiryState.WAITING and draft.asked_at is not None and at - draft.asked_at > SLOW_AFTER


def number_of(draft: AccountDraft) -> str:
    """The account number in clear, for the citizen's own page and for his bank; empty while there is none."""
    if draft.number_encrypted is None:
        return ""
    return decrypt(draft.number_encrypted, context=NUMBER_CONTEXT, row_id=draft.pk)


# --- What the steps share ---
def require_own(*, person: Person, by: User) -> None:
    """Only the person himself, and only while he lives by the register. Inner step.

    Raises:
        NotInAuthority: It is not the person of `by`.
        RecordedAsDeceased: The register says that the person has died.
    """
    if not is_own(user=by, national_id_index=person.national_id_index):
        raise errors.NotInAuthority
    if person.deceased_date is not None:
        raise errors.RecordedAsDeceased


def lock_draft(*, person_id: int, **where: str) -> AccountDraft | None:
    """The person's saved registration, locked. Inner step."""
    return AccountDraft.objects.select_for_update(of=("self",), no_key=True).filter(person=person_id, **where).first()


def _own_draft(person_id: int, by: User, reference: str | None = None) -> AccountDraft:
    require_own(person=Person.objects.get(pk=person_id), by=by)
    draft = lock_draft(person_id=person_id, **({} if reference is None else {"reference": reference}))
    if draft is None:
        raise errors.NoDraft
    return draft


def _save(draft: AccountDraft, at: datetime) -> AccountDraft:
    draft.saved_at = at
    draft.save()
    return draft


def _forget_answer(draft: AccountDraft, state: EnquiryState) -> None:
    draft.state, draft.attempts = state, 0
    draft.holder_name = draft.match_result = draft.refusal_code = draft.consent_version = ""
    draft.answered_at = draft.consented_at = draft.due_at = None


def _ask(draft: AccountDraft, by: User, at: datetime) -> AccountDraft:
    """Put the next question, if the day still has one; answers to those before it count no more."""
    _count_enquiry(draft.person_id, at)
    _forget_answer(draft, EnquiryState.WAITING)
    draft.enquiry_number += 1
    draft.asked_at = draft.due_at = at
    record_event(
        kind="account.enquired",
        actor=by.actor,
        subject_kind="draft",
        subject_id=draft.reference,
        payload={"bank": draft.bank_id, "enquiry": draft.enquiry_number},
    )
    return _save(draft, at)


def _count_enquiry(person_id: int, at: datetime) -> None:
    day = at.astimezone(CITY_TIME).date()
    EnquiryCount.objects.bulk_create([EnquiryCount(person_id=person_id, day=day)], ignore_conflicts=True)
    counted = EnquiryCount.objects.filter(person=person_id, day=day, enquiries__lt=ENQUIRIES_A_DAY).update(
        enquiries=F("enquiries") + 1
    )
    if not counted:
        raise errors.TooManyEnquiries


def accepted_bank(*, draft: AccountDraft, at: datetime) -> str:
    """The BIN of the chosen bank, which can be paid into today. Inner step.

    Raises:
        BankNotAccepted: None is chosen, or it cannot.
    """
    if draft.bank_id is None or not banks_on(at.astimezone(CITY_TIME).date()).filter(pk=draft.bank_id).exists():
        raise errors.BankNotAccepted(draft.bank_id or "")
    return draft.bank_id


def require_another_account(*, person_id: int, number_index: bytes) -> None:
    """Not the account that is in use or cools already, nor one of his own that people are looking at. Inner step.

    Raises:
        SameAccount: It is.
    """
    same = PayoutAccount.objects.filter(payee__person=person_id, number_index=number_index)
    if (
        same.filter(state__in=(AccountState.ACTIVE, AccountState.COOLING)).exists()
        or same.filter(state=AccountState.REVIEW, source=AccountSource.SELF).exists()
    ):
        raise errors.SameAccount


PURGE = """
DELETE FROM beneficiaries_account_draft WHERE id IN (
    SELECT id FROM beneficiaries_account_draft WHERE saved_at < portal_now() - %(kept)s * interval '1 day'
    ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


@transaction.atomic(durable=True)
def purge_drafts() -> int:
    """Registrations that nobody touched for a month are forgotten, and the days' counts of questions with them; how many."""
    with connection.cursor() as cursor:
        cursor.execute(PURGE, {"kept": DRAFT_KEPT_DAYS})
        purged: int = cursor.rowcount
        cursor.execute(
            "DELETE FROM beneficiaries_enquiry_count WHERE day < (portal_now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date - %s",
            [DRAFT_KEPT_DAYS],
        )
    if purged:
        record_event(
            kind="drafts.purged", actor=SYSTEM, subject_kind="drafts", subject_id="", payload={"drafts": purged}
        )
    return purged
