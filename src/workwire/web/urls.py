"""Paths of the pages and of the health checks."""

from django.urls import path

from workwire.web import health, start

urlpatterns = [
    path("", start.start, name="start"),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.metrics),
]
