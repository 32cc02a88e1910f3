"""A list beside the last one of its fund and unit that was paid: who is new, who is gone, what changed.

Both lists are summed by payee and joined once, whatever their length. The sums are kept with the list
(`payments.operations.compare`); the rows are read from the transfers themselves, which no longer change.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from beneficiaries.states import Delivery
from foundation.users.paging import Page, at_most, cut
from payments.models import BatchComparison, PayoutBatch
from payments.queries.totals import Part
from payments.states import Route


class Change(models.TextChoices):
    """How a payee's payment differs from the last list's; one payee may have both AMOUNT and ACCOUNT."""

    NEW = "NEW", _("Người mới")
    GONE = "GONE", _("Thôi nhận")
    AMOUNT = "AMOUNT", _("Đổi số tiền")
    ACCOUNT = "ACCOUNT", _("Đổi nơi nhận")


@dataclass(frozen=True, slots=True)
class Compared:
    """How many payees, what they had in the last list and what they have in this one."""

    count: int
    before: int
    after: int

    @property
    def difference(self) -> int:
        """Đồng more than in the last list; negative: less."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Comparison:
    """A list beside the last one; `both` is counted in `amount` and in `account` too. `former` is None for a first list."""

    former: PayoutBatch | None
    before: Part
    after: Part
    new: Compared
    gone: Compared
    amount: Compared
    account: Compared
    both: Compared
    unchanged: Compared

    @property
    def difference(self) -> int:
        """Đồng more than in the last list; negative: less."""
        return self.after.amount - self.before.amount

    @property
    def tenths_of_percent(self) -> int | None:
        """The difference in tenths of a percent of the last list's sum (16 is +1,6 %); None without one."""
        return self.difference * 1000 // self.before.amount if self.before.amount else None


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One payee beside the last list; places are words such as `Vietcombank **** 4567`, empty where he is not in a list."""

    payee_id: int
    name: str
    birth_year: int | None
    before_amount: int
    after_amount: int
    before_place: str
    after_place: str
    amount_changed: bool
    account_changed: bool


# One row a payee: what he gets and where. The places of a payee with several transfers are told apart by the first and the last.
BY_PAYEE = """
    SELECT payee_id, sum(instructed_amount)::bigint AS amount, min(place) AS first_place, max(place) AS last_place,
           max(payout_account_id) AS account_id, max(route) AS route, max(delivery) AS delivery
    FROM (
        SELECT payee_id, instructed_amount, payout_account_id, route, delivery,
               concat_ws('/', route, delivery, creditor_agent, encode(account_fingerprint, 'hex')) COLLATE "C" AS place
        FROM payments_transfer
        WHERE batch_id = {batch} AND state <> 'EXCLUDED' AND payee_id > {after}
    ) AS listed
    GROUP BY payee_id
"""

CONDITIONS: dict[Change, str] = {
    Change.NEW: "a.payee_id IS NOT NULL AND b.payee_id IS NULL",
    Change.GONE: "b.payee_id IS NOT NULL AND a.payee_id IS NULL",
    Change.AMOUNT: "a.amount <> b.amount",
    Change.ACCOUNT: "a.payee_id = b.payee_id AND (a.first_place, a.last_place) <> (b.first_place, b.last_place)",
}

ROWS = """
WITH picked AS (
    SELECT coalesce(a.payee_id, b.payee_id) AS payee_id, coalesce(b.amount, 0) AS before_amount,
           coalesce(a.amount, 0) AS after_amount, b.route AS before_route, b.delivery AS before_delivery,
           b.account_id AS before_account, a.route AS after_route,
           a.delivery AS after_delivery, a.account_id AS after_account, coalesce(a.amount <> b.amount, false) AS amount_changed,
           coalesce((a.first_place, a.last_place) <> (b.first_place, b.last_place), false) AS account_changed,
           abs(coalesce(a.amount, 0) - coalesce(b.amount, 0)) AS difference
    FROM ({before}) AS b FULL JOIN ({after}) AS a ON a.payee_id = b.payee_id
    WHERE {condition}
    ORDER BY {order} LIMIT %(limit)s
)
SELECT picked.payee_id, coalesce(person.full_name, payee.organisation_name), extract(year FROM person.birth_date)::integer,
       before_amount, after_amount,
       before_route, before_delivery, before_bank.short_name, before_account.number_masked,
       after_route, after_delivery, after_bank.short_name, after_account.number_masked, amount_changed, account_changed
FROM picked
JOIN beneficiaries_payee payee ON payee.id = picked.payee_id
LEFT JOIN beneficiaries_person person ON person.id = payee.person_id
LEFT JOIN beneficiaries_payout_account before_account ON before_account.id = picked.before_account
LEFT JOIN reference_bank before_bank ON before_bank.bin = before_account.bank_id
LEFT JOIN beneficiaries_payout_account after_account ON after_account.id = picked.after_account
LEFT JOIN reference_bank after_bank ON after_bank.bin = after_account.bank_id
ORDER BY {order}
"""
BY_KEY = "payee_id"
BY_DIFFERENCE = "difference DESC, payee_id"


def place(route: str | None, delivery: str | None, bank: str | None, number: str | None) -> str:
    """Where money goes, in words: bank and masked number, or the name of the route and how the money is brought."""
    if bank and number:
        past_the_gateway = f" ({Route.TREASURY_FILE.label})" if route == Route.TREASURY_FILE else ""
        return f"{bank} {number}{past_the_gateway}"
    words = [Route(route).label] if route else []
    words += [Delivery(delivery).label] if delivery else []
    return ": ".join(map(str, words))


def comparison(*, batch: PayoutBatch) -> Comparison | None:
    """The kept comparison of a list with the last one; None for lists that are not monthly, or from before comparisons."""
    kept = BatchComparison.objects.select_related("former").filter(batch=batch).first()
    if kept is None:
        return None
    return Comparison(
        former=kept.former,
        before=Part(kept.before_count, kept.before_sum),
        after=Part(kept.after_count, kept.after_sum),
        new=Compared(kept.new_count, 0, kept.new_sum),
        gone=Compared(kept.gone_count, kept.gone_sum, 0),
        amount=Compared(kept.amount_count, kept.amount_before_sum, kept.amount_after_sum),
        account=Compared(kept.account_count, kept.account_before_sum, kept.account_after_sum),
        both=Compared(kept.both_count, kept.both_before_sum, kept.both_after_sum),
        unchanged=Compared(kept.unchanged_count, kept.unchanged_sum, kept.unchanged_sum),
    )


def comparison_rows(
    *, batch: PayoutBatch, kind: Change, after: int | None = None, limit: int = 50
) -> Page[ComparedRow, int]:
    """The payees of one kind of change, by payee id; `after` is the last id of the page before. Two queries."""
    limit = at_most(limit)
    rows = _rows(batch, condition=CONDITIONS[kind], order=BY_KEY, after=after or 0, limit=limit + 1)
    return cut(rows, limit=limit, key=lambda row: row.payee_id)


def largest_changes(*, batch: PayoutBatch, limit: int = 10) -> tuple[ComparedRow, ...]:
    """The payees whose payment grew or fell most, new and gone ones among them. Two queries."""
    condition = "a.amount IS DISTINCT FROM b.amount"
    return tuple(_rows(batch, condition=condition, order=BY_DIFFERENCE, after=0, limit=at_most(limit)))


def _rows(batch: PayoutBatch, *, condition: str, order: str, after: int, limit: int) -> list[ComparedRow]:
    kept = BatchComparison.objects.filter(batch=batch).values_list("former_id").first()
    if kept is None:
        return []
    statement = ROWS.format(
        before=BY_PAYEE.format(batch="%(former)s", after="%(after)s"),
        after=BY_PAYEE.format(batch="%(batch)s", after="%(after)s"),
        condition=condition,
        order=order,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"batch": batch.pk, "former": kept[0], "after": after, "limit": limit})
        return [_row(values) for values in cursor.fetchall()]


def _row(values: tuple[Any, ...]) -> ComparedRow:
    payee_id, name, birth_year, before_amount, after_amount, *places, amount_changed, account_changed = values
    return ComparedRow(
        payee_id=payee_id,
        name=name,
        birth_year=birth_year,
        before_amount=before_amount,
        after_amount=after_amount,
        before_place=place(*places[:4]),
        after_place=place(*places[4:]),
        amount_changed=amount_changed,
        account_changed=account_changed,
    )
