"""I-3: what was not paid is paid again by a new transfer in a new, approved list; whatever races, every line is carried once."""

import pytest

from beneficiaries.models import Entitlement
from payments.models import PayoutLine, PayoutLineMove, Transfer
from payments.operations import decide
from payments.states import BatchKind
from tests.factories import Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import at_once, broken, send_all, states
from tests.payments.months import NOVEMBER, OCTOBER, build_month, change_account, child_with_guardian, people_since

REPLACEMENT, SUPPLEMENTARY = BatchKind.REPLACEMENT, BatchKind.SUPPLEMENTARY


def refuse_all() -> FakeGateway:
    return FakeGateway(status="RJCT", reason="AB05")


def carried(line: PayoutLine) -> list[int]:
    """Every transfer that carries or carried the line, the first one first."""
    moves = list(PayoutLineMove.objects.filter(line=line).order_by("id"))
    return [move.from_transfer_id for move in moves] + [line.transfer_id or 0]


class TestSeveralThatFailedBecomeOne:
    @pytest.fixture
    def two_failed(self, office: Office) -> list[Transfer]:
        """October and November of one payee, each refused by the bank in a list of its own."""
        (payee,) = people_since(OCTOBER, 1)
        for period in (OCTOBER, NOVEMBER):
            start(office, build_month(office, period))
        send_all(refuse_all())
        change_account(payee)
        return list(Transfer.objects.order_by("id"))

    def test_and_nothing_of_either_is_lost(self, office: Office, two_failed: list[Transfer]) -> None:
        again = build_month(office, NOVEMBER, kind=REPLACEMENT)
        new = Transfer.objects.get(batch=again)
        assert new.instructed_amount == sum(old.instructed_amount for old in two_failed)
        assert new.replaces_id == max(old.pk for old in two_failed)
        for line in PayoutLine.objects.filter(live=True):
            assert carried(line)[-1] == new.pk
        before = {carried(line)[0] for line in PayoutLine.objects.filter(live=True)}
        assert before == {old.pk for old in two_failed}

    def test_and_each_of_them_knows_what_took_its_place(self, office: Office, two_failed: list[Transfer]) -> None:
        again = build_month(office, NOVEMBER, kind=REPLACEMENT)
        start(office, again)
        gateway = FakeGateway()
        send_all(gateway)
        assert states() == {"REJECTED": 2, "SETTLED": 1}
        new = Transfer.objects.get(batch=again)
        for old in two_failed:
            assert set(old.lines_gone.values_list("to_transfer", flat=True)) == {new.pk}
        assert broken(gateway) == []


class TestOneThatFailedBecomesSeveral:
    def test_when_its_lines_are_owed_again_at_different_times(self, office: Office) -> None:
        """The second new transfer may not take the place of the old one as well: its lines tell where they were."""
        (guardian,) = make_entitled(1)
        child = child_with_guardian(guardian)
        start(office, build_batch(office))  # both rights in one transfer
        send_all(refuse_all())
        change_account(guardian)
        old = Transfer.objects.get()
        assert old.lines.count() == 2
        Entitlement.objects.filter(pk=child.pk).update(state="SUSPENDED")
        first = build_batch(office, kind=REPLACEMENT)
        assert Transfer.objects.get(batch=first).replaces_id == old.pk
        Entitlement.objects.filter(pk=child.pk).update(state="ACTIVE")
        second = build_batch(office, kind=REPLACEMENT)
        new = Transfer.objects.get(batch=second)
        assert new.replaces_id is None
        (line,) = new.lines.all()
        assert carried(line) == [old.pk, new.pk]
        assert line.entitlement_id == child.pk

    def test_when_the_first_replacement_was_withdrawn(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        start(office, build_batch(office))
        send_all(refuse_all())
        change_account(payee)
        first = build_batch(office, kind=REPLACEMENT)
        decide.withdraw_batch(batch_id=first.pk, by=office.preparer, reason="Lập nhầm đợt chi lại", at=office.at())
        second = build_batch(office, kind=REPLACEMENT)
        new = Transfer.objects.get(batch=second)
        assert new.replaces == Transfer.objects.get(batch=first)
        (line,) = PayoutLine.objects.filter(live=True)
        assert len(carried(line)) == 3
        start(office, second)
        send_all(FakeGateway())
        assert states() == {"REJECTED": 1, "CANCELLED": 1, "SETTLED": 1}


def test_two_replacement_lists_built_at_once_carry_each_line_once(committed: None) -> None:
    office = make_office()
    payees = make_entitled(5)
    start(office, build_batch(office))
    send_all(refuse_all())
    for payee in payees:
        change_account(payee)
    built = at_once(lambda: build_batch(office, kind=REPLACEMENT), lambda: build_batch(office, kind=SUPPLEMENTARY))
    assert [type(batch).__name__ for batch in built] == ["PayoutBatch", "PayoutBatch"]
    assert sum(batch.number_of_transactions for batch in built) == 5
    assert PayoutLine.objects.filter(live=True).count() == 5
    new = Transfer.objects.filter(state="PLANNED")
    assert sorted(new.values_list("replaces_id", flat=True)) == sorted(
        Transfer.objects.filter(state="REJECTED").values_list("id", flat=True)
    )
