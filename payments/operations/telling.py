"""What citizens are told of their payments. Inner steps: rows beside the change that they tell of, sent later by workers.

A payment that arrives is told by the receiver's own bank; one that comes back is told by nobody, unless we do. The words name no
scheme: a sensitive one cannot be guessed from a message that somebody else reads.
"""

from collections.abc import Sequence

from django.db import connection

from beneficiaries.queries.telling import citizens_to_tell
from foundation.gateway.notices import Message, add_notices
from foundation.reference.amounts import format_amount
from foundation.users.access import CITY_TIME

RETURNED = "Khoản tiền bị ngân hàng trả lại"
RETURNED_TEXT = (
    "Khoản {amount} của tháng {period:%m/%Y} chuyển cho ông, bà đã bị ngân hàng trả lại ngày {at:%d/%m/%Y}. Tiền không mất: "
    "khoản này sẽ được chi lại. Xin ông, bà kiểm tra tài khoản nhận tiền trên Cổng an sinh xã hội hoặc tại UBND phường, xã."
)
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
