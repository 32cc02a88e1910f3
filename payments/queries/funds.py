"""The money of an officer's units: what each fund holds, which lists hold or wait for it, its ledger, its papers.

Balances are kept by the database, so a page about a fund of ten million bookings reads eight rows. Lists are pages by key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import connection
from django.db.models import Count, Q, Sum

from foundation.users import access
from foundation.users.access import CITY_TIME
from foundation.users.models import User
from foundation.users.paging import Page, at_most, cut
from foundation.users.roles import Permission
from payments.models import Fund, FundBalance, FundingVoucher, LedgerEntry, PayoutBatch, Proposal
from payments.states import (
    ENTRY_ACCOUNTS,
    BatchState,
    EntryKind,
    LedgerAccount,
    ProposalKind,
    ProposalState,
    VoucherState,
)

MOST_LISTS = 200
MOST_WAITING = 20


@dataclass(frozen=True, slots=True)
class Balances:
    """What the accounts of one fund hold, in đồng."""

    funding: int
    reserved: int
    paid: int
    returns: int
    suspense: int
    fees: int
    fees_paid: int

    @classmethod
    def of(cls, kept: dict[str, int]) -> "Balances":
        """From balances by account."""
        return cls(*(kept.get(account, 0) for account in ACCOUNTS))

    @property
    def total(self) -> int:
        """All that was given for beneficiaries and has not gone back: what the figure draws as its whole."""
        return self.funding + self.reserved + self.paid + self.returns


ACCOUNTS = (
    LedgerAccount.FUNDING,
    LedgerAccount.RESERVED,
    LedgerAccount.PAID,
    LedgerAccount.RETURNS,
    LedgerAccount.SUSPENSE,
    LedgerAccount.FEES,
    LedgerAccount.FEES_PAID,
)


@dataclass(frozen=True, slots=True)
class FundRow:
    """A fund in the list of funds: what it holds, how much more its approved lists need, and how many papers wait."""

    fund: Fund
    balances: Balances
    lacking: int
    papers_waiting: int


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list and how much of the fund it holds (reserved), or would need beyond what is there (lacking)."""

    batch: PayoutBatch
    amount: int
    lacking: int = 0


@dataclass(frozen=True, slots=True)
class FundDetail:
    """One fund with the lists that hold its money, those that wait for it, what waits for a second person, and its programmes."""

    fund: Fund
    balances: Balances
    reserved: tuple[ListRow, ...]
    waiting: tuple[ListRow, ...]
    papers: tuple[FundingVoucher, ...]
    remittance: Proposal | None
    programmes: tuple[str, ...]

    @property
    def lacking(self) -> int:
        """How much more money it takes to pay every approved list."""
        return max(0, sum(row.amount for row in self.waiting) - self.balances.funding)


def balances_of(fund_ids: Iterable[int]) -> dict[int, Balances]:
    """What the accounts of these funds hold, by fund. One query."""
    kept: dict[int, dict[str, int]] = {fund_id: {} for fund_id in fund_ids}
    for fund_id, account, balance in FundBalance.objects.filter(fund__in=kept).values_list(
        "fund_id", "account", "balance"
    ):
        kept[fund_id][account] = balance
    return {fund_id: Balances.of(of_fund) for fund_id, of_fund in kept.items()}


def funds_visible(
    *,
    user: User,
    at: datetime,
    unit_code: str = "",
    year: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> Page[FundRow, int]:
    """The funds that `user` may see, the newest year first; `after` is the id of the last seen. Four queries beside rights."""
    limit = at_most(limit)
    visible = Fund.objects.visible_to(user, at=at)
    found = visible
    if unit_code:
        found = found.filter(unit=unit_code)
    if year:
        found = found.filter(year=year)
    if after:
        last = visible.filter(pk=after).values_list("year", flat=True).first()
        found = found.filter(Q(year__lt=last) | Q(year=last, id__lt=after)) if last else found.none()
    funds = list(found.select_related("unit").order_by("-year", "-id")[: limit + 1])
    ids = [fund.pk for fund in funds]
    kept = balances_of(ids)
    needed = dict(
        PayoutBatch.objects.filter(fund__in=ids, state=BatchState.APPROVED)
        .values_list("fund")
        .annotate(needed=Sum("control_sum"))
        .order_by("fund")
    )
    waiting = dict(
        FundingVoucher.objects.filter(fund__in=ids, state=VoucherState.RECORDED)
        .values_list("fund")
        .annotate(count=Count("id"))
        .order_by("fund")
    )
    rows = [
        FundRow(fund, kept[fund.pk], max(0, needed.get(fund.pk, 0) - kept[fund.pk].funding), waiting.get(fund.pk, 0))
        for fund in funds
    ]
    return cut(rows, limit=limit, key=lambda row: row.fund.pk)


def years_visible(*, user: User, at: datetime) -> list[int]:
    """The budget years of the funds that `user` may see, the newest first."""
    years = Fund.objects.visible_to(user, at=at).values_list("year", flat=True)
    return list(years.order_by("-year").distinct())


HELD_BY_LISTS = """
SELECT b.id, sum(c.control_sum - c.settled_sum - c.rejected_sum - c.returned_sum - c.cancelled_sum)::bigint AS held
FROM payments_payout_batch b JOIN payments_dispatch_chunk c ON c.batch_id = b.id
WHERE b.fund_id = %s AND b.reserved_at IS NOT NULL AND b.state IN ('RESERVED', 'DISPATCHING', 'HELD', 'CANCELLING')
GROUP BY b.id HAVING sum(c.control_sum - c.settled_sum - c.rejected_sum - c.returned_sum - c.cancelled_sum) > 0
ORDER BY b.id LIMIT %s
"""


def fund_detail(*, fund: Fund) -> FundDetail:
    """Everything of the page of one fund that the reader may see. Six queries, whatever it has paid."""
    kept = balances_of([fund.pk])[fund.pk]
    with connection.cursor() as cursor:
        cursor.execute(HELD_BY_LISTS, [fund.pk, MOST_LISTS])
        held = dict(cursor.fetchall())
    lists = PayoutBatch.objects.filter(Q(pk__in=held) | Q(fund=fund, state=BatchState.APPROVED)).select_related("unit")
    batches = list(lists.order_by("approved_at", "id")[: 2 * MOST_LISTS])
    papers = FundingVoucher.objects.filter(fund=fund, state=VoucherState.RECORDED).select_related("recorded_by")
    return FundDetail(
        fund=fund,
        balances=kept,
        reserved=tuple(ListRow(batch, held[batch.pk]) for batch in batches if batch.pk in held),
        waiting=tuple(
            ListRow(batch, batch.control_sum, max(0, batch.control_sum - kept.funding))
            for batch in batches
            if batch.pk not in held
        ),
        papers=tuple(papers.order_by("id")[:MOST_LISTS]),
        remittance=Proposal.objects.filter(
            kind=ProposalKind.REMIT_FUNDS,
            subject_kind="fund",
            subject_id=fund.pk,
            state=ProposalState.PROPOSED,
        ).first(),
        programmes=tuple(fund.programmes.order_by("code").values_list("name", flat=True)),
    )


def fund_ledger(
    *,
    fund: Fund,
    kind: EntryKind | None = None,
    batch_id: int | None = None,
    month: date | None = None,
    after: int | None = None,
    limit: int = 50,
) -> Page[LedgerEntry, int]:
    """The bookings of a fund, the newest first, each with what it was booked by; `after` is the id of the last one seen.

    `month` is the first day of a month of the city in which they were booked.
    """
    limit = at_most(limit)
    entries = LedgerEntry.objects.filter(fund=fund)
    found = entries
    if kind:
        found = found.filter(kind=kind)
    if batch_id is not None:
        found = found.filter(Q(batch=batch_id) | Q(transfer__batch=batch_id))
    if month:
        start = datetime.combine(month, time(), CITY_TIME)
        following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        found = found.filter(at__gte=start, at__lt=datetime.combine(following, time(), CITY_TIME))
    if after:
        last = entries.filter(pk=after).values_list("at", flat=True).first()
        found = found.filter(Q(at__lt=last) | Q(at=last, id__lt=after)) if last else found.none()
    rows = found.select_related("voucher", "batch__unit", "transfer__batch", "proposal").order_by("-at", "-id")
    return cut(list(rows[: limit + 1]), limit=limit, key=lambda entry: entry.pk)


def fund_vouchers(
    *, fund: Fund, state: VoucherState | None = None, after: int | None = None, limit: int = 50
) -> Page[FundingVoucher, int]:
    """The papers of a fund, the newest first; `after` is the id of the last one seen. One query."""
    limit = at_most(limit)
    found = FundingVoucher.objects.filter(fund=fund)
    if state:
        found = found.filter(state=state)
    if after:
        found = found.filter(id__lt=after)
    rows = found.select_related("recorded_by", "decided_by").order_by("-id")
    return cut(list(rows[: limit + 1]), limit=limit, key=lambda voucher: voucher.pk)


def papers_to_confirm(*, user: User, at: datetime) -> list[FundingVoucher]:
    """The papers that wait for a second person and that this human may confirm, the oldest first, at most twenty. One query."""
    units = access.reachable_units(user=user, permission=Permission.CONFIRM_FUNDING, at=at)
    waiting = FundingVoucher.objects.filter(
        Q() if units is None else Q(fund__unit__in=units), state=VoucherState.RECORDED
    )
    others = waiting.exclude(recorded_by_person=user.person_fingerprint)
    return list(others.select_related("fund__unit").order_by("id")[:MOST_WAITING])


@dataclass(frozen=True, slots=True)
class Effect:
    """What one booking would do to one account."""

    label: str
    before: int
    after: int


def effects_of_booking(*, fund: Fund, kind: EntryKind, amount: int) -> tuple[Effect, ...]:
    """The accounts that an entry would change, the Treasury's own left out: what they hold now and afterwards. One query."""
    kept = dict(FundBalance.objects.filter(fund=fund).values_list("account", "balance"))
    debit, credit = ENTRY_ACCOUNTS[kind]
    return tuple(
        Effect(str(account.label), kept.get(account, 0), kept.get(account, 0) + change)
        for account, change in ((debit, -amount), (credit, amount))
        if account != LedgerAccount.TREASURY
    )
