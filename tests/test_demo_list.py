"""The invented list is what a newcomer tries everything on, so it has one of everything."""

from dataclasses import replace

from foundation.reference.names import NameMatch, compare_names
from welfare_portal.demo.citizens import listed_citizens
from welfare_portal.demo.main_job import VNEID_LINKS
from welfare_portal.demo.people import ListedPerson, generate_people
from welfare_portal.demo.seed import listed_people


def receiver(person: ListedPerson) -> str:
    return person.payee.full_name if person.payee else person.full_name


def test_three_have_a_near_name_at_their_bank_each_of_another_kind() -> None:
    people = [person for person in listed_people() if person.account]
    near = [person for person in people if person.name_at_bank]
    compared = [compare_names(receiver(person), person.name_at_bank) for person in near]
    assert {comparison.result for comparison in compared} == {NameMatch.REVIEW}
    assert sorted(comparison.reason for comparison in compared) == ["CUT", "I_OR_Y", "ORDER"]
    assert len({person.national_id for person in near}) == 3
    assert all(people.index(person) > 2 * VNEID_LINKS for person in near), "these link in VNeID, which asks nobody"


def test_the_list_itself_names_its_holders_rightly() -> None:
    for person in listed_people():
        if person.account:
            assert compare_names(receiver(person), person.holder_name).result is NameMatch.MATCH


def test_a_near_name_changes_nothing_else_on_the_list() -> None:
    people, known = list(listed_people()), len(list(listed_citizens()))
    plain = list(generate_people(2026, len(people) - known, "26743"))
    assert [replace(person, seq=0, name_at_bank="") for person in people[known:]] == [replace(p, seq=0) for p in plain]
