"""What the tests of the payment core share: counting, doing all that waits, refusals of the database, and races."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from foundation.audit import clock
from foundation.audit.sealing import seal_events
from payments.models import FundBalance, LedgerEntry, PayoutBatch, Transfer
from payments.operations import dispatch
from payments.operations.verification import Credit, GatewayBook
from payments.operations.verification.running import Line, examine
from tests.factories import Office
from tests.fake_gateway import FakeGateway


def states() -> dict[str, int]:
    return dict(Counter(Transfer.objects.values_list("state", flat=True)))


def balances(office: Office) -> dict[str, int]:
    return dict(FundBalance.objects.filter(fund=office.fund).values_list("account", "balance"))


def entries() -> dict[str, int]:
    """Rows of the ledger by kind."""
    return dict(Counter(LedgerEntry.objects.values_list("kind", flat=True)))


def state_of(batch: PayoutBatch) -> str:
    batch.refresh_from_db()
    return batch.state


def send_all(gateway: FakeGateway) -> None:
    while claim := dispatch.claim_to_send():
        dispatch.send(claim=claim, gateway=gateway)


def ask_all(gateway: FakeGateway) -> None:
    while claim := dispatch.claim_to_ask():
        dispatch.ask(claim=claim, gateway=gateway)


def book_of(gateway: FakeGateway) -> GatewayBook:
    """The fake gateway's own credit log, as `verify` reads it."""
    return GatewayBook(
        source="LOG",
        taken_at=clock.now(),
        lines=[
            Credit(
                end_to_end_id=key,
                amount=sent.instructed_amount,
                times_credited=gateway.times[key],
                returned=key in gateway.returned,
                bank_bin=sent.creditor_agent,
                account_number=sent.creditor_account,
            )
            for key, sent in gateway.credits.items()
        ],
    )


def broken(gateway: FakeGateway) -> list[Line]:
    """The lines of `verify` that do not hold, against the gateway's own log; the trail is sealed first, as beat does."""
    while seal_events():
        pass
    return [line for line in examine(book=book_of(gateway)) if not line.holds]


def run(sql: str, *values: Any) -> int:
    """One statement as the application; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def read(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


@contextmanager
def taken_back() -> Iterator[None]:
    """What is done inside is undone; operations may begin and end inside, since Django does not know of it."""
    run("SAVEPOINT taken_back")
    yield
    run("ROLLBACK TO SAVEPOINT taken_back")


def refused(sql: str, *values: Any, by: str) -> None:
    """The database itself refuses this statement of the application's role, by the rule that `by` names."""
    assert read("SELECT current_user") == [("welfare_app",)]
    with pytest.raises(DatabaseError, match=by), transaction.atomic():
        run(sql, *values)


def as_criminal(superuser: Any, sql: str, *values: Any) -> int:
    """One statement past every right and trigger: how many rows it touched, so that a test can see that it hit."""
    with superuser.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run each act on a thread and connection of its own, all from one starting shot; what they gave or raised, in order.

    Locks are waited for five seconds at most: a deadlock of ours fails the test, it does not hang it.
    """
    shot = threading.Barrier(len(acts), timeout=10)

    def one(act: Callable[[], Any]) -> Any:
        try:
            run("SET lock_timeout = '5s'")
            shot.wait()
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [future.result() for future in [threads.submit(one, act) for act in acts]]


def kinds(results: Sequence[Any]) -> list[str]:
    """Names of what was raised, and the values of what was given, in one sorted list."""
    return sorted(type(result).__name__ if isinstance(result, Exception) else str(result) for result in results)
