"""I-22: an account that takes the place of another waits three days, nobody shortens that, and the payee hears of it twice."""

from typing import Any

import pytest

from beneficiaries.models import PayoutAccount
from beneficiaries.operations.accounts import end_cooling, follow_bank_refusals
from foundation.audit.models import Alarm
from foundation.audit.watching import look
from foundation.gateway.models import Notice
from foundation.gateway.notices import Channel, take_notices
from foundation.privacy.blind_index import fingerprint
from foundation.privacy.encryption import encrypt
from foundation.users.models import VneidIdentity
from payments.watchers import SLOW_WATCHERS
from tests.beneficiaries.registering import NAME, Citizen
from tests.conftest import Clock
from tests.factories import make_citizen, make_person
from tests.payments.helpers import as_criminal, refused

OTHER = "0071000999999"
OLD_PHONE, NEW_PHONE = "+84901234567", "+84907654321"


@pytest.fixture
def citizen(db: None) -> Citizen:
    person = make_person(NAME)
    person.phone_encrypted = encrypt(OLD_PHONE, context="person.phone", row_id=person.pk)
    person.phone_index = fingerprint("phone", OLD_PHONE)
    person.save()
    user = make_citizen(person)
    identity = VneidIdentity.objects.get(user=user)
    identity.phone_encrypted = encrypt(NEW_PHONE, context="vneid_identity.phone", row_id=identity.pk)
    identity.save()
    return Citizen(person, user)


class TestI22CoolingOff:
    @pytest.fixture
    def cooling(self, citizen: Citizen) -> PayoutAccount:
        citizen.register()
        account = citizen.register(OTHER)
        assert account.state == "COOLING"
        return account

    def test_nobody_ends_it_early(self, cooling: PayoutAccount) -> None:
        for change in (
            "state = 'ACTIVE', activated_at = portal_now(), due_at = NULL",
            "cooling_until = portal_now()",
            "cooling_until = NULL",
        ):
            refused(f"UPDATE beneficiaries_payout_account SET {change} WHERE id = {cooling.pk}", by="cools_off")

    def test_it_is_not_passed_by(self, citizen: Citizen) -> None:
        old = citizen.register()
        account = citizen.register(OTHER)
        waiting = PayoutAccount.objects.get(pk=account.pk)
        refused(
            "WITH gone AS (UPDATE beneficiaries_payout_account SET state = 'SUPERSEDED', ended_at = portal_now() "
            f"WHERE id = {old.pk}) UPDATE beneficiaries_payout_account SET state = 'ACTIVE', activated_at = portal_now(), "
            f"due_at = NULL WHERE id = {waiting.pk}",
            by="cools_off",
        )

    def test_it_ends_by_itself_after_three_days(self, cooling: PayoutAccount, clock: Clock) -> None:
        clock.shift("71 hours")
        assert end_cooling() == 0
        clock.shift("73 hours")
        assert end_cooling() == 1
        cooling.refresh_from_db()
        assert cooling.state == "ACTIVE"

    def test_the_payee_hears_of_it_at_the_old_phone_and_the_new_one(self, cooling: PayoutAccount) -> None:
        (told,) = take_notices(channel=Channel.VNEID, limit=10)
        assert told.phones == (OLD_PHONE, NEW_PHONE)
        assert told.words.title == "Tài khoản nhận tiền sắp được đổi"
        assert "bốn số cuối 9999" in told.words.text
        assert OTHER not in told.words.text
        assert Notice.objects.get().event == f"account.changing:{cooling.pk}"

    def test_a_first_account_is_no_change(self, citizen: Citizen) -> None:
        citizen.register()
        assert not Notice.objects.exists()

    def test_the_payee_hears_when_the_bank_takes_nothing_for_the_account(self, citizen: Citizen) -> None:
        account = citizen.register()
        follow_bank_refusals(refusals=[(account.pk, "AC04")])
        follow_bank_refusals(refusals=[(account.pk, "AC04")])
        (told,) = take_notices(channel=Channel.VNEID, limit=10)
        assert told.words.title == "Tài khoản nhận tiền không dùng được nữa"


def test_whoever_ends_it_early_past_the_databases_guards_is_told_of(committed: None, superuser: Any) -> None:
    person = make_person(NAME)
    citizen = Citizen(person, make_citizen(person))
    old = citizen.register()
    new = citizen.register(OTHER)
    as_criminal(superuser, "UPDATE beneficiaries_payout_account SET state = 'SUPERSEDED' WHERE id = %s", old.pk)
    as_criminal(
        superuser,
        "UPDATE beneficiaries_payout_account SET state = 'ACTIVE', activated_at = portal_now(), due_at = NULL WHERE id = %s",
        new.pk,
    )
    (watcher,) = [one for one in SLOW_WATCHERS if one.kind.code == "accounts.cooling_broken"]
    look(watcher)
    assert Alarm.objects.get().subject_id == str(new.pk)
