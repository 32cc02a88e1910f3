"""Linking the welfare account: by the portal with consent, and by the citizen in VNeID with an event (contract, 4.3 and 5.3)."""

from typing import Any

import httpx2
import pytest

from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import eventually, new_id

HOA, BAY, TUAN = "079144100238", "079040200517", "079079500642"


def request(**changes: Any) -> dict[str, Any]:
    return {
        "link_id": f"l-{new_id()}",
        "bank_bin": "970436",
        "account_number": "0071000123456",
        "national_id": HOA,
        "holder_name": "NGUYEN THI HOA",
        "consent_token": new_id(),
        "consent_given_at": "2026-11-23T02:15:00Z",
    } | changes


def link(gateway: Gateway, content: dict[str, Any]) -> httpx2.Response:
    return gateway.bank.call("POST", "/links", content)


def links(gateway: Gateway) -> dict[str, dict[str, Any]]:
    return {row["link_id"]: row for row in gateway.control.rows("/links")}


class TestByThePortal:
    def test_is_recorded_once(self, gateway: Gateway):
        wish = request()
        first, again = link(gateway, wish), link(gateway, wish)
        assert first.status_code == 200
        assert first.json() == again.json()
        assert (first.json()["status"], first.json()["replaced_link_id"]) == ("LINKED", None)
        assert len(links(gateway)) == 1

    def test_takes_the_place_of_the_one_before(self, gateway: Gateway):
        old, new = request(), request(bank_bin="970405", account_number="5559910")
        link(gateway, old)
        assert link(gateway, new).json()["replaced_link_id"] == old["link_id"]
        assert {key: row["status"] for key, row in links(gateway).items()} == {
            old["link_id"]: "REMOVED",
            new["link_id"]: "LINKED",
        }

    @pytest.mark.parametrize(
        "changes", [{"consent_token": ""}, {"consent_token": None}, {"consent_given_at": None}], ids=str
    )
    def test_needs_consent(self, gateway: Gateway, changes: dict[str, Any]):
        answer = link(gateway, request(**changes))
        assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (
            422,
            "CONSENT_REQUIRED",
            False,
        )
        assert links(gateway) == {}

    def test_a_consent_is_for_one_link(self, gateway: Gateway):
        first = request()
        link(gateway, first)
        answer = link(gateway, request(consent_token=first["consent_token"]))
        assert (answer.status_code, answer.json()["code"]) == (409, "CONSENT_USED")

    def test_a_link_id_is_for_one_content(self, gateway: Gateway):
        first = request()
        link(gateway, first)
        answer = link(gateway, first | {"account_number": "5559910"})
        assert (answer.status_code, answer.json()["code"]) == (409, "LINK_ID_REUSED")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"national_id": BAY}, "ID_MISMATCH"),
            ({"account_number": "111"}, "ACC_NOT_FOUND"),
            ({"account_number": "1119943"}, "ACC_INACTIVE"),
            ({"bank_bin": "999999"}, "BANK_NOT_SUPPORTED"),
        ],
        ids=str,
    )
    def test_is_checked_like_an_enquiry(self, gateway: Gateway, changes: dict[str, Any], code: str):
        answer = link(gateway, request(**changes))
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert links(gateway) == {}

    def test_is_ended_once(self, gateway: Gateway):
        wish = request()
        link(gateway, wish)
        path = f"/links/{wish['link_id']}/remove"
        first = gateway.bank.call("POST", path, {"reason": "CONSENT_WITHDRAWN"})
        gateway.control.shift(hours=5)
        again = gateway.bank.call("POST", path, {"reason": "OTHER"})
        assert (first.status_code, first.json()["status"]) == (200, "REMOVED")
        assert again.json() == first.json()
        assert links(gateway)[wish["link_id"]]["remove_reason"] == "CONSENT_WITHDRAWN"

    def test_ending_refuses_the_unknown(self, gateway: Gateway):
        assert gateway.bank.call("POST", "/links/none/remove", {"reason": "OTHER"}).status_code == 404
        assert gateway.bank.call("POST", "/links/none/remove", {"reason": "BORED"}).status_code == 400


class TestInVNeID:
    def test_a_link_is_told_to_the_portal(self, gateway: Gateway):
        done = gateway.control.act("link", national_id=HOA, bank_bin="970436", account_number="0071000123456")
        assert done["outcome"] == "LINKED"

        [told] = eventually(lambda: gateway.receiver.deliveries("account.linked", done["link_id"]))

        assert told.genuine
        assert told.id == done["event_id"]
        data = told.content["data"]
        assert len(data.pop("consent_token")) >= 16
        assert data.pop("at").endswith("Z")
        assert data == {
            "link_id": done["link_id"],
            "national_id": HOA,
            "bank_bin": "970436",
            "account_number": "0071000123456",
            "holder_name": "NGUYEN THI HOA",
            "eid_level": 2,
            "replaced_link_id": None,
        }

    def test_a_second_link_names_the_first_and_says_nothing_else(self, gateway: Gateway):
        first = gateway.control.act("link", national_id=HOA, bank_bin="970436", account_number="0071000123456")
        second = gateway.control.act("link", national_id=HOA, bank_bin="970436", account_number="0071000129910")
        told = eventually(lambda: gateway.receiver.deliveries("account.linked", second["link_id"]))
        assert told[0].content["data"]["replaced_link_id"] == first["link_id"]
        assert gateway.receiver.deliveries("account.removed", first["link_id"]) == []

    def test_a_removal_is_told_with_its_reason(self, gateway: Gateway):
        done = gateway.control.act("link", national_id=BAY, bank_bin="970405", account_number="1600205012345")
        removed = gateway.control.act("remove", national_id=BAY)
        assert removed["link_id"] == done["link_id"]
        told = eventually(lambda: gateway.receiver.deliveries("account.removed", done["link_id"]))[0].content["data"]
        assert (told["reason"], told["account_number"]) == ("CONSENT_WITHDRAWN", "1600205012345")
        assert "replaced_link_id" not in told
        assert gateway.control.http.post("/links", json={"action": "remove", "national_id": BAY}).status_code == 404

    @pytest.mark.parametrize(
        ("person", "account_number", "code"),
        [
            (TUAN, "24681357", "EID_LEVEL"),
            (HOA, "0071000129943", "ACC_INACTIVE"),
            (HOA, "0071000129945", "TEMPORARY"),
            (BAY, "0071000123456", "ID_MISMATCH"),
        ],
    )
    def test_a_refusal_links_nothing(self, gateway: Gateway, person: str, account_number: str, code: str):
        bank_bin = "970416" if person == TUAN else "970436"
        done = gateway.control.act("link", national_id=person, bank_bin=bank_bin, account_number=account_number)
        assert (done["outcome"], done["code"], done["event_id"]) == ("REFUSED", code, None)
        assert links(gateway) == {}

    def test_a_person_from_the_register_can_link_too(self, gateway: Gateway):
        gateway.control.load(
            {
                "bank_bin": "970422",
                "account_number": "31337",
                "national_id": "079188000777",
                "holder_name": "Mai Lan",
                "status": "ACTIVE",
            }
        )
        done = gateway.control.act("link", national_id="079188000777", bank_bin="970422", account_number="31337")
        told = eventually(lambda: gateway.receiver.deliveries("account.linked", done["link_id"]))
        assert told[0].content["data"]["holder_name"] == "MAI LAN"

    @pytest.mark.parametrize(
        ("fault", "deliveries"), [("callback_duplicate", [True, True]), ("callback_replayed", [True, False])]
    )
    def test_events_meet_faults_too(self, gateway: Gateway, fault: str, deliveries: list[bool]):
        gateway.control.faults(**{fault: 1})
        done = gateway.control.act("link", national_id=HOA, bank_bin="970436", account_number="0071000123456")
        told = gateway.receiver.delivered("account.linked", done["link_id"], times=2)
        assert [item.genuine for item in told] == deliveries

    def test_a_forged_event_has_an_id_of_its_own(self, gateway: Gateway):
        gateway.control.faults(callback_forged=1)
        done = gateway.control.act("link", national_id=HOA, bank_bin="970436", account_number="0071000123456")
        told = gateway.receiver.delivered("account.linked", done["link_id"], times=2)
        assert [item.genuine for item in told] == [False, True]
        assert [item.content["id"] for item in told] == [item.id for item in told]
        assert told[0].id != told[1].id
