"""Forms of the library for second factors, where it leaves a label to Django, which makes it of the field's English name."""

from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.utils.translation import gettext_lazy as _


class AddPasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]  # allauth is not typed
    """A passkey is added; without a name it gets one."""

    name = forms.CharField(label=_("Tên khoá"), required=False)


class RenamePasskeyForm(webauthn.EditWebAuthnForm):  # type: ignore[misc]  # allauth is not typed
    """A passkey gets another name."""

    name = forms.CharField(label=_("Tên khoá"))
