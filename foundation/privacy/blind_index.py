"""Finding a person or an account by a number that is stored encrypted: a keyed fingerprint of the normalised value.

HMAC-SHA256 under a key of its own. A plain hash would be no protection: all national ID numbers can be tried in
minutes. The kind is part of what is signed, so that a phone and an account with the same digits have unrelated
fingerprints. Equal values give equal fingerprints by design; therefore they are never shown, exported or logged.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable

import phonenumbers

from foundation.privacy.keys import blind_index_key

_DOMAIN = b"welfare-portal blind index v1\0"

_BETWEEN_DIGITS = re.compile(r"[\s.\-]+")
_NATIONAL_ID = re.compile(r"[0-9]{12}")
_BANK_BIN = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(
    r"[0-9A-Z]{1,19}"
)  # VietQR (NAPAS 9/2021): up to 19 alphanumeric characters, leading zeros count
_MOBILE = re.compile(r"(?:\+84|0)([35789][0-9]{8})")


class NotNormal(ValueError):
    """The value is not of its kind; the text names the kind and never the value."""


def fingerprint(kind: str, value: str) -> bytes:
    """The 32-byte fingerprint of one value.

    Kinds: `national-id` (12 digits), `account` (`BIN/number`, better through `account_fingerprint`), `phone` (any way
    of writing a number that can be dialled in Viet Nam).

    Raises:
        NotNormal: The value is not of that kind.
        KeyError: There is no such kind.
    """
    return fingerprint_many(kind, [value])[0]


def fingerprint_many(kind: str, values: Iterable[str]) -> list[bytes]:
    """Fingerprints of many values of one kind, in order; raises as `fingerprint` does, at the first wrong one."""
    normalise = NORMALISERS[kind]
    prefix = _DOMAIN + kind.encode() + b"\0"
    key = blind_index_key()
    return [hmac.digest(key, prefix + normalise(value).encode(), "sha256") for value in values]


def account_fingerprint(*, creditor_agent: str, creditor_account: str) -> bytes:
    """The fingerprint of an account at a bank; `creditor_agent` is the 6-digit BIN.

    A bank with two BINs counts as two banks here: the caller passes the one that the reference list puts first.
    """
    return fingerprint("account", f"{creditor_agent}/{creditor_account}")


def account_fingerprint_many(accounts: Iterable[tuple[str, str]]) -> list[bytes]:
    """Fingerprints of (BIN, number) pairs, in order."""
    return fingerprint_many("account", (f"{creditor_agent}/{number}" for creditor_agent, number in accounts))


def normalise_national_id(value: str) -> str:
    """The 12 digits, without the spaces, dots and hyphens that people put between them."""
    digits = _BETWEEN_DIGITS.sub("", _plain(value))
    if not _NATIONAL_ID.fullmatch(digits):
        raise NotNormal("not a national ID number of 12 digits")
    return digits


def normalise_account(value: str) -> str:
    """`BIN/number`: the number upper-case, without spaces, dots and hyphens, its leading zeros kept."""
    creditor_agent, _, number = _plain(value).partition("/")
    number = _BETWEEN_DIGITS.sub("", number).upper()
    if not _BANK_BIN.fullmatch(creditor_agent) or not _ACCOUNT.fullmatch(number):
        raise NotNormal("not a bank's 6 digits, a slash and an account number of 1 to 19 letters and digits")
    return f"{creditor_agent}/{number}"


def normalise_phone(value: str) -> str:
    """The number in E.164 form, `+84901234567`."""
    compact = _BETWEEN_DIGITS.sub("", _plain(value))
    if mobile := _MOBILE.fullmatch(compact):  # nearly all of them, a hundred times faster than the parser below
        return f"+84{mobile[1]}"
    try:
        parsed = phonenumbers.parse(compact, "VN")
    except phonenumbers.NumberParseException:
        raise NotNormal("not a phone number") from None
    if not phonenumbers.is_possible_number(parsed):
        raise NotNormal("not a phone number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _plain(value: str) -> str:
    """Full-width digits and letters as ASCII; digits of other scripts stay what they are and are then refused."""
    return unicodedata.normalize("NFKC", value).strip()


NORMALISERS: dict[str, Callable[[str], str]] = {
    "national-id": normalise_national_id,
    "account": normalise_account,
    "phone": normalise_phone,
}
