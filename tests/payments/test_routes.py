"""Where the route of a payment comes from: the payee's way, the banks that the gateway reaches, the list. It is fixed."""

from typing import Any

import pytest

from beneficiaries.models import Payee
from beneficiaries.operations.ways import choose_way
from beneficiaries.states import Delivery, Way
from foundation.audit.models import Job
from foundation.reference.models import Bank
from payments.errors import WrongInput
from payments.models import DispatchChunk, PayoutLine, Transfer
from payments.operations import build, decide
from payments.operations.claiming import claim_to_send
from payments.states import BatchKind, Route
from tests.factories import ACB, PERIOD, VCB, WARD, Office, build_batch, make_entitled, make_office, start
from tests.payments.helpers import as_criminal, read, refused


def by_service(office: Office, payee: Payee, delivery: Delivery = Delivery.HOME, **told: Any) -> None:
    choose_way(
        payee_id=payee.pk,
        way=Way.PAYMENT_SERVICE,
        delivery=delivery,
        reason="Người nhận đề nghị tại quầy một cửa",
        by=office.preparer,
        at=office.at(),
        **told,
    )


def routes() -> dict[str, tuple[str, str]]:
    """Route and delivery by payee's id."""
    return {str(t.payee_id): (t.route, t.delivery) for t in Transfer.objects.all()}


class TestWhereARouteComesFrom:
    def test_an_account_that_the_gateway_reaches_goes_by_the_gateway(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        build_batch(office)
        assert routes() == {str(payee.pk): ("GATEWAY", "")}

    def test_an_account_that_it_does_not_reach_goes_by_the_treasury(self, office: Office) -> None:
        Bank.objects.filter(bin=ACB).update(by_gateway=False)
        (near,), (far,) = make_entitled(1), make_entitled(1, bank=ACB)
        build_batch(office)
        assert routes() == {str(near.pk): ("GATEWAY", ""), str(far.pk): ("TREASURY_FILE", "")}
        transfer = Transfer.objects.get(route=Route.TREASURY_FILE)
        assert (transfer.payout_account, transfer.creditor_agent) == (far.accounts.get(), ACB)

    def test_nobodys_account_is_cash_at_the_ward(self, office: Office) -> None:
        (payee,) = make_entitled(1, cash=True)
        build_batch(office)
        assert routes() == {str(payee.pk): ("WARD_CASH", "")}

    @pytest.mark.parametrize("cash", [True, False])
    def test_who_is_with_the_payment_service_is_paid_by_it_account_or_not(self, office: Office, cash: bool) -> None:
        (payee,) = make_entitled(1, cash=cash)
        by_service(office, payee, Delivery.CARD, service_code="KH000123")
        build_batch(office)
        transfer = Transfer.objects.get()
        assert (transfer.route, transfer.delivery, transfer.payout_account) == ("PAYMENT_SERVICE", "CARD", None)
        assert transfer.payment_way == payee.payment_ways.get()

    def test_an_account_that_is_not_used_keeps_nobody_out(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        payee.accounts.update(state="SUSPENDED")
        by_service(office, payee)
        batch = build_batch(office)
        assert (batch.number_of_transactions, batch.number_excluded) == (1, 0)

    def test_who_wants_cash_gets_cash_though_he_has_an_account(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        choose_way(payee_id=payee.pk, way=Way.WARD_CASH, reason="Không dùng được ngân hàng", by=office.preparer, at=office.at())  # fmt: skip  # noqa: E501
        build_batch(office)
        assert routes() == {str(payee.pk): ("WARD_CASH", "")}

    def test_a_list_may_go_past_the_gateway_whole(self, office: Office) -> None:
        make_entitled(2)
        make_entitled(1, cash=True)
        batch = build.start_build(
            fund_id=office.fund.pk,
            unit_code=WARD,
            period=PERIOD,
            kind=BatchKind.REGULAR,
            execution_date=office.at().date(),
            by=office.preparer,
            at=office.at(),
            accounts_by=Route.TREASURY_FILE,
        )
        build.build_step(job_id=run_of(batch.pk))
        assert sorted(route for route, _ in routes().values()) == ["TREASURY_FILE", "TREASURY_FILE", "WARD_CASH"]
        refused("UPDATE payments_payout_batch SET accounts_by = 'GATEWAY'", by="payout_batch_frozen")

    def test_a_list_is_never_paid_by_a_route_that_knows_no_account(self, office: Office) -> None:
        with pytest.raises(WrongInput):
            build.start_build(
                fund_id=office.fund.pk,
                unit_code=WARD,
                period=PERIOD,
                kind=BatchKind.REGULAR,
                execution_date=office.at().date(),
                by=office.preparer,
                at=office.at(),
                accounts_by=Route.WARD_CASH,
            )


def run_of(batch_id: int) -> int:
    return int(Job.objects.get(kind=build.JOB_KIND, subject_id=batch_id).pk)


class TestARouteIsFixed:
    def test_a_way_that_is_chosen_after_the_build_takes_the_payee_out_of_the_list(self, office: Office) -> None:
        changed, same = make_entitled(2)
        batch = build_batch(office)
        by_service(office, changed)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        assert PayoutLine.objects.get(live=False).exclusion_reason == "WAY_CHANGED"
        assert Transfer.objects.exclude(state="EXCLUDED").get().payee == same

    def test_a_way_that_is_chosen_after_the_freeze_changes_nothing_of_the_list(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        start(office, build_batch(office))
        by_service(office, payee)
        claim = claim_to_send()
        assert claim is not None
        assert [one.creditor_agent for one in claim.instructions] == [VCB]

    def test_route_delivery_and_way_are_frozen(self, office: Office) -> None:
        (payee,) = make_entitled(1, cash=True)
        by_service(office, payee)
        build_batch(office)
        for change in ("route = 'WARD_CASH'", "delivery = 'PAY_POINT'", "payment_way_id = NULL"):
            refused(f"UPDATE payments_transfer SET {change}", by="transfer_frozen")

    def test_a_delivery_that_was_changed_behind_our_back_is_another_list(
        self, superuser: Any, committed: None
    ) -> None:
        office = make_office()
        (payee,) = make_entitled(1, cash=True)
        by_service(office, payee)
        start(office, build_batch(office))
        before = chunk_hash()
        assert as_criminal(superuser, "UPDATE payments_transfer SET delivery = 'PAY_POINT'") == 1
        assert chunk_hash() != before

    def test_lists_of_before_deliveries_were_known_prove_themselves_as_before(self, office: Office) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        assert claim_to_send() is not None

    def test_the_database_knows_what_belongs_to_a_route(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        build_batch(office)
        copy = "INSERT INTO payments_transfer SELECT (jsonb_populate_record(t, %s::jsonb)).* FROM payments_transfer t"
        other = '"id": -1, "end_to_end_id": "00000000000000000000000000000000"'
        for route, rule in (
            ("WARD_CASH", "transfer_route_has_account"),
            ("PAYMENT_SERVICE", "transfer_(route_has_account|delivery_of_service)"),
        ):
            refused(copy, f'{{{other}, "route": "{route}"}}', by=rule)
        without = '"payout_account_id": null, "account_fingerprint": null, "creditor_agent": ""'
        refused(copy, f'{{{other}, "route": "TREASURY_FILE", {without}}}', by="transfer_route_has_account")
        refused(copy, f'{{{other}, "route": "PAYMENT_SERVICE", {without}}}', by="transfer_delivery_of_service")
        assert payee.pk


def chunk_hash() -> bytes:
    return bytes(read("SELECT payments_chunk_hash(%s)", DispatchChunk.objects.get().pk)[0][0])
