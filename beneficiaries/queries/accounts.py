"""Reads about accounts: the banks to choose from, a citizen's own accounts, and what waits for an officer's judgement."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from beneficiaries.models import AccountDraft, PayoutAccount, Person
from beneficiaries.states import (
    ACCOUNT_WAITING,
    AccountSource,
    AccountState,
)
from foundation.reference.models import Bank
from foundation.users.models import User
from foundation.users.paging import Page, cut


def banks_on(day: date) -> QuerySet[Bank, Bank]:
    """Banks and wallets that can be paid into on `day`, by name."""
    return Bank.objects.valid_on(day).filter(payable=True).order_by("short_name", "bin")


# --- A citizen's own ---
def person_of(user: User) -> Person | None:
    """The person of the register who signed in, found by the fingerprint of the ID number; None where there is none yet."""
    if user.person_fingerprint is None:
        return None
    return Person.objects.filter(national_id_index=user.person_fingerprint).select_related("unit").first()


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """Where somebody is paid now, what is on its way, and what is half done."""

    current: PayoutAccount | None  # in use, or suspended
    waiting: PayoutAccount | None  # cooling, or with bank or officer
    draft: AccountDraft | None


def account_summary(person: Person) -> AccountSummary:
    """The first page of a citizen in two queries."""
    standing = list(
        PayoutAccount.objects.filter(
            payee__person=person, state__in=(*ACCOUNT_WAITING, AccountState.ACTIVE, AccountState.SUSPENDED)
        )
        .select_related("bank")
        .order_by("state", "-version")  # ACTIVE comes before SUSPENDED
    )
    return AccountSummary(
        current=next((account for account in standing if account.state not in ACCOUNT_WAITING), None),
        waiting=next((account for account in standing if account.state in ACCOUNT_WAITING), None),
        draft=AccountDraft.objects.select_related("bank").filter(person=person).first(),
    )


def accounts_of_person(person: Person) -> QuerySet[PayoutAccount, PayoutAccount]:
    """All versions of somebody's account, newest first."""
    return PayoutAccount.objects.filter(payee__person=person).select_related("bank").order_by("-version")


# --- For officers ---
TO_CONFIRM = Q(state=AccountState.ACCOUNT_CHECKED, source=AccountSource.FILE)
IN_REVIEW = Q(state=AccountState.REVIEW)


def accounts_to_confirm(
    *, user: User, at: datetime, unit_code: str | None = None, after: int = 0, limit: int = 50
) -> Page[PayoutAccount, int]:
    """Accounts from lists whose bank gave a matching name, oldest first: they wait for the second person."""
    return _page(_judged(TO_CONFIRM, user, at, unit_code), after, limit)


def accounts_in_review(
    *, user: User, at: datetime, unit_code: str | None = None, after: int = 0, limit: int = 50
) -> Page[PayoutAccount, int]:
    """Accounts that somebody must judge, oldest first; ours is `payee.person.full_name`, the bank's `holder_name`."""
    return _page(_judged(IN_REVIEW, user, at, unit_code), after, limit)


def _judged(which: Q, user: User, at: datetime, unit_code: str | None) -> QuerySet[PayoutAccount, PayoutAccount]:
    found = PayoutAccount.objects.visible_to(user, at=at).filter(which)
    return found if unit_code is None else found.filter(payee__person__unit=unit_code)


def _page(found: QuerySet[PayoutAccount, PayoutAccount], after: int, limit: int) -> Page[PayoutAccount, int]:
    rows = list(
        found.filter(pk__gt=after)
        .select_related("payee__person__unit", "bank", "requested_by")
        .order_by("pk")[: limit + 1]
    )
    return cut(rows, limit=limit, key=lambda account: account.pk)
