"""Money of a statement that our books do not know: it rests in SUSPENSE against its difference until that is decided.

SUSPENSE holds what waits to be explained, whichever way it moved; which way stands with the entry.
"""

from typing import Any

# What moved the account without a payment of ours behind it.
SUSPEND = """
INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, difference_id, at)
SELECT d.fund_id, 'SUSPEND', 'TREASURY', 'SUSPENSE', d.found_amount, d.id, portal_now()
FROM payments_difference d
WHERE d.id = ANY (%(ids)s) AND d.kind IN ('UNKNOWN_TO_US', 'DOUBLE_CREDIT') AND d.fund_id IS NOT NULL
ORDER BY d.id
ON CONFLICT DO NOTHING
"""
CLEAR = """
INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, difference_id, at)
SELECT l.fund_id, 'CLEAR', 'SUSPENSE', 'TREASURY', l.amount, l.difference_id, portal_now()
FROM payments_ledger_entry l JOIN payments_difference d ON d.id = l.difference_id
WHERE l.difference_id = ANY (%(ids)s) AND l.kind = 'SUSPEND' AND d.state = 'CLOSED'
ORDER BY l.id
ON CONFLICT DO NOTHING
"""


def suspend(cursor: Any, *, difference_ids: list[int]) -> int:
    """Book unknown money against its differences, once each; how many rows."""
    if not difference_ids:
        return 0
    cursor.execute(SUSPEND, {"ids": difference_ids})
    return int(cursor.rowcount)


def clear(cursor: Any, *, difference_ids: list[int]) -> int:
    """Book the money of closed differences out of SUSPENSE, once each; how many rows."""
    if not difference_ids:
        return 0
    cursor.execute(CLEAR, {"ids": difference_ids})
    return int(cursor.rowcount)
