"""Why an account is not taken, by code: the words, and what the citizen can do next, as data for pages.

Words are taken from where each refusal is made: the gateway's codes, and `beneficiaries.errors`.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from beneficiaries import errors
from beneficiaries.errors import AccountRefused, Words
from foundation.gateway.codes import ENQUIRY_REFUSALS


class NextStep(StrEnum):
    """What the page offers first."""

    OTHER_NUMBER = "OTHER_NUMBER"
    OTHER_BANK = "OTHER_BANK"
    VISIT_BANK = "VISIT_BANK"
    POLICE = "POLICE"
    WAIT = "WAIT"
    WARD_OFFICE = "WARD_OFFICE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One code: what is wrong, what to do, and where that leads."""

    code: str
    message: Words
    remedy: Words
    next_step: NextStep


_BANK_SAYS: dict[str, NextStep] = {
    "ACC_NOT_FOUND": NextStep.OTHER_NUMBER,
    "NAME_MISMATCH": NextStep.VISIT_BANK,
    "ID_MISMATCH": NextStep.VISIT_BANK,
    "ACC_INACTIVE": NextStep.OTHER_NUMBER,
    "ACC_TYPE": NextStep.OTHER_NUMBER,
    "BANK_NOT_SUPPORTED": NextStep.OTHER_BANK,
    "BIO_MISSING": NextStep.VISIT_BANK,
    "EID_LEVEL": NextStep.POLICE,
    "TEMPORARY": NextStep.WAIT,
}
_WE_SAY: dict[type[AccountRefused], NextStep] = {
    errors.AccountTaken: NextStep.OTHER_NUMBER,
    errors.SameAccount: NextStep.OTHER_NUMBER,
    errors.TooManyEnquiries: NextStep.WAIT,
    errors.BankNotAccepted: NextStep.OTHER_BANK,
    errors.NotOfThisCity: NextStep.POLICE,
    errors.RecordedAsDeceased: NextStep.WARD_OFFICE,
}
OFFICER = "OFFICER"  # an officer refused; the reason stands in the trail
_UNLISTED = Refusal(
    "",
    _("Ngân hàng không xác nhận tài khoản này"),
    _("Vui lòng dùng tài khoản khác, hoặc đến Ủy ban nhân dân phường, xã để được hỗ trợ."),
    NextStep.WARD_OFFICE,
)

REFUSALS: dict[str, Refusal] = {
    **{
        code: Refusal(code, ENQUIRY_REFUSALS[code].label, ENQUIRY_REFUSALS[code].remedy, step)
        for code, step in _BANK_SAYS.items()
    },
    **{error.code: Refusal(error.code, error.message, error.remedy, step) for error, step in _WE_SAY.items()},
    OFFICER: Refusal(
        OFFICER,
        _("Cán bộ không chấp nhận tài khoản này sau khi xem lại"),
        _("Vui lòng liên hệ Ủy ban nhân dân phường, xã để biết lý do, hoặc đăng ký tài khoản khác."),
        NextStep.WARD_OFFICE,
    ),
}


def refusal_of(code: str) -> Refusal:
    """The words and the way out of a refusal code; an unlisted one gets general words and the ward office."""
    return REFUSALS.get(code, _UNLISTED)
