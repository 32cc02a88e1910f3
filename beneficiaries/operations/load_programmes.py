"""Schemes, their lines and their dated rates from the reference files: repeatable, set-based, nothing deleted."""

from django.db import transaction

from beneficiaries.models import Programme, ProgrammeLine, Rate
from foundation.reference import files
from foundation.reference.names import bank_form


@transaction.atomic
def load_programmes() -> dict[str, int]:
    """Bring programmes, lines and rates to the state of the files; how many rows each file holds.

    A rate that stands is ended by its `valid_to`, never rewritten: what was paid under it keeps its reason.
    """
    programmes = files.programmes()
    Programme.objects.bulk_create(
        [
            Programme(code=row.code, name=row.name, public_name=row.public_name, legal_basis=row.legal_basis)
            for row in programmes
        ],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "public_name", "legal_basis"],
    )
    by_code = dict(Programme.objects.values_list("code", "id"))
    lines = files.programme_lines()
    ProgrammeLine.objects.bulk_create(
        [
            ProgrammeLine(
                programme_id=by_code[row.programme],
                code=row.code,
                name=row.name,
                name_en=row.name_en,
                public_name=row.public_name,
                bank_narration=bank_form(row.public_name),
                sensitive=row.sensitive,
                standard=row.standard,
                coefficient=row.coefficient,
                counted_unit=row.unit,
                period=row.period,
                payee_role=row.payee,
                min_age=row.min_age,
                max_age=row.max_age,
                legal_basis=row.legal_basis,
                valid_from=row.valid_from,
                valid_to=row.valid_to,
            )
            for row in lines
        ],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=[
            "programme", "name", "name_en", "public_name", "bank_narration", "sensitive", "standard", "coefficient",
            "counted_unit", "period", "payee_role", "min_age", "max_age", "legal_basis", "valid_from", "valid_to",
        ],
    )  # fmt: skip
    rates = files.rates()
    known = {(rate.scope, rate.standard, rate.valid_from): rate for rate in Rate.objects.all()}
    fresh, ended = [], []
    for row in rates:
        rate = known.get((row.scope, row.standard, row.valid_from))
        if rate is None:
            fresh.append(
                Rate(
                    scope=row.scope,
                    standard=row.standard,
                    amount=row.amount,
                    valid_from=row.valid_from,
                    valid_to=row.valid_to,
                    legal_basis=row.legal_basis,
                )
            )
        elif rate.valid_to != row.valid_to:
            rate.valid_to = row.valid_to
            ended.append(rate)
    Rate.objects.bulk_update(ended, ["valid_to"])  # before the new ones: rates of one standard may not overlap
    Rate.objects.bulk_create(fresh)
    return {"programmes": len(programmes), "lines": len(lines), "rates": len(rates)}
