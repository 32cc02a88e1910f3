"""A bank's late "paid" for what it had refused, as it reaches us: by callback, by statement, by a result file."""

from django.db import connection, transaction

from foundation.gateway.codes import Outcome
from payments.models import DispatchChunk, Transfer
from payments.operations.counting import recount
from payments.operations.settle import Word, apply_words
from tests.factories import Office, build_batch, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import send_all, states
from tests.payments.statements import camt, debit, take_in

REFUSED = {"status": "RJCT", "reason": "AB05"}


def refused_by_bank(office: Office, gateway: FakeGateway, *, count: int = 1) -> list[Transfer]:
    """A list all of whose payments the bank refused, for a reason of its own: their accounts stay in use."""
    make_entitled(count)
    start(office, build_batch(office))
    gateway.status, gateway.reason = REFUSED["status"], REFUSED["reason"]
    send_all(gateway)
    assert states() == {"REJECTED": count}
    return list(Transfer.objects.order_by("id"))


def say_paid(transfer: Transfer, *, code: str = "ACCC") -> None:
    """The callback's way, under the lock that it takes."""
    outcome = Outcome.SETTLED_CREDITOR if code == "ACCC" else Outcome.SETTLED_DEBTOR
    with transaction.atomic(), connection.cursor() as cursor:
        chunk = DispatchChunk.objects.select_for_update(of=("self",), no_key=True).get(pk=transfer.chunk_id)
        apply_words(cursor, chunk_ids=[chunk.pk], words=[Word(transfer.end_to_end_id, outcome, code, "")])
        recount(cursor, chunk_ids=[chunk.pk], release=False)


def show_paid(office: Office, *transfers: Transfer) -> None:
    """The statement's way."""
    take_in(camt([debit(transfer) for transfer in transfers]), by=office.accountant)


def credited(gateway: FakeGateway, *transfers: Transfer) -> None:
    """What the bank's own log says in truth: that it had paid these, whatever it answered."""
    for transfer in transfers:
        gateway.times[transfer.end_to_end_id] = 1
