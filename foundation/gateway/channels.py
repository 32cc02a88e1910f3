"""The channels to the banks: may lines go to this bank now, how many, and what its answers taught us.

State lives in one row a bank, changed by single UPDATE statements on the portal's clock, so all workers see one
circuit and one bucket of tokens. Called inside the transactions that claim and record a chunk; the row is locked to
their end only. The circuit: CLOSED lets through; failures in a row make it OPEN until `retry_at`; then one line is
let through (HALF_OPEN), whose answer closes or opens it again. The rate rises by a step with each good answer and is
halved by each "too many" (AIMD), between 1 and `rate_limit` lines a second.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

WHOLE_GATEWAY = "000000"  # the channel that stands for the gateway itself

FAILURES_TO_OPEN = 5
FIRST_PAUSE_SECONDS = 5.0
PROBE_SECONDS = 60.0  # how long the one line of HALF_OPEN is waited for before another may be tried
RATE_STEP = 0.05  # of rate_limit


@dataclass(frozen=True, slots=True)
class Grant:
    """How many of the wanted lines may be sent now; none: look again at `again_at`."""

    lines: int
    again_at: datetime | None = None

    @property
    def is_granted(self) -> bool:
        """Whether anything may be sent."""
        return self.lines > 0


# Tokens grow with time up to the bucket. A chunk larger than the bucket is let through by a full one and leaves a
# debt.
TAKE = """
WITH now AS (SELECT portal_now() AS at, (portal_now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::time AS local),
seen AS (
    SELECT c.bank_bin, now.at,
        least(c.burst, c.tokens + greatest(0, extract(epoch FROM now.at - c.tokens_at)) * c.rate) AS tokens,
        CASE WHEN c.state = 'CLOSED' THEN %(lines)s WHEN c.retry_at <= now.at THEN 1 ELSE 0 END AS lines,
        (c.opens_at IS NULL OR now.local >= c.opens_at)
        AND now.local < least(coalesce(c.closes_at, '24:00'), coalesce(c.cut_off, '24:00')) AS is_open
    FROM gateway_bank_channel c, now
    WHERE c.bank_bin = %(bank)s
    FOR NO KEY UPDATE OF c
)
UPDATE gateway_bank_channel c
SET tokens = seen.tokens - seen.lines,
    tokens_at = greatest(c.tokens_at, seen.at),
    state = CASE WHEN c.state = 'CLOSED' THEN 'CLOSED' ELSE 'HALF_OPEN' END,
    retry_at = CASE WHEN c.state = 'CLOSED' THEN NULL ELSE seen.at + make_interval(secs => %(probe)s) END
FROM seen
WHERE c.bank_bin = seen.bank_bin AND seen.is_open AND seen.lines > 0 AND seen.tokens >= least(seen.lines, c.burst)
RETURNING seen.lines
"""
WHEN_AGAIN = """
WITH now AS (SELECT portal_now() AS at, portal_now() AT TIME ZONE 'Asia/Ho_Chi_Minh' AS local)
SELECT CASE
    WHEN now.local::time < c.opens_at THEN (now.local::date + c.opens_at) AT TIME ZONE 'Asia/Ho_Chi_Minh'
    WHEN now.local::time >= least(coalesce(c.closes_at, '24:00'), coalesce(c.cut_off, '24:00'))
        THEN (now.local::date + 1 + coalesce(c.opens_at, '00:00')) AT TIME ZONE 'Asia/Ho_Chi_Minh'
    WHEN c.state <> 'CLOSED' AND c.retry_at > now.at THEN c.retry_at
    ELSE greatest(now.at, c.tokens_at + make_interval(secs => (least(%(lines)s, c.burst) - c.tokens) / c.rate))
END
FROM gateway_bank_channel c, now
WHERE c.bank_bin = %(bank)s
"""


def claim_tokens(*, bank: str, lines: int) -> Grant:
    """Take tokens for up to `lines` lines to a bank (BIN); all of them, one as a probe, or none.

    A bank that was never heard of gets a channel with the usual rate.
    """
    parameters: dict[str, str | int | float] = {"bank": bank, "lines": lines, "probe": _probe_seconds()}
    with connection.cursor() as cursor:
        for known in (True, False):
            if not known:
                add_channels([bank])
            cursor.execute(TAKE, parameters)
            if taken := cursor.fetchone():
                return Grant(int(taken[0]))
            cursor.execute(WHEN_AGAIN, parameters)
            if later := cursor.fetchone():
                return Grant(0, later[0])
    raise LookupError(f"No channel for bank {bank}.")


def _probe_seconds() -> float:
    return min(PROBE_SECONDS, settings.DISPATCH_LONGEST_WAIT)


def add_channels(banks: list[str]) -> None:
    """Make channels of the usual rate for the banks that have none."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO gateway_bank_channel (bank_bin, state, failures, rate, rate_limit, burst, tokens)
            SELECT unnest(%(banks)s::text[]), 'CLOSED', 0, %(rate)s, %(rate)s, %(rate)s * 5, %(rate)s * 5
            ON CONFLICT DO NOTHING
            """,
            {"banks": banks, "rate": settings.BANK_RATE},
        )


ANSWERED, NO_ANSWER, TOO_MANY_LINES = "ANSWERED", "NO_ANSWER", "TOO_MANY_REQUESTS"
LONGEST_WHY = 40

SUCCEEDED = """
UPDATE gateway_bank_channel
SET state = 'CLOSED', failures = 0, opened_at = NULL, retry_at = NULL,
    rate = least(rate_limit, rate + greatest(1, rate_limit * %(step)s)),
    last_answer = %(answered)s, last_answer_at = portal_now()
WHERE bank_bin = %(bank)s
  AND (state <> 'CLOSED' OR failures > 0 OR rate < rate_limit OR last_answer <> %(answered)s
       OR bank_bin <> %(gateway)s AND last_answer_at < portal_now() - interval '10 seconds')
"""
# A circuit that is open already keeps its time: late answers of calls that began before must not push it out for ever.
FAILED = """
UPDATE gateway_bank_channel
SET failures = failures + 1,
    state = CASE WHEN state <> 'CLOSED' OR failures + 1 >= %(limit)s THEN 'OPEN' ELSE state END,
    opened_at = CASE WHEN state <> 'CLOSED' OR failures + 1 >= %(limit)s
        THEN coalesce(opened_at, portal_now()) END,
    retry_at = CASE
        WHEN state = 'OPEN' THEN greatest(retry_at, portal_now() + make_interval(secs => %(asked)s))
        WHEN state = 'HALF_OPEN' OR failures + 1 >= %(limit)s
            THEN portal_now() + make_interval(secs => greatest(%(asked)s,
                least(%(longest)s, %(first)s * power(2, least(20, greatest(0, failures + 1 - %(limit)s))))
                * (0.5 + random() / 2)))
        END,
    last_answer = %(why)s, last_answer_at = portal_now()
WHERE bank_bin = %(bank)s
RETURNING state
"""
THROTTLED = """
UPDATE gateway_bank_channel
SET rate = greatest(1, rate / 2), tokens = least(tokens, 0),
    tokens_at = greatest(tokens_at, portal_now() + make_interval(secs => %(pause)s)),
    last_answer = %(why)s, last_answer_at = portal_now()
WHERE bank_bin = %(bank)s
"""


def report_success(*, bank: str) -> None:
    """An answer came: close the circuit, forget failures, raise the rate by a step.

    When all is well a bank's row is written once in ten seconds, and the gateway's, for which every worker would wait, never.
    """
    with connection.cursor() as cursor:
        cursor.execute(SUCCEEDED, {"step": RATE_STEP, "bank": bank, "answered": ANSWERED, "gateway": WHOLE_GATEWAY})


def report_failure(*, bank: str, retry_after: float | None = None, why: str = NO_ANSWER) -> bool:
    """No answer, or the bank says that it is closed; True when the circuit is open now. `why` is a code for people to read.

    The pause doubles from 5 s to DISPATCH_LONGEST_WAIT, half of it by chance so that banks and workers do not come back together,
    and is never shorter than `retry_after` seconds.
    """
    parameters: dict[str, str | int | float] = {
        "bank": bank,
        "limit": FAILURES_TO_OPEN,
        "asked": retry_after or 0.0,
        "first": min(FIRST_PAUSE_SECONDS, settings.DISPATCH_LONGEST_WAIT),
        "longest": settings.DISPATCH_LONGEST_WAIT,
        "why": why[:LONGEST_WHY],
    }
    add_channels([bank])
    with connection.cursor() as cursor:
        cursor.execute(FAILED, parameters)
        return bool(cursor.fetchone()[0] == "OPEN")


def report_throttled(*, bank: str, retry_after: float | None = None) -> None:
    """The gateway says "too many": halve the rate and send nothing for `retry_after` seconds (one, unless it said)."""
    add_channels([bank])
    with connection.cursor() as cursor:
        cursor.execute(
            THROTTLED, {"pause": 1.0 if retry_after is None else retry_after, "bank": bank, "why": TOO_MANY_LINES}
        )
