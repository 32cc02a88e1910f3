"""Statements: what they add up to equals what was credited, faults aside (contract, section 6)."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from lxml import etree

from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import FUND, instant, line

NS = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
CITY = timezone(timedelta(hours=7))


def day(days: int = 0) -> str:
    return str((datetime.now(UTC).astimezone(CITY) + timedelta(days=days)).date())


def statement(gateway: Gateway, date: str, **query: str) -> list[Any]:
    """The `Stmt` elements of a day."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    answer = gateway.bank.call("GET", f"/statements/{date}" + (f"?{text}" if text else ""))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/xml")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return list(etree.fromstring(answer.content, parser).iterfind("c:BkToCstmrStmt/c:Stmt", NS))


def at(element: Any, path: str) -> str:
    found = element.find("/".join(f"c:{name}" for name in path.split("/")), NS)
    assert found is not None, path
    return str(found.text)


def entries(element: Any) -> list[dict[str, Any]]:
    return [
        {
            "reference": at(entry, "NtryRef"),
            "amount": int(at(entry, "Amt")),
            "direction": at(entry, "CdtDbtInd"),
            "booked": at(entry, "BookgDt/Dt"),
            "e2e": at(entry, "NtryDtls/TxDtls/Refs/EndToEndId"),
        }
        for entry in element.iterfind("c:Ntry", NS)
    ]


class TestContent:
    def test_equals_the_credits_and_names_what_each_was(self, gateway: Gateway):
        good, debited, closed, late = (
            line(account_number=f"00710001{code}") for code in ("0001", "9931", "9901", "9910")
        )
        gateway.bank.pay(good, debited, closed, late, message_id="m-1")

        [found] = statement(gateway, day(), interim="1")

        assert {(item["e2e"], item["amount"], item["direction"], item["booked"]) for item in entries(found)} == {
            (item["end_to_end_id"], item["amount"], "DBIT", day()) for item in (good, debited)
        }
        entry = next(
            e for e in found.iterfind("c:Ntry", NS) if good["end_to_end_id"] in etree.tostring(e, encoding=str)
        )
        details = "NtryDtls/TxDtls"
        assert at(entry, f"{details}/Refs/MsgId") == "m-1"
        assert at(entry, f"{details}/RltdPties/Cdtr/Pty/Nm") == good["creditor_name"]
        assert at(entry, f"{details}/RltdPties/CdtrAcct/Id/Othr/Id") == good["account_number"]
        assert at(entry, f"{details}/RltdAgts/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId") == good["bank_bin"]
        assert at(entry, "Sts/Cd") == "BOOK"
        assert entry.find("c:Amt", NS).get("Ccy") == "VND"
        assert at(found, "Acct/Id/Othr/Id") == FUND

    def test_adds_up(self, gateway: Gateway):
        lines = [line(amount=1_000 + number) for number in range(700)]
        gateway.bank.pay(*lines)

        [found] = statement(gateway, day(), interim="1")

        assert int(at(found, "TxsSummry/TtlDbtNtries/NbOfNtries")) == 700 == len(entries(found))
        total = sum(item["amount"] for item in lines)
        assert int(at(found, "TxsSummry/TtlDbtNtries/Sum")) == total == sum(item["amount"] for item in entries(found))
        opening, closing = (int(at(balance, "Amt")) for balance in found.iterfind("c:Bal", NS))
        assert opening - closing == total
        assert len({item["reference"] for item in entries(found)}) == 700

    def test_has_one_part_for_each_fund_and_can_be_asked_for_one(self, gateway: Gateway):
        gateway.bank.pay(line(), debtor_account="1111.1")
        gateway.bank.pay(line(), debtor_account="2222.2")
        assert [at(found, "Acct/Id/Othr/Id") for found in statement(gateway, day(), interim="1")] == [
            "1111.1",
            "2222.2",
        ]
        [one] = statement(gateway, day(), interim="1", debtor_account="2222.2")
        assert at(one, "Acct/Id/Othr/Id") == "2222.2"
        missing = gateway.bank.call("GET", f"/statements/{day()}?interim=1&debtor_account=3333.3")
        assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")

    def test_shows_a_double_payment_as_two_entries(self, gateway: Gateway):
        gateway.control.faults(deduplication_off=1)
        credit = line()
        gateway.bank.pay(credit)
        gateway.bank.pay(credit)
        [found] = statement(gateway, day(), interim="1")
        assert [item["e2e"] for item in entries(found)] == [credit["end_to_end_id"]] * 2


class TestDays:
    def test_a_day_is_ready_when_it_is_over(self, gateway: Gateway):
        gateway.bank.pay(line())
        early = gateway.bank.call("GET", f"/statements/{day()}")
        assert (early.status_code, early.json()["code"]) == (404, "STATEMENT_NOT_READY")
        future = gateway.bank.call("GET", f"/statements/{day(1)}?interim=1")
        assert future.json()["code"] == "STATEMENT_NOT_READY"
        gateway.control.shift(days=1)
        assert len(entries(statement(gateway, day())[0])) == 1

    def test_later_days_begin_where_earlier_ones_end(self, gateway: Gateway):
        today, tomorrow, after = day(), day(1), day(2)
        first, second = line(amount=100), line(amount=30)
        gateway.bank.pay(first)
        gateway.control.shift(days=1)
        gateway.bank.pay(second, not_after=instant(86_400 + 60))
        gateway.control.shift(days=3)
        found = [statement(gateway, date)[0] for date in (today, tomorrow, after)]
        assert [[item["amount"] for item in entries(one)] for one in found] == [[100], [30], []]
        balances = [[int(at(balance, "Amt")) for balance in one.iterfind("c:Bal", NS)] for one in found]
        assert balances[0][1] == balances[1][0] == balances[1][1] + 30
        assert balances[2] == [balances[1][1]] * 2

    def test_a_return_stands_on_its_own_day_with_its_reason(self, gateway: Gateway):
        today, later = day(), day(2)
        credit = line(account_number="0071000129930")
        gateway.bank.pay(credit)
        gateway.control.shift(days=7)

        assert [item["direction"] for item in entries(statement(gateway, today)[0])] == ["DBIT"]
        [found] = statement(gateway, later)
        [entry] = entries(found)
        assert (entry["direction"], entry["amount"], entry["e2e"]) == (
            "CRDT",
            credit["amount"],
            credit["end_to_end_id"],
        )
        details = "Ntry/NtryDtls/TxDtls"
        asked = gateway.bank.inquire(credit["end_to_end_id"])[credit["end_to_end_id"]]["return"]
        assert at(found, f"{details}/Refs/TxId") == asked["return_id"]
        assert at(found, f"{details}/RtrInf/Rsn/Cd") == asked["reason"] == "AC04"
        assert asked["value_date"] == later
        assert int(at(found, "TxsSummry/TtlCdtNtries/Sum")) == credit["amount"]

    def test_asked_again_says_the_same(self, gateway: Gateway):
        gateway.bank.pay(*[line() for _ in range(20)])
        first, second = (statement(gateway, day(), interim="1")[0] for _ in range(2))
        for found in (first, second):
            found.find("c:CreDtTm", NS).text = "-"
        assert etree.tostring(first) == etree.tostring(second)

    @pytest.mark.parametrize("path", ["2026-13-01", "today", "2026-01-01?interim=0", "2026-01-01?x=1"])
    def test_another_question_is_refused(self, gateway: Gateway, path: str):
        assert gateway.bank.call("GET", f"/statements/{path}").status_code == 400

    def test_nothing_ever_booked_is_not_found(self, gateway: Gateway):
        assert gateway.bank.call("GET", "/statements/2026-01-01").json()["code"] == "NOT_FOUND"


class TestFaults:
    def test_a_missing_row_is_missing_from_the_sums_too(self, gateway: Gateway):
        kept, lost = line(amount=1), line(amount=2)
        gateway.bank.pay(kept, lost)
        gateway.control.faults(armed={lost["end_to_end_id"]: "statement_missing_row"})
        for _ in range(2):  # it stays so, however often it is asked for
            [found] = statement(gateway, day(), interim="1")
            assert [item["e2e"] for item in entries(found)] == [kept["end_to_end_id"]]
            assert at(found, "TxsSummry/TtlDbtNtries/Sum") == "1"
        assert gateway.control.credits()[lost["end_to_end_id"]]["times_credited"] == 1

    def test_an_extra_row_is_known_to_nobody(self, gateway: Gateway):
        credit = line()
        gateway.bank.pay(credit)
        gateway.control.faults(statement_extra_row=1)
        [found] = statement(gateway, day(), interim="1")
        extra = {item["e2e"] for item in entries(found)} - {credit["end_to_end_id"]}
        assert len(extra) == 1
        assert gateway.bank.inquire(*extra)[min(extra)]["status"] == "NOTFOUND"

    def test_a_wrong_amount_is_on_one_line(self, gateway: Gateway):
        right, wrong = line(amount=10), line(amount=20)
        gateway.bank.pay(right, wrong)
        gateway.control.faults(armed={wrong["end_to_end_id"]: "statement_amount_mismatch"})
        [found] = statement(gateway, day(), interim="1")
        assert {item["e2e"]: item["amount"] for item in entries(found)} == {
            right["end_to_end_id"]: 10,
            wrong["end_to_end_id"]: 1_020,
        }


def test_a_long_day_is_streamed_in_constant_memory(own_gateway: Any):
    gateway: Gateway = own_gateway()
    count = 30_000
    # Written behind the gateway's back, to spare the time of thirty messages.
    gateway.stop()
    with sqlite3.connect(gateway.data / "gateway.sqlite3") as connection:
        rows = [(f"e{number:031d}", 1_000 + number) for number in range(count)]
        connection.executemany(
            """
            INSERT INTO credits (end_to_end_id, message_id, debtor_account, amount, bank_bin, account_number, creditor_name,
              remittance_text, status, received_at, status_at, times_credited, amount_credited)
            VALUES (?, 'm', 'fund', ?, '970436', '1', 'A', '', 'ACCC', 0, 0, 1, 1)
            """,
            rows,
        )
        connection.executemany("INSERT INTO bookings VALUES (NULL, '2026-01-05', 'fund', 'DBIT', ?, ?)", rows)
    connection.close()
    gateway.start()
    assert gateway.process is not None
    before = peak(gateway.process.pid)

    [found] = statement(gateway, "2026-01-05")

    assert at(found, "TxsSummry/TtlDbtNtries/NbOfNtries") == str(count)
    assert sum(1 for _ in found.iterfind("c:Ntry", NS)) == count
    assert peak(gateway.process.pid) - before < 20_000, "kilobytes, for a document of about 31 megabytes"


def peak(pid: int) -> int:
    """The most memory that a process has used, in kilobytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(row.split()[1]) for row in status if row.startswith("VmHWM"))
