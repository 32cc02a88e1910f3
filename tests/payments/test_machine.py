"""The payment core as a machine, through scenes in which every fault has its turn and through steps that chance draws.

What never happened in a whole run was not tested: the run fails then.
"""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from django.db import connection
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Clock, owner_of, real_commits
from tests.gateway.messages import CALLBACK_ENTRY
from tests.payments.faulty_bank import Fate, Fault
from tests.payments.payment_core import ASKED, LISTS_CHUNKS, REACHED, PaymentCore

# Those that leave the lines to be sent again come first.
ONE_AFTER_ANOTHER = (
    Fault.NO_CONNECTION, Fault.BUSY, Fault.LOST_BEFORE, Fault.REFUSED, Fault.REFUSED_BY_LINE, Fault.CUT, Fault.FOREIGN,
    Fault.DUPLICATE, Fault.HALF_DONE, Fault.LOST_AFTER, Fault.NONE,
)  # fmt: skip


def _walk_through(faults: Sequence[Fault]) -> None:
    """What chance may leave out of a short run happens here in any case, with the same demands after each step."""
    machine = PaymentCore()
    try:
        machine.begin(faults=list(faults), fates=list(Fate) * 2)
        machine.freeze_or_thaw(thaws=False)
        for asked in (*ASKED, *ASKED, *ASKED):
            machine.send(times=1)
            machine.wait(seconds=1_200, sweeps=True)
            machine.freeze_or_thaw(thaws=True)
            machine.ask(fault=asked)
            machine.ask(fault=Fault.NONE)
            machine.nobody_is_paid_twice()
            machine.the_books_agree_with_the_banks()
    finally:
        machine.teardown()


def _hear_before_our_own_answer() -> None:
    """The bank's news overtakes the worker that holds its answer; then what it said first comes after what it said last, and what
    it refused is listed again.
    """
    machine = PaymentCore()
    try:
        machine.begin(faults=[Fault.NONE], fates=list(Fate) * 2)
        machine.die(has_sent=True)
        machine.tell(places=[0, 1], age=0, reads=True)
        machine.send(times=5)
        machine.make_up_its_mind(place=0, fate=Fate.CREDITED)
        machine.tell(places=list(range(9)), age=1, reads=True)
        machine.list_again()
        machine.nobody_is_paid_twice()
        machine.the_books_agree_with_the_banks()
    finally:
        machine.teardown()


def test_i01_no_fault_pays_twice_or_loses_anything(django_db_setup: None, django_db_blocker: Any) -> None:
    searching = os.environ.get("HYPOTHESIS_PROFILE") == "search"
    PaymentCore.reached = Counter()
    with (
        real_commits(django_db_blocker),
        override_settings(GATEWAY_CALLBACK_SECRETS=[CALLBACK_ENTRY], DISPATCH_CHUNK_SIZE=2, MFA_REQUIRED=False),
        closing(owner_of(connection.settings_dict["NAME"])) as PaymentCore.superuser,
    ):
        PaymentCore.clock = Clock(PaymentCore.superuser)
        faults = iter(ONE_AFTER_ANOTHER)
        while turn := list(islice(faults, LISTS_CHUNKS - 1)):  # one is frozen
            _walk_through(turn)
        _hear_before_our_own_answer()
        run_state_machine_as_test(
            PaymentCore,
            settings=settings(
                max_examples=400 if searching else 6,
                stateful_step_count=50,
                deadline=None,
                derandomize=not searching,
                database=None,
                phases=tuple(Phase) if searching else (Phase.generate,),  # the steps as they were, at once
                suppress_health_check=list(HealthCheck),
            ),
        )
    missed = sorted(REACHED - PaymentCore.reached.keys())
    assert not missed, f"this run proved nothing about: {missed}"
