"""One ward's list: built, submitted and paid by the portal, by real workers and the real mocked gateway."""

import time

from foundation.audit import clock
from payments import tasks
from payments.models import PayoutBatch
from payments.operations import release
from payments.states import BatchState
from welfare_portal.demo.main_job import Stuck

LOOK_SECONDS = 0.02


def pay(batch: PayoutBatch) -> None:
    """Release a list and wait until nothing of it is open.

    Raises:
        Stuck: It was held, or took longer than a second a line.
    """
    release.start_batch(batch_id=batch.pk, at=clock.now())
    tasks.ring()
    deadline = time.monotonic() + 60 + batch.number_of_transactions
    while True:
        state = PayoutBatch.objects.values_list("state", flat=True).get(pk=batch.pk)
        if state == BatchState.DRAINED:
            return
        if state != BatchState.DISPATCHING or time.monotonic() > deadline:
            raise Stuck(f"batch {batch.pk} is {state}")
        time.sleep(LOOK_SECONDS)
