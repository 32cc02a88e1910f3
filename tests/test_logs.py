"""Log lines never carry a citizen's numbers, whoever writes them there."""

import pytest

from welfare_portal.logs import mask_numbers

CANARIES = ["079148001234", "0071001234567", "+84901234567", "0901234567", "9704361234567890"]


@pytest.mark.parametrize("number", CANARIES)
def test_masks_all_but_the_last_three_digits(number: str) -> None:
    event = mask_numbers(None, "info", {"event": f"paid {number} today", "value": number})
    assert number not in str(event)
    assert event["event"] == f"paid ***{number[-3:]} today"


@pytest.mark.parametrize("harmless", ["0193a2c37d5e7c20a1b2c3d4e5f60718", "0.007123898s", "chunk 12-3", "650000 đ"])
def test_leaves_what_is_no_number_of_a_person(harmless: str) -> None:
    assert mask_numbers(None, "info", {"event": harmless})["event"] == harmless


def test_masks_inside_nested_values_too() -> None:
    event = mask_numbers(None, "info", {"event": "x", "rows": [{"account": "0071001234567"}], "n": 79148001234})
    assert "0071001234567" not in str(event)
    assert "79148001234" not in str(event)
