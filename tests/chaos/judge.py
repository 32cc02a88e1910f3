"""The end of a run: faults stop, everything ends in time, and the gateway's own log says that nothing was paid twice or lost."""

from collections.abc import Iterable

from foundation.audit import clock
from foundation.audit.sealing import seal_events
from payments.models import VerificationRun
from payments.operations.verification import Credit, GatewayBook
from payments.operations.verification.running import Line, examine
from tests.chaos.run import NotReached, Run

POISON = "e400_poison"  # no fault that stops: a line that the bank will never take


def cure(run: Run, *, seconds: float) -> float:
    """Stop every fault and wait until each transfer has ended or is with people; how long that took.

    Raises:
        NotReached: It took longer than it may.
    """
    for token in run.lab.failpoints.glob("*.*"):
        token.unlink(missing_ok=True)
    run.lab.servers.redis.resume()
    run.crew.let_up("")
    run.crew.wake_all()
    marker = run.bank.plan()["options"].get("poison_marker")
    run.bank.behave(keep=[POISON], **({"poison_marker": marker} if marker else {}))
    return run.until("everything ends in time", lambda: run.left() == 0, seconds=seconds)


def verify(run: Run) -> list[Line]:
    """What does not hold between our books and the gateway's log. The one door to the checker of invariants.

    The trail is sealed to its end first: some runs have no beat that does it.
    """
    while seal_events():
        pass
    lines = [
        Credit(
            end_to_end_id=row["end_to_end_id"],
            amount=row["amount"],
            times_credited=row["times_credited"],
            returned=row["returned"],
        )
        for row in run.bank.log().values()
    ]
    book = GatewayBook(source=VerificationRun.Source.LOG, taken_at=clock.now(), lines=lines)
    return [line for line in examine(book=book) if not line.holds]


def judge(run: Run) -> list[str]:
    """What is broken, in words; nothing: the run holds."""
    log = run.bank.log()
    broken = [f"paid {row['times_credited']} times: {key}" for key, row in log.items() if row["times_credited"] > 1]

    review = {key for (key,) in run.read("SELECT end_to_end_id FROM payments_transfer WHERE state = 'REVIEW'")}
    broken += [f"with people and should not be: {key}" for key in sorted(review - run.for_people)]
    broken += [f"should be with people: {key}" for key in sorted(run.for_people - review)]

    broken += [line.words for line in verify(run)]

    broken += [f"ends as {state}, the bank says {row}" for state, row in _disagreements(run)]
    broken += _batches(run)
    return broken


def _disagreements(run: Run) -> Iterable[tuple[str, str]]:
    """Every transfer against the gateway's word: never heard of is not paid, credited is paid, refused is not."""
    log = run.bank.log()
    states = dict(run.read("SELECT end_to_end_id, state FROM payments_transfer WHERE route = 'GATEWAY'"))
    for key, state in states.items():
        if key in run.for_people:
            continue
        row = log.get(key)
        if row is None:
            yield state, f"never heard of {key}"
        elif (state in ("SETTLED", "RETURNED")) != (row["times_credited"] == 1) or (row["status"] == "RJCT") != (
            state == "REJECTED"
        ):
            yield state, f"{row['status']}, {row['times_credited']} times, {key}"


def _batches(run: Run) -> list[str]:
    """A list ends when all of it has; one that waits for people does not, and says so."""
    waiting = {
        batch
        for (batch,) in run.read(
            "SELECT DISTINCT batch_id FROM payments_transfer WHERE end_to_end_id = ANY (%s)", sorted(run.for_people)
        )
    }
    ended = "SELECT id FROM payments_payout_batch WHERE state = 'DRAINED'"
    every = "SELECT id FROM payments_payout_batch"
    try:
        run.until(
            "lists end", lambda: {row[0] for row in run.read(every)} - {row[0] for row in run.read(ended)} == waiting
        )
    except NotReached:
        return [
            f"lists that have not ended: {run.read('SELECT id, state FROM payments_payout_batch')}, expected {waiting}"
        ]
    return []
