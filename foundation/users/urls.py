"""Addresses of signing in and out. Of allauth's pages only those that staff need are reachable."""

from allauth.account import views as account
from django.urls import include, path

from foundation.users import views
from foundation.users.pages import public

urlpatterns = [
    path("vneid/dang-nhap", views.sign_in, name="citizen-sign-in"),
    path("vneid/callback", views.callback, name="vneid-callback"),
    path("dang-xuat", views.sign_out, name="sign-out"),
    path("da-dang-xuat", views.signed_out, name="signed-out"),
    path("can-bo/dang-nhap", public(account.login), name="account_login"),
    path("can-bo/dang-xuat", public(account.logout), name="account_logout"),
    path("can-bo/xac-nhan", public(account.reauthenticate), name="account_reauthenticate"),
    path("can-bo/doi-mat-khau", public(account.password_change), name="account_change_password"),
    path("can-bo/tai-khoan-bi-khoa", public(account.account_inactive), name="account_inactive"),
    path("can-bo/bao-mat/", include("allauth.mfa.urls")),
]
