"""Name enquiry and links over the port."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from foundation.gateway.client import HttpGateway
from foundation.gateway.errors import NotSent, Refused
from foundation.gateway.port import LinkAnswer, NameEnquiryAnswer

PERSON = "079160012345"
ACCOUNT = {
    "bank_bin": "970436",
    "account_number": "0071000123456",
    "national_id": PERSON,
    "holder_name": "NGUYEN THI HOA",
    "status": "ACTIVE",
}


@pytest.fixture(autouse=True)
def _register(mock):
    mock.control.load(ACCOUNT)


def enquire(gateway: HttpGateway, **changes: Any) -> NameEnquiryAnswer:
    given: dict[str, Any] = {
        "enquiry_id": uuid4().hex,
        "creditor_agent": "970436",
        "creditor_account": "0071000123456",
        "national_id": PERSON,
        "deadline_seconds": 5.0,
    }
    return gateway.enquire_name(**(given | changes))


def link(gateway: HttpGateway, **changes: Any) -> LinkAnswer:
    given: dict[str, Any] = {
        "link_id": uuid4().hex,
        "creditor_agent": "970436",
        "creditor_account": "0071000123456",
        "national_id": PERSON,
        "holder_name": "NGUYEN THI HOA",
        "consent_token": uuid4().hex,
        "consent_given_at": datetime(2026, 11, 23, 2, 0, tzinfo=UTC),
        "deadline_seconds": 5.0,
    }
    return gateway.link_account(**(given | changes))


class TestNameEnquiry:
    def test_brings_the_name_as_the_bank_keeps_it(self, http):
        answer = enquire(http, enquiry_id="enq-1")
        assert (answer.enquiry_id, answer.found, answer.code, answer.holder_name) == (
            "enq-1",
            True,
            None,
            "NGUYEN THI HOA",
        )
        assert answer.exchange is not None
        assert "NGUYEN" not in repr(answer)

    def test_works_without_an_id_number(self, http):
        assert enquire(http, national_id=None).found

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"creditor_account": "0071000000001"}, "ACC_NOT_FOUND"),
            ({"creditor_account": "0000009941"}, "NAME_MISMATCH"),
            ({"national_id": "079160099999"}, "ID_MISMATCH"),
            ({"creditor_account": "0000009943"}, "ACC_INACTIVE"),
            ({"creditor_account": "0000009944"}, "ACC_TYPE"),
            ({"creditor_agent": "999999"}, "BANK_NOT_SUPPORTED"),
            ({"creditor_account": "0000009946"}, "BIO_MISSING"),
            ({"creditor_account": "0000009947"}, "EID_LEVEL"),
        ],
    )
    def test_tells_a_refusal_from_an_error(self, http, changes, code):
        answer = enquire(http, **changes)
        assert (answer.found, answer.code, answer.holder_name) == (False, code, None)

    def test_a_busy_bank_is_for_later(self, http):
        with pytest.raises(NotSent) as caught:
            enquire(http, creditor_account="0000009945")
        assert caught.value.reason == "TEMPORARY"
        assert caught.value.retry_after is not None

    def test_a_question_that_breaks_the_contract_does_not_leave(self, http, mock):
        before = mock.control.get("/stats")["since_start"]["requests"]
        for changes in ({"national_id": "79160012345"}, {"creditor_account": "12 34"}, {"enquiry_id": ""}):
            with pytest.raises(Refused):
                enquire(http, **changes)
        assert mock.control.get("/stats")["since_start"]["requests"] == before


class TestLink:
    def test_is_noted_once_whatever_is_repeated(self, http, mock):
        token = uuid4().hex
        first = link(http, link_id="lnk-1", consent_token=token)
        again = link(http, link_id="lnk-1", consent_token=token)
        assert (first.linked, first.code, first.replaced_link_id) == (True, None, None)
        assert (again.linked, again.linked_at) == (True, first.linked_at)
        assert mock.control.get("/stats")["links"] == 1

    def test_takes_the_place_of_the_one_before(self, http):
        link(http, link_id="lnk-1")
        assert link(http, link_id="lnk-2").replaced_link_id == "lnk-1"

    def test_an_id_for_another_content_is_refused(self, http):
        link(http, link_id="lnk-1")
        with pytest.raises(Refused) as caught:
            link(http, link_id="lnk-1", holder_name="ANOTHER")
        assert caught.value.code == "LINK_ID_REUSED"

    def test_a_consent_serves_one_link(self, http):
        token = uuid4().hex
        link(http, consent_token=token)
        with pytest.raises(Refused) as caught:
            link(http, consent_token=token)
        assert caught.value.code == "CONSENT_USED"

    def test_a_refusal_of_the_bank_is_an_answer(self, http):
        answer = link(http, creditor_account="0000009943")
        assert (answer.linked, answer.code, answer.linked_at) == (False, "ACC_INACTIVE", None)

    def test_a_busy_bank_is_for_later(self, http):
        with pytest.raises(NotSent):
            link(http, creditor_account="0000009945")

    def test_is_ended_once_whatever_is_repeated(self, http):
        link(http, link_id="lnk-1")
        first = http.remove_link(link_id="lnk-1", reason="CONSENT_WITHDRAWN", deadline_seconds=5)
        again = http.remove_link(link_id="lnk-1", reason="CONSENT_WITHDRAWN", deadline_seconds=5)
        assert first.removed_at == again.removed_at

    def test_one_that_never_was_cannot_be_ended(self, http):
        with pytest.raises(Refused) as caught:
            http.remove_link(link_id="lnk-9", reason="OTHER", deadline_seconds=5)
        assert caught.value.code == "NOT_FOUND"

    def test_a_reason_of_our_own_invention_does_not_leave(self, http):
        with pytest.raises(Refused) as caught:
            http.remove_link(link_id="lnk-1", reason="BORED", deadline_seconds=5)
        assert caught.value.code == "INVALID_MESSAGE"
