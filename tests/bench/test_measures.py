"""What the benchmark says of its figures: medians of slices that met the same weather, and bars that can be missed."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from welfare_portal.bench import plot
from welfare_portal.bench.measures import Measure, in_turn, portions
from welfare_portal.bench.plans import shortened

KEYS = {
    "measure",
    "n",
    "per_second",
    "floor_per_second",
    "plain_per_second",
    "ratio_to_floor",
    "ratio_to_plain",
    "peak_mb",
}


def measured(*slices: tuple[float, float], bar: float = 0.5, plain: float | None = None, **more: Any) -> Measure:
    """Slices of 100 lines each, in seconds of the portal and of the floor."""
    measure = Measure("dispatch_to_settled", bar=bar, plain=plain, **more)
    for number, (seconds, bare) in enumerate(slices):
        measure.add(
            lines=100,
            seconds=seconds,
            floor_seconds=bare,
            peak=SimpleNamespace(megabytes=50.0 + number),  # type: ignore[arg-type]
        )
    return measure


class TestAMeasure:
    def test_is_told_in_one_object(self):
        told = measured((2.0, 1.0), plain=0.5).as_json()
        assert told.keys() == KEYS
        assert (told["n"], told["per_second"], told["floor_per_second"]) == (100, 50, 100)
        assert (told["ratio_to_floor"], told["ratio_to_plain"], told["peak_mb"]) == (0.5, 100.0, 50)

    def test_compares_each_slice_with_its_own_floor(self):
        """A slice for which the machine was slow was slow for both."""
        assert measured((2.0, 1.0), (20.0, 10.0), (2.0, 1.5)).ratio_to_floor == 0.5

    def test_that_is_done_again_counts_its_lines_once_and_the_most_memory(self):
        measure = measured((2.0, 1.0))
        measure.add(
            lines=100,
            seconds=1.0,
            floor_seconds=1.0,
            peak=SimpleNamespace(megabytes=9.0),  # type: ignore[arg-type]
            again=True,
        )
        assert (measure.n, measure.peak_mb) == (100, 50.0)

    @pytest.mark.parametrize(
        ("measure", "holds"),
        [
            (measured((2.0, 1.0)), True),
            (measured((2.1, 1.0)), False),
            (measured((2.0, 1.0), plain=0.5, plain_bar=100), True),
            (measured((2.0, 1.0), plain=0.6, plain_bar=100), False),
            (measured((2.0, 1.0), plain_bar=100), False),
        ],
        ids=["at its bar", "below", "as many times the plain way", "not as many times", "without the plain way"],
    )
    def test_holds_only_at_its_bars(self, measure: Measure, holds: bool):
        assert measure.holds is holds


class TestSlices:
    def test_take_turns_in_who_goes_first(self):
        went: list[str] = []

        def act(who: str) -> float:
            went.append(who)
            return float(len(went))

        seconds = [in_turn(number, lambda: act("portal"), lambda: act("floor")) for number in range(2)]
        assert went == ["portal", "floor", "floor", "portal"]
        assert seconds == [(1.0, 2.0), (4.0, 3.0)]

    def test_are_as_equal_as_can_be(self):
        assert list(portions(11, 3)) == [4, 4, 3]


class TestWhatIsKept:
    def test_is_the_lines_and_a_drawing_that_names_every_figure(self, tmp_path: Path, monkeypatch: Any):
        monkeypatch.setattr(plot, "FOLDER", tmp_path)
        figures, drawing = plot.keep([measured((2.0, 1.0), plain=0.5)], lines=100)
        assert json.loads(figures.read_text()) == measured((2.0, 1.0), plain=0.5).as_json()
        drawn = drawing.read_text()
        assert ET.fromstring(drawn).tag.endswith("svg")
        # Letters are drawn as shapes, with their text beside.
        said = {text.strip() for text in re.findall(r"<!--(.*?)-->", drawn)}
        assert said >= {"dispatch_to_settled", "50  (0.50 of the floor)", "100", "0.5", "portal", "floor", "plain way"}

    def test_of_a_statement_leaves_long_lists_of_values_out(self):
        assert shortened(f"WHERE id = ANY ('{{{','.join(map(str, range(100)))}}}')") == "WHERE id = ANY ('{…}')"
