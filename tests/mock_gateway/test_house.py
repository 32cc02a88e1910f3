"""What holds for the program as a whole: it knows nothing of the portal, and its invented people are believable."""

import csv
import re
import subprocess
import sys

import pytest

from mock_gateway import scenarios
from mock_gateway.banks import banks
from mock_gateway.people import WARD_CODE, WARD_NAME, citizens
from tests.mock_gateway.conftest import ROOT

PAGE = (ROOT / "docs" / "mock-gateway.md").read_text(encoding="utf-8")


def test_it_imports_nothing_of_the_portal_nor_django():
    code = """
import pkgutil, sys, importlib, mock_gateway
for module in pkgutil.walk_packages(mock_gateway.__path__, "mock_gateway."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(" ".join(sorted({name.split(".")[0] for name in sys.modules})))
"""
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "mock_gateway" in found
    assert not {"django", "welfare_portal", "payments", "beneficiaries", "foundation"} & set(found)


def test_files_stay_short():
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "mock_gateway").rglob("*.py")
    }
    assert max(lengths.values()) < 400, max(lengths, key=lambda path: lengths[path])


class TestCitizens:
    @pytest.mark.parametrize("national_id", citizens())
    def test_have_numbers_that_agree_with_their_lives(self, national_id: str):
        citizen = citizens()[national_id]
        assert re.fullmatch(r"\d{12}", national_id)
        year = int(citizen.birthdate[:4])
        assert national_id[3] == str({19: 0, 20: 2}[year // 100] + (citizen.gender == "female"))
        assert national_id[4:6] == citizen.birthdate[2:4]
        assert re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", citizen.birthdate)
        assert re.fullmatch(r"\d{6}", citizen.passcode)
        assert re.fullmatch(r"\+84[35789]\d{8}", citizen.phone_number)
        assert {account.bank_bin for account in citizen.accounts} <= banks().keys()

    def test_cover_what_demonstrations_need(self):
        people = list(citizens().values())
        assert len(people) == 12
        assert {citizen.eid_level for citizen in people} == {1, 2}
        assert {len(citizen.birthdate) for citizen in people} == {4, 7, 10}
        assert any(citizen.birthdate.startswith("1944") for citizen in people), "82 years old in 2026"
        assert any("Đ" in citizen.name for citizen in people)
        assert any("'" in citizen.name for citizen in people)
        assert len({citizen.sub for citizen in people}) == 12
        assert len({citizen.passcode for citizen in people}) == 12
        codes = {scenarios.code_of(account.account_number) for citizen in people for account in citizen.accounts}
        named = set(scenarios.REFUSALS) | {scenarios.NEAR_NAME, scenarios.OTHER_NAME} | set(scenarios.PAYMENTS)
        assert named - codes <= {"9911"}
        assert codes - named, "the good case"

    def test_live_in_one_real_ward(self):
        with (ROOT / "foundation" / "reference" / "city" / "units.csv").open(encoding="utf-8") as file:
            names = {row["code"]: row["name"] for row in csv.DictReader(file)}
        assert WARD_NAME.removeprefix("Phường ") == names[WARD_CODE].removeprefix("Phường ")


class TestPage:
    def test_names_every_citizen_with_passcode(self):
        for citizen in citizens().values():
            assert f"`{citizen.national_id}`" in PAGE
            assert f"`{citizen.passcode}`" in PAGE

    def test_names_every_fault_option_and_variable(self):
        from dataclasses import fields

        from mock_gateway.faults import ID_TOKEN_FAULTS, KINDS, Options

        for word in (*KINDS, *ID_TOKEN_FAULTS, *(field.name for field in fields(Options))):
            assert f"`{word}`" in PAGE, word
        source = (ROOT / "mock_gateway" / "settings.py").read_text(encoding="utf-8")
        for name in set(re.findall(r'(?:get|number)\("([A-Z_]+)"', source)):
            assert f"`MOCK_GATEWAY_{name}`" in PAGE, name

    def test_names_every_control_call(self):
        from mock_gateway.control import routes

        for route in routes:
            for method in (route.methods or set()) - {"HEAD"}:
                assert f"`{method} /control{route.path}`" in PAGE, (method, route.path)
