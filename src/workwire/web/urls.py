"""Paths of the pages and of the health checks."""

from django.urls import path

from workwire.web import probes, sign_in, start, work

urlpatterns = [
    path("", start.start, name="start"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("work", work.work, name="work"),
    path("work/<uuid:guid>", work.item, name="work-item"),
    path("health/live", probes.live),
    path("health/ready", probes.ready),
    path("metrics", probes.metrics),
]
