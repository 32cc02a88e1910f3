"""The mutants fit the sources: each mistake can still be made, and the tests that are to find it are there. Running them takes
minutes: `make mutants`.
"""

import re

import pytest

from tests.mutants.running import ROOT, Mutant, applied, mutants

MUTANTS = mutants()
# The mistakes that the promise of the portal names; others may stand beside them.
NAMED = {
    "blind_resend", "no_fence", "ready_on_lease_expiry", "intent_after_send", "callback_without_its_unique_key",
    "approve_without_compare_and_set", "acsc_taken_for_accc", "duplicate_taken_for_failure", "no_cool_off",
}  # fmt: skip


def test_every_mistake_that_was_promised_is_there() -> None:
    assert {mutant.name for mutant in MUTANTS} >= NAMED


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
class TestAMutant:
    def test_still_fits(self, mutant: Mutant) -> None:
        assert mutant.misfits() == []

    def test_names_tests_that_are_there(self, mutant: Mutant) -> None:
        assert mutant.tests
        for test in mutant.tests:
            file, *names = test.split("::")
            text = (ROOT / file).read_text(encoding="utf-8")
            assert [name for name in names if not re.search(rf"(class|def) {name}\b", text)] == [], test

    def test_is_taken_back(self, mutant: Mutant, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr("tests.mutants.running.forget_template", lambda: None)
        for edit in mutant.edits:
            copy = tmp_path / edit.file
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text((ROOT / edit.file).read_text(encoding="utf-8"), encoding="utf-8")
        with applied(mutant, tmp_path):
            assert mutant.misfits(tmp_path) != []
        assert mutant.misfits(tmp_path) == []
