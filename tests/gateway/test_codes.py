import pytest

from foundation.gateway.codes import (
    ENQUIRY_REFUSALS,
    STATUS_RANK,
    STATUS_REASONS,
    TRANSACTION_STATUSES,
    Action,
    Outcome,
    outcome_of,
    status_reason,
)

REASONS_BY_ACTION = {
    Action.VERIFY_LINK: "AC01 AC03 BE01 BE06 RC01 RC03",
    Action.CLOSE_LINK: "AC04 AC07",
    Action.SUSPEND_LINK: "AC06",
    Action.SUSPEND_BENEFICIARY: "MD07",
    Action.STOP_PROGRAMME: "AM04",
    Action.CHECK_CONFIGURATION: "AM02 AM14 AM23",
    Action.PROPOSE_REPLACEMENT: "AB05 AB06 AB08 AB10 NOAS TM01",
    Action.INQUIRE: "AM05 DUPL DU01 DU02 DU03 DU04 DU05",
    Action.REVIEW: "FRAD LEGL RR04 NARR MS03",
}


class TestOutcome:
    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            *((status, "ACCEPTED") for status in ["RCVD", "ACTC", "ACCP", "ACFC", "ACSP", "ACWP", "PDNG"]),
            ("ACSC", "SETTLED_DEBTOR"),
            ("ACCC", "SETTLED_CREDITOR"),
            ("BLCK", "REVIEW"),
            ("NOTFOUND", "NOT_FOUND"),
            ("", "UNKNOWN"),
            ("acsc", "UNKNOWN"),
            ("WHAT", "UNKNOWN"),
        ],
    )
    def test_of_a_status(self, status, outcome):
        assert outcome_of(status, None) == outcome

    @pytest.mark.parametrize("reason", REASONS_BY_ACTION[Action.INQUIRE].split())
    def test_a_rejected_duplicate_says_nothing_about_the_first_credit(self, reason):
        assert outcome_of("RJCT", reason) is Outcome.UNKNOWN

    @pytest.mark.parametrize("reason", [*REASONS_BY_ACTION[Action.REVIEW].split(), "ZZ99", "", None])
    def test_a_rejection_that_nobody_classified_goes_to_people(self, reason):
        assert outcome_of("RJCT", reason) is Outcome.REVIEW

    def test_every_other_listed_rejection_is_final(self):
        others = (
            set(STATUS_REASONS)
            - {*REASONS_BY_ACTION[Action.INQUIRE].split()}
            - {*REASONS_BY_ACTION[Action.REVIEW].split()}
        )
        assert {outcome_of("RJCT", reason) for reason in others} == {Outcome.REJECTED}

    def test_a_reason_never_changes_what_a_payment_is(self):
        assert outcome_of("ACCC", "AM05") is Outcome.SETTLED_CREDITOR

    def test_the_final_statuses_outrank_the_others(self):
        assert STATUS_RANK["PDNG"] < STATUS_RANK["ACSP"] < STATUS_RANK["ACSC"] < STATUS_RANK["ACCC"]
        assert set(STATUS_RANK) == set(TRANSACTION_STATUSES) - {"RJCT", "BLCK"}


class TestReasons:
    def test_each_has_the_action_of_the_design(self):
        actions = {code: reason.action for code, reason in STATUS_REASONS.items()}
        assert actions == {code: action for action, codes in REASONS_BY_ACTION.items() for code in codes.split()}

    def test_an_unlisted_one_has_words_and_goes_to_people(self):
        reason = status_reason("ZZ99")
        assert reason.action is Action.REVIEW
        assert str(reason.label)

    def test_each_has_words_for_the_citizen_and_for_the_officer(self):
        for reason in [*STATUS_REASONS.values(), status_reason("ZZ99")]:
            for words in (reason.label, reason.for_citizen, reason.for_officer):
                assert len(str(words)) > 5

    def test_no_citizen_is_told_of_fraud(self):
        """A suspicion is for the officer; the citizen is sent to the ward."""
        assert "gian lận" not in str(STATUS_REASONS["FRAD"].for_citizen)


class TestRefusals:
    def test_are_those_of_the_contract_each_with_a_way_out(self):
        expected = (
            "ACC_NOT_FOUND NAME_MISMATCH ID_MISMATCH ACC_INACTIVE ACC_TYPE BANK_NOT_SUPPORTED BIO_MISSING EID_LEVEL"
        )
        assert set(ENQUIRY_REFUSALS) == {*expected.split(), "TEMPORARY"}
        remedies = {str(refusal.remedy) for refusal in ENQUIRY_REFUSALS.values()}
        assert len(remedies) == len(ENQUIRY_REFUSALS)

    def test_only_a_busy_system_is_tried_again_by_itself(self):
        assert [code for code, refusal in ENQUIRY_REFUSALS.items() if refusal.try_again] == ["TEMPORARY"]
