"""Addresses of the beneficiaries room: a citizen's registration, officers' lists and accounts."""

from django.urls import path

from beneficiaries.views import accounts, assistants, citizen, imports, ways

urlpatterns = [
    path("dang-ky/", citizen.start, name="register"),
    path("dang-ky/tiep-tuc", citizen.resume, name="register-resume"),
    path("dang-ky/thong-tin", citizen.details, name="register-details"),
    path("dang-ky/ngan-hang", citizen.bank, name="register-bank"),
    path("dang-ky/so-tai-khoan", citizen.number, name="register-number"),
    path("dang-ky/ten-chu-tai-khoan", citizen.holder, name="register-holder"),
    path("dang-ky/hoi-lai", citizen.ask_again, name="register-ask-again"),
    path("dang-ky/dong-y", citizen.consent, name="register-consent"),
    path("dang-ky/kiem-tra", citizen.check, name="register-check"),
    path("dang-ky/gui", citizen.send, name="register-send"),
    path("dang-ky/ket-qua/<slug:reference>", citizen.result, name="register-result"),
    path("dang-ky/lich-su", citizen.history, name="register-history"),
    path("dang-ky/huy-lien-ket/<int:version>", citizen.withdraw, name="register-withdraw"),
    path("can-bo/danh-sach/", imports.imports, name="imports"),
    path("can-bo/danh-sach/nhap", imports.check, name="import-new"),
    path("can-bo/danh-sach/mau", imports.blank, name="import-blank"),
    path("can-bo/danh-sach/<int:import_id>/", imports.detail, name="import"),
    path("can-bo/danh-sach/<int:import_id>/ghi", imports.commit, name="import-commit"),
    path("can-bo/danh-sach/<int:import_id>/huy", imports.cancel, name="import-cancel"),
    path("can-bo/tai-khoan/", accounts.overview, name="accounts-to-confirm"),
    path("can-bo/tai-khoan/xac-nhan", accounts.confirm, name="accounts-confirm"),
    path("can-bo/tai-khoan/<int:account_id>/", accounts.judge, name="account-judge"),
    path("can-bo/nguoi-nhan/<int:payee_id>/cach-nhan", ways.way, name="payee-way"),
    path("can-bo/chua-dang-ky/", assistants.not_registered, name="not-registered"),
    path("can-bo/chua-dang-ky/khu-pho/<int:neighbourhood_id>/", assistants.people_to_visit, name="people-to-visit"),
    path("can-bo/chua-dang-ky/to-dan/", assistants.poster, name="outreach-poster"),
]
