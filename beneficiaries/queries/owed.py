"""Reads over the register: what is owed to whom for a month, as SQL that the payout build selects from."""

from beneficiaries.queries.receiving import RECEIVED_BY, RECEIVER
from beneficiaries.queries.ways import HOLDING_WAY, TODAY

# Every month that an entitlement owes up to a period, one row each, with its payee, the account to pay into, or the reason
# why it cannot be paid now. Which of them a payout has already taken is for the payments room to leave out.
#
# Parameters: period (first day of the month), first and last payee id of this step (inclusive), unit code or null, the ids of
# the programmes, `first_period`, before which the portal owes nothing, and `accounts_by`: GATEWAY, or TREASURY_FILE where the
# whole list is to go past the gateway.
# Columns: entitlement_id, payee_id, period, kind, amount, exclusion_reason, route, delivery, payment_way_id, payout_account_id,
# account_fingerprint, creditor_name, creditor_agent, bank_narration.
OWED = f"""
    SELECT
        e.id AS entitlement_id,
        p.id AS payee_id,
        month.period,
        CASE WHEN month.period = %(period)s THEN 'CURRENT' ELSE 'ARREARS' END AS kind,
        coalesce(e.fixed_amount, round(rate.amount * e.coefficient))::bigint AS amount,
        CASE
            WHEN coalesce(e.fixed_amount, rate.amount) IS NULL THEN 'NO_RATE'
            WHEN receiver.deceased_date IS NOT NULL THEN 'PAYEE_DECEASED'
            WHEN receiver.id = person.id AND person.birth_date > %(period)s::date - interval '14 years'
                THEN 'CHILD_WITHOUT_PAYEE'
            WHEN account.state = 'COOLING' THEN 'ACCOUNT_COOLING'
            WHEN account.state = 'SUSPENDED' THEN 'ACCOUNT_SUSPENDED'
            ELSE ''
        END AS exclusion_reason,
        CASE
            WHEN chosen.way = 'PAYMENT_SERVICE' THEN 'PAYMENT_SERVICE'
            WHEN account.id IS NULL THEN 'WARD_CASH'
            WHEN bank.by_gateway THEN %(accounts_by)s
            ELSE 'TREASURY_FILE'
        END AS route,
        CASE WHEN chosen.way = 'PAYMENT_SERVICE' THEN chosen.delivery ELSE '' END AS delivery,
        CASE WHEN chosen.way = 'PAYMENT_SERVICE' THEN chosen.id END AS payment_way_id,
        account.id AS payout_account_id,
        account.number_index AS account_fingerprint,
        CASE
            WHEN account.id IS NOT NULL THEN account.holder_name
            ELSE coalesce(receiver.full_name, p.organisation_name)
        END AS creditor_name,
        coalesce(account.bank_id, '') AS creditor_agent,
        line.bank_narration
    FROM beneficiaries_entitlement e
    JOIN beneficiaries_person person ON person.id = e.person_id
    JOIN beneficiaries_programme_line line ON line.id = e.programme_line_id
    {RECEIVED_BY.format(day="%(period)s")}
    JOIN beneficiaries_payee p ON p.id = {RECEIVER}
    LEFT JOIN beneficiaries_person receiver ON receiver.id = p.person_id
    {HOLDING_WAY.format(payee="p.id", day=TODAY)}
    LEFT JOIN LATERAL (
        SELECT a.id, a.state, a.number_index, a.holder_name, a.bank_id
        FROM beneficiaries_payout_account a
        WHERE a.payee_id = p.id AND a.state IN ('ACTIVE', 'COOLING', 'SUSPENDED')
          AND coalesce(chosen.way, 'USUAL') = 'USUAL'
        ORDER BY a.state LIMIT 1  -- ACTIVE comes before COOLING and SUSPENDED
    ) AS account ON true
    LEFT JOIN reference_bank bank ON bank.bin = account.bank_id
    CROSS JOIN LATERAL generate_series(
        greatest(
            date_trunc('month', e.valid_from)::date,
            coalesce((e.paid_through + interval '1 month')::date, %(first_period)s),
            %(first_period)s
        )::timestamp,
        least(
            %(period)s,
            coalesce(e.valid_to, 'infinity'),
            coalesce(person.deceased_date, 'infinity')
        )::timestamp,
        interval '1 month'
    ) AS series(moment)
    CROSS JOIN LATERAL (SELECT series.moment::date AS period) AS month
    LEFT JOIN LATERAL (
        SELECT max(r.amount) AS amount FROM beneficiaries_rate r
        WHERE r.standard = coalesce(nullif(e.standard, ''), line.standard)
          AND month.period BETWEEN r.valid_from AND coalesce(r.valid_to, 'infinity')
    ) AS rate ON true
    WHERE e.state = 'ACTIVE'
      AND line.period = 'MONTH'
      AND line.programme_id = ANY (%(programmes)s)
      AND (%(unit)s IS NULL OR e.unit_id = %(unit)s)
      AND p.id BETWEEN %(first_payee)s AND %(last_payee)s
"""  # noqa: S608  fragments of ours; values are parameters
