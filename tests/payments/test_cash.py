"""Cash at the ward: handed over by list, signed for once, the rest carried over and owed again."""

from datetime import timedelta
from typing import Any

import pytest

from foundation.users.roles import Role
from payments.errors import InvalidMove, NotInAuthority, WrongInput
from payments.models import CashCollection, PayoutBatch, Transfer
from payments.operations import cash, release
from payments.operations.cash import Collected
from payments.states import BatchKind
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import at_once, balances, broken, entries, kinds, read, refused, send_all, state_of, states


def handed_over(office: Office, people: int = 2) -> tuple[PayoutBatch, list[Transfer]]:
    make_entitled(people, cash=True)
    batch = start(office, build_batch(office))
    assert cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at()) == people
    return batch, list(Transfer.objects.order_by("id"))


def signature(office: Office, transfer: Transfer, **changes: Any) -> Collected:
    given: dict[str, Any] = {
        "transfer_id": transfer.pk,
        "receiver_name": "Nguyễn Văn Hai",
        "relation": "",
        "collected_date": office.at().date(),
    }
    return Collected(**(given | changes))


def collect(office: Office, batch: PayoutBatch, *signatures: Collected) -> int:
    return cash.mark_collected(batch_id=batch.pk, collected=signatures, by=office.accountant, at=office.at())


class TestCash:
    def test_signed_for_is_paid(self, office: Office) -> None:
        batch, (first, _) = handed_over(office)
        assert collect(office, batch, signature(office, first)) == 1
        first.refresh_from_db()
        assert (first.state, first.settlement_level) == ("SETTLED", "CASH")
        assert balances(office) == balances(office) | {"PAID": 650_000, "RESERVED": 650_000}
        assert broken(FakeGateway()) == []

    def test_signed_for_twice_is_paid_once(self, office: Office) -> None:
        batch, (first, _) = handed_over(office)
        again = signature(office, first, receiver_name="Trần Văn Ba")
        assert [collect(office, batch, signature(office, first)), collect(office, batch, again)] == [1, 0]
        assert (CashCollection.objects.get().receiver_name, entries()["POST"]) == ("Nguyễn Văn Hai", 1)

    def test_signed_for_twice_in_one_go_is_paid_once(self, office: Office) -> None:
        batch, (first, _) = handed_over(office)
        with pytest.raises(WrongInput):
            collect(office, batch, signature(office, first), signature(office, first))
        assert CashCollection.objects.count() == 0

    def test_signed_for_at_two_desks_at_once_is_paid_once(self, committed: None) -> None:
        office = make_office()
        batch, (first, _) = handed_over(office)
        results = at_once(*[lambda: collect(office, batch, signature(office, first))] * 2)
        assert kinds(results) == ["0", "1"]
        assert (CashCollection.objects.count(), entries()["POST"]) == (1, 1)

    def test_signing_and_closing_the_list_at_once_never_pays_and_voids(self, committed: None) -> None:
        office = make_office()
        batch, (first, _) = handed_over(office)
        results = at_once(
            lambda: collect(office, batch, signature(office, first)),
            lambda: cash.carry_over(batch_id=batch.pk, by=office.accountant, at=office.at()),
        )
        assert kinds(results) in (["0", "2"], ["1", "1"])
        assert read("SELECT count(*), count(DISTINCT transfer_id) FROM payments_ledger_entry WHERE transfer_id IS NOT NULL") == [(2, 2)]  # fmt: skip  # noqa: E501
        assert balances(office)["RESERVED"] == 0

    @pytest.mark.parametrize("wrong", ["tomorrow", "nobody"])
    def test_a_future_day_or_nobodys_name_is_refused(self, office: Office, wrong: str) -> None:
        batch, (first, second) = handed_over(office)
        changes: dict[str, Any] = (
            {"collected_date": office.at().date() + timedelta(days=2)}
            if wrong == "tomorrow"
            else {"receiver_name": " "}
        )
        with pytest.raises(WrongInput):
            collect(office, batch, signature(office, first), signature(office, second, **changes))
        assert states() == {"HANDED_OVER": 2}

    def test_before_the_list_is_handed_over_nobody_can_have_signed(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        assert collect(office, batch, signature(office, Transfer.objects.get())) == 0
        assert states() == {"READY": 1}

    def test_a_bank_transfer_is_not_signed_for(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        assert cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at()) == 0
        assert collect(office, batch, signature(office, Transfer.objects.get())) == 0
        assert states() == {"READY": 1}
        refused("UPDATE payments_transfer SET state = 'HANDED_OVER'", by="transfer_cash_route_of_cash_states")

    def test_a_payment_of_another_list_is_not_signed_for_here(self, office: Office) -> None:
        first, (transfer,) = handed_over(office, 1)
        make_entitled(1, cash=True)
        second = start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        assert collect(office, second, signature(office, transfer)) == 0
        assert state_of(first) == "DISPATCHING"

    def test_handing_over_twice_is_once(self, office: Office) -> None:
        batch, _ = handed_over(office)
        assert cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at()) == 0

    def test_what_nobody_fetched_goes_back_and_is_owed_again(self, office: Office) -> None:
        batch, (first, second) = handed_over(office)
        collect(office, batch, signature(office, first))
        assert cash.carry_over(batch_id=batch.pk, by=office.accountant, at=office.at()) == 1
        assert states() == {"SETTLED": 1, "CANCELLED": 1}
        assert release.drain_batches() == [batch.pk]
        assert balances(office)["RESERVED"] == 0
        again = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        new = Transfer.objects.get(batch=again)
        assert (new.replaces_id, new.payee_id, new.instructed_amount) == (second.pk, second.payee_id, 650_000)

    def test_it_is_for_the_wards_own_accountant(self, office: Office) -> None:
        batch, (first, _) = handed_over(office)
        for by in (office.preparer, office.approver, make_staff(Role.ACCOUNTANT, unit="26740")):
            with pytest.raises(NotInAuthority):
                cash.mark_collected(batch_id=batch.pk, collected=[signature(office, first)], by=by, at=office.at())
            with pytest.raises(NotInAuthority):
                cash.carry_over(batch_id=batch.pk, by=by, at=office.at())

    def test_before_the_batch_is_being_paid_there_is_no_cash(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = approve(office, build_batch(office))
        with pytest.raises(InvalidMove):
            cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())

    def test_a_signature_is_never_changed(self, office: Office) -> None:
        batch, (first, _) = handed_over(office)
        collect(office, batch, signature(office, first))
        refused("UPDATE payments_cash_collection SET receiver_name = 'x'", by="permission denied")
        refused("DELETE FROM payments_cash_collection", by="permission denied")

    def test_cash_and_transfers_of_one_list_end_together(self, office: Office) -> None:
        make_entitled(2)
        batch, _ = handed_over(office, 2)[0], None
        send_all(FakeGateway())
        assert release.drain_batches() == []
        cash.carry_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        assert release.drain_batches() == [batch.pk]


class TestI07CashIsPaidWhenSomebodyHasSigned:
    """The database ties the two: no payment without its signature, no signature without its payment."""

    SIGN = (
        "INSERT INTO payments_cash_collection (transfer_id, receiver_name, relation, collected_date, recorded_by_id) "
        "SELECT id, 'Nguyễn Văn Hai', '', current_date, %s FROM payments_transfer"
    )

    def test_not_without_a_signature(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        paid = "UPDATE payments_transfer SET state = 'SETTLED', settlement_level = 'CASH', due_at = NULL"
        refused(paid, by="transfer_cash_settled_by_signature")

    def test_and_nobody_signs_for_what_is_not_at_the_desk(self, office: Office) -> None:
        make_entitled(1, cash=True)
        start(office, build_batch(office))
        refused(self.SIGN, office.accountant.pk, by="cash_collection_of_cash_at_the_desk")

    def test_nor_for_what_is_not_paid_then(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        refused(f"{self.SIGN}; SET CONSTRAINTS ALL IMMEDIATE", office.accountant.pk, by="cash_collection_settles")
