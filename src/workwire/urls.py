"""Which door answers which path."""

from django.urls import include, path

from workwire.api.v1 import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("", include("workwire.webapi.urls")),
    path("", include("workwire.web.urls")),
]
