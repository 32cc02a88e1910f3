"""The run: a city of so many people, in slices of one ward each. Every slice of every measure is done by the portal and on the
floor, in turn; the plain way pays a part of the first slice's copy.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection as portal_connection
from psycopg2.extensions import connection

from foundation.audit.operations import SYSTEM
from foundation.audit.sealing import seal_events
from payments.models import PayoutBatch
from payments.operations.verification import Credit
from payments.operations.verification.running import verify_books
from welfare_portal.bench import city, office, paying, registers, statements
from welfare_portal.bench.floor import paying as floor_paying
from welfare_portal.bench.floor import registers as floor_registers
from welfare_portal.bench.floor import statements as floor_statements
from welfare_portal.bench.floor import tables
from welfare_portal.bench.floor import verifying as floor_verifying
from welfare_portal.bench.measures import Measure, in_turn, portions
from welfare_portal.bench.memory import Peak
from welfare_portal.bench.plain import run as plain
from welfare_portal.bench.servers import servers
from welfare_portal.demo.bank import ControlledGateway
from welfare_portal.demo.processes import Processes

MOST_LISTED = 100_000  # people in lists that are imported: a ward's list has some thousands
VERIFICATIONS = 3
Report = Callable[[str], None]


class Broken(Exception):
    """The run itself broke a rule: its figures are worth nothing."""


class Bench:
    """One run over `lines` people; `measures` are filled as it goes."""

    def __init__(self, *, lines: int, slices: int, directory: Path, report: Report) -> None:
        self.lines, self.slices, self.directory, self.report = lines, slices, directory, report
        self.build = Measure("build_and_submit", bar=0.5)
        self.dispatch = Measure("dispatch_to_settled", bar=0.5, plain_bar=100)
        self.verify = Measure("verify", bar=0.3)
        self.match = Measure("match_statement", bar=0.3)
        self.lists = Measure("import_list", bar=0.3)
        self.server: connection = city.owner()
        self.processes: Processes
        self.strange: frozenset[str] = frozenset()  # the plain way's payments, which are not the portal's

    @property
    def measures(self) -> list[Measure]:
        """All, in the order of a month's work."""
        return [self.lists, self.build, self.dispatch, self.match, self.verify]

    def run(self) -> list[Measure]:
        """Do it all.

        Raises:
            Broken: What was paid does not verify.
        """
        wards = city.wards(self.server, people=self.lines, slices=self.slices)
        self.report(f"{self.lines:,} people move in")
        city.settle(self.server, wards)
        desk = office.open_office([ward.code for ward in wards])
        tables.make_tables(self.server)
        self.processes = servers(self.directory, workers=2)
        with self.processes:
            for number, ward in enumerate(wards):
                self.report(f"list {number + 1} of {len(wards)}: {ward.people:,} people")
                batch = self._pay(number, ward, desk)
                if number == 0:
                    self.report("the plain way")
                    ran = plain.pay(self.server, batch, self.directory / "logs")
                    self.dispatch.plain, self.strange = ran.per_second, ran.codes
            bank = ControlledGateway()
            try:
                bank.shift_clock(days=1)  # the statements of a day are made when it is over
                self._match(desk)
                self._verify(bank)
            finally:
                bank.close()
        self._lists(desk, [ward.code for ward in wards])
        return self.measures

    def _pay(self, number: int, ward: city.Ward, desk: office.Office) -> PayoutBatch:
        batches: list[PayoutBatch] = []
        with Peak(self._pids) as peak:
            seconds = _timed(lambda: batches.append(office.build_and_submit(desk, ward.code)))
        batch = batches[0]
        bare = _timed(floor_paying.build, self.server, batch.pk)
        self.build.add(lines=ward.people, seconds=seconds, floor_seconds=bare, peak=peak)
        office.approve(desk, batch)
        tables.analyse(self.server)
        fund = desk.funds[ward.code]
        with Peak(self._pids) as peak:
            seconds, bare = in_turn(
                number,
                partial(_timed, paying.pay, batch),
                partial(_timed, floor_paying.pay, self.server, batch.pk, fund.pk),
            )
        self.dispatch.add(lines=ward.people, seconds=seconds, floor_seconds=bare, peak=peak)
        return batch

    def _match(self, desk: office.Office) -> None:
        fetched = statements.fetch_all(desk)
        lines = dict(
            zip((fund.debtor_account for fund in desk.funds.values()), portions(self.lines, self.slices), strict=True)
        )
        for number, one in enumerate(fetched):
            self.report(f"statement {number + 1} of {len(fetched)}: {len(one.content) / 1_000_000:.0f} MB")
            with Peak(self._pids) as peak:
                seconds = _timed(statements.import_next, one)
                bare = _timed(
                    floor_statements.match,
                    self.server,
                    content=one.content,
                    statement_id=statements.statement_of(one),
                    account=one.account,
                )
            self.match.add(lines=lines[one.account], seconds=seconds, floor_seconds=bare, peak=peak)

    def _verify(self, bank: ControlledGateway) -> None:
        while seal_events():
            pass
        log = self.directory / "credits.tsv"
        with log.open("w") as file:
            for credit in self._credits(bank):
                file.write(f"{credit.end_to_end_id}\t{credit.amount}\t{credit.times_credited}\n")
        for number in range(VERIFICATIONS):
            self.report(f"verification {number + 1} of {VERIFICATIONS}")
            with Peak(self._pids) as peak:
                seconds, bare = in_turn(
                    number,
                    partial(_timed, self._verify_once, bank),
                    partial(_timed, floor_verifying.verify, self.server, log),
                )
            self.verify.add(lines=self.lines, seconds=seconds, floor_seconds=bare, peak=peak, again=number > 0)

    def _credits(self, bank: ControlledGateway) -> Iterator[Credit]:
        return (credit for credit in bank.credits() if credit.end_to_end_id not in self.strange)

    def _verify_once(self, bank: ControlledGateway) -> None:
        book = replace(bank.book(), lines=self._credits(bank))
        _run, lines = verify_books(book=book, by=SYSTEM)
        if broken := [line.words for line in lines if not line.holds]:
            raise Broken("; ".join(broken))
        slowest = sorted(lines, key=lambda line: -line.seconds)[:5]
        self.report("slowest: " + ", ".join(f"{line.invariant.code} {line.seconds:.1f} s" for line in slowest))

    def _lists(self, desk: office.Office, units: list[str]) -> None:
        most = min(self.lines, MOST_LISTED) // len(units)
        contents = registers.write_lists(self.directory, units=units, lines=most)
        for number, (unit, content) in enumerate(zip(units, contents, strict=True)):
            self.report(f"register {number + 1} of {len(units)}: {most:,} people")
            before = floor_registers.marks(self.server)
            with Peak(self._pids) as peak:
                seconds = _timed(registers.bring_in, desk, content=content, unit=unit)
                after = floor_registers.marks(self.server)
                bare = _timed(floor_registers.bring_in, self.server, content=content, before=before, after=after)
            self.lists.add(lines=most, seconds=seconds, floor_seconds=bare, peak=peak)

    def _pids(self) -> Iterable[int]:
        with portal_connection.cursor() as reader:
            reader.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
            backends = [pid for (pid,) in reader.fetchall()]
        portal_connection.close()  # this thread's own, which nobody would close when it ends
        return [os.getpid(), *self.processes.pids(""), *backends]


def _timed(act: Callable[..., object], *values: Any, **named: Any) -> float:
    started = time.monotonic()
    act(*values, **named)
    return time.monotonic() - started
