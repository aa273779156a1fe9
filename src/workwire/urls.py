"""Which door answers which path."""

from django.urls import include, path

urlpatterns = [
    path("", include("workwire.webapi.urls")),
    path("", include("workwire.web.urls")),
]
