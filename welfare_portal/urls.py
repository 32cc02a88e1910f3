"""Every address of the portal starts here."""

from csp.constants import SELF
from csp.decorators import csp_replace
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from health_check.views import HealthCheckView

from welfare_portal import home

# The API's description styles itself inline; no other page may.
api_docs = csp_replace({"style-src": [SELF, "'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=[])
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("livez", home.livez, name="livez"),
    path(
        "readyz",
        HealthCheckView.as_view(checks=["health_check.checks.Database", "health_check.checks.Cache"]),
        name="readyz",
    ),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
    path("api/docs/", api_docs, name="api-docs"),
    path("", include("payments.urls")),
]
