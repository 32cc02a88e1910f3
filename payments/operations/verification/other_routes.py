"""I-26 of what the gateway does not pay: how a payment ended is what a result file that was taken over, or a signature, says.

The Treasury and the payment service pay by lists of ours and answer by files; the first word that was taken over moves the
payment, a later one that contradicts it is kept beside it and decided by two persons. Cash ends by a signature, or is carried
over.
"""

from django.utils.translation import gettext_lazy as _

from payments.operations.verification.invariants import Check
from payments.states import ROUTES_BY_FILE

_BY_FILE = ", ".join(f"'{route}'" for route in ROUTES_BY_FILE)

# What stood in a list that was given out ends by a word about it, unless two persons decided between contrary words; what never
# did was cancelled here, without any word.
BY_FILE = f"""
SELECT t.end_to_end_id,
    coalesce(r.is_not_its_own, false)
    OR d.id IS NULL AND r.outcome IS DISTINCT FROM CASE WHEN t.state IN ('SETTLED', 'RETURNED') THEN 'PAID'
                                       WHEN t.state = 'REJECTED' OR t.state = 'CANCELLED' AND p.id IS NOT NULL THEN 'NOT_PAID' END
    OR t.settlement_level <> CASE WHEN t.state NOT IN ('SETTLED', 'RETURNED') THEN ''
                                  WHEN t.route = 'TREASURY_FILE' THEN 'TREASURY' ELSE 'SERVICE' END
FROM payments_transfer t
LEFT JOIN payments_payout_file_line p ON p.transfer_id = t.id AND p.live
LEFT JOIN (
    SELECT said.transfer_id, said.outcome,
        f.state <> 'COMMITTED' OR f.batch_id <> own.batch_id OR f.route <> own.route OR l.outcome <> said.outcome
            OR l.end_to_end_id <> own.end_to_end_id OR l.amount <> own.instructed_amount AS is_not_its_own
    FROM payments_transfer_result said JOIN payments_transfer own ON own.id = said.transfer_id
    JOIN payments_result_line l ON l.id = said.line_id JOIN payments_result_file f ON f.id = l.result_file_id
    WHERE NOT said.contradicts) AS r ON r.transfer_id = t.id
LEFT JOIN payments_proposal d ON d.id = t.decision_id AND d.state = 'CONFIRMED' AND d.outcome = t.state
WHERE t.route IN ({_BY_FILE})"""

CONTRADICTED = """
SELECT t.end_to_end_id, t.conflicting_status = '' AND d.id IS NULL
FROM payments_transfer_result r JOIN payments_transfer t ON t.id = r.transfer_id
LEFT JOIN payments_proposal d ON d.id = t.decision_id AND d.state = 'CONFIRMED' AND d.outcome = t.state
WHERE r.contradicts"""

CASH = """
SELECT t.end_to_end_id, (t.state = 'SETTLED') <> (s.id IS NOT NULL) OR (t.state = 'SETTLED') <> (t.settlement_level = 'CASH')
FROM payments_transfer t LEFT JOIN payments_cash_collection s ON s.transfer_id = t.id
WHERE t.route = 'WARD_CASH' OR s.id IS NOT NULL"""

OTHER_ROUTES = (
    Check(_("Khoản chi theo danh sách kết thúc đúng như tệp kết quả đã nhận"), BY_FILE),
    Check(_("Kết quả trái nhau chờ người quyết định, hoặc đã được hai người quyết định"), CONTRADICTED),
    Check(_("Khoản tiền mặt đã chi có chữ ký, khoản khác không có"), CASH),
)
