"""F41: the gateway forgets. Lines about which nothing is known when its memory ends go to people, paid or not."""

import os

from psycopg2 import connect

from tests.chaos.run import Run

MONTH = 32 * 24 * 3600


def the_gateway_forgets(run: Run) -> None:
    """Half of a list is credited and half is not, nobody hears of it, questions find no answer, and a month goes by.

    What must go to people is what the gateway was told to be silent about, and nothing else.
    """
    fed = run.prepare(20)
    silent = {
        key: {"drop_after" if number % 2 else "drop_before": 1, "callback_lost": 9}
        for number, chunk in enumerate(fed.chunks)
        for key in chunk
    }
    before = run.bank.fired()
    run.bank.arm(silent)
    run.approve(fed)

    def dropped() -> int:
        fired = run.bank.fired()
        return sum(fired.get(kind, 0) - before.get(kind, 0) for kind in ("drop_before", "drop_after"))

    run.until("the bank is silent", lambda: dropped() >= len(fed.chunks))
    run.bank.options(banks_down=[], endpoints=["inquiries"])
    run.bank.refuse("e503")
    run.until("nothing is known", lambda: _all_unknown(run, fed.ids))
    run.reach("F41", "UNKNOWN")
    _a_month_goes_by(run)
    run.for_people |= set(fed.ids)
    run.bank.behave(keep=["e400_poison"])
    run.until("what was forgotten is with people", lambda: run.left(fed.ids) == 0, seconds=60)


def _all_unknown(run: Run, ids: list[str]) -> bool:
    found = run.read(
        "SELECT count(*) FROM payments_transfer WHERE end_to_end_id = ANY (%s) AND state = 'UNKNOWN'", ids
    )
    return bool(found[0][0] == len(ids))


def _a_month_goes_by(run: Run) -> None:
    """Both clocks go on by a month; only the owner of the database can do so to ours."""
    server = connect(os.environ["DATABASE_OWNER_URL"])
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION portal_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE "
            f"AS 'SELECT clock_timestamp() + interval ''{MONTH} seconds'''"
        )
    server.close()
    run.bank.shift(MONTH)
