"""Lines of a list against each other: what may stand once, and what must be told alike wherever it stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext_lazy as _

from beneficiaries.register_file.problems import Problem, Severity
from beneficiaries.register_file.rows import Channel, RegisterRow
from beneficiaries.register_file.seen import Seen
from foundation.reference.names import place_key
from foundation.reference.values import Text


@dataclass(frozen=True, slots=True)
class Rule:
    """Under one key, one value in the whole list; code, column, words and severity of the problem where it is not so.

    Rules of one code share their keys.
    """

    code: str
    column: str
    message: Text
    repair: Text
    severity: Severity = Severity.ERROR


LINE_ONCE = Rule(
    "DUPLICATE_LINE",
    "national_id",
    _("Người này đã có ở dòng khác với cùng mã đối tượng."),
    _("Xoá một trong hai dòng."),
)
# Whether its owner is paid for himself or receives for others.
NAME_OF_ID = Rule(
    "ID_OF_TWO_PEOPLE",
    "national_id",
    _("Số định danh này đã ghi cho người khác trong danh sách."),
    _("Đối chiếu căn cước của hai người."),
)
NAME_OF_PAYEES_ID = replace(NAME_OF_ID, column="payee_national_id")
# Else the last line would win by chance.
PERSON_ALIKE = Rule(
    "PERSON_DIFFERS",
    "birth",
    _("Ngày sinh, giới tính, địa chỉ hoặc khu phố khác với dòng kia của cùng người này."),
    _("Ghi giống nhau ở mọi dòng của một người."),
)
CHANNEL_OF_PAYEE = Rule(
    "PAYEE_TWO_CHANNELS",
    "channel",
    _("Người nhận này có hình thức chi trả khác ở dòng khác."),
    _("Ghi một hình thức cho mọi dòng của một người nhận."),
)
ID_OF_NAME_AND_BIRTH = Rule(
    "SAME_NAME_AND_BIRTH",
    "full_name",
    _("Có người trùng họ tên, ngày sinh nhưng khác số định danh."),
    _("Kiểm tra có phải một người ghi hai lần không."),
    Severity.WARNING,
)
ACCOUNT_OF_PAYEE = Rule(
    "PAYEE_TWO_ACCOUNTS",
    "account_number",
    _("Người nhận này có tài khoản khác ở dòng khác."),
    _("Ghi một tài khoản cho mọi dòng của một người nhận."),
)
HOLDER_OF_ACCOUNT = Rule(
    "ACCOUNT_SHARED",
    "account_number",
    _("Tài khoản này đã ghi cho người nhận khác."),
    _("Mỗi người nhận một tài khoản do chính mình đứng tên."),
)


def _told(row: RegisterRow) -> Iterator[tuple[Rule, object, object]]:
    """What the line tells, as rule, key and value; in the order in which problems are shown."""
    name = place_key(row.full_name)
    receiver = row.payee_national_id
    yield LINE_ONCE, (row.national_id, row.line_id), row.number
    yield NAME_OF_ID, row.national_id, name
    yield PERSON_ALIKE, row.national_id, (row.birth, row.sex, row.address, row.neighbourhood_id)
    yield CHANNEL_OF_PAYEE, receiver, row.channel
    if row.payee is not None:
        yield NAME_OF_PAYEES_ID, receiver, place_key(row.payee.full_name)
    if row.birth.precision == "DAY":
        yield ID_OF_NAME_AND_BIRTH, (name, row.birth.date), row.national_id
    if row.channel is Channel.ACCOUNT:
        account = (row.bank_bin, row.account_number)
        yield ACCOUNT_OF_PAYEE, receiver, account
        yield HOLDER_OF_ACCOUNT, account, receiver


class Contradictions:
    """Finds them chunk by chunk; what came first is believed, and what differs from it is told. Must be closed."""

    def __init__(self) -> None:
        self._seen = Seen()

    def among(self, rows: Sequence[RegisterRow]) -> list[list[Problem]]:
        """The problems of each of `rows`, against those before it here and in earlier chunks."""
        hashed = self._seen.hashed
        rules: list[tuple[int, Rule]] = []
        told: list[tuple[int, int, int]] = []
        for at, row in enumerate(rows):
            for rule, key, value in _told(row):
                rules.append((at, rule))
                told.append((hashed((rule.code, key)), hashed(value), row.number))
        problems: list[list[Problem]] = [[] for _row in rows]
        for (at, rule), (_key, value, number), (first, first_row) in zip(
            rules, told, self._seen.first_of(told), strict=True
        ):
            if value != first:
                found = str(_("dòng %(row)s")) % {"row": first_row}
                problems[at].append(
                    Problem(number, rule.column, rule.code, rule.message, rule.repair, rule.severity, found)
                )
        return problems

    def close(self) -> None:
        """Forget the list."""
        self._seen.close()
