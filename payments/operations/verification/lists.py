"""I-2 to I-7, I-17 to I-23: what is listed, decided and frozen, recomputed from the rows."""

from django.utils.translation import gettext_lazy as _

from beneficiaries.states import ACCOUNT_HOLDS_NUMBER
from payments.models.disputes import found_paid
from payments.operations.verification.graphs import GRAPHS, graphs_in_database
from payments.operations.verification.invariants import Check, Invariant, Remedy
from payments.operations.verification.opening import account_numbers, list_hashes
from payments.states import TRANSFER_FREES_LINES, TRANSFER_LIVE, TransferState


def _in(states: object) -> str:
    return ", ".join(f"'{state}'" for state in states)  # type: ignore[attr-defined]


T = TransferState
ENDED = (*TRANSFER_FREES_LINES, T.SETTLED)

I02 = Invariant(
    "I-2",
    _("Mỗi khoản hưởng chỉ do một khoản chi còn hiệu lực chi trả"),
    (
        Check(
            _("Quyền hưởng, tháng và loại chỉ có một khoản hưởng còn hiệu lực"),
            """SELECT concat_ws('/', entitlement_id, period, kind), count(*) > 1
            FROM payments_payout_line WHERE live GROUP BY entitlement_id, period, kind""",
        ),
        Check(
            _("Khoản hưởng chỉ rời khoản chi đã kết thúc mà không trả"),
            # One that was found to be paid later had ended unpaid when its line left.
            f"""SELECT m.line_id, t.state NOT IN ({_in(TRANSFER_FREES_LINES)}) AND NOT {found_paid("t.id")}
                OR m.to_transfer_id IS NOT DISTINCT FROM m.from_transfer_id
            FROM payments_payout_line_move m JOIN payments_transfer t ON t.id = m.from_transfer_id""",
        ),
        Check(
            _("Khoản hưởng đang hoặc đã được chi không thể lập lại"),
            f"""SELECT l.id, NOT l.live FROM payments_payout_line l JOIN payments_transfer t ON t.id = l.transfer_id
            WHERE t.state IN ({_in((*TRANSFER_LIVE, T.SETTLED))})""",
        ),
    ),
    ("payout_line_once_while_live", "payout_line_one_live_transfer", "transfer_not_sent_while_former_disputed"),
    Remedy.STOP,
)
I03 = Invariant(
    "I-3",
    _("Chi lại là một khoản chi mới, nối với khoản đã kết thúc mà không trả, một lần"),
    (
        Check(
            _("Khoản chi lại nối với khoản bị từ chối, trả lại hoặc huỷ, ở đợt khác, bằng mã khác"),
            f"""SELECT t.end_to_end_id,
                p.state NOT IN ('REJECTED', 'RETURNED', 'CANCELLED') AND NOT {found_paid("p.id")} OR p.batch_id = t.batch_id
                OR p.end_to_end_id = t.end_to_end_id
            FROM payments_transfer t LEFT JOIN payments_transfer p ON p.id = t.replaces_id WHERE t.replaces_id IS NOT NULL""",
        ),
        Check(
            _("Mỗi khoản chỉ được chi lại một lần"),
            """SELECT replaces_id, count(*) > 1 FROM payments_transfer WHERE replaces_id IS NOT NULL GROUP BY replaces_id""",
        ),
    ),
    ("transfer_replaces_an_ended_one", "payments_transfer_replaces_id_key", "payout_line_one_live_transfer"),
    Remedy.STOP,
)
I04 = Invariant(
    "I-4",
    _("Những gì quyết định tiền đi đâu không đổi từ khi trình"),
    (
        Check(
            _("Mã băm của gói tính lại bằng mã băm khi trình"),
            """SELECT id, payments_chunk_hash(id) IS DISTINCT FROM list_hash
            FROM payments_dispatch_chunk WHERE hash_path IS NOT NULL""",
        ),
    ),
    ("transfer_frozen", "payout_batch_list_frozen", "dispatch_chunk_frozen", "payout_account_frozen"),
)
I05 = Invariant(
    "I-5",
    _("Mã giao dịch là UUIDv7 viết bằng 32 chữ số, không trùng"),
    (
        Check(
            _("Dạng của mã"),
            """SELECT end_to_end_id, end_to_end_id !~ '^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$' FROM payments_transfer""",
        ),
        Check(_("Không trùng"), "SELECT end_to_end_id, count(*) > 1 FROM payments_transfer GROUP BY end_to_end_id"),
    ),
    ("transfer_end_to_end_id_form", "payments_transfer_end_to_end_id_key"),
)
I06 = Invariant(
    "I-6",
    _("Trạng thái chỉ đổi theo sơ đồ"),
    (
        Check(
            _("Khoản chi có dấu vết của đường đã đi"),
            f"""SELECT t.end_to_end_id, t.state NOT IN ({_in(T)})
                OR (t.state NOT IN ('PLANNED', 'EXCLUDED', 'CANCELLED') AND b.started_at IS NULL AND c.doubted_at IS NULL)
                OR (t.state IN ({_in(ENDED)})) <> (t.ended_at IS NOT NULL)
                OR (t.state IN ('PLANNED', 'EXCLUDED', 'HANDED_OVER') AND t.sent_count > 0)
            FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
            JOIN payments_dispatch_chunk c ON c.id = t.chunk_id""",
        ),
        Check(
            _("Đợt chi có dấu vết của đường đã đi"),
            """SELECT id, CASE
                WHEN state IN ('BUILDING', 'DRAFT') THEN submitted_at IS NOT NULL
                WHEN state = 'WITHDRAWN' THEN approved_at IS NOT NULL
                WHEN state IN ('SUBMITTED', 'REJECTED') THEN submitted_at IS NULL OR approved_at IS NOT NULL
                WHEN coalesce(nullif(held_from, ''), state) = 'APPROVED' THEN approved_at IS NULL OR reserved_at IS NOT NULL
                WHEN coalesce(nullif(held_from, ''), state) = 'RESERVED' THEN reserved_at IS NULL OR started_at IS NOT NULL
                WHEN coalesce(nullif(held_from, ''), state) = 'DISPATCHING' THEN started_at IS NULL OR drained_at IS NOT NULL
                WHEN state = 'CANCELLING' THEN approved_at IS NULL
                ELSE approved_at IS NULL OR drained_at IS NULL END
            FROM payments_payout_batch""",
        ),
        Check(_("Sơ đồ trong cơ sở dữ liệu là sơ đồ của bản phát hành"), graphs_in_database),
    ),
    tuple(f"{name}_{rule}" for name in GRAPHS for rule in ("moves", "starts")),
)
I07 = Invariant(
    "I-7",
    _("Đã kết thúc là kết thúc; trả lại là một bản ghi riêng, một lần, đủ số tiền"),
    (
        Check(
            _("Khoản bị trả lại có đúng một bản ghi trả lại đủ tiền, khoản khác không có"),
            """SELECT t.end_to_end_id, (t.state = 'RETURNED') <> (r.id IS NOT NULL)
                OR coalesce(r.returned_amount <> t.instructed_amount, false)
            FROM payments_transfer t LEFT JOIN payments_transfer_return r ON r.transfer_id = t.id
            WHERE t.state IN ('SETTLED', 'REJECTED', 'RETURNED', 'CANCELLED', 'EXCLUDED') OR r.id IS NOT NULL""",
        ),
        Check(
            _("Không khoản nào vừa được ghi là đã chi vừa được ghi là không chi"),
            # The third kind takes the second back: two persons found that the bank had paid.
            """SELECT transfer_id, count(DISTINCT kind) = 2 FROM payments_ledger_entry
            WHERE transfer_id IS NOT NULL AND kind IN ('POST', 'VOID', 'UNVOID') GROUP BY transfer_id""",
        ),
    ),
    (
        "transfer_moves",
        "transfer_leaves_review_by_two",
        "transfer_found_paid_by_two",
        "transfer_conflict_cleared_by_two",
        "transfer_returned_by_return",
        "transfer_return_whole_amount",
        "transfer_cash_settled_by_signature",
        "cash_collection_of_cash_at_the_desk",
        "cash_collection_settles",
    ),
    Remedy.STOP,
)
I17 = Invariant(
    "I-17",
    _("Người lập, người trình và người duyệt là những người khác nhau"),
    (
        Check(
            _("Người duyệt không phải người lập, người trình, tính theo số định danh"),
            """SELECT a.id, a.person_fingerprint IS DISTINCT FROM decider.person_fingerprint
                OR a.person_fingerprint IN (maker.person_fingerprint, submitter.person_fingerprint)
            FROM payments_approval a JOIN payments_payout_batch b ON b.id = a.batch_id
            JOIN users_user decider ON decider.id = a.decided_by_id JOIN users_user maker ON maker.id = b.prepared_by_id
            JOIN users_user submitter ON submitter.id = b.submitted_by_id""",
        ),
        Check(
            _("Chứng từ kinh phí do người thứ hai xác nhận"),
            """SELECT id, decided_by_person IS NOT DISTINCT FROM recorded_by_person OR decided_by_id = recorded_by_id
            FROM payments_funding_voucher WHERE state <> 'RECORDED'""",
        ),
        Check(
            _("Đề nghị do người khác đồng ý"),
            """SELECT id, decided_by_person IS NOT DISTINCT FROM proposed_by_person OR decided_by_id = proposed_by_id
            FROM payments_proposal WHERE state = 'CONFIRMED'""",
        ),
    ),
    (
        "approval_by_another_person",
        "approval_one_per_person",
        "proposal_decided_by_second_person",
        "proposal_by_known_humans",
        "role_assignment_compatible",
    ),
)
# A role that was taken away since counts for the day on which it was held: assignments are dated and stay.
_HELD = """r.user_id = a.decided_by_id AND r.role = 'APPROVER' AND (r.unit_id IS NULL OR r.unit_id = b.unit_id)
    AND (%s AT TIME ZONE 'Asia/Ho_Chi_Minh')::date BETWEEN r.valid_from AND coalesce(r.valid_to, 'infinity')"""
I18 = Invariant(
    "I-18",
    _("Người duyệt có thẩm quyền ở nơi đó khi duyệt và khi bắt đầu chi"),
    (
        Check(
            _("Có vai trò phê duyệt của đơn vị vào ngày duyệt"),
            f"""SELECT a.id, NOT ({_HELD % "a.decided_at"})
            FROM payments_approval a JOIN payments_payout_batch b ON b.id = a.batch_id
            JOIN users_role_assignment r ON r.id = a.role_assignment_id""",
        ),
        Check(
            _("Đủ số người còn thẩm quyền vào ngày bắt đầu chi"),
            f"""SELECT b.id, coalesce(sum(CASE WHEN {_HELD % "b.started_at"} THEN 1 END), 0) < b.approvals_required
            FROM payments_payout_batch b
            LEFT JOIN payments_approval a ON a.batch_id = b.id AND a.decision = 'APPROVED' AND a.list_hash = b.list_hash
            LEFT JOIN users_role_assignment r ON r.id = a.role_assignment_id
            WHERE b.started_at IS NOT NULL GROUP BY b.id""",
        ),
    ),
    ("approval_by_another_person",),
)
I19 = Invariant(
    "I-19",
    _("Không ai duyệt quá hạn mức trong ngày, một mình hay với cùng một người trình"),
    (
        Check(
            _("Tổng trong ngày bằng tổng các lần duyệt"),
            """SELECT coalesce(d.day, s.day), d.amount IS DISTINCT FROM s.amount
            FROM payments_approval_day d FULL JOIN (
                SELECT (a.decided_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day, b.unit_id IS NULL AS whole_city,
                       a.person_fingerprint AS person, p.partner, sum(a.control_sum) AS amount
                FROM payments_approval a JOIN payments_payout_batch b ON b.id = a.batch_id
                JOIN users_user u ON u.id = b.submitted_by_id
                CROSS JOIN LATERAL (VALUES (''::bytea), (u.person_fingerprint)) AS p(partner)
                WHERE a.decision = 'APPROVED' GROUP BY 1, 2, 3, 4) AS s
              ON s.day = d.day AND s.whole_city = d.whole_city AND s.person = d.person_fingerprint
             AND s.partner = d.partner_fingerprint""",
        ),
        Check(
            _("Trong hạn mức của ngày đó"),
            """SELECT d.day, d.amount > coalesce((
                SELECT l.amount FROM payments_approval_limit l
                WHERE l.counted = CASE WHEN d.partner_fingerprint = ''::bytea THEN 'OFFICER' ELSE 'PAIR' END
                  AND l.whole_city = d.whole_city AND d.day BETWEEN l.valid_from AND coalesce(l.valid_to, 'infinity')
                ORDER BY l.valid_from DESC LIMIT 1), 0)
            FROM payments_approval_day d""",
        ),
    ),
    ("approval_within_daily_limit", "approval_day_once", "approval_day_written_by_approvals"),
)
I20 = Invariant(
    "I-20",
    _("Danh sách được gửi là danh sách đã duyệt"),
    (
        Check(_("Các gói dẫn tới đúng mã băm của cả danh sách"), list_hashes),
        Check(
            _("Người duyệt đã ký đúng mã băm, số khoản và tổng tiền của danh sách"),
            """SELECT a.id, a.list_hash IS DISTINCT FROM b.list_hash OR a.control_sum <> b.control_sum
                OR a.number_of_transactions <> b.number_of_transactions
            FROM payments_approval a JOIN payments_payout_batch b ON b.id = a.batch_id""",
        ),
        Check(
            _("Ngân hàng đã ghi có vào đúng tài khoản trong danh sách"),
            """SELECT g.end_to_end_id, g.account_fingerprint <> t.account_fingerprint
            FROM gateway_credit g JOIN payments_transfer t USING (end_to_end_id)
            WHERE g.times_credited > 0 AND g.account_fingerprint IS NOT NULL""",
            of_gateway=True,
        ),
    ),
    (),
    Remedy.STOP,
)
I21 = Invariant(
    "I-21",
    _("Mỗi người quyết định một lần cho một danh sách, đủ số người theo quy định"),
    (
        Check(
            _("Đợt đã duyệt có đủ số người theo mức tiền"),
            """SELECT b.id, b.approvals_required IS DISTINCT FROM (
                    SELECT p.approvals_required FROM payments_approval_policy p
                    WHERE p.amount_from <= b.control_sum
                      AND p.valid_from <= (b.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                      AND (p.valid_to IS NULL OR p.valid_to >= (b.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
                    ORDER BY p.amount_from DESC, p.valid_from DESC LIMIT 1)
                OR (SELECT count(*) FROM payments_approval a
                    WHERE a.batch_id = b.id AND a.decision = 'APPROVED' AND a.list_hash = b.list_hash) < b.approvals_required
            FROM payments_payout_batch b WHERE b.approved_at IS NOT NULL""",
        ),
        Check(
            _("Một người, một quyết định"),
            """SELECT batch_id, count(*) > 1 FROM payments_approval GROUP BY batch_id, person_fingerprint""",
        ),
    ),
    ("approval_one_per_person", "payout_batch_quorum_of_policy", "payout_batch_approved_by_quorum"),
)
I22 = Invariant(
    "I-22",
    _("Tiền được chi vào đúng tài khoản khi trình, đã qua thời gian an toàn"),
    (
        Check(
            _("Khoản chi trỏ tới tài khoản của người nhận, cùng dấu vân tay và ngân hàng"),
            """SELECT t.end_to_end_id, a.number_index IS DISTINCT FROM t.account_fingerprint
                OR a.bank_id IS DISTINCT FROM t.creditor_agent OR a.payee_id IS DISTINCT FROM t.payee_id
            FROM payments_transfer t LEFT JOIN beneficiaries_payout_account a ON a.id = t.payout_account_id
            WHERE t.route = 'GATEWAY'""",
        ),
        Check(
            _("Tài khoản đã có hiệu lực trước khi trình, sau khi hết thời gian an toàn"),
            """SELECT t.end_to_end_id, a.activated_at > b.submitted_at OR coalesce(a.activated_at < a.cooling_until, false)
                OR a.activated_at IS NULL
            FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
            JOIN beneficiaries_payout_account a ON a.id = t.payout_account_id
            WHERE b.approved_at IS NOT NULL AND t.state <> 'EXCLUDED'""",
        ),
        Check(_("Số tài khoản đang lưu mở được và đúng dấu vân tay"), account_numbers),
    ),
    ("payout_account_frozen", "payout_account_cools_off"),
    Remedy.STOP,
)
I23 = Invariant(
    "I-23",
    _("Mỗi người nhận một tài khoản đang dùng, mỗi số tài khoản một chủ"),
    (
        Check(
            _("Một tài khoản đang dùng"),
            "SELECT payee_id, count(*) > 1 FROM beneficiaries_payout_account WHERE state = 'ACTIVE' GROUP BY payee_id",
        ),
        Check(
            _("Một chủ"),
            f"""SELECT min(id), count(*) > 1 FROM beneficiaries_payout_account
            WHERE state IN ({_in(ACCOUNT_HOLDS_NUMBER)}) GROUP BY number_index""",
        ),
    ),
    ("payout_account_one_active", "payout_account_one_holder"),
    Remedy.STOP,
)
LISTS = (I02, I03, I04, I05, I06, I07, I17, I18, I19, I20, I21, I22, I23)
