"""I-12 to I-16: the books with themselves, and with the transfers, line by line and account by account."""

from django.utils.translation import gettext_lazy as _

from payments.models.disputes import found_paid
from payments.operations.verification.invariants import Check, Invariant, Remedy
from payments.states import ENTRY_ACCOUNTS, TRANSFER_FREES_LINES, EntryKind

_KINDS = ", ".join(f"('{kind}', '{debit}', '{credit}')" for kind, (debit, credit) in ENTRY_ACCOUNTS.items())
_FREED = ", ".join(f"'{state}'" for state in TRANSFER_FREES_LINES)


def _booked_once(kind: EntryKind, states: str, but: str = "") -> str:
    """Of reserved lists: each transfer in one of `states` has one entry of this kind, its amount and fund, and no other has."""
    return f"""
        SELECT coalesce(t.end_to_end_id, e.id::text), e.id IS NULL OR t.id IS NULL OR e.amount <> t.instructed_amount
            OR e.fund_id <> t.fund_id
        FROM (SELECT t.id, t.end_to_end_id, t.instructed_amount, b.fund_id
              FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
              WHERE t.state IN ({states}) AND b.reserved_at IS NOT NULL) AS t
        FULL JOIN (SELECT id, transfer_id, amount, fund_id FROM payments_ledger_entry v
                   WHERE kind = '{kind}' AND transfer_id IS NOT NULL {but}) AS e ON e.transfer_id = t.id"""


# What is in RESERVED is what is open; a chunk keeps what ended, so a million transfers are added up from two thousand rows here,
# and from the transfers themselves under I-14.
OPEN_IN_LISTS = """
SELECT f.fund_id, f.balance <> coalesce(o.amount, 0)
FROM payments_fund_balance f LEFT JOIN (
    SELECT b.fund_id, sum(c.control_sum - c.settled_sum - c.rejected_sum - c.returned_sum - c.cancelled_sum) AS amount
    FROM payments_dispatch_chunk c JOIN payments_payout_batch b ON b.id = c.batch_id
    WHERE b.reserved_at IS NOT NULL GROUP BY b.fund_id) AS o ON o.fund_id = f.fund_id
WHERE f.account = 'RESERVED'"""

BALANCES = """
SELECT concat_ws('/', coalesce(b.fund_id, l.fund_id), coalesce(b.account, l.account)),
    coalesce(l.amount, 0) IS DISTINCT FROM b.balance
FROM payments_fund_balance b FULL JOIN (
    SELECT fund_id, account, sum(amount) AS amount FROM (
        SELECT fund_id, credit AS account, amount FROM payments_ledger_entry
        UNION ALL SELECT fund_id, debit, -amount FROM payments_ledger_entry) AS sides
    GROUP BY fund_id, account) AS l ON l.fund_id = b.fund_id AND l.account = b.account"""

# One that was found to be paid later may have its lines with the payment that took its place and had left already.
SUM_OF_LINES = f"""
SELECT t.end_to_end_id, t.instructed_amount IS DISTINCT FROM coalesce(found.amount, l.amount)
FROM payments_transfer t LEFT JOIN (
    SELECT transfer_id, sum(amount) AS amount FROM payments_payout_line WHERE transfer_id IS NOT NULL GROUP BY transfer_id
) AS l ON l.transfer_id = t.id
LEFT JOIN (
    SELECT own.transfer_id, sum(line.amount) AS amount FROM (
        SELECT u.transfer_id, l.id AS line_id FROM payments_ledger_entry u
        JOIN payments_payout_line l ON l.transfer_id = u.transfer_id WHERE u.kind = 'UNVOID'
        UNION
        SELECT u.transfer_id, m.line_id FROM payments_ledger_entry u
        JOIN payments_payout_line_move m ON m.from_transfer_id = u.transfer_id WHERE u.kind = 'UNVOID') AS own
    JOIN payments_payout_line line ON line.id = own.line_id GROUP BY own.transfer_id
) AS found ON found.transfer_id = t.id
WHERE t.state NOT IN ({_FREED})"""

# settled, rejected, returned, cancelled: how many and how much, as the transfers say.
_ENDS = ("settled", "rejected", "returned", "cancelled")
_COUNTED = ", ".join(
    f"count(*) FILTER (WHERE state = '{end.upper()}') AS {end}, "
    f"coalesce(sum(instructed_amount) FILTER (WHERE state = '{end.upper()}'), 0) AS {end}_sum"
    for end in _ENDS
)

COUNTS_OF_CHUNKS = f"""
SELECT concat_ws('/', c.batch_id, c.number),
    (c.number_of_transactions, c.control_sum) IS DISTINCT FROM (coalesce(n.listed, 0), coalesce(n.listed_sum, 0))
    OR b.reserved_at IS NOT NULL
        AND ({", ".join(f"c.{end}_count, c.{end}_sum" for end in _ENDS)})
            IS DISTINCT FROM ({", ".join(f"coalesce(n.{end}, 0), coalesce(n.{end}_sum, 0)" for end in _ENDS)})
    OR c.state = 'DONE' AND coalesce(n.listed - {" - ".join(f"n.{end}" for end in _ENDS)}, 0) <> 0
FROM payments_dispatch_chunk c JOIN payments_payout_batch b ON b.id = c.batch_id
LEFT JOIN (
    SELECT chunk_id, count(*) FILTER (WHERE state <> 'EXCLUDED') AS listed,
        sum(instructed_amount) FILTER (WHERE state <> 'EXCLUDED') AS listed_sum, {_COUNTED}
    FROM payments_transfer GROUP BY chunk_id) AS n ON n.chunk_id = c.id
WHERE b.submitted_at IS NOT NULL"""

SUMS_OF_BATCHES = f"""
SELECT b.id, (b.number_of_transactions, b.control_sum) IS DISTINCT FROM (n.listed, n.listed_sum)
    OR b.state IN ('DRAINED', 'RECONCILED', 'CLOSED')
        AND (n.waiting > 0 OR (n.ended, n.ended_sum) IS DISTINCT FROM (n.listed, n.listed_sum))
FROM payments_payout_batch b LEFT JOIN (
    SELECT batch_id, sum(number_of_transactions) AS listed, sum(control_sum) AS listed_sum,
        count(*) FILTER (WHERE state <> 'DONE') AS waiting,
        sum({" + ".join(f"{end}_count" for end in _ENDS)}) AS ended,
        sum({" + ".join(f"{end}_sum" for end in _ENDS)}) AS ended_sum
    FROM payments_dispatch_chunk GROUP BY batch_id) AS n ON n.batch_id = b.id
WHERE b.submitted_at IS NOT NULL"""

I12 = Invariant(
    "I-12",
    _("Mỗi bút toán có đủ hai vế, sổ cái cộng lại bằng không"),
    (
        Check(
            _("Bút toán dương, đúng hai tài khoản của loại"),
            f"""SELECT e.id, e.amount <= 0 OR e.debit = e.credit OR k.kind IS NULL
            FROM payments_ledger_entry e LEFT JOIN (VALUES {_KINDS}) AS k(kind, debit, credit) USING (kind, debit, credit)""",
        ),
        Check(
            _("Số dư các tài khoản của một nguồn cộng lại bằng không"),
            "SELECT fund_id, sum(balance) <> 0 FROM payments_fund_balance GROUP BY fund_id",
        ),
    ),
    (
        "ledger_entry_accounts_of_kind",
        "ledger_entry_source_of_kind",
        "ledger_entry_as_signed",
        "payments_ledger_entry_append_only",
        "fund_balance_written_by_ledger",
    ),
    Remedy.BOOKS,
)
I13 = Invariant(
    "I-13",
    _("Mỗi việc được ghi sổ một lần"),
    (
        Check(
            _("Một bút toán mỗi loại cho một khoản chi, đợt chi hoặc chứng từ"),
            """SELECT min(id), count(*) > 1 FROM payments_ledger_entry
            GROUP BY transfer_id, batch_id, voucher_id, proposal_id, kind""",
        ),
    ),
    (
        "ledger_entry_once_per_transfer",
        "ledger_entry_once_per_batch",
        "ledger_entry_once_per_voucher",
        "ledger_entry_once_per_proposal",
    ),
    Remedy.BOOKS,
)
I14 = Invariant(
    "I-14",
    _("Đợt chi và các gói cộng lại đúng: đã chi, từ chối, trả lại, huỷ và còn lại"),
    (
        Check(_("Số đếm của gói bằng số khoản chi của gói"), COUNTS_OF_CHUNKS),
        Check(_("Đợt chi bằng tổng các gói, đợt đã có đủ kết quả không còn khoản mở"), SUMS_OF_BATCHES),
    ),
    ("dispatch_chunk_done_adds_up", "dispatch_chunk_done_counts_true", "payout_batch_drained_adds_up"),
    Remedy.BOOKS,
)
I15 = Invariant(
    "I-15",
    _("Sổ chi tiết khớp sổ cái: khoản chi theo trạng thái bằng bút toán theo loại"),
    (
        Check(
            _("Đã chi: một bút toán, đúng số tiền, đúng nguồn"), _booked_once(EntryKind.POST, "'SETTLED', 'RETURNED'")
        ),
        Check(
            _("Không chi: một bút toán trả về nguồn"),
            # What ended unpaid and was found to be paid keeps its entry, and has a second one that takes it back.
            _booked_once(EntryKind.VOID, "'REJECTED', 'CANCELLED'", f"AND NOT {found_paid('v.transfer_id')}"),
        ),
        Check(
            _("Tiền giữ lại cho khoản ngân hàng đã chi: từng trả về nguồn, nay đã chi, đúng số tiền"),
            """SELECT u.transfer_id, t.state NOT IN ('SETTLED', 'RETURNED') OR v.id IS NULL OR p.id IS NULL
                OR d.id IS NULL OR v.amount <> u.amount OR p.amount <> u.amount OR v.id > u.id
            FROM payments_ledger_entry u JOIN payments_transfer t ON t.id = u.transfer_id
            LEFT JOIN payments_ledger_entry v ON v.transfer_id = t.id AND v.kind = 'VOID'
            LEFT JOIN payments_ledger_entry p ON p.transfer_id = t.id AND p.kind = 'POST'
            LEFT JOIN payments_proposal d ON d.subject_kind = 'transfer' AND d.subject_id = t.id AND d.state = 'CONFIRMED'
                AND d.kind = 'DECIDE_TRANSFER' AND d.outcome = 'SETTLED'
            WHERE u.kind = 'UNVOID'""",
        ),
        Check(_("Bị trả lại: một bút toán tiền về"), _booked_once(EntryKind.RETURN, "'RETURNED'")),
        Check(_("Số dư bằng tổng bút toán"), BALANCES),
        Check(_("Tiền đang giữ bằng phần còn mở của các đợt"), OPEN_IN_LISTS),
        Check(_("Khoản chi bằng tổng các khoản hưởng của nó"), SUM_OF_LINES),
        Check(
            _("Tiền vào bằng chứng từ đã xác nhận"),
            """SELECT coalesce(v.id, e.voucher_id), v.id IS NULL OR e.id IS NULL OR e.amount <> v.amount
                OR e.fund_id <> v.fund_id OR e.kind <> v.kind
            FROM (SELECT id, fund_id, amount, kind FROM payments_funding_voucher WHERE state = 'CONFIRMED') AS v
            FULL JOIN (SELECT id, voucher_id, fund_id, amount, kind FROM payments_ledger_entry
                       WHERE voucher_id IS NOT NULL) AS e ON e.voucher_id = v.id""",
        ),
    ),
    ("ledger_entry_moves_balances", "fund_balance_written_by_ledger", "ledger_entry_unvoids_what_was_paid"),
    Remedy.BOOKS,
)
I16 = Invariant(
    "I-16",
    _("Nguồn không bao giờ âm, không chi khi chưa giữ tiền"),
    (
        Check(
            _("Số dư không âm"),
            "SELECT concat_ws('/', fund_id, account), balance < 0 FROM payments_fund_balance WHERE account <> 'TREASURY'",
        ),
        Check(
            _("Đợt đã giữ tiền có bút toán giữ đúng tổng, đợt khác không có"),
            """SELECT b.id, (b.reserved_at IS NOT NULL) <> (e.id IS NOT NULL)
                OR coalesce(e.amount <> b.control_sum OR e.fund_id <> b.fund_id, false)
            FROM payments_payout_batch b LEFT JOIN payments_ledger_entry e ON e.batch_id = b.id AND e.kind = 'RESERVE'""",
        ),
        Check(
            _("Không khoản nào rời danh sách khi đợt chưa giữ tiền"),
            """SELECT t.end_to_end_id, b.reserved_at IS NULL
            FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
            WHERE t.state NOT IN ('PLANNED', 'EXCLUDED', 'CANCELLED')""",
        ),
    ),
    (
        "fund_balance_never_negative",
        "payout_batch_reserved_in_ledger",
        "payout_batch_fund_is_open",
        "fund_closed_by_two",
        "fund_programme_once",
    ),
    Remedy.BOOKS,
)
MONEY = (I12, I13, I14, I15, I16)
