"""Whoever changes rows or messages past every right and trigger is found out by the auditor's page, and told in red words."""

from typing import Any

import pytest
from django.test import Client

from foundation.audit.sealing import seal_events
from foundation.users.roles import Role
from payments.models import Transfer
from tests.factories import make_office, make_staff
from tests.journeys.test_auditor_transfer import message, page, pay, text_of
from tests.payments.helpers import as_criminal


def holds(client: Client, transfer: Transfer) -> None:
    text = text_of(client, page(transfer))
    assert "Danh sách đã duyệt khớp với lệnh đã gửi" in text
    assert "welfare-note--bad" not in text


def fails(client: Client, transfer: Transfer, words: str) -> None:
    text = text_of(client, page(transfer))
    assert "Không khớp, cần kiểm tra ngay" in text
    assert "welfare-note--bad" in text
    assert words in text


@pytest.mark.usefixtures("committed")
def test_finds_every_forgery_of_somebody_who_passes_all_rights(client: Client, superuser: Any) -> None:
    client.force_login(make_staff(Role.AUDITOR, unit=None))
    transfer = pay(make_office())
    holds(client, transfer)
    key, account = transfer.pk, transfer.payout_account_id
    other = Transfer.objects.exclude(pk=key).first()
    assert other is not None
    forgeries = [
        ("payments_transfer", "instructed_amount", "instructed_amount + 1", key, "Danh sách trong gói đã khác"),
        ("payments_transfer", "creditor_name", "'TRAN VAN X'", other.pk, "Danh sách trong gói đã khác"),
        ("payments_dispatch_chunk", "hash_path", "'\\x00'", transfer.chunk_id, "không dẫn tới"),
        ("payments_dispatch_chunk", "list_hash", "sha256('x')", transfer.chunk_id, "không dẫn tới"),
        ("payments_payout_batch", "list_hash", "sha256('x')", transfer.batch_id, "không phải danh sách này"),
        (
            "beneficiaries_payout_account", "number_encrypted",
            f"(SELECT number_encrypted FROM beneficiaries_payout_account WHERE id = {other.payout_account_id})",
            account, "Số tài khoản đang lưu không mở được",
        ),
        ("payments_transfer", "state", "'REJECTED'", key, "Bút toán không đúng"),
    ]  # fmt: skip
    for table, column, value, row, words in forgeries:
        # The value as it was is kept in a table of its own, so that one forgery is looked at at a time.
        as_criminal(superuser, f"CREATE TABLE kept AS SELECT {column} AS was FROM {table} WHERE id = {row}")
        assert as_criminal(superuser, f"UPDATE {table} SET {column} = {value} WHERE id = {row}") == 1
        fails(client, transfer, words)
        as_criminal(superuser, f"UPDATE {table} SET {column} = (SELECT was FROM kept) WHERE id = {row}")
        as_criminal(superuser, "DROP TABLE kept")
        holds(client, transfer)
    seal_events()
    assert "sự kiện khớp dấu niêm phong" in text_of(client, page(transfer))
    submitted = "kind = 'batch.submitted'"
    as_criminal(superuser, f"CREATE TABLE kept AS SELECT payload FROM audit_event WHERE {submitted}")
    assert as_criminal(superuser, f"UPDATE audit_event SET payload = '{{}}' WHERE {submitted}") == 1
    fails(client, transfer, "sự kiện khớp dấu niêm phong")
    as_criminal(superuser, f"UPDATE audit_event SET payload = (SELECT payload FROM kept) WHERE {submitted}")
    as_criminal(superuser, "DROP TABLE kept")
    holds(client, transfer)
    body = "UPDATE gateway_message_body SET body = set_byte(body, 40, get_byte(body, 40) # 1) WHERE part = 'REQUEST'"
    assert as_criminal(superuser, body) == 1
    fails(client, transfer, "Thông điệp đã gửi khác danh sách")
    assert "đã bị sửa" in text_of(client, message(transfer))
