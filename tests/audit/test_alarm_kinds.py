"""Every kind of alarm has words for officers, and a section of the manual that says what to do."""

import re

import pytest

from foundation.audit.alarms import KINDS, AlarmKind
from welfare_portal import watching
from welfare_portal.manual import DOCS, anchor_of, section, sections

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)


@every_kind
def test_leads_to_a_section_of_the_manual_that_says_something(kind: AlarmKind) -> None:
    file, _, anchor = kind.page.partition("#")
    assert (DOCS / file).is_file()
    assert anchor in sections(file), kind.page
    assert len(" ".join(section(kind.page))) > 60


@every_kind
def test_has_a_code_that_says_its_room_and_a_title(kind: AlarmKind) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", kind.code)
    assert len(str(kind.title)) > 8


def test_no_section_of_the_manual_is_about_an_alarm_that_is_none() -> None:
    told = {anchor for anchor in sections("operations.md") if anchor.startswith("alarm-")}
    assert told == {
        kind.page.partition("#")[2] for kind in KINDS.values() if kind.page.partition("#")[2].startswith("alarm-")
    }


def test_every_watcher_has_a_kind_of_its_own() -> None:
    codes = [watcher.kind.code for watcher in (*watching.EACH_MINUTE, *watching.EACH_TEN_MINUTES)]
    assert len(codes) == len(set(codes))


def test_an_anchor_is_what_a_page_of_the_file_gives_its_heading() -> None:
    assert anchor_of("Alarm: trail sealing behind") == "alarm-trail-sealing-behind"
    assert anchor_of("Is the trail what it was?") == "is-the-trail-what-it-was"
