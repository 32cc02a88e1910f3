"""Addresses of signing in and out. Of allauth's pages only those that staff need are reachable, and by staff only."""

from allauth.account import views as account
from allauth.mfa.urls import urlpatterns as second_factors
from django.urls import URLPattern, URLResolver, include, path

from foundation.users import views
from foundation.users.pages import for_staff


def _guarded(patterns: list[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """allauth's addresses with our door before each page."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            _guarded(pattern.url_patterns)
        else:
            pattern.callback = for_staff(pattern.callback)
    return patterns


urlpatterns = [
    path("vneid/dang-nhap", views.sign_in, name="citizen-sign-in"),
    path("vneid/callback", views.callback, name="vneid-callback"),
    path("dang-xuat", views.sign_out, name="sign-out"),
    path("da-dang-xuat", views.signed_out, name="signed-out"),
    path("can-bo/dang-nhap", for_staff(account.login), name="account_login"),
    path("can-bo/dang-xuat", for_staff(account.logout), name="account_logout"),
    path("can-bo/xac-nhan", for_staff(account.reauthenticate), name="account_reauthenticate"),
    path("can-bo/doi-mat-khau", for_staff(account.password_change), name="account_change_password"),
    path("can-bo/tai-khoan-bi-khoa", for_staff(account.account_inactive), name="account_inactive"),
    path("can-bo/bao-mat/", include(_guarded(second_factors))),
]
