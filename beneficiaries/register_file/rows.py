"""One line of a list, typed: what is written down when the list is committed."""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Representation
from beneficiaries.register_file.columns import folded
from beneficiaries.states import Delivery, Way
from foundation.reference.births import BirthDate
from foundation.reference.identifiers import Sex
from foundation.reference.names import place_key
from foundation.reference.values import InvalidValue

_DELIVERIES = frozenset(Delivery.values)


class Channel(StrEnum):
    """How the list says that the line is paid."""

    ACCOUNT = "ACCOUNT"
    CASH = "CASH"
    PAY_POINT = "PAY_POINT"
    HOME = "HOME"

    @property
    def delivery(self) -> str:
        """How the payment service brings the money, a value of Delivery; empty: it is not asked to."""
        return self.value if self.value in _DELIVERIES else ""

    @property
    def way(self) -> Way:
        """How the payee is to be paid from now on."""
        return Way.PAYMENT_SERVICE if self.delivery else Way.USUAL


@dataclass(frozen=True, slots=True)
class ListedPayee:
    """Who receives for the beneficiary; `relation` is a value of Representation.Relation."""

    national_id: str
    full_name: str
    relation: str
    authority: str
    authority_to: datetime.date | None


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A line that is in order. Amounts in whole đồng; `phone` in E.164 form; `neighbourhood_id` None where not given.

    The phone is the payee's where there is one, for it is he who is told of payments.
    """

    number: int
    national_id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    address: str
    neighbourhood_id: int | None
    line_id: int
    line: str
    coefficient: Decimal
    decision_number: str
    decision_date: datetime.date | None
    valid_from: datetime.date
    benefit_book: str
    amount: int
    arrears_months: int
    arrears_amount: int
    channel: Channel
    bank_bin: str
    account_number: str
    payee: ListedPayee | None
    phone: str

    @property
    def total(self) -> int:
        """The month's amount and the unpaid months."""
        return self.amount + self.arrears_amount

    @property
    def payee_national_id(self) -> str:
        """Of whoever receives the money."""
        return self.payee.national_id if self.payee else self.national_id

    @property
    def payee_name(self) -> str:
        """Of whoever receives the money."""
        return self.payee.full_name if self.payee else self.full_name


def last_day_of(period: datetime.date) -> datetime.date:
    """The last day of the month that begins on `period`."""
    return (period + datetime.timedelta(days=32)).replace(day=1) - datetime.timedelta(days=1)


# --- Words of a list that stand for a value of ours ---
_R = Representation.Relation
# By place_key, which keeps the marks: "Ba" is a father in the south, "Bà" a grandmother.
_RELATIONS: dict[str, str] = {
    place_key(word): relation.value
    for relation, words in {
        _R.PARENT: (
            "Cha, mẹ", "Cha mẹ", "Cha", "Mẹ", "Bố", "Bố mẹ", "Ba", "Má", "Cha ruột", "Mẹ ruột", "Cha đẻ", "Mẹ đẻ",
        ),
        _R.GUARDIAN: (
            "Người giám hộ", "Giám hộ", "Ông", "Bà", "Ông bà", "Ông ngoại", "Bà ngoại", "Ông nội", "Bà nội",
        ),
        _R.CARER: (
            "Người chăm sóc", "Chăm sóc", "Người nuôi dưỡng", "Người nhận nuôi dưỡng", "Người chăm sóc, nuôi dưỡng",
        ),
        _R.HOUSEHOLDER: ("Chủ hộ",),
        _R.AUTHORISED: (
            "Người được uỷ quyền", "Được uỷ quyền", "Uỷ quyền", "Con", "Con ruột", "Vợ", "Chồng", "Cháu", "Anh", "Chị",
            "Em",
        ),
        _R.LEGAL: ("Người đại diện theo pháp luật", "Đại diện theo pháp luật", "Đại diện pháp luật"),
    }.items()
    for word in words
}  # fmt: skip
_CHANNELS: dict[str, Channel] = {
    folded(word): channel
    for channel, words in {
        Channel.ACCOUNT: ("Chuyển khoản", "CK", "Tài khoản", "Qua tài khoản", "Ngân hàng", "VNeID"),
        Channel.CASH: ("Tiền mặt", "TM", "Tại phường", "Trực tiếp"),
        Channel.PAY_POINT: ("Bưu điện", "Tại bưu điện", "Điểm chi trả", "Điểm bưu điện", "Qua bưu điện"),
        Channel.HOME: ("Tại nhà", "Chi trả tại nhà", "Tiền mặt tại nhà"),
    }.items()
    for word in words
}
_SEXES: dict[str, Sex] = {"nam": "M", "nu": "F", "m": "M", "f": "F", "male": "M", "female": "F", "1": "M", "0": "F"}


def parse_relation(text: str) -> str:
    """The relation that a word stands for; a spouse or grown child receives by authority only.

    Raises:
        InvalidValue: RELATION_MISSING, RELATION_UNKNOWN.
    """
    plain = place_key(text[:100])
    if not plain.strip("!0"):
        raise InvalidValue(
            "RELATION_MISSING",
            _("Chưa ghi quan hệ của người nhận."),
            _("Ghi cha mẹ, giám hộ, chăm sóc, chủ hộ hoặc uỷ quyền."),
        )
    if plain not in _RELATIONS:
        raise InvalidValue(
            "RELATION_UNKNOWN",
            _("Không rõ quan hệ của người nhận."),
            _("Ghi cha mẹ, giám hộ, chăm sóc, chủ hộ hoặc uỷ quyền."),
        )
    return _RELATIONS[plain]


def parse_channel(text: str) -> Channel | None:
    """The channel that a word stands for, None for an empty cell.

    Raises:
        InvalidValue: CHANNEL_UNKNOWN.
    """
    plain = folded(text)
    if not plain:
        return None
    if plain not in _CHANNELS:
        raise InvalidValue(
            "CHANNEL_UNKNOWN",
            _("Không rõ hình thức chi trả."),
            _("Ghi Chuyển khoản, Tiền mặt, Bưu điện hoặc Tại nhà."),
        )
    return _CHANNELS[plain]


def parse_sex(text: str) -> Sex:
    """`Nam` or `Nữ`.

    Raises:
        InvalidValue: SEX_UNKNOWN.
    """
    found = _SEXES.get(folded(text))
    if found is None:
        raise InvalidValue("SEX_UNKNOWN", _("Không rõ giới tính."), _("Ghi Nam hoặc Nữ."))
    return found


def parse_coefficient(value: object) -> Decimal:
    """A coefficient from 0.01 to 99.99, `1,5` or `1.5` or a number.

    Raises:
        InvalidValue: COEFFICIENT_UNREADABLE.
    """
    text = repr(value) if isinstance(value, int | float) else str(value)[:20].strip().replace(",", ".")
    whole, _dot, part = text.partition(".")
    right = (
        text.isascii() and whole.isdigit() and len(whole) <= 2 and (not _dot or (part.isdigit() and len(part) <= 2))
    )
    if not right or Decimal(text) == 0:
        raise InvalidValue("COEFFICIENT_UNREADABLE", _("Hệ số không đúng."), _("Ghi hệ số như 1,5 hoặc 2."))
    return Decimal(text)
