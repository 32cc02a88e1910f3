"""Sums in words, as they stand beside the figures on papers that are signed."""

import pytest

from foundation.reference.amounts import amount_in_words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Không đồng"),
        (1, "Một đồng"),
        (5, "Năm đồng"),
        (10, "Mười đồng"),
        (11, "Mười một đồng"),
        (14, "Mười bốn đồng"),
        (15, "Mười lăm đồng"),
        (20, "Hai mươi đồng"),
        (21, "Hai mươi mốt đồng"),
        (24, "Hai mươi tư đồng"),
        (55, "Năm mươi lăm đồng"),
        (100, "Một trăm đồng"),
        (101, "Một trăm lẻ một đồng"),
        (105, "Một trăm lẻ năm đồng"),
        (115, "Một trăm mười lăm đồng"),
        (1_000, "Một nghìn đồng"),
        (1_005, "Một nghìn không trăm lẻ năm đồng"),
        (10_000, "Mười nghìn đồng"),
        (650_000, "Sáu trăm năm mươi nghìn đồng"),
        (1_625_000, "Một triệu sáu trăm hai mươi lăm nghìn đồng"),
        (1_000_001, "Một triệu không trăm lẻ một đồng"),
        (842_650_000, "Tám trăm bốn mươi hai triệu sáu trăm năm mươi nghìn đồng"),
        (5_000_000_000, "Năm tỷ đồng"),
        (2_004_000_500, "Hai tỷ không trăm lẻ bốn triệu năm trăm đồng"),
        (1_021_000_000_000, "Một nghìn không trăm hai mươi mốt tỷ đồng"),
        (999_999_999_999, "Chín trăm chín mươi chín tỷ chín trăm chín mươi chín triệu chín trăm chín mươi chín nghìn "
         "chín trăm chín mươi chín đồng"),
    ],
)  # fmt: skip
def test_are_said_as_accountants_write_them(amount: int, words: str) -> None:
    assert amount_in_words(amount) == words


def test_are_different_for_different_sums() -> None:
    sums = [*range(3_000), *range(999_000, 1_002_000), *range(10**9 - 1_500, 10**9 + 1_500)]
    assert len({amount_in_words(amount) for amount in sums}) == len(sums)


def test_are_not_said_of_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="negative"):
        amount_in_words(-1)
