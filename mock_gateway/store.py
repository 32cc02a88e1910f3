"""The gateway's own durable truth: one SQLite file, written by one thread.

A piece of work is one transaction and is on disk (synchronous=FULL) before its result is handed back, so a kill at
any moment loses nothing that was answered. All writes pass through one queue: work that comes later sees all work
that came before, which is what makes an inquiry see a message that is being credited. The event loop only waits for
futures.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

Work = Callable[[sqlite3.Connection], Any]
Result = TypeVar("Result")

SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS messages (
  message_id TEXT PRIMARY KEY, digest BLOB NOT NULL, received_at INTEGER NOT NULL, lines INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS credits (
  id INTEGER PRIMARY KEY,
  end_to_end_id TEXT NOT NULL UNIQUE,
  message_id TEXT NOT NULL,
  debtor_account TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  bank_bin TEXT NOT NULL,
  account_number TEXT NOT NULL,
  creditor_name TEXT NOT NULL,
  remittance_text TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  received_at INTEGER NOT NULL,
  status_at INTEGER NOT NULL,
  times_credited INTEGER NOT NULL,
  amount_credited INTEGER NOT NULL,
  return_id TEXT,
  return_reason TEXT,
  returned_at INTEGER
);

-- One row for each time that money moved: what statements are made of, and what a double payment cannot hide from.
CREATE TABLE IF NOT EXISTS bookings (
  id INTEGER PRIMARY KEY,
  booked_on TEXT NOT NULL,
  debtor_account TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('DBIT', 'CRDT')),
  end_to_end_id TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0)
);
CREATE INDEX IF NOT EXISTS bookings_of_day ON bookings (booked_on, debtor_account);

CREATE TABLE IF NOT EXISTS due (
  id INTEGER PRIMARY KEY, due_at INTEGER NOT NULL, action TEXT NOT NULL, end_to_end_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS due_next ON due (due_at);

-- Statuses that wait to be told; several become one callback.
CREATE TABLE IF NOT EXISTS reports (
  id INTEGER PRIMARY KEY,
  ready_at INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  items INTEGER NOT NULL,
  statuses BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  body BLOB,
  items INTEGER NOT NULL,
  fault_key TEXT,
  treatment TEXT,
  state TEXT NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'PARKED', 'LOST')),
  created_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_answer TEXT
);
CREATE INDEX IF NOT EXISTS outbox_next ON outbox (next_at, id) WHERE state = 'PENDING';

CREATE TABLE IF NOT EXISTS accounts (
  bank_bin TEXT NOT NULL,
  account_number TEXT NOT NULL,
  national_id TEXT NOT NULL,
  holder_name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'CLOSED', 'BLOCKED', 'DORMANT')),
  account_type TEXT NOT NULL CHECK (account_type IN ('PAYMENT', 'SAVINGS', 'CARD', 'FOREIGN_CURRENCY')),
  PRIMARY KEY (bank_bin, account_number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS accounts_of_person ON accounts (national_id);

CREATE TABLE IF NOT EXISTS links (
  id INTEGER PRIMARY KEY,
  link_id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL CHECK (source IN ('PORTAL', 'VNEID')),
  status TEXT NOT NULL CHECK (status IN ('LINKED', 'REMOVED')),
  bank_bin TEXT NOT NULL,
  account_number TEXT NOT NULL,
  national_id TEXT NOT NULL,
  holder_name TEXT NOT NULL,
  consent_token TEXT NOT NULL UNIQUE,
  digest BLOB NOT NULL,
  linked_at INTEGER NOT NULL,
  replaced_link_id TEXT,
  removed_at INTEGER,
  remove_reason TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS links_one_live ON links (national_id) WHERE status = 'LINKED';

CREATE TABLE IF NOT EXISTS link_attempts (
  id INTEGER PRIMARY KEY,
  national_id TEXT NOT NULL,
  bank_bin TEXT NOT NULL,
  account_number TEXT NOT NULL,
  code TEXT,
  at INTEGER NOT NULL
);

-- What citizens were told: shown in the app; the numbers stand for short messages.
CREATE TABLE IF NOT EXISTS notices (
  id INTEGER PRIMARY KEY,
  notice_id TEXT NOT NULL UNIQUE,
  national_id TEXT NOT NULL,
  phone_numbers TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  digest BLOB NOT NULL,
  at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS notices_of_person ON notices (national_id, id);

CREATE TABLE IF NOT EXISTS armed (
  end_to_end_id TEXT NOT NULL, kind TEXT NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (end_to_end_id, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (end_to_end_id TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS vneid_codes (
  code_digest BLOB PRIMARY KEY, content TEXT NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER, token_digest BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vneid_tokens (
  token_digest BLOB PRIMARY KEY, content TEXT NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
"""


class Store:
    """Runs pieces of work, one transaction each, in the order in which they were handed in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._closed = False

    def open(self) -> None:
        """Create the file and its tables where they are missing, and start the writer."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA page_size = 8192")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
        self._thread.start()

    def close(self) -> None:
        """Finish the work handed in and stop. Afterwards nothing is accepted."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` in one transaction and return its result once it is on disk."""
        # Shielded: a client that goes away must not cancel work that others may already have seen begin.
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def submit(self, work: Callable[[sqlite3.Connection], Result]) -> "Future[Result]":
        """The same for threads: hand in `work` and get its future."""
        future: Future[Any] = Future()
        if self._closed:
            future.set_exception(RuntimeError("the store is closed"))
        else:
            self._queue.put((work, future))
        return future

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A read-only view of this moment, apart from the writer: for long streams, which may last minutes."""
        with contextlib.closing(self._connect(read_only=True)) as connection:
            connection.execute("BEGIN")
            yield connection

    def _connect(self, *, read_only: bool = False) -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=30,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            f"PRAGMA cache_size = -{8_192 if read_only else 65_536}"
        )  # KiB: a stream reads each page once
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    def _run(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            while (item := self._queue.get()) is not None:
                work, future = item
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    result = work(connection)
                    connection.execute("COMMIT")
                except BaseException as error:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    future.set_exception(error)
                else:
                    future.set_result(result)


def note(connection: sqlite3.Connection, name: str, default: str = "") -> str:
    """Read a remembered setting of the running gateway."""
    row = connection.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else default


def set_note(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Remember a setting of the running gateway over restarts."""
    connection.execute(
        "INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )
