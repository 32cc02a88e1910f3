"""What citizens are told of their payments. Inner steps: rows beside the change that they tell of, sent later by workers.

A payment that arrives is told by the receiver's own bank; one that was refused or comes back is told by nobody, unless we do. The
words name no scheme: a sensitive one cannot be guessed from a message that somebody else reads.
"""

from collections.abc import Sequence

from django.db import connection
from django.utils import translation

from beneficiaries.queries.telling import citizens_to_tell
from foundation.gateway.codes import status_reason
from foundation.gateway.notices import Message, add_notices
from foundation.reference.amounts import format_amount
from foundation.users.access import CITY_TIME

RETURNED = "Khoản tiền bị ngân hàng trả lại"
RETURNED_TEXT = (
    "Khoản {amount} của tháng {period:%m/%Y} chuyển cho ông, bà đã bị ngân hàng trả lại ngày {at:%d/%m/%Y}. Tiền không mất: "
    "khoản này sẽ được chi lại. Xin ông, bà kiểm tra tài khoản nhận tiền trên Cổng an sinh xã hội hoặc tại UBND phường, xã."
)
REJECTED = "Khoản tiền chưa vào được tài khoản"
REJECTED_TEXT = (
    "Ngân hàng chưa nhận khoản {amount} của tháng {period:%m/%Y} chuyển cho ông, bà ngày {at:%d/%m/%Y}. Tiền không mất. "
    "{advice} Xem trên Cổng an sinh xã hội hoặc hỏi tại UBND phường, xã."
)
OF_REJECTIONS = """
SELECT t.id, t.end_to_end_id, t.payee_id, t.instructed_amount, b.period, t.ended_at, t.status_reason
FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
WHERE t.id = ANY (%s) AND t.state = 'REJECTED' ORDER BY t.id
"""
OF_RETURNS = """
SELECT t.id, t.end_to_end_id, t.payee_id, t.instructed_amount, b.period, r.returned_at
FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
JOIN payments_transfer_return r ON r.transfer_id = t.id
WHERE t.id = ANY (%s) ORDER BY t.id
"""


def tell_of_returns(*, transfer_ids: Sequence[int]) -> int:
    """Tell the payees that these payments came back; how many notices were new."""
    with connection.cursor() as cursor:
        cursor.execute(OF_RETURNS, [list(transfer_ids)])
        rows = cursor.fetchall()
    citizens = citizens_to_tell([row[2] for row in rows])
    return add_notices(
        [
            Message(
                event=f"transfer.returned:{transfer_id}",
                to=citizens[payee_id],
                title=RETURNED,
                text=RETURNED_TEXT.format(amount=format_amount(amount), period=period, at=at.astimezone(CITY_TIME)),
                path=f"/cua-toi/khoan-chi/{end_to_end_id}/",
            )
            for transfer_id, end_to_end_id, payee_id, amount, period, at in rows
            if payee_id in citizens
        ]
    )


def tell_of_rejections(*, transfer_ids: Sequence[int]) -> int:
    """Tell the payees that a bank refused these payments, and what to do by its reason; how many notices were new.

    Once for each payment, however often it is said: what takes its place is a payment of its own.
    """
    if not transfer_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(OF_REJECTIONS, [list(transfer_ids)])
        rows = cursor.fetchall()
    citizens = citizens_to_tell([row[2] for row in rows])
    # Whoever took the file over may read the portal in English; the payee is told in Vietnamese.
    with translation.override("vi"):
        return add_notices(
            [
                Message(
                    event=f"transfer.rejected:{transfer_id}",
                    to=citizens[payee_id],
                    title=REJECTED,
                    text=REJECTED_TEXT.format(
                        amount=format_amount(amount),
                        period=period,
                        at=at.astimezone(CITY_TIME),
                        advice=status_reason(reason).for_citizen,
                    ),
                    path=f"/cua-toi/khoan-chi/{end_to_end_id}/",
                )
                for transfer_id, end_to_end_id, payee_id, amount, period, at, reason in rows
                if payee_id in citizens
            ]
        )
