"""Addresses of the payments room."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from payments import api
from payments.views import auditor, citizen, officer

router = SimpleRouter()
router.register("batches", api.BatchViewSet, basename="api-batch")
router.register("transfers", api.TransferViewSet, basename="api-transfer")

urlpatterns = [
    path("api/v1/gateway/callbacks", api.GatewayCallback.as_view(), name="gateway-callback"),
    path("api/v1/", include(router.urls)),
    path("cua-toi/khoan-chi/", citizen.my_payments, name="my-payments"),
    path("can-bo/dot-chi/", officer.batches, name="batches"),
    path("kiem-toan/", auditor.search, name="trace-search"),
]
