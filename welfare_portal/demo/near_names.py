"""Three people of a long list whose bank knows them under a near name: what an officer has to look at one by one.

One of each kind that banks really have: i for y, the given name first, a long name cut short. The list itself is in order;
only the bank's answer differs. Short lists, as tests have them, stay without.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from foundation.reference.names import CUT_MIN, bank_form
from welfare_portal.demo.people import ListedPerson

AFTER = 1_000  # lines; the first of a list link their accounts in VNeID as well
TROUBLE = "99"  # an account number that ends in 99xx has other trouble at the mocked bank already


def i_for_y(name: str) -> str:
    """`NGUYEN THI THUY` -> `NGUYEN THI THUI`; only the last word is changed, as a clerk mistypes the given name."""
    words = name.split()
    return " ".join([*words[:-1], words[-1].replace("Y", "I")])


def given_name_first(name: str) -> str:
    """`TRAN VAN AN` -> `AN TRAN VAN`, as a form with two fields leaves it."""
    *others, given = name.split()
    return " ".join([given, *others])


def cut_short(name: str) -> str:
    """A long name without its last letter, as a narrow field leaves it."""
    return name[:-1] if len(name) > CUT_MIN else name


KINDS: tuple[Callable[[str], str], ...] = (cut_short, i_for_y, given_name_first)


def with_near_names(people: Iterator[ListedPerson]) -> Iterator[ListedPerson]:
    """The same people; at the bank, three of them have a near name."""
    left = list(KINDS)
    for number, person in enumerate(people):
        if (
            left
            and number >= AFTER
            and person.account
            and not person.payee
            and person.account.number[-4:-2] != TROUBLE
        ):
            known_as = bank_form(left[0](person.holder_name))
            if known_as != person.holder_name:
                left.pop(0)
                yield replace(person, name_at_bank=known_as)
                continue
        yield person
