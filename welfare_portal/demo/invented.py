"""Words and numbers that invented people are made of: names as frequent as in the city, banks by share of accounts.

Nobody here exists. Personal IDs have the right structure and a serial of ours; family names and their frequencies are
common knowledge (about 31 in 100 people are Nguyễn), with the Hoa, Khmer, Chăm and highland names of a ward's list.
"""

import datetime
import random
from dataclasses import dataclass
from itertools import accumulate

from foundation.reference.identifiers import Sex, first_digits_year

Weighted = tuple[tuple[str, int], ...]


def _weighted(text: str) -> Weighted:
    """`A 3, B C 1` as (("A", 3), ("B C", 1)); `-` stands for no word."""
    pairs = (entry.rsplit(" ", 1) for entry in text.split(", "))
    return tuple(("" if word == "-" else word, int(weight)) for word, weight in pairs)


FAMILY = _weighted(
    "Nguyễn 310, Trần 110, Lê 88, Phạm 60, Huỳnh 50, Phan 34, Võ 32, Đặng 24, Bùi 20, Đỗ 19, Hồ 18, Ngô 17, Dương 15, "
    "Lý 14, Trương 22, Vũ 20, Hoàng 16, Đinh 9, Lâm 9, Mai 8, Cao 7, Đoàn 8, Hà 7, Lương 8, Tô 5, Quách 3, Lưu 5, "
    "Tăng 3, Diệp 3, Châu 5, Thái 4, Tạ 4, Triệu 2, Kiều 2, Thạch 3, Sơn 1, Danh 1"
)
MIDDLE = {
    "M": _weighted("Văn 45, Hữu 8, Minh 8, Thanh 6, Đức 5, Quốc 6, Ngọc 5, Công 4, Hoàng 4, - 9"),
    "F": _weighted("Thị 62, Ngọc 8, Thị Ngọc 6, Thị Thanh 4, Kim 6, Thu 3, Mỹ 3, Thị Kim 4, - 4"),
}
GIVEN_OLD = {
    "M": "Ba Bảy Sáu Tư Năm Chín Mười Hai Lành Hiền Phước Đức Tài Thọ Khải Nghĩa Thành Quang Hùng Dũng Sơn Long Hòa "
    "Bình An Xuân Nhơn Út Đực Cảnh Tấn Phúc Lộc Mẫn Kiệt Thuận Quý Tín Lễ Liêm Dân",
    "F": "Hai Ba Tư Năm Sáu Bảy Tám Chín Mười Út Hoa Lan Huệ Cúc Mai Đào Lý Hồng Nga Liên Sen Lài Bông Gái Thơm "
    "Hường Ánh Nguyệt Tuyết Mận Lựu Bưởi Xuân Thu Đông Hạnh Dung Ngôn Phượng Yến Oanh Nhàn Lành Thảo Bích Ngà",
}
GIVEN_YOUNG = {
    "M": "Huy Khang Bảo Khôi Phát Đạt Tuấn Hoàng Nam Khoa Minh Phong Tùng Thiện Hiếu Trung Quân Vinh Nghĩa Thịnh Tâm",
    "F": "Ngân Thảo Trâm Vy Linh Anh Thư Trinh Như Quỳnh Nhi My Uyên Châu Hân Trang Hương Thủy Giang Diễm Tiên Ngọc",
}
# Two marks on one letter, apostrophes, one word, a family name that is written last: what systems stumble on.
MINORITY = {
    "M": "K'Brẽo, Y Thắng Ayun, Mohamad Isa, Thạch Sà Rây, Kim Sóc Kha, Giàng A Pó, Lò Văn Ến, Tăng Chí Cường, "
    "Lâm A Lìl",
    "F": "H'Blơi Niê, Ka Thị Srem, Sa Ly Hah, Danh Thị Sà Mone, Vàng Thị Mỷ, Quách Muội, Thị Nhíp",
}
STREETS = [
    "Lê Lợi",
    "Phạm Ngũ Lão",
    "Bùi Viện",
    "Lê Lai",
    "Nguyễn Trãi",
    "Calmette",
    "Đề Thám",
    "Cống Quỳnh",
    "Nguyễn Thái Học",
    "Lý Tự Trọng",
    "Nguyễn An Ninh",
    "Lưu Văn Lang",
    "Thủ Khoa Huân",
    "Trương Định",
    "Đặng Thị Nhu",
    "Ký Con",
    "Yersin",
]
MOBILE_PREFIXES = [
    "090",
    "091",
    "093",
    "094",
    "096",
    "097",
    "098",
    "086",
    "088",
    "089",
    "070",
    "077",
    "078",
    "079",
    "081",
    "083",
    "085",
    "033",
    "035",
    "037",
    "038",
    "039",
    "056",
]
# BIN, share of accounts, first digits, whole length; lengths and first digits only look like the bank's.
BANKS = (
    ("970405", 22, "16", 13),
    ("970436", 16, "00", 13),
    ("970415", 12, "1", 12),
    ("970418", 12, "31", 13),
    ("970422", 8, "08", 13),
    ("970403", 7, "0", 12),
    ("970416", 5, "", 11),
    ("970407", 4, "190", 14),
    ("970432", 4, "1", 12),
    ("970449", 4, "0", 12),
    ("970423", 3, "0", 12),
    ("970437", 3, "2", 12),
)
# The personal IDs of people who only receive for others come from other provinces than those of beneficiaries: with
# the serial below, no two people of one list can then have one number.
HOME_PREFIXES = _weighted("079 70, 001 3, 036 3, 048 3, 051 4, 060 3, 086 4, 092 4, 089 6")
AWAY_PREFIXES = _weighted("074 30, 077 30, 080 12, 082 12, 072 8, 087 8")

_CUMULATED: dict[int, list[int]] = {}


def choose(rng: random.Random, table: Weighted) -> str:
    """One of the words, by weight."""
    weights = _CUMULATED.get(id(table))
    if weights is None:
        weights = _CUMULATED[id(table)] = list(accumulate(weight for _, weight in table))
    return rng.choices(table, cum_weights=weights)[0][0]


_WORDS: dict[tuple[str, bool], list[str]] = {
    **{(sex, True): words.split() for sex, words in GIVEN_OLD.items()},
    **{(sex, False): words.split() for sex, words in GIVEN_YOUNG.items()},
}


def invent_name(rng: random.Random, sex: Sex, birth_year: int, *, family: str | None = None) -> str:
    """A full name; one in fifty is of an ethnic minority, unless the family name is given."""
    if family is None and rng.random() < 0.02:
        return rng.choice(MINORITY[sex].split(", "))
    middle = choose(rng, MIDDLE[sex])
    given = rng.choice(_WORDS[sex, birth_year < 1975])
    return " ".join(part for part in (family or choose(rng, FAMILY), middle, given) if part)


def invent_national_id(rng: random.Random, *, serial: int, birth: datetime.date, sex: Sex, away: bool = False) -> str:
    """A personal ID of the right structure, unique by its serial (0 to 999,999) among home and among away people."""
    prefix = choose(rng, AWAY_PREFIXES if away else HOME_PREFIXES)
    # 333,667 shares no factor with a million, so this is a permutation: serials look scattered and never repeat.
    return f"{prefix}{first_digits_year(birth, sex)}{(serial * 333_667 + 71_503) % 1_000_000:06d}"


def invent_phone(rng: random.Random) -> str:
    """A mobile number as people write it."""
    return rng.choice(MOBILE_PREFIXES) + f"{rng.randrange(10_000_000):07d}"


@dataclass(frozen=True, slots=True)
class InventedAccount:
    """An account at a bank."""

    bank_bin: str
    number: str


# How the mock gateway answers for an account is told by its last four digits (docs/gateway-contract.md has the codes).
CLOSED, BLOCKED, WRONG_NAME, LATE, TIMEOUT_BEFORE, TIMEOUT_AFTER = "9901", "9902", "9903", "9910", "9920", "9921"


def ending(rng: random.Random, serial: int) -> str:
    """The last four digits of the account with this serial: ordinary, save about one in fifty."""
    if serial in {40, 300}:
        return TIMEOUT_BEFORE
    if serial in {80, 500}:
        return TIMEOUT_AFTER
    if serial % 67 == 5:  # one and a half in a hundred
        return (CLOSED, BLOCKED, WRONG_NAME)[serial // 67 % 3]
    if serial % 200 == 9:  # half in a hundred
        return LATE
    return f"{rng.randrange(9_900):04d}"


_BANK_WEIGHTS = list(accumulate(bank[1] for bank in BANKS))


def invent_account(rng: random.Random, serial: int) -> InventedAccount:
    """An account that no other serial has: the serial stands in the middle of its number."""
    bank_bin, _, first, length = rng.choices(BANKS, cum_weights=_BANK_WEIGHTS)[0]
    # 3,336,673 shares no factor with ten million: the middle looks scattered and never repeats.
    middle = f"{(serial * 3_336_673 + 1_715_037) % 10_000_000:0{length - len(first) - 4}d}"
    return InventedAccount(bank_bin, f"{first}{middle}{ending(rng, serial)}")
