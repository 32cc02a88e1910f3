"""I-8 to I-11, I-24 to I-29: what was sent, asked and told. The order of steps is proven by what each of them leaves behind."""

from django.utils.translation import gettext_lazy as _

from payments.operations.verification.guards import session_limits
from payments.operations.verification.invariants import Check, Invariant, Proof, Remedy
from payments.operations.verification.opening import callback_bodies, trail
from payments.operations.verification.other_routes import OTHER_ROUTES
from payments.states import TRANSFER_LIVE

_LIVE = ", ".join(f"'{state}'" for state in TRANSFER_LIVE)

I08 = Invariant(
    "I-8",
    _("Ý định gửi được ghi lại trước khi byte đầu tiên rời hệ thống"),
    (
        Check(
            _("Khoản đã gửi có đủ lần gửi đã ghi trước"),
            # Intent and first_sent_at are written by one transaction, which lasts a minute at most. What a restored copy holds in
            # doubt may have been sent in the time that it lost.
            """SELECT t.end_to_end_id, a.chunk_id IS NULL OR a.sends < t.sent_count OR t.first_sent_at IS NULL
                OR t.first_sent_at < a.first - interval '1 minute'
            FROM payments_transfer t JOIN payments_dispatch_chunk c ON c.id = t.chunk_id AND c.doubted_at IS NULL
            LEFT JOIN (
                SELECT chunk_id, count(*) AS sends, min(intent_at) AS first
                FROM payments_dispatch_attempt WHERE kind = 'SEND' GROUP BY chunk_id) AS a ON a.chunk_id = t.chunk_id
            WHERE t.sent_count > 0""",
        ),
        Check(
            _("Mỗi lần gửi hay hỏi có trong nhật ký, trước câu trả lời của nó"),
            """SELECT a.message_id, e.id IS NULL OR coalesce(a.answered_at < a.intent_at, false)
            FROM payments_dispatch_attempt a LEFT JOIN audit_event e
              ON e.subject_kind = 'chunk' AND e.subject_id = a.chunk_id::text
             AND e.kind = 'chunk.' || lower(a.kind) || '_intended' AND e.payload ->> 'message' = a.message_id""",
        ),
        Check(
            _("Cổng không biết khoản nào mà ở đây chưa từng gửi"),
            """SELECT g.end_to_end_id, t.sent_count = 0 AND c.doubted_at IS NULL
            FROM gateway_credit g JOIN payments_transfer t USING (end_to_end_id)
            JOIN payments_dispatch_chunk c ON c.id = t.chunk_id""",
            of_gateway=True,
        ),
        Check(
            _("Bản tin mà cổng nhận là lần gửi đã ghi của gói đó"),
            """SELECT g.message_id, a.id IS NULL OR a.chunk_id <> t.chunk_id OR a.kind <> 'SEND'
            FROM gateway_credit g JOIN payments_transfer t USING (end_to_end_id)
            JOIN payments_dispatch_chunk c ON c.id = t.chunk_id AND c.doubted_at IS NULL
            LEFT JOIN payments_dispatch_attempt a ON a.message_id = g.message_id
            WHERE g.message_id IS NOT NULL""",
            of_gateway=True,
        ),
    ),
    (
        "transfer_at_bank_was_sent",
        "dispatch_attempt_recorded_once",
        "dispatch_attempt_frozen",
        "dispatch_attempt_kept",
    ),
    Remedy.STOP,
)
I09 = Invariant(
    "I-9",
    _("Không gọi ra ngoài khi đang mở giao dịch: chương trình từ chối, máy chủ ngắt phiên chờ"),
    (Check(_("Giới hạn thời gian của phiên làm việc còn hiệu lực"), session_limits),),
    proof=Proof.GUARD,
)
I10 = Invariant(
    "I-10",
    _("Chỉ gửi lại khi có bằng chứng là lần trước chưa được xử lý"),
    (
        Check(
            _("Khoản gửi lại có bằng chứng cho mỗi lần"),
            # "Never seen" is proof only when it was said after the last moment of every earlier send.
            """SELECT t.end_to_end_id, p.id IS NULL OR p.chunk_id <> t.chunk_id OR n.proofs < t.sent_count - 1 OR NOT CASE p.kind
                WHEN 'SEND' THEN p.outcome IN ('NOT_SENT', 'REFUSED')
                ELSE p.outcome = 'ANSWERED' AND p.answered_at > coalesce((
                    SELECT max(s.not_after) FROM payments_dispatch_attempt s
                    WHERE s.chunk_id = p.chunk_id AND s.kind = 'SEND' AND s.fence < p.fence), '-infinity') END
            FROM payments_transfer t LEFT JOIN payments_dispatch_attempt p ON p.id = t.proof_id
            LEFT JOIN (SELECT chunk_id, count(*) AS proofs FROM payments_dispatch_attempt
                       WHERE outcome IN ('NOT_SENT', 'REFUSED') OR (kind = 'INQUIRE' AND outcome = 'ANSWERED')
                       GROUP BY chunk_id) AS n ON n.chunk_id = t.chunk_id
            WHERE t.sent_count > 1 OR t.proof_id IS NOT NULL""",
        ),
    ),
    ("transfer_ready_again_with_proof",),
    Remedy.STOP,
)
I11 = Invariant(
    "I-11",
    _("Tiến trình đến muộn không ghi được gì"),
    (
        Check(
            _("Mỗi lần nhận gói có một lần ghi và một số thứ tự"),
            """SELECT c.id, c.fence <> coalesce(a.last, 0) OR c.fence <> coalesce(a.claims, 0)
            FROM payments_dispatch_chunk c LEFT JOIN (
                SELECT chunk_id, max(fence) AS last, count(*) AS claims FROM payments_dispatch_attempt GROUP BY chunk_id
            ) AS a ON a.chunk_id = c.id""",
        ),
        Check(
            _("Câu trả lời đến muộn không làm khoản nào đổi"),
            """SELECT e.id, e.payload -> 'moved' <> '{}'::jsonb OR a.id IS NULL OR a.outcome = 'PENDING'
            FROM audit_event e LEFT JOIN payments_dispatch_attempt a ON a.message_id = e.payload ->> 'message'
            WHERE e.subject_kind = 'chunk' AND e.kind = 'chunk.stale_answer'""",
        ),
    ),
    ("dispatch_chunk_fence_rises", "dispatch_attempt_one_per_fence"),
)
I24 = Invariant(
    "I-24",
    _("Mỗi bản tin của cổng có hiệu lực một lần"),
    (
        Check(
            _("Một mã bản tin, một dòng"),
            "SELECT message_id, count(*) > 1 FROM gateway_message GROUP BY provider, message_id",
        ),
        Check(_("Nội dung còn lưu đúng như khi nhận"), callback_bodies),
    ),
    ("gateway_message_once_per_provider", "gateway_message_frozen"),
)
I25 = Invariant(
    "I-25",
    _("Thứ tự các bản tin không đổi kết quả: lời cuối cùng có bậc cao nhất được giữ"),
    (
        Check(
            _("Trạng thái đúng với lời cuối của ngân hàng"),
            # What two persons decided last about a payment in review stands in the place of the bank's word.
            """SELECT t.end_to_end_id, d.outcome IS DISTINCT FROM t.state AND CASE t.state
                WHEN 'SETTLED' THEN (t.transaction_status, t.settlement_level)
                    NOT IN (('ACSC', 'DEBTOR'), ('BOOK', 'DEBTOR'), ('ACCC', 'CREDITOR'))
                WHEN 'REJECTED' THEN t.transaction_status <> 'RJCT' ELSE t.transaction_status IN ('ACSC', 'BOOK', 'ACCC') END
            FROM payments_transfer t LEFT JOIN payments_proposal d ON d.id = t.decision_id AND d.state = 'CONFIRMED'
            WHERE t.route = 'GATEWAY' AND t.sent_count > 0 AND t.state NOT IN ('RETURNED', 'REVIEW')""",
        ),
        Check(
            _("Ngân hàng không nói hai lời trái nhau"),
            """SELECT end_to_end_id, conflicting_status <> '' FROM payments_transfer
            WHERE state NOT IN ('PLANNED', 'READY', 'EXCLUDED')""",
        ),
    ),
    remedy=Remedy.STOP,
)
I26 = Invariant(
    "I-26",
    _("Không ghi kết quả nào từ lời không thể đúng: chưa ký, mã lạ, số tiền khác"),
    (
        Check(
            _("Khoản có kết quả đã được gửi, và có câu trả lời, bản tin đã kiểm tra hay sao kê"),
            """SELECT t.end_to_end_id, t.sent_count = 0 OR (a.chunk_id IS NULL AND e.subject_id IS NULL AND d.id IS NULL
                AND NOT EXISTS (SELECT 1 FROM payments_statement_entry s
                                WHERE s.transfer_id = t.id AND s.direction = 'DBIT' AND s.superseded_by_id IS NULL)
                AND NOT EXISTS (SELECT 1 FROM payments_difference v WHERE v.transfer_id = t.id AND v.kind = 'VANISHED'))
            FROM payments_transfer t LEFT JOIN payments_proposal d ON d.id = t.decision_id AND d.state = 'CONFIRMED'
            LEFT JOIN (SELECT DISTINCT chunk_id FROM payments_dispatch_attempt WHERE outcome = 'ANSWERED') AS a
              ON a.chunk_id = t.chunk_id
            LEFT JOIN (SELECT DISTINCT subject_id FROM audit_event WHERE subject_kind = 'chunk' AND kind = 'chunk.told') AS e
              ON e.subject_id = t.chunk_id::text
            WHERE t.route = 'GATEWAY' AND t.state IN ('SETTLED', 'REJECTED', 'RETURNED')""",
        ),
        Check(
            _("Bản tin đã làm đổi khoản chi là bản tin đã ký và đã được nhận"),
            """SELECT e.id, m.id IS NULL OR m.state <> 'APPLIED'
            FROM audit_event e LEFT JOIN gateway_message m ON m.id = (e.payload ->> 'gateway_message')::bigint
            WHERE e.subject_kind = 'chunk' AND e.kind IN ('chunk.told', 'chunk.returned')
              AND e.payload ->> 'by' IS DISTINCT FROM 'statement'""",
        ),
        Check(
            _("Điều mà sao kê đã làm đổi có bút toán của sao kê"),
            """SELECT e.id, s.chunk IS NULL
            FROM audit_event e LEFT JOIN (
                SELECT DISTINCT t.chunk_id::text AS chunk, s.direction
                FROM payments_statement_entry s JOIN payments_transfer t ON t.id = s.transfer_id) AS s
              ON s.chunk = e.subject_id AND s.direction = CASE e.kind WHEN 'chunk.proven' THEN 'DBIT' ELSE 'CRDT' END
            WHERE e.subject_kind = 'chunk' AND (e.kind = 'chunk.proven'
                OR e.kind = 'chunk.returned' AND e.payload ->> 'by' = 'statement')""",
        ),
        *OTHER_ROUTES,
    ),
    (
        "gateway_message_moves",
        "transfer_ended_by_result",
        "transfer_result_of_its_line",
        "transfer_result_one_that_moves",
        "payments_transfer_result_append_only",
        "payments_cash_collection_append_only",
    ),
    Remedy.STOP,
)
I27 = Invariant(
    "I-27",
    _("Mất Redis không mất việc nào: mọi việc còn dở đứng trong cơ sở dữ liệu"),
    (
        Check(
            _("Khoản còn mở được tìm thấy qua gói của nó"),
            """SELECT t.end_to_end_id, NOT CASE t.state
                WHEN 'SENDING' THEN c.state = 'LEASED_SEND'
                WHEN 'REVIEW' THEN c.state <> 'DONE'
                WHEN 'HANDED_OVER' THEN c.state <> 'DONE'
                WHEN 'READY' THEN c.state IN ('READY', 'LEASED_SEND', 'INQUIRY', 'LEASED_INQUIRY')
                WHEN 'PLANNED' THEN c.state = 'PLANNED'
                ELSE c.state IN ('INQUIRY', 'LEASED_INQUIRY', 'READY', 'LEASED_SEND') END
            FROM payments_transfer t JOIN payments_dispatch_chunk c ON c.id = t.chunk_id
            WHERE t.state IN ('PLANNED', 'READY', 'SENDING', 'HANDED_OVER', 'ACCEPTED', 'UNKNOWN', 'REVIEW')""",
        ),
    ),
    remedy=Remedy.WORKERS,
)
LATE = "1 hour"  # a sweep comes every few seconds: what is due for an hour, nobody does
I28 = Invariant(
    "I-28",
    _("Không việc nào chờ mãi: có giờ xem lại, và giờ đó không bị bỏ qua"),
    (
        Check(
            _("Khoản chi còn mở có giờ xem lại"),
            f"SELECT end_to_end_id, due_at IS NULL FROM payments_transfer WHERE state IN ({_LIVE})",
        ),
        Check(
            _("Gói đến lượt được làm"),
            f"""SELECT c.id, coalesce(c.lease_until, c.due_at) < portal_now() - interval '{LATE}'
            FROM payments_dispatch_chunk c JOIN payments_payout_batch b ON b.id = c.batch_id
            WHERE c.route = 'GATEWAY' AND (c.state IN ('INQUIRY', 'LEASED_INQUIRY', 'LEASED_SEND')
                OR (c.state = 'READY' AND b.state = 'DISPATCHING'))""",
        ),
        Check(
            _("Bản tin đã nhận được xử lý"),
            f"SELECT message_id, due_at < portal_now() - interval '{LATE}' FROM gateway_message WHERE state = 'RECEIVED'",
        ),
        Check(
            _("Tài khoản đang chờ có giờ xem lại"),
            """SELECT id, due_at IS NULL FROM beneficiaries_payout_account
            WHERE state IN ('REQUESTED', 'ID_PROVEN', 'ACCOUNT_CHECKED', 'REVIEW', 'COOLING')""",
        ),
    ),
    ("transfer_live_is_due", "payout_account_waiting_is_due"),
    Remedy.WORKERS,
)
I29 = Invariant(
    "I-29",
    _("Mỗi sự kiện có một chỗ trong một cây niêm phong; ai sửa sẽ lộ"),
    (Check(_("Tính lại cây từ mọi sự kiện"), trail),),
    ("sealed_event_without_gap", "tree_head_follows_the_last", "tree_head_grows", "audit_event_append_only"),
)
SENDING = (I08, I09, I10, I11, I24, I25, I26, I27, I28, I29)
