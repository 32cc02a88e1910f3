"""Who receives a line's money, and where."""

import datetime

from django.utils.translation import gettext_lazy as _

from beneficiaries.register_file.cells import Cells
from beneficiaries.register_file.rows import Channel, ListedPayee, last_day_of, parse_channel, parse_relation
from beneficiaries.register_file.tables import LineTable, Tables
from foundation.reference.births import BirthDate, parse_date
from foundation.reference.identifiers import parse_account_number, parse_national_id
from foundation.reference.names import NameMatch, clean_name, clean_text, compare_names

ALONE_FROM_AGE = 14  # NĐ 69/2024: under 14 nobody has a level-2 identity, so somebody else receives


def read_payee(
    cells: Cells, period: datetime.date, line: LineTable | None, birth: BirthDate | None, national_id: str | None
) -> ListedPayee | None:
    """Who receives in place of the beneficiary; None where nobody does, or where it cannot be told (then noted)."""
    named = any(key in cells.given for key in ("payee_name", "payee_national_id", "relation"))
    if not named:
        _needs_payee(cells, period, line, birth)
        return None
    payee_id = cells.read("payee_national_id", parse_national_id)
    name = cells.read("payee_name", lambda value: clean_name(str(value)))
    if payee_id is not None and payee_id == national_id:
        _needs_payee(cells, period, line, birth)
        return None
    relation = cells.read("relation", lambda _value: parse_relation(cells.text("relation")))
    authority = cells.read("authority", lambda value: clean_text(str(value), limit=60), required=False) or ""
    until = cells.read("authority_to", parse_date, required=False)
    if relation == "AUTHORISED":
        _authority(cells, period, authority, until)
    if payee_id is None or name is None or relation is None:
        return None
    return ListedPayee(payee_id, name, relation, authority, until)


def _needs_payee(cells: Cells, period: datetime.date, line: LineTable | None, birth: BirthDate | None) -> None:
    if line is not None and line.payee_role in {"CARER", "HOUSEHOLDER"}:
        cells.add(
            "payee_name",
            "PAYEE_MISSING",
            _("Chế độ này trả cho người chăm sóc nhưng chưa ghi người nhận."),
            _("Ghi họ tên, số định danh và quan hệ của người nhận."),
        )
    elif birth is not None and birth.age_on(last_day_of(period)) < ALONE_FROM_AGE:
        cells.add(
            "payee_name",
            "CHILD_WITHOUT_PAYEE",
            _("Trẻ dưới 14 tuổi phải có người nhận thay."),
            _("Ghi họ tên, số định danh và quan hệ của cha mẹ hoặc người giám hộ."),
        )


def _authority(cells: Cells, period: datetime.date, authority: str, until: datetime.date | None) -> None:
    if not authority or until is None:
        cells.add(
            "authority",
            "AUTHORITY_MISSING",
            _("Người nhận này phải có giấy uỷ quyền còn hạn."),
            _("Ghi số giấy uỷ quyền và ngày hết hạn ở hai cột “Số giấy uỷ quyền” và “Uỷ quyền đến”."),
        )
    elif until < period:
        cells.add("authority_to", "AUTHORITY_OVER", _("Giấy uỷ quyền đã hết hạn."), _("Xin giấy uỷ quyền mới."))


def read_channel(cells: Cells, tables: Tables, receiver: str | None) -> tuple[Channel | None, str, str]:
    """How the line is paid, with BIN and number for a transfer; `receiver` is the name of whoever receives."""
    given = None
    if "channel" in cells.given:
        given = cells.read("channel", lambda _value: parse_channel(cells.text("channel")))
        if given is None:
            return None, "", ""
    has_account = "account_number" in cells.given or "bank" in cells.given
    channel = given or (Channel.ACCOUNT if has_account else Channel.CASH)
    if channel is not Channel.ACCOUNT:
        if has_account:
            cells.add(
                "account_number",
                "CASH_WITH_ACCOUNT",
                _("Dòng này chi tiền mặt nên số tài khoản không được dùng."),
                _("Đổi hình thức thành Chuyển khoản nếu muốn trả vào tài khoản."),
                warn=True,
            )
        return channel, "", ""
    number = cells.read("account_number", parse_account_number)
    bank = tables.bank(cells.text("bank")) if "bank" in cells.given else None
    if bank is None:
        cells.add(
            "bank", "BANK_UNKNOWN", _("Không rõ ngân hàng."), _("Ghi tên ngắn của ngân hàng, ví dụ Vietcombank.")
        )
    elif not bank.payable:
        cells.add(
            "bank",
            "BANK_NOT_PAYABLE",
            _("Đơn vị này không có tài khoản thanh toán."),
            _("Ghi tài khoản ở một ngân hàng, hoặc chi tiền mặt."),
        )
    holder = cells.read("holder_name", lambda value: clean_name(str(value)), required=False, warn=True)
    if holder and receiver and compare_names(receiver, holder).result in {NameMatch.REVIEW, NameMatch.MISMATCH}:
        cells.add(
            "holder_name",
            "HOLDER_DIFFERS",
            _("Tên chủ tài khoản khác tên người nhận."),
            _("Tài khoản phải do chính người nhận đứng tên; ngân hàng sẽ được hỏi trước khi chi."),
            warn=True,
        )
    return channel, bank.bin if bank else "", number or ""
