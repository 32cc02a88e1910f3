"""Who is owed what, and where it is paid."""

from beneficiaries.models.accounts import Consent, PayoutAccount
from beneficiaries.models.entitlements import Entitlement, RegisterImport, RegisterImportFile
from beneficiaries.models.people import Household, Payee, Person, Representation
from beneficiaries.models.programmes import Programme, ProgrammeLine, Rate

__all__ = [
    "Consent",
    "Entitlement",
    "Household",
    "Payee",
    "PayoutAccount",
    "Person",
    "Programme",
    "ProgrammeLine",
    "Rate",
    "RegisterImport",
    "RegisterImportFile",
    "Representation",
]
