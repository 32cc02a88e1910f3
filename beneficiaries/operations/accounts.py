"""The life of a payout account: asked for, checked with its bank, confirmed, ended.

Officers never type an account number for a citizen: numbers come from VNeID, from the citizen, or from a list, and a number
from a list is used only after its bank gave the holder's name and a second person confirmed it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from beneficiaries.errors import AccountsChanged
from beneficiaries.models import PayoutAccount
from beneficiaries.operations.placing import COOLING_HOURS
from beneficiaries.operations.telling import tell_of_change, tell_of_loss
from beneficiaries.queries.confirming import READY, parameters
from beneficiaries.states import AccountSource, AccountState, MatchResult
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.codes import ENQUIRY_REFUSALS, Action, status_reason
from foundation.gateway.errors import GatewayError, Refused, Unavailable
from foundation.gateway.port import Gateway, NameEnquiryAnswer
from foundation.privacy.encryption import decrypt
from foundation.reference.names import compare_names
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission

CHECK_DEADLINE = 10.0  # seconds for one name enquiry
CHECK_LEASE = 60  # seconds until another worker may take the same account up again
UNJUDGED_DAYS = 30  # a request that nobody could finish in this time is asked for anew


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """An account whose bank is to be asked for the holder's name."""

    account_id: int
    attempts: int
    creditor_agent: str
    creditor_account: str = field(repr=False)
    national_id: str | None = field(repr=False)
    payee_name: str = field(repr=False)


TAKE_CHECKS = """
WITH taken AS (
    SELECT a.id FROM beneficiaries_payout_account a
    WHERE a.state IN ('REQUESTED', 'ID_PROVEN') AND a.due_at <= portal_now()
      AND (%(unit)s IS NULL OR EXISTS (
          SELECT 1 FROM beneficiaries_payee p JOIN beneficiaries_person m ON m.id = p.person_id
          WHERE p.id = a.payee_id AND m.unit_id = %(unit)s))
    ORDER BY a.due_at, a.id LIMIT %(limit)s
    FOR NO KEY UPDATE OF a SKIP LOCKED
)
UPDATE beneficiaries_payout_account a
SET attempts = a.attempts + 1, due_at = portal_now() + %(lease)s * interval '1 second'
FROM taken, beneficiaries_payee p LEFT JOIN beneficiaries_person m ON m.id = p.person_id
WHERE a.id = taken.id AND p.id = a.payee_id
RETURNING a.id, a.attempts, a.bank_id, a.number_encrypted, m.id, m.national_id_encrypted,
          coalesce(m.full_name, p.organisation_name)
"""


@transaction.atomic(durable=True)
def take_checks(*, limit: int, unit_code: str | None = None) -> list[AccountCheck]:
    """Take up to `limit` accounts that wait for their bank's answer; nobody else takes them for a minute."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE_CHECKS, {"limit": limit, "lease": CHECK_LEASE, "unit": unit_code})
        rows = cursor.fetchall()
    return [
        AccountCheck(
            account_id=account_id,
            attempts=attempts,
            creditor_agent=bank,
            creditor_account=decrypt(number, context="payout_account.number", row_id=account_id),
            national_id=decrypt(national_id, context="person.national_id", row_id=person_id) if person_id else None,
            payee_name=name,
        )
        for account_id, attempts, bank, number, person_id, national_id, name in rows
    ]


def check_account(*, check: AccountCheck, gateway: Gateway) -> None:
    """Ask the bank whose account it is, outside of any transaction, and record what it said."""
    try:
        answer = gateway.enquire_name(
            enquiry_id=f"account-{check.account_id}-{check.attempts}",
            creditor_agent=check.creditor_agent,
            creditor_account=check.creditor_account,
            national_id=check.national_id,
            deadline_seconds=CHECK_DEADLINE,
        )
    except Unavailable:
        return  # the row is due again after the lease; the request of the citizen is kept
    except Refused as refused:
        record_refusal(account_id=check.account_id, code=refused.code)
    except GatewayError:
        return
    else:
        if not is_busy(answer):
            record_name(check=check, answer=answer)


def is_busy(answer: NameEnquiryAnswer) -> bool:
    """Whether the bank only asks for patience: the same question may be answered later, and is kept."""
    refusal = ENQUIRY_REFUSALS.get(answer.code or "")
    return not answer.found and refusal is not None and refusal.try_again


@transaction.atomic(durable=True)
def record_name(*, check: AccountCheck, answer: NameEnquiryAnswer) -> None:
    """Record the holder's name that the bank gave and how it compares; a mismatch or refusal ends the version."""
    account = PayoutAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=check.account_id)
    if account.state not in (AccountState.REQUESTED, AccountState.ID_PROVEN):
        return
    if not answer.found:
        _refuse(account, answer.code or "ACC_NOT_FOUND", answer.answered_at)
        return
    match = MatchResult(compare_names(check.payee_name, answer.holder_name or "").result)
    account.holder_name, account.match_result, account.checked_at = answer.holder_name or "", match, answer.answered_at
    if match == MatchResult.MISMATCH:
        _refuse(account, "NAME_MISMATCH", answer.answered_at)
        return
    account.state = AccountState.REVIEW if match == MatchResult.REVIEW else AccountState.ACCOUNT_CHECKED
    account.save()
    record_event(
        kind="account.checked",
        actor=SYSTEM,
        subject_kind="account",
        subject_id=account.pk,
        payload={"match": str(match), "state": account.state},
    )


@transaction.atomic(durable=True)
def record_refusal(*, account_id: int, code: str) -> None:
    """The bank will never answer this question as it stands: the version ends with the bank's code."""
    account = PayoutAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account_id)
    if account.state in (AccountState.REQUESTED, AccountState.ID_PROVEN):
        with connection.cursor() as cursor:
            cursor.execute("SELECT portal_now()")
            _refuse(account, code, cursor.fetchone()[0])


def _refuse(account: PayoutAccount, code: str, at: datetime) -> None:
    account.state, account.refusal_code, account.ended_at, account.due_at = AccountState.REFUSED, code[:30], at, None
    account.save()
    record_event(
        kind="account.refused", actor=SYSTEM, subject_kind="account", subject_id=account.pk, payload={"code": code}
    )


CONFIRM = f"""
WITH confirmed AS ({READY} ORDER BY a.id FOR NO KEY UPDATE OF a), ready AS (
    SELECT confirmed.id, current.id AS current_id
    FROM confirmed LEFT JOIN LATERAL (
        SELECT c.id FROM beneficiaries_payout_account c
        WHERE c.payee_id = confirmed.payee_id AND c.state IN ('ACTIVE', 'SUSPENDED') ORDER BY c.state LIMIT 1
    ) AS current ON true
)
UPDATE beneficiaries_payout_account a
SET state = CASE WHEN ready.current_id IS NULL THEN 'ACTIVE' ELSE 'COOLING' END,
    confirmed_by_id = %(by)s,
    activated_at = CASE WHEN ready.current_id IS NULL THEN %(at)s::timestamptz END,
    cooling_until = CASE WHEN ready.current_id IS NOT NULL THEN %(at)s::timestamptz + %(cooling)s * interval '1 hour' END,
    replaces_id = ready.current_id,
    due_at = CASE WHEN ready.current_id IS NULL THEN NULL
                  ELSE %(at)s::timestamptz + %(cooling)s * interval '1 hour' END
FROM ready WHERE a.id = ready.id
RETURNING a.id, a.state
"""  # noqa: S608  parts of our own; values are parameters


@transaction.atomic(durable=True)
def confirm_listed_accounts(*, unit_code: str, by: User, at: datetime, seen: str | None = None) -> int:
    """The second person confirms the accounts of a unit's lists whose bank gave a matching name; how many.

    An account that takes the place of another cools off first; one that somebody else holds stays where it is, and so does
    the officer's own.

    Args:
        unit_code: Where the payees live.
        by: The second person.
        at: Now.
        seen: The digest of the accounts that he was shown (`ready_accounts`); None for one who confirms whatever is there.

    Raises:
        access.NotAllowed: `by` may not confirm accounts there.
        AccountsChanged: The accounts are not those that he was shown; none is confirmed.
    """
    access.require(user=by, permission=Permission.CONFIRM_ACCOUNTS, unit_code=unit_code, at=at)
    with connection.cursor() as cursor:
        cursor.execute(CONFIRM, parameters(unit_code=unit_code, by=by) | {"at": at, "cooling": COOLING_HOURS})
        rows = sorted(cursor.fetchall())
    ids = [account_id for account_id, _ in rows]
    if seen is not None and seen != _digest(ids):
        raise AccountsChanged
    tell_of_change(account_ids=[account_id for account_id, state in rows if state == AccountState.COOLING])
    confirmed = len(ids)
    record_event(
        kind="accounts.confirmed",
        actor=by.actor,
        subject_kind="unit",
        subject_id=unit_code,
        payload={"accounts": confirmed, "source": AccountSource.FILE},
    )
    return confirmed


def _digest(ids: Sequence[int]) -> str:
    """As `ready_accounts` tells it."""
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest() if ids else ""


END_COOLING = """
WITH over AS (
    SELECT id, replaces_id FROM beneficiaries_payout_account
    WHERE state = 'COOLING' AND cooling_until <= portal_now() ORDER BY id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
), gone AS (
    UPDATE beneficiaries_payout_account a SET state = 'SUPERSEDED', ended_at = portal_now()
    FROM over WHERE a.id = over.replaces_id AND a.state IN ('ACTIVE', 'SUSPENDED')
)
SELECT id FROM over
"""


@transaction.atomic(durable=True)
def end_cooling() -> int:
    """Accounts whose safe time is over take the place of the ones before them; how many."""
    with connection.cursor() as cursor:
        cursor.execute(END_COOLING)
        ids = [row[0] for row in cursor.fetchall()]
        # A statement of its own: the old account must have left ACTIVE before the new one enters.
        cursor.execute(
            "UPDATE beneficiaries_payout_account SET state = 'ACTIVE', activated_at = portal_now(), due_at = NULL "
            "WHERE id = ANY (%s)",
            [ids],
        )
    for account_id in ids:
        record_event(kind="account.activated", actor=SYSTEM, subject_kind="account", subject_id=account_id)
    return len(ids)


EXPIRE = """
WITH old AS (
    SELECT id FROM beneficiaries_payout_account
    WHERE state IN ('REQUESTED', 'ID_PROVEN', 'REVIEW')
      AND coalesce(checked_at, requested_at) < portal_now() - %s * interval '1 day'
    ORDER BY id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE beneficiaries_payout_account a SET state = 'EXPIRED', due_at = NULL, ended_at = portal_now()
FROM old WHERE a.id = old.id RETURNING a.id
"""


@transaction.atomic(durable=True)
def expire_requests() -> int:
    """Requests whose bank or officer gave no word for a month end, so that they are asked for anew; how many."""
    with connection.cursor() as cursor:
        cursor.execute(EXPIRE, [UNJUDGED_DAYS])
        ids = [row[0] for row in cursor.fetchall()]
    for account_id in ids:
        record_event(kind="account.expired", actor=SYSTEM, subject_kind="account", subject_id=account_id)
    return len(ids)


def follow_bank_refusals(*, refusals: Sequence[tuple[int, str]]) -> None:
    """What a refused payment says of the account it went to: closed ends it, blocked suspends it. Inner step.

    Args:
        refusals: Account id and ISO 20022 reason, as the bank gave it.
    """
    targets = {Action.CLOSE_LINK: AccountState.CLOSED, Action.SUSPEND_LINK: AccountState.SUSPENDED}
    moves = [
        (account_id, targets[action]) for account_id, reason in refusals if (action := _action(reason)) in targets
    ]
    if not moves:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE beneficiaries_payout_account a SET state = m.state, "
            "ended_at = CASE WHEN m.state = 'CLOSED' THEN portal_now() END "
            "FROM unnest(%s::bigint[], %s::text[]) AS m(id, state) WHERE a.id = m.id AND a.state = 'ACTIVE' "
            "RETURNING a.id, a.state",
            [[account_id for account_id, _ in moves], [str(state) for _, state in moves]],
        )
        changed = cursor.fetchall()
    tell_of_loss(account_ids=[account_id for account_id, _ in changed])
    for account_id, state in changed:
        record_event(
            kind=f"account.{state.lower()}",
            actor=SYSTEM,
            subject_kind="account",
            subject_id=account_id,
            payload={"because": "bank refused a payment"},
        )


def _action(reason: str) -> Action | None:
    return status_reason(reason).action if reason else None
