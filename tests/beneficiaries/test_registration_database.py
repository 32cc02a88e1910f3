"""What the database itself refuses of a saved registration and its account, whoever writes."""

import pytest

from tests.beneficiaries.registering import NUMBER, OTHER, Bank, Citizen, answer_all, make_citizen
from tests.payments.helpers import refused, run

pytestmark = pytest.mark.django_db
SET = "UPDATE beneficiaries_account_draft SET {} WHERE id = %s"


@pytest.fixture
def citizen() -> Citizen:
    return make_citizen()


def test_one_registration_a_person(citizen: Citizen) -> None:
    citizen.start()
    refused(
        "INSERT INTO beneficiaries_account_draft (person_id, reference, number_masked, state, enquiry_number, holder_name, "
        "match_result, refusal_code, attempts, consent_version) VALUES (%s, 'ABCDEFGHJK', '', 'NONE', 0, '', '', '', 0, '')",
        citizen.person.pk,
        by="beneficiaries_account_draft_person_id_key",
    )


@pytest.mark.parametrize("reference", ["ABC", "ABCDEFGHJ0", "abcdefghjk", "ABCDEFGHJK\n"])
def test_a_reference_is_ten_letters_that_can_be_read_out(citizen: Citizen, reference: str) -> None:
    refused(
        "INSERT INTO beneficiaries_account_draft (person_id, reference, number_masked, state, enquiry_number, holder_name, "
        "match_result, refusal_code, attempts, consent_version) VALUES (%s, %s, '', 'NONE', 0, '', '', '', 0, '')",
        citizen.person.pk,
        reference,
        by="account_draft_reference_form|value too long",
    )


@pytest.mark.parametrize(
    "change",
    [
        "number_index = NULL",
        "number_encrypted = NULL",
        "number_masked = ''",
        "bank_id = NULL",
        "asked_at = NULL",
        "state = 'NONE', due_at = NULL",
    ],
)
def test_a_number_is_whole_and_asked_about(citizen: Citizen, change: str) -> None:
    draft = citizen.asked()
    refused(SET.format(change), draft.pk, by="account_draft_number_is_asked|account_draft_number_asked_anew")


def test_a_question_has_its_next_look(citizen: Citizen) -> None:
    draft = citizen.asked()
    refused(SET.format("due_at = NULL"), draft.pk, by="account_draft_waiting_is_due")
    answer_all(Bank())
    refused(SET.format("due_at = portal_now()"), draft.pk, by="account_draft_waiting_is_due")


@pytest.mark.parametrize(
    "change",
    [
        "state = 'ANSWERED', due_at = NULL",
        "state = 'ANSWERED', due_at = NULL, holder_name = 'A', match_result = 'MISMATCH', answered_at = portal_now()",
        "state = 'ANSWERED', due_at = NULL, match_result = 'MATCH', answered_at = portal_now()",
        "state = 'ANSWERED', due_at = NULL, holder_name = 'A', match_result = 'MATCH'",
        "state = 'REFUSED', due_at = NULL, answered_at = portal_now()",
        "state = 'REFUSED', due_at = NULL, answered_at = portal_now(), refusal_code = 'X', holder_name = 'STRANGER'",
        "holder_name = 'A'",
        "refusal_code = 'X'",
    ],
)
def test_an_answer_is_whole(citizen: Citizen, change: str) -> None:
    refused(SET.format(change), citizen.asked().pk, by="account_draft_answer_whole")


def test_consent_is_to_a_name_that_the_bank_gave(citizen: Citizen) -> None:
    draft = citizen.asked()
    consent = "consent_version = 'share-1', consented_at = portal_now()"
    refused(SET.format(consent), draft.pk, by="account_draft_consent_to_an_answer")
    answer_all(Bank())
    refused(SET.format("consented_at = portal_now()"), draft.pk, by="account_draft_consent_to_an_answer")
    assert run(SET.format(consent), draft.pk) == 1


@pytest.mark.parametrize(
    "change",
    [
        "number_index = 'x'",
        "enquiry_number = enquiry_number - 1",
        "bank_id = '970416'",
        "reference = 'ABCDEFGHJK'",
    ],
)
def test_another_number_is_another_question(citizen: Citizen, change: str) -> None:
    citizen.asked(OTHER)
    citizen.enter(NUMBER)
    refused(SET.format(change), citizen.draft().pk, by="account_draft_number_asked_anew")


@pytest.mark.parametrize(
    ("first", "then"), [({}, "REFUSED"), ({NUMBER: "ACC_TYPE"}, "ANSWERED")], ids=["answered", "refused"]
)
def test_an_answer_is_never_turned_into_another(citizen: Citizen, first: dict[str, str], then: str) -> None:
    citizen.asked()
    answer_all(Bank(codes=first))
    refused(SET.format("state = %s"), then, citizen.draft().pk, by="account_draft_moves")


def test_a_reference_of_an_account_is_its_own_for_ever(citizen: Citizen) -> None:
    account = citizen.register()
    refused(
        "UPDATE beneficiaries_payout_account SET reference = 'ABCDEFGHJK' WHERE id = %s",
        account.pk,
        by="payout_account_frozen",
    )


def test_questions_of_a_day_are_counted_in_one_row(citizen: Citizen) -> None:
    citizen.asked()
    refused(
        "INSERT INTO beneficiaries_enquiry_count (person_id, day, enquiries) "
        "SELECT person_id, day, 0 FROM beneficiaries_enquiry_count",
        by="enquiry_count_one_a_day",
    )
