"""The plain way, as most teams would write it: one Celery task a transfer, ORM objects, one HTTP call each.

It works on the floor's copies of the tables, through the same signed client and the same mocked gateway, keeps the state
before and after the call, and books each payment. It has no chunks, no fences, no proofs: the portal is compared with it.
"""

from collections.abc import Iterable
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db import models, transaction

from beneficiaries.models import PayoutAccount
from foundation.audit import clock
from foundation.audit.clock import PortalNow
from foundation.gateway.client import gateway
from foundation.gateway.port import TransferInstruction
from foundation.privacy.encryption import decrypt

QUEUE = "plain"


class PlainTransfer(models.Model):
    """A payment as an ordinary model."""

    id = models.BigAutoField(primary_key=True)
    end_to_end_id = models.CharField(max_length=32)
    batch_id = models.BigIntegerField()
    payout_account_id = models.BigIntegerField()
    creditor_name = models.CharField(max_length=140)
    creditor_agent = models.CharField(max_length=6)
    instructed_amount = models.BigIntegerField()
    remittance_information = models.CharField(max_length=140)
    state = models.CharField(max_length=11)
    settlement_level = models.CharField(max_length=8)
    transaction_status = models.CharField(max_length=4)
    bank_reference = models.CharField(max_length=35)
    sent_count = models.PositiveSmallIntegerField()
    first_sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    objects: "models.Manager[PlainTransfer]" = models.Manager()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = 'floor"."payments_transfer'

    def __str__(self) -> str:
        return self.end_to_end_id


class PlainEntry(models.Model):
    """A ledger row as an ordinary model."""

    id = models.BigAutoField(primary_key=True)
    fund_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    debit = models.CharField(max_length=10)
    credit = models.CharField(max_length=10)
    amount = models.BigIntegerField()
    transfer_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=PortalNow())

    objects: "models.Manager[PlainEntry]" = models.Manager()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = 'floor"."payments_ledger_entry'

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


@shared_task(ignore_result=True)
def pay(transfer_id: int, fund_id: int, debtor_account: str) -> None:
    """Send one transfer and book its end."""
    with transaction.atomic():
        transfer = PlainTransfer.objects.select_for_update().get(pk=transfer_id)
        transfer.state, transfer.sent_count = "SENDING", transfer.sent_count + 1
        transfer.first_sent_at = clock.now()
        transfer.save()
    account = PayoutAccount.objects.get(pk=transfer.payout_account_id)
    number = decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk)
    instruction = TransferInstruction(
        end_to_end_id=transfer.end_to_end_id,
        instructed_amount=transfer.instructed_amount,
        creditor_name=transfer.creditor_name,
        creditor_account=number,
        creditor_agent=transfer.creditor_agent,
        remittance_information=transfer.remittance_information,
    )
    answer = gateway().submit(
        message_id=f"plain-{transfer.pk}",
        debtor_account=debtor_account,
        not_after=transfer.first_sent_at + timedelta(seconds=settings.DISPATCH_REQUEST_DEADLINE),
        transfers=[instruction],
        deadline_seconds=settings.DISPATCH_REQUEST_DEADLINE,
    )
    said = answer.answers[0]
    with transaction.atomic():
        transfer = PlainTransfer.objects.select_for_update().get(pk=transfer_id)
        transfer.state, transfer.settlement_level = "SETTLED", "CREDITOR"
        transfer.transaction_status, transfer.bank_reference = said.transaction_status, said.bank_reference or ""
        transfer.ended_at, transfer.due_at = clock.now(), None
        transfer.save()
        PlainEntry.objects.create(
            fund_id=fund_id,
            kind="POST",
            debit="RESERVED",
            credit="PAID",
            amount=transfer.instructed_amount,
            transfer_id=transfer.pk,
        )


def order(transfer_ids: Iterable[int], *, fund_id: int, debtor_account: str) -> None:
    """Hand every transfer to the workers, one message each."""
    for transfer_id in transfer_ids:
        pay.apply_async((transfer_id, fund_id, debtor_account), queue=QUEUE)
