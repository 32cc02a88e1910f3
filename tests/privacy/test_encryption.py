import traceback
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from foundation.privacy.encryption import (
    DecryptionFailed,
    decrypt,
    decrypt_bytes,
    decrypt_bytes_many,
    decrypt_many,
    encrypt,
    encrypt_many,
    needs_rotation,
)
from tests.privacy.conftest import encoded

NUMBER = "079148001234"
PLACE: dict[str, Any] = {"context": "person.national_id", "row_id": 41}


def flipped(ciphertext: bytes, position: int) -> bytes:
    return ciphertext[:position] + bytes([ciphertext[position] ^ 1]) + ciphertext[position + 1 :]


class TestRoundTrip:
    def test_gives_back_vietnamese_text(self):
        assert decrypt(encrypt("Đặng Thị Ngọc Hà", **PLACE), **PLACE) == "Đặng Thị Ngọc Hà"

    def test_takes_what_the_database_driver_returns(self):
        assert decrypt(memoryview(encrypt(NUMBER, **PLACE)), **PLACE) == NUMBER

    @given(data=st.binary(max_size=300), row_id=st.integers() | st.text(max_size=40))
    def test_gives_back_any_bytes_for_any_row(self, data, row_id):
        assert decrypt_bytes(encrypt(data, context="a.b", row_id=row_id), context="a.b", row_id=row_id) == data

    @given(texts=st.lists(st.text(max_size=40), max_size=20))
    def test_in_bulk_keeps_the_order(self, texts):
        sealed = encrypt_many(enumerate(texts), context="a.b")
        assert decrypt_many(enumerate(sealed), context="a.b") == texts

    def test_two_encryptions_of_one_value_differ(self):
        assert encrypt(NUMBER, **PLACE) != encrypt(NUMBER, **PLACE)

    def test_has_the_documented_layout(self):
        """Built here by hand from the layout: stored rows must stay readable, whatever the code becomes."""
        key, nonce = bytes(range(1, 33)), b"twelve bytes"
        header = b"\x01\x02k1"
        body = AESGCM(key).encrypt(nonce, NUMBER.encode(), header + b"person.national_id\x0041")
        assert decrypt(header + nonce + body, **PLACE) == NUMBER

    def test_adds_as_many_bytes_as_promised(self, settings):
        settings.FIELD_KEYS = [f"k:{encoded(1)}"]
        assert len(encrypt(NUMBER, **PLACE)) == len(NUMBER) + 31


class TestRefusal:
    def test_a_value_of_another_row_does_not_open(self):
        with pytest.raises(DecryptionFailed, match="another row"):
            decrypt(encrypt(NUMBER, context="account.number", row_id=1), context="account.number", row_id=2)

    def test_a_value_of_another_column_does_not_open(self):
        with pytest.raises(DecryptionFailed, match="another row"):
            decrypt(encrypt(NUMBER, context="account.number", row_id=1), context="person.national_id", row_id=1)

    def test_no_two_places_share_their_associated_data(self):
        with pytest.raises(DecryptionFailed):
            decrypt(encrypt(NUMBER, context="a", row_id="b1"), context="ab", row_id=1)
        with pytest.raises(ValueError, match="short lower-case name"):
            encrypt(NUMBER, context="a\0b", row_id=1)

    @given(position=st.integers(min_value=0, max_value=43))
    def test_a_changed_byte_anywhere_is_found(self, position):
        ciphertext = encrypt(NUMBER, **PLACE)
        assert len(ciphertext) == 44
        with pytest.raises(DecryptionFailed):
            decrypt(flipped(ciphertext, position), **PLACE)

    @given(length=st.integers(min_value=0, max_value=43))
    def test_a_cut_value_is_found(self, length):
        with pytest.raises(DecryptionFailed):
            decrypt(encrypt(NUMBER, **PLACE)[:length], **PLACE)

    @given(garbage=st.binary(max_size=80))
    def test_garbage_is_refused_with_the_one_error(self, garbage):
        with pytest.raises(DecryptionFailed):
            decrypt(garbage, **PLACE)

    def test_bulk_names_the_row_and_gives_nothing(self):
        rows = list(zip("abc", encrypt_many(zip("abc", "123", strict=True), context="a.b"), strict=True))
        rows[1] = ("b", flipped(rows[1][1], 30))
        with pytest.raises(DecryptionFailed) as caught:
            decrypt_bytes_many(rows, context="a.b")
        assert caught.value.row_id == "b"

    def test_bytes_that_are_not_text_are_named_by_row(self):
        sealed = [(1, encrypt("a", context="a.b", row_id=1)), (2, encrypt(b"\xff", context="a.b", row_id=2))]
        with pytest.raises(DecryptionFailed, match="not text") as caught:
            decrypt_many(sealed, context="a.b")
        assert caught.value.row_id == 2

    @pytest.mark.parametrize("data", [NUMBER.encode(), b"\xff" + NUMBER.encode()])
    def test_no_error_holds_plaintext_or_key(self, data):
        ciphertext = encrypt(data, **PLACE)
        with pytest.raises(DecryptionFailed) as caught:
            decrypt(ciphertext if data[0] == 0xFF else flipped(ciphertext, 40), **PLACE)
        error = caught.value
        shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        assert NUMBER not in shown
        assert encoded(1) not in shown
        assert error.__cause__ is None
        assert error.__context__ is None or error.__suppress_context__


class TestRotation:
    def test_old_values_stay_readable_and_are_named(self, settings):
        old = encrypt(NUMBER, **PLACE)
        settings.FIELD_KEYS = [f"k2:{encoded(50)}", f"k1:{encoded(1)}"]
        new = encrypt(NUMBER, **PLACE)
        assert decrypt(old, **PLACE) == decrypt(new, **PLACE) == NUMBER
        assert decrypt_many([(41, old), (41, new)], context=PLACE["context"]) == [NUMBER, NUMBER]
        assert needs_rotation(old)
        assert not needs_rotation(new)

    def test_an_id_that_begins_like_the_current_one_is_another_key(self, settings):
        settings.FIELD_KEYS = [f"k10:{encoded(1)}"]
        long = encrypt(NUMBER, **PLACE)
        settings.FIELD_KEYS = [f"k1:{encoded(2)}", f"k10:{encoded(1)}"]
        assert needs_rotation(long)
        assert decrypt(long, **PLACE) == NUMBER

    def test_a_key_taken_away_is_told_apart_from_damage(self, settings):
        old = encrypt(NUMBER, **PLACE)
        settings.FIELD_KEYS = [f"k2:{encoded(50)}"]
        with pytest.raises(DecryptionFailed, match="no key for it"):
            decrypt(old, **PLACE)

    def test_a_key_id_changed_by_hand_does_not_open(self, settings):
        settings.FIELD_KEYS = [f"k1:{encoded(1)}", f"k2:{encoded(50)}"]
        ciphertext = encrypt(NUMBER, **PLACE)
        with pytest.raises(DecryptionFailed):
            decrypt(ciphertext.replace(b"k1", b"k2", 1), **PLACE)
