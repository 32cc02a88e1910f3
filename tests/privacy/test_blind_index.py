import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.privacy.blind_index import (
    NORMALISERS,
    NotNormal,
    account_fingerprint,
    account_fingerprint_many,
    fingerprint,
    fingerprint_many,
)
from tests.privacy.conftest import encoded


class TestFingerprint:
    def test_is_the_documented_hmac(self):
        """Written out by hand: a change of a single byte here would orphan every stored fingerprint."""
        key = bytes(range(100, 132))
        message = b"welfare-portal blind index v1\x00national-id\x00079148001234"
        assert fingerprint("national-id", "079148001234") == hmac.new(key, message, hashlib.sha256).digest()

    def test_another_key_gives_another_one(self, settings):
        before = fingerprint("national-id", "079148001234")
        settings.BLIND_INDEX_KEY = encoded(101)
        assert fingerprint("national-id", "079148001234") != before

    def test_kinds_do_not_meet(self):
        """The same twelve digits as a person, an account and a phone are three unrelated things."""
        made = {
            fingerprint("national-id", "840901234567"),
            fingerprint("account", "970436/840901234567"),
            fingerprint("phone", "+84901234567"),
        }
        assert len(made) == 3

    def test_an_account_counts_with_its_bank(self):
        at_one = account_fingerprint(creditor_agent="970436", creditor_account="0011001234567")
        at_other = account_fingerprint(creditor_agent="970415", creditor_account="0011001234567")
        assert at_one != at_other
        assert at_one == fingerprint("account", "970436/0011001234567")

    def test_leading_zeros_of_an_account_count(self):
        assert fingerprint("account", "970436/0123") != fingerprint("account", "970436/123")

    @pytest.mark.parametrize(
        ("kind", "one", "other"),
        [
            ("national-id", "079148001234", " 079 148 001 234 "),
            ("national-id", "079148001234", "079.148.001-234"),
            ("national-id", "079148001234", "０７９１４８００１２３４"),
            ("account", "970436/0011001234567", "970436/0011 0012 34567"),
            ("account", "970436/AB12", "970436/ab12"),
            ("phone", "0901234567", "+84 90 123 4567"),
            ("phone", "0901234567", "090.123.4567"),
            ("phone", "02838222222", "+842838222222"),
        ],
    )
    def test_ways_of_writing_one_value_agree(self, kind, one, other):
        assert fingerprint(kind, one) == fingerprint(kind, other)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("national-id", ""),
            ("national-id", "79148001234"),
            ("national-id", "0791480012345"),
            ("national-id", "07914800123٣"),
            ("national-id", "07914800123O"),
            ("account", "0011001234567"),
            ("account", "97043/001"),
            ("account", "970436/"),
            ("account", "970436/" + "1" * 20),
            ("account", "970436/12/3"),
            ("account", "970436/12'3"),
            ("phone", ""),
            ("phone", "12"),
            ("phone", "gọi cô Ba"),
        ],
    )
    def test_what_is_not_of_its_kind_is_refused_without_being_repeated(self, kind, value):
        with pytest.raises(NotNormal) as caught:
            fingerprint(kind, value)
        assert not value or value not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_an_unknown_kind_is_a_mistake_of_the_caller(self):
        with pytest.raises(KeyError):
            fingerprint("email", "a@b.vn")

    def test_in_bulk_gives_the_same_in_the_same_order(self):
        values = ["079148001234", "079148001235", "079148001234"]
        assert fingerprint_many("national-id", values) == [fingerprint("national-id", value) for value in values]
        pairs = [("970436", "1"), ("970415", "1")]
        assert account_fingerprint_many(pairs) == [
            account_fingerprint(creditor_agent=agent, creditor_account=number) for agent, number in pairs
        ]

    @given(kind=st.sampled_from(sorted(NORMALISERS)), value=st.text(max_size=30))
    def test_normalising_ends_or_refuses_and_does_nothing_more_the_second_time(self, kind, value):
        try:
            once = NORMALISERS[kind](value)
        except NotNormal:
            return
        assert NORMALISERS[kind](once) == once
        assert once.isascii()

    @given(number=st.from_regex(r"0[35789][0-9]{8}", fullmatch=True))
    def test_every_mobile_number_reads_the_same_with_either_prefix(self, number):
        assert fingerprint("phone", number) == fingerprint("phone", "+84" + number[1:])
