"""What an approver is shown beside count and sum: how the list differs from the last one; frozen with the list."""

import pytest

from payments.models import BatchComparison, Fund, PayoutBatch
from payments.operations import decide, release
from payments.operations.compare import compare_with_last_period
from payments.queries.comparing import Change, Compared, comparison, comparison_rows, largest_changes
from payments.queries.totals import Part
from payments.states import BatchKind
from tests.factories import WARD, Office, make_entitled, make_office, start
from tests.payments.helpers import refused, run
from tests.payments.months import (
    NOVEMBER,
    OCTOBER,
    TwoMonths,
    build_month,
    pay_month,
    people_since,
    two_months,
)

RATE = 650_000


@pytest.fixture
def months(office: Office) -> TwoMonths:
    return two_months(office)


def fund_of_2027() -> Fund:
    return Fund.objects.create(
        code="F-2027",
        name="Kinh phí năm 2027",
        budget_code="1055555",
        debtor_account="3713.0.1055555",
        unit_id=WARD,
        year=2027,
    )


class TestFigures:
    def test_tell_who_is_new_gone_or_changed(self, office: Office, months: TwoMonths) -> None:
        found = comparison(batch=build_month(office))
        assert found is not None
        assert found.former == months.october
        assert (found.before, found.after) == (Part(6, 6 * RATE), Part(6, 8 * RATE))
        assert found.new == Compared(1, 0, RATE)
        assert found.gone == Compared(1, RATE, 0)
        assert found.amount == Compared(2, 2 * RATE, 4 * RATE)
        assert found.account == Compared(3, 3 * RATE, 4 * RATE)
        assert found.both == Compared(1, RATE, 2 * RATE)
        assert found.unchanged == Compared(1, RATE, RATE)
        assert (found.difference, found.tenths_of_percent) == (2 * RATE, 333)

    def test_of_a_first_list_have_everybody_as_new(self, office: Office) -> None:
        make_entitled(3)
        found = comparison(batch=build_month(office))
        assert found is not None
        assert (found.former, found.new, found.before) == (None, Compared(3, 0, 3 * RATE), Part(0, 0))
        assert found.tenths_of_percent is None

    def test_equal_the_lists_own_count_and_sum(self, office: Office, months: TwoMonths) -> None:
        batch = build_month(office)
        kept = BatchComparison.objects.get(batch=batch)
        assert (kept.after_count, kept.after_sum) == (batch.number_of_transactions, batch.control_sum)

    def test_are_made_for_monthly_lists_only(self, office: Office) -> None:
        make_entitled(1)
        batch = build_month(office, kind=BatchKind.SUPPLEMENTARY)
        assert comparison(batch=batch) is None
        assert comparison_rows(batch=batch, kind=Change.NEW).rows == ()

    def test_count_what_was_left_out_at_submitting_as_gone(self, office: Office, months: TwoMonths) -> None:
        batch = build_month(office)
        run("UPDATE beneficiaries_person SET deceased_date = '2026-10-20' WHERE id = %s", months.same.person_id)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        found = comparison(batch=batch)
        assert found is not None
        assert (found.gone.count, found.unchanged.count, found.after) == (2, 0, Part(5, 7 * RATE))


class TestFormerList:
    def test_is_the_latest_that_was_started(self, office: Office) -> None:
        people_since(OCTOBER, 1)
        build_month(office, OCTOBER)  # a draft that nobody paid
        found = comparison(batch=build_month(office))
        assert found is not None
        assert found.former is None

    def test_counts_also_while_it_is_held(self, office: Office) -> None:
        people_since(OCTOBER, 1)
        october = start(office, build_month(office, OCTOBER))
        release.hold_batch(batch_id=october.pk, by=office.approver, reason="Chờ kiểm tra", at=office.at())
        found = comparison(batch=build_month(office))
        assert found is not None
        assert found.former == october

    def test_is_no_other_funds(self, office: Office, months: TwoMonths) -> None:
        found = comparison(batch=build_month(make_office()))
        assert found is not None
        assert found.former is None

    def test_is_that_of_last_years_fund_for_the_same_programmes(self, office: Office, months: TwoMonths) -> None:
        next_year = fund_of_2027()
        next_year.programmes.set(office.fund.programmes.all())
        batch = build_month(Office(office.preparer, office.approver, office.accountant, next_year))
        found = comparison(batch=batch)
        assert found is not None
        assert found.former == months.october

    def test_is_not_last_years_for_other_programmes(self, office: Office, months: TwoMonths) -> None:
        next_year = fund_of_2027()
        next_year.programmes.set(office.fund.programmes.filter(code="HTXH"))
        batch = build_month(Office(office.preparer, office.approver, office.accountant, next_year))
        found = comparison(batch=batch)
        assert found is not None
        assert found.former is None


class TestRows:
    def rows(self, batch: PayoutBatch, kind: Change) -> dict[int, tuple[int, int]]:
        page = comparison_rows(batch=batch, kind=kind)
        return {row.payee_id: (row.before_amount, row.after_amount) for row in page.rows}

    def test_name_the_payees_of_each_kind(self, office: Office, months: TwoMonths) -> None:
        batch = build_month(office)
        assert self.rows(batch, Change.NEW) == {months.new.pk: (0, RATE)}
        assert self.rows(batch, Change.GONE) == {months.gone.pk: (RATE, 0)}
        assert self.rows(batch, Change.AMOUNT) == {
            payee.pk: (RATE, 2 * RATE) for payee in (months.amount, months.both)
        }
        assert set(self.rows(batch, Change.ACCOUNT)) == {months.account.pk, months.cash.pk, months.both.pk}

    def test_tell_where_the_money_went_and_goes(self, office: Office, months: TwoMonths) -> None:
        batch = build_month(office)
        rows = {row.payee_id: row for row in comparison_rows(batch=batch, kind=Change.ACCOUNT).rows}
        moved, to_cash = rows[months.account.pk], rows[months.cash.pk]
        masked = months.account.accounts.get(state="ACTIVE").number_masked
        assert moved.before_place.startswith("Vietcombank **** ")
        assert (moved.after_place, moved.amount_changed, moved.account_changed) == (f"ACB {masked}", False, True)
        assert to_cash.after_place == "Tiền mặt tại phường"
        assert (moved.name, moved.birth_year) == (str(months.account), 1948)

    def test_of_one_kind_come_by_pages_that_repeat_nothing(self, office: Office, months: TwoMonths) -> None:
        people_since(NOVEMBER, 6)
        batch = build_month(office)
        seen: list[int] = []
        after = None
        while True:
            page = comparison_rows(batch=batch, kind=Change.NEW, after=after, limit=3)
            seen += [row.payee_id for row in page.rows]
            if page.next is None:
                break
            after = page.next
        assert len(seen) == len(set(seen)) == 7
        assert seen == sorted(seen)

    def test_put_the_largest_first_when_asked(self, office: Office, months: TwoMonths) -> None:
        batch = build_month(office)
        rows = largest_changes(batch=batch)
        assert [row.payee_id for row in rows] == sorted(
            payee.pk for payee in (months.amount, months.both, months.gone, months.new)
        )
        assert len(largest_changes(batch=batch, limit=2)) == 2

    @pytest.mark.parametrize("people", [2, 60])
    def test_cost_two_queries(self, office: Office, people: int, django_assert_num_queries) -> None:
        make_entitled(people)
        batch = build_month(office)
        with django_assert_num_queries(2):
            assert len(comparison_rows(batch=batch, kind=Change.NEW, limit=200).rows) == people


class TestFrozen:
    def test_a_draft_is_compared_anew(self, office: Office, months: TwoMonths) -> None:
        batch = build_month(office)
        run("UPDATE payments_batch_comparison SET new_count = 5, after_count = 10 WHERE batch_id = %s", batch.pk)
        compare_with_last_period(batch=batch)
        assert BatchComparison.objects.get(batch=batch).new_count == 1

    def test_a_submitted_one_never_changes(self, office: Office, months: TwoMonths) -> None:
        batch = build_month(office)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        refused(
            "UPDATE payments_batch_comparison SET new_count = 0, after_count = 5 WHERE batch_id = %s",
            batch.pk,
            by="batch_comparison_frozen",
        )
        refused("DELETE FROM payments_batch_comparison", by="batch_comparison_frozen")

    def test_nor_is_one_added_later(self, office: Office) -> None:
        make_entitled(1)
        batch = build_month(office)
        run("DELETE FROM payments_batch_comparison WHERE batch_id = %s", batch.pk)
        run("UPDATE payments_payout_batch SET state = 'WITHDRAWN' WHERE id = %s", batch.pk)
        with pytest.raises(Exception, match="batch_comparison_frozen"):
            compare_with_last_period(batch=batch)

    def test_nor_does_it_pass_to_another_list(self, office: Office) -> None:
        make_entitled(1)
        batch, other = build_month(office), build_month(office, kind=BatchKind.SUPPLEMENTARY)
        refused(
            "UPDATE payments_batch_comparison SET batch_id = %s WHERE batch_id = %s",
            other.pk,
            batch.pk,
            by="batch_comparison_frozen",
        )

    def test_figures_that_do_not_add_up_are_refused(self, office: Office) -> None:
        make_entitled(1)
        batch = build_month(office)
        refused(
            "UPDATE payments_batch_comparison SET unchanged_count = 7 WHERE batch_id = %s",
            batch.pk,
            by="batch_comparison_adds_up",
        )


@pytest.mark.parametrize("people", [2, 60])
def test_takes_two_statements_whatever_the_length(office: Office, people: int, django_assert_num_queries) -> None:
    people_since(OCTOBER, people)
    pay_month(office)
    batch = build_month(office)
    with django_assert_num_queries(2):
        compare_with_last_period(batch=batch)
    assert BatchComparison.objects.get(batch=batch).unchanged_count == people
