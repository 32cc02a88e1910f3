"""What a registration becomes when it is sent, what stops it, and how a citizen takes an account back."""

from datetime import timedelta

import pytest

from beneficiaries import errors
from beneficiaries.models import AccountDraft, Consent, Payee, PayoutAccount
from beneficiaries.operations import registration, submission
from beneficiaries.operations.accounts import end_cooling
from foundation.audit import clock
from foundation.audit.models import AuditEvent
from foundation.privacy.encryption import decrypt
from foundation.reference.models import Bank as ReferenceBank
from tests.beneficiaries.registering import (
    AT_BANK,
    NEAR,
    NUMBER,
    OTHER,
    THIRD,
    Bank,
    Citizen,
    answer_all,
    make_citizen,
    trail,
)
from tests.conftest import Clock
from tests.factories import ACB, VCB, make_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def citizen() -> Citizen:
    return make_citizen()


def move(account: PayoutAccount, state: str) -> None:
    account.refresh_from_db()
    account.state = state
    account.save()


def standing(citizen: Citizen) -> list[tuple[int, str]]:
    """Versions and states, oldest first."""
    found = PayoutAccount.objects.filter(payee__person=citizen.person).order_by("version")
    return list(found.values_list("version", "state"))


def withdraw(citizen: Citizen, account: PayoutAccount) -> PayoutAccount:
    return submission.withdraw_account(account_id=account.pk, **citizen.steps())


class TestTheFirstAccount:
    def test_is_in_use_at_once(self, citizen: Citizen) -> None:
        draft = citizen.ready()
        account = citizen.submit()
        assert (account.state, account.source, account.version) == ("ACTIVE", "SELF", 1)
        assert (account.reference, account.bank_id, account.number_masked) == (draft.reference, VCB, "**** 3456")
        assert (account.holder_name, account.match_result) == (AT_BANK, "MATCH")
        assert account.checked_at == draft.answered_at
        assert account.requested_by == citizen.user
        assert (account.activated_at is not None, account.due_at) == (True, None)
        number = decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk)
        assert number == NUMBER

    def test_stands_on_a_consent_that_is_kept_word_for_word(self, citizen: Citizen) -> None:
        draft = citizen.ready()
        citizen.ahead = timedelta(minutes=5)
        consent = citizen.submit().consent
        assert consent is not None
        assert (consent.purpose, consent.channel, consent.kind) == ("account.share", "WEB", "GIVEN")
        assert (consent.text_version, consent.text) == (registration.CONSENT_VERSION, registration.CONSENT_TEXT)
        assert consent.at == draft.consented_at
        assert len(consent.token) >= 32

    def test_leaves_no_saved_registration(self, citizen: Citizen) -> None:
        citizen.register()
        assert not AccountDraft.objects.exists()

    def test_is_told_to_the_trail_without_numbers_or_names(self, citizen: Citizen) -> None:
        account = citizen.register()
        event = AuditEvent.objects.get(kind="account.registered")
        assert (event.actor_kind, event.actor_id, event.subject_id) == ("CITIZEN", citizen.user.pk, str(account.pk))
        assert event.payload == {
            "reference": account.reference,
            "match": "MATCH",
            "state": "ACTIVE",
            "source": "SELF",
            "consent": registration.CONSENT_VERSION,
        }
        told = str(list(AuditEvent.objects.values_list("payload", flat=True)))
        assert NUMBER not in told
        assert AT_BANK not in told

    def test_may_be_a_wallet(self, citizen: Citizen) -> None:
        assert citizen.register(bank="971011").state == "ACTIVE"

    def test_with_spaces_set_otherwise_is_in_use_too(self, citizen: Citizen) -> None:
        account = citizen.register(at=Bank("NGUYENTHI HOA"))
        assert (account.state, account.match_result) == ("ACTIVE", "MATCH_NOTE")

    def test_under_a_near_name_goes_to_people(self, citizen: Citizen) -> None:
        account = citizen.register(at=NEAR)
        assert (account.state, account.match_result, account.activated_at) == ("REVIEW", "REVIEW", None)


class TestAnotherAccount:
    def test_cools_for_three_days_while_the_old_one_is_paid(self, citizen: Citizen) -> None:
        old = citizen.register()
        new = citizen.register(OTHER)
        assert standing(citizen) == [(1, "ACTIVE"), (2, "COOLING")]
        assert new.replaces_id == old.pk
        assert new.cooling_until is not None
        assert timedelta(hours=71) < new.cooling_until - clock.now() <= timedelta(hours=72)
        assert new.due_at == new.cooling_until

    def test_takes_its_place_afterwards(self, citizen: Citizen, clock: Clock) -> None:
        citizen.register()
        citizen.register(OTHER)
        assert end_cooling() == 0
        clock.shift("73 hours")
        assert end_cooling() == 1
        assert standing(citizen) == [(1, "SUPERSEDED"), (2, "ACTIVE")]

    def test_gives_place_to_a_third_while_it_cools(self, citizen: Citizen, clock: Clock) -> None:
        """The one that only cooled has replaced nothing: the third replaces the first."""
        first = citizen.register()
        second = citizen.register(OTHER)
        third = citizen.register(THIRD)
        assert standing(citizen) == [(1, "ACTIVE"), (2, "SUPERSEDED"), (3, "COOLING")]
        second.refresh_from_db()
        assert (second.replaces_id, second.ended_at is not None, third.replaces_id) == (None, True, first.pk)
        clock.shift("73 hours")
        end_cooling()
        assert standing(citizen) == [(1, "SUPERSEDED"), (2, "SUPERSEDED"), (3, "ACTIVE")]

    def test_follows_one_that_was_taken_back_while_it_cooled(self, citizen: Citizen) -> None:
        citizen.register()
        withdraw(citizen, citizen.register(OTHER))
        citizen.register(THIRD)
        assert standing(citizen) == [(1, "ACTIVE"), (2, "REVOKED"), (3, "COOLING")]

    def test_ends_one_that_people_were_looking_at(self, citizen: Citizen) -> None:
        citizen.register(at=NEAR)
        citizen.register(OTHER)
        assert standing(citizen) == [(1, "EXPIRED"), (2, "ACTIVE")]

    def test_replaces_a_suspended_one_after_the_safe_time(self, citizen: Citizen, clock: Clock) -> None:
        old = citizen.register()
        move(old, "SUSPENDED")
        new = citizen.register(OTHER)
        assert (new.state, new.replaces_id) == ("COOLING", old.pk)
        clock.shift("73 hours")
        end_cooling()
        assert standing(citizen) == [(1, "SUPERSEDED"), (2, "ACTIVE")]

    def test_is_used_at_once_where_the_last_one_has_ended(self, citizen: Citizen) -> None:
        withdraw(citizen, citizen.register())
        assert citizen.register(OTHER).state == "ACTIVE"


class TestTheSameAccount:
    def test_in_use_or_cooling_or_under_review_is_told(self, citizen: Citizen) -> None:
        citizen.register()
        citizen.register(OTHER)
        for number in (NUMBER, OTHER):
            with pytest.raises(errors.SameAccount):
                citizen.asked(number)
        other = make_citizen("Nguyễn Thị Hoà")
        other.register(THIRD, at=NEAR)
        with pytest.raises(errors.SameAccount):
            other.asked(THIRD)

    def test_that_came_into_use_meanwhile_is_told_at_the_end(self, citizen: Citizen) -> None:
        """The number was new when it was typed; then it was linked in VNeID."""
        citizen.ready()
        payee, _ = Payee.objects.get_or_create(person=citizen.person)
        make_account(payee, number=NUMBER)
        with pytest.raises(errors.SameAccount):
            citizen.submit()

    def test_that_is_suspended_goes_to_people(self, citizen: Citizen) -> None:
        """Asking the bank again lifts no suspension."""
        move(citizen.register(), "SUSPENDED")
        account = citizen.register()
        assert (account.state, account.match_result) == ("REVIEW", "MATCH")
        assert standing(citizen) == [(1, "SUSPENDED"), (2, "REVIEW")]

    def test_may_come_back_after_it_was_taken_back(self, citizen: Citizen) -> None:
        withdraw(citizen, citizen.register())
        assert citizen.register().state == "ACTIVE"
        assert standing(citizen) == [(1, "REVOKED"), (2, "ACTIVE")]


class TestSentTwice:
    def test_gives_the_same_account_and_writes_nothing(self, citizen: Citizen) -> None:
        draft = citizen.ready()
        first = citizen.submit(draft)
        events = AuditEvent.objects.count()
        assert citizen.submit(draft).pk == first.pk
        assert citizen.submit(draft, seen="anything").pk == first.pk
        counts = (PayoutAccount.objects.count(), Consent.objects.count(), AuditEvent.objects.count())
        assert counts == (1, 1, events)

    def test_also_while_the_next_one_is_being_made(self, citizen: Citizen) -> None:
        draft = citizen.ready()
        first = citizen.submit(draft)
        citizen.asked(OTHER)
        assert citizen.submit(draft).pk == first.pk
        assert citizen.draft().state == "WAITING"

    def test_under_an_unknown_reference_is_refused(self, citizen: Citizen) -> None:
        with pytest.raises(errors.NoDraft):
            citizen.submit(citizen.ready(), reference="ABCDEFGHJK")

    def test_does_not_give_somebody_elses_account(self, citizen: Citizen) -> None:
        draft = citizen.ready()
        citizen.submit(draft)
        with pytest.raises(errors.NoDraft):
            make_citizen("Trần Văn Bảy").submit(draft)


class TestIsStopped:
    def test_where_another_tab_has_entered_another_number(self, citizen: Citizen) -> None:
        seen = citizen.ready()
        citizen.ready(OTHER)
        with pytest.raises(errors.DraftChanged):
            citizen.submit(seen)
        assert not PayoutAccount.objects.exists()

    def test_where_the_bank_was_asked_again_and_names_another_holder(self, citizen: Citizen) -> None:
        seen = citizen.ready()
        AccountDraft.objects.update(answered_at=clock.now() - timedelta(hours=25))
        registration.ask_again(**citizen.steps())
        answer_all(NEAR)
        citizen.consent()
        with pytest.raises(errors.DraftChanged):
            citizen.submit(seen)

    @pytest.mark.parametrize("seen", ["", "0" * 64, "đã xem"])
    def test_by_a_made_up_token(self, citizen: Citizen, seen: str) -> None:
        with pytest.raises(errors.DraftChanged):
            citizen.submit(citizen.ready(), seen=seen)

    def test_before_the_bank_has_answered(self, citizen: Citizen) -> None:
        with pytest.raises(errors.NoAnswerYet):
            citizen.submit(citizen.asked())

    def test_without_consent(self, citizen: Citizen) -> None:
        citizen.asked()
        answer_all(Bank())
        with pytest.raises(errors.ConsentMissing):
            citizen.submit()

    def test_with_consent_to_an_older_text(self, citizen: Citizen, monkeypatch: pytest.MonkeyPatch) -> None:
        citizen.ready()
        monkeypatch.setattr(submission, "CONSENT_VERSION", "share-2")
        with pytest.raises(errors.ConsentMissing):
            citizen.submit()

    def test_by_an_answer_of_another_day_until_the_bank_is_asked_again(self, citizen: Citizen) -> None:
        citizen.ready()
        citizen.ahead = timedelta(hours=25)
        with pytest.raises(errors.EnquiryTooOld):
            citizen.submit()
        assert registration.ask_again(**citizen.steps()).enquiry_number == 2

    def test_where_the_bank_is_accepted_no_more(self, citizen: Citizen) -> None:
        citizen.ready()
        ReferenceBank.objects.filter(pk=VCB).update(payable=False)
        with pytest.raises(errors.BankNotAccepted):
            citizen.submit()

    def test_where_the_number_is_somebody_elses(self, citizen: Citizen) -> None:
        make_citizen().register()
        with pytest.raises(errors.AccountTaken):
            citizen.submit(citizen.ready())
        assert (citizen.draft().state, Consent.objects.filter(person=citizen.person).exists()) == ("ANSWERED", False)
        assert standing(citizen) == []

    def test_also_under_a_near_name(self, citizen: Citizen) -> None:
        make_citizen().register()
        with pytest.raises(errors.AccountTaken):
            citizen.submit(citizen.ready(at=NEAR))

    def test_but_not_where_another_bank_has_the_same_number(self, citizen: Citizen) -> None:
        make_citizen().register()
        assert citizen.register(bank=ACB).state == "ACTIVE"


class TestWithdraw:
    def test_ends_the_account_and_withdraws_the_consent(self, citizen: Citizen) -> None:
        account = withdraw(citizen, citizen.register())
        assert (account.state, account.ended_at is not None) == ("REVOKED", True)
        kinds_of = list(Consent.objects.order_by("id").values_list("kind", "purpose", "text_version"))
        version = registration.CONSENT_VERSION
        assert kinds_of == [("GIVEN", "account.share", version), ("WITHDRAWN", "account.share", version)]
        assert trail()[-1] == "account.withdrawn"

    def test_twice_changes_nothing(self, citizen: Citizen) -> None:
        account = citizen.register()
        withdraw(citizen, account)
        assert withdraw(citizen, account).state == "REVOKED"
        assert Consent.objects.count() == 2

    @pytest.mark.parametrize("state", ["COOLING", "REVIEW"])
    def test_also_ends_what_is_on_its_way(self, citizen: Citizen, state: str) -> None:
        first = citizen.register()
        account = citizen.register(OTHER, at=NEAR if state == "REVIEW" else None)
        assert account.state == state
        withdraw(citizen, account)
        assert standing(citizen) == [(1, "ACTIVE"), (2, "REVOKED")]
        account.refresh_from_db()
        assert (account.replaces_id, first.pk in PayoutAccount.objects.values_list("replaces", flat=True)) == (
            None,
            False,
        )

    def test_is_for_the_person_himself_and_his_own_accounts(self, citizen: Citizen) -> None:
        account = citizen.register()
        stranger = make_citizen("Trần Văn Bảy")
        with pytest.raises(errors.InvalidMove):
            withdraw(stranger, account)
        with pytest.raises(errors.NotInAuthority):
            withdraw(Citizen(citizen.person, stranger.user), account)

    def test_is_too_late_for_one_that_has_ended_otherwise(self, citizen: Citizen) -> None:
        account = citizen.register()
        move(account, "CLOSED")
        with pytest.raises(errors.InvalidMove):
            withdraw(citizen, account)
