"""The page for people who help citizens tells every refusal and every step that there is."""

from pathlib import Path

from django.urls import reverse

from beneficiaries.refusals import REFUSALS
from beneficiaries.views.citizen import STEPS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "citizens.md").read_text(encoding="utf-8")


def test_tells_every_refusal() -> None:
    assert [code for code in REFUSALS if f"`{code}`" not in PAGE] == []


def test_tells_every_step_in_order() -> None:
    names = [reverse(step).removeprefix("/dang-ky/") for step in STEPS]
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert [row.split("`")[1] for row in rows] == names
