"""What of allauth is ours: staff are made by administrators, secrets are encrypted, and a second factor comes first."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.audit.operations import record_event
from foundation.privacy.encryption import decrypt, encrypt
from foundation.users.models import User
from foundation.users.pages import forbidden

SECRET = "mfa_authenticator.secret"  # noqa: S105  the name of an encryption context


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """Sign-in of staff by password and second factor."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Never: nobody makes himself an officer."""
        return False

    def get_login_redirect_url(self, _request: HttpRequest) -> str:
        """The first page shows each role its own work."""
        return reverse("home")

    def get_logout_redirect_url(self, _request: HttpRequest) -> str:
        """The page that says that it is done."""
        return reverse("signed-out")

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Passkey, then code, then password: the password alone is enough only where no second factor is set up."""
        methods = super().get_reauthentication_methods(user)
        stronger = [method for method in methods if method["id"] != "reauthenticate"]
        return sorted(stronger, key=lambda method: "webauthn" not in method["id"]) or methods

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        """Citizens come in by VNeID and by nothing else, whatever key they show here."""
        if user.kind != User.Kind.STAFF:
            return forbidden(request)
        return super().pre_login(request, user, **kwargs)

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        """Write the sign-in down."""
        answer = super().post_login(request, user, **kwargs)
        record_event(kind="staff.signed_in", actor=user.actor, subject_kind="user", subject_id=user.pk)
        return answer

    def send_notification_mail(self, *_args: Any, **_kwargs: Any) -> None:
        """Staff have no mail address here; what was changed stands in the trail."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth is not typed
    """Second factors. Their secrets lie encrypted; allauth does not tell the row, so none is bound to one."""

    def get_totp_issuer(self) -> str:
        """The name in the officer's authenticator app."""
        return _("Cổng an sinh xã hội TP.HCM")

    def _get_site_name(self) -> str:
        return _("Cổng an sinh xã hội TP.HCM")

    def encrypt(self, text: str) -> str:
        """Seal a TOTP secret or the seed of the recovery codes."""
        return base64.b64encode(encrypt(text, context=SECRET, row_id="any")).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open what `encrypt` sealed."""
        return decrypt(base64.b64decode(encrypted_text), context=SECRET, row_id="any")
