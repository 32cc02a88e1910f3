"""The steps of a registration: bank, number, the bank's answer, consent; and what each of them refuses."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from beneficiaries import errors
from beneficiaries.models import AccountDraft, EnquiryCount
from beneficiaries.operations import enquiries, registration
from beneficiaries.refusals import REFUSALS, NextStep, refusal_of
from foundation.audit import clock
from foundation.audit.models import AuditEvent
from foundation.gateway.codes import ENQUIRY_REFUSALS
from foundation.gateway.errors import GatewayError, NotSent, OutcomeUnknown, Refused
from foundation.reference.models import Bank as ReferenceBank
from foundation.users.models import User
from foundation.users.roles import Role
from tests.beneficiaries.registering import AT_BANK, NUMBER, OTHER, Bank, Citizen, answer_all, make_citizen, trail
from tests.conftest import Clock
from tests.factories import ACB, VCB, make_staff

pytestmark = pytest.mark.django_db
CARD = "4111111111111111"
VNPT_MONEY, FINANCE_COMPANY = "971011", "970468"


@pytest.fixture
def citizen() -> Citizen:
    return make_citizen()


def raising(error: Exception) -> Bank:
    def fail() -> None:
        raise error

    return Bank(before=fail)


class TestStart:
    def test_makes_one_with_a_short_reference_that_can_be_read_out(self, citizen: Citizen) -> None:
        draft = citizen.start()
        assert len(draft.reference) == 10
        assert not set(draft.reference) & set("01OILU")
        assert draft.state == "NONE"

    def test_finds_the_one_that_is_there(self, citizen: Citizen) -> None:
        first = citizen.asked()
        assert citizen.start() == first
        assert citizen.draft().number_masked == "**** 3456"

    @pytest.mark.parametrize(
        "stranger", [lambda: make_citizen("Ai đó").user, lambda: make_staff(Role.APPROVER)], ids=["citizen", "officer"]
    )
    def test_is_for_the_person_himself(self, citizen: Citizen, stranger: Any) -> None:
        citizen.start()
        other = Citizen(citizen.person, stranger())
        for step in (other.start, other.choose, other.enter, other.consent, other.submit):
            with pytest.raises(errors.NotInAuthority):
                step()

    def test_is_not_for_his_login_as_staff_nor_for_one_that_was_locked(self, citizen: Citizen) -> None:
        staff = make_staff(Role.ASSISTANT)
        User.objects.filter(pk=staff.pk).update(person_fingerprint=citizen.person.national_id_index)
        staff.refresh_from_db()
        with pytest.raises(errors.NotInAuthority):
            Citizen(citizen.person, staff).start()
        citizen.user.is_active = False
        with pytest.raises(errors.NotInAuthority):
            citizen.start()

    def test_is_refused_for_whom_the_register_says_to_have_died(self) -> None:
        with pytest.raises(errors.RecordedAsDeceased):
            make_citizen(deceased_date="2026-01-02").start()


class TestBank:
    @pytest.mark.parametrize("bank", [VCB, VNPT_MONEY])
    def test_may_be_a_bank_or_a_wallet(self, citizen: Citizen, bank: str) -> None:
        citizen.start()
        assert citizen.choose(bank).bank_id == bank

    @pytest.mark.parametrize("bank", [FINANCE_COMPANY, "000000", ""])
    def test_must_hold_accounts_that_can_be_paid_into(self, citizen: Citizen, bank: str) -> None:
        citizen.start()
        with pytest.raises(errors.BankNotAccepted):
            citizen.choose(bank)

    def test_must_be_valid_today_also_when_the_number_comes(self, citizen: Citizen) -> None:
        citizen.start()
        citizen.choose()
        ReferenceBank.objects.filter(pk=VCB).update(valid_to=clock.now().date() - timedelta(days=2))
        for step in (citizen.choose, citizen.enter):
            with pytest.raises(errors.BankNotAccepted):
                step()

    def test_another_one_drops_number_answer_and_consent(self, citizen: Citizen) -> None:
        citizen.ready()
        draft = citizen.choose(ACB)
        assert (draft.state, draft.number_masked, draft.holder_name, draft.consented_at) == ("NONE", "", "", None)
        assert draft.number_encrypted is None

    def test_the_same_one_changes_nothing(self, citizen: Citizen) -> None:
        before = citizen.ready()
        draft = citizen.choose(VCB)
        assert (draft.state, draft.consent_version) == ("ANSWERED", before.consent_version)


class TestNumber:
    def test_is_asked_about_and_kept_encrypted(self, citizen: Citizen) -> None:
        draft = citizen.asked("0071 000.123-456")
        assert (draft.state, draft.enquiry_number, draft.number_masked) == ("WAITING", 1, "**** 3456")
        assert registration.number_of(citizen.draft()) == NUMBER
        assert NUMBER.encode() not in bytes(citizen.draft().number_encrypted or b"")

    @pytest.mark.parametrize(
        ("number", "reason"),
        [
            (CARD, "ACCOUNT_IS_CARD"),
            ("", "ACCOUNT_MISSING"),
            ("tài khoản", "ACCOUNT_FORM"),
            ("1" * 20, "ACCOUNT_FORM"),
        ],
    )
    def test_that_is_none_is_refused_with_words_and_nothing_is_asked(
        self, citizen: Citizen, number: str, reason: str
    ) -> None:
        citizen.asked()
        with pytest.raises(errors.WrongNumber) as refusal:
            citizen.enter(number)
        assert refusal.value.reason == reason
        assert str(refusal.value.message)
        assert str(refusal.value.remedy)
        assert citizen.draft().enquiry_number == 1
        assert CARD not in f"{refusal.value} {refusal.value.message} {refusal.value.remedy}"

    def test_needs_a_bank(self, citizen: Citizen) -> None:
        citizen.start()
        with pytest.raises(errors.BankNotAccepted):
            citizen.enter()

    def test_needs_a_registration(self, citizen: Citizen) -> None:
        with pytest.raises(errors.NoDraft):
            citizen.enter()

    def test_that_is_waiting_or_answered_is_not_asked_about_twice(self, citizen: Citizen) -> None:
        citizen.asked()
        assert citizen.enter().enquiry_number == 1
        answer_all(Bank())
        citizen.consent()
        draft = citizen.enter()
        assert (draft.enquiry_number, draft.state) == (1, "ANSWERED")
        assert draft.consent_version

    def test_another_one_is_asked_about_anew_and_consent_is_gone(self, citizen: Citizen) -> None:
        citizen.ready()
        draft = citizen.enter(OTHER)
        assert (draft.enquiry_number, draft.state, draft.holder_name) == (2, "WAITING", "")
        assert (draft.consent_version, draft.consented_at) == ("", None)

    def test_that_was_refused_may_be_asked_about_again(self, citizen: Citizen) -> None:
        citizen.asked()
        answer_all(Bank(codes={NUMBER: "BIO_MISSING"}))
        draft = registration.ask_again(**citizen.steps())
        assert (draft.state, draft.enquiry_number, draft.refusal_code) == ("WAITING", 2, "")
        answer_all(Bank())
        assert citizen.draft().state == "ANSWERED"

    def test_there_is_nothing_to_ask_again_without_one(self, citizen: Citizen) -> None:
        citizen.start()
        with pytest.raises(errors.NoAnswerYet):
            registration.ask_again(**citizen.steps())

    def test_of_the_account_in_use_is_told_before_the_bank_is_asked(self, citizen: Citizen) -> None:
        citizen.register()
        citizen.start()
        citizen.choose()
        with pytest.raises(errors.SameAccount):
            citizen.enter()
        assert citizen.draft().state == "NONE"

    def test_of_somebody_else_is_not_told_before_the_bank_has_spoken(self, citizen: Citizen) -> None:
        """Else anybody could find out who is paid into which account."""
        make_citizen("Trần Văn Bảy").register(at=Bank("TRAN VAN BAY"))
        assert citizen.asked().state == "WAITING"


class TestTenQuestionsADay:
    def test_the_eleventh_is_refused_and_the_registration_kept(self, citizen: Citizen) -> None:
        citizen.start()
        citizen.choose()
        for number in range(10):
            citizen.enter(f"10000000{number:02d}")
        with pytest.raises(errors.TooManyEnquiries):
            citizen.enter(NUMBER)
        draft = citizen.draft()
        assert (draft.enquiry_number, draft.number_masked) == (10, "**** 0009")
        assert EnquiryCount.objects.get().enquiries == 10

    def test_are_counted_over_registrations_that_were_sent(self, citizen: Citizen) -> None:
        citizen.register()
        citizen.asked(OTHER)
        assert EnquiryCount.objects.get().enquiries == 2

    def test_begin_again_the_next_day(self, citizen: Citizen) -> None:
        citizen.start()
        citizen.choose()
        for number in range(10):
            citizen.enter(f"10000000{number:02d}")
        citizen.ahead = timedelta(days=1)
        assert citizen.enter().state == "WAITING"


class TestAnswer:
    def test_brings_the_holders_name_and_how_it_compares(self, citizen: Citizen) -> None:
        citizen.asked()
        bank = Bank()
        answer_all(bank)
        draft = citizen.draft()
        assert (draft.state, draft.holder_name, draft.match_result) == ("ANSWERED", AT_BANK, "MATCH")
        (question,) = bank.asked
        assert question["enquiry_id"] == f"draft-{draft.pk}-1-1"
        assert (question["creditor_agent"], question["creditor_account"]) == (VCB, NUMBER)
        assert len(question["national_id"]) == 12

    @pytest.mark.parametrize(
        ("holder", "match"), [("NGUYENTHI HOA", "MATCH_NOTE"), ("HOA NGUYEN THI", "REVIEW"), (AT_BANK, "MATCH")]
    )
    def test_may_go_on_with_a_near_name(self, citizen: Citizen, holder: str, match: str) -> None:
        assert citizen.ready(at=Bank(holder)).match_result == match

    def test_of_another_name_is_a_refusal_that_keeps_no_strangers_name(self, citizen: Citizen) -> None:
        citizen.asked()
        answer_all(Bank("TRAN QUOC KHANH"))
        draft = citizen.draft()
        assert (draft.state, draft.refusal_code, draft.holder_name) == ("REFUSED", "NAME_MISMATCH", "")
        assert "KHANH" not in str(AuditEvent.objects.values_list("payload", flat=True))

    @pytest.mark.parametrize("code", sorted(set(ENQUIRY_REFUSALS) - {"TEMPORARY"}))
    def test_of_refusal_is_told_with_a_way_out(self, citizen: Citizen, code: str) -> None:
        citizen.asked()
        answer_all(Bank(codes={NUMBER: code}))
        draft = citizen.draft()
        assert (draft.state, draft.refusal_code) == ("REFUSED", code)
        told = refusal_of(draft.refusal_code)
        assert told.message == ENQUIRY_REFUSALS[code].label
        with pytest.raises(errors.NoAnswerYet):
            citizen.consent()

    def test_that_breaks_the_contract_is_a_refusal_with_general_words(self, citizen: Citizen) -> None:
        citizen.asked()
        answer_all(raising(Refused("INVALID_MESSAGE")))
        draft = citizen.draft()
        assert (draft.state, draft.refusal_code) == ("REFUSED", "INVALID_MESSAGE")
        assert refusal_of("INVALID_MESSAGE").next_step == NextStep.WARD_OFFICE

    @pytest.mark.parametrize(
        "bank",
        [
            raising(OutcomeUnknown("TIMEOUT")),
            raising(NotSent("TEMPORARY")),
            raising(GatewayError("?")),
            Bank(codes={NUMBER: "TEMPORARY"}),
        ],
        ids=["silent", "busy", "broken", "busy as an answer"],
    )
    def test_that_does_not_come_keeps_the_request_and_waits_longer_each_time(
        self, citizen: Citizen, bank: Bank, clock: Clock
    ) -> None:
        citizen.asked()
        waits = []
        for hour in range(8):
            clock.shift(f"{hour} hours")
            answer_all(bank)
            draft = citizen.draft()
            assert (draft.state, draft.attempts) == ("WAITING", hour + 1)
            assert draft.due_at is not None
            waits.append(round((draft.due_at - now()).total_seconds() + 0.5))
        assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
        clock.shift("9 hours")
        answer_all(Bank())
        assert citizen.draft().state == "ANSWERED"

    def test_is_asked_for_when_the_bank_says_but_within_five_minutes(self, citizen: Citizen) -> None:
        citizen.asked()
        answer_all(raising(NotSent("TEMPORARY", retry_after=60)))
        due = citizen.draft().due_at
        assert due is not None
        assert 55 < (due - now()).total_seconds() < 61

    def test_to_an_older_question_is_ignored(self, citizen: Citizen) -> None:
        citizen.asked(NUMBER)
        (old,) = enquiries.take_enquiries(limit=10)
        citizen.enter(OTHER)
        answer = Bank("TRAN QUOC KHANH").enquire_name(enquiry_id="x", creditor_account=NUMBER)
        assert not enquiries.record_enquiry_answer(enquiry=old, answer=answer)
        assert not enquiries.record_enquiry_refusal(enquiry=old, code="ACC_NOT_FOUND")
        assert citizen.draft().state == "WAITING"

    def test_comes_once(self, citizen: Citizen) -> None:
        citizen.asked()
        (enquiry,) = enquiries.take_enquiries(limit=10)
        bank = Bank()
        enquiries.answer_enquiry(enquiry=enquiry, gateway=bank)  # type: ignore[arg-type]
        bank.holder = "HOA NGUYEN THI"
        enquiries.answer_enquiry(enquiry=enquiry, gateway=bank)  # type: ignore[arg-type]
        assert citizen.draft().match_result == "MATCH"

    def test_of_a_registration_that_is_gone_is_ignored(self, citizen: Citizen) -> None:
        draft = citizen.asked()
        (enquiry,) = enquiries.take_enquiries(limit=10)
        draft.delete()
        enquiries.answer_enquiry(enquiry=enquiry, gateway=Bank())  # type: ignore[arg-type]
        assert not AccountDraft.objects.exists()

    def test_is_fetched_by_one_worker_at_a_time(self, citizen: Citizen, clock: Clock) -> None:
        citizen.asked()
        assert len(enquiries.take_enquiries(limit=10)) == 1
        assert enquiries.take_enquiries(limit=10) == []
        clock.shift("61 seconds")
        (again,) = enquiries.take_enquiries(limit=10)
        assert again.attempts == 2

    def test_is_slow_after_two_minutes(self, citizen: Citizen) -> None:
        draft = citizen.asked()
        assert not registration.is_slow(draft, now() + timedelta(seconds=100))
        assert registration.is_slow(draft, now() + timedelta(seconds=121))
        answer_all(Bank())
        assert not registration.is_slow(citizen.draft(), now() + timedelta(days=1))

    def test_keeps_numbers_out_of_what_is_printed(self, citizen: Citizen) -> None:
        citizen.asked()
        (enquiry,) = enquiries.take_enquiries(limit=10)
        assert NUMBER not in repr(enquiry)
        assert enquiry.national_id not in repr(enquiry)
        assert "Hoà" not in repr(enquiry)


class TestConsent:
    def test_needs_the_banks_answer(self, citizen: Citizen) -> None:
        citizen.asked()
        with pytest.raises(errors.NoAnswerYet):
            citizen.consent()

    def test_keeps_which_text_was_shown_and_when(self, citizen: Citizen) -> None:
        draft = citizen.ready()
        assert draft.consent_version == registration.CONSENT_VERSION
        assert draft.consented_at is not None


class TestTrail:
    def test_tells_each_question_and_answer_without_the_number(self, citizen: Citizen) -> None:
        draft = citizen.ready()
        assert trail(subject_kind="draft") == ["account.enquired", "account.enquiry_answered"]
        payloads = list(AuditEvent.objects.values_list("payload", flat=True))
        assert payloads[0] == {"bank": VCB, "enquiry": 1}
        assert NUMBER not in str(payloads)
        assert bytes(draft.number_index or b"").hex() not in str(payloads)


class TestRefusals:
    def test_every_code_has_words_and_a_next_step(self) -> None:
        assert set(ENQUIRY_REFUSALS) <= set(REFUSALS)
        for code in ("ACCOUNT_TAKEN", "TOO_MANY", "SAME_ACCOUNT", "OFFICER", "NOT_OF_THIS_CITY"):
            assert code in REFUSALS
        for refusal in [*REFUSALS.values(), refusal_of("?")]:
            assert str(refusal.message)
            assert str(refusal.remedy)
            assert "quý vị" not in f"{refusal.message} {refusal.remedy}".lower()

    def test_that_an_account_is_taken_does_not_tell_by_whom(self) -> None:
        words = f"{errors.AccountTaken.message} {errors.AccountTaken.remedy}".lower()
        assert "người khác" not in words

    def test_every_error_says_what_is_wrong_and_what_to_do(self) -> None:
        raised = [error for error in errors.AccountRefused.__subclasses__() if error is not errors.WrongNumber]
        assert len({error.code for error in raised}) == len(raised) > 10
        for error in raised:
            assert str(error.message)
            assert str(error.remedy)


def now() -> datetime:
    return clock.now()
