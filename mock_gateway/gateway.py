"""The running gateway: its parts, and the loop that does what has fallen due."""

import asyncio
import contextlib
import sqlite3
from collections import Counter

from mock_gateway.accounts import register_citizens
from mock_gateway.callbacks import Callbacks, compose
from mock_gateway.clock import Clock
from mock_gateway.faults import Faults
from mock_gateway.settings import Settings
from mock_gateway.store import Store, note, set_note
from mock_gateway.transfers import Rules, run_due

TICK_SECONDS = 0.05
HAPPENED = (
    "notes",
    "messages",
    "credits",
    "bookings",
    "due",
    "reports",
    "outbox",
    "links",
    "link_attempts",
    "notices",
    "armed",
    "held",
    "vneid_codes",
    "vneid_tokens",
)


class Gateway:
    """Everything that the doors (bank, VNeID, control) share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.store = Store(settings.data / "gateway.sqlite3")
        self.faults = Faults(self.store)
        self.callbacks = Callbacks(settings, self.clock, self.store, self.faults)
        self.stopping = asyncio.Event()
        self.requests: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the store, take up what was in force, start the loops."""
        self.store.open()
        await self.store.run(register_citizens)
        self.clock.offset_ms = int(await self.store.run(lambda connection: note(connection, "clock_offset_ms", "0")))
        await self.faults.load()
        self._tasks = [asyncio.create_task(self._tick()), asyncio.create_task(self.callbacks.run())]

    async def stop(self) -> None:
        """End the loops; what waits in the outbox waits on disk."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.store.close()

    def rules(self) -> Rules:
        """How messages are treated just now."""
        settings, faults = self.settings, self.faults
        return Rules(
            sync=settings.settlement == "sync",
            late_ms=settings.late_seconds * 1000,
            return_ms=settings.return_seconds * 1000,
            report_delay_ms=settings.callback_delay_ms,
            window_ms=faults.options.idempotency_window_seconds * 1000,
            forgets=lambda e2e: faults.fires("deduplication_off", e2e, (e2e,)),
            answers_duplicate=lambda e2e: faults.fires("duplicate_code", e2e, (e2e,)),
        )

    async def set_clock(self, offset_ms: int) -> None:
        """Shift the clock and do at once what that makes due, so that the caller sees it done."""

        def work(connection: sqlite3.Connection) -> None:
            set_note(connection, "clock_offset_ms", str(offset_ms))
            self.clock.offset_ms = offset_ms
            # After a step back, what waited for the old time must not wait for days.
            soon = self.clock.now() + 3_600_000
            connection.execute("UPDATE outbox SET next_at = ? WHERE state = 'PENDING' AND next_at > ?", (soon, soon))
            connection.execute("UPDATE reports SET ready_at = ? WHERE ready_at > ?", (soon, soon))

        await self.store.run(work)
        await self.run_due()

    async def reset(self, *, accounts: bool) -> None:
        """Forget what happened; the tables are emptied in one transaction, so nothing half-old is ever seen."""
        tables = (*HAPPENED, "accounts") if accounts else HAPPENED

        def work(connection: sqlite3.Connection) -> None:
            for table in tables:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  names from the list above
            self.clock.offset_ms = 0
            register_citizens(connection)

        await self.store.run(work)
        await self.faults.load()
        self.faults.fired.clear()
        self.requests.clear()

    async def run_due(self) -> None:
        """Do everything that is due, in portions, so that messages come in between."""
        while await self.store.run(lambda connection: run_due(connection, at=self.clock.now())):
            pass
        while await self.store.run(lambda connection: compose(connection, at=self.clock.now(), faults=self.faults)):
            self.callbacks.wake()

    async def _tick(self) -> None:
        while True:
            await self.run_due()
            await asyncio.sleep(TICK_SECONDS)
