"""Bringing statements in: fetched from the gateway, left half-way and taken up again, one at a time."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.audit.clock import now
from foundation.audit.models import Job
from foundation.gateway.errors import NotSent, OutcomeUnknown
from payments.models import (
    PayoutBatch,
    Statement,
    StatementDraftLine,
    StatementEntry,
    StatementFile,
    StatementFilePart,
)
from payments.operations import import_statements, statement_files
from payments.operations.import_statements import import_one
from payments.operations.statement_files import fetch_one, order_missing_statements, order_statements, stored_content
from tests.factories import Office, build_batch, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import run, send_all
from tests.payments.statements import ACCOUNT, camt, debit, today
from tests.payments.test_statements import transfers

pytestmark = pytest.mark.django_db


class Bank:
    """Gives statements, or what the test says instead."""

    def __init__(self, content: bytes | Exception, *, breaks_off: bool = False) -> None:
        self.content, self.breaks_off, self.asked = content, breaks_off, 0

    def fetch_statement(self, day: date, **_asked: Any) -> Iterator[bytes]:
        self.asked += 1
        if isinstance(self.content, Exception):
            raise self.content
        half = len(self.content) // 2
        yield self.content[:half]
        if self.breaks_off:
            raise OutcomeUnknown("CUT")
        yield self.content[half:]


def order(office: Office) -> StatementFile:
    order_statements(first=today(), last=today(), by=office.accountant, at=now())
    return StatementFile.objects.get()


@pytest.fixture
def batch(office: Office, gateway: FakeGateway) -> PayoutBatch:
    return paid(office, gateway)


def paid(office: Office, gateway: FakeGateway) -> PayoutBatch:
    make_entitled(5)
    batch = start(office, build_batch(office))
    send_all(gateway)
    return batch


class TestFetching:
    def test_keeps_what_came_encrypted_and_imports_it(self, office: Office, batch: PayoutBatch) -> None:
        file, content = order(office), camt([debit(transfer) for transfer in transfers()])
        assert fetch_one(gateway=Bank(content))  # type: ignore[arg-type]
        assert b"".join(stored_content(file_id=file.pk)) == content
        assert b"camt" not in bytes(StatementFilePart.objects.get().content_encrypted)
        assert import_one()
        file.refresh_from_db()
        assert (file.state, file.lines) == ("IMPORTED", 5)
        assert not fetch_one(gateway=Bank(content))  # type: ignore[arg-type]

    def test_asks_again_later_while_the_day_is_not_over(self, office: Office, clock: Any) -> None:
        file, bank = order(office), Bank(NotSent("STATEMENT_NOT_READY"))
        assert fetch_one(gateway=bank)  # type: ignore[arg-type]
        file.refresh_from_db()
        assert file.state == "ORDERED"
        assert not fetch_one(gateway=bank)  # type: ignore[arg-type]
        clock.shift("1 hour")
        assert fetch_one(gateway=bank)  # type: ignore[arg-type]
        assert bank.asked == 2

    def test_that_breaks_off_keeps_nothing_and_is_begun_anew(
        self, office: Office, batch: PayoutBatch, clock: Any
    ) -> None:
        file, content = order(office), camt([debit(transfer) for transfer in transfers()])
        assert fetch_one(gateway=Bank(content, breaks_off=True))  # type: ignore[arg-type]
        file.refresh_from_db()
        assert (
            file.state,
            StatementFilePart.objects.count(),
            Job.objects.filter(kind="statement.import").count(),
        ) == (
            "ORDERED",
            0,
            0,
        )
        clock.shift("1 hour")
        assert fetch_one(gateway=Bank(content))  # type: ignore[arg-type]
        assert import_one()
        assert StatementEntry.objects.count() == 5

    def test_of_a_worker_that_never_came_back_is_done_by_another(
        self, office: Office, batch: PayoutBatch, clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order(office)
        content = camt([debit(transfer) for transfer in transfers()])

        def dies(*_told: Any, **_more: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(statement_files, "_end_fetch", dies)
            with pytest.raises(KeyboardInterrupt):
                fetch_one(gateway=Bank(content))  # type: ignore[arg-type]
        assert not fetch_one(gateway=Bank(content))  # type: ignore[arg-type]
        clock.shift("12 minutes")
        assert fetch_one(gateway=Bank(content))  # type: ignore[arg-type]
        assert StatementFile.objects.get().state == "RECEIVED"

    def test_where_the_bank_has_none_ends(self, office: Office) -> None:
        file = order(office)
        assert fetch_one(gateway=Bank(NotSent("NOT_FOUND")))  # type: ignore[arg-type]
        file.refresh_from_db()
        assert file.state == "ABSENT"

    def test_is_ordered_each_morning_for_the_days_that_are_missing(
        self, office: Office, batch: PayoutBatch, clock: Any
    ) -> None:
        clock.shift("3 days")
        assert not StatementFile.objects.exists()
        assert order_missing_statements(at=now()) == 3
        assert order_missing_statements(at=now()) == 0
        assert set(StatementFile.objects.values_list("account", "source")) == {(ACCOUNT, "FETCHED")}
        assert StatementFile.objects.earliest("day").day == today() - timedelta(days=3)


class TestAnImport:
    def test_left_half_way_is_taken_up_where_it_stood(
        self, office: Office, batch: PayoutBatch, clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Killed after every single transaction, and taken up by the next worker each time."""
        monkeypatch.setattr(import_statements, "PORTION", 2)
        content = camt([debit(transfer) for transfer in transfers()])
        statement_files.upload_statement(content=lambda: [content], name="a.xml", by=office.accountant, at=now())
        leave, killed = import_statements._Step.__exit__, 0

        def dies(step: Any, *told: Any) -> None:
            nonlocal killed
            leave(step, *told)
            if told[0] is None:
                killed += 1
                raise KeyboardInterrupt

        monkeypatch.setattr(import_statements._Step, "__exit__", dies)
        for lives in range(1, 40):
            clock.shift(f"{lives * 7} minutes")
            try:
                if not import_one():
                    break
            except KeyboardInterrupt:
                continue
        assert killed > 8
        assert StatementFile.objects.get().state == "IMPORTED"
        assert StatementEntry.objects.filter(transfer__isnull=False).count() == 5
        assert Statement.objects.count() == 1
        assert not StatementDraftLine.objects.exists()
        assert Job.objects.get(kind="statement.import").state == "DONE"

    def test_that_was_taken_over_writes_nothing_more(self, office: Office, batch: PayoutBatch) -> None:
        content = camt([debit(transfer) for transfer in transfers()])
        statement_files.upload_statement(content=lambda: [content], name="a.xml", by=office.accountant, at=now())
        job = Job.objects.get(kind="statement.import")
        stale = import_statements._Run(job.pk, job.subject_id, fence=job.fence, cursor={})
        run("UPDATE audit_job SET fence = fence + 1 WHERE id = %s", job.pk)
        with pytest.raises(import_statements.StaleJob):
            import_statements._import(stale)
        assert not StatementDraftLine.objects.exists()

    def test_waits_while_another_runs(self, office: Office, batch: PayoutBatch) -> None:
        content = camt([debit(transfer) for transfer in transfers()])
        for _ in range(2):
            statement_files.upload_statement(content=lambda: [content], name="a.xml", by=office.accountant, at=now())
        run(
            "UPDATE audit_job SET state = 'RUNNING', lease_until = portal_now() + interval '1 minute' "
            "WHERE id = (SELECT min(id) FROM audit_job WHERE kind = 'statement.import')"
        )
        assert not import_one()
