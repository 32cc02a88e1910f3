"""The end of a run: faults stop, everything ends in time, and the gateway's own log says that nothing was paid twice or lost."""

from collections.abc import Iterable

from payments.operations import proof
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


def verify(run: Run) -> list[proof.Finding]:
    """What does not hold between our books and the gateway's log. The one door to the checker of invariants."""
    log = run.bank.log().values()
    return proof.compare_with_log(
        log=((row["end_to_end_id"], row["amount"], row["status"], row["times_credited"]) for row in log)
    )


def judge(run: Run) -> list[str]:
    """What is broken, in words; nothing: the run holds."""
    log = run.bank.log()
    broken = [f"paid {row['times_credited']} times: {key}" for key, row in log.items() if row["times_credited"] > 1]

    review = {key for (key,) in run.read("SELECT end_to_end_id FROM payments_transfer WHERE state = 'REVIEW'")}
    broken += [f"with people and should not be: {key}" for key in sorted(review - run.for_people)]
    broken += [f"should be with people: {key}" for key in sorted(run.for_people - review)]

    paid = sum(1 for key in run.for_people if log.get(key, {}).get("times_credited"))
    for finding in verify(run):
        # What is with people may have been paid, by the gateway's log: exactly so many and no others.
        expected = paid if finding.name == "credited there is settled or returned here" else 0
        if finding.broken != expected:
            broken.append(f"{finding.name}: {finding.broken} instead of {expected} ({finding.detail})")

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
