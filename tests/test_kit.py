"""The pages' kit: drawn to scale, written as people write it, and nothing of a value is taken for markup."""

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from welfare_portal.templatetags import kit


def rectangles(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(w)) for x, w in re.findall(r'x="([-\d.]+)%" y="0" width="([-\d.]+)%"', svg)]


class TestBar:
    @given(st.lists(st.integers(0, 10**12), min_size=1, max_size=8))
    def test_parts_lie_side_by_side_within_the_whole(self, sizes: list[int]) -> None:
        parts = [value for number, size in enumerate(sizes) for value in (f"p{number}", size)]
        drawn = rectangles(kit.bar("x", *parts))
        assert len(drawn) == len(sizes)
        end = 0.0
        for (left, width), size in zip(drawn, sizes, strict=True):
            assert left == pytest.approx(end, abs=0.05)
            assert width >= 0
            assert (width > 0.4) == (size > 0)
            end = left + width
        assert end <= 100.05

    def test_is_to_scale(self) -> None:
        assert rectangles(kit.bar("x", "done", 30, "open", 10)) == [(0.0, 75.0), (75.0, 25.0)]

    def test_of_nothing_is_empty(self) -> None:
        assert rectangles(kit.bar("x", "done", 0, "open", None)) == [(0.0, 0.0), (0.0, 0.0)]

    def test_takes_no_markup_from_its_words(self) -> None:
        drawn = kit.bar('"><script>', "done", 1)
        assert "<script>" not in drawn


class TestWriting:
    def test_money(self) -> None:
        assert kit.vnd(1_625_000) == "1.625.000\u00a0đ"
        assert kit.vnd(None) == ""
        assert kit.grouped(1_625_000) == "1.625.000"

    def test_days_in_the_citys_time(self) -> None:
        late = datetime.datetime(2026, 11, 24, 18, 30, 5, tzinfo=datetime.UTC)
        assert kit.day(late) == "25/11/2026"
        assert kit.moment(late) == "01:30:05, 25/11/2026"
        assert kit.clock(late) == "01:30"
        assert kit.month(datetime.date(2026, 11, 1)) == "11/2026"
        assert (kit.day(None), kit.moment(None), kit.clock(None), kit.month(None)) == ("", "", "", "")

    def test_shares(self) -> None:
        assert kit.percent(1, 8) == "12,5 %"
        assert kit.percent(1, 0) == "–"
