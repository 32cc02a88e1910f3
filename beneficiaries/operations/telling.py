"""What citizens are told of their accounts. Inner steps: rows beside the change that they tell of, sent later by workers.

The words are kept and sent in Vietnamese, whatever language a page is read in. They hold no number but the last four digits.
"""

from collections.abc import Sequence

from django.db import connection

from beneficiaries.queries.telling import citizens_to_tell
from foundation.gateway.notices import Message, add_notices
from foundation.users.access import CITY_TIME

CHANGING = "Tài khoản nhận tiền sắp được đổi"
CHANGING_TEXT = (
    "Từ {until:%H:%M ngày %d/%m/%Y}, tiền an sinh xã hội của ông, bà sẽ vào tài khoản có bốn số cuối {last} tại {bank}. "
    "Nếu ông, bà không yêu cầu việc này, xin huỷ ngay trên Cổng an sinh xã hội hoặc báo UBND phường, xã trước lúc đó."
)
LOST = "Tài khoản nhận tiền không dùng được nữa"
LOST_TEXT = (
    "Ngân hàng {bank} báo tài khoản có bốn số cuối {last} không nhận được tiền. Xin ông, bà liên hệ ngân hàng, hoặc đăng ký "
    "tài khoản khác trên Cổng an sinh xã hội. Chưa có tài khoản thì ông, bà vẫn được chi tiền mặt."
)
OWN_PAGE = "/cua-toi/"

ABOUT = """
SELECT a.id, a.payee_id, right(a.number_masked, 4), b.short_name, a.cooling_until
FROM beneficiaries_payout_account a JOIN reference_bank b ON b.bin = a.bank_id
WHERE a.id = ANY (%s) ORDER BY a.id
"""


def tell_of_change(*, account_ids: Sequence[int]) -> int:
    """Tell the payees, at the old phone and the new one, that these accounts will take the place of others."""
    return _tell("account.changing", account_ids, CHANGING, CHANGING_TEXT)


def tell_of_loss(*, account_ids: Sequence[int]) -> int:
    """Tell the payees that their bank does not take money for these accounts any more."""
    return _tell("account.lost", account_ids, LOST, LOST_TEXT)


def _tell(event: str, account_ids: Sequence[int], title: str, text: str) -> int:
    if not account_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(ABOUT, [list(account_ids)])
        rows = cursor.fetchall()
    citizens = citizens_to_tell([row[1] for row in rows])
    return add_notices(
        [
            Message(
                event=f"{event}:{account_id}",
                to=citizens[payee_id],
                title=title,
                text=text.format(last=last, bank=bank, until=until and until.astimezone(CITY_TIME)),
                path=OWN_PAGE,
            )
            for account_id, payee_id, last, bank, until in rows
            if payee_id in citizens
        ]
    )
