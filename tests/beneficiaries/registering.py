"""A citizen who registers an account, and a bank that answers as a test wants it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from beneficiaries.models import AccountDraft, PayoutAccount, Person
from beneficiaries.operations import enquiries, registration, submission
from foundation.audit import clock
from foundation.audit.models import AuditEvent
from foundation.gateway.events import AccountLinked
from foundation.gateway.port import NameEnquiryAnswer
from foundation.privacy.encryption import decrypt
from foundation.users.models import User
from tests.factories import VCB, make_person

NUMBER, OTHER, THIRD = "0071000123456", "0071000999888", "0071000777666"
NAME = "Nguyễn Thị Hoà"
AT_BANK = "NGUYEN THI HOA"


@dataclass
class Bank:
    """Knows one holder for every account, unless it is told a code or something to do instead."""

    holder: str = AT_BANK
    codes: dict[str, str] = field(default_factory=dict)  # by account number
    before: Callable[[], None] = lambda: None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def enquire_name(self, **question: Any) -> NameEnquiryAnswer:
        self.asked.append(question)
        self.before()
        code = self.codes.get(question["creditor_account"])
        return NameEnquiryAnswer(
            question["enquiry_id"], code is None, code, None if code else self.holder, datetime.now(UTC)
        )


NEAR = Bank("HOA NGUYEN THI")


@dataclass
class Citizen:
    """A person with his sign-in, going through the steps as the pages would."""

    person: Person
    user: User
    ahead: timedelta = timedelta()

    def steps(self) -> dict[str, Any]:
        return {"person_id": self.person.pk, "by": self.user, "at": clock.now() + self.ahead}

    def start(self) -> AccountDraft:
        return registration.start_draft(**self.steps())

    def choose(self, bank: str = VCB) -> AccountDraft:
        return registration.choose_bank(bank_bin=bank, **self.steps())

    def enter(self, number: str = NUMBER) -> AccountDraft:
        return registration.enter_number(number=number, **self.steps())

    def consent(self) -> AccountDraft:
        return registration.record_consent(**self.steps())

    def submit(self, draft: AccountDraft | None = None, **changes: Any) -> PayoutAccount:
        draft = draft or self.draft()
        given = {"reference": draft.reference, "seen": registration.seen_token(draft)} | self.steps() | changes
        return submission.submit_registration(**given)

    def draft(self) -> AccountDraft:
        return AccountDraft.objects.get(person=self.person)

    def asked(self, number: str = NUMBER, *, bank: str = VCB) -> AccountDraft:
        """As far as the question to the bank."""
        self.start()
        self.choose(bank)
        return self.enter(number)

    def ready(self, number: str = NUMBER, *, at: Any = None, bank: str = VCB) -> AccountDraft:
        """As far as the last page: answered and agreed to."""
        self.asked(number, bank=bank)
        answer_all(at or Bank())
        return self.consent()

    def register(self, number: str = NUMBER, *, at: Any = None, bank: str = VCB) -> PayoutAccount:
        return self.submit(self.ready(number, at=at, bank=bank))


def make_citizen(name: str = NAME, **fields: Any) -> Citizen:
    person = make_person(name, **fields)
    user = User.objects.create_user(
        f"vneid-{person.pk}", full_name=name, kind=User.Kind.CITIZEN, person_fingerprint=person.national_id_index
    )
    return Citizen(person, user)


def linked(citizen: Citizen, number: str = NUMBER, **changes: Any) -> AccountLinked:
    """What the gateway tells when the citizen links an account in the VNeID app."""
    person = citizen.person
    told: dict[str, Any] = {
        "link_id": f"link-{uuid4().hex[:8]}",
        "national_id": decrypt(person.national_id_encrypted, context="person.national_id", row_id=person.pk),
        "creditor_agent": VCB,
        "creditor_account": number,
        "holder_name": AT_BANK,
        "eid_level": 2,
        "consent_token": uuid4().hex,
        "at": datetime.now(UTC),
        "replaced_link_id": None,
    }
    return AccountLinked(**(told | changes))


def answer_all(bank: Any) -> None:
    for enquiry in enquiries.take_enquiries(limit=100):
        enquiries.answer_enquiry(enquiry=enquiry, gateway=bank)


def trail(*, subject_kind: str = "account") -> list[str]:
    return list(AuditEvent.objects.filter(subject_kind=subject_kind).order_by("id").values_list("kind", flat=True))
