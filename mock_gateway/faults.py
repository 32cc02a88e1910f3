"""What goes wrong on purpose: by seeded probability, or armed for one credit.

A decision depends on the seed, the kind and a key (the message id, the end_to_end_id), never on time or order, so
that a run with the same ids meets the same faults. The plan and what is armed survive a restart, as a sick bank stays
sick.
"""

import asyncio
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import orjson

from mock_gateway.messages import invalid
from mock_gateway.store import Store, note, set_note
from mock_gateway.transfers import WINDOW_MS

BEFORE = ("drop_before", "e500_before", "e429", "e503")
HALF = "e500_half"
ANSWERS = ("drop_after", "slow_after", "html_answer", "redirect", "slow_drip", "truncated_body")
LINES = ("foreign_ids", "missing_lines", "duplicate_lines")
CREDITS = ("e400_poison", "duplicate_code", "deduplication_off")
CALLBACKS = (
    "callback_lost",
    "callback_duplicate",
    "callback_late",
    "callback_out_of_order",
    "callback_forged",
    "callback_replayed",
    "callback_foreign",
    "callback_amount_differs",
)
STATEMENTS = ("statement_missing_row", "statement_extra_row", "statement_amount_mismatch")
KINDS = (*BEFORE, HALF, *ANSWERS, *LINES, *CREDITS, *CALLBACKS, *STATEMENTS)

ENDPOINTS = ("credits", "inquiries", "accounts", "links", "notices", "statements")
ID_TOKEN_FAULTS = (
    "wrong_nonce",
    "missing_nonce",
    "wrong_audience",
    "wrong_issuer",
    "expired",
    "alg_none",
    "hs256_public_key",
    "unknown_kid",
    "wrong_signature",
    "other_sub_in_userinfo",
)


@dataclass(frozen=True, slots=True)
class Options:
    """The measures of the faults."""

    idempotency_window_seconds: int = WINDOW_MS // 1000
    latency_ms: int = 0
    slow_seconds: float = 5.0
    hold_seconds: float = 60.0
    drip_seconds: float = 1.0
    retry_after_seconds: int = 1
    callback_late_seconds: int = 60
    poison_marker: str = "POISON"
    banks_down: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ENDPOINTS
    id_token: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Which faults, how often."""

    seed: int = 0
    probabilities: Mapping[str, float] = field(default_factory=dict)
    options: Options = Options()

    def chance(self, kind: str, key: str) -> bool:
        """Whether the fault hits this key: always the same for the same seed."""
        probability = self.probabilities.get(kind, 0.0)
        if probability <= 0.0:
            return False
        digest = hashlib.blake2b(f"{self.seed}|{kind}|{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) < probability * 2**64


def parse_plan(value: Mapping[str, Any]) -> Plan:
    """Read `{"seed", "probabilities", "options"}`; what is not named is at its default.

    Raises:
        Refusal: 400 for an unknown kind or option, or a value out of its range.
    """
    unknown = value.keys() - {"seed", "probabilities", "options", "armed"}
    if unknown:
        raise invalid(min(unknown), "is not known")
    seed = value.get("seed", 0)
    if type(seed) is not int:
        raise invalid("seed", "must be a whole number")
    probabilities = value.get("probabilities", {})
    if not isinstance(probabilities, dict):
        raise invalid("probabilities", "must be an object")
    for kind, probability in probabilities.items():
        if kind not in KINDS:
            raise invalid(f"probabilities.{kind}", f"is not one of {', '.join(KINDS)}")
        if type(probability) not in (int, float) or not 0 <= probability <= 1:
            raise invalid(f"probabilities.{kind}", "must be between 0 and 1")
    return Plan(seed, {kind: float(p) for kind, p in probabilities.items()}, _options(value.get("options", {})))


def _options(value: Any) -> Options:
    if not isinstance(value, dict):
        raise invalid("options", "must be an object")
    known = {entry.name: getattr(Options(), entry.name) for entry in fields(Options)}
    read: dict[str, Any] = {}
    for name, given in value.items():
        if name not in known:
            raise invalid(f"options.{name}", f"is not one of {', '.join(known)}")
        default = known[name]
        if isinstance(default, tuple):
            if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
                raise invalid(f"options.{name}", "must be a list of texts")
            read[name] = tuple(given)
        elif name == "id_token":
            if given is not None and given not in ID_TOKEN_FAULTS:
                raise invalid("options.id_token", f"is not one of {', '.join(ID_TOKEN_FAULTS)}")
            read[name] = given
        elif isinstance(default, str):
            if not isinstance(given, str) or not given:
                raise invalid(f"options.{name}", "must be a text")
            read[name] = given
        else:
            if type(given) not in (int, float) or given < 0 or (isinstance(default, int) and type(given) is not int):
                raise invalid(f"options.{name}", "must be a number of 0 or more")
            read[name] = given
    return Options(**read)


def parse_armed(value: Any) -> dict[str, dict[str, int]]:
    """Read `{end_to_end_id: kind | {kind: times}}`."""
    if not isinstance(value, dict):
        raise invalid("armed", "must be an object")
    armed: dict[str, dict[str, int]] = {}
    for end_to_end_id, wish in value.items():
        kinds = {wish: 1} if isinstance(wish, str) else wish
        if not isinstance(kinds, dict) or not kinds.keys() <= set(KINDS):
            raise invalid(f"armed.{end_to_end_id}", f"must name one of {', '.join(KINDS)}")
        if not all(type(times) is int and times > 0 for times in kinds.values()):
            raise invalid(f"armed.{end_to_end_id}", "must say how many times, 1 or more")
        armed[end_to_end_id] = dict(kinds)
    return armed


class Faults:
    """The plan in force, and what is armed; asked from the event loop and from the store's thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._armed: dict[str, dict[str, int]] = {}
        self._unsaved: Future[None] | None = None
        self.plan = Plan()
        self.fired: Counter[str] = Counter()

    @property
    def options(self) -> Options:
        """The measures in force."""
        return self.plan.options

    async def load(self) -> None:
        """Take up what was in force before the restart."""

        def work(connection: sqlite3.Connection) -> tuple[str, list[tuple[str, str, int]]]:
            rows = connection.execute("SELECT end_to_end_id, kind, times FROM armed").fetchall()
            return note(connection, "faults", "{}"), [(row[0], row[1], row[2]) for row in rows]

        plan, rows = await self._store.run(work)
        self.plan = parse_plan(orjson.loads(plan))
        self._armed = {}
        for end_to_end_id, kind, times in rows:
            self._armed.setdefault(end_to_end_id, {})[kind] = times

    async def replace(self, plan: Plan, armed: dict[str, dict[str, int]]) -> None:
        """Put another plan in force; what was armed before is disarmed."""

        def work(connection: sqlite3.Connection) -> None:
            set_note(connection, "faults", orjson.dumps(_writable(plan)).decode())
            connection.execute("DELETE FROM armed")
            connection.executemany(
                "INSERT INTO armed VALUES (?, ?, ?)",
                [(e2e, kind, times) for e2e, kinds in armed.items() for kind, times in kinds.items()],
            )

        await self._store.run(work)
        self.plan, self._armed = plan, armed

    def describe(self) -> dict[str, Any]:
        """The plan as the control API shows it."""
        return {**_writable(self.plan), "armed": self._armed}

    def fires(self, kind: str, key: str, ids: Iterable[str] = ()) -> bool:
        """Whether the fault happens now, to the thing with this key or to one of these credits; an armed one is used
        up."""
        hit = self._disarm(kind, ids) or self.plan.chance(kind, key)
        if hit:
            self.fired[kind] += 1
        return hit

    def marks(self, kind: str, key: str) -> bool:
        """Whether the fault lies on this thing for good: asked again it says the same, and an armed one is not used
        up."""
        return bool(self._armed.get(key, {}).get(kind)) or self.plan.chance(kind, key)

    def first(self, kinds: Iterable[str], key: str, ids: Iterable[str] = ()) -> str | None:
        """The first of several faults that happens, so that one request meets one of them."""
        return next((kind for kind in kinds if self.fires(kind, key, ids)), None)

    async def saved(self) -> None:
        """Wait until used-up faults are used up on disk, so that a restart does not arm them again."""
        if self._unsaved is not None:
            await asyncio.wrap_future(self._unsaved)  # the last one: the store works in order

    @property
    def any_armed(self) -> bool:
        """Whether looking up ids can matter at all."""
        return bool(self._armed)

    def _disarm(self, kind: str, ids: Iterable[str]) -> bool:
        if not self._armed:
            return False
        for end_to_end_id in ids:
            times = self._armed.get(end_to_end_id, {}).get(kind, 0)
            if times:
                self._count_down(end_to_end_id, kind, times - 1)
                return True
        return False

    def _count_down(self, end_to_end_id: str, kind: str, left: int) -> None:
        kinds = self._armed[end_to_end_id]
        if left:
            kinds[kind] = left
        else:
            del kinds[kind]
            if not kinds:
                del self._armed[end_to_end_id]

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE armed SET times = ? WHERE end_to_end_id = ? AND kind = ?", (left, end_to_end_id, kind)
            )
            connection.execute("DELETE FROM armed WHERE times = 0")

        self._unsaved = self._store.submit(work)


def _writable(plan: Plan) -> dict[str, Any]:
    options = {name: value for name, value in asdict(plan.options).items() if value != getattr(Options(), name)}
    return {"seed": plan.seed, "probabilities": dict(plan.probabilities), "options": options}
