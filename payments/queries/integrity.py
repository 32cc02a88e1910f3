"""Is what was sent what was approved? Worked out anew at every look, from the rows and the kept messages themselves.

Three queries beside those of the trace. Numbers are opened here only to be compared; none of them is handed on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from foundation.audit import merkle
from foundation.audit.models import AuditEvent, SealedEvent
from foundation.audit.sealing import leaf_of
from foundation.gateway import strict_json
from foundation.gateway.exchanges import open_body
from foundation.gateway.models import GatewayMessageBody
from foundation.gateway.port import LONGEST_NAME
from foundation.privacy.blind_index import NotNormal, account_fingerprint
from foundation.privacy.encryption import DecryptionFailed, decrypt
from foundation.reference.amounts import format_amount
from payments.models import Approval, DispatchAttempt, PayoutBatch, Transfer
from payments.queries.tracing import Trace
from payments.states import AttemptKind, EntryKind, TransferState

NEEDED = frozenset({"list", "path", "approved"})  # without these nothing is said of the list that was approved


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what with what, and whether they agree; None where there is nothing to compare yet.

    `values` are what was compared, hashes in hexadecimal, never a citizen's number.
    """

    code: str
    what: str
    holds: bool | None
    words: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Integrity:
    """All comparisons of one transfer."""

    checks: tuple[Check, ...]
    is_sent: bool = False  # whether an order went to the bank

    @property
    def broken(self) -> tuple[Check, ...]:
        """What does not agree."""
        return tuple(check for check in self.checks if check.holds is False)

    @property
    def is_of_approved_list(self) -> bool:
        """Whether the payment was compared with a list that somebody has approved."""
        return {check.code for check in self.checks if check.holds is not None} >= NEEDED

    @property
    def holds(self) -> bool | None:
        """False where anything does not agree; True where all that must be compared was, and agrees; else None: not yet."""
        if self.broken:
            return False
        return True if self.is_of_approved_list and not self.is_order_missing else None

    @property
    def is_order_missing(self) -> bool:
        """Whether an order went to the bank and nothing was kept to compare it by."""
        return self.is_sent and not any(check.code == "sent" and check.holds is not None for check in self.checks)

    @property
    def is_proven_as_sent(self) -> bool:
        """Whether the order that went to the bank was among what was compared."""
        return any(check.code == "sent" and check.holds for check in self.checks)


def integrity(trace: Trace) -> Integrity:
    """Compare list, approval, account, order and books of one transfer, now."""
    transfer = trace.transfer
    if transfer.chunk.list_hash is None or transfer.chunk.hash_path is None:
        not_yet = _("Danh sách chưa được trình nên chưa có mã băm để đối chiếu.")
        return Integrity((Check("list", _("Danh sách trong gói"), None, not_yet), _sealed(trace.events)))
    checks = [_list(transfer), _path(trace), _approvals(trace.approvals, bytes(trace.batch.list_hash or b""))]
    if transfer.state == TransferState.EXCLUDED:
        checks.append(
            Check("excluded", _("Khoản chi này"), None, _("Đã bị loại trước khi trình, không nằm trong danh sách."))
        )
    else:
        checks += [_account(transfer), _sent(transfer, trace.attempts), _booked(trace)]
    return Integrity((*checks, _sealed(trace.events)), is_sent=transfer.sent_count > 0)


WHOLE_LIST = """
SELECT list_hash, payments_chunk_hash(id) FROM payments_dispatch_chunk WHERE batch_id = %s ORDER BY number
"""


def list_integrity(batch: PayoutBatch) -> Check:
    """Hash every payment of a submitted list anew, up to the hash that was approved. One query, which reads the whole list."""
    what, frozen = _("Cả danh sách"), bytes(batch.list_hash or b"")
    if not frozen:
        return Check("whole", what, None, _("Danh sách chưa được trình nên chưa có mã băm để đối chiếu."))
    with connection.cursor() as cursor:
        cursor.execute(WHOLE_LIST, [batch.pk])
        chunks = [(bytes(kept or b""), bytes(now)) for kept, now in cursor.fetchall()]
    head = merkle.root(merkle.leaf(now) for _kept, now in chunks)
    changed = sum(kept != now for kept, now in chunks)
    holds = head == frozen and not changed
    words = _("Mọi khoản trong danh sách đúng như khi trình.")
    return Check(
        "whole",
        what,
        holds,
        words if holds else _("Danh sách đã khác bản được trình. Số gói không khớp: %(count)s.") % {"count": changed},
        (
            (_("Số gói đã tính lại"), str(len(chunks))),
            (_("Tính lại bây giờ"), head.hex()),
            (_("Mã băm danh sách"), frozen.hex()),
        ),
    )


def _list(transfer: Transfer) -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT payments_chunk_hash(%s)", [transfer.chunk_id])
        now = bytes(cursor.fetchone()[0])
    frozen = bytes(transfer.chunk.list_hash or b"")
    return Check(
        "list",
        _("Danh sách trong gói"),
        now == frozen,
        _("Mọi khoản trong gói đúng như khi trình.")
        if now == frozen
        else _("Danh sách trong gói đã khác bản được trình: có khoản bị sửa, thêm hoặc bớt."),
        ((_("Tính lại bây giờ"), now.hex()), (_("Khi trình"), frozen.hex())),
    )


def _path(trace: Trace) -> Check:
    chunk = trace.transfer.chunk
    leaf, path = merkle.leaf(bytes(chunk.list_hash or b"")), bytes(chunk.hash_path or b"")
    head, approved = merkle.root_by_path(leaf, path), bytes(trace.batch.list_hash or b"")
    return Check(
        "path",
        _("Gói thuộc danh sách đã trình"),
        head == approved,
        _("Đường băm từ gói dẫn đúng tới mã băm của cả danh sách.")
        if head == approved
        else _("Đường băm từ gói không dẫn tới mã băm của danh sách."),
        ((_("Gói dẫn tới"), head.hex()), (_("Mã băm danh sách"), approved.hex())),
    )


def _approvals(approvals: Iterable[Approval], list_hash: bytes) -> Check:
    what = _("Bản mà người phê duyệt đã ký")
    signed = [bytes(row.list_hash) for row in approvals if row.decision == Approval.Decision.APPROVED]
    if not signed:
        return Check("approved", what, None, _("Chưa có ai phê duyệt."))
    holds = all(value == list_hash for value in signed)
    words = _("Đúng danh sách này được phê duyệt.") if holds else _("Bản được phê duyệt không phải danh sách này.")
    return Check("approved", what, holds, words, tuple((_("Đã ký"), value.hex()) for value in signed))


@sensitive_variables()
def _account(transfer: Transfer) -> Check:
    what, account = _("Tài khoản nhận tiền"), transfer.payout_account
    if account is None or transfer.account_fingerprint is None:
        return Check("account", what, None, _("Chi tiền mặt, không qua tài khoản."))
    try:
        number = decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk)
        found = account_fingerprint(creditor_agent=transfer.creditor_agent, creditor_account=number)
    except (DecryptionFailed, NotNormal):
        return Check("account", what, False, _("Số tài khoản đang lưu không mở được."))
    holds = found == bytes(transfer.account_fingerprint) and transfer.creditor_agent == account.bank_id
    words = _("Số tài khoản đang lưu đúng là số trong danh sách.")
    return Check("account", what, holds, words if holds else _("Số tài khoản đang lưu không phải số trong danh sách."))


@sensitive_variables()
def _sent(transfer: Transfer, attempts: Iterable[DispatchAttempt]) -> Check:
    what = _("Lệnh đã gửi ngân hàng")
    references = [row.message_id for row in attempts if row.kind == AttemptKind.SEND]
    bodies = GatewayMessageBody.objects.filter(part=GatewayMessageBody.Part.REQUEST, reference__in=references)
    kept = list(bodies.order_by("at", "id"))
    if transfer.sent_count == 0:
        return Check("sent", what, None, _("Chưa gửi lệnh nào."))
    orders = [order for body in kept for order in _orders(body, transfer.end_to_end_id)]
    if not kept:
        return Check("sent", what, None, _("Chưa có thông điệp nào được lưu lại để đối chiếu."))
    values = ((_("Lệnh đã đối chiếu"), str(len(orders))), (_("Số tiền"), format_amount(transfer.instructed_amount)))
    holds = bool(orders) and all(_is_as_listed(order, transfer) for order in orders)
    words = (
        _("Số tiền, ngân hàng, số tài khoản và tên trong thông điệp đúng như danh sách.")
        if holds
        else _("Thông điệp đã gửi khác danh sách, hoặc không còn mở được.")
    )
    return Check("sent", what, holds, words, values)


def _orders(body: GatewayMessageBody, end_to_end_id: str) -> Iterator[dict[str, Any]]:
    """The orders for this transfer in one message; one that does not open counts as an order that agrees with nothing."""
    try:
        credits_ = strict_json.loads_object(open_body(body)).get("credits")
    except (DecryptionFailed, strict_json.NotStrict):
        yield {}
        return
    for order in credits_ if isinstance(credits_, list) else []:
        if isinstance(order, dict) and order.get("end_to_end_id") == end_to_end_id:
            yield order


@sensitive_variables()
def _is_as_listed(order: dict[str, Any], transfer: Transfer) -> bool:
    try:
        number = account_fingerprint(
            creditor_agent=str(order.get("bank_bin")), creditor_account=str(order.get("account_number"))
        )
    except NotNormal:
        return False
    return number == bytes(transfer.account_fingerprint or b"") and (
        order.get("amount"), order.get("bank_bin"), order.get("creditor_name"), order.get("remittance_text")
    ) == (
        transfer.instructed_amount, transfer.creditor_agent, transfer.creditor_name[:LONGEST_NAME],
        transfer.remittance_information,
    )  # fmt: skip


def _sealed(events: Sequence[AuditEvent]) -> Check:
    """Each event against its own seal. That none was taken out is for `verify_trail` to say, which reads the whole tree."""
    what = _("Nhật ký")
    leaves = dict(
        SealedEvent.objects.filter(event_id__in=[event.pk for event in events]).values_list("event_id", "leaf")
    )
    sealed = [event for event in events if event.pk in leaves]
    if not sealed:
        return Check("sealed", what, None, _("Sự kiện chưa được niêm phong."))
    same = sum(leaf_of(vars(event)) == bytes(leaves[event.pk]) for event in sealed)
    figures = {"same": same, "sealed": len(sealed), "waiting": len(events) - len(sealed)}
    words = _("%(same)s trên %(sealed)s sự kiện khớp dấu niêm phong.") % figures
    if figures["waiting"]:
        words += " " + _("Còn %(waiting)s sự kiện mới chờ niêm phong.") % figures
    return Check("sealed", what, same == len(sealed), words)


def _booked(trace: Trace) -> Check:
    what, transfer = _("Sổ cái"), trace.transfer
    own = {row.kind: row.amount for row in trace.ledger if row.transfer_id == transfer.pk}
    if EntryKind.UNVOID in own and own.pop(EntryKind.VOID, None) is None:
        return Check("booked", what, False, _("Bút toán không đúng với trạng thái hoặc số tiền."))
    wanted: set[str] = set()
    if transfer.state in (TransferState.SETTLED, TransferState.RETURNED):
        wanted = {EntryKind.POST} | ({EntryKind.RETURN} if transfer.state == TransferState.RETURNED else set())
    elif trace.batch.reserved_at and transfer.state in (TransferState.REJECTED, TransferState.CANCELLED):
        wanted = {EntryKind.VOID}
    if not wanted and not own:
        return Check("booked", what, None, _("Chưa có kết quả nên chưa ghi sổ."))
    holds = {EntryKind.POST, EntryKind.VOID, EntryKind.RETURN} & own.keys() == wanted and all(
        amount == transfer.instructed_amount for amount in own.values()
    )
    words = _("Bút toán đúng với trạng thái và số tiền của khoản chi.")
    return Check("booked", what, holds, words if holds else _("Bút toán không đúng với trạng thái hoặc số tiền."))
