"""Addresses of the beneficiaries room: a citizen's registration, officers' lists and accounts."""

from django.urls import path

from beneficiaries.views import officer

urlpatterns = [
    path("can-bo/danh-sach/", officer.imports, name="imports"),
    path("can-bo/tai-khoan/", officer.accounts_to_confirm, name="accounts-to-confirm"),
    path("can-bo/chua-dang-ky/", officer.not_registered, name="not-registered"),
]
