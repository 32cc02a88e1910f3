"""The main job from end to end, by the same operations, workers and HTTP gateway as in earnest; only the people are invented.

import -> accounts checked through the gateway -> confirmed by a second person -> money by voucher -> list built, submitted,
approved by another person -> sent by workers -> settled by callbacks -> cash collected -> the day's statement fetched and
matched -> the list closed -> books proven against the gateway's log.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from django.db import connection
from django.db.models import Count, QuerySet, Sum
from redis import Redis

from beneficiaries import tasks as account_tasks
from beneficiaries.models import PayoutAccount
from beneficiaries.operations import import_register
from beneficiaries.operations.accounts import confirm_listed_accounts
from beneficiaries.states import AccountSource, AccountState
from foundation.audit import clock
from foundation.audit.operations import SYSTEM
from foundation.users.access import CITY_TIME
from foundation.users.roles import Role
from payments import queries, tasks
from payments.models import PayoutBatch, ReconciliationDifference, StatementFile, Transfer, VerificationRun
from payments.operations import build, cash, decide, statement_files
from payments.operations.verification.running import Line, verify_books
from payments.statement_states import FileState
from payments.states import BatchKind, BatchState, Route, TransferState
from welfare_portal.demo.bank import ControlledGateway
from welfare_portal.demo.people import PERIOD, ListedPerson
from welfare_portal.demo.processes import Processes
from welfare_portal.demo.seed import WARD, Office, listed_people, write_list

STUCK_SECONDS = 300.0
VNEID_LINKS = 50  # citizens of the list who link an account in the VNeID app as well
Report = Callable[[str, int, int], None]  # what is going on, done, total


class Stuck(Exception):
    """Nothing moved for so long that something is wrong."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the main job came to."""

    batch: PayoutBatch
    gateway: queries.BatchTotals
    cash: queries.BatchTotals
    sent: queries.Part
    unknown: queries.Part
    in_statement: queries.Part
    differences: int
    run: VerificationRun
    lines: list[Line]
    seconds: float
    restarts: int


@dataclass
class MainJob:
    """One run over a list of `lines`; `kill_half_way` takes a worker and Redis away in the middle."""

    office: Office
    processes: Processes
    directory: Path
    lines: int
    report: Report
    kill_half_way: bool = False

    def run(self) -> Result:
        """Do it all; the seconds are those from approval to the last answer of the bank."""
        with closing(ControlledGateway()) as bank:
            return self._run(bank)

    def _run(self, bank: ControlledGateway) -> Result:
        bank.open_accounts(self._people())
        self._import()
        self._link(bank)
        batch = self._list()
        started = time.monotonic()
        self._approve(batch)
        self._pay(batch)
        seconds = time.monotonic() - started
        self._reconcile(bank, batch)
        batch.refresh_from_db()
        run, lines = verify_books(book=bank.book(), by=SYSTEM)
        return Result(
            batch=batch,
            gateway=queries.batch_totals(batch_id=batch.pk, route=Route.GATEWAY),
            cash=queries.batch_totals(batch_id=batch.pk, route=Route.WARD_CASH),
            sent=_part(Transfer.objects.filter(batch=batch, sent_count__gt=0)),
            unknown=_part(
                Transfer.objects.filter(batch=batch, state__in=[TransferState.UNKNOWN, TransferState.REVIEW])
            ),
            in_statement=_matched(batch),
            differences=ReconciliationDifference.objects.filter(account=batch.fund.debtor_account).count(),
            run=run,
            lines=lines,
            seconds=seconds,
            restarts=self.processes.restarts,
        )

    def _people(self) -> Iterator[ListedPerson]:
        return listed_people(self.lines)

    def _import(self) -> None:
        path = write_list(self.directory, lines=self.lines)
        self.report("Nhập danh sách", 0, self.lines)
        by, at = self.office.staff[Role.PREPARER], clock.now()
        checked = import_register.check_register(
            content=path.read_bytes(), file_name=path.name, unit_code=WARD, period=PERIOD, by=by, at=at
        )
        if checked.import_id is None:
            raise Stuck("; ".join(group.message for group in checked.findings.groups()))
        import_register.commit_register(import_id=checked.import_id, by=by, at=at)
        self.report("Nhập danh sách", self.lines, self.lines)

    def _link(self, bank: ControlledGateway) -> None:
        """Workers ask the banks for names; some citizens link in VNeID meanwhile; then the second person confirms."""
        linking = (person for person in self._people() if person.account and not person.payee)
        linked = {
            person.national_id
            for person in islice(linking, VNEID_LINKS)
            if person.account
            and bank.link(
                national_id=person.national_id,
                bank_bin=person.account.bank_bin,
                account_number=person.account.number,
            )
            == "LINKED"
        }
        tasks.ring()
        account_tasks.ring()
        waiting = PayoutAccount.objects.filter(state__in=[AccountState.REQUESTED, AccountState.ID_PROVEN])
        total = PayoutAccount.objects.count()
        self._until("Hỏi tên chủ tài khoản", total, lambda: total - waiting.count())
        # A link that is told only after the list is built takes its payee out of it again: right, and not what is shown here.
        told = PayoutAccount.objects.filter(source=AccountSource.LINKED).values("payee").distinct()
        self._until("Liên kết trong VNeID", len(linked), told.count)
        confirm_listed_accounts(unit_code=WARD, by=self.office.staff[Role.APPROVER], at=clock.now())

    def _list(self) -> PayoutBatch:
        by, at = self.office.staff[Role.PREPARER], clock.now()
        batch = build.start_build(
            fund_id=self.office.fund.pk,
            unit_code=WARD,
            period=PERIOD,
            kind=BatchKind.REGULAR,
            execution_date=_day(at),
            by=by,
            at=at,
        )
        tasks.ring()
        self._until("Lập danh sách chi", 1, lambda: int(_state(batch) != BatchState.BUILDING))
        return batch

    def _approve(self, batch: PayoutBatch) -> None:
        seen = decide.submit_batch(batch_id=batch.pk, by=self.office.staff[Role.PREPARER], at=clock.now())
        for approver in self.office.approvers:  # as many as the city's rule asks for a list of this sum
            if decide.approve_batch(batch_id=batch.pk, by=approver, seen_hash=seen, at=clock.now()):
                break
        tasks.ring()

    def _pay(self, batch: PayoutBatch) -> None:
        total = queries.batch_totals(batch_id=batch.pk, route=Route.GATEWAY).planned.count
        killed = not self.kill_half_way

        def ended() -> int:
            nonlocal killed
            done = queries.batch_totals(batch_id=batch.pk, route=Route.GATEWAY).ended.count
            if not killed and _sent(batch) * 2 >= total:
                killed = True
                self._take_away()
            return done

        self._until("Chuyển khoản", total, ended)
        self._collect_cash(batch)
        tasks.ring()
        self._until("Kết thúc đợt", 1, lambda: int(_state(batch) == BatchState.DRAINED))

    def _reconcile(self, bank: ControlledGateway, batch: PayoutBatch) -> None:
        """The bank's day is over: its statement is fetched, imported and matched, and the list is closed by the workers."""
        bank.shift_clock(days=1)
        by, at = self.office.staff[Role.ACCOUNTANT], clock.now()
        first = (batch.started_at or at).astimezone(CITY_TIME).date()
        statement_files.order_statements(first=first, last=_day(at), by=by, at=at)
        tasks.ring()
        days = (_day(at) - first).days + 1
        read = StatementFile.objects.filter(
            state__in=[FileState.IMPORTED, FileState.ABSENT], account=batch.fund.debtor_account
        )
        self._until("Đối soát sao kê", days, read.count)
        self._until("Đóng đợt", 1, lambda: int(_state(batch) == BatchState.CLOSED))

    def _take_away(self) -> None:
        """`kill -9` a worker and empty Redis: time is lost, nothing else."""
        os.kill(self.processes.pids("worker")[0], signal.SIGKILL)
        Redis.from_url(os.environ["REDIS_URL"]).flushall()

    def _collect_cash(self, batch: PayoutBatch) -> None:
        by, at = self.office.staff[Role.ACCOUNTANT], clock.now()
        opened = Transfer.objects.filter(batch=batch, route=Route.WARD_CASH, state=TransferState.PLANNED)
        planned = queries.batch_totals(batch_id=batch.pk, route=Route.WARD_CASH).planned.count
        self._until("Mở danh sách tiền mặt", planned, lambda: planned - opened.count())
        cash.hand_over(batch_id=batch.pk, by=by, at=at)
        listed = Transfer.objects.filter(batch=batch, state=TransferState.HANDED_OVER).order_by("id")
        signatures = [
            cash.Collected(transfer_id=pk, receiver_name=name, relation="", collected_date=_day(at))
            for number, (pk, name) in enumerate(listed.values_list("id", "creditor_name"))
            if number % 33 != 32  # three in a hundred do not come this month
        ]
        cash.mark_collected(batch_id=batch.pk, collected=signatures, by=by, at=at)
        cash.carry_over(batch_id=batch.pk, by=by, at=at)
        self.report("Tiền mặt", planned, planned)

    def _until(self, what: str, total: int, done: Callable[[], int]) -> None:
        """Follow some work of the workers until it is done, starting again what has died."""
        last, moved_at = -1, time.monotonic()
        while (count := done()) < total:
            connection.close()  # a server that was restarted under us is met with a fresh connection
            if count != last:
                last, moved_at = count, time.monotonic()
            if time.monotonic() - moved_at > STUCK_SECONDS:
                raise Stuck(what)
            self.report(what, count, total)
            self.processes.keep_running()
            time.sleep(0.1)
        self.report(what, total, total)


def _state(batch: PayoutBatch) -> str:
    return str(PayoutBatch.objects.values_list("state", flat=True).get(pk=batch.pk))


def _sent(batch: PayoutBatch) -> int:
    return Transfer.objects.filter(batch=batch, sent_count__gt=0).count()


def _matched(batch: PayoutBatch) -> queries.Part:
    found = batch.chunks.aggregate(count=Sum("matched_count", default=0), amount=Sum("matched_sum", default=0))
    return queries.Part(found["count"], found["amount"])


def _part(transfers: QuerySet[Transfer]) -> queries.Part:
    found = transfers.aggregate(count=Count("id"), amount=Sum("instructed_amount", default=0))
    return queries.Part(found["count"], found["amount"])


def _day(at: datetime) -> date:
    return at.astimezone(CITY_TIME).date()
