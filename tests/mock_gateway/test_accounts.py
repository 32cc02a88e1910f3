"""Name enquiries with every refusal, and the register behind them (contract, sections 4.1 and 4.2)."""

import json
from typing import Any

import pytest

from mock_gateway.accounts import bank_letters, near_name
from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import new_id

HOA, BANK = "079144100238", "970436"
ACCOUNT = {
    "bank_bin": "970405",
    "account_number": "700100",
    "national_id": "079066000111",
    "holder_name": "Đinh Thị Ký",
    "status": "ACTIVE",
}


class TestFound:
    def test_says_the_name_as_a_bank_keeps_it(self, gateway: Gateway):
        answer = gateway.bank.verify(BANK, "0071000123456", HOA)
        assert answer.status_code == 200
        content = answer.json()
        assert content.pop("answered_at").endswith("Z")
        assert content.pop("enquiry_id")
        assert content == {"outcome": "FOUND", "code": None, "holder_name": "NGUYEN THI HOA"}

    def test_compares_no_id_where_none_was_given(self, gateway: Gateway):
        assert gateway.bank.verify(BANK, "0071000123456").json()["outcome"] == "FOUND"

    def test_knows_an_account_that_was_loaded(self, gateway: Gateway):
        gateway.control.load(ACCOUNT)
        assert gateway.bank.verify("970405", "700100", "079066000111").json()["holder_name"] == "DINH THI KY"

    def test_takes_the_old_id_number_where_the_bank_still_has_it(self, gateway: Gateway):
        gateway.control.load(ACCOUNT | {"national_id": "024123456"})
        assert gateway.bank.verify("970405", "700100", "079066000111").json()["code"] == "ID_MISMATCH"
        answer = gateway.bank.verify("970405", "700100", "079066000111", old_id_number="024123456")
        assert answer.json()["outcome"] == "FOUND"

    @pytest.mark.parametrize("code", ["9901", "9910", "9930"])
    def test_a_payment_scenario_belongs_to_whoever_asks(self, gateway: Gateway, code: str):
        gateway.control.load(ACCOUNT)
        for person, name in ((HOA, "NGUYEN THI HOA"), ("079066000111", "DINH THI KY")):
            assert gateway.bank.verify("970422", f"88880{code}", person).json()["holder_name"] == name
        assert gateway.bank.verify("970422", f"88880{code}", "079066999999").json()["code"] == "ACC_NOT_FOUND"
        assert gateway.bank.verify("970422", f"88880{code}").json()["code"] == "ACC_NOT_FOUND"


class TestRefused:
    @pytest.mark.parametrize(
        ("code", "refusal"),
        {
            "9940": "ACC_NOT_FOUND",
            "9941": "NAME_MISMATCH",
            "9942": "ID_MISMATCH",
            "9943": "ACC_INACTIVE",
            "9944": "ACC_TYPE",
            "9946": "BIO_MISSING",
            "9947": "EID_LEVEL",
        }.items(),
    )
    def test_by_number(self, gateway: Gateway, code: str, refusal: str):
        answer = gateway.bank.verify(BANK, f"00710001{code}", HOA)
        assert answer.status_code == 200
        assert {name: answer.json()[name] for name in ("outcome", "code", "holder_name")} == {
            "outcome": "REFUSED",
            "code": refusal,
            "holder_name": None,
        }

    def test_for_now(self, gateway: Gateway):
        answer = gateway.bank.verify(BANK, "007100019945", HOA)
        assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (503, "TEMPORARY", False)
        assert int(answer.headers["retry-after"]) >= 1

    @pytest.mark.parametrize(
        ("bank_bin", "account_number", "person", "refusal"),
        [
            ("970460", "0071000123456", HOA, "BANK_NOT_SUPPORTED"),
            ("123456", "0071000123456", HOA, "BANK_NOT_SUPPORTED"),
            (BANK, "0071000123457", HOA, "ACC_NOT_FOUND"),
            ("970405", "0071000123456", HOA, "ACC_NOT_FOUND"),
            (BANK, "0071000123456", "079144100239", "ID_MISMATCH"),
        ],
    )
    def test_by_what_is_asked(self, gateway: Gateway, bank_bin: str, account_number: str, person: str, refusal: str):
        answer = gateway.bank.verify(bank_bin, account_number, person).json()
        assert (answer["outcome"], answer["code"], answer["holder_name"]) == ("REFUSED", refusal, None)

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"status": "CLOSED"}, "ACC_INACTIVE"),
            ({"status": "BLOCKED"}, "ACC_INACTIVE"),
            ({"status": "DORMANT"}, "ACC_INACTIVE"),
            ({"account_type": "SAVINGS"}, "ACC_TYPE"),
            ({"account_type": "CARD"}, "ACC_TYPE"),
            ({"account_type": "FOREIGN_CURRENCY"}, "ACC_TYPE"),
        ],
        ids=str,
    )
    def test_by_what_the_register_says(self, gateway: Gateway, changes: dict[str, str], refusal: str):
        gateway.control.load(ACCOUNT | changes)
        assert gateway.bank.verify("970405", "700100", "079066000111").json()["code"] == refusal

    @pytest.mark.parametrize(
        "changes",
        [
            {"bank_bin": "97040"},
            {"account_number": "0 1"},
            {"national_id": "123"},
            {"national_id": ""},
            {"x": 1},
            {"enquiry_id": ""},
        ],
        ids=str,
    )
    def test_for_its_shape(self, gateway: Gateway, changes: dict[str, Any]):
        body = {"enquiry_id": new_id(), "bank_bin": BANK, "account_number": "1", "national_id": HOA}
        answer = gateway.bank.call("POST", "/accounts/verify", body | changes)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_MESSAGE")


class TestNames:
    @pytest.mark.parametrize(
        ("number", "said"),
        [
            ("00009948", "HUYNH NGOC QUI"),
            ("00019948", "QUY HUYNH NGOC"),
            ("00029948", "HUYNH NGOC"),
            ("00039948", "HUYNH NGOCQUY"),
            ("00009949", "TRAN QUOC KHANH"),
        ],
    )
    def test_garbled_or_foreign(self, gateway: Gateway, number: str, said: str):
        answer = gateway.bank.verify("970403", number, "079048800733").json()
        assert (answer["outcome"], answer["holder_name"]) == ("FOUND", said)

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("Đặng Thị Ngọc Đào", "DANG THI NGOC DAO"),
            ("Ðinh Ðức", "DINH DUC"),
            ("K'Sor H'Blơi", "KSOR HBLOI"),
            ("Nguyễn  Thị\u00a0Ánh", "NGUYEN THI ANH"),
            ("Lê-Minh", "LE MINH"),
        ],
    )
    def test_without_marks(self, name: str, kept: str):
        assert bank_letters(name) == kept

    def test_without_a_letter_to_swap_the_given_name_goes_first(self):
        assert near_name("TRAN VAN BAY", 0) == "TRAN VAN BAI"
        assert near_name("LE THI HOA", 0) == "HOA LE THI"


class TestRegister:
    def test_takes_many_and_the_same_again(self, gateway: Gateway):
        accounts = [ACCOUNT | {"account_number": f"8{number:09d}"} for number in range(12_345)]
        assert gateway.control.load(*accounts) == 12_345
        total = gateway.control.get("/stats")["accounts"]
        assert gateway.control.load(*accounts) == 12_345
        assert gateway.control.get("/stats")["accounts"] == total
        assert gateway.bank.verify("970405", "8000012344", "079066000111").json()["outcome"] == "FOUND"

    def test_takes_a_stream_cut_anywhere(self, gateway: Gateway):
        text = "\n".join(
            json.dumps(ACCOUNT | {"account_number": f"9{n:05d}"}, ensure_ascii=False) for n in range(50)
        ).encode()
        pieces = [text[start : start + 7] for start in range(0, len(text), 7)]
        answer = gateway.control.http.post("/accounts", content=iter(pieces))
        assert answer.json() == {"loaded": 50}

    def test_names_the_first_bad_line(self, gateway: Gateway):
        lines = [json.dumps(ACCOUNT)] * 2 + [json.dumps(ACCOUNT | {"status": "OPEN"})]
        answer = gateway.control.http.post("/accounts", content="\n".join(lines))
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "line 3")

    def test_keeps_a_citizens_account_as_it_was_changed(self, own_gateway: Any):
        gateway = own_gateway()
        changed = {"bank_bin": BANK, "account_number": "0071000123456", "national_id": HOA, "holder_name": "Hoa"}
        gateway.control.load(changed | {"status": "CLOSED"})
        gateway.stop()
        gateway.start()
        assert gateway.bank.verify(BANK, "0071000123456", HOA).json()["code"] == "ACC_INACTIVE"
        gateway.control.http.post("/reset", json={"accounts": True})
        assert gateway.bank.verify(BANK, "0071000123456", HOA).json()["outcome"] == "FOUND"
