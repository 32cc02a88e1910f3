"""Every fault of the payment protocol, the states in which it can find a payment, and the test that strikes it there.

`python -m tests.faults.table` writes docs/faults.md; `test_table.py` holds the page, the tests that it names and the runs of
`tests/chaos` to this table.
"""

from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
CHAOS = "make chaos"
DISPATCH = "tests/payments/test_dispatch.py"
PROOFS = "tests/payments/test_dispatch_proofs.py"
MESSAGES = "tests/payments/test_messages.py"
BANKS = "tests/payments/test_banks.py"
STATEMENTS = "tests/payments/test_statements.py"
RESTORING = "tests/payments/test_restoring.py"
DATABASE = "tests/faults/test_database.py"
WORKERS = "tests/faults/test_workers.py"
CLOCKS = "tests/faults/test_clocks.py"
NETWORK = "tests/gateway/test_client_network.py"
ANSWERS = "tests/gateway/test_client_answers.py"
CREDITS = "tests/contract/test_credits.py"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, what must come of it, and where it is struck: state -> `CHAOS` or the test's node id.

    A state is a transfer's, a `chunk`'s or a `batch`'s; `request` and `callback` strike before any row is concerned.
    """

    number: int
    what: str
    must: str
    struck: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    not_struck: str = ""

    @property
    def code(self) -> str:
        """F1 to F50."""
        return f"F{self.number}"

    def tests(self, state: str) -> tuple[str, ...]:
        """What strikes it in this state."""
        tests = self.struck[state]
        return (tests,) if isinstance(tests, str) else tests


def _answer(number: int, what: str, must: str, **more: str | tuple[str, ...]) -> Fault:
    """A fault of the gateway's answers, which can meet an order and a question."""
    everywhere = dict.fromkeys(("SENDING", "chunk LEASED_SEND", "ACCEPTED", "chunk LEASED_INQUIRY"), CHAOS)
    return Fault(number, what, must, {**everywhere, **more})


FAULTS = (
    Fault(
        1,
        "`kill -9` before the intent is committed",
        "nothing was sent; the next claim takes it",
        {"READY": CHAOS, "ACCEPTED": CHAOS, "chunk INQUIRY": CHAOS},
    ),
    Fault(
        2,
        "`kill -9` after the intent, before the send",
        "asked about after the lease, then sent under the same id",
        {
            "SENDING": (
                CHAOS,
                f"{DISPATCH}::TestLeaseAndFence::test_a_worker_that_never_came_back_is_asked_about_never_sent_again",
            ),
            "chunk LEASED_INQUIRY": CHAOS,
        },
    ),
    Fault(
        3, "`kill -9` after the send, before the answer", "asked about; the bank's word settles it", {"SENDING": CHAOS}
    ),
    Fault(
        4,
        "`kill -9` with the answer in hand",
        "asked again; the same word",
        {"SENDING": CHAOS, "chunk LEASED_INQUIRY": CHAOS},
    ),
    Fault(5, "`kill -9` after everything was written", "the next bell finds nothing to do", {"ACCEPTED": CHAOS}),
    Fault(6, "the kernel kills the process that holds a claim", "as F2: no bell carries work", {"SENDING": CHAOS}),
    Fault(
        7,
        "`MemoryError` in a task",
        "the worker lives, the chunk is asked about",
        {"SENDING": (CHAOS, f"{WORKERS}::TestF7AWorkerOutlivesItsMemory::test_what_it_was_sending_is_asked_about")},
    ),
    Fault(
        8,
        "Redis emptied, or killed and started again",
        "time is lost, nothing else",
        {"SENDING": CHAOS, "chunk LEASED_SEND": CHAOS},
    ),
    Fault(
        9,
        "Redis frozen",
        "an act that rings waits once, for seconds",
        {
            "SENDING": CHAOS,
            "request": f"{WORKERS}::TestF9ABellThatNobodyHears::test_costs_one_page_its_patience_and_no_other",
        },
    ),
    Fault(
        10,
        "PostgreSQL stopped in immediate mode",
        "states are read again, unknown ones asked about",
        {"SENDING": CHAOS, "chunk LEASED_SEND": CHAOS},
    ),
    Fault(
        11,
        "connection lost during COMMIT",
        "found out by reading, never done again blind",
        {
            "READY": f"{DATABASE}::TestF11TheConnectionIsLostDuringCommit::test_of_an_intent_that_was_not_written_it_is_simply_claimed",
            "SENDING": (
                f"{DATABASE}::TestF11TheConnectionIsLostDuringCommit::test_of_an_intent_that_was_written_it_is_asked_about",
                f"{DATABASE}::TestF11TheConnectionIsLostDuringCommit::test_of_an_answer_it_is_booked_once",
            ),
        },
    ),
    Fault(
        12,
        "deadlock, lock timeout",
        "the whole transaction again, three times at most; then asked about",
        {
            "SENDING": (
                f"{DATABASE}::TestF12TwoStandInEachOthersWay::test_a_deadlock_costs_a_second_and_no_answer",
                f"{DATABASE}::TestF12TwoStandInEachOthersWay::test_a_lock_that_does_not_come_is_tried_for_again",
                f"{DATABASE}::TestF12TwoStandInEachOthersWay::test_one_that_never_comes_leaves_the_answer_to_be_asked_for",
            )
        },
    ),
    Fault(
        13,
        "serialization failure",
        "the whole transaction again",
        {"request": f"{DATABASE}::TestF13WhatTheDatabaseTookBack::test_is_done_again"},
    ),
    Fault(
        14,
        "a session idle in its transaction",
        "ended after five seconds, its locks are free",
        {"READY": f"{DATABASE}::TestF14ASessionThatSleepsInATransaction::test_loses_its_locks_and_another_goes_on"},
    ),
    Fault(
        15,
        "gateway cannot be reached: refused, no name, TLS",
        "proven not sent: ready again, later",
        {
            "SENDING": (CHAOS, f"{DISPATCH}::TestOutcomes::test_a_refused_connection_is_tried_again_with_proof"),
            "request": (
                f"{NETWORK}::TestConnections::test_refused_is_proof_of_not_sent",
                f"{NETWORK}::TestConnections::test_a_name_without_an_address_is_proof_of_not_sent",
                f"{NETWORK}::TestTls::test_an_unknown_authority_is_proof_of_not_sent",
            ),
        },
    ),
    _answer(
        16,
        "time-out before processing",
        "unknown; never seen, and sent again under the same id",
        UNKNOWN=f"{DISPATCH}::TestOutcomes::test_not_found_after_it_makes_the_same_transfer_ready_again",
    ),
    _answer(
        17,
        "time-out after processing",
        "unknown; asked about, never sent again",
        UNKNOWN=f"{DISPATCH}::TestOutcomes::test_a_time_out_after_processing_is_asked_about_and_not_sent_again",
    ),
    _answer(
        18,
        "5xx, nothing or half processed",
        "unknown for every line",
        request=f"{CREDITS}::TestFaults::test_half_of_a_message_done_and_500",
    ),
    _answer(
        19,
        "429, 503 with Retry-After",
        "proven not sent by the gateway's word; slower, and not before it says",
        READY=f"{BANKS}::TestOneBankDown::test_too_many_halves_the_rate_of_that_bank_only",
    ),
    _answer(
        20,
        "an answer of one byte a second",
        "one deadline over everything",
        request=f"{NETWORK}::TestTotalDeadline::test_over_a_body_of_one_byte_at_a_time",
    ),
    _answer(
        21,
        "an answer that is cut, or has foreign, missing or doubled lines",
        "ours and clear: applied; the rest unknown",
        request=(
            f"{CREDITS}::TestFaults::test_lines_that_are_missing_or_doubled_stay_unknown",
            f"{CREDITS}::TestFaults::test_strangers_in_the_answer_change_nothing",
        ),
    ),
    _answer(
        22,
        "200 with a page, a redirect",
        "unknown; nothing is followed",
        request=f"{ANSWERS}::TestAnswersThatProveNothing::test_a_redirect_is_not_followed",
    ),
    Fault(
        23,
        "callback twice",
        "counts once",
        {
            "ACCEPTED": (CHAOS, f"{MESSAGES}::TestI24AMessageCountsOnce::test_replayed_a_thousand_times"),
            "SETTLED": f"{MESSAGES}::TestI24AMessageCountsOnce::test_the_same_news_under_many_ids_is_booked_once",
        },
    ),
    Fault(
        24,
        "callbacks out of order",
        "the final word is kept",
        {
            "ACCEPTED": CHAOS,
            "SETTLED": f"{MESSAGES}::TestI25OrderDoesNotMatter::test_the_highest_word_of_settlement_is_kept",
        },
    ),
    Fault(
        25,
        "callback late, or never",
        "asked about meanwhile; the same end, or a contradiction for people",
        {
            "ACCEPTED": CHAOS,
            "SENDING": f"{MESSAGES}::TestI25OrderDoesNotMatter::test_news_that_come_before_our_time_out_are_kept",
            "chunk LEASED_INQUIRY": f"{MESSAGES}::TestI25OrderDoesNotMatter::test_news_that_come_while_we_ask_are_kept",
            "REJECTED": f"{MESSAGES}::TestI25OrderDoesNotMatter::test_what_may_have_been_paid_after_all_is_not_paid_again",
        },
    ),
    Fault(
        26,
        "callback forged, replayed, of another key, amount or id",
        "401, or set aside; no money moves",
        {
            "ACCEPTED": (CHAOS, f"{MESSAGES}::TestI26NothingIsSettledFromWhatCannotBeTrue::test_another_amount"),
            "READY": f"{MESSAGES}::TestI26NothingIsSettledFromWhatCannotBeTrue::test_a_transfer_that_we_have_not_sent_yet",
            "callback": (
                "tests/contract/test_callbacks.py::TestCallbacks::test_that_is_forged_is_refused_and_the_true_one_taken",
                "tests/contract/test_callbacks.py::TestCallbacks::test_that_is_replayed_an_hour_old_is_refused",
            ),
        },
    ),
    Fault(
        27,
        "callback before our own answer is written; a worker dies over it",
        "stored, applied after, once",
        {
            "SENDING": f"{MESSAGES}::TestI25OrderDoesNotMatter::test_news_that_come_before_our_own_answer_are_kept",
            "ACCEPTED": CHAOS,
        },
    ),
    Fault(
        28,
        "a flood of callbacks",
        "each is one INSERT, one of many senders stores",
        {
            "callback": "tests/gateway/test_inbox.py::TestReceiveAtOnce::test_one_of_many_senders_stores_and_the_others_see_it"
        },
    ),
    Fault(
        29,
        "a line missing in the statement",
        "a difference; nothing is sent again",
        {"SETTLED": f"{STATEMENTS}::TestF29ARowIsMissing::test_is_a_difference_of_the_payment_and_sends_nothing"},
    ),
    Fault(
        30,
        "a line in the statement that nobody sent, or a second one for one payment",
        "suspense, alarm; after a restore everything stays held",
        {
            "SETTLED": (
                f"{STATEMENTS}::TestF30ARowThatWeDoNotKnow::test_rests_in_suspense_with_an_alarm",
                f"{STATEMENTS}::TestF30ARowThatWeDoNotKnow::test_a_second_entry_for_one_payment_is_a_double_credit",
            ),
            "UNKNOWN": f"{RESTORING}::TestTheBanksStatements::test_with_a_payment_that_the_copy_never_heard_of_keep_everything_held",
        },
    ),
    Fault(
        31,
        "another amount, account or date in the statement",
        "a difference for people; nothing is settled by it",
        {
            "ACCEPTED": f"{STATEMENTS}::TestWhatAStatementProves::test_settles_nothing_where_the_sum_is_another",
            "SETTLED": f"{STATEMENTS}::TestF31AmountAccountStateAndDate::test_is_a_difference_of_its_own",
            "REJECTED": f"{STATEMENTS}::TestF31AmountAccountStateAndDate::test_a_debit_of_what_the_bank_had_refused",
        },
    ),
    Fault(
        32,
        "a statement twice, or issued anew",
        "counts once; other content is a new version",
        {
            "SETTLED": (
                f"{STATEMENTS}::TestF32TheSameFileTwice::test_changes_nothing_and_says_so",
                f"{STATEMENTS}::TestF32TheSameFileTwice::test_issued_again_with_other_content_is_a_new_version",
            )
        },
    ),
    Fault(
        33,
        "a wrong clock, ours or the bank's",
        "delays, never a second payment",
        {
            "SENDING": f"{CLOCKS}::TestF33AWrongClock::test_of_ours_that_jumps_ahead_takes_a_lease_and_no_payment",
            "READY": f"{CLOCKS}::TestF33AWrongClock::test_of_a_bank_that_is_ahead_sends_nothing",
            "UNKNOWN": (
                f"{CLOCKS}::TestF33AWrongClock::test_of_a_bank_that_is_behind_makes_never_seen_prove_nothing",
                f"{CLOCKS}::TestF33AWrongClock::test_of_ours_that_steps_back_delays_and_pays_nothing_twice",
            ),
        },
    ),
    Fault(
        34,
        "every bell many times",
        "one worker has the chunk, the others find none",
        {
            "PLANNED": CHAOS,
            "READY": (
                f"{WORKERS}::TestF34BellsThatRingTwice::test_two_workers_that_find_the_same_work_do_it_once",
                f"{PROOFS}::TestI11AStaleWorkerWritesNothing::test_many_workers_send_many_chunks_once_each",
            ),
        },
    ),
    Fault(
        35,
        "Redis gives a bell out again while it is followed",
        "cannot be: bells are acknowledged first",
        {"request": f"{WORKERS}::TestF34BellsThatRingTwice::test_a_bell_is_answered_before_it_is_followed"},
    ),
    Fault(
        36,
        "double click, two tabs, the way back",
        "one decision",
        {
            "batch SUBMITTED": (
                "tests/payments/test_decisions.py::TestI21OneDecisionPerPersonAndList::test_a_double_click_counts_once_and_is_no_error",
                "tests/payments/test_decisions.py::TestI21OneDecisionPerPersonAndList::test_a_double_click_at_the_same_moment_counts_once",
            )
        },
    ),
    Fault(37, "no beat, two beats", "nothing is lost, nothing twice", {"PLANNED": CHAOS}),
    Fault(
        38,
        "a line that the gateway will never take",
        "found and given to people; the rest is paid",
        {
            "SENDING": (CHAOS, f"{BANKS}::TestPoison::test_one_bad_line_is_found_and_the_rest_is_paid"),
            "REVIEW": f"{BANKS}::TestPoison::test_two_bad_lines_are_found",
        },
    ),
    Fault(
        39,
        "disk full under PostgreSQL, logs or files",
        "no intent, so nothing is sent",
        not_struck="needs a file system of its own: a test may neither mount one nor fill the machine's. An intent that cannot be committed is F1",
    ),
    Fault(
        40,
        "a deployment in the middle: SIGTERM, old and new bells",
        "the chunk under way is recorded or asked about",
        {
            "SENDING": CHAOS,
            "request": f"{WORKERS}::TestF40OldAndNewReleasesSideBySide::test_a_bell_of_a_newer_release_is_understood",
        },
    ),
    Fault(
        41,
        "the gateway's memory of ids is over",
        "never sent again: people decide",
        {
            "UNKNOWN": (
                CHAOS,
                f"{PROOFS}::TestI10BackToReadyOnlyWithProof::test_a_transfer_older_than_the_gateways_memory_goes_to_people",
            ),
            "ACCEPTED": f"{PROOFS}::TestI10BackToReadyOnlyWithProof::test_a_transfer_that_the_bank_had_accepted_and_then_forgot_goes_to_people",
        },
    ),
    Fault(
        42,
        "the gateway says `duplicate`",
        "says nothing about the first: asked about",
        {
            "SENDING": f"{MESSAGES}::TestI26NothingIsSettledFromWhatCannotBeTrue::test_a_rejected_duplicate_is_no_rejection",
            "request": f"{CREDITS}::TestFaults::test_a_duplicate_code_is_unknown_although_the_credit_stands",
        },
    ),
    Fault(
        43,
        "an account closed after the approval",
        "rejected, money back, account closed here too",
        {"ACCEPTED": CHAOS, "REJECTED": f"{DISPATCH}::TestOutcomes::test_a_closed_account_is_closed_here_too"},
    ),
    Fault(
        44,
        "money comes back after settlement",
        "returned once, to the fund",
        {"SETTLED": (CHAOS, f"{MESSAGES}::TestMoneyThatComesBack::test_returns_to_the_fund_once")},
    ),
    Fault(
        45,
        "the same return twice, or of another amount",
        "taken once, or set aside",
        {
            "RETURNED": f"{MESSAGES}::TestMoneyThatComesBack::test_told_twice_is_taken_once",
            "SETTLED": f"{MESSAGES}::TestMoneyThatComesBack::test_of_another_amount_is_set_aside",
        },
    ),
    Fault(
        46,
        "one bank is down",
        "the others go on; it is tried with one line",
        {
            "SENDING": CHAOS,
            "READY": (CHAOS, f"{BANKS}::TestOneBankDown::test_leaves_the_others_flowing"),
        },
    ),
    Fault(
        47,
        "a worker frozen for longer than its lease comes back",
        "what it brings comes too late; the gateway begins nothing after `not_after`",
        {
            "SENDING": CHAOS,
            "chunk LEASED_SEND": CHAOS,
            "UNKNOWN": f"{DISPATCH}::TestLeaseAndFence::test_a_stale_worker_writes_nothing",
            "SETTLED": f"{PROOFS}::TestI11AStaleWorkerWritesNothing::test_an_old_question_does_not_undo_a_newer_answer",
        },
    ),
    Fault(
        48,
        "an approver is relieved, a beneficiary dies, an officer stops the list",
        "what is ready stays or is cancelled, what is being sent is recorded",
        {
            "batch RESERVED": "tests/payments/test_release.py::test_an_approver_who_was_relieved_before_the_start_holds_the_batch",
            "SENDING": "tests/faults/test_stopped.py::TestF48AListIsStoppedInTheMiddle::test_what_is_ready_stays_and_what_is_being_sent_is_recorded",
            "READY": (
                "tests/payments/test_claims_look_again.py::TestI18AuthorityIsLookedAtByEveryClaim::test_an_approver_relieved_while_the_list_is_paid",
                "tests/payments/test_claims_look_again.py::TestF48SomebodyDiesWhileTheListIsPaid::test_his_payment_does_not_leave_and_its_money_goes_back",
                "tests/faults/test_stopped.py::TestF48AListIsStoppedInTheMiddle::test_it_goes_on_where_it_stood_on_the_word_of_another",
            ),
        },
    ),
    Fault(
        49,
        "an older copy is restored",
        "held; asked about before anything is sent; statements compared",
        {
            "READY": f"{RESTORING}::TestF49AfterARestore::test_every_list_on_its_way_is_held_and_nothing_is_ready",
            "UNKNOWN": f"{RESTORING}::TestF49AfterARestore::test_what_the_lost_database_paid_is_found_and_the_rest_is_sent_once",
            "SENDING": f"{RESTORING}::test_a_worker_that_was_sending_when_the_copy_was_made_is_asked_about",
            "PLANNED": f"{RESTORING}::TestF49AfterARestore::test_a_chunk_that_had_yet_to_be_opened_is_asked_about_too",
            "batch SUBMITTED": f"{RESTORING}::TestF49AfterARestore::test_a_list_that_was_only_submitted_then_is_asked_about_when_it_starts",
            "request": "tests/faults/test_chaos.py::test_the_restore_drill_pays_nothing_twice",
        },
    ),
    Fault(
        50,
        "a replica lags behind",
        "decisions read the primary only",
        not_struck="the portal has one database connection and no replica: there is nothing to lag",
    ),
)


def draw() -> str:
    """The page."""
    lines = [
        "# Faults",
        "",
        "Drawn by `python -m tests.faults.table` from `tests/faults/table.py`. Every fault that the payment protocol answers, what must come of",
        "it, and in which state of a transfer (or `chunk`, `batch`) which test strikes it. **chaos**: the runs of `make chaos` strike it with real",
        "workers, servers and the mocked gateway; the short run in `make test` fails when one of its pairs was not reached, and a test named",
        "here fails when its payment was never in the state. `request` and `callback`: before any row is concerned.",
        "",
        "`make chaos SEED=7` plays every scene in the order of the seed; `make soak MINUTES=60` goes on with the seeds that follow. A run that fails",
        "says its seed and commit. What must be paid, and what must wait for people, is worked out from the gateway's log and the faults that",
        "were armed there, never from our tables.",
        "",
        "| | Fault | Must | State | Struck by |",
        "|---|---|---|---|---|",
    ]
    for fault in FAULTS:
        head = f"| {fault.code} | {fault.what} | {fault.must} "
        if not fault.struck:
            lines.append(f"{head}| | not struck: {fault.not_struck} |")
        for state in fault.struck:
            tests = "<br>".join("chaos" if test == CHAOS else _link(test) for test in fault.tests(state))
            lines.append(f"{head}| `{state}` | {tests} |")
            head = "| | | "
    return "\n".join(lines) + "\n"


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.rpartition('::')[2].removeprefix('test_').replace('_', ' ')}](../{path})"


if __name__ == "__main__":
    PAGE.write_text(draw(), encoding="utf-8")
