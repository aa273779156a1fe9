"""Paths of the pages and of the health checks."""

from django.urls import path

from workwire.web import health, signing, start, work

urlpatterns = [
    path("", start.start, name="start"),
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("work", work.work, name="work"),
    path("work/<uuid:guid>", work.item, name="work-item"),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.metrics),
]
