import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foundation.reference.names import (
    NameMatch,
    bank_form,
    clean_name,
    clean_text,
    compare_names,
    looks_like_old_font,
    name_sort_key,
    place_key,
)
from foundation.reference.values import InvalidValue
from tests.reference.timing import slowest

VIETNAMESE = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"


def shuffled(ordered: list[str]) -> list[str]:
    """The same words in another order, the same in every run."""
    return ordered[1::2] + ordered[::2]


words = st.text(alphabet=VIETNAMESE, min_size=1, max_size=7).map(str.capitalize)
names = st.lists(words, min_size=1, max_size=5).map(" ".join)


class TestCompareNames:
    @pytest.mark.parametrize(
        ("ours", "bank", "result"),
        [
            ("Đặng Thị Ngọc Hà", "DANG THI NGOC HA", NameMatch.MATCH),
            ("Ðặng Thị Ngọc Hà", "DANG THI NGOC HA", NameMatch.MATCH),  # U+00D0, the Icelandic look-alike
            ("Nguyễn Thị Hoà", "NGUYEN THI HOA", NameMatch.MATCH),
            ("Nguyễn Thị Hòa", "nguyen  thi hoa", NameMatch.MATCH),
            ("K'Sor H'Blơi", "KSOR H BLOI", NameMatch.MATCH_NOTE),
            ("Nguyễn Văn Quí", "NGUYEN VAN QUY", NameMatch.REVIEW),
            ("Đặng Thị Ngọc Hà", "HA DANG THI NGOC", NameMatch.REVIEW),
            ("Nguyễn Thị Hoàng Mai An Khánh", "NGUYEN THI HOANG MAI AN", NameMatch.REVIEW),
            ("Nguyễn Văn An", "NguyÔn V¨n An", NameMatch.REVIEW),  # TCVN3
            ("Nguyễn Văn Sáu", "NGUYEN VAN SAO", NameMatch.MISMATCH),
            ("Nguyễn Văn An", "NGUYEN VAN ANH", NameMatch.MISMATCH),
            ("Nguyễn Văn Anh", "NGUYEN VAN AN", NameMatch.MISMATCH),  # too short to be a cut name
            ("Nguyễn Thị Ngọc Hà", "NGUYEN THI HA", NameMatch.MISMATCH),
            ("Nguyễn Văn An", "", NameMatch.MISMATCH),
            ("", "", NameMatch.MISMATCH),
        ],
    )
    def test_follows_the_table(self, ours, bank, result):
        assert compare_names(ours, bank).result is result

    def test_never_lets_a_score_decide(self):
        near = compare_names("Nguyễn Văn An", "NGUYEN VAN ANH")
        assert near.score > 0.95
        assert near.result is NameMatch.MISMATCH

    @given(names)
    def test_matches_what_a_bank_makes_of_the_name(self, name):
        assert compare_names(name, bank_form(name)).result is NameMatch.MATCH

    @given(names, names)
    def test_passes_only_names_with_the_same_letters(self, left, right):
        passed = compare_names(left, right).result in {NameMatch.MATCH, NameMatch.MATCH_NOTE}
        assert passed == (bank_form(left).replace(" ", "") == bank_form(right).replace(" ", ""))

    @given(names)
    def test_does_not_depend_on_the_form_of_unicode(self, name):
        assert bank_form(unicodedata.normalize("NFD", name)) == bank_form(unicodedata.normalize("NFC", name))


class TestCleanName:
    @given(names)
    def test_leaves_a_clean_name_as_it_is(self, name):
        assume(not looks_like_old_font(name))  # letters drawn at random may spell the old fonts' nonsense
        assert clean_name(name) == unicodedata.normalize("NFC", name)
        assert clean_name(unicodedata.normalize("NFD", name)) == clean_name(name)

    def test_collapses_white_space_and_line_breaks(self):
        assert clean_name("  Nguyễn\u00a0 Thị\n Hoà\t") == "Nguyễn Thị Hoà"

    def test_makes_the_look_alike_letter_vietnamese(self):
        assert clean_name("Ðặng Văn Ba") == "Đặng Văn Ba"

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("", "NAME_MISSING"),
            ("   ", "NAME_MISSING"),
            ("Nguyễn\u200bVăn An", "INVISIBLE_CHARACTER"),
            ("Nguyễn \u202eVăn An", "INVISIBLE_CHARACTER"),
            ("\ufeffNguyễn Văn An", "INVISIBLE_CHARACTER"),
            ("Nguyễn\x00Văn An", "INVISIBLE_CHARACTER"),
            ("Nguyễn \x1b[31mAn", "INVISIBLE_CHARACTER"),
            ("Nguyễn \ud800An", "INVISIBLE_CHARACTER"),
            ("NguyÔn V¨n An", "NAME_OLD_FONT"),
            ("Nguyeãn Vaên An", "NAME_OLD_FONT"),
            ("Nguyễn Văn \u0410n", "NAME_NOT_LETTERS"),  # Cyrillic А
            ("Nguyễn Văn A1", "NAME_NOT_LETTERS"),
            ("=cmd|' /C calc'!A0", "NAME_NOT_LETTERS"),
            ("<b>An</b>", "NAME_NOT_LETTERS"),
            ("...", "NAME_NOT_LETTERS"),
            ("A" * 121, "TOO_LONG"),
        ],
    )
    def test_refuses_and_says_what_to_do(self, name, code):
        with pytest.raises(InvalidValue) as refused:
            clean_name(name)
        assert refused.value.code == code
        assert str(refused.value.repair)
        assert not name.strip() or name not in str(refused.value)

    @pytest.mark.parametrize(
        "name",
        ["Giàng A Pó", "H'Blơi Niê", "Y Thắng Ayun", "Mohamad Isa", "Thạch Sà Rây", "Phạm Thị Ngoãn", "Quách Uyển"],
    )
    def test_takes_names_of_every_people_of_the_city(self, name):
        assert clean_name(name) == name

    def test_is_fast_on_anything(self):
        assert slowest(clean_name) < 0.5
        assert slowest(lambda text: clean_text(text, limit=250)) < 0.5

    @pytest.mark.parametrize(
        "words",
        ["Nguyễn Hoàng Uyên", "Khuê Giã Xoan Yến", "Thuỷ Quỳnh Ngoan Hiếu", "Dược Luỹ Huỳnh Oanh", "Tuyết Khoẻ Ngoãn"],
    )
    def test_does_not_take_vietnamese_for_an_old_font(self, words):
        assert not looks_like_old_font(words)


class TestSortKeys:
    def test_orders_letters_and_tones_as_vietnamese_does(self):
        ordered = ["An", "Ân", "Bá", "Chi", "Dung", "Đào", "Em", "Ên", "Oanh", "Ôn", "Ơn", "Uyên", "Ưng", "Ý"]
        assert sorted(shuffled(ordered), key=name_sort_key) == ordered
        tones = ["Ma", "Mà", "Mả", "Mã", "Má", "Mạ", "Mai"]
        assert sorted(shuffled(tones), key=name_sort_key) == tones

    def test_orders_by_given_name_first(self):
        ordered = ["Trần Văn An", "Lê Thị Bình", "Nguyễn Văn Bình", "Bùi Anh Dũng"]
        assert sorted(shuffled(ordered), key=name_sort_key) == ordered

    @given(names)
    def test_fits_its_column_and_is_plain(self, name):
        key = name_sort_key(name)
        assert key.isascii()
        assert len(key) <= 250

    def test_keeps_two_communes_apart_that_differ_by_a_mark(self):
        assert place_key("Thanh An") != place_key("Thạnh An")

    def test_does_not_mind_where_the_tone_stands_or_how_the_number_is_written(self):
        assert place_key("Hoà Bình") == place_key("Hòa Bình") == place_key("HÒA  BÌNH")
        assert place_key("Khu phố 3") == place_key("Khu phố 03")
        assert place_key("Khu phố 2") < place_key("Khu phố 10")

    def test_is_fast_on_anything(self):
        assert slowest(name_sort_key) < 2
        assert slowest(place_key) < 2
