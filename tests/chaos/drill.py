"""The restore drill, `python -m tests.chaos.drill`: back up while paying, go on paying, lose the database, restore the older
copy, start held, ask, go on. The gateway remembers everything and pays whatever it is sent, as often as it is sent:
deduplication is off, so that only the portal's own care keeps a second payment away.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.laboratory import Laboratory, laboratory
from welfare_portal.environment import BASE_DIR

if TYPE_CHECKING:  # its models can be imported only once Django is set up on the laboratory's database
    from tests.chaos.run import Fed, Run

LINES = 60
LATER = 5  # on a list that was built, approved and paid when the copy had been made
FORGETFUL = {"deduplication_off": 1.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the drill; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.drill", description=__doc__)
    parser.add_argument("--directory", type=Path, help="where logs are kept (default: a new folder below var)")
    options = parser.parse_args(arguments)
    (BASE_DIR / "var").mkdir(exist_ok=True)
    directory: Path = options.directory or Path(tempfile.mkdtemp(prefix="drill-", dir=BASE_DIR / "var"))
    with laboratory(directory.absolute()) as lab:
        copy = lab.servers.home.directory / "copy"
        try:
            broken = _drill(lab, copy)
        finally:
            shutil.rmtree(copy, ignore_errors=True)
    for finding in broken:
        sys.stdout.write(f"BROKEN: {finding}\n")
    if broken:
        sys.stdout.write(f"The drill failed. Logs: {directory}\n")
    else:
        sys.stdout.write("The drill holds: nothing was paid twice, and nothing was lost.\n")
    return 1 if broken else 0


def _drill(lab: Laboratory, copy: Path) -> list[str]:
    from django.db import connection

    from tests.chaos.bank import StruckBank
    from tests.chaos.crew import Crew
    from tests.chaos.run import Run
    from tests.factories import make_office

    started = time.monotonic()

    def say(what: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - started:5.1f} s] {what}\n")
        sys.stdout.flush()

    logs = lab.begin("drill")
    with closing(StruckBank()) as bank:
        with Crew(lab, logs=logs) as crew:
            run = Run(seed=1, lab=lab, crew=crew, bank=bank, office=make_office(), say=say)
            lists = _pay_and_back_up(run, copy)
            paid = set(bank.log())
            say(f"{len(paid)} payments had been made when the database is lost")
        connection.close()
        lab.servers.postgresql.crash()
        lab.servers.postgresql.restore(copy)
        lab.servers.postgresql.start()
        say("the older copy has taken its place")
        _manage("start_after_restore", "--reason", "Diễn tập: lấy lại bản sao lưu cũ hơn")
        with Crew(lab, logs=logs) as crew:
            run.crew = crew
            return _go_on(run, lists, paid)


@dataclass(frozen=True, slots=True)
class Lists:
    """What was on its way when the copy was made, what was a draft then, and what came to be and was paid later."""

    listed: "Fed"
    draft: "Fed"
    later: "Fed"


def _pay_and_back_up(run: "Run", copy: Path) -> Lists:
    from tests.chaos.run import BANKS

    # Two banks are closed while the copy is made, so that it certainly believes some payments unsent that will be made.
    run.bank.misbehave(FORGETFUL, latency_ms=200, banks_down=list(BANKS[:2]))
    draft = run.prepare(LATER)
    listed = run.feed(LINES)
    run.until("the list is being paid", lambda: len(run.bank.log()) >= LINES // 8)
    before = len(run.bank.log())
    run.lab.servers.postgresql.back_up(copy)
    run.say(f"backed up while {before} to {len(run.bank.log())} of {LINES} payments had reached the gateway")
    run.bank.misbehave(FORGETFUL)
    run.approve(draft)
    later = run.feed(LATER)
    run.until("everything is paid", lambda: run.left() == 0, seconds=120)
    return Lists(listed, draft, later)


def _go_on(run: "Run", lists: Lists, paid: set[str]) -> list[str]:
    from payments.models import PayoutBatch, Restore
    from tests.payments.deciding import let_go_on

    restore = Restore.objects.get()
    run.say(f"held; {restore.transfers_in_doubt} payments in doubt")
    run.until("everything in doubt was asked about", lambda: _open(run, lists.listed.ids) <= {"READY"})
    broken = [] if restore.transfers_in_doubt else ["the copy had nothing in doubt: it was made too late"]
    if set(run.bank.log()) != paid:
        broken.append("something was sent while the lists were held")

    told = _manage("end_restore", expected=1)
    broken += [f"end_restore did not name {key}" for key in [*lists.draft.ids, *lists.later.ids] if key not in told]
    _manage("end_restore", "--accept", str(2 * LATER), "--reason", "Diễn tập: danh sách lập và chi sau bản sao lưu")
    for batch in PayoutBatch.objects.filter(state="HELD"):
        let_go_on(run.office, batch)
    run.approve(lists.draft)  # the same list again: asked about before anything is sent
    run.until("everything has ended", lambda: run.left() == 0, seconds=90)

    log = run.bank.log()
    broken += [f"paid {row['times_credited']} times: {key}" for key, row in log.items() if row["times_credited"] != 1]
    broken += [f"not paid: {key}" for key in [*lists.listed.ids, *lists.draft.ids] if key not in log]
    states = dict(run.read("SELECT end_to_end_id, state FROM payments_transfer WHERE route = 'GATEWAY'"))
    broken += [f"{state} here, paid there: {key}" for key, state in states.items() if state != "SETTLED"]
    if set(log) - set(states) != set(lists.later.ids):
        broken.append("the gateway paid what neither the copy nor the lost database listed")
    return broken


def _open(run: "Run", ids: list[str]) -> set[str]:
    ended = ["SETTLED", "REJECTED"]
    rows = run.read(
        "SELECT DISTINCT state FROM payments_transfer WHERE end_to_end_id = ANY (%s) AND state <> ALL (%s)", ids, ended
    )
    return {state for (state,) in rows}


def _manage(*command: str, expected: int = 0) -> str:
    """One of the portal's commands, as an operator types it; what it says."""
    told = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )
    if told.returncode != expected:
        raise AssertionError(f"{command[0]} ended in {told.returncode}: {told.stdout}{told.stderr}")
    return told.stdout + told.stderr


if __name__ == "__main__":
    sys.exit(main())
