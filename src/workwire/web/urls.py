"""Paths of the pages, area by area, and of the health checks."""

from django.urls import include, path

from workwire.web import probes

urlpatterns = [
    path("", include("workwire.web.home.urls")),
    path("", include("workwire.web.kit.urls")),
    path("", include("workwire.web.notices.urls")),
    path("", include("workwire.web.operate.urls")),
    path("", include("workwire.web.search.urls")),
    path("", include("workwire.web.account.urls")),
    path("", include("workwire.web.work.urls")),
    path("", include("workwire.web.administration.urls")),
    path("", include("workwire.web.webhooks.urls")),
    path("health/live", probes.live),
    path("health/ready", probes.ready),
    path("metrics", probes.metrics),
]
