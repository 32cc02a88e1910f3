"""What can go wrong, scene by scene. Each feeds the portal, strikes, and notes what it really struck; none waits for the cure:
the faults of many scenes are in the air at once.
"""

import os
import signal
import time
from collections.abc import Callable

from django.db import connection

from payments import tasks
from tests.chaos.run import BANKS, NotReached, Run

Scene = Callable[[Run], None]
SCENES: dict[str, Scene] = {}
RING_SECONDS = 9.0  # what an officer waits at most for a bell that nobody hears
ZOMBIE_SECONDS = 6.0  # longer than lease, margin and a sweep of the laboratory


def scene(act: Scene) -> Scene:
    """Enter a scene into the book; `make chaos` deals them in the seed's order."""
    SCENES[act.__name__] = act
    return act


# --- Workers -------------------------------------------------------------------------------------------------------------
@scene
def workers_are_killed_where_it_hurts(run: Run) -> None:
    """F1, F2, F4, F5: before the intent, after it, with the answer in hand, and after everything."""
    places = [("before_intent", "F1", "READY"), ("after_intent", "F2", "SENDING"), ("after_answer", "F4", "SENDING")]
    places.append(("after_record", "F5", "ACCEPTED"))
    run.chance.shuffle(places)
    tokens = [(run.lay(name, "kill"), fault, state) for name, fault, state in places]
    run.feed(20)
    for token, fault, state in tokens:
        run.struck(token)
        run.reach(fault, state)


@scene
def workers_are_killed_while_they_ask(run: Run) -> None:
    """F1 to F4 of a question: the bank's news are lost, so that every line has to be asked about."""
    fed = run.prepare(20)
    run.bank.arm({key: {"callback_lost": 3} for key in fed.ids})
    tokens = [(run.lay("before_question", "kill"), "F1"), (run.lay("after_question", "kill"), "F2")]
    tokens.append((run.lay("after_reply", "kill"), "F4"))
    run.approve(fed)
    for token, fault in tokens:
        run.struck(token)
        run.reach(fault, "ACCEPTED", "chunk INQUIRY" if fault == "F1" else "chunk LEASED_INQUIRY")


@scene
def a_worker_is_killed_while_the_bank_works(run: Run) -> None:
    """F3: everything is credited, and nobody is left to hear it."""
    fed = run.prepare(5)
    before = run.bank.fired().get("drop_after", 0)
    run.bank.arm({chunk[0]: {"drop_after": 1} for chunk in fed.chunks})
    run.approve(fed)
    run.until("the bank keeps its answer", lambda: run.bank.fired().get("drop_after", 0) > before)
    run.crew.strike("worker")
    run.reach("F3", "SENDING")


@scene
def a_worker_is_taken_by_the_kernel_and_all_by_a_deployment(run: Run) -> None:
    """F6, F40: the process that holds a claim is killed from outside; later all are told to end while banks are slow."""
    frozen = run.lay("after_intent", "stop")
    run.feed(10)
    os.kill(run.struck(frozen), signal.SIGKILL)
    run.reach("F6", "SENDING")
    run.bank.options(latency_ms=1_500)
    fed = run.feed(10)
    sending = "SELECT 1 FROM payments_transfer WHERE batch_id = %s AND state = 'SENDING'"
    run.until("something is being sent", lambda: run.read(sending, fed.batch))
    run.reach("F40", "SENDING")
    run.crew.strike("worker", signal.SIGTERM)
    run.bank.options(latency_ms=0)


@scene
def a_worker_runs_out_of_memory(run: Run) -> None:
    """F7: in Celery 5.7.0 this ended the whole worker; it has to go on, and so has its chunk."""
    token = run.lay("after_intent", "memory")
    restarts = {service.name: service.restarts for service in run.crew.services}
    run.feed(10)
    run.struck(token)
    run.reach("F7", "SENDING")
    time.sleep(1)  # long enough for a worker to end, were it to
    if restarts != {service.name: service.restarts for service in run.crew.services}:
        raise NotReached("a worker ended when its memory did")


@scene
def zombies_come_back(run: Run) -> None:
    """F47: two workers are frozen, one before it sends and one with its answer, until others have taken over."""
    tokens = [run.lay("after_intent", "stop"), run.lay("after_answer", "stop")]
    run.feed(15)
    for token in tokens:
        run.struck(token)
    run.reach("F47", "SENDING", "chunk LEASED_SEND")
    time.sleep(ZOMBIE_SECONDS)
    run.crew.wake_all()
    late = "SELECT 1 FROM payments_dispatch_attempt WHERE outcome = 'STALE' OR detail = 'lease expired'"
    run.until("a zombie's word is put aside", lambda: run.read(late))


@scene
def bells_ring_twice_or_not_at_all(run: Run) -> None:
    """F34, F37: every bell twenty times, no beat, then two of them."""
    run.crew.hold_down("beat")
    run.feed(15)
    run.reach("F37", "PLANNED")
    for _ in range(20):
        tasks.ring()
    run.reach("F34", "PLANNED")
    run.crew.add_beat()
    run.crew.let_up("beat")


# --- Servers -------------------------------------------------------------------------------------------------------------
@scene
def postgresql_is_stopped_in_its_tracks(run: Run) -> None:
    """F10: while a worker stands between intent and send, and others are in the middle of everything."""
    frozen = run.lay("after_intent", "stop")
    run.feed(20)
    run.struck(frozen)
    run.observe("F10")
    connection.close()
    run.lab.servers.postgresql.crash()
    time.sleep(run.chance.uniform(0, 1))
    run.lab.servers.postgresql.start()
    run.crew.wake_all()


@scene
def redis_forgets_freezes_and_dies(run: Run) -> None:
    """F8, F9: emptied, frozen while an officer's act rings the bell, killed and started again."""
    frozen = run.lay("after_intent", "stop")
    run.feed(10)
    run.struck(frozen)
    run.observe("F8")
    run.lab.servers.redis.flush()
    run.observe("F9")
    run.lab.servers.redis.pause()
    run.crew.wake_all()
    run.feed(10)
    try:
        waits = [_seconds(tasks.ring), _seconds(tasks.ring)]
    finally:
        run.lab.servers.redis.resume()
    run.say(f"the bell of a frozen Redis took {waits[0]:.1f} s, and then {waits[1]:.3f} s")
    if waits[0] > RING_SECONDS or waits[1] > 0.5:
        raise NotReached("an act that rings hung")
    run.lab.servers.redis.kill()
    run.feed(10)
    run.lab.servers.redis.start()


def _seconds(act: Callable[[], None]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


@scene
def the_gateway_is_gone(run: Run) -> None:
    """F15: connections are refused, which proves that nothing was sent; then the portal's own door is gone for callbacks."""
    run.crew.hold_down("gateway")
    run.feed(10)
    run.until("a connection is refused", lambda: "NOT_SENT CONNECT" in run.outcomes("SEND"))
    run.reach("F15", "SENDING")
    run.crew.let_up("gateway")
    run.crew.strike("web")


@scene
def a_bank_is_down(run: Run) -> None:
    """F46: one bank says that it is closed; the others go on."""
    down = run.chance.choice(BANKS)
    run.bank.options(banks_down=[down])
    fed = run.feed(20)
    run.until("one bank's circuit or line waits", lambda: "NOT_SENT BANK_UNAVAILABLE" in run.outcomes("SEND"))
    run.reach("F46", "SENDING", "READY")
    unsent = "SELECT 1 FROM payments_transfer WHERE batch_id = %s AND creditor_agent <> %s AND sent_count = 0"
    run.until("the others are sent", lambda: not run.read(unsent, fed.batch, down))
    run.bank.options(banks_down=[])


# --- Answers -------------------------------------------------------------------------------------------------------------
ANSWERS: dict[str, str] = {
    "drop_before": "F16",
    "drop_after": "F17",
    "slow_after": "F17",
    "e500_before": "F18",
    "e500_half": "F18",
    "e429": "F19",
    "e503": "F19",
    "slow_drip": "F20",
    "truncated_body": "F21",
    "foreign_ids": "F21",
    "missing_lines": "F21",
    "duplicate_lines": "F21",
    "html_answer": "F22",
    "redirect": "F22",
}
CALLBACKS: dict[str, str] = {
    "callback_duplicate": "F23",
    "callback_out_of_order": "F24",
    "callback_late": "F25",
    "callback_forged": "F26",
    "callback_replayed": "F26",
    "callback_foreign": "F26",
    "callback_amount_differs": "F26",
    "callback_lost": "F25",
}


@scene
def every_answer_is_wrong(run: Run) -> None:
    """F16 to F22: each message of a list meets another fault."""
    _answers(run, asking=False)


@scene
def every_reply_to_a_question_is_wrong(run: Run) -> None:
    """F16 to F22 of a question: the bank's news are lost and each inquiry meets another fault."""
    _answers(run, asking=True)


def _answers(run: Run, *, asking: bool) -> None:
    kinds = [kind for kind in ANSWERS if not asking or kind not in ("e500_half",)]
    run.chance.shuffle(kinds)
    # A chunk for each kind: eight lines of one bank fill one.
    fed = run.prepare(len(BANKS) * 8 * 3)
    before = run.bank.fired()
    if asking:
        run.bank.options(endpoints=["inquiries"])
        news = {"callback_lost": 5}
    else:
        news = {}
    run.bank.arm(
        {chunk[0]: {kind: 1} | news for chunk, kind in zip(fed.chunks, kinds, strict=False)}
        | ({key: news for chunk in fed.chunks for key in chunk[1:]} if asking else {})
    )
    run.approve(fed)
    run.until(
        "every kind of answer came",
        lambda: all(run.bank.fired().get(kind, 0) > before.get(kind, 0) for kind in kinds),
        seconds=60,
    )
    for kind in kinds:
        run.reach(
            ANSWERS[kind], *(("ACCEPTED", "chunk LEASED_INQUIRY") if asking else ("SENDING", "chunk LEASED_SEND"))
        )
    if asking:
        run.bank.options(endpoints=["credits", "inquiries", "accounts", "links", "statements"])


@scene
def every_callback_is_wrong(run: Run) -> None:
    """F23 to F27: doubled, late, out of order, forged, replayed, foreign, of another amount, never; a worker dies over one."""
    run.bank.options(callback_late_seconds=4)
    token = run.lay("before_message_marked", "kill")
    before = run.bank.fired()
    # News of several messages may travel together and then meet one fault: what did not strike is laid out once more.
    while missing := [kind for kind in CALLBACKS if run.bank.fired().get(kind, 0) <= before.get(kind, 0)]:
        fed = run.prepare(len(BANKS) * 8)
        run.bank.arm({key: {kind: 1} for kind, chunk in zip(missing, fed.chunks, strict=False) for key in chunk})
        run.approve(fed)
        run.until_ended(fed)
    run.struck(token)
    for fault in set(CALLBACKS.values()):
        run.reach(fault, "ACCEPTED")
    run.reach("F27", "ACCEPTED")


@scene
def a_line_is_poison(run: Run) -> None:
    """F38: two lines that the gateway will never take, and does not name: they go to people, all others are paid."""
    fed = run.prepare(40)
    text = run.read("SELECT min(remittance_information) FROM payments_transfer WHERE batch_id = %s", fed.batch)[0][0]
    run.bank.options(poison_marker=text)
    bad = [run.chance.choice(chunk) for chunk in run.chance.sample(fed.chunks, 2)]
    run.bank.arm({key: {"e400_poison": 1_000} for key in bad})
    run.for_people |= set(bad)
    before = run.bank.fired().get("e400_poison", 0)
    run.approve(fed)
    run.until("a message is refused", lambda: run.bank.fired().get("e400_poison", 0) > before)
    run.reach("F38", "SENDING")


@scene
def banks_refuse_return_and_keep_silent(run: Run) -> None:
    """F43, F44: closed accounts, late words, credits that come back, and answers that the bank swallows."""
    endings = ["9901", "9902", "9910", "9911", "9920", "9921", "9930", "9931"]
    run.feed(40, endings=dict(enumerate(endings * 5)))
    run.owe_nothing_more()
    run.reach("F43", "ACCEPTED")
    run.reach("F44", "SETTLED")
