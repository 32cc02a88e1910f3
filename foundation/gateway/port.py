"""The port: what the portal asks of banks, in the portal's words; docs/gateway-contract.md is the wire behind it.

Every method is one attempt with a total deadline in seconds and raises only the errors of `foundation.gateway.errors`.
None may be called while a database transaction is open. Amounts are whole đồng, instants carry a time zone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from foundation.gateway.codes import Outcome, outcome_of
from foundation.gateway.errors import Exchange

LONGEST_NAME = 70  # of a holder or creditor in a message (Max70Text); lists keep the whole name


@dataclass(frozen=True, slots=True)
class TransferInstruction:
    """One credit to be made. Receiver and account stay out of reprs, and so out of logs and error pages."""

    end_to_end_id: str
    instructed_amount: int
    creditor_name: str = field(repr=False)
    creditor_account: str = field(repr=False)
    creditor_agent: str  # BIN, 6 digits
    remittance_information: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ReturnNotice:
    """A credit that came back: the whole amount, once."""

    return_id: str
    end_to_end_id: str
    instructed_amount: int
    status_reason: str
    at: datetime
    value_date: date


@dataclass(frozen=True, slots=True)
class TransferAnswer:
    """What the gateway says of one transfer that is ours, with the amount that we sent.

    `instructed_amount` and `at` are None for NOTFOUND only.
    """

    end_to_end_id: str
    transaction_status: str
    status_reason: str | None
    instructed_amount: int | None
    at: datetime | None
    returned: ReturnNotice | None = None
    bank_reference: str | None = None  # the bank's own name of the credit, once it is debited or credited

    @property
    def outcome(self) -> Outcome:
        """What it means for the transfer."""
        return outcome_of(self.transaction_status, self.status_reason)


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """The answer to a message or inquiry. Only `answers` may be applied; each other id of ours stays unknown.

    `answered_at` is the gateway's clock: a NOTFOUND proves something only when it lies after the last `not_after`.
    """

    message_id: str
    answered_at: datetime
    answers: tuple[TransferAnswer, ...]
    missing: frozenset[str] = frozenset()  # ours, not answered
    duplicates: frozenset[str] = frozenset()  # ours, answered more than once
    mismatched: frozenset[str] = frozenset()  # ours, another amount
    unreadable: frozenset[str] = frozenset()  # ours, a result that breaks the contract or an unknown status
    foreign: frozenset[str] = frozenset()  # not ours: an alarm
    exchange: Exchange | None = field(default=None, repr=False, compare=False)

    @property
    def unknown(self) -> frozenset[str]:
        """Ids of ours whose outcome this answer does not tell."""
        return self.missing | self.duplicates | self.mismatched | self.unreadable

    @property
    def is_clean(self) -> bool:
        """Whether the gateway answered each id of ours once, and nothing else."""
        return not (self.unknown or self.foreign)


@dataclass(frozen=True, slots=True)
class NameEnquiryAnswer:
    """What a bank says of an account: its holder's name as the bank keeps it, or a refusal code of `codes`."""

    enquiry_id: str
    found: bool
    code: str | None
    holder_name: str | None = field(repr=False)
    answered_at: datetime
    exchange: Exchange | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """Whether the bank took note that the citizen chose this account; a refusal has a code of `codes`."""

    link_id: str
    linked: bool
    code: str | None
    linked_at: datetime | None
    replaced_link_id: str | None
    exchange: Exchange | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class LinkRemoval:
    """The bank's word that a link is over; asking again gives the same."""

    link_id: str
    removed_at: datetime
    exchange: Exchange | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CitizenNotice:
    """What a citizen is told in VNeID, and by short message to the numbers given; shown once by its id."""

    notice_id: str
    national_id: str = field(repr=False)
    title: str = field(repr=False)
    text: str = field(repr=False)
    phone_numbers: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class NoticesAnswer:
    """What became of each notice that was answered: None where it was taken, else the code of its refusal."""

    codes: dict[str, str | None]
    exchange: Exchange | None = field(default=None, repr=False, compare=False)


class Gateway(Protocol):
    """Banks and name enquiry behind one door."""

    def submit(
        self,
        *,
        message_id: str,
        debtor_account: str,
        not_after: datetime,
        transfers: Sequence[TransferInstruction],
        deadline_seconds: float,
    ) -> BulkAnswer:
        """Ask to pay 1 to 1,000 transfers from one account; the gateway begins none at or after `not_after`.

        Raises:
            OutcomeUnknown: Any of them may have been paid.
            NotSent: None of them was paid by this message.
            MessageRefused: None was paid by this message, and it will never be taken as it is.
        """
        ...

    def inquire(
        self,
        *,
        message_id: str,
        end_to_end_ids: Sequence[str],
        deadline_seconds: float,
        amounts: Mapping[str, int] | None = None,
    ) -> BulkAnswer:
        """Ask what became of 1 to 1,000 transfers; with `amounts` a result of another amount is not believed.

        Raises:
            Unavailable: No answer; ask again later.
            MessageRefused: The question breaks the contract.
        """
        ...

    def enquire_name(
        self,
        *,
        enquiry_id: str,
        creditor_agent: str,
        creditor_account: str,
        national_id: str | None,
        old_id_number: str | None = None,
        deadline_seconds: float,
    ) -> NameEnquiryAnswer:
        """Ask whose account it is; the bank compares the ID number, the portal compares the name.

        Raises:
            Unavailable: Ask again later and keep the citizen's request.
            Refused: The question breaks the contract.
        """
        ...

    def link_account(
        self,
        *,
        link_id: str,
        creditor_agent: str,
        creditor_account: str,
        national_id: str,
        holder_name: str,
        consent_token: str,
        consent_given_at: datetime,
        deadline_seconds: float,
    ) -> LinkAnswer:
        """Tell the bank that the citizen chose this account; safe to repeat with the same `link_id` and content.

        Raises:
            Unavailable: Repeat the same later.
            Refused: `LINK_ID_REUSED`, `CONSENT_REQUIRED`, `CONSENT_USED`, or it breaks the contract.
        """
        ...

    def remove_link(self, *, link_id: str, reason: str, deadline_seconds: float) -> LinkRemoval:
        """End a link: CONSENT_WITHDRAWN, REPLACED, ACCOUNT_CLOSED, DECEASED or OTHER; safe to repeat.

        Raises:
            Unavailable: Repeat the same later.
            Refused: `NOT_FOUND`, or it breaks the contract.
        """
        ...

    def fetch_statement(
        self,
        day: date,
        *,
        debtor_account: str | None = None,
        interim: bool = False,
        deadline_seconds: float = 600,
    ) -> Iterator[bytes]:
        """The camt.053 of one day as it streams in; parse it only after the iterator ended without an error.

        Raises:
            NotSent: `STATEMENT_NOT_READY` until the day is over by the gateway's clock.
            Unavailable: It broke off or did not come; what was read is worthless.
        """
        ...

    def send_notices(
        self, *, message_id: str, notices: Sequence[CitizenNotice], deadline_seconds: float
    ) -> NoticesAnswer:
        """Hand over 1 to 100 notices to citizens; safe to repeat, since each is shown once by its id.

        Raises:
            Unavailable: Repeat the same later.
            MessageRefused: The message breaks the contract, by the fault of the lines that it names; nothing was taken.
        """
        ...
