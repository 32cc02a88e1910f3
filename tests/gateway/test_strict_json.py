import contextlib
import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.gateway.strict_json import NotStrict, loads, loads_object

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


class TestStrictJson:
    @given(value=JSON)
    def test_reads_what_is_json(self, value):
        assert loads(json.dumps(value).encode()) == value

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"", "not JSON"),
            (b"<html></html>", "not JSON"),
            (b'{"a": 1', "not JSON"),
            (b'{"a": 1} x', "not JSON"),
            (b'{"a": 01}', "not JSON"),
            (b'{"a": "\x01"}', "not JSON"),
            (b"{'a': 1}", "not JSON"),
            (b"\xef\xbb\xbf{}", "not JSON"),
            ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
            (b'{"a": "\xff"}', "not UTF-8"),
            (b'{"a": NaN}', "not JSON"),
            (b'{"a": Infinity}', "not JSON"),
            (b'{"a": -Infinity}', "not JSON"),
            (b'{"a": 1e400}', "too large"),
            (b'{"a": -1e999999999}', "too large"),
            (b'{"a": 9223372036854775808}', "too large"),
            (b'{"a": ' + b"9" * 500_000 + b"}", "too large"),
            (b'{"a": 1, "a": 1}', "stands twice"),
            (b'{"a": {"b": 1, "b": 2}}', "stands twice"),
            (b"[" * 500_000, "too deeply"),
            (b'{"a":' * 200_000, "too deeply"),
        ],
    )
    def test_refuses_what_two_readers_could_read_differently(self, data, why):
        with pytest.raises(NotStrict, match=why):
            loads(data)

    @given(data=st.binary(max_size=60))
    def test_garbage_gives_the_one_error_or_a_value(self, data):
        with contextlib.suppress(NotStrict):
            loads(data)

    def test_the_error_does_not_repeat_the_document(self):
        document = b'{"account_number": "%d" "x"}' % 71_000_123_456
        with pytest.raises(NotStrict) as caught:
            loads(document)
        assert "71000123456" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize("data", [b"[]", b"1", b'"a"', b"null"])
    def test_an_object_may_be_asked_for(self, data):
        with pytest.raises(NotStrict, match="not an object"):
            loads_object(data)
