import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from foundation.privacy import keys as keys_module
from foundation.privacy.keys import blind_index_key, field_keys
from tests.privacy.conftest import encoded


class TestFieldKeys:
    def test_the_first_encrypts_and_all_read(self, settings):
        settings.FIELD_KEYS = [f"new:{encoded(7)}", f"old:{encoded(1)}"]
        assert field_keys().current.id == "new"
        assert set(field_keys().by_id) == {b"new", b"old"}

    @pytest.mark.parametrize(
        ("entries", "complaint"),
        [
            ([], "empty"),
            ([encoded(1)], "no colon"),
            ([f":{encoded(1)}"], "1 to 8 characters"),
            ([f"K1:{encoded(1)}"], "1 to 8 characters"),
            ([f"ninechars:{encoded(1)}"], "1 to 8 characters"),
            (["k1:not base64!"], "not base64"),
            (["k1:" + base64.b64encode(b"x" * 16).decode()], "has 16 bytes"),
            (["k1:" + base64.b64encode(b"x" * 33).decode()], "has 33 bytes"),
            (["k1:" + base64.b64encode(bytes(32)).decode()], "one byte repeated"),
            ([f"k1:{encoded(1)}", f"k1:{encoded(2)}"], "stands twice"),
            ([f"k1:{encoded(1)}", f"k2:{encoded(1)}"], "under another id"),
        ],
    )
    def test_a_wrong_entry_is_named_and_its_key_is_not(self, settings, entries, complaint):
        settings.FIELD_KEYS = entries
        with pytest.raises(ImproperlyConfigured, match=complaint) as caught:
            field_keys()
        assert encoded(1) not in str(caught.value)

    def test_a_repr_shows_no_key(self):
        shown = repr(field_keys()) + repr(field_keys().current)
        assert "k1" in shown
        assert encoded(1) not in shown
        assert "AESGCM" not in shown

    def test_are_read_once_and_again_after_a_change(self, settings):
        first = field_keys()
        assert field_keys() is first
        settings.FIELD_KEYS = [f"k2:{encoded(9)}"]
        assert field_keys().current.id == "k2"

    def test_another_setting_does_not_touch_them(self, settings):
        first = field_keys()
        keys_module.forget_keys(setting="DEBUG")
        assert field_keys() is first


class TestBlindIndexKey:
    def test_is_32_bytes(self):
        assert blind_index_key() == base64.b64decode(encoded(100))

    def test_must_be_there(self, settings):
        settings.BLIND_INDEX_KEY = ""
        with pytest.raises(ImproperlyConfigured, match="empty"):
            blind_index_key()

    def test_must_not_be_a_field_key(self, settings):
        settings.BLIND_INDEX_KEY = encoded(1)
        with pytest.raises(ImproperlyConfigured, match="different keys"):
            blind_index_key()
