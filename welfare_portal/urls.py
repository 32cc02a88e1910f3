"""Every address of the portal starts here."""

from csp.constants import SELF
from csp.decorators import csp_replace
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from health_check.views import HealthCheckView

from foundation.users.pages import public
from welfare_portal import alarm_pages, home, notice_pages, own_pages, system_pages

# The API's description styles itself inline; no other page may.
api_docs = csp_replace({"style-src": [SELF, "'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=[])
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("cua-toi/", own_pages.citizen_home, name="citizen-home"),
    path("can-bo/", own_pages.staff_home, name="staff-home"),
    path("cua-toi/thong-bao/", notice_pages.my_notices, name="my-notices"),
    path("can-bo/thong-bao/", notice_pages.staff_notices, name="notices"),
    path("he-thong/", system_pages.status, name="system-status"),
    path("he-thong/canh-bao/", alarm_pages.alarms, name="alarms"),
    path("he-thong/canh-bao/<int:alarm_id>/", alarm_pages.alarm, name="alarm"),
    path("he-thong/canh-bao/<int:alarm_id>/nhan", alarm_pages.take_over, name="alarm-take-over"),
    path("he-thong/ngan-hang/", system_pages.channels, name="channels"),
    path("he-thong/ngan-hang/<slug:bank>/", system_pages.change, name="channel-change"),
    path("livez", home.livez, name="livez"),
    path("con-day", home.still_here, name="still-here"),
    path("ngon-ngu", public(set_language), name="set_language"),
    path(
        "readyz",
        HealthCheckView.as_view(checks=["health_check.checks.Database", "health_check.checks.Cache"]),
        name="readyz",
    ),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
    path("api/docs/", api_docs, name="api-docs"),
    path("", include("foundation.users.urls")),
    path("", include("beneficiaries.urls")),
    path("", include("payments.urls")),
]
