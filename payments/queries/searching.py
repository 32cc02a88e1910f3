"""One box for any code: what it may be by its form, what it leads to, and only what the reader may see.

A code's form decides what is looked for, and several kinds may be meant: twelve digits are an ID number, an account, or a batch.
What may be a citizen's number is looked for by its fingerprint first; where that finds somebody, the number itself is never put
into a statement, whose text may end up in a server's log.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from beneficiaries.models import PayoutAccount, Person
from beneficiaries.models.registration import REFERENCE_FORM
from foundation.privacy.blind_index import account_fingerprint_many, fingerprint
from foundation.reference.models import Bank
from foundation.users.models import User
from foundation.users.paging import Page, at_most, cut
from payments.models import DispatchAttempt, PayoutBatch, Transfer
from payments.queries.lists import WITHOUT_MARKS, TransferRow, transfer_rows
from payments.queries.overview import BatchRow
from payments.queries.totals import totals_of_batches

LONGEST_CODE = 60
MOST_FOUND = 2_000  # of one code: an organisation may have received for many


class FoundBy(models.TextChoices):
    """What a code was."""

    END_TO_END_ID = "END_TO_END_ID", _("Mã giao dịch")
    REFERENCE = "REFERENCE", _("Mã tra cứu")
    BANK_REFERENCE = "BANK_REFERENCE", _("Mã ngân hàng")
    NATIONAL_ID = "NATIONAL_ID", _("Số định danh")
    ACCOUNT = "ACCOUNT", _("Số tài khoản")
    REGISTRATION = "REGISTRATION", _("Mã hồ sơ")
    BATCH = "BATCH", _("Mã đợt chi")
    MESSAGE = "MESSAGE", _("Mã gói gửi")


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a code has led to, `number_found` transfers in all.

    `persons` and `accounts` are whose numbers were recognised, for the log of readings.
    """

    found_by: tuple[FoundBy, ...]
    transfers: Page[TransferRow, int]
    batches: tuple[BatchRow, ...]
    persons: tuple[int, ...] = ()
    accounts: tuple[int, ...] = ()
    number_found: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """What the code was, in words."""
        return tuple(str(kind.label) for kind in self.found_by)

    @property
    def only_transfer(self) -> str:
        """The code of the one transfer that was found, so that a page may go to it at once; empty for none or several."""
        rows = self.transfers.rows
        return rows[0].end_to_end_id if len(rows) == 1 and not self.batches and self.transfers.next is None else ""


@dataclass(frozen=True, slots=True, repr=False)
class Code:
    """What a text may be, by its form; None: it cannot be that. Shows nothing of itself, since it may be a citizen's number."""

    end_to_end_id: str | None = None
    reference: str | None = None
    bank_reference: str | None = None
    national_id: str | None = None
    account: str | None = None
    registration: str | None = None
    batch: int | None = None
    message: str | None = None


NOTHING = SearchResult((), Page((), None), ())
_SEPARATORS = re.compile(r"[\s.\-–]+")
_BATCH = re.compile(r"(?:(?:DOT|BATCH)(?: CHI)?(?: SO)? ?|#)?([0-9]{1,12})", re.ASCII)  # capitals without marks


@sensitive_variables()
def read_code(text: str) -> Code:
    """What a typed or pasted text may be; anything unreadable, too long or with control characters is nothing."""
    plain = unicodedata.normalize("NFKC", text[: 4 * LONGEST_CODE]).strip()
    if not plain or len(plain) > LONGEST_CODE or any(unicodedata.category(character)[0] == "C" for character in plain):
        return Code()
    compact = _SEPARATORS.sub("", plain)
    if re.fullmatch(r"[0-9a-f]{4}([ -])[0-9a-f]{4}\1[0-9a-f]{4}", plain.lower(), re.ASCII):
        return Code(reference=compact.lower())  # as it stands on a receipt
    batch = _BATCH.fullmatch(" ".join(plain.translate(WITHOUT_MARKS).upper().split()))

    def form(pattern: str, value: str) -> str | None:
        return value if re.fullmatch(pattern, value, re.ASCII) else None

    return Code(
        end_to_end_id=form(r"[0-9a-f]{32}", compact.lower()),
        reference=form(r"[0-9a-f]{12}", compact.lower()),
        bank_reference=form(r"[0-9A-Z/_.-]{4,35}", plain.upper()),
        national_id=form(r"[0-9]{12}", compact),
        account=form(r"[0-9A-Z]{6,19}", compact.upper()),
        registration=form(rf"(?=.*[A-Z]){REFERENCE_FORM[1:-1]}", compact.upper()),
        batch=int(batch[1]) if batch else None,
        message=form(r"[0-9]{1,12}-[0-9]{1,9}", plain),
    )


# Each kind by an index of its own, so that no plan looks through all transfers for the few that are meant. A person has what he
# receives, and what others receive for him; a line that has passed on still leads to where it was.
FIND = """
SELECT 'END_TO_END_ID', id FROM payments_transfer WHERE end_to_end_id = %(end_to_end_id)s
UNION ALL
SELECT 'REFERENCE', id FROM payments_transfer WHERE right(end_to_end_id, 12) = %(reference)s
UNION ALL
SELECT 'BANK_REFERENCE', id FROM payments_transfer WHERE bank_reference = %(bank_reference)s AND NOT bank_reference = ''
UNION ALL
SELECT 'NATIONAL_ID', t.id FROM beneficiaries_payee p JOIN payments_transfer t ON t.payee_id = p.id
WHERE p.person_id = ANY (%(persons)s::bigint[])
UNION ALL
SELECT 'NATIONAL_ID', l.transfer_id FROM beneficiaries_entitlement e
JOIN payments_payout_line l ON l.entitlement_id = e.id AND l.live WHERE e.person_id = ANY (%(persons)s::bigint[])
UNION ALL
SELECT 'NATIONAL_ID', m.from_transfer_id FROM beneficiaries_entitlement e
JOIN payments_payout_line l ON l.entitlement_id = e.id AND l.live JOIN payments_payout_line_move m ON m.line_id = l.id
WHERE e.person_id = ANY (%(persons)s::bigint[])
UNION ALL
SELECT CASE WHEN a.id = ANY (%(registrations)s::bigint[]) THEN 'REGISTRATION' ELSE 'ACCOUNT' END, t.id
FROM beneficiaries_payout_account a JOIN payments_transfer t ON t.payee_id = a.payee_id AND t.payout_account_id = a.id
WHERE a.id = ANY (%(accounts)s::bigint[]) OR a.id = ANY (%(registrations)s::bigint[])
ORDER BY 2 DESC
LIMIT %(most)s
"""


@sensitive_variables("code", "wanted")
def search(*, code: str, user: User, at: datetime, after: int | None = None, limit: int = 50) -> SearchResult:
    """Everything that `user` may see under a code, the newest transfers first; the same number of queries whatever is found.

    Only forms and fingerprints of the code are used. Reading by a citizen's number is to be noted:
    `payments.operations.look_up.search` does both.
    """
    wanted = read_code(code)
    if wanted == Code():
        return NOTHING
    persons, accounts, registrations = _owners(wanted)
    if persons or accounts:
        wanted = Code()  # a citizen's number: nothing else is meant
    found = _find(wanted, persons, accounts, registrations)
    visible = Transfer.objects.visible_to(user, at=at)
    seen = list(visible.filter(pk__in=found).order_by("-pk").values_list("pk", flat=True))
    limit = at_most(limit)
    shown = [pk for pk in seen if after is None or pk < after][: limit + 1]
    rows = transfer_rows(Transfer.objects.filter(pk__in=shown).order_by("-pk"))
    batches = _batches(wanted, user, at)
    kinds = {kind for pk in seen for kind in found[pk]} | {kind for kind, _ in batches}
    return SearchResult(
        found_by=tuple(kind for kind in FoundBy if kind in kinds),
        transfers=cut(rows, limit=limit, key=lambda row: row.id),
        batches=tuple(batch for _, batch in batches),
        persons=tuple(persons),
        accounts=tuple(accounts),
        number_found=len(seen),
    )


@sensitive_variables("code")
def _owners(code: Code) -> tuple[list[int], list[int], list[int]]:
    """Persons, accounts and registered accounts that a citizen's number or a registration's code names."""
    persons: list[int] = []
    if code.national_id:
        index = fingerprint("national-id", code.national_id)
        persons = list(Person.objects.filter(national_id_index=index).values_list("pk", flat=True))
    if not code.account:
        return persons, [], []
    banks = Bank.objects.order_by("bin").values_list("bin", flat=True)
    indexes = account_fingerprint_many((bank, code.account) for bank in banks)
    known = Q(number_index__in=indexes)
    if code.registration:
        known |= Q(reference=code.registration)
    numbered: list[int] = []
    registered: list[int] = []
    for pk, reference in PayoutAccount.objects.filter(known).values_list("pk", "reference"):
        (registered if reference is not None and reference == code.registration else numbered).append(pk)
    return persons, numbered, registered


@sensitive_variables("code", "given")
def _find(
    code: Code, persons: Iterable[int], accounts: Iterable[int], registrations: Iterable[int]
) -> dict[int, set[FoundBy]]:
    given: dict[str, Any] = {
        "end_to_end_id": code.end_to_end_id,
        "reference": code.reference,
        "bank_reference": code.bank_reference,
        "persons": list(persons),
        "accounts": list(accounts),
        "registrations": list(registrations),
        "most": MOST_FOUND,
    }
    found: dict[int, set[FoundBy]] = {}
    with connection.cursor() as cursor:
        cursor.execute(FIND, given)
        for kind, pk in cursor.fetchall():
            found.setdefault(pk, set()).add(FoundBy(kind))
    return found


def _batches(code: Code, user: User, at: datetime) -> list[tuple[FoundBy, BatchRow]]:
    if code.batch is None and code.message is None:
        return []
    sent = DispatchAttempt.objects.filter(message_id=code.message).values("chunk__batch")
    batches = list(
        PayoutBatch.objects.visible_to(user, at=at)
        .filter(Q(pk=code.batch) if code.message is None else Q(pk__in=sent))
        .select_related("fund", "unit", "prepared_by", "submitted_by")
        .order_by("pk")
    )
    totals = totals_of_batches(batch_ids=[batch.pk for batch in batches])
    kind = FoundBy.BATCH if code.message is None else FoundBy.MESSAGE
    return [(kind, BatchRow(batch, totals[batch.pk])) for batch in batches]
