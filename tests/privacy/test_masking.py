import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from foundation.privacy.masking import mask_account, mask_national_id, mask_phone


class TestMasking:
    @pytest.mark.parametrize(
        ("mask", "value", "shown"),
        [
            (mask_national_id, "079148001234", "079 148 *** 234"),
            (mask_national_id, "079 148 001 234", "079 148 *** 234"),
            (mask_national_id, "024123456", "**** 456"),
            (mask_national_id, "", "****"),
            (mask_national_id, None, "****"),
            (mask_account, "0011001234567", "**** 4567"),
            (mask_account, "12345678", "**** 5678"),
            (mask_account, "123456", "**** 456"),
            (mask_account, "1234", "**** 34"),
            (mask_account, "123", "****"),
            (mask_account, None, "****"),
            (mask_phone, "+84901234567", "090* *** 567"),
            (mask_phone, "0901 234 567", "090* *** 567"),
            (mask_phone, "02838222222", "**** 222"),
        ],
    )
    def test_shows_what_the_owner_needs(self, mask, value, shown):
        assert mask(value) == shown

    @given(value=st.from_regex(r"[0-9A-Z]{1,19}", fullmatch=True))
    def test_never_shows_half_of_an_account_or_its_first_half(self, value):
        digits = mask_account(value).replace("*", "").replace(" ", "")
        assert len(digits) <= len(value) // 2
        assert value.endswith(digits)

    @given(value=st.text(max_size=30))
    def test_takes_any_text_whatever(self, value):
        for mask in (mask_national_id, mask_account, mask_phone):
            assert "*" in mask(value)

    @given(value=st.from_regex(r"[0-9]{2,30}", fullmatch=True))
    def test_never_shows_a_whole_number(self, value):
        for mask in (mask_national_id, mask_account, mask_phone):
            assert value not in mask(value).replace(" ", "")

    def test_is_a_filter_of_templates(self):
        page = Template("{% load privacy %}{{ n|masked_national_id }};{{ a|masked_account }};{{ p|masked_phone }}")
        shown = page.render(Context({"n": "079148001234", "a": "0011001234567", "p": "0901234567"}))
        assert shown == "079 148 *** 234;**** 4567;090* *** 567"
