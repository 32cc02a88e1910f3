"""Who is owed what, and where it is paid."""

from beneficiaries.models.accounts import Consent, PayoutAccount
from beneficiaries.models.entitlements import Entitlement, RegisterImport, RegisterImportFile
from beneficiaries.models.people import Household, Payee, Person, Representation
from beneficiaries.models.programmes import Programme, ProgrammeLine, Rate
from beneficiaries.models.registration import AccountDraft, EnquiryCount
from beneficiaries.models.ways import PaymentWay

__all__ = [
    "AccountDraft",
    "Consent",
    "EnquiryCount",
    "Entitlement",
    "Household",
    "Payee",
    "PaymentWay",
    "PayoutAccount",
    "Person",
    "Programme",
    "ProgrammeLine",
    "Rate",
    "RegisterImport",
    "RegisterImportFile",
    "Representation",
]
