"""Who receives what is owed to somebody, as SQL: said once, for the build, the citizen's page and the work lists alike."""

# Joins for `e`, an entitlement: whoever represents the person for this line on a day, for all lines, and himself as a payee.
# `{day}` is the day's parameter or column.
RECEIVED_BY = """
    LEFT JOIN beneficiaries_representation special
        ON special.beneficiary_id = e.person_id AND special.programme_line_id = e.programme_line_id
        AND {day} BETWEEN special.valid_from AND coalesce(special.valid_to, 'infinity')
    LEFT JOIN beneficiaries_representation general
        ON general.beneficiary_id = e.person_id AND general.programme_line_id IS NULL
        AND {day} BETWEEN general.valid_from AND coalesce(general.valid_to, 'infinity')
    LEFT JOIN beneficiaries_payee self ON self.person_id = e.person_id
"""
# The payee among them, the nearest first.
RECEIVER = "coalesce(special.payee_id, general.payee_id, self.id)"
