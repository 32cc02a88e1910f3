"""All that an auditor's page tells of one transfer, from one call and in a fixed number of queries."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from foundation.privacy.encryption import DecryptionFailed, decrypt
from foundation.privacy.masking import mask_national_id
from payments.models import Transfer
from payments.queries.integrity import Integrity, integrity
from payments.queries.lists import CarriedLine, lines_of, place_of
from payments.queries.timelines import TimelineEntry, timeline
from payments.queries.tracing import MOST_EVENTS, Trace, trace


@dataclass(frozen=True, slots=True)
class TransferStory:
    """One transfer, whole. `entries` go from the earliest; `national_id` is masked, empty for an organisation.

    `is_cut` says that the trail of its list is longer than what is told.
    """

    trace: Trace
    entries: list[TimelineEntry]
    integrity: Integrity
    lines: list[CarriedLine]
    replaced_by: Transfer | None
    national_id: str
    place: str
    is_cut: bool

    @property
    def programmes(self) -> tuple[str, ...]:
        """Names of the schemes that it pays, each once."""
        return tuple(dict.fromkeys(line.programme for line in self.lines))

    @property
    def beneficiaries(self) -> tuple[str, ...]:
        """For whom it is, where somebody else receives it."""
        own = self.trace.transfer.payee.person_id
        return tuple({line.person_id: line.person for line in self.lines if line.person_id != own}.values())

    @property
    def messages(self) -> frozenset[str]:
        """Message ids of what travelled and is told here: the only messages that this page leads to."""
        return frozenset(entry.evidence for entry in self.entries if entry.evidence)


def transfer_story(*, end_to_end_id: str) -> TransferStory:
    """The story of one transfer, with what is recomputed to prove it.

    Raises:
        Transfer.DoesNotExist: There is no such transfer.
    """
    told = trace(end_to_end_id=end_to_end_id)
    transfer = told.transfer
    return TransferStory(
        trace=told,
        entries=timeline(told),
        integrity=integrity(told),
        lines=lines_of([transfer.pk])[transfer.pk],
        replaced_by=Transfer.objects.filter(replaces=transfer).first(),
        national_id=_masked_number(transfer),
        place=place_of(transfer),
        is_cut=len(told.events) == MOST_EVENTS,
    )


@sensitive_variables()
def _masked_number(transfer: Transfer) -> str:
    person = transfer.payee.person
    if person is None or person.national_id_encrypted is None:
        return ""
    try:
        return mask_national_id(decrypt(person.national_id_encrypted, context="person.national_id", row_id=person.pk))
    except DecryptionFailed:
        return _("Số định danh đang lưu không mở được")
