"""Which door answers which path."""

from django.urls import include, path, re_path

from workwire.api.v1 import api
from workwire.api.v1 import not_found as no_resource

urlpatterns = [
    path("api/v1/", api.urls),
    re_path(r"^api/v1/[\s\S]*$", no_resource),
    path("", include("workwire.webapi.urls")),
    path("", include("workwire.web.urls")),
]
handler500 = "workwire.web.failing.failed"
