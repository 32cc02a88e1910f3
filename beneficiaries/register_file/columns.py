"""The columns of a ward's list, and how their headings are recognised.

The order of columns is free. A heading is known by its words, whatever its marks, capitals, dots and spaces; wards'
lists come from many programs, so each column knows other names too. The demonstration list is written from this table.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

from anyascii import anyascii
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key that the code uses, our heading, further headings, and whether a list must have it."""

    key: str
    heading: str
    also: tuple[str, ...] = ()
    required: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("seq", "STT", ("Số thứ tự", "TT")),
    Column("full_name", "Họ và tên", ("Họ tên", "Họ và tên đối tượng", "Họ tên người hưởng"), required=True),
    Column("birth", "Ngày sinh", ("Năm sinh", "Ngày tháng năm sinh", "Ngày, tháng, năm sinh"), required=True),
    Column("sex", "Giới tính", ("Nam nữ", "Phái"), required=True),
    Column(
        "national_id",
        "Số định danh",
        ("Số định danh cá nhân", "CCCD", "Số CCCD", "Căn cước", "Số căn cước", "Số căn cước công dân", "ĐDCN"),
        required=True,
    ),
    Column("address", "Địa chỉ", ("Nơi ở", "Nơi thường trú", "Số nhà, đường")),
    Column("neighbourhood", "Khu phố", ("Khu phố/Ấp", "Ấp", "KP", "Tổ dân phố")),
    Column("unit", "Mã phường, xã", ("Phường xã", "Phường", "Xã", "Mã xã", "Mã phường", "Phường/Xã/Đặc khu")),
    Column("line", "Mã đối tượng", ("Mã ĐT", "Mã chế độ", "Mã nhóm đối tượng"), required=True),
    Column("coefficient", "Hệ số", ("HS",)),
    Column("decision_number", "Số quyết định", ("Số QĐ", "Số quyết định hưởng", "QĐ số"), required=True),
    Column("decision_date", "Ngày quyết định", ("Ngày QĐ", "Ngày ký", "Ngày ký quyết định")),
    Column("valid_from", "Hưởng từ", ("Hưởng từ ngày", "Hưởng từ tháng", "Thời gian hưởng từ"), required=True),
    Column("benefit_book", "Số sổ lĩnh tiền", ("Số sổ", "Sổ lĩnh tiền")),
    Column("amount", "Tiền trợ cấp tháng này", ("Mức hưởng", "Số tiền", "Tiền trợ cấp", "Mức trợ cấp"), required=True),
    Column("arrears_months", "Số tháng chưa trả", ("Chưa trả tháng trước số tháng",)),
    Column("arrears_amount", "Số tiền chưa trả", ("Chưa trả tháng trước số tiền",)),
    Column("total", "Tổng số tiền", ("Tổng số tiền trợ cấp", "Tổng cộng", "Tổng tiền")),
    Column("channel", "Hình thức chi trả", ("Hình thức", "Hình thức nhận", "Kênh chi trả")),
    Column("bank", "Ngân hàng", ("Tên ngân hàng", "Mở tại ngân hàng", "Ngân hàng thụ hưởng")),
    Column("account_number", "Số tài khoản", ("STK", "Số TK", "Tài khoản", "Số tài khoản người hưởng")),
    Column("holder_name", "Tên chủ tài khoản", ("Chủ tài khoản", "Tên tài khoản")),
    Column("payee_name", "Người nhận", ("Họ tên người nhận", "Người nhận thay", "Họ và tên người nhận")),
    Column(
        "payee_national_id",
        "Số định danh người nhận",
        ("CCCD người nhận", "Số CCCD người nhận", "Số định danh người nhận thay"),
    ),
    Column("relation", "Quan hệ", ("Quan hệ với đối tượng", "Quan hệ với người hưởng")),
    Column("authority", "Số giấy uỷ quyền", ("Giấy uỷ quyền", "Số giấy ủy quyền", "Giấy ủy quyền")),
    Column("authority_to", "Uỷ quyền đến", ("Uỷ quyền đến ngày", "Thời hạn uỷ quyền", "Ủy quyền đến")),
    Column("phone", "Điện thoại", ("Số điện thoại", "SĐT", "ĐT")),
    Column("note", "Ghi chú", ("Chú thích",)),
)
BY_KEY = {column.key: column for column in COLUMNS}

_WORDS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=5_000)  # the same few words stand in every line
def folded(text: str) -> str:
    """`text` as its bare lower-case letters and digits, single spaces: `Số QĐ.` is `so qd`. Cut at 200 characters."""
    return _WORDS.sub(" ", anyascii(unicodedata.normalize("NFC", text[:200])).lower()).strip()


@dataclass(frozen=True)
class Layout:
    """The columns of one kind of list; `telling` are keys of which a header has two at least, `words` help who has none."""

    columns: tuple[Column, ...]
    telling: frozenset[str]
    words: Promise | str

    @cached_property
    def _known(self) -> dict[str, Column]:
        return {folded(name): column for column in self.columns for name in (column.heading, *column.also)}

    def column_of(self, heading: str) -> Column | None:
        """The column that a heading names, or None. A remark in brackets and a unit do not count: `Số tiền (đồng)`."""
        plain = folded(re.sub(r"\([^()]*\)", " ", heading[:200]))
        return self._known.get(plain) or self._known.get(plain.removesuffix(" dong").removesuffix(" vnd"))


REGISTER = Layout(
    COLUMNS,
    frozenset({"full_name", "national_id", "line"}),
    _("Đặt tên cột như tệp mẫu: Họ và tên, Ngày sinh, Giới tính, Số định danh, Mã đối tượng…"),
)


def column_of(heading: str) -> Column | None:
    """The column of a ward's list that a heading names."""
    return REGISTER.column_of(heading)
