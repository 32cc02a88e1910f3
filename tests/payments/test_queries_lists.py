"""Pages of a batch: its transfers, and the lines that were left out; the same two queries for two rows and for two hundred."""

from datetime import timedelta

import pytest

from beneficiaries.models import Entitlement, ProgrammeLine
from foundation.reference.models import Neighbourhood
from foundation.users.paging import MOST
from payments.models import PayoutBatch, Transfer
from payments.operations import decide
from payments.queries.lists import batch_transfers, excluded_counts, excluded_lines, lines_of
from payments.states import BatchKind, ExclusionReason, Route, TransferState
from tests.factories import (
    WARD,
    Office,
    build_batch,
    make_account,
    make_entitled,
    make_entitlement,
    make_person,
    start,
)
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import send_all
from tests.payments.months import build_month, child_with_guardian

T = TransferState


def names(batch: PayoutBatch, name: str) -> list[str]:
    return sorted(row.name for row in batch_transfers(batch=batch, name=name).rows)


class TestTransfers:
    def test_show_whom_what_and_where(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        assert payee.person is not None
        payee.person.neighbourhood = Neighbourhood.objects.create(unit_id=WARD, name="Khu phố 3", kind="KHU_PHO")
        payee.person.save()
        child_with_guardian(payee)
        (row,) = batch_transfers(batch=build_batch(office)).rows
        assert (row.name, row.birth_year, row.neighbourhood) == (payee.person.full_name, 1948, "Khu phố 3")
        assert row.place == f"Vietcombank {payee.accounts.get().number_masked}"
        assert (row.amount, row.kinds, row.state_label) == (1_300_000, ("Tháng này",), "Trong danh sách")
        assert row.beneficiaries == ("Nguyễn Minh Khôi",)
        assert row.end_to_end_id == Transfer.objects.get().end_to_end_id

    def test_name_a_sensitive_scheme_neutrally(self, office: Office) -> None:
        ProgrammeLine.objects.filter(code="HTXH").update(sensitive=True, public_name="Trợ cấp xã hội", name="Riêng tư")
        make_entitled(1)
        (row,) = batch_transfers(batch=build_batch(office)).rows
        assert row.programmes == ("Trợ cấp xã hội",)
        ProgrammeLine.objects.filter(code="HTXH").update(sensitive=False)
        (row,) = batch_transfers(batch=PayoutBatch.objects.get()).rows
        assert row.programmes == ("Riêng tư",)

    def test_come_by_pages_that_repeat_and_leave_out_nothing(self, office: Office) -> None:
        make_entitled(7)
        batch = build_batch(office)
        seen, after = [], None
        while True:
            page = batch_transfers(batch=batch, after=after, limit=3)
            seen += [row.id for row in page.rows]
            if page.next is None:
                break
            after = page.next
        assert seen == sorted(Transfer.objects.values_list("id", flat=True))

    def test_are_never_more_than_a_page_holds(self, office: Office) -> None:
        make_entitled(3)
        assert len(batch_transfers(batch=build_batch(office), limit=0).rows) == 1
        assert MOST == 200

    def test_are_picked_by_route(self, office: Office) -> None:
        make_entitled(2)
        make_entitled(1, cash=True)
        batch = build_batch(office)
        (row,) = batch_transfers(batch=batch, route=Route.WARD_CASH).rows
        assert (row.place, row.route) == ("Tiền mặt tại phường", Route.WARD_CASH)

    def test_are_picked_by_name(self, office: Office) -> None:
        for name in ("Nguyễn Thị Hoà", "Trần Văn Hoà", "Nguyễn Thị Lan"):
            make_entitlement(make_person(name))
        batch = build_batch(office)
        assert names(batch, "nguyễn thị") == ["Nguyễn Thị Hoà", "Nguyễn Thị Lan"]
        assert names(batch, " hòa ") == ["Nguyễn Thị Hoà", "Trần Văn Hoà"]
        assert names(batch, "NGUYEN TH") == ["Nguyễn Thị Hoà", "Nguyễn Thị Lan"]
        assert names(batch, "oà") == names(batch, "…") == []
        assert names(batch, "Lan%") == []
        assert names(batch, "'; DROP TABLE payments_transfer; --\x00") == []

    def test_are_picked_by_state(self, office: Office) -> None:
        make_entitled(3, numbers=["1000009901", "1000000002", "1000000003"])
        gateway = FakeGateway(statuses={"1000009901": ("RJCT", "AC04"), "1000000002": ("ACSP", None)})
        batch = start(office, build_batch(office))
        send_all(gateway)
        (refused,) = batch_transfers(batch=batch, states=[T.REJECTED]).rows
        assert (refused.state, refused.reason) == (T.REJECTED, "Tài khoản đã đóng")
        (waiting,) = batch_transfers(batch=batch, states=[T.ACCEPTED, T.UNKNOWN]).rows
        assert (waiting.state_label, waiting.reason) == ("Ngân hàng đã nhận", "")
        assert len(batch_transfers(batch=batch, states=[T.SETTLED, T.REJECTED]).rows) == 2

    def test_of_a_list_that_was_taken_back_are_still_shown(self, office: Office) -> None:
        make_entitled(2)
        batch = build_batch(office)
        decide.withdraw_batch(batch_id=batch.pk, by=office.preparer, reason="Danh sách sai", at=office.at())
        batch.refresh_from_db()
        assert len(batch_transfers(batch=batch, states=[T.CANCELLED]).rows) == 2

    def test_keep_their_lines_when_these_are_paid_by_a_newer_one(self, office: Office) -> None:
        make_entitled(1, numbers=["1000009901"])
        first = start(office, build_batch(office))
        send_all(FakeGateway(statuses={"1000009901": ("RJCT", "AC01")}))
        second = build_month(office, kind=BatchKind.REPLACEMENT)
        (old,), (new,) = batch_transfers(batch=first).rows, batch_transfers(batch=second).rows
        assert old.programmes == new.programmes != ()
        assert {key: len(lines) for key, lines in lines_of([old.id, new.id]).items()} == {old.id: 1, new.id: 1}

    @pytest.mark.parametrize("people", [2, 120])
    def test_cost_two_queries(self, office: Office, people: int, django_assert_num_queries) -> None:
        make_entitled(people)
        batch = build_batch(office)
        with django_assert_num_queries(2):
            assert len(batch_transfers(batch=batch, limit=200).rows) == people


class TestExcluded:
    @pytest.fixture
    def batch(self, office: Office) -> PayoutBatch:
        make_entitled(1)
        for name in ("Trần Văn Tư", "Lê Thị Năm"):
            child = make_person(name, birth_date="2019-02-03")
            make_entitlement(child)
        (cooling,) = make_entitled(1, cash=True)
        account = make_account(cooling, state="REQUESTED")
        account.state, account.match_result = "ACCOUNT_CHECKED", "MATCH"
        account.save()
        account.state, account.cooling_until = "COOLING", office.at() + timedelta(hours=72)
        account.save()
        return build_batch(office)

    def test_lines_say_who_and_why(self, batch: PayoutBatch) -> None:
        rows = excluded_lines(batch=batch, reason=ExclusionReason.CHILD_WITHOUT_PAYEE).rows
        assert [(row.name, row.birth_year, row.amount) for row in rows] == [
            ("Trần Văn Tư", 2019, 650_000),
            ("Lê Thị Năm", 2019, 650_000),
        ]
        assert rows[0].reason_label.startswith("Trẻ dưới 14 tuổi")
        assert len(excluded_lines(batch=batch).rows) == 3

    def test_are_counted_by_reason(self, batch: PayoutBatch) -> None:
        counts = {count.reason: (count.lines.count, count.lines.amount) for count in excluded_counts(batch=batch)}
        assert counts == {"CHILD_WITHOUT_PAYEE": (2, 1_300_000), "ACCOUNT_COOLING": (1, 650_000)}

    def test_come_by_pages(self, batch: PayoutBatch) -> None:
        first = excluded_lines(batch=batch, limit=2)
        rest = excluded_lines(batch=batch, limit=2, after=first.next)
        assert len(first.rows) + len(rest.rows) == 3
        assert rest.next is None

    def test_cost_one_query(self, batch: PayoutBatch, django_assert_num_queries) -> None:
        with django_assert_num_queries(1):
            excluded_lines(batch=batch)
        assert Entitlement.objects.count() == 4
