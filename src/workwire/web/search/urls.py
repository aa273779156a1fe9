"""The address of quick find, and the one it had before."""

from django.urls import path
from django.views.generic import RedirectView

from workwire.web.search import find_page

urlpatterns = [
    path("find", find_page.find, name="find"),
    path("search", RedirectView.as_view(pattern_name="find", query_string=True)),
]
