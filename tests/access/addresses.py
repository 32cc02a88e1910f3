"""Every address of the portal: which permission opens it, by which methods, and what who is let in gets.

`own` is the answer to a GET of somebody who holds the permission where the row belongs; `stranger` that of somebody who holds it
elsewhere (another ward, another citizen). A page that is missing here fails `test_every_address.py`.
"""

from dataclasses import dataclass

from foundation.users.roles import Permission

P = Permission


@dataclass(frozen=True, slots=True)
class Address:
    """One row of the table."""

    permission: Permission | None
    methods: str = "GET"
    own: int = 200
    stranger: int | None = None  # None: the same, for a list that shows strangers less

    @property
    def of_a_row(self) -> bool:
        """Whether strangers get another answer."""
        return self.stranger is not None


def public(own: int = 200, methods: str = "GET") -> Address:
    """A page for everybody."""
    return Address(None, methods, own)


ADDRESSES: dict[str, Address] = {
    # --- For everybody
    "home": public(),
    "livez": public(),
    "readyz": public(),
    "still-here": public(401),
    "set_language": public(302, "POST"),
    "schema": public(),
    "api-docs": public(),
    "citizen-sign-in": public(302),
    "vneid-callback": public(400),
    "sign-out": public(405, "POST"),
    "signed-out": public(),
    "gateway-callback": public(405, "POST"),
    # --- Citizens
    "citizen-home": Address(P.VIEW_OWN_WELFARE),
    "my-notices": Address(P.VIEW_OWN_WELFARE, "GET POST"),
    "my-payments": Address(P.VIEW_OWN_WELFARE),
    "my-payment": Address(P.VIEW_OWN_WELFARE, stranger=404),
    "register": Address(P.LINK_OWN_ACCOUNT, "GET POST"),
    "register-resume": Address(P.LINK_OWN_ACCOUNT, own=302),
    "register-details": Address(P.LINK_OWN_ACCOUNT, own=302),
    "register-bank": Address(P.LINK_OWN_ACCOUNT, "GET POST", own=302),
    "register-number": Address(P.LINK_OWN_ACCOUNT, "GET POST", own=302),
    "register-holder": Address(P.LINK_OWN_ACCOUNT, own=302),
    "register-ask-again": Address(P.LINK_OWN_ACCOUNT, "POST", own=405),
    "register-consent": Address(P.LINK_OWN_ACCOUNT, "GET POST", own=302),
    "register-check": Address(P.LINK_OWN_ACCOUNT, own=302),
    "register-send": Address(P.LINK_OWN_ACCOUNT, "POST", own=405),
    "register-result": Address(P.VIEW_OWN_WELFARE, stranger=404),
    "register-history": Address(P.VIEW_OWN_WELFARE),
    "register-withdraw": Address(P.LINK_OWN_ACCOUNT, "GET POST", stranger=404),
    # --- Officers: lists and accounts
    "staff-home": Address(P.VIEW_BATCHES),
    "imports": Address(P.VIEW_REGISTER),
    "import-new": Address(P.IMPORT_REGISTER, "GET POST"),
    "import-blank": Address(P.IMPORT_REGISTER),
    "import": Address(P.VIEW_REGISTER, stranger=404),
    "import-commit": Address(P.IMPORT_REGISTER, "POST", own=405),
    "import-cancel": Address(P.IMPORT_REGISTER, "POST", own=405),
    "accounts-to-confirm": Address(P.CONFIRM_ACCOUNTS),
    "accounts-confirm": Address(P.CONFIRM_ACCOUNTS, "POST", own=405),
    "account-judge": Address(P.CONFIRM_ACCOUNTS, "GET POST", stranger=404),
    "payee-way": Address(P.VIEW_REGISTER, "GET POST", stranger=404),
    # --- Community teams
    "not-registered": Address(P.ASSIST_REGISTRATION),
    "people-to-visit": Address(P.ASSIST_REGISTRATION),
    "outreach-poster": Address(P.ASSIST_REGISTRATION),
    # --- Officers: payout lists
    "batches": Address(P.VIEW_BATCHES),
    "batch-new": Address(P.PREPARE_BATCH, "GET POST"),
    "batch": Address(P.VIEW_BATCHES, stranger=404),
    "batch-transfers": Address(P.VIEW_BATCHES, stranger=404),
    "batch-excluded": Address(P.VIEW_BATCHES, stranger=404),
    "batch-changes": Address(P.VIEW_BATCHES, stranger=404),
    "batch-reconciliation": Address(P.VIEW_BATCHES, stranger=404),
    "batch-log": Address(P.VIEW_BATCHES, stranger=404),
    "batch-cash": Address(P.VIEW_BATCHES, stranger=404),
    "batch-cash-collect": Address(P.RECORD_CASH, "POST", own=405),
    "batch-cash-print": Address(P.RECORD_CASH, "POST", own=405),
    "batch-cash-hand-over": Address(P.RECORD_CASH, "POST", own=405),
    "batch-cash-carry-over": Address(P.RECORD_CASH, "GET POST", stranger=404),
    "batch-files": Address(P.VIEW_BATCHES, stranger=404),
    "batch-file-make": Address(P.RECORD_RESULTS, "POST", own=405),
    "batch-file-take": Address(P.RECORD_RESULTS, "POST", own=405),
    "batch-file-replace": Address(P.RECORD_RESULTS, "GET POST", stranger=404),
    "batch-result-new": Address(P.RECORD_RESULTS, "GET POST", stranger=404),
    "batch-result": Address(P.VIEW_BATCHES, stranger=404),
    "batch-result-commit": Address(P.RECORD_RESULTS, "POST", own=405),
    "batch-result-cancel": Address(P.RECORD_RESULTS, "POST", own=405),
    "batch-submit": Address(P.PREPARE_BATCH, "GET POST", own=409, stranger=404),  # it is being paid already
    "batch-withdraw": Address(P.PREPARE_BATCH, "GET POST", own=409, stranger=404),
    "batch-reject": Address(P.APPROVE_BATCH, "GET POST", own=409, stranger=404),
    "batch-hold": Address(P.HOLD_BATCH, "GET POST", stranger=404),
    "batch-release": Address(P.PROPOSE_ACT, "GET POST", own=409, stranger=404),
    "batch-cancel": Address(P.PROPOSE_ACT, "GET POST", stranger=404),
    "batch-approve": Address(P.APPROVE_BATCH, "GET POST", own=409, stranger=404),
    # --- Officers: acts of two persons
    "proposals": Address(P.VIEW_BATCHES),
    "proposal": Address(P.VIEW_BATCHES, stranger=404),
    "proposal-agree": Address(P.VIEW_BATCHES, "POST", own=405),
    "proposal-disagree": Address(P.VIEW_BATCHES, "POST", own=405),
    "proposal-take-back": Address(P.VIEW_BATCHES, "POST", own=405),
    "proposal-paper": Address(P.VIEW_BATCHES, own=404, stranger=404),  # this one has no paper
    "review": Address(P.VIEW_BATCHES),
    "review-decide": Address(P.PROPOSE_ACT, "GET POST", own=409, stranger=404),  # it is being paid
    "payments-stop": Address(P.HOLD_BATCH, "GET POST"),
    "payments-resume": Address(P.RESUME_PAYMENTS, "GET POST", own=409),
    "funds": Address(P.VIEW_BATCHES),
    "fund": Address(P.VIEW_BATCHES, stranger=404),
    "fund-ledger": Address(P.VIEW_BATCHES, stranger=404),
    "fund-vouchers": Address(P.VIEW_BATCHES, stranger=404),
    "fund-remit": Address(P.RECORD_FUNDING, "GET POST", stranger=404),
    "voucher-new": Address(P.RECORD_FUNDING, "GET POST", stranger=404),
    "voucher": Address(P.VIEW_BATCHES, stranger=404),
    "voucher-confirm": Address(P.CONFIRM_FUNDING, "POST", own=405),
    "voucher-refuse": Address(P.CONFIRM_FUNDING, "GET POST", stranger=404),
    "recoveries": Address(P.VIEW_BATCHES),
    "recovery-new": Address(P.RECORD_FUNDING, "GET POST"),
    "recovery": Address(P.VIEW_BATCHES, stranger=404),
    "recovery-confirm": Address(P.CONFIRM_FUNDING, "POST", own=405),
    "recovery-refuse": Address(P.CONFIRM_FUNDING, "GET POST", stranger=404),
    "recovery-stop": Address(P.RECORD_FUNDING, "GET POST", own=409, stranger=404),  # nobody has confirmed it yet
    # --- Officers: statements and differences
    "reconciliation": Address(P.VIEW_BATCHES),
    "statement-files": Address(P.VIEW_BATCHES),
    "statement-upload": Address(P.IMPORT_STATEMENT, "GET POST"),
    "statement-fetch": Address(P.IMPORT_STATEMENT, "GET POST"),
    "statement-file": Address(P.VIEW_BATCHES, stranger=404),
    "statement": Address(P.VIEW_BATCHES, stranger=404),
    "differences": Address(P.VIEW_BATCHES),
    "difference": Address(P.VIEW_BATCHES, stranger=404),
    "difference-take": Address(P.RECONCILE, "POST", own=405),
    "difference-comment": Address(P.RECONCILE, "POST", own=405),
    "difference-propose": Address(P.RECONCILE, "POST", own=405),
    "difference-withdraw": Address(P.RECONCILE, "POST", own=405),
    "difference-decide": Address(P.DECIDE_DIFFERENCE, "POST", own=405),
    # --- Auditors and administrators
    "trace-search": Address(P.TRACE, "GET POST"),
    "trace-batch": Address(P.TRACE, stranger=404),
    "trace-transfer": Address(P.TRACE, stranger=404),
    "trace-export": Address(P.TRACE, "POST", own=405),
    "trace-message": Address(P.TRACE, "GET POST", own=404),
    # --- The system: alarms, channels, notices
    "alarms": Address(P.VIEW_BATCHES),
    "alarm": Address(P.VIEW_BATCHES, "GET POST", stranger=404),
    "alarm-take-over": Address(P.MANAGE_ALARMS, "POST", own=405),
    "system-status": Address(P.VIEW_SYSTEM),
    "channels": Address(P.VIEW_SYSTEM),
    "channel-change": Address(P.MANAGE_CHANNELS, "GET POST"),
    "notices": Address(P.READ_NOTICES, "GET POST"),
    "verification": Address(P.VIEW_SYSTEM),
    # --- The API
    "api-batch-list": Address(P.VIEW_BATCHES),
    "api-batch-detail": Address(P.VIEW_BATCHES, stranger=404),
    "api-transfer-list": Address(P.VIEW_BATCHES),
    "api-transfer-detail": Address(P.VIEW_BATCHES, stranger=404),
}

# Pages of allauth that staff use: what somebody gets who is not signed in. They show and change one's own login only.
SIGNING_IN: dict[str, int] = {
    "account_login": 200,
    "account_logout": 302,
    "account_inactive": 200,
    "account_reauthenticate": 302,
    "account_change_password": 302,
    "mfa_index": 302,
    "mfa_authenticate": 302,
    "mfa_reauthenticate": 302,
    "mfa_reauthenticate_webauthn": 302,
    "mfa_login_webauthn": 302,
    "mfa_activate_totp": 302,
    "mfa_deactivate_totp": 302,
    "mfa_view_recovery_codes": 302,
    "mfa_generate_recovery_codes": 302,
    "mfa_download_recovery_codes": 302,
    "mfa_list_webauthn": 302,
    "mfa_add_webauthn": 302,
    "mfa_remove_webauthn": 302,
    "mfa_edit_webauthn": 302,
}
